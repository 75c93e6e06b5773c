"""A model is trained on how trades end; the contract ends them in just that way: same barrier, same bar, same result."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agent.chain.values import BPS, Barrier, Side
from agent.desk.loop import Desk
from agent.desk.trades import OpenTrade, SettledTrade
from agent.market.bars import Bars
from agent.market.read import load
from agent.market.synthetic import random_walk
from agent.model import labels
from agent.model.labels import Barriers, Exits, triple_barrier
from agent.model.trained import TrainedModel

START = 1_704_067_200
# Labels round prices to whole units; the contract's entry is a ratio of amounts, of which a trade's quote has nine digits.
UNITS, SHARE = 2, 2e-9
RESULT_BPS = 0.01

WIDE = Barriers(take_profit_bps=150, stop_loss_bps=80, horizon=5, spread_bps=10)
NARROW = Barriers(take_profit_bps=40, stop_loss_bps=60, horizon=3, spread_bps=2)
FREE = Barriers(spread_bps=0)


def coin(close: int) -> str:
    """A model without any skill, which says something at every bar."""
    return "up" if close // 7 % 2 else "down"


def traded(room: Any, bars: Bars, barriers: Barriers, says: Any = coin, *, start: int = 0) -> Desk:
    mandates = [room.mandate(side, barriers=barriers) for side in Side]
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
    kept[[7, 8, 9, 20, 33, 34, 40]] = False
    columns = ("time", "open", "high", "low", "close", "volume")
    return replace(bars, **{name: getattr(bars, name)[kept] for name in columns})


@pytest.mark.parametrize(
    ("bars", "barriers"),
    [
        pytest.param(random_walk(45, seed=1), Barriers(), id="a random walk"),
        pytest.param(random_walk(32, seed=2, volatility_bps=200), WIDE, id="bars that reach both barriers"),
        pytest.param(with_holes(random_walk(52, seed=5)), FREE, id="bars that are missing, and no spread"),
    ],
)
def test_each_trade_ends_as_its_label_says(room: Any, bars: Bars, barriers: Barriers) -> None:
    desk = traded(room, bars, barriers)
    assert Counter(trade.opening.side for trade in desk.tally.settled).keys() == set(Side)
    assert len(desk.tally.settled) >= 10
    assert_as_labelled(desk, bars, barriers, factor=room.factor)


def test_so_it_does_whichever_way_it_ends(room: Any) -> None:
    bars = random_walk(60, seed=3, volatility_bps=26)
    desk = traded(room, bars, NARROW)
    ways = Counter((trade.opening.side, trade.barrier) for trade in desk.tally.settled)
    assert ways.keys() == {(side, barrier) for side in Side for barrier in Barrier if barrier is not Barrier.NONE}
    assert_as_labelled(desk, bars, NARROW, factor=room.factor)


def test_real_bars_end_trades_as_their_labels_say(room: Any, shared_data: Path) -> None:
    loaded = load(shared_data / "eth_usd_1h_kraken.csv").bars[-60:]
    assert loaded.decimals == 8
    bars = replace(loaded, time=loaded.time - loaded.time[0] + START)  # the room's clock is later than theirs
    desk = traded(room, bars, Barriers())
    assert len(desk.tally.settled) >= 10
    assert_as_labelled(desk, bars, Barriers(), factor=room.factor)


def test_a_trained_models_trades_end_as_the_labels_it_learned_from_say(
    room: Any, planted_bars: Bars, model: TrainedModel
) -> None:
    bars = planted_bars[-120:]
    bars = replace(bars, time=bars.time - bars.time[0] + START)
    desk = traded(room, bars, model.manifest.barriers, model, start=32)
    assert len(desk.tally.settled) >= 5
    assert_as_labelled(desk, bars, model.manifest.barriers, factor=room.factor)
