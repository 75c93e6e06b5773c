"""Features are the integers their formulas say, for a series, a window or a contract alike."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import estimator_checks_generator

from agent.market.synthetic import random_walk
from agent.model.closes import LIMIT, MAX_CLOSE, WINDOW, OneWindow, Series, Windows, windows
from agent.model.features import (
    DEFINITIONS,
    FEATURES,
    PatternFeatures,
    feature_matrix,
    features_of_window,
    features_of_windows,
    fingerprint,
)
from agent.model.patterns import PATTERNS, pattern_masks

few = st.lists(st.integers(1, 6), min_size=WINDOW, max_size=WINDOW + 20)
many = st.lists(st.integers(1, 10**9), min_size=WINDOW, max_size=WINDOW + 20)
huge = st.lists(st.integers(MAX_CLOSE - 10**6, MAX_CLOSE), min_size=WINDOW, max_size=WINDOW + 5)
wild = st.lists(st.sampled_from([1, 2, 3, MAX_CLOSE - 1, MAX_CLOSE]), min_size=WINDOW, max_size=WINDOW + 5)
any_closes = few | many | huge | wild


def test_the_features_end_with_one_for_each_pattern_in_the_order_of_their_bits():
    assert FEATURES[-len(PATTERNS) :] == tuple(pattern.name for pattern in PATTERNS)
    assert len(set(FEATURES)) == len(FEATURES) == len(DEFINITIONS)


@given(any_closes)
def test_a_series_its_windows_and_each_bar_alone_have_the_same_features(closes):
    series = np.array(closes, dtype=np.int64)
    matrix = feature_matrix(series)
    assert matrix.dtype == np.int32
    assert matrix.shape == (len(closes), len(FEATURES))
    assert not matrix[: WINDOW - 1].any()
    assert features_of_windows(windows(series)).tolist() == matrix[WINDOW - 1 :].tolist()
    alone = [list(features_of_window(window)) for window in windows(series)]
    assert alone == matrix[WINDOW - 1 :].tolist()


def test_a_long_series_is_the_same_as_its_windows_across_every_seam():
    closes = random_walk(33_000, seed=5).close
    assert (feature_matrix(closes)[WINDOW - 1 :] == features_of_windows(windows(closes))).all()


def test_what_one_definition_has_read_is_the_same_for_the_next():
    series = Series(random_walk(200, seed=6).close)
    once = [np.array(feature.rule(series)) for feature in DEFINITIONS]
    again = [np.array(feature.rule(series)) for feature in reversed(DEFINITIONS)][::-1]
    assert np.array_equal(once, again)


@given(any_closes)
def test_each_published_formula_says_what_the_code_does(value_of, closes):
    window = closes[-WINDOW:]
    for feature, value in zip(DEFINITIONS, features_of_window(window), strict=True):
        assert value == value_of(feature.formula, window), feature.name


@given(any_closes)
def test_every_feature_is_exact_in_a_32_bit_float(closes):
    matrix = feature_matrix(np.array(closes, dtype=np.int64))
    assert np.abs(matrix).max() < 2**24
    assert (matrix.astype(np.float32).astype(np.int64) == matrix).all()


@given(many, st.integers(WINDOW, WINDOW + 20))
def test_what_comes_after_a_bar_changes_nothing(closes, cut):
    series = np.array(closes, dtype=np.int64)
    cut = min(cut, len(series))
    known = feature_matrix(series)[:cut]
    assert feature_matrix(series[:cut]).tolist() == known.tolist()
    changed = series.copy()
    changed[cut:] = changed[cut:][::-1] // 2 + 7
    assert feature_matrix(changed)[:cut].tolist() == known.tolist()


@given(
    st.integers(-(2**57), 2**57), st.integers(0, 2**59), st.sampled_from([1, 10**3, 10**6, 10**9, 10**12, 10**15])
)
def test_parts_per_million_are_floored_and_clipped_without_overflow_whatever_the_size(a, b, scale):
    a, b = a // scale, b // scale
    exact = max(-LIMIT, min(LIMIT, a * 10**6 // max(b, 1)))
    many_at_once = Windows(np.empty((0, WINDOW), dtype=np.int64)).ppm(np.array([a, 0]), np.array([b, 1]))
    assert many_at_once.tolist() == [exact, 0]
    assert OneWindow([1] * WINDOW).ppm(a, b) == exact


@given(st.integers(-(2**24) - 2, 2**24 + 2), st.integers(1, 2**59) | st.integers(1, 10**6), st.integers(-1, 1))
@example(-LIMIT, 1_125_899_906_842_699, 0)
def test_a_ratio_next_to_a_whole_number_falls_on_its_own_side_of_it(whole, b, beside):
    a = max(-(2**57), min(2**57, whole * b // 10**6 + beside))
    exact = max(-LIMIT, min(LIMIT, a * 10**6 // b))
    assert Windows(np.empty((0, WINDOW), dtype=np.int64)).ppm(np.array([a]), np.array([b])).tolist() == [exact]


def test_negative_parts_per_million_round_towards_minus_infinity():
    assert OneWindow([1] * WINDOW).ppm(-1, 3) == -333_334


def test_the_pattern_features_are_the_bits_of_the_mask():
    closes = random_walk(3_000, seed=1).close
    bits = pattern_masks(closes)[:, np.newaxis] >> np.arange(len(PATTERNS)) & 1
    assert (feature_matrix(closes)[:, -len(PATTERNS) :] == bits).all()


def test_the_fingerprint_changes_only_with_what_the_features_compute():
    # Models saved under one fingerprint are refused under another: a new value here is a new format for everyone.
    assert fingerprint() == "55fbbac7cf40f00f0eaea24eb4573864b2b8ab0d578917f029892e35bfb2743c"


def test_the_fingerprints_series_shows_every_pattern(monkeypatch):
    seen = []
    monkeypatch.setattr(
        "agent.model.features.feature_matrix", lambda closes: seen.append(closes) or feature_matrix(closes)
    )
    fingerprint.__wrapped__()
    matrix = feature_matrix(seen[0])
    assert matrix[:, -len(PATTERNS) :].any(axis=0).all()


@pytest.mark.parametrize(
    "check",
    [
        pytest.param((estimator, check), id=getattr(check, "func", check).__name__ + f"-{number}")
        for number, (estimator, check) in enumerate(estimator_checks_generator(PatternFeatures()))
        # Needs an environment variable that is read before scikit-learn is imported; it skips itself otherwise.
        if getattr(check, "func", check).__name__ != "check_array_api_input"
    ],
)
def test_the_transformer_does_what_scikit_learn_expects_of_one(check):
    estimator, run = check
    run(estimator)


class TestTheTransformer:
    closes = random_walk(300, seed=3).close

    def test_makes_of_windows_what_the_series_has(self):
        made = PatternFeatures().fit_transform(windows(self.closes))
        assert (made == feature_matrix(self.closes)[WINDOW - 1 :]).all()

    def test_reads_the_newest_closes_of_longer_windows(self):
        longer = np.lib.stride_tricks.sliding_window_view(self.closes, WINDOW + 10)
        made = PatternFeatures().fit_transform(longer)
        assert (made == feature_matrix(self.closes)[WINDOW + 9 :]).all()

    def test_continues_shorter_windows_to_the_left_with_their_oldest_close(self):
        shorter = self.closes[:20]
        filled = np.concatenate([np.full(WINDOW - 20, shorter[0]), shorter])
        assert PatternFeatures().fit_transform([shorter]).tolist() == [list(features_of_window(filled))]

    def test_cuts_off_fractions_of_the_smallest_unit_and_counts_less_than_one_as_one(self):
        whole = np.array([[1.0, 1.0, 2.0, 3.0] * 8])
        parts = np.array([[0.0, 0.4, 2.9, 3.5] * 8])
        assert (PatternFeatures().fit_transform(parts) == PatternFeatures().fit_transform(whole)).all()

    def test_names_its_columns_also_in_a_data_frame(self):
        frame = PatternFeatures().set_output(transform="pandas").fit_transform(windows(self.closes))
        assert isinstance(frame, pd.DataFrame)
        assert tuple(frame.columns) == FEATURES

    def test_refuses_closes_too_large_to_compute_with(self):
        with pytest.raises(ValueError, match=f"closes must be at most {MAX_CLOSE}"):
            PatternFeatures().fit([[MAX_CLOSE + 1] * WINDOW])

    def test_begins_a_pipeline_that_learns_from_windows(self):
        rows = windows(self.closes)
        up = np.append(rows[1:, -1] > rows[:-1, -1], True)
        pipeline = make_pipeline(PatternFeatures(), StandardScaler(), GaussianNB())
        assert clone(pipeline).fit(rows, up).predict(rows).shape == (len(rows),)
