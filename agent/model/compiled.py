"""One row: what a fitted classifier of scikit-learn computes for it, without all that is done around it for many.

A single row costs scikit-learn about as much as a thousand: it validates, copies, asks for threads and calls into
each tree in turn. Here the same numbers are taken from the fitted estimator once, and the same operations done on
them in the same order, so that the probabilities are equal to the last bit. Of kinds that are not known here
nothing is assumed: whoever asks goes to scikit-learn itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import ExtraTreesClassifier, HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression, LogisticRegressionCV
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier, ExtraTreeClassifier

from agent.market.bars import Floats
from agent.model.candles import CandleClassifier
from agent.model.cautious import Cautious
from agent.model.framed import framed
from agent.model.rules import Believed, Calibrated, Mean, Row, Rule, Scaled, Softmax, added
from agent.model.threads import one_thread

__all__ = ["Compiled", "compiled"]

_PROBES = 12


@dataclass(frozen=True, slots=True, eq=False)
class Compiled:
    """A fitted classifier, for one row at a time.

    Attributes
    ----------
    classes
        Its classes, in the order of its answers.
    rule
        Returns the probabilities of a row of floats.
    """

    classes: tuple[int, ...]
    rule: Rule

    def __call__(self, row: Row) -> Floats:
        """Return the probabilities of the classes for the features of one bar, shape (n_features,)."""
        return self.rule(row.astype(np.float64))


def compiled(estimator: Any, *, columns: int) -> Compiled | None:
    """Return a fitted classifier made quick for one row, or None where it is of a kind not known here.

    Before it is given away, it has to answer some rows as the classifier itself does, to the last bit.

    Parameters
    ----------
    estimator
        Fitted classifier.
    columns
        Number of features it will be asked with.
    """
    try:
        rule = _rule(estimator, columns)
    except _Unknown:
        return None
    made = Compiled(tuple(int(label) for label in estimator.classes_), rule)
    with one_thread():
        return made if all(_same(made, estimator, row) for row in _probes(columns)) else None


def _probes(columns: int) -> Row:
    """Return rows of features, from small to as large as they come."""
    rng = np.random.default_rng(columns)
    sizes = np.logspace(0, 7, _PROBES)[:, np.newaxis]
    return (rng.uniform(-1, 1, (_PROBES, columns)) * sizes).astype(np.int32)


def _same(made: Compiled, estimator: Any, row: Row) -> bool:
    return (
        made(row).tobytes() == np.asarray(estimator.predict_proba(framed(estimator, row[np.newaxis])))[0].tobytes()
    )


class _Unknown(Exception):
    """An estimator, or something in it, of which it is not known here what it computes."""


def _rule(estimator: Any, columns: int) -> Rule:
    """Return what gives a classifier's probabilities."""
    kind = type(estimator)
    if kind is Pipeline:
        return _after_steps(estimator, columns, _rule)
    if kind in _SCORED:
        return Softmax(_scores(estimator, columns))
    if kind not in _ANSWERED:
        raise _Unknown
    return _ANSWERED[kind](estimator, columns)


def _scores(estimator: Any, columns: int) -> Rule:
    """Return what gives a classifier's scores, where it has a `decision_function`, and its probabilities where not."""
    kind = type(estimator)
    if kind is Pipeline:
        return _after_steps(estimator, columns, _scores)
    return _SCORED[kind](estimator, columns) if kind in _SCORED else _rule(estimator, columns)


# ---- before the classifier


def _after_steps(estimator: Pipeline, columns: int, last: Callable[[Any, int], Rule]) -> Rule:
    *before, (_, classifier) = estimator.steps
    rule = last(classifier, columns)
    for _, step in reversed(before):
        if step is None or step == "passthrough":
            continue
        if type(step) is not StandardScaler or step.n_features_in_ != columns:
            raise _Unknown
        rule = Scaled(step.mean_ if step.with_mean else None, step.scale_ if step.with_std else None, rule)
    return rule


# ---- linear


@dataclass(frozen=True, slots=True, eq=False)
class _Linear:
    """A weighted sum of the features for each class."""

    weights: Floats
    intercepts: Floats

    def __call__(self, row: Row) -> Floats:
        # Of the shapes that scikit-learn multiplies, so that the terms are added up in the same order.
        return (row[np.newaxis] @ self.weights)[0] + self.intercepts


def _linear(estimator: Any, columns: int) -> Rule:
    if estimator.coef_.shape != (len(estimator.classes_), columns):
        raise _Unknown  # with two classes there is one row, and another formula
    return _Linear(estimator.coef_.T, estimator.intercept_)


# ---- trees


@dataclass(frozen=True, slots=True, eq=False)
class _Trees:
    """Trees that are all followed at once, a level at a time.

    Each node has two places in the tables, the first of which is its own name: what lies one place further
    is where it leads to the right. A leaf leads to itself.

    Attributes
    ----------
    roots
        Where each tree begins.
    depth
        Levels below the roots.
    feature, threshold
        What a node asks: whether this feature is above that threshold.
    onwards
        Where it leads, left and right.
    values
        What stands at each node.
    """

    roots: NDArray[np.intp]
    depth: int
    feature: NDArray[np.intp]
    threshold: Floats
    onwards: NDArray[np.intp]
    values: Floats

    def __call__(self, row: Row) -> Floats:
        """Return the value of the leaf that each tree comes to, in the order of the trees."""
        places = self.roots
        for _ in range(self.depth):
            above = row.take(self.feature.take(places)) > self.threshold.take(places)
            places = self.onwards.take(places + above)
        return self.values.take(places >> 1, axis=0)


@dataclass(frozen=True, slots=True, eq=False)
class _Table:
    """One tree as arrays over its nodes; a leaf has itself for both children, whatever its feature and threshold."""

    left: NDArray[Any]
    right: NDArray[Any]
    feature: NDArray[Any]
    threshold: NDArray[Any]
    leaf: NDArray[np.bool_]
    values: NDArray[Any]


def _together(tables: Sequence[_Table], columns: int) -> _Trees:
    sizes = [len(table.leaf) for table in tables]
    starts = np.concatenate(([0], np.cumsum(sizes)[:-1])).astype(np.intp)
    feature, threshold, onwards, depth = [], [], [], 0
    for start, table in zip(starts, tables, strict=True):
        own = np.arange(len(table.leaf))
        children = [np.where(table.leaf, own, child).astype(np.intp) for child in (table.left, table.right)]
        asked = np.where(table.leaf, 0, table.feature)
        inside = all(((child >= 0) & (child < len(own))).all() for child in children)
        if not (inside and ((asked >= 0) & (asked < columns)).all()):
            raise _Unknown
        depth = max(depth, _depth(children, table.leaf))
        feature.append(asked)
        threshold.append(np.where(table.leaf, np.inf, table.threshold))
        onwards.append(2 * (np.stack(children, axis=1).ravel() + start))
    return _Trees(
        roots=2 * starts,
        depth=depth,
        feature=np.repeat(np.concatenate(feature), 2).astype(np.intp),
        threshold=np.repeat(np.concatenate(threshold), 2),
        onwards=np.concatenate(onwards),
        values=np.concatenate([table.values for table in tables]),
    )


def _depth(children: Sequence[NDArray[np.intp]], leaf: NDArray[np.bool_]) -> int:
    """Return how many questions a tree asks at most."""
    level = np.array([0])
    for depth in range(len(leaf)):
        level = level[~leaf[level]]
        if not len(level):
            return depth
        level = np.unique(np.concatenate([child[level] for child in children]))
    raise _Unknown  # it leads back to where it came from


def _table(estimator: Any, columns: int) -> _Table:
    tree = estimator.tree_
    if estimator.n_outputs_ != 1 or estimator.n_features_in_ != columns:
        raise _Unknown
    return _Table(
        left=tree.children_left,
        right=tree.children_right,
        feature=tree.feature,
        threshold=tree.threshold,
        leaf=tree.children_left == -1,
        values=tree.value[:, 0, :],
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Vote:
    """The mean of what the trees of a forest say; of a single tree, what it says."""

    trees: _Trees

    def __call__(self, row: Row) -> Floats:
        said = self.trees(row.astype(np.float32))
        return added(said) / len(said)


def _tree(estimator: Any, columns: int) -> Rule:
    return _Vote(_together([_table(estimator, columns)], columns))


def _forest(estimator: Any, columns: int) -> Rule:
    if estimator.n_jobs not in (None, 1):
        raise _Unknown  # several threads add up in an order of chance
    if not all(type(each) in (DecisionTreeClassifier, ExtraTreeClassifier) for each in estimator.estimators_):
        raise _Unknown
    return _Vote(_together([_table(each, columns) for each in estimator.estimators_], columns))


@dataclass(frozen=True, slots=True, eq=False)
class _Boosted:
    """What the trees of a gradient boosting add up to, for each class, on top of where it began."""

    trees: _Trees
    baseline: Floats

    def __call__(self, row: Row) -> Floats:
        rounds = self.trees(row).reshape(-1, self.baseline.shape[1])
        return added(np.concatenate((self.baseline, rounds)))


def _boosted(estimator: Any, columns: int) -> Rule:
    if (
        estimator.n_features_in_ != columns
        or estimator.n_trees_per_iteration_ != len(estimator.classes_)
        or estimator.is_categorical_ is not None
    ):
        raise _Unknown
    # Of each round the trees of all classes, in their order.
    nodes = [each.nodes for predictors in estimator._predictors for each in predictors]
    tables = [
        _Table(
            left=each["left"].astype(np.int64),
            right=each["right"].astype(np.int64),
            feature=each["feature_idx"],
            threshold=each["num_threshold"],
            leaf=each["is_leaf"] == 1,
            values=each["value"],
        )
        for each in nodes
    ]
    return _Boosted(_together(tables, columns), estimator._baseline_prediction)


# ---- around a classifier


def _cautious(estimator: Any, columns: int) -> Rule:
    inside, share = estimator.estimator_, estimator.share_
    return Believed(share, (1 - share) * estimator.base_rates_, _rule(inside, columns))


def _calibrated(estimator: Any, columns: int) -> Rule:
    members = estimator.calibrated_classifiers_
    for each in members:
        known = each.method in ("sigmoid", "isotonic") and len(estimator.classes_) > 2
        if not (known and np.array_equal(each.estimator.classes_, estimator.classes_)):
            raise _Unknown
    return Mean([Calibrated(_scores(each.estimator, columns), each.calibrators) for each in members])


_Maker = Callable[[Any, int], Rule]

_SCORED: dict[type, _Maker] = {
    LogisticRegression: _linear,
    LogisticRegressionCV: _linear,
    HistGradientBoostingClassifier: _boosted,
}
"""Kinds whose probabilities are the softmax of their scores."""

_ANSWERED: dict[type, _Maker] = {
    DecisionTreeClassifier: _tree,
    ExtraTreeClassifier: _tree,
    RandomForestClassifier: _forest,
    ExtraTreesClassifier: _forest,
    Cautious: _cautious,
    CandleClassifier: _cautious,
    CalibratedClassifierCV: _calibrated,
}
"""Kinds that come to their probabilities in another way."""
