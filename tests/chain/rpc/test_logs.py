"""Logs by range, contract and topic, and filters that tell what is new."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st
from web3 import Web3
from web3.contract import Contract

from agent.chain.local import LocalChain
from agent.chain.rpc.errors import RpcError

TRANSFER = Web3.keccak(text="Transfer(address,address,uint256)").to_0x_hex()
APPROVAL = Web3.keccak(text="Approval(address,address,uint256)").to_0x_hex()
ALICE, BOB, CAROL = ("0x" + digit * 40 for digit in "abc")


def padded(address: str) -> str:
    return "0x" + address[2:].lower().rjust(64, "0")


def lived_through(web3: Web3, token: Contract) -> Contract:
    """Return the token after block 1 (its creation): 2 Alice, 3 Bob, 4 an approval, 5 Alice again, 6 nothing."""
    token.functions.transfer(Web3.to_checksum_address(ALICE), 1).transact()
    token.functions.transfer(Web3.to_checksum_address(BOB), 2).transact()
    token.functions.approve(Web3.to_checksum_address(CAROL), 3).transact()
    token.functions.transfer(Web3.to_checksum_address(ALICE), 4).transact()
    web3.provider.make_request("evm_mine", [])
    return token


@pytest.fixture
def history(web3: Web3, token: Contract) -> Contract:
    return lived_through(web3, token)


class Past(NamedTuple):
    """A chain that has lived through it all and is only asked, so that one is enough."""

    chain: LocalChain
    token: Contract


@pytest.fixture(scope="module")
def past(deploy_token: Callable[[Web3], Contract]) -> Iterator[Past]:
    with LocalChain() as chain:
        web3 = Web3(chain.provider())
        web3.eth.default_account = chain.accounts[0].address
        yield Past(chain, lived_through(web3, deploy_token(web3)))


def blocks(chain: LocalChain, **criteria: Any) -> list[int]:
    """Return the block numbers of the logs found."""
    found = chain.request("eth_getLogs", [{"fromBlock": "0x0", **criteria}])
    return [int(log["blockNumber"], 16) for log in found]


def test_a_log_names_its_place(past: Past) -> None:
    chain, token = past
    block = chain.request("eth_getBlockByNumber", ["0x2", False])
    assert chain.request("eth_getLogs", [{"fromBlock": "0x2", "toBlock": "0x2"}]) == [
        {
            "address": token.address.lower(),
            "topics": [TRANSFER, padded(chain.accounts[0].address), padded(ALICE)],
            "data": "0x" + "1".rjust(64, "0"),
            "blockNumber": "0x2",
            "blockHash": block["hash"],
            "blockTimestamp": block["timestamp"],
            "transactionHash": block["transactions"][0],
            "transactionIndex": "0x0",
            "logIndex": "0x0",
            "removed": False,
        }
    ]


def test_logs_are_those_of_the_receipts(past: Past) -> None:
    blocks = [past.chain.request("eth_getBlockReceipts", [hex(number)]) for number in range(7)]
    logs = [log for receipts in blocks for receipt in receipts for log in receipt["logs"]]
    assert past.chain.request("eth_getLogs", [{"fromBlock": "earliest"}]) == logs
    assert len(logs) == 5


def test_web3_decodes_them_as_events(past: Past) -> None:
    values = [event["args"]["value"] for event in past.token.events.Transfer().get_logs(from_block=2)]
    assert values == [1, 2, 4]


@pytest.mark.parametrize(
    ("criteria", "expected"),
    [
        ({}, [1, 2, 3, 4, 5]),
        ({"fromBlock": "0x3"}, [3, 4, 5]),
        ({"fromBlock": "0x2", "toBlock": "0x3"}, [2, 3]),
        ({"fromBlock": "0x2", "toBlock": "0xffff"}, [2, 3, 4, 5]),
        ({"fromBlock": "earliest", "toBlock": "0x2"}, [1, 2]),
        ({"fromBlock": "latest"}, []),
        ({"fromBlock": None, "toBlock": None}, []),
        ({"fromBlock": "0x7"}, []),
        ({"fromBlock": "pending", "toBlock": "pending"}, []),
        ({"topics": []}, [1, 2, 3, 4, 5]),
        ({"topics": [TRANSFER]}, [1, 2, 3, 5]),
        ({"topics": [APPROVAL]}, [4]),
        ({"topics": [[TRANSFER, APPROVAL]]}, [1, 2, 3, 4, 5]),
        ({"topics": [None, None, padded(ALICE)]}, [2, 5]),
        ({"topics": [TRANSFER, None, [padded(ALICE), padded(BOB)]]}, [2, 3, 5]),
        ({"topics": [TRANSFER, [], padded(BOB)]}, [3]),
        ({"topics": [None, None, [padded(BOB), None]]}, [1, 2, 3, 4, 5]),
        ({"topics": [None, None, None, None]}, []),
        ({"topics": ["0x" + "00" * 32]}, []),
        ({"address": ALICE}, []),
        ({"address": []}, [1, 2, 3, 4, 5]),
    ],
)
def test_logs_are_found_by_range_and_topic(past: Past, criteria: dict[str, Any], expected: list[int]) -> None:
    assert blocks(past.chain, **criteria) == expected


def test_logs_are_found_by_contract(past: Past) -> None:
    chain, token = past
    assert blocks(chain, address=token.address) == [1, 2, 3, 4, 5]
    assert blocks(chain, address=[ALICE, token.address.lower()]) == [1, 2, 3, 4, 5]


def test_logs_are_found_by_the_hash_of_their_block(past: Past) -> None:
    chain = past.chain
    block_hash = chain.request("eth_getBlockByNumber", ["0x3", False])["hash"]
    found = chain.request("eth_getLogs", [{"blockHash": block_hash}])
    assert [log["blockNumber"] for log in found] == ["0x3"]
    with pytest.raises(RpcError, match="unknown block"):
        chain.request("eth_getLogs", [{"blockHash": "0x" + "00" * 32}])


@pytest.mark.parametrize(
    ("criteria", "message"),
    [
        ({"fromBlock": "0x3", "toBlock": "0x2"}, "invalid block range"),
        ({"blockHash": "0x" + "00" * 32, "fromBlock": "0x1"}, "both blockHash and fromBlock"),
        ({"topics": TRANSFER}, "filter.topics must be an array"),
        ({"topics": ["0x1234"]}, "topic must be 0x and 64 hex digits"),
        ({"topics": [[[TRANSFER]]]}, "topic must be 0x and 64 hex digits"),
        ({"topics": [None] * 5}, "a log has at most 4"),
        ({"address": "0x12"}, "address must be 0x and 40 hex digits"),
        ({"fromBlock": "yesterday"}, "block must be a number or one of"),
        ("0x1", "filter must be an object"),
    ],
)
def test_a_question_that_means_nothing_is_refused(past: Past, criteria: Any, message: str) -> None:
    for method in ("eth_getLogs", "eth_newFilter") if message != "invalid block range" else ("eth_getLogs",):
        with pytest.raises(RpcError, match=message):
            past.chain.request(method, [criteria])


@given(
    positions=st.lists(st.lists(st.sampled_from("abcd"), max_size=3).map(tuple), max_size=4),
    first=st.integers(0, 8),
    length=st.integers(0, 8),
)
def test_any_question_finds_exactly_what_the_rule_says(
    many_logs: tuple[LocalChain, list[tuple[int, tuple[str, ...]]]],
    positions: list[tuple[str, ...]],
    first: int,
    length: int,
) -> None:
    chain, logged = many_logs
    wanted = [
        number
        for number, topics in logged
        if first <= number <= first + length
        and len(topics) >= len(positions)
        and all(not position or topic in position for position, topic in zip(positions, topics, strict=False))
    ]
    asked = [[word(letter) for letter in position] for position in positions]
    assert blocks(chain, fromBlock=hex(first), toBlock=hex(first + length), topics=asked) == wanted


def word(letter: str) -> str:
    return "0x" + letter.encode().hex().rjust(64, "0")


@pytest.fixture(scope="module")
def many_logs() -> Any:
    """A chain with one log in each block from 1 on, made by creation code that logs 0 to 4 topics."""
    with LocalChain() as chain:
        logged: list[tuple[int, tuple[str, ...]]] = []
        for number, topics in enumerate(("", "a", "ab", "abc", "abcd", "bb", "ad", "dcba"), start=1):
            # push the topics in reverse, then size 0 and offset 0, then LOGn
            pushes = "".join(f"60{topic.encode().hex()}" for topic in reversed(topics))
            code = f"0x{pushes}5f5f{0xA0 + len(topics):02x}"
            chain.request("eth_sendTransaction", [{"from": chain.accounts[0].address, "data": code}])
            logged.append((number, tuple(topics)))
        yield chain, logged


# ---- filters


def test_a_filter_of_logs_tells_what_is_new_since_it_was_last_asked(chain: LocalChain, history: Contract) -> None:
    installed = chain.request("eth_newFilter", [{"fromBlock": "0x0", "topics": [TRANSFER]}])
    assert chain.request("eth_getFilterChanges", [installed]) == []
    history.functions.transfer(Web3.to_checksum_address(BOB), 7).transact()
    history.functions.approve(Web3.to_checksum_address(BOB), 7).transact()
    assert [log["blockNumber"] for log in chain.request("eth_getFilterChanges", [installed])] == ["0x7"]
    assert chain.request("eth_getFilterChanges", [installed]) == []
    found = chain.request("eth_getFilterLogs", [installed])
    assert [log["blockNumber"] for log in found] == ["0x1", "0x2", "0x3", "0x5", "0x7"]


def test_a_filter_of_logs_keeps_to_the_blocks_it_was_limited_to(chain: LocalChain, history: Contract) -> None:
    installed = chain.request("eth_newFilter", [{"fromBlock": "0x8", "toBlock": "0x8"}])
    for _ in range(3):
        history.functions.transfer(Web3.to_checksum_address(BOB), 7).transact()
    assert [log["blockNumber"] for log in chain.request("eth_getFilterChanges", [installed])] == ["0x8"]


def test_a_filter_of_blocks_tells_their_hashes_and_one_of_transactions_theirs(chain: LocalChain) -> None:
    of_blocks = chain.request("eth_newBlockFilter")
    of_transactions = chain.request("eth_newPendingTransactionFilter")
    sender = chain.accounts[0].address
    digest = chain.request("eth_sendTransaction", [{"from": sender, "to": sender}])
    chain.request("evm_mine")
    hashes = [chain.request("eth_getBlockByNumber", [number, False])["hash"] for number in ("0x1", "0x2")]
    assert chain.request("eth_getFilterChanges", [of_blocks]) == hashes
    assert chain.request("eth_getFilterChanges", [of_transactions]) == [digest]
    assert chain.request("eth_getFilterChanges", [of_blocks]) == []
    with pytest.raises(RpcError, match="not a filter of logs"):
        chain.request("eth_getFilterLogs", [of_blocks])


def test_after_a_return_to_a_snapshot_a_filter_tells_what_is_mined_instead(chain: LocalChain) -> None:
    snapshot, installed = chain.request("evm_snapshot"), chain.request("eth_newBlockFilter")
    chain.request("evm_mine")
    chain.request("evm_mine")
    assert len(chain.request("eth_getFilterChanges", [installed])) == 2
    chain.request("evm_revert", [snapshot])
    chain.request("evm_mine", ["0x77777777"])
    hashes = [chain.request("eth_getBlockByNumber", ["latest", False])["hash"]]
    assert chain.request("eth_getFilterChanges", [installed]) == hashes


def test_a_filter_that_was_uninstalled_is_gone(chain: LocalChain) -> None:
    installed = chain.request("eth_newBlockFilter")
    assert chain.request("eth_uninstallFilter", [installed]) is True
    assert chain.request("eth_uninstallFilter", [installed]) is False
    for method in ("eth_getFilterChanges", "eth_getFilterLogs"):
        with pytest.raises(RpcError, match="filter not found"):
            chain.request(method, [installed])


def test_web3_filters_work(web3: Web3, history: Contract) -> None:
    events, new_blocks = history.events.Transfer.create_filter(from_block="latest"), web3.eth.filter("latest")
    history.functions.transfer(Web3.to_checksum_address(BOB), 9).transact()
    assert [event["args"]["value"] for event in events.get_new_entries()] == [9]
    assert new_blocks.get_new_entries() == [web3.eth.get_block("latest")["hash"]]
