"""What a mandate can lose at most: never less than the contract lets happen, and not a unit more where it can happen."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agent.chain.values import Barrier, Side
from agent.desk.worst import Worst, worst_of

BASE, QUOTE = 10**18, 10**6
AMOUNTS = {Side.LONG: 4_000 * QUOTE, Side.SHORT: 2 * BASE}


def _opened_at_worst(desk, mandate):
    desk.open(desk.signal(side=mandate.side), _worst(desk, desk.fill(mandate, given=mandate.max_amount)))
    assert desk.settlement.state_of(mandate.id).trading


def _worst(desk, fill, *, closing=False):
    """The same fill at the worst price that the mandate accepts."""
    taken = desk.settlement.least_taken(
        fill.given,
        gives_base=(fill.mandate.side is Side.LONG) == closing,
        price=desk.oracle.price().value,
        slippage_bps=fill.mandate.max_slippage_bps,
    )
    return replace(fill, taken=taken)


def _mandate(desk, side, **changes):
    return desk.mandate(side=side, max_amount=AMOUNTS[side], **changes)


@pytest.mark.parametrize("side", Side)
def test_a_trip_at_an_unmoved_price_costs_what_is_told(side, desk):
    mandate = _mandate(desk, side, horizon=1)
    _opened_at_worst(desk, mandate)
    desk.close(_worst(desk, desk.closing(mandate), closing=True), at=desk.now + 1)
    lost = desk.settlement.state_of(mandate.id).drawdown
    worst = worst_of(mandate)
    assert worst.trip - worst.trip // 10**6 - 2 <= lost <= worst.trip


@pytest.mark.parametrize(("side", "price"), [(Side.LONG, "1980"), (Side.SHORT, "2020")])
def test_a_trade_that_is_stopped_without_a_gap_costs_what_is_told(side, price, desk):
    mandate = _mandate(desk, side)
    desk.open(desk.signal(side=side), desk.fill(mandate, given=mandate.max_amount))
    desk.set_price(price)
    events = desk.close(_worst(desk, desk.closing(mandate), closing=True)).events
    assert [event.barrier for event in events] == [Barrier.STOP_LOSS]
    lost = desk.settlement.state_of(mandate.id).drawdown
    worst = worst_of(mandate)
    assert worst.trade - worst.trade // 10**6 - 2 <= lost <= worst.trade


def test_no_trade_opens_any_more_when_all_that_is_told_may_be_lost(desk):
    mandate = _mandate(desk, Side.LONG, horizon=1, cooldown=0, drawdown_limit=100 * QUOTE)
    opened = 0
    while not desk.settlement.state_of(mandate.id).drawdown >= mandate.drawdown_limit:
        _opened_at_worst(desk, mandate)
        desk.close(_worst(desk, desk.closing(mandate), closing=True), at=desk.now + 1)
        opened += 1
    worst = worst_of(mandate)
    assert opened == -(-mandate.drawdown_limit // worst.trip)
    assert desk.settlement.state_of(mandate.id).drawdown <= mandate.drawdown_limit - 1 + worst.trade < worst.total


def test_without_slippage_a_thief_takes_nothing(desk):
    assert worst_of(desk.draft(max_slippage_bps=0)).trip == 0


@pytest.mark.parametrize(
    ("cooldown", "closes", "day"),
    [(0, None, 159_800_000), (300, 288, 159_800_000), (86_399, 2, 119_600_000), (86_400, 1, 59_800_000)],
)
def test_a_day_is_no_worse_than_its_trades(cooldown, closes, day, desk):
    mandate = desk.draft(max_amount=4_000 * QUOTE, drawdown_limit=100 * QUOTE, cooldown=cooldown)
    assert worst_of(mandate) == Worst(trip=39_900_000, trade=59_800_000, closes=closes, total=159_800_000, day=day)
