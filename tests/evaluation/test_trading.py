"""Decisions become trades as mandates let them, and each bar of a trade is worth what its close says."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.evaluation.folds import span_of
from agent.evaluation.ground import Ground
from agent.evaluation.trading import Decisions, Traded, held, marked, traded, trades_of
from agent.market.synthetic import random_walk
from agent.model.labels import Barrier, Barriers


def everywhere(ground: Ground, side: int) -> Decisions:
    places = np.arange(len(ground.bars))
    return Decisions(places, np.full(len(places), side, dtype=np.int8), np.zeros(len(places), dtype=np.int64))


def whole(ground: Ground, decisions: Decisions) -> Traded:
    return traded(ground, decisions, span_of(ground.bars, 0, len(ground.bars)), fold=0)


def one_by_one(ground: Ground, decisions: Decisions, stop: int) -> list[tuple[int, int]]:
    """The same rules, told slowly: walk the bars, and at each open first end trades, then enter."""
    bars, horizon = ground.bars, ground.barriers.horizon
    wanted = dict(zip(decisions.places.tolist(), decisions.sides.tolist(), strict=True))
    free_from: dict[int, tuple[int, bool]] = {1: (0, False), -1: (0, False)}
    made = []
    for entry in range(1, stop):
        side = wanted.get(entry - 1)
        if side is None or bars.time[entry] != bars.closed_at(entry - 1):
            continue
        if bars.time[entry] + horizon * bars.interval > bars.time[stop - 1]:
            continue
        ended, inside = free_from[side]
        again = ended + ground.cooldown * bars.interval
        if bars.time[entry] < again or ((inside or ground.cooldown) and bars.time[entry] == again):
            continue
        exits = ground.exits(side)
        end = int(exits.index[entry - 1])
        free_from[side] = (int(bars.time[end]), bool(exits.price[entry - 1] != bars.open[end]))
        made.append((entry - 1, side))
    return made


@pytest.mark.parametrize("cooldown", [0, 1, 5])
@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**31), share=st.floats(0.05, 1.0), missing=st.floats(0, 0.1))
def test_a_mandate_holds_one_trade_of_its_side_at_a_time(ground, decisions, seed, share, missing, cooldown):
    walk = random_walk(300, seed=seed % 1_000, volatility_bps=40)
    kept = np.random.default_rng(seed).random(300) >= missing
    columns = ("time", "open", "high", "low", "close", "volume")
    bars = replace(walk, **{name: getattr(walk, name)[kept] for name in columns})
    there = ground(bars, cooldown=cooldown)
    wanted = decisions(np.arange(len(bars)), share=share, seed=seed)
    trades = whole(there, wanted)
    assert list(zip(trades.decided.tolist(), trades.side.tolist(), strict=True)) == one_by_one(
        there, wanted, len(bars)
    )


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 500), share=st.floats(0.05, 1.0), gas=st.floats(0, 50))
def test_what_a_trade_gains_bar_by_bar_is_its_result(ground, decisions, seed, share, gas):
    there = ground(random_walk(200, seed=seed, volatility_bps=30), gas_bps=gas)
    trades = whole(there, decisions(np.arange(200), share=share, seed=seed))
    gains = marked(there, trades)
    assert gains.sum() == pytest.approx(trades.result_bps.sum(), abs=1e-6)
    for row in range(len(trades)):
        alone = trades.where(np.arange(len(trades)) == row)
        bars = np.flatnonzero(marked(there, alone))
        assert bars.min(initial=10**9) > trades.decided[row]
        assert bars.max(initial=-1) <= trades.ended[row]


def test_a_trade_is_marked_to_the_close_of_each_bar(ground):
    there = ground(random_walk(200, seed=4, volatility_bps=10), gas_bps=7)
    trades = whole(there, everywhere(there, -1))
    trade = trades.where(trades.decided == 0)
    assert trade.barrier[0] == Barrier.HORIZON
    entered, ended = int(trade.decided[0]) + 1, int(trade.ended[0])
    entry = there.barriers.levels(there.bars.open[entered : entered + 1], direction=-1).entry[0]
    so_far = np.cumsum(marked(there, trade))
    for bar in range(entered, ended):
        assert so_far[bar] == pytest.approx((entry - there.bars.close[bar]) / entry * 10_000 - 7)
    assert so_far[ended] == pytest.approx(trade.result_bps[0])
    assert held(there, trade).nonzero()[0].tolist() == list(range(entered, ended))


def test_results_are_those_of_the_labels_less_gas(ground):
    there = ground(gas_bps=9)
    trades = whole(there, everywhere(there, 1))
    assert len(trades) > 50
    assert trades.result_bps == pytest.approx(there.outcomes.long.result_bps[trades.decided] - 9)


def test_every_trade_ends_inside_its_window_and_none_is_left_out_for_how_it_ended(ground):
    there = ground(random_walk(400, seed=9, volatility_bps=15))
    window = span_of(there.bars, 100, 300)
    trades = traded(there, everywhere(there, 1), window, fold=0)
    assert trades.decided.min() == 100
    assert trades.ended.max() < 300
    assert there.tradable(window).tolist() == list(range(100, 300 - there.barriers.horizon - 1))


def test_a_signal_does_not_wait_for_a_bar_that_is_missing(ground):
    walk = random_walk(60, seed=2)
    kept = np.arange(60) != 20
    columns = ("time", "open", "high", "low", "close", "volume")
    there = ground(replace(walk, **{name: getattr(walk, name)[kept] for name in columns}))
    assert 19 not in there.tradable(span_of(there.bars, 0, 59))


def test_a_trade_is_told_with_its_prices_and_barriers(ground):
    barriers = Barriers(take_profit_bps=200, stop_loss_bps=50, horizon=5, spread_bps=10)
    there = ground(barriers=barriers)
    trades = whole(there, everywhere(there, 1))
    told = trades_of(there, trades)
    assert {each.barrier for each in told} == {"profit", "stop", "horizon"}
    for each in told:
        opened = int(there.bars.open[each.entered])
        assert each.entry == pytest.approx(opened * 1.001, rel=1e-8)
        assert each.take_profit == pytest.approx(each.entry * 1.02, rel=1e-8)
        assert each.stop_loss == pytest.approx(each.entry * 0.995, rel=1e-8)
        assert each.due == each.entered_at + 5 * 3_600
        assert each.ended_at <= each.due
        assert each.patterns == there.masks[each.decided]
        assert each.result_bps == pytest.approx((each.exit * 0.999 / each.entry - 1) * 10_000 - 4, abs=0.01)
