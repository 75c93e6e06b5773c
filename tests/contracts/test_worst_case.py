"""The most that a thief of a model's key takes who fills as well: a trip's slippage at both ends, until the drawdown limit."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor

import pytest

from agent.chain.events import Closed, Opened, Refused
from agent.chain.values import Barrier, Reason, Side

BASE = 10**18
QUOTE = 10**6
PRICE = 2_000 * 10**24
TICK = Fraction(1, 10_000)
TICKS = 12

# The nearest barriers that can be lodged with 50 basis points of slippage, and a pair without a hundredth of one to spare.
NEAR = {"max_slippage_bps": 50, "take_profit_bps": 52, "stop_loss_bps": 52}
NEAREST = {"max_slippage_bps": 875, "take_profit_bps": 960, "stop_loss_bps": 960}


@dataclass(frozen=True)
class Trip:
    """A trade that the thief opened and closed at the worst amounts that the mandate accepts."""

    given: int
    returned: int
    prices: tuple[int, int]
    times: tuple[int, int]
    barrier: Barrier


class Thief:
    """Signs what it likes, fills it out of its own deposit, and takes all the slippage at both ends."""

    def __init__(self, desk, side, **terms):
        self.desk, self.price, self.trips = desk, PRICE, []
        self.market = desk.puppet(PRICE)
        self.most = 2_000 * QUOTE if side is Side.LONG else BASE
        changes = {"max_amount": self.most, "max_price_age": 10**9, "cooldown": 0, **terms}
        self.mandate = desk.mandate(side=side, market=self.market, **changes)
        self.refused, self._opened = None, None

    def turn(self, price):
        """What it does when the price is this: closes what it may, and then opens again."""
        if price != self.price:
            self.desk.set_puppet(self.market, price)
            self.price = price
        if self._opened:
            self._close()
        if not self._opened:
            self._open()

    def _open(self):
        desk, mandate = self.desk, self.mandate
        seen = desk.signal(side=mandate.side, market=self.market.id, bar_time=desk.now + 1)
        fill = desk.fill(mandate, given=self.most, taken=self._least(self.most, mandate.side is Side.SHORT))
        event = desk.open(seen, fill, by=desk.filler).events[-1]
        if isinstance(event, Opened):
            self._opened = (self.price, desk.now)
        else:
            self.refused = event.reason

    def _close(self):
        desk, mandate = self.desk, self.mandate
        held = desk.settlement.trade_of(mandate.id)[1]
        fill = desk.closing(mandate, taken=self._least(held, mandate.side is Side.LONG))
        [event] = desk.close(fill, by=desk.filler, market=self.market).events
        if isinstance(event, Closed):
            price, time = self._opened
            times = (time, desk.now)
            self.trips.append(Trip(self.most, event.taken, (price, self.price), times, event.barrier))
            self._opened = None
        else:
            assert event == Refused(mandate.id, Reason.NO_BARRIER)

    def _least(self, given, gives_base):
        terms = {"gives_base": gives_base, "price": self.price, "slippage_bps": self.mandate.max_slippage_bps}
        return self.desk.settlement.least_taken(given, **terms)

    @property
    def a_trip(self):
        """What a trip takes at the most while the price stands, as the trust table says it: most * (1 - (1 - s)**2)."""
        kept = 1 - Fraction(self.mandate.max_slippage_bps, 10_000)
        return self.most * (1 - kept**2)

    def against_the_owner(self, trip):
        """What the oracle's own move took from the owner in a trip; nothing where it moved the other way."""
        first, last = trip.prices if self.mandate.side is Side.LONG else reversed(trip.prices)
        return max(Fraction(0), trip.given - trip.given * Fraction(last, first))


def path(kind):
    """Prices that move by one basis point at a time, rounded away from the last."""
    up, down = [1], [-1]
    steps = {"falls": down * TICKS, "rises": up * TICKS, "swings": (up * 3 + down * 3) * (TICKS // 6)}[kind]
    prices = [PRICE]
    for step in steps:
        moved = prices[-1] * (1 + step * TICK)
        prices.append(ceil(moved) if step > 0 else floor(moved))
    return prices


# How often it gets through, at the most. Of NEAR, a Long's stop is two ticks and a bit away, and a Short's not quite two; of
# NEAREST, a Short's is one, and where rounding favours the owner a hair more, and a Long's is farther than all of them.
# A price that swings comes back to the trade that is open, and not to its stop.
TRIPS = [
    (Side.LONG, NEAR, "falls", TICKS // 3),
    (Side.SHORT, NEAR, "rises", TICKS // 2),
    (Side.SHORT, NEAREST, "rises", TICKS),
    (Side.SHORT, NEAREST, "swings", TICKS // 4),
    (Side.LONG, NEAREST, "falls", 0),
]


@pytest.mark.parametrize(("side", "terms", "kind", "trips"), TRIPS)
def test_a_trip_takes_the_slippage_of_both_ends_and_what_the_oracle_moved_and_no_more(
    desk, side, terms, kind, trips
):
    thief = Thief(desk, side, drawdown_limit=2**128 - 1, **terms)
    for price in path(kind):
        thief.turn(price)
    for trip in thief.trips:
        assert trip.given - trip.returned <= thief.a_trip + thief.against_the_owner(trip)
        assert trip.barrier is Barrier.STOP_LOSS
    assert trips // 2 <= len(thief.trips) <= trips


@pytest.mark.parametrize("side", Side)
def test_while_the_price_stands_no_trip_ends_before_its_horizon(desk, side):
    thief = Thief(desk, side, horizon=3_600, drawdown_limit=2**128 - 1, **NEAR)
    for _ in range(5):
        thief.turn(PRICE)
    assert thief.trips == []
    desk.travel(3_600)
    thief.turn(PRICE)
    [trip] = thief.trips
    assert trip.barrier is Barrier.HORIZON
    assert thief.a_trip - 2 < trip.given - trip.returned <= thief.a_trip


@pytest.mark.parametrize("cooldown", [0, 1, 5])
def test_there_is_at_most_one_trip_a_cooldown_and_one_a_block_without(desk, cooldown):
    """With a horizon of a second, which is the most that an owner can offer a thief."""
    thief = Thief(desk, Side.LONG, cooldown=cooldown, horizon=1, drawdown_limit=2**128 - 1, **NEAR)
    began = desk.now
    for _ in range(6 + cooldown):
        thief.turn(PRICE)
    opened = [trip.times[0] for trip in thief.trips]
    closed = [trip.times[1] for trip in thief.trips]
    assert all(later - earlier >= cooldown for earlier, later in zip(closed, opened[1:], strict=False))
    assert all(end > start for start, end in zip(opened, closed, strict=True))
    assert 1 < len(thief.trips) <= 1 + (desk.now - began) // max(1, cooldown)


@pytest.mark.parametrize("trades", [1, 3, 5])
@pytest.mark.parametrize("side", Side)
def test_in_all_it_takes_the_drawdown_limit_and_one_trade_more_at_the_most(desk, side, trades):
    most = 2_000 * QUOTE if side is Side.LONG else BASE
    limit = int(trades * most * (1 - Fraction(9_950, 10_000) ** 2)) - trades  # so that so many trips reach it
    thief = Thief(desk, side, horizon=1, drawdown_limit=limit, **NEAR)
    before = desk.ledger()
    for _ in range(trades + 4):
        thief.turn(PRICE)
    lost = sum(trip.given - trip.returned for trip in thief.trips)
    assert len(thief.trips) == trades
    assert limit <= lost < limit + thief.a_trip
    assert thief.refused is Reason.DRAWDOWN_LIMIT
    what = "quote" if side is Side.LONG else "base"
    assert (
        before["owner", what] - desk.ledger()["owner", what]
        == lost
        == desk.ledger()["filler", what] - before["filler", what]
    )


def test_a_price_that_swings_lets_it_take_no_more_in_all(desk):
    """What the owner gains in between is the owner's; only what is lost since the best point counts, and that ends it."""
    thief = Thief(desk, Side.LONG, horizon=1, drawdown_limit=60 * QUOTE, **NEAR)
    for price in [PRICE, *(PRICE * (100 + 2 * (turn % 2)) // 100 for turn in range(12))]:
        thief.turn(price)
    profits = [trip.returned - trip.given for trip in thief.trips]
    best = worst_drawdown = total = 0
    for profit in profits:
        total += profit
        best = max(best, total)
        worst_drawdown = max(worst_drawdown, best - total)
    assert worst_drawdown <= 60 * QUOTE + max(-profit for profit in profits)
    assert thief.refused is Reason.DRAWDOWN_LIMIT


def test_a_gap_is_the_exception_that_the_trust_table_makes(desk):
    """What the market loses between two prices, nobody stops: a stop that is passed over closes where the price is."""
    thief = Thief(desk, Side.LONG, drawdown_limit=1, **NEAR)
    thief.turn(PRICE)
    thief.turn(PRICE // 2)
    [trip] = thief.trips
    assert trip.given - trip.returned > trip.given // 2
    assert thief.refused is Reason.DRAWDOWN_LIMIT
