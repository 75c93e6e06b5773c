"""Synthetic bars are proper bars, the same for the same seed, and planted exactly as stated."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.errors import DataError
from agent.market.bars import Bars
from agent.market.synthetic import FIRST_PRICE, START, planted, random_walk
from agent.model.closes import WINDOW
from agent.model.labels import triple_barrier
from agent.model.patterns import mask_of, pattern_masks

MAKERS = [random_walk, planted]
seeds = st.integers(0, 2**32 - 1)


def assert_proper(bars: Bars) -> None:
    assert (bars.high >= np.maximum(bars.open, bars.close)).all()
    assert (bars.low <= np.minimum(bars.open, bars.close)).all()
    assert (bars.low > 0).all()
    assert (bars.volume >= 0).all()
    assert (np.diff(bars.time) == bars.interval).all()


def prices_of(bars: Bars) -> list[list[int]]:
    return [getattr(bars, name).tolist() for name in ("time", "open", "high", "low", "close")]


@pytest.mark.parametrize("make", MAKERS)
@given(seed=seeds, n=st.integers(1, 200), volatility_bps=st.sampled_from([1, 60, 1_000]))
def test_bars_are_proper_whatever_the_seed(make, seed, n, volatility_bps):
    bars = make(n, seed=seed, volatility_bps=volatility_bps)
    assert len(bars) == n
    assert_proper(bars)


@pytest.mark.parametrize("make", MAKERS)
def test_bars_stay_proper_when_a_long_wild_walk_comes_near_zero(make):
    bars = make(3_000, seed=1, volatility_bps=1_000)
    assert bars.close.min() < 10**8
    assert_proper(bars)
    assert bars.close.min() >= 10**6


@pytest.mark.parametrize("make", MAKERS)
def test_the_same_seed_makes_the_same_bars_and_another_makes_others(make):
    assert prices_of(make(500, seed=1)) == prices_of(make(500, seed=1))
    assert prices_of(make(500, seed=1)) != prices_of(make(500, seed=2))


def test_the_same_seed_makes_the_same_bars_in_another_process():
    script = (
        "from agent.market.synthetic import planted, random_walk;"
        "print(*(make(300, seed=9).close.tolist() for make in (random_walk, planted)))"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "5"}
    other = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True
    )
    ours = [str(make(300, seed=9).close.tolist()) for make in MAKERS]
    assert other.stdout.strip() == " ".join(ours)


def test_what_is_synthetic_says_so_and_how_it_was_made():
    walk, plants = random_walk(10, seed=3), planted(10, seed=4, strength=0.75)
    assert walk.synthetic
    assert plants.synthetic
    assert walk.source == "synthetic random walk (seed 3)"
    assert plants.source == "synthetic walk with planted patterns (seed 4, strength 0.75)"


@pytest.mark.parametrize("make", MAKERS)
def test_times_begin_and_go_on_as_asked(make):
    assert make(3, seed=1).time.tolist() == [START, START + 3_600, START + 7_200]
    assert make(3, seed=1, start=600, interval=300).time.tolist() == [600, 900, 1_200]


@pytest.mark.parametrize("make", MAKERS)
def test_opens_follow_the_close_before_with_a_small_gap_now_and_then(make):
    bars = make(20_000, seed=1)
    before = np.concatenate([[FIRST_PRICE], bars.close[:-1]])
    gaps = np.abs(bars.open - before) / before
    assert 0.03 < (gaps > 0).mean() < 0.06
    assert gaps.max() < 0.01


def test_a_random_walk_has_the_volatility_asked_for_and_no_memory():
    bars = random_walk(50_000, seed=1, volatility_bps=40)
    steps = (bars.close - bars.open) / bars.open
    assert steps.std() == pytest.approx(0.0040, rel=0.02)
    assert abs(steps.mean()) < 4 * steps.std() / np.sqrt(len(steps))
    assert abs(np.corrcoef(steps[1:], steps[:-1])[0, 1]) < 0.02


def breakouts(bars: Bars) -> tuple[np.ndarray, np.ndarray]:
    """Return the bars at which a squeeze breaks out, and the direction it does."""
    masks = pattern_masks(bars.close)
    up, down = (masks & mask_of([name]) != 0 for name in ("squeeze_up", "squeeze_down"))
    places = np.flatnonzero(up | down)
    return places, np.where(up[places], 1, -1)


class TestPlantedPatterns:
    def test_are_many_and_equally_often_up_and_down(self):
        places, sides = breakouts(planted(20_000, seed=1))
        assert len(places) > 10 * len(breakouts(random_walk(20_000, seed=1))[0])
        assert 1_000 < len(places) < 1_800
        assert abs((sides > 0).mean() - 0.5) < 0.05

    @pytest.mark.parametrize("strength", [0.0, 0.7, 1.0])
    def test_are_followed_as_often_as_the_strength_says(self, strength):
        bars = planted(20_000, seed=2, strength=strength)
        places, sides = breakouts(bars)
        followed = []
        for place, side in zip(places.tolist(), sides.tolist(), strict=True):
            # Which way a high or low first moves away from the close by 110 bps, 11/6 of the volatility.
            ahead = slice(place + 1, place + 13)
            up = bars.high[ahead] * 1_000 >= bars.close[place] * 1_011
            down = bars.low[ahead] * 1_000 <= bars.close[place] * 989
            if (up != down).any() and up.argmax() != down.argmax():
                first_up = up.any() and (not down.any() or up.argmax() < down.argmax())
                followed.append(first_up == (side > 0))
        assert len(followed) > 1_000
        assert np.mean(followed) == pytest.approx(strength, abs=0.06)

    def test_of_strength_one_half_foretell_no_direction(self):
        bars = planted(30_000, seed=3, strength=0.5)
        outcomes = triple_barrier(bars)
        places, sides = breakouts(bars)
        known = outcomes.known[places]
        agreement = (outcomes.label[places] * sides)[known]
        assert abs(agreement.mean()) < 4 / np.sqrt(len(agreement))
        # Nor does the bar before foretell the next, in any part of the series.
        steps = np.sign(np.diff(bars.close)[WINDOW:])
        assert abs((steps[1:] * steps[:-1]).mean()) < 4 / np.sqrt(len(steps))

    def test_take_a_longs_or_shorts_profit_at_the_default_barriers_far_more_often_than_any_bar_does(self):
        bars = planted(30_000, seed=4)
        outcomes = triple_barrier(bars)
        places, sides = breakouts(bars)
        known = outcomes.known[places]
        assert (outcomes.label[places] == sides)[known].mean() > 0.75
        for side in (1, -1):
            assert 0.35 < (outcomes.label == side)[outcomes.known].mean() < 0.55


@pytest.mark.parametrize(
    ("make", "wrong", "said"),
    [
        (random_walk, {"n": 0}, "0 synthetic bars cannot be made. Ask for at least one"),
        (planted, {"n": -1}, "-1 synthetic bars"),
        (planted, {"strength": 1.1}, "patterns cannot have a strength of 1.1. Give one from 0 to 1"),
        (planted, {"strength": float("nan")}, "a strength of nan"),
        (random_walk, {"interval": 0}, "bars of 0 seconds"),
        (random_walk, {"volatility_bps": 0}, "a volatility of 0 bps"),
        (random_walk, {"volatility_bps": 2_000}, "a volatility of 2000 bps"),
    ],
)
def test_what_makes_no_bars_is_refused(make, wrong, said):
    with pytest.raises(DataError) as refused:
        make(**{"n": 10, "seed": 1, **wrong})
    assert said in str(refused.value)
