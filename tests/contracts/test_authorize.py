"""`authorize`: an operator may use a balance as a filler's, and do nothing else with it."""

from __future__ import annotations

from agent.chain.events import Authorized, Opened
from agent.chain.values import Reason


def test_is_remembered_and_logged(desk):
    receipt = desk.settlement.authorize(desk.owner, desk.stranger.address)
    assert receipt.events == [Authorized(desk.owner.address, desk.stranger.address, allowed=True)]
    assert desk.settlement.is_authorized(desk.owner.address, desk.stranger.address)


def test_holds_one_way_only(desk):
    desk.settlement.authorize(desk.owner, desk.stranger.address)
    assert not desk.settlement.is_authorized(desk.stranger.address, desk.owner.address)


def test_can_be_taken_back(desk, mandate, signal):
    receipt = desk.settlement.authorize(desk.filler, desk.operator.address, False)
    assert receipt.events == [Authorized(desk.filler.address, desk.operator.address, allowed=False)]
    assert not desk.settlement.is_authorized(desk.filler.address, desk.operator.address)
    assert desk.check_open(signal(), mandate()) is Reason.FILLER_NOT_AUTHORIZED


def test_lets_the_operator_fill_out_of_that_balance(desk, mandate, signal):
    desk.settlement.authorize(desk.other, desk.stranger.address)
    fill = desk.fill(mandate(), filler=desk.other.address)
    assert isinstance(desk.open(signal(), fill, by=desk.stranger).events[-1], Opened)


def test_does_not_let_the_operator_withdraw(desk, reverts):
    desk.settlement.authorize(desk.owner, desk.stranger.address)
    with reverts("InsufficientBalance", account=desk.stranger.address, balance=0, amount=1):
        desk.settlement.withdraw(desk.stranger, desk.at.base, 1)


def test_does_not_let_the_operator_create_or_cancel_mandates(desk, mandate, reverts):
    desk.settlement.authorize(desk.owner, desk.stranger.address)
    with reverts("NotOwner", owner=desk.owner.address, caller=desk.stranger.address):
        desk.settlement.create(desk.stranger, desk.draft())
    existing = mandate()
    with reverts("NotOwner", owner=desk.owner.address, caller=desk.stranger.address):
        desk.settlement.cancel(desk.stranger, existing)


def test_a_filler_needs_no_authority_over_itself(desk, mandate, signal):
    assert not desk.settlement.is_authorized(desk.filler.address, desk.filler.address)
    assert desk.check_open(signal(), mandate(), by=desk.filler) is Reason.NONE


def test_an_operator_of_one_filler_is_none_of_another(desk, mandate, signal):
    fill = desk.fill(mandate(), filler=desk.other.address)
    assert desk.check_open(signal(), fill, by=desk.operator) is Reason.FILLER_NOT_AUTHORIZED
