"""`ramp`: at the open, the slippage that an owner accepts grows from none to its most; at the close it is there at once."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.chain.events import Closed, Opened, Refused
from agent.chain.values import Levels, Reason, Side

BASE = 10**18
QUOTE = 10**6
UNIT = 10**24


def accepted_bps(desk, mandate, seconds):
    """The most slippage, in whole basis points, that the mandate accepts so many seconds after its bar closed."""
    seen = desk.signal(side=mandate.side)
    at = seen.bar_time + seconds
    fair = desk.fill(mandate, given=BASE if mandate.side is Side.SHORT else None)
    low, high = 0, mandate.max_slippage_bps + 1
    while high - low > 1:
        middle = (low + high) // 2
        fill = replace(fair, taken=fair.taken - fair.taken * middle // 10_000)
        with desk.chain.undone():
            low, high = (middle, high) if desk.check_open(seen, fill, at=at) is Reason.NONE else (low, middle)
    return low


@pytest.mark.parametrize(
    ("seconds", "bps"), [(0, 0), (1, 0), (2, 1), (3, 2), (30, 25), (59, 49), (60, 50), (61, 50), (600, 50)]
)
@pytest.mark.parametrize("side", Side)
def test_the_slippage_accepted_grows_with_each_second_rounded_down(desk, side, seconds, bps):
    """50 basis points in 60 seconds."""
    mandate = desk.mandate(side=side, max_slippage_bps=50, ramp=60)
    assert accepted_bps(desk, mandate, seconds) == bps


@settings(max_examples=8)
@given(ramp=st.integers(1, 600), slippage=st.integers(0, 90), share=st.integers(0, 100))
def test_at_any_second_of_any_ramp_its_share_of_the_slippage_is_accepted(desk, ramp, slippage, share):
    seconds = ramp * share // 100
    mandate = desk.mandate(max_slippage_bps=slippage, ramp=ramp)
    assert accepted_bps(desk, mandate, seconds) == seconds * slippage // ramp


@pytest.mark.parametrize("seconds", [0, 1, 600])
def test_without_a_ramp_all_of_it_is_accepted_at_once(desk, seconds):
    assert accepted_bps(desk, desk.mandate(max_slippage_bps=50, ramp=0), seconds) == 50


def test_a_ramp_of_one_second_is_over_after_it(desk):
    mandate = desk.mandate(max_slippage_bps=50, ramp=1)
    assert [accepted_bps(desk, mandate, seconds) for seconds in (0, 1)] == [0, 50]


def test_a_ramp_may_last_as_long_as_its_signal(desk):
    mandate = desk.mandate(max_slippage_bps=50, ramp=600, max_signal_age=600)
    assert [accepted_bps(desk, mandate, seconds) for seconds in (599, 600)] == [49, 50]


def test_a_fill_at_the_price_opens_at_once_and_to_the_unit(desk, signal):
    mandate, seen = desk.mandate(ramp=60), signal()
    fair = desk.fill(mandate, given=2_000 * QUOTE + 1)
    with desk.chain.undone():
        assert desk.check_open(seen, replace(fair, taken=fair.taken - 1), at=seen.bar_time) is Reason.SLIPPAGE
    assert type(desk.open(seen, fair, at=seen.bar_time).events[-1]) is Opened


@pytest.mark.parametrize("side", Side)
def test_at_the_close_slippage_is_full_from_the_first_second(desk, side):
    mandate = desk.trading(side=side, ramp=600)
    desk.set_price("2500" if side is Side.LONG else "1600")
    worst = desk.worst_closing(mandate)
    assert desk.check_close(replace(worst, taken=worst.taken - 1))[0] is Reason.SLIPPAGE
    assert type(desk.close(worst).events[0]) is Closed


# ---- what it is for


def test_a_rival_that_copies_the_evidence_has_to_offer_the_price(desk, signal):
    """Before, it filled at the worst price that the mandate allowed, and the honest fill got TradeOpen."""
    mandate, seen = desk.mandate(max_slippage_bps=50, ramp=60), signal()
    evidence = desk.sign(seen)
    copied = desk.worst(mandate, filler=desk.other.address)
    rivals = desk.open(seen, copied, by=desk.other, evidence=evidence, at=seen.bar_time).events[-1]
    assert rivals == Refused(mandate.id, Reason.SLIPPAGE)
    honest = desk.open(seen, mandate, evidence=evidence).events[-1]
    assert (type(honest), honest.filler) == (Opened, desk.filler.address)


def test_the_fairest_of_two_offers_is_the_first_that_qualifies(desk, signal):
    mandate, seen = desk.mandate(max_slippage_bps=50, ramp=100), signal()
    fair = desk.fill(mandate)
    offers = [replace(fair, taken=fair.taken * (10_000 - bps) // 10_000) for bps in (20, 10)]
    events = desk.open(seen, *offers, at=seen.bar_time + 20).events[1:]
    assert [type(event) for event in events] == [Refused, Opened]


@pytest.mark.parametrize("side", Side)
def test_barriers_stand_where_the_owner_put_them_around_a_fair_entry(desk, side):
    """Before, the worst entry bent barriers of 100 and 100 basis points with slippage 55 to 156 and 45."""
    terms = {"take_profit_bps": 100, "stop_loss_bps": 100, "max_slippage_bps": 55, "ramp": 60}
    mandate, seen = desk.mandate(side=side, **terms), desk.signal(side=side)
    assert desk.check_open(seen, desk.worst(mandate), at=seen.bar_time) is Reason.SLIPPAGE
    desk.open(seen, mandate, at=seen.bar_time)
    up, down = (2_020, 1_980) if side is Side.LONG else (1_980, 2_020)
    assert desk.settlement.barriers_of(mandate) == Levels(
        take_profit=up * UNIT, stop_loss=down * UNIT, horizon=desk.now + mandate.horizon
    )


def test_a_thief_of_the_key_who_chooses_the_time_of_the_bar_is_not_bound_by_it(desk, signal):
    """What the trust table says: an old bar makes the ramp over before anybody else knows of the signal."""
    mandate = desk.mandate(max_slippage_bps=50, ramp=60)
    desk.travel(100)
    old = signal(bar_time=desk.now - 60)
    assert type(desk.open(old, desk.worst(mandate), by=desk.filler).events[-1]) is Opened
