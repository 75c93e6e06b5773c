"""Choosing the best of many trials is worth nothing where the best is best by luck."""

from __future__ import annotations

from itertools import combinations
from math import comb, log

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.evaluation.overfitting import probability_of_overfitting
from agent.evaluation.statistics import sharpe


def noise(periods: int, trials: int, *, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(periods, trials))


@pytest.mark.parametrize("trials", [2, 4, 5, 20])
def test_noise_is_overfitted_half_of_the_time(trials):
    told = [
        probability_of_overfitting(noise(400, trials, seed=seed), partitions=8).probability for seed in range(150)
    ]
    assert np.mean(told) == pytest.approx(0.5, abs=0.07)


def test_a_trial_that_is_best_everywhere_is_never_overfitted():
    returns = noise(800, 10, seed=1)
    returns[:, 4] += 1
    found = probability_of_overfitting(returns)
    assert found.probability == 0
    assert found.logits == pytest.approx(np.full(comb(16, 8), log(10)))


def test_trials_that_pay_later_what_they_earned_before_are_always_overfitted():
    # Two parts, and who is best in one is worst in the other: the extreme of fitting to the past.
    half = noise(100, 6, seed=2) / 100 + np.linspace(-1, 1, 6)
    assert probability_of_overfitting(np.concatenate([half, -half]), partitions=2).probability == 1


def test_the_ranks_are_those_of_the_definition():
    returns = noise(60, 5, seed=3)
    parts = np.array_split(returns, 6)
    logits = []
    for chosen in combinations(range(6), 3):
        inside = np.concatenate([parts[at] for at in chosen])
        outside = np.concatenate([parts[at] for at in range(6) if at not in chosen])
        best = int(np.argmax([sharpe(column) for column in inside.T]))
        ratios = [sharpe(column) for column in outside.T]
        relative = (1 + sum(ratio < ratios[best] for ratio in ratios)) / 6
        logits.append(log(relative / (1 - relative)))
    found = probability_of_overfitting(returns, partitions=6)
    assert found.logits == pytest.approx(logits)
    assert found.probability == np.mean(np.array(logits) < -1e-9) + np.mean(np.abs(logits) < 1e-9) / 2


@given(st.integers(0, 1_000), st.permutations(range(5)), st.floats(0.01, 100))
@settings(max_examples=20)
def test_neither_the_order_nor_the_scale_of_trials_matters(seed, order, scale):
    returns = noise(50, 5, seed=seed)
    found = probability_of_overfitting(returns, partitions=6)
    assert probability_of_overfitting(returns[:, order] * scale, partitions=6).probability == found.probability


def test_no_period_is_left_out():
    returns = noise(83, 3, seed=4)
    returns[-1] = [90.0, 0.0, 0.0]
    returns[0] = [0.0, 90.0, 0.0]
    found = probability_of_overfitting(returns, partitions=8)
    assert (found.logits != probability_of_overfitting(returns[:-3], partitions=8).logits).any()
    assert (found.logits != probability_of_overfitting(returns[3:], partitions=8).logits).any()


class TestItIsNotTold:
    def test_of_one_trial(self):
        found = probability_of_overfitting(noise(400, 1, seed=5))
        assert found.probability is None
        assert "only one trial" in found.reason
        assert len(found.logits) == 0

    def test_of_no_trial(self):
        assert probability_of_overfitting(np.empty((400, 0))).probability is None

    def test_of_one_trial_made_many_times(self):
        found = probability_of_overfitting(np.tile(noise(400, 1, seed=5), 12))
        assert found.probability is None
        assert found.trials == 1
        assert "all traded alike" in found.reason

    def test_of_too_few_periods(self):
        found = probability_of_overfitting(noise(31, 4, seed=6))
        assert found.probability is None
        assert found.reason == "31 periods are too few for 16 parts of at least two"

    def test_where_most_halves_have_no_single_best(self):
        # Each trial loses once, and in all other periods none trades: two of three are best in nearly every half.
        returns = np.zeros((160, 3))
        returns[[5, 70, 150], [0, 1, 2]] = -1
        found = probability_of_overfitting(returns)
        assert found.probability is None
        assert found.undecided > found.combinations / 2
        assert "no single trial was best" in found.reason


def test_a_trial_counts_once_however_often_it_was_made():
    returns = noise(320, 4, seed=7)
    again = np.column_stack([returns, returns[:, 2], returns[:, 2]])
    assert probability_of_overfitting(again).probability == probability_of_overfitting(returns).probability


def test_halves_without_a_single_best_are_left_out():
    # The third trial only ever traded once, in the first part, so the halves without it tie two idle trials.
    returns = np.zeros((160, 3))
    returns[:, 0] = -1 + noise(160, 1, seed=8)[:, 0] / 10
    returns[3, 2] = 1
    returns[4, 1] = -1
    found = probability_of_overfitting(returns)
    assert 0 < found.undecided <= found.combinations / 2
    assert len(found.logits) == found.combinations - found.undecided


def test_equal_ratios_share_their_mean_rank():
    # In the second part the first two are idle, and the third loses; chosen there is nobody.
    returns = np.zeros((20, 3))
    returns[:10] = noise(10, 3, seed=11) / 10 + [1, 0, -1]
    returns[10:, 2] = noise(10, 1, seed=12)[:, 0] / 10 - 1
    found = probability_of_overfitting(returns, partitions=2)
    assert found.undecided == 1
    assert found.logits == pytest.approx([log(2.5 / 1.5)])


def test_a_trial_that_never_varies_is_ranked_by_its_sign():
    steady = np.column_stack([noise(160, 1, seed=9)[:, 0], np.full(160, 0.1), np.full(160, -0.1)])
    found = probability_of_overfitting(steady)
    assert found.probability == 0
    assert found.undecided == 0


@pytest.mark.parametrize("partitions", [0, 1, 7])
def test_parts_that_cannot_be_halved_are_refused(partitions):
    with pytest.raises(ValueError, match="two halves"):
        probability_of_overfitting(noise(400, 3, seed=10), partitions=partitions)


@pytest.mark.parametrize("returns", [np.zeros(40), np.full((40, 2), np.nan)])
def test_what_are_not_returns_are_refused(returns):
    with pytest.raises(ValueError, match="must be numbers of shape"):
        probability_of_overfitting(returns)
