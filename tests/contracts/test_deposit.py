"""`deposit`: what arrives is what is credited, whatever the token does."""

from __future__ import annotations

import pytest
from eth_utils import keccak

from agent.chain.contracts import TokenContract
from agent.chain.events import Deposited

BASE = 10**18
ZERO = "0x" + "00" * 20


def test_credits_the_depositor_and_takes_the_tokens(desk):
    before, wallet = balance(desk, desk.owner), desk.base.balance_of(desk.owner.address)
    held = desk.held(desk.base)
    desk.settlement.deposit(desk.owner, desk.at.base, 3 * BASE)
    assert balance(desk, desk.owner) == before + 3 * BASE
    assert desk.base.balance_of(desk.owner.address) == wallet - 3 * BASE
    assert desk.held(desk.base) == held + 3 * BASE


def test_logs_who_paid_and_who_was_credited(desk):
    receipt = desk.settlement.deposit(desk.owner, desk.at.base, 3 * BASE, desk.stranger.address)
    assert [event for event in receipt.events if isinstance(event, Deposited)] == [
        Deposited(desk.stranger.address, desk.at.base, payer=desk.owner.address, amount=3 * BASE)
    ]


def test_credits_whoever_it_is_made_for_and_not_the_payer(desk):
    before = balance(desk, desk.owner)
    desk.settlement.deposit(desk.owner, desk.at.base, BASE, desk.stranger.address)
    assert balance(desk, desk.stranger) == BASE
    assert balance(desk, desk.owner) == before


def test_refuses_to_credit_nobody(desk, reverts):
    with reverts("ZeroAddress"):
        desk.settlement.deposit(desk.owner, desk.at.base, BASE, ZERO)


def test_passes_on_what_the_token_says_when_the_wallet_or_the_allowance_is_short(desk, reverts):
    with reverts("ERC20InsufficientAllowance", spender=desk.settlement.address, allowance=0, needed=1):
        desk.settlement.deposit(desk.stranger, desk.at.base, 1)
    desk.base.approve(desk.stranger, desk.settlement.address, 1)
    with reverts("ERC20InsufficientBalance", sender=desk.stranger.address, balance=0, needed=1):
        desk.settlement.deposit(desk.stranger, desk.at.base, 1)


def test_credits_only_what_is_left_of_a_transfer_that_costs_a_fee(desk):
    token = minted(desk, "FeeToken", 1_000)
    for deposited in (400, 600):
        receipt = desk.settlement.deposit(desk.owner, token.address, deposited)
        assert receipt.events[-1].amount == deposited * 99 // 100
    assert balance(desk, desk.owner, token) == 990 == desk.held(token)


def test_credits_no_more_than_was_asked_for_where_more_arrives(desk):
    token = minted(desk, "GenerousToken", 1_000)
    desk.settlement.deposit(desk.owner, token.address, 1_000)
    assert balance(desk, desk.owner, token) == 1_000
    assert desk.held(token) == 1_007


def test_refuses_a_token_that_answers_false(desk, reverts):
    token = minted(desk, "FalseToken", 1_000)
    with reverts("SafeERC20FailedOperation", token=token.address):
        desk.settlement.deposit(desk.owner, token.address, 1_000)


def test_credits_nothing_for_a_transfer_that_a_token_only_claims(desk):
    token = minted(desk, "LyingToken", 1_000)
    token.mint(desk.owner, desk.settlement.address, 1_000)
    desk.settlement.deposit(desk.owner, token.address, 1_000)
    assert balance(desk, desk.owner, token) == 0


def test_takes_a_token_that_answers_nothing(desk):
    token = minted(desk, "SilentToken", 1_000)
    desk.settlement.deposit(desk.owner, token.address, 1_000)
    assert balance(desk, desk.owner, token) == 1_000 == desk.held(token)


def test_refuses_an_address_that_is_no_token(desk, reverts):
    with reverts(""):
        desk.settlement.deposit(desk.owner, desk.stranger.address, 1)


@pytest.mark.parametrize(
    "call",
    [
        lambda desk, token: ("deposit", token.address, 500, desk.owner.address),
        lambda desk, token: ("withdraw", token.address, 500, desk.owner.address),
    ],
    ids=["deposit", "withdraw"],
)
def test_a_token_that_calls_back_in_the_middle_is_turned_away(desk, call):
    """Counted twice, the inner deposit's tokens would be part of what "arrived" in the outer one."""
    token = minted(desk, "ReentrantToken", 1_000)
    token.mint(desk.owner, token.address, 1_000)
    data = desk.settlement.encode(*call(desk, token))
    token.send(desk.owner, "arm", desk.settlement.address, data)
    desk.settlement.deposit(desk.owner, token.address, 1_000)
    assert token.call("succeeded") == (False,)
    assert token.call("answer") == (keccak(text="ReentrancyGuardReentrantCall()")[:4],)
    assert balance(desk, desk.owner, token) == 1_000 == desk.held(token)


def test_tokens_that_were_sent_without_a_deposit_are_nobodys(desk):
    before = balance(desk, desk.owner)
    desk.base.transfer(desk.owner, desk.settlement.address, 5 * BASE)
    desk.settlement.deposit(desk.owner, desk.at.base, BASE)
    assert balance(desk, desk.owner) == before + BASE


def minted(desk, name, amount):
    token = desk.deploy(name, kind=TokenContract)
    token.mint(desk.owner, desk.owner.address, amount)
    token.approve(desk.owner, desk.settlement.address, 2**256 - 1)
    return token


def balance(desk, account, token=None):
    return desk.settlement.balance_of(account.address, token.address if token else desk.at.base)
