"""Every figure is what it says: counted by hand on few trades, and as scikit-learn counts on many."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import log_loss

from agent.evaluation.measures import (
    Answers,
    calibration_of,
    drawdown_bps,
    measures_of,
    parts_of,
    profit_factor,
    scores_of,
)
from agent.evaluation.trading import Decisions, Traded, traded
from agent.market.synthetic import random_walk
from agent.model.labels import Barrier
from agent.model.patterns import PATTERNS

RNG = np.random.default_rng


@pytest.fixture(scope="module")
def there(ground, stretch):
    return stretch(ground(random_walk(3_000, seed=8)))


@pytest.fixture(scope="module")
def trades(there, decisions):
    wanted = decisions(there.samples(), share=0.3, seed=1)
    return Traded.joined(
        [traded(there.ground, wanted, test, fold=n) for n, test in zip(there.folds, there.tests, strict=True)]
    )


def test_trades_are_counted_by_how_they_ended(there, trades):
    measured = measures_of(there, trades, rng=RNG(0))
    ended = [int(np.count_nonzero(trades.barrier == barrier)) for barrier in (1, 2, 3)]
    assert [measured.take_profits, measured.stop_losses, measured.horizons] == ended
    assert measured.trades == len(trades) == sum(ended) > 200
    assert measured.hit_rate.value == ended[0] / sum(ended)
    assert measured.hit_rate.interval.low < measured.hit_rate.value < measured.hit_rate.interval.high


def test_results_add_up(there, trades):
    measured = measures_of(there, trades, rng=RNG(0))
    results = trades.result_bps
    assert measured.return_bps.value == pytest.approx(results.sum())
    assert measured.mean_bps.value == pytest.approx(results.mean())
    assert measured.profit_factor.value == pytest.approx(results[results > 0].sum() / -results[results < 0].sum())
    assert measured.mean_bps.interval.low < results.mean() < measured.mean_bps.interval.high
    assert measured.return_bps.interval.low == pytest.approx(measured.mean_bps.interval.low * len(trades))


def test_gross_and_cost_stand_apart_and_make_up_the_net_result(there, ground, stretch, trades):
    measured = measures_of(there, trades, rng=RNG(0))
    charged = 2 * there.ground.costs.spread_bps + there.ground.costs.gas_bps
    assert measured.cost_bps == pytest.approx(charged, abs=0.2)
    assert measured.gross_bps - measured.cost_bps == pytest.approx(measured.mean_bps.value)
    assert measured.gross_return_bps - measured.cost_return_bps == pytest.approx(measured.return_bps.value)
    assert measured.cost_return_bps == pytest.approx(measured.cost_bps * len(trades))
    # What it would have been without spread and gas: the same entries and exits, at the oracle's own prices.
    opens = there.ground.bars.open[trades.decided + 1]
    by_hand = trades.side * (trades.price / opens - 1) * 10_000
    assert measured.gross_bps == pytest.approx(by_hand.mean())
    sides, _ = parts_of(there, trades, rng=RNG(0))
    assert sum(part.measures.gross_return_bps for part in sides) == pytest.approx(measured.gross_return_bps)


def test_the_base_rate_is_that_of_the_same_sides_in_the_same_folds(there, trades):
    shares = []
    for fold, side in zip(trades.fold.tolist(), trades.side.tolist(), strict=True):
        places = there.ground.samples(there.tests[fold])
        shares.append(np.mean(there.ground.exits(side).barrier[places] == Barrier.TAKE_PROFIT))
    assert measures_of(there, trades, rng=RNG(0)).base_rate == pytest.approx(np.mean(shares))


def test_the_sharpe_ratio_is_of_a_year_of_days_when_bars_are_hours(there, trades):
    by_day: dict[int, float] = dict.fromkeys(
        (there.ground.bars.time[there.start : there.stop] // 86_400).tolist(), 0
    )
    alone = [trades.where(np.arange(len(trades)) == row) for row in range(len(trades))]
    whole_days = [each for each in alone if one_day(there, each)]
    for each in whole_days:
        by_day[int(there.ground.bars.time[each.ended[0]]) // 86_400] += float(each.result_bps[0])
    days = np.array(list(by_day.values()))
    measured = measures_of(there, Traded.joined(whole_days), rng=RNG(0)).sharpe
    assert measured.value == pytest.approx(days.mean() / days.std(ddof=1) * math.sqrt(365.25), rel=1e-6)
    assert measured.interval.low < measured.value < measured.interval.high


def one_day(there, trade):
    """Whether a trade begins and ends on the same day, so that its whole result falls on it."""
    days = there.ground.bars.time[[trade.decided[0] + 1, trade.ended[0]]] // 86_400
    return days[0] == days[1]


def test_without_trades_there_is_nothing_to_measure_and_nothing_is_made_up(there, trades):
    measured = measures_of(there, trades.where(np.zeros(len(trades), dtype=bool)), rng=RNG(0))
    assert measured.trades == 0
    assert measured.return_bps.value == measured.exposure == measured.drawdown_bps == 0
    undefined = (measured.hit_rate, measured.mean_bps, measured.profit_factor, measured.sharpe)
    assert {each.value for each in undefined} == {None}
    assert measured.base_rate is None
    assert measured.gross_bps is measured.cost_bps is None
    assert measured.gross_return_bps == measured.cost_return_bps == 0


@pytest.mark.parametrize(
    ("gains", "deepest"),
    [
        ([], 0),
        ([100, 200], 0),
        ([-100], 100),
        ([10_000, -10_000, 5_000], 5_000),  # half of what had become twice the stake
        ([-6_000, 100, -6_000], 11_900),  # more than the stake was lost
    ],
)
def test_the_drawdown_is_the_deepest_fall_from_the_highest_equity(gains, deepest):
    assert drawdown_bps(np.array(gains, dtype=float)) == pytest.approx(deepest)


@given(st.lists(st.floats(-500, 500), min_size=1, max_size=50))
def test_a_drawdown_is_never_negative_and_nothing_that_only_rises_has_one(gains):
    assert drawdown_bps(np.array(gains)) >= 0
    assert drawdown_bps(np.abs(gains)) == 0


def test_a_profit_factor_without_a_loser_is_not_a_number():
    assert profit_factor(np.array([5.0, 1.0])) is None
    assert profit_factor(np.array([6.0, -2.0])) == 3
    assert profit_factor(np.array([-2.0])) == 0


def test_the_parts_are_the_trades_by_side_and_by_pattern(there, trades):
    sides, patterns = parts_of(there, trades, rng=RNG(0))
    assert [part.name for part in sides] == ["long", "short"]
    assert sum(part.measures.trades for part in sides) == len(trades)
    assert sum(part.measures.return_bps.value for part in sides) == pytest.approx(trades.result_bps.sum())
    bits = {pattern.name: pattern.bit for pattern in PATTERNS}
    masks = there.ground.masks
    for part in patterns:
        has = 1 << bits[part.name]
        assert part.samples == np.count_nonzero(masks[there.samples()] & has) > 0
        assert part.measures.trades == np.count_nonzero(masks[trades.decided] & has)


@pytest.fixture(scope="module")
def answers(there):
    rng = np.random.default_rng(3)
    places = there.samples()
    given = rng.dirichlet([4, 2, 4], len(places))
    came = there.ground.outcomes.label[places].astype(np.int64) + 1
    return Answers(places, given, came, np.tile([0.4, 0.2, 0.4], (len(places), 1)))


def test_probabilities_are_scored_as_scikit_learn_scores_them(there, answers):
    scores = scores_of(there, answers, rng=RNG(0))
    assert scores.bars == len(answers.places)
    assert scores.log_loss.value == pytest.approx(log_loss(answers.came, answers.given, labels=[0, 1, 2]))
    assert scores.log_loss_base == pytest.approx(log_loss(answers.came, answers.base, labels=[0, 1, 2]))
    squares = ((answers.given - np.eye(3)[answers.came]) ** 2).sum(axis=1)
    assert scores.brier.value == pytest.approx(squares.mean())
    assert scores.log_loss.interval.low < scores.log_loss.value < scores.log_loss.interval.high


def test_what_was_called_impossible_and_came_is_a_finite_loss(there, answers):
    certain = np.zeros_like(answers.given)
    certain[np.arange(len(certain)), (answers.came + 1) % 3] = 1
    wrong = Answers(answers.places, certain, answers.came, answers.base)
    assert scores_of(there, wrong, rng=RNG(0)).log_loss.value == pytest.approx(-math.log(0.5e-4))


def test_a_calibration_curve_tells_how_often_what_was_given_came(there, answers):
    curve = calibration_of(there, answers, rng=RNG(0))
    assert len(curve.bins) == 10
    assert sum(each.count for each in curve.bins) == 2 * len(answers.places)
    given = np.concatenate([answers.given[:, 0], answers.given[:, 2]])
    came = np.concatenate([answers.came == 0, answers.came == 2])
    for each in curve.bins:
        inside = (given >= each.low) & (given <= each.high)
        assert each.count == inside.sum()
        assert each.predicted == pytest.approx(given[inside].mean())
        assert each.observed.value == pytest.approx(came[inside].mean())
    off = sum(each.count * abs(each.predicted - each.observed.value) for each in curve.bins)
    assert curve.error == pytest.approx(off / (2 * len(answers.places)))


def test_the_same_probability_for_all_is_one_bin(there, answers):
    flat = Answers(answers.places, np.tile([0.3, 0.4, 0.3], (len(answers.places), 1)), answers.came, answers.base)
    assert [each.predicted for each in calibration_of(there, flat, rng=RNG(0)).bins] == [pytest.approx(0.3)]


def test_the_true_probabilities_are_calibrated_and_others_are_not(there, answers):
    rng = np.random.default_rng(1)
    up = rng.uniform(0.1, 0.8, len(answers.places))
    given = np.column_stack([0.9 - up, np.full(len(up), 0.1), up])
    came = np.array([rng.choice(3, p=row) for row in given])
    right = calibration_of(there, Answers(answers.places, given, came, answers.base), rng=RNG(0))
    wrong = calibration_of(there, Answers(answers.places, given[:, ::-1], came, answers.base), rng=RNG(0))
    assert right.error < 0.05 < 0.3 < wrong.error


def test_decisions_that_no_window_holds_become_nothing(there):
    outside = np.arange(10)
    none = Decisions(outside, np.ones(10, dtype=np.int8), np.zeros(10, dtype=np.int64))
    assert not len(traded(there.ground, none, there.tests[0], fold=0))
