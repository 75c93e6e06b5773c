"""A classifier made quick for one row answers as scikit-learn does, to the last bit, or is not made at all."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import BaseEstimator
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import ExtraTreesClassifier, HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.tree import DecisionTreeClassifier, ExtraTreeClassifier

from agent.errors import ModelError
from agent.market.synthetic import planted, random_walk
from agent.model.candles import CANDLE_FEATURES, CandleClassifier
from agent.model.cautious import Cautious
from agent.model.closes import LIMIT, WINDOW, windows
from agent.model.compiled import compiled
from agent.model.estimators import made_by, resolve
from agent.model.features import FEATURES, feature_matrix
from agent.model.labels import triple_barrier
from agent.model.threads import one_thread
from agent.model.train import train
from agent.model.trained import probabilities_bps

# How good these are does not matter here: a few steps towards the best weights will do.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

NAMED = ("logistic", "boosting", "forest", "tree")

FOREST = {"n_estimators": 5, "max_depth": 5, "random_state": 0}
TREE = DecisionTreeClassifier(max_depth=4, min_samples_leaf=20, random_state=0)
LINEAR = make_pipeline(StandardScaler(), LogisticRegression(max_iter=10))
BOOSTING = HistGradientBoostingClassifier(max_iter=5, early_stopping=False)

OTHERS = {
    "a tree as deep as it likes": DecisionTreeClassifier(random_state=0),
    "a tree that asks nothing": DecisionTreeClassifier(max_depth=1, min_impurity_decrease=1.0),
    "a tree of chance": ExtraTreeClassifier(max_depth=6, random_state=0),
    "a forest": RandomForestClassifier(**FOREST),
    "a forest of chance": ExtraTreesClassifier(**FOREST),
    "boosting that learns nothing": HistGradientBoostingClassifier(max_iter=3, min_samples_leaf=10_000),
    "boosting of larger trees": HistGradientBoostingClassifier(max_iter=12, max_leaf_nodes=31),
    "weights of features as they are": LogisticRegression(max_iter=10),
    "weights of features that are only centred": make_pipeline(
        StandardScaler(with_std=False), LogisticRegression(max_iter=10)
    ),
    "weights of features that are only scaled": make_pipeline(
        StandardScaler(with_mean=False), "passthrough", TREE
    ),
    "a forest after a scaler": make_pipeline(StandardScaler(), RandomForestClassifier(**FOREST)),
    "a pipeline in a pipeline": make_pipeline(StandardScaler(), LINEAR),
    "believed in part": Cautious(LINEAR, gap=5),
    "a tree calibrated by sigmoids": CalibratedClassifierCV(TREE, method="sigmoid", cv=2),
    "weights calibrated by sigmoids": CalibratedClassifierCV(LINEAR, method="sigmoid", cv=2),
    "boosting calibrated by steps": CalibratedClassifierCV(BOOSTING, method="isotonic", cv=2),
    "a forest calibrated by steps": CalibratedClassifierCV(
        RandomForestClassifier(**FOREST), method="isotonic", cv=2, ensemble=False
    ),
}

UNKNOWN = {
    "of another kind": GaussianNB(),
    "behind a scaler of another kind": make_pipeline(MinMaxScaler(), TREE),
    "boosting with categories": HistGradientBoostingClassifier(
        max_iter=2, categorical_features=[len(FEATURES) - 1]
    ),
    "of several threads, which add up in any order": RandomForestClassifier(**FOREST, n_jobs=2),
    "calibrated by a temperature": CalibratedClassifierCV(TREE, method="temperature", cv=2),
    "believed in part, of another kind": Cautious(GaussianNB()),
}


class Stubborn(DecisionTreeClassifier):
    """A decision tree that answers something else."""

    def predict_proba(self, X, check_input=True):
        return np.full((len(X), 3), 1 / 3)


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    with one_thread():
        yield


@cache
def samples() -> tuple[np.ndarray, np.ndarray]:
    bars = planted(1_500, seed=4)
    outcomes = triple_barrier(bars)
    known = np.flatnonzero(outcomes.known)[WINDOW:]
    return feature_matrix(bars.close)[known], outcomes.label[known]


@cache
def fitted(name: str) -> BaseEstimator:
    features, labels = samples()
    estimator = made_by(resolve(name), seed=0) if name in NAMED else {**OTHERS, **UNKNOWN}[name]
    return estimator.fit(features, labels)


@cache
def quick(name: str):
    return compiled(fitted(name), columns=len(FEATURES))


@cache
def asked() -> np.ndarray:
    """Rows of a market not seen, and rows of no market."""
    walk = feature_matrix(random_walk(80, seed=8).close)[WINDOW - 1 :]
    sizes = np.logspace(0, np.log10(LIMIT), 24)[:, np.newaxis]
    wild = np.random.default_rng(3).uniform(-1, 1, (24, len(FEATURES))) * sizes
    return np.concatenate([walk, wild.astype(np.int32), samples()[0][:24]])


def alike(name: str, row: np.ndarray) -> bool:
    return quick(name)(row).tobytes() == fitted(name).predict_proba(row[np.newaxis])[0].tobytes()


def trees_in(rule):
    """Return the trees that a rule follows, wherever in it they are."""
    while not hasattr(rule, "threshold"):
        rule = next(getattr(rule, part) for part in ("rule", "scores", "trees") if hasattr(rule, part))
    return rule


@pytest.mark.parametrize("name", [*NAMED, *OTHERS])
def test_each_kind_that_is_known_answers_as_scikit_learn_to_the_last_bit(name):
    assert quick(name) is not None
    assert quick(name).classes == (-1, 0, 1)
    for row in asked():
        assert alike(name, row), row


@pytest.mark.parametrize("name", NAMED)
@given(row=st.lists(st.integers(-LIMIT, LIMIT), min_size=len(FEATURES), max_size=len(FEATURES)))
def test_so_do_the_named_ones_whatever_the_features(name, row):
    assert alike(name, np.array(row, dtype=np.int32))


@pytest.mark.parametrize("name", ["tree", "boosting", "a forest", "a tree of chance"])
@given(data=st.data())
def test_a_feature_at_a_threshold_and_one_beside_it_go_the_way_scikit_learn_sends_them(name, data):
    trees = trees_in(quick(name).rule)
    node = data.draw(st.sampled_from(np.flatnonzero(np.isfinite(trees.threshold)).tolist()))
    row = asked()[data.draw(st.integers(0, len(asked()) - 1))].copy()
    row[trees.feature[node]] = np.floor(trees.threshold[node]) + data.draw(st.integers(-1, 1))
    assert alike(name, row)


@pytest.mark.parametrize("name", UNKNOWN)
def test_of_a_kind_that_is_not_known_nothing_is_assumed(name):
    assert quick(name) is None


def test_two_outcomes_are_left_to_scikit_learn_where_their_formula_is_another():
    features, labels = samples()
    two = labels != 0
    for estimator in (LogisticRegression(max_iter=10), HistGradientBoostingClassifier(max_iter=2)):
        assert compiled(estimator.fit(features[two], labels[two]), columns=len(FEATURES)) is None
    tree = DecisionTreeClassifier(max_depth=3).fit(features[two], labels[two])
    made = compiled(tree, columns=len(FEATURES))
    assert made.classes == (-1, 1)
    assert [made(row).tolist() for row in asked()] == tree.predict_proba(asked()).tolist()


@pytest.mark.parametrize("name", [*NAMED, "weights of features as they are", "boosting of larger trees"])
def test_one_fitted_on_other_columns_is_left_to_scikit_learn_to_refuse(name):
    assert compiled(fitted(name), columns=len(FEATURES) - 1) is None


def test_a_kind_derived_from_a_known_one_is_another_kind():
    features, labels = samples()
    assert compiled(Stubborn(max_depth=2).fit(features, labels), columns=len(FEATURES)) is None


def test_one_that_answers_otherwise_than_it_should_by_its_kind_is_not_made_quick(monkeypatch):
    features, labels = samples()
    tree = DecisionTreeClassifier(max_depth=3).fit(features, labels)
    monkeypatch.setattr(tree, "predict_proba", lambda X: np.nextafter(np.full((len(X), 3), 1 / 3), 1))
    assert compiled(tree, columns=len(FEATURES)) is None


@pytest.mark.parametrize("child", [0, 1, 10**6])
def test_a_tree_that_leads_back_or_out_of_its_table_is_not_followed(child):
    features, labels = samples()
    tree = DecisionTreeClassifier(max_depth=3).fit(features, labels)
    tree.tree_.children_right[1] = child
    assert compiled(tree, columns=len(FEATURES)) is None


def test_the_model_that_brings_its_own_features_is_known_too():
    features, labels = samples()
    wide = np.tile(features, 3)[:, : len(CANDLE_FEATURES)]
    estimator = CandleClassifier(TREE, gap=5).fit(wide, labels)
    made = compiled(estimator, columns=wide.shape[1])
    assert [made(row).tolist() for row in wide[:50]] == estimator.predict_proba(wide[:50]).tolist()


@pytest.mark.parametrize("name", [*NAMED, "boosting calibrated by steps"])
def test_it_can_be_sent_to_another_process(name):
    there = pickle.loads(pickle.dumps(quick(name)))
    assert [there(row).tolist() for row in asked()[:20]] == [quick(name)(row).tolist() for row in asked()[:20]]


@pytest.mark.parametrize("answer", [np.nan, 1.2, -0.1])
def test_a_trained_model_refuses_what_is_no_probability_also_of_a_quick_one(answer):
    model = train(planted(1_500, seed=6), factory=lambda: DecisionTreeClassifier(max_depth=1, max_features=1))
    model.estimator.tree_.value[:] = answer
    with pytest.raises(ModelError, match=f"the model answered {answer} where a probability was expected"):
        model.predict(random_walk(WINDOW, seed=2).close)


@pytest.mark.parametrize("factory", ["tree", GaussianNB])
def test_a_trained_model_says_of_a_bar_what_scikit_learn_says_of_it(factory):
    model = train(planted(1_500, seed=6), factory=resolve(factory) if isinstance(factory, str) else factory)
    closes = random_walk(120, seed=2).close
    features = feature_matrix(closes)[WINDOW - 1 :]
    for window, row in zip(windows(closes), features, strict=True):
        said = model.predict(window)
        theirs = probabilities_bps(model.estimator, row[np.newaxis])[0].tolist()
        assert [said.down_bps, said.flat_bps, said.up_bps] == theirs
