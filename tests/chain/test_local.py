"""The local chain as a whole: one owner, any number of users, two doors, and an end."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import pytest
from web3 import Web3
from web3.exceptions import Web3RPCError

from agent import __version__
from agent.chain.local import LocalChain
from agent.chain.rpc.errors import RpcError
from agent.chain.rpc.evm import Genesis
from agent.errors import ChainError, DataError

RECEIVER = "0x" + "11" * 20


@pytest.fixture
def chain() -> Iterator[LocalChain]:
    with LocalChain(Genesis(time=1_500_000_000)) as chain:
        yield chain


@pytest.fixture
def web3(chain: LocalChain) -> Web3:
    return Web3(chain.provider())


def transfer(chain: LocalChain, account: int, nonce: int) -> str:
    fees = {"maxFeePerGas": 3 * 10**9, "maxPriorityFeePerGas": 10**9}
    plain = {"chainId": chain.chain_id, "nonce": nonce, "to": RECEIVER, "value": 1, "gas": 21_000}
    return chain.accounts[account].sign_transaction(plain | fees).raw_transaction.to_0x_hex()


def test_web3_is_connected_and_learns_whom_it_talks_to(web3: Web3) -> None:
    assert web3.is_connected()
    assert web3.client_version == f"patternsettle/{__version__}/eth-tester"
    assert (web3.eth.chain_id, web3.net.version, web3.net.listening, web3.eth.syncing) == (
        31337,
        "31337",
        True,
        False,
    )
    assert str(web3.provider) == "the local chain"


def test_web3_may_ask_in_batches(chain: LocalChain, web3: Web3) -> None:
    with web3.batch_requests() as batch:
        batch.add(web3.eth.get_balance(chain.accounts[0].address))
        batch.add(web3.eth.get_block("latest"))
        balance, block = batch.execute()
    assert balance == 10_000 * 10**18
    assert block["timestamp"] == 1_500_000_000


def test_an_error_of_the_node_reaches_web3_as_one(web3: Web3) -> None:
    with pytest.raises(Web3RPCError, match="the method eth_nonsense does not exist"):
        web3.manager.request_blocking("eth_nonsense", [])


def test_the_same_requests_make_the_same_chain(chain: LocalChain) -> None:
    with LocalChain(Genesis(time=1_500_000_000)) as other:
        for each in (chain, other):
            each.request("eth_sendRawTransaction", [transfer(each, 0, 0)])
            each.request("evm_mine")
        latest = ("eth_getBlockByNumber", ["latest", True])
        assert chain.request(*latest) == other.request(*latest)


# ---- many threads


def test_many_threads_at_once_leave_a_consistent_chain(chain: LocalChain) -> None:
    threads, each = 8, 6

    def work(account: int) -> list[str]:
        digests = []
        for nonce in range(each):
            digest = chain.request("eth_sendRawTransaction", [transfer(chain, account, nonce)])
            receipt = chain.request("eth_getTransactionReceipt", [digest])
            assert (receipt["status"], receipt["transactionHash"]) == ("0x1", digest)
            assert int(chain.request("eth_estimateGas", [{"to": RECEIVER}]), 16) == 21_000
            digests.append(digest)
        return digests

    with ThreadPoolExecutor(threads) as pool:
        sent = [digest for digests in pool.map(work, range(threads)) for digest in digests]

    blocks = [
        chain.request("eth_getBlockByNumber", [hex(number), False]) for number in range(1, threads * each + 1)
    ]
    assert sorted(block["transactions"][0] for block in blocks) == sorted(sent)
    assert all(child["parentHash"] == parent["hash"] for parent, child in pairwise(blocks))
    assert int(chain.request("eth_getBalance", [RECEIVER]), 16) == threads * each


def test_what_is_run_together_is_not_interrupted(chain: LocalChain) -> None:
    def twice() -> tuple[str, str]:
        first = chain.request("eth_blockNumber")
        chain.request("evm_mine")
        return first, chain.request("eth_blockNumber")

    with ThreadPoolExecutor(8) as pool:
        pairs = list(pool.map(lambda _: chain.run(twice), range(40)))
    assert sorted(int(first, 16) for first, _ in pairs) == list(range(40))
    assert all(int(second, 16) == int(first, 16) + 1 for first, second in pairs)


def test_run_passes_on_what_is_returned_and_what_is_raised(chain: LocalChain) -> None:
    assert chain.run(lambda: chain.run(lambda: 7)) == 7
    with pytest.raises(ZeroDivisionError):
        chain.run(lambda: 1 // 0)
    assert chain.request("eth_blockNumber") == "0x0"


def test_all_requests_are_carried_out_by_one_thread(chain: LocalChain) -> None:
    chain.register("test_thread", lambda: threading.current_thread().name)
    with ThreadPoolExecutor(4) as pool:
        names = set(pool.map(lambda _: chain.request("test_thread"), range(20)))
    assert len(names) == 1
    assert threading.current_thread().name not in names


# ---- methods of one's own


def test_a_method_can_be_added_and_takes_its_parameters_by_position(chain: LocalChain, web3: Web3) -> None:
    chain.register("test_join", lambda left, right="z": {"joined": left + right})
    assert chain.request("test_join", ["a"]) == {"joined": "az"}
    assert web3.manager.request_blocking("test_join", ["a", "b"])["joined"] == "ab"
    for params, message in (([], "takes at least 1"), (["a", "b", "c"], "takes at most 2")):
        with pytest.raises(RpcError, match=message) as refused:
            chain.request("test_join", params)
        assert refused.value.code == -32602


def test_a_method_may_take_any_number_of_parameters(chain: LocalChain) -> None:
    chain.register("test_count", lambda *params: len(params))
    assert chain.request("test_count", [1, 2, 3]) == 3


def test_a_method_of_ones_own_may_use_the_chain_itself(chain: LocalChain, web3: Web3) -> None:
    chain.register("test_height", lambda: web3.eth.block_number)
    chain.request("evm_mine")
    assert chain.request("test_height") == 1


@pytest.mark.parametrize(
    ("raised", "code", "message"),
    [
        (RpcError(-32099, "no", {"why": 1}), -32099, "no"),
        (DataError("it is wrong.", cure="Mend it."), -32000, "it is wrong. Mend it."),
        (KeyError("lost"), -32603, "internal error: test_fail: KeyError: 'lost'"),
    ],
)
def test_what_a_method_raises_becomes_an_error_answer(
    chain: LocalChain, raised: Exception, code: int, message: str, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> None:
        raise raised

    chain.register("test_fail", fail)
    with pytest.raises(RpcError) as refused:
        chain.request("test_fail")
    assert (refused.value.code, refused.value.message) == (code, message)
    # A fault of the node's own is never silent: it is logged with its traceback.
    logged = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert len(logged) == (code == -32603)
    assert all(record.exc_info and record.exc_info[1] is raised for record in logged)


@pytest.mark.parametrize("result", [b"bytes", {1, 2}, float("nan"), [object()]])
def test_a_result_json_cannot_hold_is_an_internal_error(
    chain: LocalChain, result: Any, caplog: pytest.LogCaptureFixture
) -> None:
    chain.register("test_bad", lambda: result)
    reply = chain.answer(b'{"jsonrpc": "2.0", "id": 1, "method": "test_bad"}')
    assert reply is not None
    assert json.loads(reply)["error"]["code"] == -32603
    assert "test_bad" in caplog.text


# ---- the end


def test_after_the_end_every_door_says_so(chain: LocalChain, web3: Web3) -> None:
    chain.close()
    for attempt in (
        lambda: chain.request("eth_blockNumber"),
        lambda: chain.answer(b'{"jsonrpc": "2.0", "id": 1, "method": "eth_blockNumber"}'),
        lambda: chain.run(lambda: 1),
        lambda: chain.register("test_late", lambda: 1),
        lambda: web3.eth.block_number,
    ):
        with pytest.raises(ChainError, match="The local chain is closed"):
            attempt()
    assert web3.is_connected() is False
    with pytest.raises(ChainError):
        web3.is_connected(show_traceback=True)


def test_no_later_thread_is_taken_for_the_owner_that_has_ended(chain: LocalChain) -> None:
    chain.close()
    refused: list[bool] = []

    def ask() -> None:
        with pytest.raises(ChainError, match="closed"):
            chain.request("eth_blockNumber")
        refused.append(True)

    for _ in range(20):  # thread numbers are given out again
        thread = threading.Thread(target=ask)
        thread.start()
        thread.join()
    assert len(refused) == 20


def test_who_waits_while_the_chain_is_closed_is_told_and_does_not_hang(chain: LocalChain) -> None:
    running, finish = threading.Event(), threading.Event()

    def slow() -> str:
        running.set()
        finish.wait(10)
        return "finished"

    with ThreadPoolExecutor(3) as pool:
        busy = pool.submit(chain.run, slow)
        running.wait(10)
        waiting = pool.submit(chain.request, "eth_blockNumber")
        closing = pool.submit(chain.close)
        with pytest.raises(ChainError, match="closed"):
            waiting.result(10)
        finish.set()
        assert busy.result(10) == "finished"
        closing.result(10)


def test_the_chain_can_be_closed_from_its_own_thread_and_twice(chain: LocalChain) -> None:
    chain.register("test_stop", chain.close)
    assert chain.request("test_stop") is None
    with pytest.raises(ChainError, match="closed"):
        chain.request("eth_blockNumber")
    chain.close()
