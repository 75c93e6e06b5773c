"""`cancel`: for good, by the owner alone, and never in the way of a close."""

from __future__ import annotations

import pytest

from agent.chain.events import Closed, MandateCancelled
from agent.chain.values import MandateState, Reason


def test_is_logged_and_remembered(desk, mandate):
    created = mandate()
    assert desk.settlement.cancel(desk.owner, created).events == [MandateCancelled(created.id)]
    assert desk.settlement.state_of(created.id).cancelled


def test_nothing_opens_any_more(desk, mandate, signal):
    cancelled = mandate()
    desk.settlement.cancel(desk.owner, cancelled)
    assert desk.check_open(signal(), cancelled) is Reason.CANCELLED


def test_leaves_the_owners_other_mandates_alone(desk, mandate, signal):
    kept = mandate()
    desk.settlement.cancel(desk.owner, mandate())
    assert desk.check_open(signal(), kept) is Reason.NONE


def test_an_open_trade_still_closes(desk):
    trading = desk.trading()
    desk.settlement.cancel(desk.owner, trading)
    desk.set_price("2040")
    [closed] = desk.close(trading).events
    assert (type(closed), closed.id) == (Closed, trading.id)
    assert desk.settlement.state_of(trading.id).cancelled


def test_stays_cancelled_after_its_trade_has_closed(desk, signal):
    trading = desk.trading(cooldown=0)
    desk.settlement.cancel(desk.owner, trading)
    desk.set_price("2040")
    desk.close(trading)
    assert desk.check_open(signal(), trading) is Reason.CANCELLED


def test_refuses_whoever_is_not_the_owner(desk, mandate, reverts):
    created = mandate()
    for somebody in (desk.operator, desk.filler, desk.publisher, desk.other):
        with reverts("NotOwner", owner=desk.owner.address, caller=somebody.address):
            desk.settlement.cancel(somebody, created)


def test_withdraws_a_mandate_that_was_signed_and_not_lodged_yet(desk, signal):
    draft = desk.draft()
    assert desk.settlement.cancel(desk.owner, draft).events == [MandateCancelled(draft.id)]
    assert desk.settlement.state_of(draft.id) == MandateState(0, 0, False, True, 0)
    assert desk.check_open(signal(), draft) is Reason.UNKNOWN_MANDATE


# ---- several at once


def test_cancels_several_and_logs_each_in_its_order(desk, signal):
    created = [desk.mandate() for _ in range(3)]
    kept = desk.mandate()
    assert desk.settlement.cancel(desk.owner, *created).events == [MandateCancelled(each.id) for each in created]
    assert [desk.check_open(signal(), each) for each in created] == [Reason.CANCELLED] * 3
    assert desk.check_open(signal(), kept) is Reason.NONE


@pytest.mark.parametrize("place", [0, 1, 2])
def test_one_of_somebody_else_among_them_leaves_all_as_they_were(desk, reverts, place):
    mandates = [desk.mandate() for _ in range(2)]
    mandates.insert(place, desk.mandate(by=desk.other))
    before = desk.stored()
    with reverts("NotOwner", owner=desk.other.address, caller=desk.owner.address):
        desk.settlement.cancel(desk.owner, *mandates)
    assert desk.stored() == before


def test_some_may_be_open_and_some_not_lodged_and_one_there_twice(desk):
    several = [desk.trading(), desk.draft(), desk.mandate()]
    desk.settlement.cancel(desk.owner, *several, several[0])
    assert all(desk.settlement.state_of(each.id).cancelled for each in several)


def test_none_at_all_changes_nothing(desk):
    before = desk.stored()
    assert desk.settlement.cancel(desk.owner).events == []
    assert desk.stored() == before
