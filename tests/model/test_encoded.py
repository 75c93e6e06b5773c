"""Labels encoded: scikit-learn accepts the wrapper as its own, and the three boosters are trained, saved and loaded with it."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils.estimator_checks import parametrize_with_checks

from agent.errors import ArtifactError, ModelError
from agent.market.bars import Bars
from agent.market.synthetic import planted
from agent.model.artifact import load, save
from agent.model.encoded import LabelEncoded
from agent.model.loadable import as_loaded
from agent.model.skopsfile import untrusted_types
from agent.model.train import train


@parametrize_with_checks([LabelEncoded(DecisionTreeClassifier(max_depth=3, random_state=0))])
def test_scikit_learn_accepts_it(estimator, check):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        check(estimator)


def test_a_data_frame_reaches_the_classifier_as_one():
    rows = pd.DataFrame(np.arange(12.0).reshape(6, 2), columns=["rsi", "macd"])
    model = LabelEncoded(LogisticRegression()).fit(rows, [-1, 0, 1, -1, 0, 1])
    assert model.estimator_.feature_names_in_.tolist() == ["rsi", "macd"]
    assert model.feature_names_in_.tolist() == ["rsi", "macd"]
    assert model.n_features_in_ == 2


def test_it_is_loaded_without_trust_and_its_seed_is_set(tmp_path):
    bars = planted(1_200, seed=4)
    model = train(bars, factory=lambda: LabelEncoded(DecisionTreeClassifier(max_depth=2)), seed=3)
    assert model.estimator.estimator_.random_state == 3
    assert untrusted_types(model.estimator) == ()
    again = load(save(model, tmp_path / "m"))
    assert again.predict_series(bars).up_bps.tolist() == model.predict_series(bars).up_bps.tolist()


@pytest.fixture(scope="module")
def bars() -> Bars:
    return planted(2_000, seed=4)


def xgboost():
    made = pytest.importorskip("xgboost", reason="xgboost is not installed").XGBClassifier
    return LabelEncoded(made(n_estimators=20, max_depth=3))


def lightgbm():
    return pytest.importorskip("lightgbm", reason="lightgbm is not installed").LGBMClassifier(
        n_estimators=20, verbose=-1
    )


def catboost():
    made = pytest.importorskip("catboost", reason="catboost is not installed").CatBoostClassifier
    return LabelEncoded(made(iterations=20, random_state=0, verbose=False, allow_writing_files=False))


@pytest.mark.parametrize("make", [xgboost, lightgbm, catboost])
def test_a_booster_is_trained_saved_and_loaded_where_its_types_are_allowed(bars, make, tmp_path):
    make()
    model = as_loaded(train(bars, factory=make, seed=1), bars)
    path = save(model, tmp_path / "m")
    with pytest.raises(ArtifactError, match=f"not known to be safe to load: .*{make.__name__}"):
        load(path)
    again = load(path, trusted=untrusted_types(model.estimator))
    assert again.predict_series(bars).up_bps.tolist() == model.predict_series(bars).up_bps.tolist()
    assert save(again, tmp_path / "again").is_dir()


def test_xgboost_without_it_is_refused_with_how_to_use_it(bars):
    made = pytest.importorskip("xgboost", reason="xgboost is not installed").XGBClassifier
    with pytest.raises(ModelError, match=r"Expected: \[0 1 2\], got \[-1  ?0  ?1\].*LabelEncoded"):
        train(bars, factory=made)


def test_catboost_without_it_is_refused_with_how_to_use_it(bars):
    made = pytest.importorskip("catboost", reason="catboost is not installed").CatBoostClassifier
    with pytest.raises(ModelError, match=r"made a CatBoostClassifier, which is not .*LabelEncoded"):
        train(bars, factory=made)
