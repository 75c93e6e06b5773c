"""Replaying bars: each price at a time when it could be known, and inside a bar the order that hurts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.chain.feed import Publisher
from agent.chain.values import Barrier, Fill, Levels, Mandate, Price, Reason, Side
from agent.desk.decision import Decision
from agent.desk.quotes import quote_close
from agent.desk.replay import replay, touches
from agent.desk.trades import OpenTrade
from agent.market.bars import Bar, Bars

UNIT = 10**8
HOUR = 3_600
START = 1_704_067_200
QUIET = (2_000, 2_001, 1_999, 2_000)
WORDS = {Side.LONG: "up", Side.SHORT: "down"}


def on_first(*words: str) -> Callable[[int], str]:
    """A model that says one word a bar, and then nothing more."""
    said = iter(words)
    return lambda close: next(said, "nothing")


@dataclass(frozen=True)
class Heard(Publisher):
    """The real publisher; remembers what it published, and what the desk held and knew when it did."""

    told: list[tuple[int, int]] = field(default_factory=list)
    known: list[int] = field(default_factory=list)
    journal: Any = None

    def publish(self, answer: int, time: int) -> None:
        self.told.append((answer, time))
        self.known.append(sum(row.kind == "decision" for row in self.journal.rows()) if self.journal else 0)
        super().publish(answer, time)


def heard(room: Any) -> Heard:
    return Heard(room.feed, room.people.publisher, room.clock, room.factor, journal=room.journal)


def run(room: Any, bars: Bars, says: Callable[[int], str], *mandates: Mandate) -> tuple[Any, Heard]:
    desk, publisher = room.desk(says, *mandates), heard(room)
    replay(desk, bars, publisher, start=0)
    return desk, publisher


# ---- what is published, and when


def test_a_bar_in_which_nothing_ends_publishes_its_open_and_nothing_else(room: Any, bars_of: Any) -> None:
    bars = bars_of([QUIET, (2_003, 2_004, 1_998, 1_999), QUIET])
    _, publisher = run(room, bars, on_first("up"), room.mandate())
    assert publisher.told == [(int(bars.open[i]), int(bars.time[i])) for i in range(3)]


def test_the_open_of_a_bar_is_published_when_the_bar_begins(room: Any, bars_of: Any) -> None:
    bars = bars_of([QUIET, QUIET], gaps=[1])
    replay(room.desk(on_first()), bars, room.publisher, start=0)
    assert room.oracle.price() == Price(2_000 * UNIT * room.factor, START + 2 * HOUR)


def test_a_bar_is_decided_on_before_the_next_open_exists(room: Any, bars_of: Any) -> None:
    bars = bars_of([QUIET, QUIET, QUIET])
    _, publisher = run(room, bars, on_first("up"), room.mandate())
    assert publisher.known == [0, 1, 2]


def test_a_signal_is_filled_at_the_next_bars_open(room: Any, bars_of: Any) -> None:
    mandate = room.mandate()
    bars = bars_of([QUIET, (2_007, 2_008, 2_006, 2_007)])
    desk, _ = run(room, bars, on_first("up"), mandate)
    trade = desk.open_trades[mandate.id]
    assert trade.price == 2_007 * UNIT * room.factor
    assert trade.decision.closed_at == START + HOUR <= trade.opened_at < START + HOUR + 60


def test_the_signal_of_the_last_bar_finds_no_price_to_be_filled_at(room: Any, bars_of: Any) -> None:
    desk, _ = run(room, bars_of([QUIET, QUIET]), on_first("nothing", "up"), room.mandate())
    assert desk.tally.signals == 1
    assert not desk.open_trades


def test_a_signal_before_a_gap_is_stale_when_prices_come_back(room: Any, bars_of: Any) -> None:
    desk, _ = run(room, bars_of([QUIET, QUIET], gaps=[1]), on_first("up"), room.mandate())
    assert desk.tally.refused == {Reason.SIGNAL_STALE: 1}


def test_a_bar_that_overlaps_the_one_before_does_not_fill_its_signal(room: Any, bars_of: Any) -> None:
    bars = bars_of([QUIET, QUIET])
    times = np.array([START, START + HOUR - 10], dtype=np.int64)
    overlapping = Bars(times, bars.open, bars.high, bars.low, bars.close, bars.volume, interval=HOUR)
    desk, _ = run(room, overlapping, on_first("up"), room.mandate())
    assert desk.tally.refused == {Reason.SIGNAL_FROM_FUTURE: 1}


def test_a_trade_that_ends_at_an_open_makes_room_for_the_signal_that_waits(room: Any, bars_of: Any) -> None:
    mandate = room.mandate()
    bars = bars_of([QUIET, QUIET, (2_030, 2_031, 2_029, 2_030)])
    desk, _ = run(room, bars, on_first("up", "up"), mandate)
    [settled] = desk.tally.settled
    assert settled.barrier is Barrier.TAKE_PROFIT
    assert desk.open_trades[mandate.id].price == settled.price == 2_030 * UNIT * room.factor


def test_a_replay_can_be_stopped_between_two_bars(room: Any, bars_of: Any) -> None:
    done: list[int] = []
    bars = bars_of([QUIET] * 5)
    desk = room.desk(on_first())
    replayed = replay(desk, bars, room.publisher, start=1, stop=lambda: len(done) == 2, on_bar=done.append)
    assert (replayed, done) == (2, [1, 2])
    assert desk.tally.holds.total() == 2


def test_bars_before_the_start_are_history_that_windows_reach_back_to(room: Any, bars_of: Any) -> None:
    desk = room.desk(on_first("up"), window=3)
    room.replay(desk, bars_of([QUIET] * 3), start=2)
    assert desk.tally.signals == 1


# ---- owners whose accepted slippage grows


@pytest.mark.parametrize("side", Side)
def test_a_growing_slippage_is_waited_for_inside_the_bar_at_its_open(room: Any, bars_of: Any, side: Side) -> None:
    mandate = room.mandate(side, ramp=600)
    bars = bars_of([QUIET, (2_007, 2_008, 2_006, 2_007)])
    desk, publisher = run(room, bars, on_first(WORDS[side]), mandate)
    trade = desk.open_trades[mandate.id]
    assert trade.price == 2_007 * UNIT * room.factor
    assert START + HOUR + 300 <= trade.opened_at <= START + HOUR + 361  # at five bps of ten, or six
    assert publisher.told == [(int(bars.open[i]), int(bars.time[i])) for i in range(2)]
    assert not desk.tally.refused


def test_a_growing_slippage_is_not_waited_for_beyond_the_bar(room: Any, bars_of: Any) -> None:
    mandate = room.mandate(ramp=3 * HOUR, max_signal_age=3 * HOUR)
    desk, _ = run(room, bars_of([QUIET, QUIET, QUIET]), on_first("up"), mandate)
    assert not desk.open_trades
    assert not desk.tally.refused
    assert room.chain.time_of() == START + 2 * HOUR


def test_barriers_inside_the_bar_are_watched_after_the_wait(room: Any, bars_of: Any) -> None:
    mandate = room.mandate(ramp=600)
    bars = bars_of([QUIET, (2_000, 2_200, 1_800, 2_000)])
    desk, _ = run(room, bars, on_first("up"), mandate)
    [trade] = desk.tally.settled
    assert (trade.barrier, trade.opening.price) == (Barrier.STOP_LOSS, 2_000 * UNIT * room.factor)
    assert START + HOUR + 300 <= trade.opening.opened_at < trade.closed_at < START + 2 * HOUR


# ---- owners who release their trades


def test_a_trade_released_in_the_middle_of_a_replay_is_noticed_at_the_next_open(room: Any, bars_of: Any) -> None:
    mandate = room.mandate()
    bars = bars_of([QUIET, QUIET, (2_000, 2_200, 1_800, 2_000)])
    desk = room.desk(on_first("up"), mandate)

    def on_bar(done: int) -> None:
        if done == 2:
            room.settlement.release(room.people.owners[0], mandate)

    replay(desk, bars, room.publisher, start=0, on_bar=on_bar)
    [released] = desk.tally.released
    assert released.opening.price == 2_000 * UNIT * room.factor
    assert not desk.tally.settled
    assert not desk.tally.refused


def test_a_mandate_that_was_released_trades_on_the_signal_that_waits(room: Any, bars_of: Any) -> None:
    mandate = room.mandate()
    desk = room.desk(on_first("up", "up"), mandate)

    def on_bar(done: int) -> None:
        if done == 2:
            room.settlement.release(room.people.owners[0], mandate)

    replay(desk, bars_of([QUIET, QUIET, QUIET]), room.publisher, start=0, on_bar=on_bar)
    [released] = desk.tally.released
    assert desk.open_trades[mandate.id].transaction != released.opening.transaction


# ---- inside a bar


@pytest.mark.parametrize("side", Side)
def test_a_bar_that_reaches_both_barriers_stops_the_trade(room: Any, bars_of: Any, side: Side) -> None:
    bars = bars_of([QUIET, QUIET, (2_000, 2_200, 1_800, 2_000)])
    desk, _ = run(room, bars, on_first(WORDS[side]), room.mandate(side))
    [trade] = desk.tally.settled
    assert trade.barrier is Barrier.STOP_LOSS
    assert trade.profit < 0


@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize("barrier", [Barrier.TAKE_PROFIT, Barrier.STOP_LOSS])
def test_a_bar_that_reaches_one_barrier_ends_the_trade_at_that_barriers_price(
    room: Any, bars_of: Any, side: Side, barrier: Barrier
) -> None:
    rises = (side is Side.LONG) == (barrier is Barrier.TAKE_PROFIT)
    bars = bars_of([QUIET, QUIET, (2_000, 2_100, 1_999, 2_000) if rises else (2_000, 2_001, 1_900, 2_000)])
    desk, publisher = run(room, bars, on_first(WORDS[side]), room.mandate(side))
    [trade] = desk.tally.settled
    levels = trade.opening.levels
    level = levels.take_profit if barrier is Barrier.TAKE_PROFIT else levels.stop_loss
    assert trade.barrier is barrier
    assert abs(trade.price - level) < room.factor
    assert publisher.told[-1] == (trade.price // room.factor, START + 2 * HOUR)
    assert START + 2 * HOUR <= trade.closed_at < START + 3 * HOUR


@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize("barrier", [Barrier.TAKE_PROFIT, Barrier.STOP_LOSS])
def test_the_price_of_a_barrier_is_the_nearest_that_the_contract_agrees_to(
    room: Any, bars_of: Any, side: Side, barrier: Barrier
) -> None:
    mandate = room.mandate(side)
    desk, _ = run(room, bars_of([QUIET, QUIET]), on_first(WORDS[side]), mandate)
    trade = desk.open_trades[mandate.id]
    bar = Bar(START + 2 * HOUR, 2_000 * UNIT, 2_100 * UNIT, 1_900 * UNIT, 2_000 * UNIT)
    rises = (side is Side.LONG) == (barrier is Barrier.TAKE_PROFIT)
    quiet = Bar(bar.time, bar.open, bar.high if rises else bar.open, bar.open if rises else bar.low, bar.close)
    [touch] = touches([trade], quiet, factor=room.factor)

    def says(answer: int) -> tuple[Reason, Barrier]:
        room.publisher.publish(answer, bar.time)
        price = room.oracle.price().value
        fill = quote_close(mandate, room.people.filler.address, taken=trade.fill.taken, price=price, spread_bps=5)
        return room.venue().check_close(fill)

    nearer = touch.answer - 1 if rises else touch.answer + 1
    assert says(nearer) == (Reason.NO_BARRIER, Barrier.NONE)
    assert says(touch.answer) == (Reason.NONE, barrier)


@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize("barrier", [Barrier.TAKE_PROFIT, Barrier.STOP_LOSS])
def test_a_gap_through_a_barrier_closes_at_the_open(room: Any, bars_of: Any, side: Side, barrier: Barrier) -> None:
    rises = (side is Side.LONG) == (barrier is Barrier.TAKE_PROFIT)
    gapped = (2_300, 2_301, 2_299, 2_300) if rises else (1_700, 1_701, 1_699, 1_700)
    desk, publisher = run(room, bars_of([QUIET, QUIET, gapped]), on_first(WORDS[side]), room.mandate(side))
    [trade] = desk.tally.settled
    assert (trade.barrier, trade.price) == (barrier, gapped[0] * UNIT * room.factor)
    assert len(publisher.told) == 3


def test_a_trade_that_reaches_nothing_ends_at_the_open_of_the_bar_in_which_its_horizon_ends(
    room: Any, bars_of: Any
) -> None:
    bars = bars_of([QUIET, *[(2_001, 2_002, 1_999, 2_000)] * 14])
    desk, _ = run(room, bars, on_first("up"), room.mandate())
    [trade] = desk.tally.settled
    assert (trade.barrier, trade.price) == (Barrier.HORIZON, 2_001 * UNIT * room.factor)
    assert START + 13 * HOUR <= trade.closed_at < START + 13 * HOUR + 60


def test_both_sides_open_at_once_are_each_walked_against_themselves(room: Any, bars_of: Any) -> None:
    long, short = room.mandate(Side.LONG), room.mandate(Side.SHORT)
    bars = bars_of([QUIET, QUIET, QUIET, (2_000, 2_100, 1_900, 2_000)])
    desk, publisher = run(room, bars, on_first("up", "down"), long, short)
    assert [trade.barrier for trade in desk.tally.settled] == [Barrier.STOP_LOSS, Barrier.STOP_LOSS]
    assert {trade.opening.side for trade in desk.tally.settled} == set(Side)
    assert len(publisher.told) == 4 + 2


def test_a_barrier_of_one_side_leaves_the_other_open(room: Any, bars_of: Any) -> None:
    long, short = room.mandate(Side.LONG), room.mandate(Side.SHORT, stop_loss_bps=900)
    bars = bars_of([QUIET, QUIET, QUIET, (2_000, 2_100, 1_999, 2_000)])
    desk, _ = run(room, bars, on_first("up", "down"), long, short)
    [trade] = desk.tally.settled
    assert (trade.opening.side, trade.barrier) == (Side.LONG, Barrier.TAKE_PROFIT)
    assert set(desk.open_trades) == {short.id}


def test_two_owners_at_the_same_barrier_are_closed_at_one_price_in_one_transaction(
    room: Any, bars_of: Any
) -> None:
    bars = bars_of([QUIET, QUIET, (2_000, 2_100, 1_999, 2_000)])
    desk, publisher = run(room, bars, on_first("up"), room.mandate(), room.mandate(owner=1))
    assert len({(trade.price, trade.transaction) for trade in desk.tally.settled}) == 1
    assert len(desk.tally.settled) == 2
    assert len(publisher.told) == 3 + 1


def test_stops_come_before_profits_whoever_they_belong_to(room: Any, bars_of: Any) -> None:
    gains = room.mandate(take_profit_bps=50, stop_loss_bps=900)
    loses = room.mandate(owner=1, take_profit_bps=900, stop_loss_bps=50)
    bars = bars_of([QUIET, QUIET, (2_000, 2_020, 1_980, 2_000)])
    desk, publisher = run(room, bars, on_first("up"), gains, loses)
    assert [(trade.opening.fill.mandate, trade.barrier) for trade in desk.tally.settled] == [
        (loses, Barrier.STOP_LOSS),
        (gains, Barrier.TAKE_PROFIT),
    ]
    assert [answer < 2_000 * UNIT for answer, _ in publisher.told[-2:]] == [True, False]


def test_a_barrier_behind_the_open_is_not_a_price_of_the_bar_even_if_the_trade_could_not_be_closed_there(
    room: Any, bars_of: Any
) -> None:
    mandate = room.mandate()
    desk, publisher = room.desk(on_first("up"), mandate), heard(room)
    bars = bars_of([QUIET, QUIET, (1_900, 2_100, 1_890, 1_950)])
    replay(desk, bars[:2], publisher, start=0)
    room.withdraw_all(room.people.filler, room.quote)
    replay(desk, bars, publisher, start=2)
    assert set(desk.open_trades) == {mandate.id}
    assert desk.tally.refused[Reason.FILLER_BALANCE] >= 1
    # The way up to the profit is one that the price did take; the stop at 1,980 lay above the open already.
    stop = desk.open_trades[mandate.id].levels.stop_loss // room.factor
    assert stop not in [answer for answer, _ in publisher.told]


# ---- touches, alone

FACTOR = 10**16
LEVELS = st.integers(50 * FACTOR, 150 * FACTOR)


@st.composite
def trades(draw: st.DrawFn) -> list[tuple[Side, int, int]]:
    """Sides with their take-profit and stop-loss, which lie on the right sides of each other."""
    pairs = draw(st.lists(st.tuples(st.sampled_from(Side), LEVELS, LEVELS), max_size=4))
    return [
        (side, *((max(pair), min(pair)) if side is Side.LONG else (min(pair), max(pair)))) for side, *pair in pairs
    ]


@given(trades(), st.lists(st.integers(60, 140), min_size=4, max_size=4), st.integers(0, 1))
def test_a_touch_is_a_price_of_the_bar_and_each_trade_has_one_at_most(
    mandate_on_paper: Any, held: list[tuple[Side, int, int]], prices: list[int], opened: int
) -> None:
    low, *inner, high = sorted(prices)
    bar = Bar(START, inner[opened], high, low, inner[1 - opened])
    waiting = [
        OpenTrade(
            Fill(mandate_on_paper(side, salt=number), "0x" + "f" * 40, 1, 1),
            Decision(START, side, None, None),
            opened_at=START,
            price=100 * FACTOR,
            transaction="0x",
            levels=Levels(take_profit, stop_loss, START + HOUR),
        )
        for number, (side, take_profit, stop_loss) in enumerate(held)
    ]
    by_id = {trade.fill.mandate.id: trade for trade in waiting}
    met: list[bytes] = []
    for touch in touches(waiting, bar, factor=FACTOR):
        assert low <= touch.answer <= high
        for mandate_id in touch.mandates:
            trade, price = by_id[mandate_id], touch.answer * FACTOR
            levels = trade.levels
            stops, profits = price <= levels.stop_loss, price >= levels.take_profit
            if trade.side is Side.SHORT:
                stops, profits = price >= levels.stop_loss, price <= levels.take_profit
            assert stops or profits
            met.append(mandate_id)
    assert len(met) == len(set(met))


def test_what_is_not_reached_touches_nothing(mandate_on_paper: Any) -> None:
    trade = OpenTrade(
        Fill(mandate_on_paper(Side.LONG), "0x" + "f" * 40, 1, 1),
        Decision(START, Side.LONG, None, None),
        opened_at=START,
        price=100 * FACTOR,
        transaction="0x",
        levels=Levels(111 * FACTOR, 90 * FACTOR - 1, START + HOUR),
    )
    assert list(touches([trade], Bar(START, 100, 110, 90, 100), factor=FACTOR)) == []
    assert [touch.answer for touch in touches([trade], Bar(START, 100, 110, 89, 100), factor=FACTOR)] == [89]
