"""Executing something again: the same outcome, every contract and step of it, and nothing kept."""

from __future__ import annotations

import pytest
from eth_utils import keccak

from agent.chain.rpc.codec import read_block, read_request
from agent.chain.rpc.trace import Rerun

WHALE = "0x00000000219ab540356cBB839Cbe05303d7705Fa"
POOR_GAS = 100_000


@pytest.fixture
def failed(chain, web3, token) -> Rerun:
    """A transfer that was refused."""
    sent = token.functions.transfer(WHALE, 1).transact({"from": web3.eth.accounts[5], "gas": POOR_GAS})
    return chain.ask(lambda evm: evm.rerun_of(sent))


def test_a_mined_transaction_ends_as_it_did(chain, web3, token, failed):
    frame = chain.ask(lambda evm: evm.rerun(failed, gas=POOR_GAS))
    assert frame.address == bytes.fromhex(token.address[2:])
    assert frame.failure.is_revert
    assert frame.failure.data[:4] == keccak(text="InsufficientBalance(address,uint256,uint256)")[:4]
    assert frame.code[frame.steps[-1]] == 0xFD  # REVERT
    assert (frame.creates, frame.calls, len(list(frame.walk()))) == (False, (), 1)


def test_it_ends_so_even_where_the_chain_has_gone_on_or_back(chain, web3, token):
    before = chain.request("evm_snapshot")
    sent = token.functions.transfer(WHALE, 1).transact({"from": web3.eth.accounts[5], "gas": POOR_GAS})
    failed = chain.ask(lambda evm: evm.rerun_of(sent))
    token.functions.transfer(web3.eth.accounts[5], 10).transact()
    assert chain.ask(lambda evm: evm.rerun(failed, gas=POOR_GAS)).failure.is_revert
    chain.request("evm_revert", [before])
    assert chain.ask(lambda evm: evm.rerun_of(sent)) is None
    assert chain.ask(lambda evm: evm.rerun(failed, gas=POOR_GAS)).failure.is_revert


def test_nothing_is_kept(chain, web3, token):
    sent = token.functions.transfer(WHALE, 7).transact()
    rerun = chain.ask(lambda evm: evm.rerun_of(sent))
    before = web3.eth.get_block("latest")
    assert chain.ask(lambda evm: evm.rerun(rerun, gas=POOR_GAS)).failure is None
    assert web3.eth.get_block("latest") == before
    assert token.functions.balanceOf(WHALE).call() == 7


def test_other_code_can_stand_in(chain, token, failed):
    stop = {bytes.fromhex(token.address[2:]): b"\x00"}
    frame = chain.ask(lambda evm: evm.rerun(failed, gas=POOR_GAS, codes=stop))
    assert (frame.code, frame.steps, frame.failure) == (b"\x00", (0,), None)
    assert chain.ask(lambda evm: evm.rerun(failed, gas=POOR_GAS)).failure.is_revert


def test_gas_that_runs_out_is_told(chain, token):
    request = read_request({"to": token.address, "data": "0x18160ddd"})
    rerun = Rerun(request, chain.ask(lambda evm: evm.header(read_block("latest"))))
    frame = chain.ask(lambda evm: evm.rerun(rerun, gas=21_100))
    assert frame.failure.out_of_gas
    assert not frame.failure.is_revert


def test_a_transaction_that_nobody_knows_cannot_be_executed_again(chain):
    assert chain.ask(lambda evm: evm.rerun_of(b"\x01" * 32)) is None
