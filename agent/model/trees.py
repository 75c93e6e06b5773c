"""Trees from a file: whether following them stays inside them, which scikit-learn does not look at as it follows.

A decision tree is a table of nodes that name each other by number, and each a column of the input. scikit-learn
(1.9) follows those numbers in C without checking bounds, so that a crafted table reads memory it should not, or
never comes to a leaf. Making the tables is harmless: ``Tree.__setstate__`` copies arrays whose type and shape it
has checked, and a ``TreePredictor`` holds one as it is. So a tree is made first and followed only once this
module has seen that each node leads onwards in its table, to columns that whoever owns it makes sure are there.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from types import FunctionType, ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import ExtraTreesClassifier, HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.ensemble._hist_gradient_boosting.common import PREDICTOR_RECORD_DTYPE
from sklearn.ensemble._hist_gradient_boosting.predictor import TreePredictor
from sklearn.pipeline import Pipeline
from sklearn.tree import DecisionTreeClassifier, ExtraTreeClassifier
from sklearn.tree._tree import Tree

from agent.model.candles import CandleClassifier
from agent.model.cautious import Cautious
from agent.model.encoded import LabelEncoded

__all__ = ["TREES", "doubtful_trees", "name_of"]

TREES: tuple[type, ...] = (Tree, TreePredictor)
"""The types of trees that are looked through here."""

_OWN_ONE = (DecisionTreeClassifier, ExtraTreeClassifier)
_OWN_MANY = (RandomForestClassifier, ExtraTreesClassifier)
# Those that ask what they hold through its public methods, which check the number of columns themselves.
_PASS_ON = {
    Pipeline: ("steps",),
    Cautious: ("estimator_",),
    CandleClassifier: ("estimator_",),
    LabelEncoded: ("estimator_",),
    CalibratedClassifierCV: ("calibrated_classifiers_",),
}
_LEAF = -1
# No file makes any of these, and from them one gets to all there is in the process.
_CODE = (type, ModuleType, FunctionType)


def name_of(kind: type) -> str:
    """Return the full name of a type, as skops calls it."""
    return f"{kind.__module__}.{kind.__qualname__}"


def doubtful_trees(estimator: Any) -> frozenset[str]:
    """Return the full names of the types of trees in an estimator that may not be followed; empty where all may.

    Parameters
    ----------
    estimator
        As it was loaded, not yet asked anything. Trees may be anywhere in it; they are sound where a
        decision tree, a forest of them or a histogram gradient boosting owns them, alone or in a pipeline
        or calibration, and their tables hold together. Of any other owner it is not known how it follows them.
    """
    sound = {id(each) for each in _sound(estimator)}
    return frozenset(name_of(type(each)) for each in _all(estimator) if id(each) not in sound)


def _all(root: Any) -> Iterator[Any]:
    """Yield every tree that can be reached from an object, whatever holds it."""
    seen: set[int] = set()
    waiting = [root]
    while waiting:
        each = waiting.pop()
        if id(each) in seen or isinstance(each, _CODE):
            continue
        seen.add(id(each))
        if isinstance(each, TREES):
            yield each
        # An array of objects is the one container that does not tell what it refers to.
        waiting += each.ravel().tolist() if isinstance(each, np.ndarray) and each.dtype.hasobject else ()
        waiting += gc.get_referents(each)


def _sound(owner: Any) -> Iterator[Any]:
    """Yield the trees that are owned by a kind of estimator known here, and hold together."""
    kind, own = type(owner), getattr(owner, "__dict__", {})
    if kind in _OWN_ONE:
        yield from _sound_one(owner, _whole(own.get("n_features_in_")))
    elif kind in _OWN_MANY:
        # Only the forest looks at the number of columns; its trees then take what comes.
        columns = _whole(own.get("n_features_in_"))
        for each in _listed(own.get("estimators_")):
            if type(each) in _OWN_ONE:
                yield from _sound_one(each, columns)
    elif kind is HistGradientBoostingClassifier:
        columns = min(_whole(own.get("n_features_in_")), _whole(own.get("_n_features")))
        for row in _listed(own.get("_predictors")):
            yield from (each for each in _listed(row) if type(each) is TreePredictor and _leads_on(each, columns))
    elif kind in (list, tuple):
        for each in owner:
            yield from _sound(each)
    elif kind in _PASS_ON:
        for name in _PASS_ON[kind]:
            yield from _sound(own.get(name))
    elif name_of(kind) == "sklearn.calibration._CalibratedClassifier":
        yield from _sound(own.get("estimator"))


def _sound_one(owner: Any, columns: int) -> Iterator[Tree]:
    tree = vars(owner).get("tree_")
    if type(tree) is Tree and _table_holds(tree, columns):
        yield tree


def _listed(value: Any) -> list[Any]:
    return value if type(value) is list else []


def _whole(value: Any) -> int:
    return value if type(value) is int else 0


def _table_holds(tree: Tree, columns: int) -> bool:
    # The count first: a wrong one makes the very views of the table reach beyond it.
    if not (0 < tree.node_count == tree.capacity and tree.n_outputs == 1):
        return False
    leaf = tree.children_left == _LEAF
    onwards = _onwards(tree.children_left[~leaf], tree.children_right[~leaf], ~leaf)
    named = tree.feature[~leaf]
    return bool(onwards and ((named >= 0) & (named < columns)).all() and np.isfinite(tree.value).all())


def _leads_on(tree: TreePredictor, columns: int) -> bool:
    nodes = vars(tree).get("nodes")
    if not (
        type(nodes) is np.ndarray and nodes.dtype == PREDICTOR_RECORD_DTYPE and nodes.ndim == 1 and len(nodes)
    ):
        return False
    inner = nodes["is_leaf"] == 0
    onwards = _onwards(nodes["left"][inner].astype(np.int64), nodes["right"][inner].astype(np.int64), inner)
    named = nodes["feature_idx"][inner]
    # Categories are looked up in yet another table; no feature here is one.
    plain = not nodes["is_categorical"].any() and np.isfinite(nodes["value"]).all()
    return bool(onwards and plain and ((named >= 0) & (named < columns)).all())


def _onwards(left: NDArray[Any], right: NDArray[Any], inner: NDArray[np.bool_]) -> bool:
    """Whether both children of each inner node come after it, inside the table: then every way ends in a leaf."""
    own, count = np.flatnonzero(inner), len(inner)
    return bool(((left > own) & (left < count) & (right > own) & (right < count)).all())
