"""The walk trains on the past alone, leaves a gap, and tests every later bar once."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.errors import ModelError
from agent.evaluation.folds import gap, later_than, walk
from agent.market.bars import Bars
from agent.market.synthetic import random_walk
from agent.model.closes import WINDOW
from agent.model.labels import Barriers, triple_barrier

LONGEST = random_walk(6_000, seed=1)


def known_after(bars: Bars, place: int) -> datetime:
    """When the bar at a place closed."""
    return datetime.fromtimestamp(bars.closed_at(place), UTC)


@settings(max_examples=50, deadline=None)
@given(
    n=st.integers(2_500, len(LONGEST)),
    folds=st.integers(1, 6),
    horizon=st.integers(1, 20),
    scheme=st.sampled_from(["expanding", "rolling"]),
)
def test_each_window_is_tested_once_by_what_knows_nothing_of_it(n, folds, horizon, scheme):
    steps = walk(LONGEST[:n], folds=folds, horizon=horizon, scheme=scheme)
    assert len(steps) == folds
    assert [step.test.stop for step in steps[:-1]] == [step.test.start for step in steps[1:]]
    assert steps[-1].test.stop == n
    lengths = [len(step.test) for step in steps]
    assert max(lengths) - min(lengths) <= 1
    for step in steps:
        assert step.test.start - step.training.stop == gap(horizon) == WINDOW + 2 * horizon
    if scheme == "expanding":
        assert {step.training.start for step in steps} == {0}
    else:
        assert len({len(step.training) for step in steps}) == 1


def test_no_label_learned_from_reaches_into_a_test_window():
    barriers = Barriers(horizon=20)
    bars = random_walk(3_000, seed=2)
    for step in walk(bars, folds=3, horizon=barriers.horizon):
        outcomes = triple_barrier(bars[: step.training.stop], barriers)
        ends = np.maximum(outcomes.long.index, outcomes.short.index)[outcomes.known]
        assert ends.max() < step.test.start - barriers.horizon


def test_a_third_is_only_trained_on_and_more_where_a_model_needs_more():
    assert walk(random_walk(6_000, seed=1), folds=5, horizon=12)[0].test.start == 2_000
    assert walk(random_walk(1_500, seed=1), folds=5, horizon=12)[0].test.start == 600


def test_a_saved_model_is_asked_only_about_what_came_after_everything_it_knows():
    bars = random_walk(1_000, seed=3)
    windows = later_than(bars, known_after(bars, 499), folds=2, horizon=12)
    assert windows[0].start == 500 + gap(12)
    assert windows[-1].stop == 1_000
    assert all(a.stop == b.start for a, b in pairwise(windows))
    assert windows[0].first == datetime.fromtimestamp(int(bars.time[windows[0].start]), UTC)


def test_one_that_is_trained_beside_it_is_tested_on_the_same_windows():
    bars = random_walk(3_000, seed=3)
    known = known_after(bars, 1_499)
    steps = walk(bars, folds=3, horizon=12, since=known)
    assert tuple(step.test for step in steps) == later_than(bars, known, folds=3, horizon=12)


@pytest.mark.parametrize("last", [999, 999 - gap(12)], ids=["nothing is later", "only the gap is"])
def test_where_nothing_is_left_that_a_model_does_not_know_it_is_refused(last):
    bars = random_walk(1_000, seed=3)
    with pytest.raises(ModelError, match=r"the model knows everything until .* none is left") as refused:
        later_than(bars, known_after(bars, last), folds=1, horizon=12)
    assert "Give later bars" in refused.value.cure


def test_too_short_a_series_is_refused_with_what_is_needed():
    with pytest.raises(ModelError, match="leave 80 for the shortest, and 156 are needed") as refused:
        walk(random_walk(1_000, seed=3), folds=5, horizon=12)
    assert "--folds" in refused.value.cure
    with pytest.raises(ModelError, match="are needed"):
        walk(random_walk(300, seed=3), folds=1, horizon=12)
