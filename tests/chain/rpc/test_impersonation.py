"""Sending in the name of an address whose key nobody here has, under the names that anvil and hardhat gave it."""

from __future__ import annotations

import pytest
from web3.exceptions import ContractCustomError, Web3RPCError

WHALE = "0x00000000219ab540356cBB839Cbe05303d7705Fa"


def impersonate(web3, address: str, *, maker: str = "anvil") -> None:
    web3.manager.request_blocking(f"{maker}_impersonateAccount", [address])


@pytest.mark.parametrize("maker", ["anvil", "hardhat"])
def test_an_address_without_a_key_can_send_and_pays_no_gas(web3, token, maker):
    token.functions.transfer(WHALE, 100).transact()
    impersonate(web3, WHALE, maker=maker)
    sent = token.functions.transfer(web3.eth.accounts[1], 30).transact({"from": WHALE})
    receipt = web3.eth.get_transaction_receipt(sent)
    assert (receipt["status"], receipt["from"]) == (1, WHALE)
    assert token.functions.balanceOf(WHALE).call() == 70
    assert (web3.eth.get_balance(WHALE), web3.eth.get_transaction_count(WHALE)) == (0, 1)


def test_its_transaction_can_be_looked_up(web3, token):
    impersonate(web3, WHALE)
    sent = token.functions.transfer(WHALE, 0).transact({"from": WHALE})
    found = web3.eth.get_transaction(sent)
    assert (found["from"], found["hash"]) == (WHALE, sent)
    assert web3.eth.get_block("latest", full_transactions=True)["transactions"][0]["from"] == WHALE


def test_two_addresses_with_the_same_transaction_have_two_hashes(web3, token):
    other = "0x" + "11" * 20
    for address in (WHALE, other):
        impersonate(web3, address)
    sent = {
        token.functions.transfer(WHALE, 0).transact({"from": address, "gas": 100_000})
        for address in (WHALE, other)
    }
    assert len(sent) == 2


def test_one_that_owns_a_key_here_can_be_impersonated_too(web3, token):
    account = web3.eth.accounts[3]
    before = web3.eth.get_balance(account)
    impersonate(web3, account)
    token.functions.transfer(WHALE, 0).transact({"from": account})
    assert web3.eth.get_balance(account) == before


def test_until_it_is_stopped(web3, token):
    impersonate(web3, WHALE)
    token.functions.transfer(WHALE, 0).transact({"from": WHALE})
    web3.manager.request_blocking("anvil_stopImpersonatingAccount", [WHALE])
    with pytest.raises(Web3RPCError, match="unknown account"):
        token.functions.transfer(WHALE, 0).transact({"from": WHALE, "gas": 100_000})


def test_it_hands_over_no_more_than_it_owns(web3):
    impersonate(web3, WHALE)
    with pytest.raises(Web3RPCError, match="insufficient funds"):
        web3.eth.send_transaction({"from": WHALE, "to": web3.eth.accounts[0], "value": 1, "gas": 100_000})


def test_others_go_on_paying(web3, token):
    impersonate(web3, WHALE)
    payer = web3.eth.accounts[1]
    before = web3.eth.get_balance(payer)
    token.functions.transfer(WHALE, 0).transact({"from": payer})
    assert web3.eth.get_balance(payer) < before


def test_a_reverted_transactions_receipt_holds_the_reason(web3, token):
    poor = web3.eth.accounts[5]
    sent = token.functions.transfer(WHALE, 1).transact({"from": poor, "gas": 100_000})
    receipt = web3.eth.get_transaction_receipt(sent)
    said = token.encode_abi("transfer", [WHALE, 1])
    with pytest.raises(ContractCustomError) as caught:
        web3.eth.call({"from": poor, "to": token.address, "data": said})
    assert (receipt["status"], receipt["revertReason"]) == (0, caught.value.data)


def test_no_other_receipt_has_a_reason(web3, token):
    sent = token.functions.transfer(WHALE, 1).transact()
    starved = web3.eth.send_transaction({"to": token.address, "data": "0x12345678", "gas": 21_200})
    for each in (sent, starved):
        assert "revertReason" not in web3.eth.get_transaction_receipt(each)
