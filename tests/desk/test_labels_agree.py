"""A model is trained on how trades end, and an evaluation says what they would have come to; the contract ends them in just
that way: same barrier, same bar, same result.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agent.chain.values import BPS, Barrier, Side
from agent.desk.loop import Desk
from agent.desk.trades import OpenTrade, SettledTrade
from agent.evaluation.costs import costs_of
from agent.evaluation.folds import span_of
from agent.evaluation.ground import ground_of
from agent.evaluation.trading import Decisions, traded, trades_of
from agent.market.bars import Bars
from agent.market.read import load
from agent.market.synthetic import random_walk
from agent.model import labels
from agent.model.labels import Barriers, Exits, triple_barrier
from agent.model.trained import TrainedModel

START = 1_704_067_200
HOUR = 3_600
# Labels round prices to whole units; the contract's entry is a ratio of amounts, of which a trade's quote has nine digits.
UNITS, SHARE = 2, 2e-9
RESULT_BPS = 0.01

WIDE = Barriers(take_profit_bps=150, stop_loss_bps=80, horizon=5, spread_bps=10)
NARROW = Barriers(take_profit_bps=40, stop_loss_bps=60, horizon=3, spread_bps=2)
FREE = Barriers(spread_bps=0)
NAMES = {"TAKE_PROFIT": "profit", "STOP_LOSS": "stop", "HORIZON": "horizon"}  # as an evaluation calls them


def coin(close: int) -> str:
    """A model without any skill, which says something at most bars."""
    return ("up", "down", "flat", "up", "down")[close // 7 % 5]


def replayed(
    room: Any,
    bars: Bars,
    barriers: Barriers,
    says: Any = coin,
    *,
    start: int = 0,
    cooldown: int = 0,
    ramp: int = 0,
) -> Desk:
    mandates = [room.mandate(side, barriers=barriers, cooldown=cooldown * HOUR, ramp=ramp) for side in Side]
    desk = room.desk(says, *mandates, spread_bps=barriers.spread_bps)
    room.replay(desk, bars, start=start)
    return desk


def result_bps(trade: SettledTrade) -> float:
    """What a trade gained on its entry, in the same terms as the labels: of the quote that it was entered with.

    A Long gives quote and gets it back. A Short is entered with the quote it takes, and gives that back for base.
    """
    given, returned = trade.opening.fill.given, trade.returned
    return (returned / given - 1) * BPS if trade.opening.side is Side.LONG else (1 - given / returned) * BPS


def assert_as_labelled(desk: Desk, bars: Bars, barriers: Barriers, *, factor: int) -> None:
    outcomes = triple_barrier(bars, barriers)

    def labelled(trade: OpenTrade) -> tuple[Exits, int]:
        decided = int(np.searchsorted(bars.time, trade.decision.closed_at - bars.interval))
        assert bars.closed_at(decided) == trade.decision.closed_at
        assert trade.price == int(bars.open[decided + 1]) * factor
        return outcomes.long if trade.side is Side.LONG else outcomes.short, decided

    for trade in desk.tally.settled:
        exits, decided = labelled(trade.opening)
        ended = int(np.searchsorted(bars.time, trade.closed_at, side="right")) - 1
        assert labels.Barrier(int(exits.barrier[decided])).name == trade.barrier.name
        assert exits.index[decided] == ended
        assert trade.price // factor == pytest.approx(int(exits.price[decided]), abs=UNITS, rel=SHARE)
        assert result_bps(trade) == pytest.approx(exits.result_bps[decided], abs=RESULT_BPS)
    for trade in desk.open_trades.values():
        exits, decided = labelled(trade)
        assert exits.barrier[decided] == labels.Barrier.UNKNOWN


def with_holes(bars: Bars) -> Bars:
    """The same bars, of which some are missing: one here, several there."""
    kept = np.ones(len(bars), dtype=bool)
    kept[[5, 6, 7, 11, 14, 15, 18]] = False
    columns = ("time", "open", "high", "low", "close", "volume")
    return replace(bars, **{name: getattr(bars, name)[kept] for name in columns})


@dataclass(frozen=True)
class Case:
    """Bars, what ends a trade on them, for how many bars a mandate rests after it, and how long its slippage grows."""

    bars: Bars
    barriers: Barriers
    cooldown: int = 0
    ramp: int = 0


CASES = {
    "a random walk": Case(random_walk(24, seed=147), Barriers()),
    "bars that reach both barriers": Case(random_walk(14, seed=4, volatility_bps=200), WIDE),
    "bars that are missing, and no spread": Case(with_holes(random_walk(31, seed=19)), FREE),
    "mandates that cool down": Case(random_walk(24, seed=13, volatility_bps=120), Barriers(), 3),
    "owners whose slippage grows": Case(random_walk(24, seed=147), Barriers(), ramp=60),
    "short horizons": Case(random_walk(18, seed=136, volatility_bps=30), NARROW, 1),
}


@dataclass(frozen=True)
class Done:
    """A case, and the desk that has traded on it."""

    case: Case
    desk: Desk
    factor: int


@pytest.fixture(scope="module", params=CASES.values(), ids=CASES)
def done(request: pytest.FixtureRequest, another_room: Any) -> Done:
    case = request.param
    with another_room() as room:
        desk = replayed(room, case.bars, case.barriers, cooldown=case.cooldown, ramp=case.ramp)
        return Done(case, desk, room.factor)


def test_each_trade_ends_as_its_label_says(done: Done) -> None:
    settled = done.desk.tally.settled
    assert len(settled) >= 6
    assert {trade.opening.side for trade in settled} == set(Side)
    assert_as_labelled(done.desk, done.case.bars, done.case.barriers, factor=done.factor)
    if done.case is CASES["short horizons"]:  # in which they end whichever way they can
        ways = {(trade.opening.side, trade.barrier) for trade in settled}
        assert ways == {(side, barrier) for side in Side for barrier in Barrier if barrier is not Barrier.NONE}


def test_an_evaluation_makes_the_same_trades_of_the_same_decisions(done: Done) -> None:
    case = done.case
    said = np.array(
        [{"up": 1, "down": -1, "flat": 0}[coin(close)] for close in case.bars.close.tolist()], dtype=np.int8
    )
    places = np.flatnonzero(said)
    costs = costs_of(case.barriers, gas_bps=0)
    ground = ground_of(case.bars, barriers=case.barriers, costs=costs, cooldown=case.cooldown)
    decisions = Decisions(places, said[places], np.full(len(places), 8_000))
    whole = span_of(case.bars, 0, len(case.bars))
    told = trades_of(ground, traded(ground, decisions, whole, fold=0))
    assert len(told) >= 6

    # The desk also trades in the last horizon, where an evaluation opens nothing.
    tradable = set((ground.tradable(whole) + 1).tolist())
    by_desk = [each for each in by_entry(done.desk, case.bars) if each[0] in tradable]
    by_us = [(each.entered, each.ended, each.side, each.barrier, each.exit * done.factor) for each in told]
    assert [each[:4] for each in by_us] == [each[:4] for each in by_desk]
    assert [each[4] for each in by_us] == pytest.approx([each[4] for each in by_desk], rel=1e-8)


def by_entry(desk: Desk, bars: Bars) -> list[tuple[int, int, int, str, int]]:
    """Bar entered, bar ended, side, barrier and price of every settled trade, in the order of entry."""

    def bar_of(time: int) -> int:
        return int(np.searchsorted(bars.time, time, side="right")) - 1

    made = []
    for trade in desk.tally.settled:
        decided = bar_of(trade.opening.decision.closed_at - bars.interval)
        side = 1 if trade.opening.side is Side.LONG else -1
        made.append((decided + 1, bar_of(trade.closed_at), side, NAMES[trade.barrier.name], trade.price))
    return sorted(made, key=lambda each: (each[0], -each[2]))


def test_real_bars_end_trades_as_their_labels_say(room: Any, shared_data: Path) -> None:
    loaded = load(shared_data / "eth_usd_1h_kraken.csv").bars[-1642:-1620]
    assert loaded.decimals == 8
    bars = replace(loaded, time=loaded.time - loaded.time[0] + START)  # the room's clock is later than theirs
    desk = replayed(room, bars, Barriers())
    assert len(desk.tally.settled) >= 7
    assert_as_labelled(desk, bars, Barriers(), factor=room.factor)


def test_a_trained_models_trades_end_as_the_labels_it_learned_from_say(
    room: Any, planted_bars: Bars, model: TrainedModel
) -> None:
    bars = planted_bars[-172:-110]
    bars = replace(bars, time=bars.time - bars.time[0] + START)
    desk = replayed(room, bars, model.manifest.barriers, model, start=32)
    assert len(desk.tally.settled) >= 3
    assert_as_labelled(desk, bars, model.manifest.barriers, factor=room.factor)
