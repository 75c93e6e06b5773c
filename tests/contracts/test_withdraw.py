"""`withdraw`: it depends on nothing but the caller's own balance and the token."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from eth_utils import keccak

from agent.chain.contracts import TokenContract
from agent.chain.events import Withdrawn

BASE = 10**18
ZERO = "0x" + "00" * 20


def test_pays_out_of_the_callers_balance(desk):
    before, wallet = balance(desk), desk.base.balance_of(desk.owner.address)
    desk.settlement.withdraw(desk.owner, desk.at.base, 3 * BASE)
    assert balance(desk) == before - 3 * BASE
    assert desk.base.balance_of(desk.owner.address) == wallet + 3 * BASE


def test_pays_whoever_the_caller_names(desk):
    receipt = desk.settlement.withdraw(desk.owner, desk.at.base, BASE, desk.stranger.address)
    assert desk.base.balance_of(desk.stranger.address) == BASE
    assert [event for event in receipt.events if isinstance(event, Withdrawn)] == [
        Withdrawn(desk.owner.address, desk.at.base, receiver=desk.stranger.address, amount=BASE)
    ]


def test_pays_the_last_unit_and_not_one_more(desk, reverts):
    all_of_it = balance(desk)
    with reverts(
        "InsufficientBalance",
        account=desk.owner.address,
        token=desk.at.base,
        balance=all_of_it,
        amount=all_of_it + 1,
    ):
        desk.settlement.withdraw(desk.owner, desk.at.base, all_of_it + 1)
    desk.settlement.withdraw(desk.owner, desk.at.base, all_of_it)
    assert balance(desk) == 0


# ---- whatever else is broken


def revoked_model(desk):
    desk.models.revoke(desk.publisher, desk.model)


def stale_price(desk):
    desk.travel(10**6)


def price_of_zero(desk):
    desk.feed.push(desk.publisher, 0)


def open_trade(desk):
    desk.trading()


def cancelled_mandate_with_an_open_trade(desk):
    desk.settlement.cancel(desk.owner, desk.trading())


def expired_mandate(desk):
    desk.mandate(expiry=desk.now + 10)
    desk.travel(1_000)


def authorised_operator(desk):
    desk.settlement.authorize(desk.owner, desk.operator.address)


BROKEN = (
    revoked_model,
    stale_price,
    price_of_zero,
    open_trade,
    cancelled_mandate_with_an_open_trade,
    expired_mandate,
    authorised_operator,
)


@pytest.mark.parametrize("broken", BROKEN, ids=lambda each: each.__name__)
def test_always_works(desk, broken: Callable):
    broken(desk)
    for token in (desk.base, desk.quote):
        amount = desk.settlement.balance_of(desk.owner.address, token.address)
        wallet = token.balance_of(desk.owner.address)
        desk.settlement.withdraw(desk.owner, token.address, amount)
        assert amount > 0
        assert token.balance_of(desk.owner.address) == wallet + amount


def test_what_an_open_trade_took_may_be_withdrawn_once_it_is_released(desk, reverts):
    before = balance(desk)
    trading = desk.trading()
    with reverts("InsufficientBalance", balance=before, amount=before + BASE):
        desk.settlement.withdraw(desk.owner, desk.at.base, before + BASE)
    desk.release(trading)
    desk.settlement.withdraw(desk.owner, desk.at.base, before + BASE)
    assert balance(desk) == 0


def test_sends_nothing_to_the_zero_address(desk, reverts):
    """Before, a receiver that somebody forgot to set burned the tokens of a token that lets it."""
    silent = deposited(desk, "SilentToken", 1_000)
    for token in (desk.base, silent):
        for amount in (0, 1_000):
            with reverts("ZeroAddress"):
                desk.settlement.withdraw(desk.owner, token.address, amount, ZERO)
    assert desk.settlement.balance_of(desk.owner.address, silent.address) == 1_000


# ---- tokens that misbehave


def test_gives_a_silent_token_back(desk):
    token = deposited(desk, "SilentToken", 1_000)
    desk.settlement.withdraw(desk.owner, token.address, 1_000)
    assert token.balance_of(desk.owner.address) == 1_000


def test_keeps_the_balance_when_a_token_answers_false(desk, reverts):
    token = deposited(desk, "ParalysedToken", 1_000)
    token.send(desk.owner, "paralyse")
    with reverts("SafeERC20FailedOperation", token=token.address):
        desk.settlement.withdraw(desk.owner, token.address, 1_000)
    assert desk.settlement.balance_of(desk.owner.address, token.address) == 1_000


def test_debits_the_whole_amount_where_the_token_keeps_a_fee_of_it(desk):
    token = deposited(desk, "FeeToken", 10_000)
    desk.settlement.withdraw(desk.owner, token.address, 9_900)
    assert desk.settlement.balance_of(desk.owner.address, token.address) == 0 == desk.held(token)
    assert token.balance_of(desk.owner.address) == 9_801


def test_a_token_that_calls_back_cannot_withdraw_twice(desk):
    token = deposited(desk, "ReentrantToken", 1_000)
    again = desk.settlement.encode("withdraw", token.address, 1_000, desk.owner.address)
    token.send(desk.owner, "arm", desk.settlement.address, again)
    desk.settlement.withdraw(desk.owner, token.address, 500)
    assert token.call("succeeded") == (False,)
    assert token.call("answer") == (keccak(text="ReentrancyGuardReentrantCall()")[:4],)
    assert desk.settlement.balance_of(desk.owner.address, token.address) == 500 == desk.held(token)


def test_the_balance_is_already_debited_when_the_token_is_called(desk):
    token = deposited(desk, "ReentrantToken", 1_000)
    ask = desk.settlement.encode("balanceOf", desk.owner.address, token.address)
    token.send(desk.owner, "arm", desk.settlement.address, ask)
    desk.settlement.withdraw(desk.owner, token.address, 1_000)
    assert token.call("succeeded") == (True,)
    assert int.from_bytes(token.call("answer")[0]) == 0


def deposited(desk, name, amount):
    token = desk.deploy(name, kind=TokenContract)
    token.mint(desk.owner, desk.owner.address, amount)
    token.approve(desk.owner, desk.settlement.address, 2**256 - 1)
    desk.settlement.deposit(desk.owner, token.address, amount)
    return token


def balance(desk):
    return desk.settlement.balance_of(desk.owner.address, desk.at.base)
