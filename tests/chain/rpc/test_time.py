"""Block time, mining and snapshots: what `pending` and `latest` see, and that a return is complete."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, multiple, precondition, rule
from web3 import Web3
from web3.contract import Contract

from agent.chain.local import LocalChain
from agent.chain.rpc.errors import RpcError
from agent.chain.rpc.evm import Genesis
from agent.errors import ChainError

START = 1_500_000_000
# timestamp; push0; mstore; number; push1 32; mstore; return(0, 64)
TIME_AND_NUMBER = "0x425f524360205260405ff3"


def seen(chain: LocalChain, block: str) -> tuple[int, int]:
    """Return the timestamp and number a call against a block sees."""
    answer = chain.request("eth_call", [{"data": TIME_AND_NUMBER}, block])
    return int(answer[2:66], 16), int(answer[66:], 16)


def latest(chain: LocalChain) -> tuple[int, int]:
    """Return the timestamp and number of the last block."""
    block = chain.request("eth_getBlockByNumber", ["latest", False])
    return int(block["timestamp"], 16), int(block["number"], 16)


def transact(chain: LocalChain) -> None:
    sender = chain.accounts[0].address
    chain.request("eth_sendTransaction", [{"from": sender, "to": sender}])


def test_the_chain_begins_at_the_time_it_is_given(chain: LocalChain) -> None:
    assert latest(chain) == (START, 0)


@pytest.mark.parametrize("time", [-1, 1 << 64])
def test_a_chain_cannot_begin_at_a_time_no_block_can_carry(time: int) -> None:
    with pytest.raises(ChainError, match="No block can carry the time"):
        Genesis(time=time)


def test_left_alone_time_moves_one_second_with_each_block(chain: LocalChain) -> None:
    transact(chain)
    chain.request("evm_mine")
    assert latest(chain) == (START + 2, 2)


def test_a_time_that_is_set_is_exactly_the_time_of_the_next_block_and_of_no_other(chain: LocalChain) -> None:
    chain.request("evm_setNextBlockTimestamp", [START + 1_000])
    transact(chain)
    assert latest(chain) == (START + 1_000, 1)
    transact(chain)
    assert latest(chain) == (START + 1_001, 2)


def test_a_pending_call_sees_the_very_block_the_next_transaction_will_be_mined_in(chain: LocalChain) -> None:
    assert seen(chain, "pending") == (START + 1, 1)
    chain.request("evm_setNextBlockTimestamp", [START + 1_000])
    assert seen(chain, "pending") == (START + 1_000, 1)
    transact(chain)
    assert latest(chain) == (START + 1_000, 1)


def test_a_latest_call_sees_the_last_block_that_was_mined(chain: LocalChain) -> None:
    chain.request("evm_setNextBlockTimestamp", [START + 1_000])
    assert seen(chain, "latest") == (START, 0)
    transact(chain)
    assert seen(chain, "latest") == (START + 1_000, 1)
    assert seen(chain, "earliest") == (START, 0)


def test_the_pending_block_shows_the_time_to_come(chain: LocalChain) -> None:
    chain.request("evm_setNextBlockTimestamp", [START + 1_000])
    pending = chain.request("eth_getBlockByNumber", ["pending", False])
    assert (int(pending["timestamp"], 16), int(pending["number"], 16)) == (START + 1_000, 1)
    assert (pending["hash"], pending["transactions"]) == (None, [])


def test_an_estimate_that_names_no_block_is_made_at_the_time_to_come(chain: LocalChain, token: Contract) -> None:
    data = token.encode_abi("onlyAt", [START + 1_000])
    call = {"from": chain.accounts[0].address, "to": token.address, "data": data}
    with pytest.raises(RpcError, match="not now"):
        chain.request("eth_estimateGas", [call])
    chain.request("evm_setNextBlockTimestamp", [START + 1_000])
    assert int(chain.request("eth_estimateGas", [call]), 16) > 21_000
    with pytest.raises(RpcError, match="not now"):
        chain.request("eth_estimateGas", [call, "latest"])
    digest = chain.request("eth_sendTransaction", [call])
    assert chain.request("eth_getTransactionReceipt", [digest])["status"] == "0x1"


def test_web3_can_be_told_to_look_at_the_block_to_come(chain: LocalChain, web3: Web3, token: Contract) -> None:
    web3.eth.default_block = "pending"
    chain.request("evm_setNextBlockTimestamp", [START + 1_000])
    assert token.functions.height().call() == [START + 1_000, 2]
    receipt = web3.eth.get_transaction_receipt(token.functions.onlyAt(START + 1_000).transact())
    assert receipt["status"] == 1


def test_time_can_be_moved_on_by_seconds_again_and_again(chain: LocalChain) -> None:
    assert chain.request("evm_increaseTime", [100]) == 100
    assert chain.request("evm_increaseTime", ["0xa"]) == 110
    assert seen(chain, "pending") == (START + 111, 1)
    transact(chain)
    transact(chain)
    assert latest(chain) == (START + 112, 2)


@pytest.mark.parametrize("timestamp", [START, START - 1, 0, 1 << 64])
def test_time_never_goes_back_nor_stands_still(chain: LocalChain, timestamp: int) -> None:
    with pytest.raises(RpcError, match="is not later than the latest block's") as refused:
        chain.request("evm_setNextBlockTimestamp", [timestamp])
    assert refused.value.code == -32602


def test_a_time_once_set_can_be_set_again_even_to_an_earlier_one(chain: LocalChain) -> None:
    chain.request("evm_setNextBlockTimestamp", [START + 1_000])
    chain.request("evm_setNextBlockTimestamp", [START + 10])
    chain.request("evm_mine")
    assert latest(chain) == (START + 10, 1)


@pytest.mark.parametrize("argument", [START + 50, hex(START + 50), {"timestamp": START + 50}])
def test_an_empty_block_can_be_mined_at_a_time_of_choice(chain: LocalChain, argument: object) -> None:
    chain.request("evm_mine", [argument])
    assert latest(chain) == (START + 50, 1)


def test_many_blocks_can_be_mined_at_an_interval(chain: LocalChain) -> None:
    chain.request("anvil_mine", ["0x5", "0xa"])
    assert latest(chain) == (START + 41, 5)
    chain.request("hardhat_mine")
    assert latest(chain) == (START + 42, 6)
    with pytest.raises(RpcError, match="too many"):
        chain.request("anvil_mine", ["0xffffffff"])


def test_a_chain_with_a_clock_follows_it_from_its_own_beginning() -> None:
    clock = [9_000.0]
    with LocalChain(Genesis(time=START), now=lambda: clock[0]) as chain:
        clock[0] += 60.5
        transact(chain)
        assert latest(chain) == (START + 60, 1)
        transact(chain)
        assert latest(chain) == (
            START + 61,
            2,
        )  # the clock stood still, and a block is never earlier than the last
        chain.request("evm_increaseTime", [1_000])
        assert seen(chain, "pending") == (START + 1_060, 3)
        chain.request("evm_setNextBlockTimestamp", [START + 5_000])
        transact(chain)
        clock[0] += 7
        transact(chain)
        assert latest(chain) == (START + 5_007, 4)


def test_a_return_to_a_snapshot_takes_everything_back(chain: LocalChain, web3: Web3, token: Contract) -> None:
    receiver = web3.eth.accounts[1]
    chain.request("evm_setNextBlockTimestamp", [START + 500])
    snapshot = chain.request("evm_snapshot")
    before = chain.request("eth_getBlockByNumber", ["latest", True])

    digest = token.functions.transfer(receiver, 5).transact()
    gone = chain.request("eth_getBlockByNumber", ["latest", False])["hash"]
    assert chain.request("evm_revert", [snapshot]) is True

    assert chain.request("eth_getBlockByNumber", ["latest", True]) == before
    assert token.functions.balanceOf(receiver).call() == 0
    assert chain.request("eth_getTransactionReceipt", [digest.to_0x_hex()]) is None
    assert chain.request("eth_getTransactionByHash", [digest.to_0x_hex()]) is None
    assert chain.request("eth_getBlockByHash", [gone, False]) is None
    assert chain.request("eth_getLogs", [{"fromBlock": "0x2"}]) == []
    assert seen(chain, "pending") == (START + 500, 2)


def test_a_snapshot_can_be_returned_to_once_and_takes_the_later_ones_with_it(chain: LocalChain) -> None:
    first, second = chain.request("evm_snapshot"), chain.request("evm_snapshot")
    assert (first, second) == ("0x0", "0x1")
    assert chain.request("evm_revert", [first]) is True
    assert chain.request("evm_revert", [second]) is False
    assert chain.request("evm_revert", [first]) is False
    assert chain.request("evm_snapshot") == "0x2"


class Snapshots(RuleBasedStateMachine):
    """Mines, transfers and returns in any order, against a list of what the chain should be."""

    taken = Bundle("taken")

    def __init__(self) -> None:
        super().__init__()
        self.chain = LocalChain(Genesis(time=START))
        self.blocks = [self.block()]
        self.kept: dict[str, list[object]] = {}

    def block(self) -> object:
        return self.chain.request("eth_getBlockByNumber", ["latest", True])

    @rule()
    def transfer(self) -> None:
        transact(self.chain)
        self.blocks.append(self.block())

    @rule(ahead=st.integers(1, 10_000))
    def mine(self, ahead: int) -> None:
        self.chain.request("evm_mine", [latest(self.chain)[0] + ahead])
        self.blocks.append(self.block())

    @rule(target=taken)
    def snapshot(self) -> str:
        taken = self.chain.request("evm_snapshot")
        self.kept[taken] = list(self.blocks)
        return taken

    @precondition(lambda self: self.kept)
    @rule(target=taken, snapshot=taken)
    def revert(self, snapshot: str) -> object:
        alive = snapshot in self.kept
        assert self.chain.request("evm_revert", [snapshot]) is alive
        if alive:
            self.blocks = self.kept[snapshot]
            self.kept = {key: value for key, value in self.kept.items() if int(key, 16) < int(snapshot, 16)}
        return multiple()

    @invariant()
    def the_chain_is_what_was_kept_and_nothing_else(self) -> None:
        numbers = range(len(self.blocks) + 3)
        found = [self.chain.request("eth_getBlockByNumber", [hex(number), True]) for number in numbers]
        assert found == [*self.blocks, None, None, None]
        nonce = self.chain.request("eth_getTransactionCount", [self.chain.accounts[0].address])
        assert int(nonce, 16) == sum(len(block["transactions"]) for block in self.blocks)
        for parent, child in pairwise(self.blocks):
            assert child["parentHash"] == parent["hash"]

    def teardown(self) -> None:
        self.chain.close()


Snapshots.TestCase.settings = settings(max_examples=10, stateful_step_count=15, deadline=None)
test_any_order_of_blocks_and_returns_leaves_the_chain_as_it_was_kept = Snapshots.TestCase
