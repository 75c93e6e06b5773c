"""Of a model that carries what it was taught from one training to the next, no edge is told on a walk that has none."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from agent.errors import ModelError
from agent.evaluation.run import evaluate
from agent.market.bars import Bars
from agent.market.synthetic import random_walk

REMEMBERS = "does not answer the same: it keeps what it was taught before, or draws at random"


@pytest.fixture(scope="module")
def walk() -> Bars:
    return random_walk(3_000, seed=8)


class Hoarder(ClassifierMixin, BaseEstimator):
    """Keeps all rows that any of its kind was ever taught, and answers by the nearest."""

    seen: ClassVar[list[tuple[np.ndarray, np.ndarray]]] = []

    def fit(self, X, y):
        self.seen.append((X, y))
        rows, labels = (np.concatenate(parts) for parts in zip(*self.seen, strict=True))
        self.nearest_ = KNeighborsClassifier(1).fit(rows, labels)
        self.classes_ = self.nearest_.classes_
        return self

    def predict_proba(self, X):
        return self.nearest_.predict_proba(X)


class Leaves(TransformerMixin, BaseEstimator):
    """Adds what a forest says, which is taught once and kept by the class."""

    forest: ClassVar[list[RandomForestClassifier]] = []

    def fit(self, X, y):
        if not self.forest:
            self.forest.append(RandomForestClassifier(30, random_state=0).fit(X, y))
        self.taught_ = True
        return self

    def transform(self, X):
        return self.forest[0].predict_proba(X)


class Same(GaussianNB):
    """A clone of it is itself."""

    def __sklearn_clone__(self):
        return self


class Drawing(ClassifierMixin, BaseEstimator):
    """Draws its coefficients from the generator that all share."""

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        self.weights_ = np.random.standard_normal((X.shape[1], len(self.classes_)))
        return self

    def predict_proba(self, X):
        raw = np.exp(np.tanh(X @ self.weights_ / 10_000))
        return raw / raw.sum(axis=1, keepdims=True)


def test_a_factory_that_returns_the_same_warm_object_has_no_edge_on_a_walk(walk, quick, log):
    kept = RandomForestClassifier(20, warm_start=True, random_state=0)
    found = evaluate(walk, [lambda: kept], folds=3, log=log, effort=quick)
    assert not found.models[0].verdict.edge
    assert not hasattr(kept, "classes_")  # what was trained is a clone


def test_one_that_was_fitted_on_every_bar_before_is_trained_anew(walk, quick, log):
    given = evaluate(walk, [GaussianNB], folds=3, log=log, effort=quick).models[0]
    kept = GaussianNB().fit(np.arange(68.0).reshape(2, 34), [0, 1])
    found = evaluate(walk, [lambda: kept], folds=3, log=log, effort=quick).models[0]
    assert [trade.decided for trade in found.trades] == [trade.decided for trade in given.trades]


def test_what_cannot_be_told_from_its_clone_is_refused_once_it_is_fitted(walk, quick, log):
    kept = Same()
    with pytest.raises(ModelError, match="comes fitted, so nobody here knows on which bars"):
        evaluate(walk, [lambda: kept], folds=3, log=log, effort=quick)


def test_a_class_that_hoards_what_it_was_taught_is_refused(walk, quick, log, monkeypatch):
    monkeypatch.setattr(Hoarder, "seen", [])
    with pytest.raises(ModelError, match=f"Hoarder, trained twice .* {REMEMBERS}"):
        evaluate(walk, [Hoarder], folds=3, log=log, effort=quick)


def test_a_factory_that_keeps_learning_in_its_closure_is_refused(walk, quick, log):
    taught = SGDClassifier(loss="log_loss", random_state=0)

    class Onward(ClassifierMixin, BaseEstimator):
        def fit(self, X, y):
            taught.partial_fit(X, y, classes=[-1, 0, 1])
            self.classes_, self.weights_ = taught.classes_, (taught.coef_.copy(), taught.intercept_.copy())
            return self

        def predict_proba(self, X):
            raw = np.exp(np.tanh((X @ self.weights_[0].T + self.weights_[1]) / 1e9))
            return raw / raw.sum(axis=1, keepdims=True)

    with pytest.raises(ModelError, match=REMEMBERS):
        evaluate(walk, [Onward], folds=3, log=log, effort=quick)


def test_a_part_that_a_class_keeps_from_its_first_training_tells_of_no_test_window(walk, quick, log, monkeypatch):
    monkeypatch.setattr(Leaves, "forest", [])
    found = evaluate(
        walk, [lambda: make_pipeline(Leaves(), LogisticRegression())], folds=3, log=log, effort=quick
    ).models[0]
    assert not found.verdict.edge


def test_folds_are_trained_in_the_order_of_time(walk, quick, log):
    lengths = []

    class Noting(GaussianNB):
        def fit(self, X, y):
            lengths.append(len(X))
            return super().fit(X, y)

    evaluate(walk, [Noting], folds=3, log=log, effort=quick)
    walked = lengths[3:]
    assert len(walked) == 6
    assert walked == sorted(walked)


def test_draws_from_the_generator_that_all_share_are_no_memory(walk, quick, log):
    assert evaluate(walk, [Drawing], folds=3, log=log, effort=quick).models[0].name == "Drawing"


def test_draws_that_nothing_repeats_are_refused(walk, quick, log):
    class Unseeded(Drawing):
        def fit(self, X, y):
            super().fit(X, y)
            self.weights_ = np.random.default_rng().standard_normal(self.weights_.shape)
            return self

    with pytest.raises(ModelError, match=REMEMBERS):
        evaluate(walk, [Unseeded], folds=3, log=log, effort=quick)


def test_a_scaler_before_it_changes_nothing_about_that(walk, quick, log, monkeypatch):
    monkeypatch.setattr(Hoarder, "seen", [])
    with pytest.raises(ModelError, match=REMEMBERS):
        evaluate(walk, [lambda: make_pipeline(StandardScaler(), Hoarder())], folds=3, log=log, effort=quick)
