"""Nothing that is learned from, and nothing that is traded on, ever sees the other."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.errors import ModelError
from agent.market.bars import Bars
from agent.market.synthetic import random_walk
from agent.model.closes import WINDOW
from agent.model.labels import Barriers, triple_barrier
from agent.model.patterns import pattern_masks
from agent.model.splits import PurgedKFold, purge, split
from agent.model.train import train

BARS = random_walk(1_500, seed=1)


def changed(bars: Bars, places: slice) -> Bars:
    """Return the bars with other prices in some places."""
    columns = {name: getattr(bars, name).copy() for name in ("open", "high", "low", "close")}
    for column in columns.values():
        column[places] = column[places] * 2 + 1
    return replace(bars, **columns)


@given(st.integers(1, 400), st.integers(1, 60))
def test_the_parts_follow_each_other_and_are_the_whole(replay, horizon):
    training, gap, replayed = split(BARS, replay=replay, horizon=horizon)
    assert len(gap) == purge(horizon) >= horizon + WINDOW
    assert len(replayed) == replay
    assert np.concatenate([training.time, gap.time, replayed.time]).tolist() == BARS.time.tolist()


@given(st.integers(1, 400), st.integers(1, 60))
def test_no_label_of_the_training_part_changes_with_what_is_replayed(replay, horizon):
    barriers = Barriers(horizon=horizon)
    training = split(BARS, replay=replay, horizon=horizon).training
    other = changed(BARS, slice(len(BARS) - replay, None))
    # Not even labels made of the whole series would: the gap is as long as a label and a window together.
    of_whole = triple_barrier(BARS, barriers).label[: len(training)]
    assert of_whole.tolist() == triple_barrier(other, barriers).label[: len(training)].tolist()


@given(st.integers(1, 400), st.integers(1, 60))
def test_no_window_of_the_replayed_part_reaches_into_training(replay, horizon):
    training = split(BARS, replay=replay, horizon=horizon).training
    other = changed(BARS, slice(0, len(training)))
    assert pattern_masks(BARS.close)[-replay:].tolist() == pattern_masks(other.close)[-replay:].tolist()


def test_the_first_bar_replayed_has_its_whole_window_in_the_gap():
    parts = split(BARS, replay=100, horizon=12)
    closes = np.concatenate([parts.gap.close[-(WINDOW - 1) :], parts.replay.close])
    assert pattern_masks(closes)[WINDOW - 1 :].tolist() == pattern_masks(BARS.close)[-100:].tolist()


def test_a_model_does_not_change_with_the_bars_it_will_be_replayed_on():
    one, other = (
        train(split(bars, replay=300, horizon=12).training, seed=1)
        for bars in (BARS, changed(BARS, slice(len(BARS) - 300, None)))
    )
    assert one.id == other.id


@pytest.mark.parametrize("replay", [0, -1])
def test_a_replay_of_no_bars_is_refused(replay):
    with pytest.raises(ModelError, match=r"cannot be replayed\. Replay at least one"):
        split(BARS, replay=replay, horizon=12)


def test_a_series_too_short_to_be_cut_is_refused_with_how_many_bars_would_do():
    with pytest.raises(
        ModelError, match=r"1500 bars do not suffice to replay 1456 after a gap of 44.*fewer than 1456"
    ):
        split(BARS, replay=1_456, horizon=12)
    assert len(split(BARS, replay=1_455, horizon=12).training) == 1
    with pytest.raises(ModelError, match="Give a longer series"):
        split(BARS[:40], replay=1, horizon=12)


@given(st.integers(8, 300), st.integers(2, 6), st.integers(0, 50))
def test_folds_are_a_partition_in_time_order_and_keep_their_distance(n, folds, gap):
    tests = []
    for training, test in PurgedKFold(folds, gap=gap).split(np.zeros(n)):
        assert test.tolist() == list(range(test[0], test[-1] + 1))
        assert all(abs(int(row) - test).min() > gap for row in training)
        assert len(training) >= n - len(test) - 2 * gap
        tests += test.tolist()
    assert tests == list(range(n))
    assert PurgedKFold(folds).get_n_splits() == folds
