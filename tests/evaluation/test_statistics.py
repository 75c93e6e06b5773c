"""How sure a figure is: published numbers where a paper gives them, rules that hold of every series elsewhere."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.errors import ModelError
from agent.evaluation.statistics import (
    block_length,
    block_shuffle,
    bootstrap_interval,
    deflated_sharpe,
    expected_maximum_sharpe,
    permutation_p_value,
    probabilistic_sharpe,
    sharpe,
    sharpe_confidence,
    sharpe_error,
    wilson,
)

DAYS = 250  # in a year, as the papers count
numbers = st.floats(-1e6, 1e6)


def rng(seed: int = 7) -> np.random.Generator:
    return np.random.default_rng(seed)


class TestAPermutationTest:
    def test_counts_draws_that_did_as_well_and_the_observation_itself(self):
        assert permutation_p_value(3.0, [1.0, 2.0, 3.0, 4.0]) == 3 / 5

    def test_is_never_certain(self):
        assert permutation_p_value(9.0, np.zeros(999)) == 1 / 1_000

    @given(numbers, st.lists(numbers, min_size=1))
    def test_lies_between_one_draw_and_all(self, observed, shuffled):
        p = permutation_p_value(observed, shuffled)
        assert 1 / (1 + len(shuffled)) <= p <= 1

    def test_is_small_as_often_as_it_says_where_nothing_is_there(self):
        source = rng()
        ps = [permutation_p_value(source.normal(), source.normal(size=99)) for _ in range(2_000)]
        assert np.mean(np.array(ps) <= 0.05) == pytest.approx(0.05, abs=0.015)

    @pytest.mark.parametrize(("observed", "shuffled"), [(1.0, []), (math.nan, [1.0]), (1.0, [math.nan])])
    def test_refuses_what_cannot_be_compared(self, observed, shuffled):
        with pytest.raises(ValueError, match="at least one drawn"):
            permutation_p_value(observed, shuffled)


class TestShufflingBlocks:
    @given(st.integers(2, 300), st.data())
    def test_keeps_each_label_and_all_but_a_seam_for_each_block_beside_its_neighbour(self, n, data):
        block = data.draw(st.integers(1, n // 2))
        shuffled = block_shuffle(np.arange(n), block=block, rng=rng(data.draw(st.integers(0, 99))))
        assert sorted(shuffled) == list(range(n))
        seams = np.flatnonzero(np.diff(shuffled) % n != 1) + 1
        assert np.diff([0, *seams, n]).min() >= block

    def test_draws_a_new_order_each_time_and_the_same_for_the_same_seed(self):
        source, labels = rng(), np.arange(1_000)
        one, other = (block_shuffle(labels, block=12, rng=source) for _ in range(2))
        assert (one != other).any()
        assert (block_shuffle(labels, block=12, rng=rng()) == one).all()

    def test_puts_the_seams_elsewhere_each_time(self):
        source = rng()
        firsts = {int(block_shuffle(np.arange(1_000), block=100, rng=source)[0]) % 100 for _ in range(50)}
        assert len(firsts) > 10

    def test_leaves_what_it_was_given_as_it_was(self):
        labels = np.arange(50)
        labels.setflags(write=False)
        block_shuffle(labels, block=5, rng=rng())
        assert (labels == np.arange(50)).all()

    def test_refuses_a_series_of_fewer_than_two_blocks(self):
        with pytest.raises(ModelError, match="fewer than two blocks of 12"):
            block_shuffle(np.arange(23), block=12, rng=rng())

    def test_refuses_blocks_of_nothing(self):
        with pytest.raises(ValueError, match="at least one label"):
            block_shuffle(np.arange(23), block=0, rng=rng())


class TestTheIntervalOfAShare:
    def test_is_wilsons(self):
        # E. B. Wilson (1927): (p + z²/2n ± z sqrt(p(1-p)/n + z²/4n²)) / (1 + z²/n), worked by hand for 8 of 10.
        assert wilson(8, 10) == pytest.approx((0.4902, 0.9433), abs=1e-4)

    def test_may_be_anything_without_an_observation(self):
        assert wilson(0, 0) == (0.0, 1.0)

    @given(st.integers(1, 10_000), st.data())
    def test_holds_the_share_and_stays_a_share(self, n, data):
        successes = data.draw(st.integers(0, n))
        low, high = wilson(successes, n)
        assert 0 <= low <= successes / n + 1e-12
        assert successes / n - 1e-12 <= high <= 1
        assert wilson(successes, n, level=0.99)[0] <= low


def persistent(n: int, *, seed: int = 3) -> np.ndarray:
    """Return a series that remembers 0.9 of its last value."""
    noise, series = rng(seed).normal(size=n), np.zeros(n)
    for at in range(1, n):
        series[at] = 0.9 * series[at - 1] + noise[at]
    return series


class TestTheBootstrap:
    def test_finds_the_error_of_a_mean_of_independent_values(self):
        values = rng().normal(size=400)
        low, high = bootstrap_interval(values, np.mean, block=1, draws=4_000, rng=rng())
        error = values.std() / math.sqrt(len(values))
        assert (low, high) == pytest.approx(
            (values.mean() - 1.96 * error, values.mean() + 1.96 * error), abs=0.006
        )

    def test_is_wider_where_neighbours_depend_on_each_other(self):
        values = persistent(2_000)
        low, high = bootstrap_interval(values, np.mean, block=None, draws=300, rng=rng())
        naive = bootstrap_interval(values, np.mean, block=1, draws=300, rng=rng())
        assert high - low > 2 * (naive[1] - naive[0])

    def test_keeps_rows_together(self):
        pairs = np.column_stack([np.arange(30.0), -np.arange(30.0)])
        assert bootstrap_interval(pairs, lambda rows: rows.sum(), block=3, draws=50, rng=rng()) == (0.0, 0.0)

    def test_is_narrower_at_a_lower_level_and_the_same_for_the_same_seed(self):
        values = rng().normal(size=100)
        wide, again, narrow = (
            bootstrap_interval(values, np.mean, block=2, draws=200, level=level, rng=rng())
            for level in (0.95, 0.95, 0.5)
        )
        assert wide == again
        assert wide[0] < narrow[0] < narrow[1] < wide[1]

    def test_may_end_at_infinity(self):
        def profit_factor(results):
            lost = -results[results < 0].sum()
            return math.inf if lost == 0 else results[results > 0].sum() / lost

        results = [1.0, 2.0, 1.0, -1.0, 2.0, 1.0, 1.0, 1.0, 2.0, 1.0]
        low, high = bootstrap_interval(results, profit_factor, block=1, draws=200, rng=rng())
        assert 0 <= low < 6
        assert high == math.inf

    def test_does_not_exist_where_the_statistic_sometimes_does_not(self):
        once = [0.0] * 19 + [1.0]
        assert bootstrap_interval(once, sharpe, block=1, draws=200, rng=rng()) is None
        assert bootstrap_interval(once, np.mean, block=1, draws=200, rng=rng()) is not None

    @pytest.mark.parametrize("values", [[], [1.0], [1.0, 2.0] * 4 + [1.0], [91.3] * 50])
    def test_does_not_exist_for_few_values_or_such_as_never_vary(self, values):
        assert bootstrap_interval(values, np.mean, block=1, rng=rng()) is None

    def test_refuses_blocks_of_less_than_a_value(self):
        with pytest.raises(ValueError, match="at least one value"):
            bootstrap_interval([1.0, 2.0] * 9, np.mean, block=0.2, rng=rng())


class TestTheBlockLength:
    def test_grows_with_memory(self):
        assert block_length(rng().normal(size=2_000)) < 5 < 20 < block_length(persistent(2_000))

    @given(st.lists(st.integers(-2, 2), max_size=60))
    def test_is_at_least_a_value_and_at_most_all_of_them(self, values):
        assert 1 <= block_length(values) <= max(1, len(values))

    @pytest.mark.parametrize("values", [[], [1.0], [1.0, 2.0, 1.0], [3.0] * 500])
    def test_is_one_where_a_series_says_nothing(self, values):
        assert block_length(values) == 1.0


class TestTheSharpeRatio:
    def test_is_the_mean_over_the_standard_deviation(self):
        assert sharpe([1.0, 2.0, 3.0]) == pytest.approx(2.0)

    @pytest.mark.parametrize("returns", [[], [0.1], [0.0] * 9, [0.1] * 9, [0.1, 0.1 + 1e-16] * 9])
    def test_does_not_exist_without_risk(self, returns):
        assert sharpe(returns) is None
        assert probabilistic_sharpe(returns) is None
        assert deflated_sharpe(returns, trial_sharpes=[0.1, 0.2]) is None

    @given(st.lists(st.integers(-1_000, 1_000), max_size=40), st.integers(-900, 900))
    def test_has_no_scale(self, returns, power):
        assert sharpe([value * 2.0**power for value in returns]) == sharpe(returns)

    def test_has_the_standard_error_of_lo_for_normal_returns(self):
        # Lo (2002): sqrt((1 + SR² / 2) / T), with T - 1 here.
        assert sharpe_error(0.5, periods=101) == math.sqrt((1 + 0.125) / 100)

    @pytest.mark.parametrize(
        "draw", [lambda source: source.normal(size=250), lambda source: source.gumbel(size=250)]
    )
    def test_has_the_standard_error_that_is_seen_over_many_samples(self, draw):
        source = rng()
        samples = [draw(source) + 0.3 for _ in range(1_500)]
        seen = np.std([sharpe(sample) for sample in samples])
        pooled = np.concatenate(samples)
        standardised = (pooled - pooled.mean()) / pooled.std()
        told = sharpe_error(
            float(pooled.mean() / pooled.std()),
            periods=250,
            skewness=float((standardised**3).mean()),
            kurtosis=float((standardised**4).mean()),
        )
        assert told == pytest.approx(seen, rel=0.06)


class TestTheProbabilisticSharpeRatio:
    """Bailey and López de Prado, *The Sharpe ratio efficient frontier* (2012), section 4: two years of months."""

    def test_is_the_published_one_for_returns_as_they_were(self):
        assert sharpe_confidence(0.458, periods=24, skewness=-2.448, kurtosis=10.164) == pytest.approx(
            0.913, abs=5e-4
        )

    def test_is_the_published_one_had_they_been_normal(self):
        assert sharpe_confidence(0.458, periods=24) == pytest.approx(0.982, abs=5e-4)

    @given(st.lists(st.floats(-1, 1).map(lambda r: round(r, 3)), min_size=2, max_size=60))
    @settings(max_examples=60)
    def test_says_the_opposite_of_the_opposite_returns(self, returns):
        told = probabilistic_sharpe(returns)
        if told is not None:
            assert 0 <= told <= 1
            assert probabilistic_sharpe([-r for r in returns]) == pytest.approx(1 - told)

    def test_is_that_of_the_moments_of_the_returns(self):
        returns = rng().gumbel(0.1, 1, size=400)
        apart = (returns - returns.mean()) / returns.std()
        assert probabilistic_sharpe(returns, benchmark=0.5) == pytest.approx(
            sharpe_confidence(
                sharpe(returns),
                benchmark=0.5,
                periods=400,
                skewness=float((apart**3).mean()),
                kurtosis=float((apart**4).mean()),
            )
        )

    def test_is_one_half_at_the_ratio_itself(self):
        returns = rng().normal(0.1, 1, size=50)
        assert probabilistic_sharpe(returns, benchmark=sharpe(returns)) == pytest.approx(0.5)

    def test_is_certain_where_moments_leave_no_error(self):
        # One loss of 4 in 5 returns of 1: skewness is 2 / SR exactly where SR² = p / (1 - p) of a two-point law.
        assert sharpe_confidence(1.0, periods=10, skewness=2.0, kurtosis=5.0) == 1.0
        assert sharpe_confidence(1.0, benchmark=2.0, periods=10, skewness=2.0, kurtosis=5.0) == 0.0


class TestTheBestOfManyTrials:
    """The False Strategy theorem."""

    @pytest.mark.parametrize("trials", [10, 100, 1_000])
    def test_is_as_good_by_luck_as_the_theorem_says(self, trials):
        drawn = rng().normal(size=(4_000, trials)).max(axis=1).mean()
        assert expected_maximum_sharpe(1.0, trials) == pytest.approx(drawn, rel=0.04)  # exact for ever more trials

    def test_grows_with_the_trials_and_with_their_spread(self):
        assert expected_maximum_sharpe(1.0, 20) < expected_maximum_sharpe(1.0, 21)
        assert expected_maximum_sharpe(4.0, 20) == 2 * expected_maximum_sharpe(1.0, 20)

    def test_is_nothing_for_a_single_trial_and_never_less(self):
        assert expected_maximum_sharpe(1.0, 1) == 0
        assert expected_maximum_sharpe(1.0, 1.01) == 0

    @pytest.mark.parametrize(("variance", "trials"), [(1.0, 0), (-1.0, 5)])
    def test_refuses_less_than_one_trial_and_less_than_no_variance(self, variance, trials):
        with pytest.raises(ValueError, match="cannot be expected"):
            expected_maximum_sharpe(variance, trials)


class TestTheDeflatedSharpeRatio:
    """Bailey and López de Prado, *The deflated Sharpe ratio* (2014), "A numerical example".

    Five years of days, an annual ratio of 2.5, skewness -3, kurtosis 10, a variance over the trials of 1/2 a year.
    """

    @pytest.mark.parametrize(
        ("trials", "skewness", "kurtosis", "published"),
        [(100, -3, 10, 0.9004), (46, -3, 10, 0.9505), (88, 0, 3, 0.9505)],
    )
    def test_is_the_published_one(self, trials, skewness, kurtosis, published):
        told = sharpe_confidence(
            2.5 / math.sqrt(DAYS),
            benchmark=expected_maximum_sharpe(0.5 / DAYS, trials),
            periods=5 * DAYS,
            skewness=skewness,
            kurtosis=kurtosis,
        )
        assert told == pytest.approx(published, abs=5e-5)

    def test_has_the_published_benchmark(self):
        assert expected_maximum_sharpe(0.5 / DAYS, 100) == pytest.approx(0.1132, abs=5e-5)

    def test_is_the_probabilistic_one_against_the_best_to_expect_by_luck(self):
        returns, trials = rng().normal(0.1, 1, size=300), [0.1, -0.05, 0.02, 0.04]
        benchmark = expected_maximum_sharpe(np.var(trials, ddof=1), 4)
        assert deflated_sharpe(returns, trial_sharpes=trials) == probabilistic_sharpe(returns, benchmark=benchmark)

    def test_deflates_nothing_where_one_trial_was_made(self):
        returns = rng().normal(0.1, 1, size=300)
        assert deflated_sharpe(returns, trial_sharpes=[0.1]) == probabilistic_sharpe(returns)

    def test_falls_with_each_further_trial_and_rises_where_they_amount_to_fewer(self):
        returns, trials = rng().normal(0.1, 1, size=300), [0.1, -0.1] * 10
        few, many = (deflated_sharpe(returns, trial_sharpes=trials[:n]) for n in (10, 20))
        assert many < few
        assert deflated_sharpe(returns, trial_sharpes=trials, effective_trials=3) > many

    def test_takes_trials_whose_ratios_nobody_knows_for_noise(self):
        returns = rng().normal(0.1, 1, size=301)
        known = deflated_sharpe(returns, trial_sharpes=[0.1])
        told = [deflated_sharpe(returns, trial_sharpes=[0.1], effective_trials=n) for n in (2, 12, 100)]
        assert [known, *told] == sorted([known, *told], reverse=True)
        assert len({known, *told}) == 4
        benchmark = expected_maximum_sharpe(1 / 300, 100)
        assert told[-1] == pytest.approx(probabilistic_sharpe(returns, benchmark=benchmark))

    def test_falls_with_each_trial_nobody_knows_however_much_the_others_vary(self):
        returns = rng().normal(0.1, 1, size=300)
        for known in ([0.1, 0.1001], [0.1, -0.05], [0.1, -2.0, 1.5]):
            told = [
                deflated_sharpe(returns, trial_sharpes=known, effective_trials=len(known) + unknown)
                for unknown in range(4)
            ]
            assert told == sorted(told, reverse=True)
            assert len(set(told)) == 4

    def test_refuses_to_forget_the_trials(self):
        with pytest.raises(ValueError, match="all trials"):
            deflated_sharpe([0.1, 0.2], trial_sharpes=[])
