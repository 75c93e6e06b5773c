"""Classifiers that look at other rows or other labels, and answers that are none, are found."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin, clone
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.tree import DecisionTreeClassifier

from agent.model.artifact import save
from agent.model.conformity import check_model, latency
from agent.model.conformity.alignment import aligned
from agent.model.conformity.answers import (
    alike_alone_and_together,
    named,
    probable,
    same_after_saving,
    same_twice,
    unshaken_by,
)
from agent.model.conformity.probes import flat
from agent.model.conformity.subject import subject_of
from agent.model.trained import TrainedModel

PROBABLE = "Its answers are probabilities"
SAVED = "Saved and loaded"
ALONE = "One row at a time"
FIRST_ANSWERS = "The probabilities of the first n bars are the first n"
ANY_FUTURE_ANSWERS = "The probabilities of the first n bars stay"
ALIGNED = "It learns each label with the row it belongs to."
FLAT, EXTREME = (f"It abstains rather than crashes on {day}." for day in ("a flat price", "an extreme move"))
NAMED = "Its features match its manifest."


class OfTheBatch(TransformerMixin, BaseEstimator):
    """Scales rows by the rows they come with."""

    def fit(self, X, y=None):
        self.n_features_in_ = X.shape[1]
        return self

    def transform(self, X):
        return (X - X.mean(axis=0)) / (X.std(axis=0) + 1)

    def get_feature_names_out(self, names=None):
        return names


def neighbours_too(X):
    return X + np.roll(X, -1, axis=0)


class Wrapped(ClassifierMixin, BaseEstimator):
    """A Gaussian whose answers some of those below spoil."""

    def fit(self, X, y):
        self.inner_ = GaussianNB().fit(X, y)
        self.classes_ = self.inner_.classes_
        return self

    def predict_proba(self, X):
        return self.spoilt(self.inner_.predict_proba(X), X)

    def spoilt(self, answer, X):
        return answer


class SmoothsItsAnswers(Wrapped):
    def spoilt(self, answer, X):
        padded = np.pad(answer, ((1, 1), (0, 0)), mode="edge")
        return (padded[:-2] + padded[1:-1] + padded[2:]) / 3


class LabelsOff(Wrapped):
    """Learns each row with the label of another."""

    def __init__(self, inner=None, by=1):
        self.inner = inner
        self.by = by

    def fit(self, X, y):
        inner = GaussianNB() if self.inner is None else clone(self.inner)
        self.inner_ = (
            inner.fit(X[self.by :], y[: -self.by]) if self.by > 0 else inner.fit(X[: self.by], y[-self.by :])
        )
        self.classes_ = self.inner_.classes_
        return self


class TestALeakInsideAClassifier:
    def test_scaling_by_the_batch_is_found_and_its_step_named(self, failed, one):
        result = check_model(make_pipeline(OfTheBatch(), LogisticRegression(C=0.1, max_iter=1_000)))
        _, first, _, match = failed(result, ALONE, FIRST_ANSWERS, ANY_FUTURE_ANSWERS, NAMED)
        assert "training it was refused: the model Pipeline answers differently alone" in match.detail
        assert "its answers depend on the other rows" in one(result, ALONE).detail
        assert "In its pipeline, 'return_1' of the step 'ofthebatch' is the first that does." in first.detail

    def test_features_of_neighbouring_rows_are_found_and_their_step_named(self, failed, one):
        result = check_model(make_pipeline(StandardScaler(), FunctionTransformer(neighbours_too), GaussianNB()))
        failed(result, ALONE, FIRST_ANSWERS, ANY_FUTURE_ANSWERS, NAMED)
        assert "column 0 of the step 'functiontransformer'" in one(result, FIRST_ANSWERS).detail

    def test_answers_smoothed_over_bars_are_found(self, failed):
        failed(check_model(SmoothsItsAnswers), ALONE, FIRST_ANSWERS, ANY_FUTURE_ANSWERS, NAMED)

    @pytest.mark.parametrize(
        ("inner", "by"),
        [(GaussianNB(), 1), (GaussianNB(), 2), (GaussianNB(), -1), (DecisionTreeClassifier(max_depth=3), 1)],
        ids=["the row before", "two before", "the row after", "a tree"],
    )
    def test_labels_shifted_by_some_rows_are_found(self, inner, by, found):
        finding = found(aligned, LabelsOff(inner, by))
        assert not finding.passed
        row = {1: "the row before", 2: "the row 2 before", -1: "the row after"}[by]
        assert f"learns each row with the label of {row}" in finding.detail
        assert ("whose outcome its features know" in finding.detail) == (by > 0)

    def test_labels_shifted_are_found_in_a_saved_model_too(self, tmp_path, failed):
        model = subject_of(LabelsOff, bars=None, seed=0).trained
        path = save(model, tmp_path / "model")
        trusted = [f"{__name__}.LabelsOff"]
        failed(check_model(path, trusted=trusted), ALIGNED)

    def test_a_classifier_that_learns_nothing_learns_nothing_wrong(self, found):
        assert "learned little of them" in found(aligned, DummyClassifier).detail


class Unsorted(Wrapped):
    """Has the columns in another order than it says."""

    def spoilt(self, answer, X):
        return answer[:, [2, 1, 0]]

    def predict(self, X):
        return self.inner_.predict(X)


class Logits(Wrapped):
    def spoilt(self, answer, X):
        return np.log(answer + 1e-9)


class Halves(Wrapped):
    def spoilt(self, answer, X):
        return answer / 2


class Short(Wrapped):
    def spoilt(self, answer, X):
        return answer[:, :2]


class Moody(Wrapped):
    """Says something else each time, and so does a copy of it."""

    asked = 0

    def spoilt(self, answer, X):
        Moody.asked += 1
        share = 1 / (1 + Moody.asked)
        return answer * (1 - share) + share / answer.shape[1]


class TooSure(Wrapped):
    """Cannot stand a large number."""

    def spoilt(self, answer, X):
        return np.where(X[:, :1] > 10_000_000, np.nan, answer)


class StrangeError(Exception):
    """Of a library that has its own."""


class Crashes(Wrapped):
    """Cannot stand prices that do not move."""

    def spoilt(self, answer, X):
        if len(X) > 200 and not X[:, :6].any():
            raise StrangeError("a singular matrix")
        return answer


class NotSaved(Wrapped):
    def fit(self, X, y):
        self.secret_ = (each for each in X)
        return super().fit(X, y)


class Forgets(Wrapped):
    """Keeps part of what it has learned where saving does not reach."""

    def __getstate__(self):
        return {**super().__getstate__(), "spoiled_": True}

    def spoilt(self, answer, X):
        return answer[:, ::-1] if hasattr(self, "spoiled_") else answer


class TestAnswersThatAreNone:
    def test_columns_in_another_order_than_the_classes(self, failed):
        (check,) = failed(check_model(Unsorted), PROBABLE)
        assert "at 100% in the order 1, 0, -1" in check.detail

    @pytest.mark.parametrize(
        ("made", "said"),
        [
            (Logits, "where a probability was expected"),
            (Halves, "add up to 0.5, not to 1"),
            (Short, r"shape \(769, 2\) for 769 bars and 3 classes"),
        ],
    )
    def test_what_is_no_probability(self, made, said, found):
        finding = found(probable, made)
        assert re.search(said, finding.detail)
        assert not finding.passed

    def test_a_model_that_cannot_be_trained_for_a_manifest_says_why(self, found):
        finding = found(named, Logits)
        assert not finding.passed
        assert finding.detail.startswith("it has no manifest, for training it was refused: the model answered -")

    def test_other_answers_to_the_same_question(self, found):
        finding = found(same_twice, Moody)
        assert not finding.passed
        assert "differ when asked for again" in finding.detail
        assert not found(same_after_saving, Moody).passed

    def test_features_that_differ_from_call_to_call(self, found):
        rng = np.random.default_rng(1)
        finding = found(same_twice, DummyClassifier, features=lambda closes: rng.normal(size=(len(closes), 2)))
        told = "the features 'feature 0', 'feature 1' of the same bars differ from call to call."
        assert finding == (False, told)

    def test_a_nan_on_an_extreme_move(self, failed):
        (check,) = failed(check_model(TooSure), EXTREME)
        assert check.detail == "it answered nan where a probability was expected."

    def test_a_crash_on_a_flat_price_whatever_is_raised(self, failed):
        (check,) = failed(check_model(Crashes), FLAT)
        assert check.detail == "it raised StrangeError: a singular matrix."

    def test_what_cannot_be_saved(self, failed):
        result = check_model(NotSaved)
        for check in failed(result, SAVED, NAMED):
            assert "cannot be saved" in check.detail

    def test_what_is_another_model_once_it_was_saved(self, found):
        finding = found(same_after_saving, Forgets)
        assert not finding.passed
        assert re.search(r"answers otherwise, by up to 0\.\d+\.$", finding.detail)

    def test_a_trade_on_a_price_that_stands_still(self, trained, monkeypatch, found):
        said = TrainedModel.predict_series

        def always(self, closes):
            calm = np.zeros(len(closes), dtype=np.int64)
            return replace(
                said(self, closes),
                patterns=np.ones(len(closes), np.uint32),
                up_bps=calm + 9_000,
                down_bps=calm,
                flat_bps=calm,
            )

        monkeypatch.setattr(TrainedModel, "predict_series", always)
        traded, alone = found(unshaken_by(flat), trained), found(alike_alone_and_together, trained)
        assert not traded.passed
        assert not alone.passed
        assert "would trade at 240 of 240 bars on which nothing happens" in traded.detail
        assert "as (1, 0, 0, 9000) in its series" in alone.detail

    @pytest.mark.parametrize(
        ("fields", "said"),
        [
            ({"features": ("return_1",)}, "other features"),
            ({"patterns": ("run_up",)}, "other patterns"),
            ({"fingerprint": "0" * 64}, "other fingerprint of the features"),
            ({"artifact_sha256": "0" * 64}, "other classifier"),
        ],
    )
    def test_a_manifest_of_something_else(self, trained, fields, said, found):
        other = replace(trained, manifest=replace(trained.manifest, **fields))
        assert found(named, other) == (False, f"its manifest was written for {said}.")

    def test_a_classifier_of_more_features_than_there_are(self, found):
        fitted = GaussianNB().fit(np.random.default_rng(0).normal(size=(90, 4)), np.arange(90) % 3 - 1)
        assert found(named, fitted) == (False, "it was fitted on 4 features, and is given 39.")

    def test_a_decision_that_takes_longer_than_a_bar(self, trained, monkeypatch, found):
        ticks = iter(range(0, 10**9, 4_000))
        monkeypatch.setattr(latency.time, "perf_counter", lambda: float(next(ticks)))
        finding = found(latency.keeps_up, trained)
        assert not finding.passed
        assert "one decision 4,000.0 s (p50)" in finding.detail
