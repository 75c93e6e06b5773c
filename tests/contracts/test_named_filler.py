"""`filler`: an owner may name the one account that takes the other side, at the open and at the close."""

from __future__ import annotations

import pytest

from agent.chain.events import Closed, Opened, Refused, Released
from agent.chain.values import ANYONE, Barrier, Reason, Side

BASE = 10**18


@pytest.fixture
def named(desk):
    """A mandate that trades with the filler and nobody else."""
    return desk.mandate(filler=desk.filler.address)


@pytest.mark.parametrize("who", ["operator", "filler"])
def test_the_named_filler_opens_and_closes_whoever_sends_it_for_it(desk, signal, named, who):
    sender = getattr(desk, who)
    assert type(desk.open(signal(), named, by=sender).events[-1]) is Opened
    desk.set_price("2040")
    assert type(desk.close(named, by=sender).events[-1]) is Closed


def test_a_rival_is_refused_at_the_open_and_the_named_one_opens_in_the_same_batch(desk, signal, named):
    """Before, whoever came first with a copy of the evidence had the trade."""
    desk.settlement.authorize(desk.other, desk.operator.address)
    rival, honest = desk.fill(named, filler=desk.other.address), desk.fill(named)
    refused, opened = desk.open(signal(), rival, honest).events[1:]
    assert refused == Refused(named.id, Reason.WRONG_FILLER)
    assert (type(opened), opened.filler) == (Opened, desk.filler.address)


@pytest.mark.parametrize("side", Side)
def test_a_rival_is_refused_at_the_close_however_much_it_offers(desk, side):
    """Before, it closed at the worst price from the first second of a barrier on."""
    mandate = desk.trading(side=side, filler=desk.filler.address)
    desk.set_price("2500" if side is Side.LONG else "1600")
    before = desk.stored()
    rival = desk.closing(mandate, filler=desk.other.address)
    assert desk.check_close(rival, by=desk.other)[0] is Reason.WRONG_FILLER
    assert desk.close(rival, by=desk.other).events == [Refused(mandate.id, Reason.WRONG_FILLER)]
    assert desk.stored() == before
    assert type(desk.close(mandate).events[0]) is Closed


def test_the_owner_is_another_filler_than_the_one_it_named(desk, signal, named):
    own = desk.fill(named, filler=desk.owner.address)
    assert desk.check_open(signal(), own, by=desk.owner) is Reason.WRONG_FILLER


def test_without_a_name_anyone_may_open_and_anyone_else_may_close(desk, signal):
    mandate = desk.mandate(filler=ANYONE)
    opened = desk.open(signal(), desk.fill(mandate, filler=desk.other.address), by=desk.other).events[-1]
    assert opened.filler == desk.other.address
    desk.set_price("2040")
    assert desk.close(mandate).events[0].filler == desk.filler.address


def test_an_operator_of_another_filler_cannot_pass_for_the_named_one(desk, signal, named):
    desk.settlement.authorize(desk.other, desk.stranger.address)
    for filler, reason in [(desk.other, Reason.WRONG_FILLER), (desk.filler, Reason.FILLER_NOT_AUTHORIZED)]:
        offer = desk.fill(named, filler=filler.address)
        assert desk.check_open(signal(), offer, by=desk.stranger) is reason


def test_where_the_named_filler_is_gone_nobody_closes_and_the_owner_releases(desk):
    mandate = desk.trading(filler=desk.filler.address)
    desk.leave(desk.filler, desk.quote)
    desk.set_price("1900")
    assert desk.check_close(mandate) == (Reason.FILLER_BALANCE, Barrier.STOP_LOSS)
    rival = desk.closing(mandate, filler=desk.other.address)
    assert desk.check_close(rival, by=desk.other) == (Reason.WRONG_FILLER, Barrier.STOP_LOSS)
    assert desk.release(mandate).events == [Released(mandate.id, BASE)]
