"""Features that know the future are found and named, and those that do not are left in peace."""

from __future__ import annotations

import re
from functools import partial

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.dummy import DummyClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.tree import DecisionTreeClassifier

from agent.errors import ModelError
from agent.market.bars import Bars
from agent.market.synthetic import planted, random_walk
from agent.model.conformity import check_model
from agent.model.conformity.answers import named, probable, unshaken_by
from agent.model.conformity.lookahead import (
    features_as_known,
    features_whatever_comes,
    said_as_known,
    said_whatever_comes,
)
from agent.model.conformity.probes import flat
from agent.model.conformity.result import conducted
from agent.model.conformity.subject import subject_of

PROBABLE = "Its answers are probabilities"
FIRST_FEATURES = "The features of the first n bars are the first n"
ANY_FUTURE_FEATURES = "The features of the first n bars stay"
FIRST_ANSWERS = "The probabilities of the first n bars are the first n"
ANY_FUTURE_ANSWERS = "The probabilities of the first n bars stay"
NAMES = "Its features match their names."


def _frame(closes: np.ndarray, *, leak: object) -> pd.DataFrame:
    """Honest features, and one that is not."""
    change = np.diff(closes, prepend=closes[0]) / closes
    return pd.DataFrame({"change": change, "highest": closes / np.maximum.accumulate(closes), "leak": leak})


def honest(closes):
    """Features as people make them, with sums that differ in their last digits from series to series."""
    price = pd.Series(closes, dtype=float)
    return pd.DataFrame(
        {
            "change": price.pct_change(),
            "ewm_gap": price / price.ewm(span=20).mean() - 1,
            "z_score": (price - price.rolling(20).mean()) / price.rolling(20).std(),
            "highest": price / price.cummax(),
        }
    )


def centred_window(closes):
    return _frame(closes, leak=pd.Series(closes).rolling(7, center=True).mean() / closes - 1)


def convolved_with_itself_in_the_middle(closes):
    return _frame(closes, leak=np.convolve(closes, np.ones(5) / 5, mode="same") / closes - 1)


def scaled_on_all_data(closes):
    change = np.diff(closes, prepend=closes[0]) / closes
    return _frame(closes, leak=(change - change.mean()) / change.std())


def against_the_highest_of_all(closes):
    return _frame(closes, leak=closes / closes.max())


def rolling_z_score_by_the_deviation_of_all(closes):
    price = pd.Series(closes, dtype=float)
    return _frame(closes, leak=(price - price.rolling(20).mean()) / price.std())


def tomorrows_return(closes):
    return _frame(closes, leak=pd.Series(closes).pct_change().shift(-1))


def filled_backwards(closes):
    rare = pd.Series(closes, dtype=float).pct_change()
    return _frame(closes, leak=rare.where(rare.abs() > 0.01).bfill())


def joined_by_straight_lines(closes):
    price = pd.Series(closes, dtype=float)
    return _frame(closes, leak=price.where(np.arange(len(closes)) % 10 == 0).interpolate() / price)


def lows_marked_where_they_were(closes):
    price = pd.Series(closes)
    return _frame(
        closes, leak=((price < price.shift(1)) & (price <= price[::-1].rolling(5).min()[::-1])).astype(float)
    )


def close_of_the_day_from_its_first_hour_on(closes):
    day = np.arange(len(closes)) // 24
    return _frame(closes, leak=pd.Series(closes).groupby(day).transform("last") / closes)


def rank_among_all(closes):
    return _frame(closes, leak=pd.Series(closes).pct_change().rank(pct=True))


def in_tenths_of_all(closes):
    return _frame(closes, leak=pd.qcut(pd.Series(closes), 10, labels=False, duplicates="drop"))


def less_the_trend_of_all(closes):
    at = np.arange(len(closes))
    slope, level = np.polyfit(at, closes.astype(float), 1)
    return _frame(closes, leak=closes / (slope * at + level))


def low_frequencies_only(closes):
    spectrum = np.fft.rfft(closes)
    spectrum[20:] = 0
    return _frame(closes, leak=np.fft.irfft(spectrum, len(closes)) / closes)


def bars_to_go(closes):
    return _frame(closes, leak=np.arange(len(closes))[::-1].astype(float))


LEAKY = [
    centred_window,
    convolved_with_itself_in_the_middle,
    scaled_on_all_data,
    against_the_highest_of_all,
    rolling_z_score_by_the_deviation_of_all,
    tomorrows_return,
    filled_backwards,
    joined_by_straight_lines,
    lows_marked_where_they_were,
    close_of_the_day_from_its_first_hour_on,
    rank_among_all,
    in_tenths_of_all,
    less_the_trend_of_all,
    low_frequencies_only,
]


def tree() -> DecisionTreeClassifier:
    return DecisionTreeClassifier(max_depth=3)


class TestFeaturesOfOnesOwn:
    def test_pass_where_they_read_the_past_only(self):
        subject = subject_of(tree, bars=None, seed=0, features=honest)
        for check in (features_as_known, features_whatever_comes, said_as_known, said_whatever_comes):
            assert check(subject).passed
        assert named(subject) == (True, "4 features, change, ewm_gap, z_score, highest.")

    @pytest.mark.parametrize("features", LEAKY, ids=lambda each: each.__name__)
    def test_fail_by_name_where_they_know_the_future(self, features):
        subject = subject_of(FITTED, bars=SERIES, seed=0, features=features)
        for finding in (features_as_known(subject), features_whatever_comes(subject)):
            assert not finding.passed
            assert finding.detail.startswith("'leak' knows the future: bar ")
            assert "So do" not in finding.detail

    def test_fail_where_only_the_length_of_the_series_betrays_them(self):
        subject = subject_of(FITTED, bars=SERIES, seed=0, features=bars_to_go)
        assert features_as_known(subject).detail.startswith("'leak' knows the future: bar ")
        assert features_whatever_comes(subject).passed

    def test_fail_with_the_probabilities_that_come_of_them(self, failed, one):
        def features(closes):
            return np.column_stack([np.append(closes[1:], np.nan), closes]) / closes[:, None]

        result = check_model(tree, features=features)
        failed(result, FIRST_FEATURES, ANY_FUTURE_FEATURES, FIRST_ANSWERS, ANY_FUTURE_ANSWERS)
        assert "'probability of " in one(result, FIRST_ANSWERS).detail

    def test_are_each_named_and_the_worst_told_how_far_it_reads(self):
        def features(closes):
            return (
                np.column_stack([np.roll(closes, 1), np.roll(closes, -1), np.roll(closes, -4)]) / closes[:, None]
            )

        subject = subject_of(FITTED, bars=SERIES, seed=0, features=features, feature_names=("a", "b", "c"))
        detail = features_as_known(subject).detail
        # The first row of what is rolled is the last close.
        assert "'a' knows the future" in detail
        assert "So do 'b', 'c'." in detail

    @settings(max_examples=10, deadline=None)
    @given(st.integers(-40, 40), st.integers(0, 2**16))
    def test_pass_exactly_where_they_are_not_shifted_from_the_future(self, shift, seed):
        bars = random_walk(300, seed=seed)
        subject = subject_of(FITTED, bars=bars, seed=seed, features=lambda closes: shifted(closes, shift))
        finding = features_as_known(subject)
        assert finding.passed == (shift >= 0)
        assert features_whatever_comes(subject).passed == (shift >= 0)
        if shift < 0:
            assert f"reads at least {-shift} bar" in finding.detail

    @settings(max_examples=10, deadline=None)
    @given(st.lists(st.floats(-1, 1), min_size=1, max_size=8), st.integers(0, 7))
    def test_pass_exactly_where_no_weight_lies_on_what_comes(self, weights, ahead):
        ahead = min(ahead, len(weights) - 1)

        def features(closes):
            price = pd.Series(closes / closes[0])
            terms = [weight * price.shift(lag - ahead) for lag, weight in enumerate(weights)]
            return sum(terms).to_frame("filtered")

        subject = subject_of(FITTED, bars=random_walk(300, seed=1), seed=1, features=features)
        # A term that is not there yet is nan, and so is the sum, whatever its weight.
        assert features_as_known(subject).passed == (ahead == 0)

    def test_are_forgiven_the_last_digits_of_a_sum_but_nothing_more(self):
        def features(closes, *, noise):
            drift = np.random.default_rng(len(closes)).normal(0, noise, len(closes))
            return (closes / closes[0] * (1 + drift))[:, None]

        for noise, passes in ((1e-13, True), (1e-6, False)):
            subject = subject_of(
                FITTED,
                bars=random_walk(300, seed=1),
                seed=1,
                features=lambda closes, n=noise: features(closes, noise=n),
            )
            assert features_as_known(subject).passed == passes

    def test_that_answer_from_the_longest_series_they_have_seen_are_caught(self):
        seen = []

        def features(closes):
            if not seen or len(closes) > len(seen[-1]):
                seen.append(closes)
            return (seen[-1][: len(closes)] / seen[-1].max())[:, None]

        subject = subject_of(FITTED, bars=random_walk(900, seed=1)[-700:], seed=1, features=features)
        seen.clear()
        assert not features_as_known(subject).passed

    def test_may_be_an_array_with_names_or_without(self, found):
        def features(closes):
            return honest(closes).to_numpy()

        given = found(named, tree, features=features, feature_names=["a", "b", "c", "d"])
        assert given == (True, "4 features, a, b, c, d.")
        assert "feature 0, feature 1" in found(named, tree, features=features).detail

    @pytest.mark.parametrize(
        ("names", "said"),
        [
            (("a", "b", "c", "a"), "several features are called a."),
            (("a", "b", "c", "d"), "the columns of its features are change, ewm_gap, z_score, highest."),
        ],
    )
    def test_fail_where_they_are_not_what_they_are_called(self, names, said, found):
        finding = found(named, tree, features=honest, feature_names=names)
        assert not finding.passed
        assert said in finding.detail

    def test_fail_where_there_are_more_of_them_than_names(self):
        with pytest.raises(ModelError, match=r"the features of \d+ bars have 4 columns, and 3 names"):
            check_model(tree, features=honest, feature_names=("a", "b", "c"))

    def test_fail_where_a_fitted_model_had_them_in_another_order(self, found):
        fitted = subject_of(tree, bars=None, seed=0, features=honest).estimator
        other = found(
            named, fitted, features=lambda each: honest(each)[["ewm_gap", "change", "z_score", "highest"]]
        )
        assert other == (False, "it was fitted on 'change' where 'ewm_gap' stands now.")

    def test_fail_where_a_short_series_makes_them_crash(self):
        def features(closes):
            if len(closes) < 100:
                raise KeyError("a hundred bars")
            return honest(closes)

        subject = subject_of(FITTED, bars=SERIES, seed=0, features=features)
        check = conducted(FIRST_FEATURES, partial(features_as_known, subject))
        assert (check.passed, check.detail) == (False, "it raised KeyError: 'a hundred bars'.")

    def test_fail_where_rows_are_missing_of_some_series(self):
        def features(closes):
            return honest(closes) if len(closes) >= 400 else honest(closes).dropna()

        subject = subject_of(FITTED, bars=SERIES, seed=0, features=features)
        check = conducted(FIRST_FEATURES, partial(features_as_known, subject))
        assert not check.passed
        assert re.fullmatch(r"the features of \d+ bars have the shape \(\d+, 4\)\.", check.detail)

    def test_that_are_never_finite_are_never_asked(self):
        subject = subject_of(FITTED, bars=SERIES, seed=0, features=lambda closes: honest(closes) * np.nan)
        check = conducted(PROBABLE, partial(probable, subject))
        assert not check.passed
        assert "finite at none of 500 bars, so it is never asked" in check.detail

    def test_of_a_flat_price_may_be_undefined(self, found):
        finding = found(unshaken_by(flat), FITTED, features=honest)
        assert finding == (True, "240 bars: not asked at 240, probabilities at the rest.")


def shifted(closes: np.ndarray, by: int) -> np.ndarray:
    return pd.Series(closes / closes[0]).shift(by).to_numpy()[:, None]


SERIES = planted(500, seed=1)
FITTED = DummyClassifier().fit(np.zeros((3, 1)), [-1, 0, 1])


class OwnReading(ClassifierMixin, BaseEstimator):
    """Brings features of its own, of whole bars; can read one column of the next bar."""

    feature_names = ("body", "range", "busy")

    def __init__(self, ahead=""):
        self.ahead = ahead

    def features(self, bars: Bars):
        made = np.column_stack(
            [
                (bars.close - bars.open) / bars.open,
                (bars.high - bars.low) / bars.open,
                bars.volume / (np.cumsum(bars.volume) / np.arange(1, len(bars) + 1) + 1),
            ]
        )
        if self.ahead:
            column = getattr(bars, self.ahead).astype(float)
            made[:, 0] = np.append(column[1:], np.nan) / column
        return made

    def fit(self, X, y):
        self.inner_ = GaussianNB().fit(X, y)
        self.classes_ = self.inner_.classes_
        return self

    def predict_proba(self, X):
        return self.inner_.predict_proba(X)


class TestAModelThatBringsItsFeatures:
    def test_passes_where_they_read_the_past_only(self, one):
        result = check_model(OwnReading)
        assert result.failed == ()
        assert one(result, NAMES).detail == "3 features, body, range, busy."

    @pytest.mark.parametrize("column", ["open", "high", "volume", "time"])
    def test_fails_whichever_column_of_the_next_bar_it_reads(self, column):
        subject = subject_of(OwnReading(ahead=column), bars=None, seed=0)
        for finding in (features_as_known(subject), features_whatever_comes(subject)):
            assert "'body' knows the future" in finding.detail
            assert "reads at least 1 bar ahead" in finding.detail

    def test_may_come_fitted(self, found):
        fitted = subject_of(OwnReading, bars=None, seed=0).estimator
        assert found(named, fitted) == (True, "3 features, body, range, busy.")
        assert found(features_as_known, fitted).passed
