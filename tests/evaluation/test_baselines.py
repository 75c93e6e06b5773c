"""Knowing nothing is measured as models are: same bars, same barriers, same costs."""

from __future__ import annotations

import numpy as np
import pytest

from agent.evaluation.baselines import always_long, buy_and_hold, patterns_alone, random_entries
from agent.evaluation.effort import Effort
from agent.evaluation.trading import Traded, traded
from agent.market.synthetic import random_walk
from agent.model.patterns import PATTERNS

RNG = np.random.default_rng


@pytest.fixture(scope="module")
def there(ground, stretch):
    return stretch(
        ground(random_walk(4_000, seed=6)), effort=Effort(permutations=9, resamples=20, random_entries=60)
    )


@pytest.fixture(scope="module")
def trades(there, decisions):
    wanted = decisions(there.samples(), share=0.2, seed=2)
    return Traded.joined(
        [traded(there.ground, wanted, test, fold=n) for n, test in zip(there.folds, there.tests, strict=True)]
    )


def test_always_long_enters_again_as_soon_as_it_may(there):
    baseline = always_long(there, rng=RNG(0))
    assert baseline.measures.exposure > 0.97
    assert baseline.measures.trades > len(there.samples()) / 10
    assert baseline.equity[-1] == pytest.approx(baseline.measures.return_bps.value)


def test_buying_and_holding_pays_the_spread_twice_and_gas_once(there):
    bars, costs = there.ground.bars, there.ground.costs
    baseline = buy_and_hold(there, rng=RNG(0))
    spread = costs.spread_bps / 10_000
    first, last = bars.open[there.start], bars.close[there.stop - 1]
    paid, received = first * (1 + spread), last * (1 - spread)
    assert baseline.measures.return_bps.value == pytest.approx((received / paid - 1) * 10_000 - costs.gas_bps)
    assert baseline.equity[-1] == pytest.approx(baseline.measures.return_bps.value)
    assert baseline.measures.trades == baseline.measures.exposure == 1
    closes = bars.close[there.start : there.stop] / first
    fall = (1 - closes / np.maximum.accumulate(np.maximum(closes, 1))).max()
    assert baseline.measures.drawdown_bps == pytest.approx(fall * 10_000, rel=0.02)


def test_patterns_alone_are_traded_to_the_side_of_tradition(there, ground):
    baseline = patterns_alone(there, rng=RNG(0))
    directions = {pattern.bit: pattern.direction for pattern in PATTERNS}
    masks = there.ground.masks[there.samples()]
    leaning = [sum(side for bit, side in directions.items() if mask >> bit & 1) for mask in masks.tolist()]
    assert 0 < baseline.measures.trades <= np.count_nonzero(leaning)


def test_random_entries_have_the_turnover_of_the_model(there, trades):
    baseline = random_entries(there, trades, rng=RNG(0))
    assert baseline.measures.trades == len(trades)
    ended = baseline.measures
    assert abs(ended.take_profits + ended.stop_losses + ended.horizons - len(trades)) <= 1
    assert baseline.equity[-1] == pytest.approx(ended.return_bps.value)
    assert ended.return_bps.interval.low < ended.return_bps.value < ended.return_bps.interval.high


def test_on_a_random_walk_random_entries_lose_what_they_cost(there, trades):
    costs = 2 * there.ground.costs.spread_bps + there.ground.costs.gas_bps
    mean = random_entries(there, trades, rng=RNG(0)).measures.mean_bps
    assert mean.interval.low < -costs < mean.interval.high + 5


def test_of_every_baseline_gross_and_cost_make_up_the_net_result(there, trades):
    charged = 2 * there.ground.costs.spread_bps + there.ground.costs.gas_bps
    made = [each(there, rng=RNG(0)).measures for each in (always_long, patterns_alone, buy_and_hold)]
    for measured in (*made, random_entries(there, trades, rng=RNG(0)).measures):
        assert measured.gross_bps - measured.cost_bps == pytest.approx(measured.mean_bps.value)
        assert measured.gross_return_bps - measured.cost_return_bps == pytest.approx(measured.return_bps.value)
        assert measured.cost_bps == pytest.approx(charged, rel=0.3)


def test_the_same_seed_draws_the_same_entries(there, trades):
    one, same, other = (random_entries(there, trades, rng=RNG(seed)) for seed in (1, 1, 2))
    assert one.measures == same.measures != other.measures


def test_without_trades_there_is_no_turnover_to_imitate(there, trades):
    none = random_entries(there, trades.where(np.zeros(len(trades), dtype=bool)), rng=RNG(0))
    assert none.measures.trades == 0
    assert none.measures.return_bps.value == 0
    assert none.measures.hit_rate.value is None
    assert not none.equity.any()
