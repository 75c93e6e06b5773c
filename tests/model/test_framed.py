"""A model that brings its features as a data frame meets one in `fit` and in `predict_proba`, alone and in a series."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from agent.errors import ModelError
from agent.evaluation.run import evaluate
from agent.market.bars import Bars
from agent.market.synthetic import planted
from agent.model.artifact import load, save
from agent.model.closes import WINDOW
from agent.model.conformity import check_model
from agent.model.encoded import LabelEncoded
from agent.model.loadable import as_loaded
from agent.model.skopsfile import untrusted_types
from agent.model.train import train


@pytest.fixture(scope="module")
def bars() -> Bars:
    return planted(1_500, seed=4)


class Reads:
    """Reads two returns and a truth value, as a data frame."""

    window = 5
    feature_names: ClassVar[tuple[str, ...]] = ("fast", "slow", "rising")

    def features(self, bars):
        close = pd.Series(bars.close.astype(np.float64))
        return pd.DataFrame(
            {
                "fast": close.pct_change(1).fillna(0.0) * 100,
                "slow": close.pct_change(4).fillna(0.0) * 100,
                "rising": close.diff().fillna(0.0) > 0,
            }
        )


class ByName(Reads, Pipeline):
    """Picks its columns by name."""


class Own(Reads, ClassifierMixin, BaseEstimator):
    """Asks for its columns by name, and tells nobody what it was fitted on."""

    asked: ClassVar[list[type]] = []

    def fit(self, X, y):
        self.inner_ = LogisticRegression().fit(X[["fast", "slow"]].to_numpy(), y)
        self.classes_ = self.inner_.classes_
        return self

    def predict_proba(self, X):
        self.asked.append(type(X))
        return self.inner_.predict_proba(X[["fast", "slow"]].to_numpy())


class Encoded(Reads, LabelEncoded):
    pass


def by_name() -> ByName:
    picked = ColumnTransformer([("scaled", StandardScaler(), ["fast", "slow"])], remainder="passthrough")
    return ByName([("columns", picked), ("model", LogisticRegression())])


def encoded() -> Encoded:
    return Encoded(LogisticRegression())


@pytest.mark.parametrize("factory", [by_name, Own, encoded])
class TestAModelOfADataFrame:
    def test_is_trained_saved_loaded_and_asked_alone_as_in_a_series(self, bars, factory, tmp_path):
        model = as_loaded(train(bars, factory=factory), bars)
        assert model.estimator.feature_names_in_.tolist() == ["fast", "slow", "rising"]
        again = load(save(model, tmp_path / "m"), trusted=untrusted_types(model.estimator))
        series = again.predict_series(bars)
        assert series.up_bps.tolist() == model.predict_series(bars).up_bps.tolist()
        for place in range(WINDOW - 1, len(bars), 200):
            one = again.predict(bars[place - WINDOW + 1 : place + 1])
            assert (one.down_bps, one.up_bps) == (series.down_bps[place], series.up_bps[place])

    def test_passes_the_checks(self, factory):
        assert [check.detail for check in check_model(factory).failed] == []

    def test_is_evaluated(self, bars, factory, tmp_path):
        from agent.evaluation.effort import Effort
        from agent.evaluation.trials import TrialLog

        effort = Effort(permutations=199, resamples=20, random_entries=20)
        log = TrialLog(tmp_path / "trials.jsonl")
        assert evaluate(bars, [factory], folds=2, log=log, effort=effort).models[0].classifier


def test_a_frame_is_what_reaches_it(bars, monkeypatch):
    monkeypatch.setattr(Own, "asked", [])
    train(bars, factory=Own).predict_series(bars)
    assert set(Own.asked) == {pd.DataFrame}


def test_what_brings_an_array_meets_an_array(bars):
    met = []

    class Plain(Own):
        def features(self, bars):
            return super().features(bars).to_numpy(dtype=np.float64)

        def fit(self, X, y):
            met.append(type(X))
            self.inner_ = LogisticRegression().fit(X, y)
            self.classes_ = self.inner_.classes_
            return self

        def predict_proba(self, X):
            met.append(type(X))
            return self.inner_.predict_proba(X)

    train(bars, factory=Plain).predict_series(bars)
    assert set(met) == {np.ndarray}


def test_columns_called_otherwise_than_the_model_says_are_refused(bars):
    class Astray(Own):
        feature_names: ClassVar[tuple[str, ...]] = ("slow", "fast", "rising")

    with pytest.raises(
        ModelError, match="columns of the features are fast, slow, rising, and feature_names are slow"
    ):
        train(bars, factory=Astray)
