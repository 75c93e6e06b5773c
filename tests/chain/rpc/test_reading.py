"""Blocks, accounts, storage and fees as the node tells them, and what it says to questions it cannot read."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from web3 import Web3
from web3.contract import Contract

from agent.chain.local import LocalChain
from agent.chain.rpc.errors import RpcError
from agent.chain.rpc.methods import CLIENT_VERSION

NOWHERE = "0x" + "00" * 32
STRANGER = "0x" + "11" * 20


def mine_one_transfer(chain: LocalChain) -> str:
    sender = chain.accounts[0].address
    return chain.request("eth_sendTransaction", [{"from": sender, "to": STRANGER, "value": "0x7"}])


def test_the_node_says_who_it_is(chain: LocalChain) -> None:
    assert chain.request("web3_clientVersion") == CLIENT_VERSION
    assert chain.request("eth_chainId") == "0x7a69"
    assert chain.request("net_version") == "31337"
    assert chain.request("net_listening") is True
    assert chain.request("eth_syncing") is False


def test_a_block_is_the_same_by_number_by_hash_and_by_tag(chain: LocalChain) -> None:
    digest = mine_one_transfer(chain)
    block = chain.request("eth_getBlockByNumber", ["0x1", False])
    assert block["transactions"] == [digest]
    assert chain.request("eth_getBlockByHash", [block["hash"], False]) == block
    for tag in ("latest", "safe", "finalized"):
        assert chain.request("eth_getBlockByNumber", [tag, False]) == block
    assert chain.request("eth_getBlockByNumber", ["earliest", False])["number"] == "0x0"


def test_a_block_holds_its_transactions_whole_where_that_is_asked(chain: LocalChain) -> None:
    digest = mine_one_transfer(chain)
    [transaction] = chain.request("eth_getBlockByNumber", ["latest", True])["transactions"]
    assert transaction == chain.request("eth_getTransactionByHash", [digest])
    assert (transaction["value"], transaction["to"], transaction["blockNumber"]) == ("0x7", STRANGER, "0x1")


def test_blocks_are_chained_and_their_hashes_are_those_of_their_headers(chain: LocalChain, web3: Web3) -> None:
    mine_one_transfer(chain)
    for _ in range(3):
        chain.request("evm_mine")
    for number in range(1, 5):
        assert web3.eth.get_block(number)["parentHash"] == web3.eth.get_block(number - 1)["hash"]
    # BLOCKHASH of block 2, seen from block 4: push1 2; blockhash; push0; mstore; return(0, 32)
    assert (
        chain.request("eth_call", [{"data": "0x6002405f5260205ff3"}]) == web3.eth.get_block(2)["hash"].to_0x_hex()
    )


def test_what_does_not_exist_is_null(chain: LocalChain) -> None:
    for method, params in (
        ("eth_getBlockByNumber", ["0x1", True]),
        ("eth_getBlockByHash", [NOWHERE, False]),
        ("eth_getTransactionByHash", [NOWHERE]),
        ("eth_getTransactionReceipt", [NOWHERE]),
        ("eth_getBlockReceipts", ["0x1"]),
    ):
        assert chain.request(method, params) is None


@pytest.mark.parametrize("block", ["0x1", NOWHERE, {"blockHash": NOWHERE}, {"blockNumber": "0x9"}])
def test_the_state_after_a_block_that_does_not_exist_cannot_be_asked_for(chain: LocalChain, block: Any) -> None:
    for method, params in (
        ("eth_getBalance", [STRANGER, block]),
        ("eth_getStorageAt", [STRANGER, "0x0", block]),
        ("eth_call", [{"to": STRANGER}, block]),
        ("eth_estimateGas", [{"to": STRANGER}, block]),
    ):
        with pytest.raises(RpcError, match="header not found"):
            chain.request(method, params)


def test_balances_and_nonces_are_those_after_the_block_that_is_named(chain: LocalChain) -> None:
    before = chain.request("eth_getBlockByNumber", ["latest", False])["hash"]
    mine_one_transfer(chain)
    for block, balance in (
        ("0x0", "0x0"),
        (before, "0x0"),
        ({"blockHash": before, "requireCanonical": True}, "0x0"),
        ({"blockNumber": "0x1"}, "0x7"),
        ("latest", "0x7"),
        ("pending", "0x7"),
        (None, "0x7"),
    ):
        assert chain.request("eth_getBalance", [STRANGER, block]) == balance
    sender = chain.accounts[0].address
    assert chain.request("eth_getTransactionCount", [sender, "0x0"]) == "0x0"
    assert chain.request("eth_getTransactionCount", [sender, "pending"]) == "0x1"


def test_storage_is_read_by_slot(chain: LocalChain, web3: Web3, token: Contract) -> None:
    holder = chain.accounts[0].address
    slot = Web3.solidity_keccak(["uint256", "uint256"], [int(holder, 16), 0])  # of mapping 0, balanceOf
    word = web3.eth.get_storage_at(token.address, int.from_bytes(slot))
    assert int.from_bytes(word) == token.functions.balanceOf(holder).call() > 0
    assert chain.request("eth_getStorageAt", [token.address, "0x7"]) == NOWHERE


def test_code_is_there_only_where_a_contract_is(chain: LocalChain, token: Contract) -> None:
    assert len(chain.request("eth_getCode", [token.address])) > 1_000
    assert chain.request("eth_getCode", [token.address, "0x0"]) == "0x"
    assert chain.request("eth_getCode", [STRANGER]) == "0x"


# ---- fees


def test_a_gas_price_is_the_next_base_fee_and_a_tip(chain: LocalChain) -> None:
    mine_one_transfer(chain)
    next_base_fee = int(chain.request("eth_getBlockByNumber", ["pending", False])["baseFeePerGas"], 16)
    tip = int(chain.request("eth_maxPriorityFeePerGas"), 16)
    assert int(chain.request("eth_gasPrice"), 16) == next_base_fee + tip


def test_the_history_of_fees_is_that_of_the_blocks(chain: LocalChain) -> None:
    for _ in range(3):
        mine_one_transfer(chain)
    chain.request("evm_mine")
    blocks = [chain.request("eth_getBlockByNumber", [hex(number), False]) for number in (2, 3, 4)]
    pending = chain.request("eth_getBlockByNumber", ["pending", False])
    assert chain.request("eth_feeHistory", ["0x3", "latest", [0, 50.5, 100]]) == {
        "oldestBlock": "0x2",
        "baseFeePerGas": [block["baseFeePerGas"] for block in (*blocks, pending)],
        "gasUsedRatio": [21_000 / 30_000_000, 21_000 / 30_000_000, 0.0],
        "baseFeePerBlobGas": ["0x1"] * 4,
        "blobGasUsedRatio": [0.0] * 3,
        "reward": [[hex(10**9)] * 3, [hex(10**9)] * 3, ["0x0"] * 3],
    }


def test_the_history_of_fees_begins_at_the_first_block_and_leaves_out_what_is_not_asked(chain: LocalChain) -> None:
    chain.request("evm_mine")
    history = chain.request("eth_feeHistory", [10, "0x0", []])
    assert (history["oldestBlock"], len(history["baseFeePerGas"])) == ("0x0", 2)
    assert history["baseFeePerGas"][1] == chain.request("eth_getBlockByNumber", ["0x1", False])["baseFeePerGas"]
    assert "reward" not in history
    assert chain.request("eth_feeHistory", ["0x1", "pending"])["oldestBlock"] == "0x1"


@pytest.mark.parametrize(
    ("params", "message"),
    [
        (["0x0", "latest"], "blockCount must be 1 to 1024"),
        (["0x401", "latest"], "blockCount must be 1 to 1024"),
        (["0x1", "latest", [50, 10]], "must ascend"),
        (["0x1", "latest", [101]], "from 0 to 100"),
        (["0x1", "latest", ["10"]], "from 0 to 100"),
        (["0x1", "latest", 5], "must be an array"),
        (["0x1", "0x9"], "header not found"),
    ],
)
def test_a_history_of_fees_that_cannot_be_told_is_refused(
    chain: LocalChain, params: list[Any], message: str
) -> None:
    with pytest.raises(RpcError, match=message):
        chain.request("eth_feeHistory", params)


# ---- questions that cannot be read


@pytest.mark.parametrize(
    ("method", "params", "message"),
    [
        ("eth_getBalance", [], "eth_getBalance takes at least 1 parameters, not 0"),
        ("eth_getBalance", [STRANGER, "latest", 1], "eth_getBalance takes at most 2 parameters, not 3"),
        ("eth_getBalance", ["0x12"], "address must be 0x and 40 hex digits, not '0x12'"),
        ("eth_getBalance", [STRANGER[2:]], "address must be 0x and 40 hex digits"),
        ("eth_getBalance", [None], "address must be 0x and 40 hex digits, not None"),
        ("eth_getBalance", [STRANGER, "12"], "block must be a number or one of latest, pending"),
        ("eth_getBalance", [STRANGER, "0x"], "block must be a number such as 0x1a, not '0x'"),
        ("eth_getBalance", [STRANGER, True], "block must be a number such as 0x1a, not True"),
        ("eth_getBalance", [STRANGER, {}], "block must have either blockNumber or blockHash"),
        ("eth_getBalance", [STRANGER, {"blockHash": NOWHERE, "blockNumber": "0x0"}], "either blockNumber or"),
        ("eth_getBlockByNumber", ["latest", "yes"], "full must be true or false, not 'yes'"),
        ("eth_getTransactionReceipt", ["0x1234"], "hash must be 0x and 64 hex digits"),
        ("eth_getStorageAt", [STRANGER, "0x" + "1" * 65], "slot must be a number such as"),
        ("eth_call", [None], "transaction must be an object, not None"),
        ("eth_call", [{"to": STRANGER, "data": "0x123"}], "transaction.data must be 0x and an even number"),
        ("eth_call", [{"to": STRANGER, "data": "0x12", "input": "0x13"}], "both data and input, and they differ"),
        ("eth_call", [{"to": STRANGER, "gas": -1}], "transaction.gas must be a number such as 0x1a, not -1"),
        (
            "eth_call",
            [{"to": STRANGER, "gasPrice": "0x1", "maxFeePerGas": "0x1"}],
            "both gasPrice and maxFeePerGas",
        ),
        ("eth_call", [{"to": STRANGER, "value": "1"}], "transaction.value must be a number such as 0x1a, not '1'"),
        ("eth_call", [{"to": STRANGER, "accessList": [1]}], "accessList entry must be an object"),
        ("eth_call", [{"to": STRANGER, "blobs": []}], "transaction.blobs is not supported here"),
        ("evm_increaseTime", [-5], "seconds must be a number"),
        ("evm_revert", ["first"], "snapshot id must be a number"),
        ("eth_sign", [STRANGER, "0x12"], "unknown account"),
    ],
)
def test_parameters_that_mean_nothing_are_refused_with_what_was_expected(
    chain: LocalChain, method: str, params: list[Any], message: str
) -> None:
    with pytest.raises(RpcError, match=message) as refused:
        chain.request(method, params)
    assert refused.value.code == (-32000 if "unknown account" in message else -32602)


def test_data_and_input_may_both_be_given_where_they_agree(chain: LocalChain) -> None:
    assert chain.request("eth_call", [{"to": STRANGER, "data": "0x12", "input": "0x12"}]) == "0x"


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-1, 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(["0x", "0x0", "0x1", "latest", "pending", STRANGER, NOWHERE, "0xzz", "", "0x" + "ff" * 40]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["from", "to", "data", "value", "gas", "fromBlock", "topics", "address", "blockHash"]),
            inner,
        )
    ),
    max_leaves=8,
)
HARMLESS = [  # all but those that may mine thousands of blocks
    "eth_accounts", "eth_blockNumber", "eth_call", "eth_estimateGas", "eth_feeHistory", "eth_gasPrice",
    "eth_getBalance", "eth_getBlockByHash", "eth_getBlockByNumber", "eth_getBlockReceipts", "eth_getCode",
    "eth_getFilterChanges", "eth_getFilterLogs", "eth_getLogs", "eth_getStorageAt", "eth_getTransactionByHash",
    "eth_getTransactionCount", "eth_getTransactionReceipt", "eth_newBlockFilter", "eth_newFilter",
    "eth_sendRawTransaction", "eth_sendTransaction", "eth_sign", "eth_signTypedData_v4", "eth_uninstallFilter",
    "evm_increaseTime", "evm_mine", "evm_revert", "evm_setNextBlockTimestamp", "evm_snapshot", "personal_sign",
]  # fmt: skip


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(method=st.sampled_from(HARMLESS), params=st.lists(JSON, max_size=3))
def test_no_parameters_whatever_make_the_node_fail(chain: LocalChain, method: str, params: list[Any]) -> None:
    snapshot = chain.request("evm_snapshot")
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
    reply = json.loads(chain.answer(body.encode()) or b"null")
    assert "result" in reply or reply["error"]["code"] in (-32602, -32000, 3)
    chain.request("evm_revert", [snapshot])
