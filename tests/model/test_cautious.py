"""A cautious classifier believes what it wraps as far as later rows bore it out, and the base rates for the rest."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils.estimator_checks import parametrize_with_checks

from agent.model.cautious import SHARES, Cautious
from agent.model.splits import PurgedKFold

CLASSES = np.array([-1, 0, 1])


@parametrize_with_checks([Cautious(DecisionTreeClassifier(max_depth=3, random_state=0))])
def test_it_is_an_estimator_as_scikit_learn_has_them(estimator, check):
    check(estimator)


class Says(ClassifierMixin, BaseEstimator):
    """Says of each row what the row holds, and notes which rows each one was fitted on."""

    fitted_on: ClassVar[list[list[int]]] = []

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        self.fitted_on.append(X[:, -1].astype(int).tolist())
        return self

    def predict_proba(self, X):
        return X[:, : len(self.classes_)] / X[:, : len(self.classes_)].sum(axis=1, keepdims=True)


def said_of(labels: np.ndarray, sure: np.ndarray) -> np.ndarray:
    """Return rows that put a probability on each label, and the number of the row."""
    rows = np.repeat((1 - sure[:, None]) / 2, 3, axis=1)
    rows[np.arange(len(labels)), labels + 1] = sure
    return np.column_stack([rows, np.arange(len(labels))])


@pytest.fixture
def labels() -> np.ndarray:
    return np.random.default_rng(3).choice(CLASSES, 2_000, p=[0.2, 0.5, 0.3])


def fitted(X: np.ndarray, y: np.ndarray, **options: int) -> Cautious:
    return Cautious(Says(), **options).fit(X, y)


def test_what_is_always_right_is_believed_in_full(labels):
    assert fitted(said_of(labels, np.full(2_000, 0.9)), labels).share_ == 1


def test_what_knows_nothing_is_not_believed_at_all_and_every_answer_is_the_base_rates(labels):
    told = np.random.default_rng(4).permutation(labels)
    model = fitted(said_of(told, np.full(2_000, 0.9)), labels)
    assert model.share_ == 0
    rates = [float(np.mean(labels == label)) for label in CLASSES]
    assert model.predict_proba(said_of(told, np.full(2_000, 0.9))[:7]) == pytest.approx(np.tile(rates, (7, 1)))


def test_what_exaggerates_is_believed_in_part(labels):
    right = np.random.default_rng(5).random(2_000) < 0.6
    told = np.where(right, labels, np.roll(labels, 1))
    assert 0 < fitted(said_of(told, np.full(2_000, 0.99)), labels).share_ < 1


def test_no_other_share_would_have_had_a_smaller_log_loss_on_the_rows_left_out(labels):
    right = np.random.default_rng(6).random(2_000) < 0.65
    told = np.where(right, labels, np.roll(labels, 1))
    X = said_of(told, np.full(2_000, 0.95))
    losses = np.zeros(len(SHARES))
    for train, test in PurgedKFold(4, gap=10).split(X):
        base = np.array([np.mean(labels[train] == label) for label in CLASSES])
        p = X[test, :3] / X[test, :3].sum(axis=1, keepdims=True)
        came = labels[test] + 1
        for place, share in enumerate(SHARES):
            mixed = share * p + (1 - share) * base
            losses[place] -= np.log(mixed[np.arange(len(test)), came]).sum()
    assert fitted(X, labels, gap=10).share_ == SHARES[losses.argmin()]


@given(st.floats(0.34, 0.999), st.integers(0, 2**32 - 1))
@settings(max_examples=30, deadline=None)
def test_its_answers_are_probabilities_between_the_classifiers_and_the_base_rates(sure, seed):
    rng = np.random.default_rng(seed)
    labels = rng.choice(CLASSES, 300)
    X = said_of(rng.choice(CLASSES, 300), np.full(300, sure))
    model = fitted(X, labels)
    said, inner = model.predict_proba(X), model.estimator_.predict_proba(X)
    assert said.sum(axis=1) == pytest.approx(np.ones(300))
    assert (np.minimum(inner, model.base_rates_) - 1e-12 <= said).all()
    assert (said <= np.maximum(inner, model.base_rates_) + 1e-12).all()


def test_it_never_fits_what_it_scores_nor_the_rows_around_it(labels):
    Says.fitted_on.clear()
    fitted(said_of(labels, np.full(2_000, 0.5)), labels, folds=4, gap=30)
    *folds, whole = Says.fitted_on
    assert whole == list(range(2_000))
    assert len(folds) == 4
    for number, rows in enumerate(folds):
        scored = range(500 * number, 500 * (number + 1))
        near = range(max(0, scored.start - 30), min(2_000, scored.stop + 30))
        assert rows == [row for row in range(2_000) if row not in near]


def test_a_class_that_some_folds_never_saw_is_told_all_the_same():
    labels = np.random.default_rng(7).choice([-1, 1], 400)
    labels[:20] = 0
    X = np.random.default_rng(8).normal(size=(400, 3))
    model = Cautious(DecisionTreeClassifier(max_depth=2, random_state=0)).fit(X, labels)
    assert model.classes_.tolist() == [-1, 0, 1]
    assert model.predict_proba(X).shape == (400, 3)


def test_rows_too_few_to_hold_any_out_leave_the_base_rates():
    X, labels = np.arange(6.0)[:, None], np.array([-1, 1, -1, 1, -1, 1])
    model = Cautious(DecisionTreeClassifier(), gap=100).fit(X, labels)
    assert model.share_ == 0
    assert model.predict_proba(X) == pytest.approx(np.full((6, 2), 0.5))


def test_the_same_rows_give_the_same_share_in_a_clone(labels):
    X = said_of(labels, np.full(2_000, 0.7))
    model = fitted(X, labels)
    again = clone(model).fit(X, labels)
    assert again.share_ == model.share_
    assert again.predict_proba(X).tobytes() == model.predict_proba(X).tobytes()
