"""A spread that prices hide is seen where they bounce between bid and ask, and in nothing else."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from agent.market.bars import Bars
from agent.market.spread import hidden_spread
from agent.market.synthetic import START, planted, random_walk


def bouncing(spread_bps: float, *, seed: int, n: int = 4_000, opens_elsewhere: bool = False) -> Bars:
    """Return a walk whose closes are at the bid or at the ask, and whose opens are those closes, or draw anew."""
    rng = np.random.default_rng(seed)
    walk = np.cumsum(rng.normal(0, 60e-4, n))
    closes, other = (walk + rng.choice([-0.5, 0.5], n) * spread_bps / 1e4 for _ in range(2))
    close, opened = (np.rint(2e11 * np.exp(each)).astype(np.int64) for each in (closes, other))
    opens = np.concatenate([close[:1], (opened if opens_elsewhere else close)[:-1]])
    return Bars(
        time=START + 3_600 * np.arange(n, dtype=np.int64),
        open=opens,
        high=np.maximum(opens, close),
        low=np.minimum(opens, close),
        close=close,
        volume=np.ones(n),
        interval=3_600,
    )


@pytest.mark.parametrize("spread", [40, 80, 200])
def test_the_spread_of_a_bounce_is_estimated(spread):
    found = [hidden_spread(bouncing(spread, seed=seed)) for seed in range(20)]
    assert np.mean([each.bps for each in found if each.bps]) == pytest.approx(spread, rel=0.1)
    assert all(each.certain and each.exceeds(5) for each in found)
    assert not any(each.exceeds(200) for each in found)


@pytest.mark.parametrize("make", [random_walk, planted, lambda n, seed: bouncing(0, seed=seed, n=n)])
def test_no_spread_is_held_against_a_walk_or_a_planted_edge(make):
    assert sum(hidden_spread(make(2_000, seed=seed)).exceeds(5) for seed in range(60)) <= 2


def test_a_bounce_that_a_trade_could_not_have_met_is_none():
    found = [hidden_spread(bouncing(80, seed=seed, opens_elsewhere=True)) for seed in range(20)]
    assert sum(each.exceeds(5) for each in found) <= 1


def test_it_is_a_share_of_the_price_whatever_its_units():
    bars = bouncing(80, seed=1)
    tenfold = replace(bars, **{name: getattr(bars, name) * 10 for name in ("open", "high", "low", "close")})
    assert hidden_spread(tenfold).bps == pytest.approx(hidden_spread(bars).bps)


def test_of_a_price_that_stands_still_or_of_few_bars_nothing_is_told():
    still = replace(random_walk(100, seed=1), **dict.fromkeys(("open", "high", "low", "close"), np.full(100, 7)))
    for bars in (still, bouncing(80, seed=1, n=20), bouncing(80, seed=1, n=1)):
        assert hidden_spread(bars).bps is None
        assert not hidden_spread(bars).exceeds(0)


def test_it_is_said_beside_what_is_charged():
    told = hidden_spread(bouncing(80, seed=1))
    assert told.told(5).endswith("more than the 10 bps charged")
    assert told.told(50).endswith("within the 100 bps charged")
    assert "no bid-ask bounce" in hidden_spread(planted(2_000, seed=1)).told(5)
