"""A tree from a file is followed only where each way in it stays inside it, and its owner is known to keep it there."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import (
    AdaBoostClassifier,
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.tree import DecisionTreeClassifier, ExtraTreeClassifier
from sklearn.tree._tree import Tree

from agent.errors import ArtifactError
from agent.model.cautious import Cautious
from agent.model.features import FEATURES
from agent.model.skopsfile import from_bytes, to_bytes
from agent.model.threads import one_thread
from agent.model.trees import TREES, doubtful_trees, name_of

TREE, PREDICTOR = map(name_of, TREES)
FILE = Path("model.skops")
ROWS = np.random.default_rng(0).integers(-1_000, 1_000, (600, len(FEATURES)))
LABELS = np.sign(ROWS[:, 0] // 400 + ROWS[:, 1] // 600)


def fitted(estimator: Any) -> Any:
    with one_thread():
        return estimator.fit(ROWS, LABELS)


def boosting() -> Any:
    return HistGradientBoostingClassifier(max_iter=3, max_depth=3, early_stopping=False)


@pytest.mark.parametrize(
    "estimator",
    [
        DecisionTreeClassifier(),
        DecisionTreeClassifier(max_leaf_nodes=9),
        DecisionTreeClassifier(min_samples_leaf=600),
        ExtraTreeClassifier(),
        RandomForestClassifier(5),
        ExtraTreesClassifier(5),
        boosting(),
        HistGradientBoostingClassifier(max_iter=3, max_leaf_nodes=7, early_stopping=False),
        make_pipeline(StandardScaler(), RandomForestClassifier(3)),
        Cautious(DecisionTreeClassifier(max_depth=3)),
        Cautious(make_pipeline(StandardScaler(), boosting())),
        CalibratedClassifierCV(RandomForestClassifier(3)),
    ],
    ids=lambda estimator: str(estimator)[:60],
)
def test_trees_that_scikit_learn_grew_may_be_followed(estimator):
    assert doubtful_trees(fitted(estimator)) == frozenset()


@pytest.mark.parametrize(
    "estimator", [GradientBoostingClassifier(n_estimators=2), AdaBoostClassifier(n_estimators=2)], ids=str
)
def test_trees_of_an_owner_that_follows_them_in_its_own_way_may_not(estimator):
    assert doubtful_trees(fitted(estimator)) == {TREE}


def test_a_tree_is_found_wherever_it_is_held():
    tree = fitted(DecisionTreeClassifier())
    for held in ({"a": [(tree.tree_,)]}, np.array([None, tree.tree_], dtype=object), partial(len, tree.tree_)):
        assert doubtful_trees(make_pipeline(FunctionTransformer(kw_args={"x": held}), tree)) == frozenset()
        assert doubtful_trees(make_pipeline(FunctionTransformer(kw_args={"x": held}))) == {TREE}
    assert doubtful_trees(make_pipeline(FunctionTransformer(tree.tree_.apply))) == {TREE}


def members(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def zipped(content: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in content.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def with_tables(data: bytes, field: str, change: Callable[[np.ndarray], None]) -> bytes:
    """Return an estimator's file with each table that has a field changed."""
    content = members(data)
    for name in content:
        if name.endswith(".npy"):
            table = np.load(io.BytesIO(content[name]))
            if table.dtype.names and field in table.dtype.names:
                change(table)
                buffer = io.BytesIO()
                np.save(buffer, table)
                content[name] = buffer.getvalue()
    return zipped(content)


def with_schema(data: bytes, old: str, new: str) -> bytes:
    content = members(data)
    schema = content["schema.json"].decode()
    assert old in schema
    return zipped(content | {"schema.json": schema.replace(old, new).encode()})


def setter(field: str, row: int, value: Any) -> Callable[[np.ndarray], None]:
    def change(table: np.ndarray) -> None:
        table[field][row] = value

    return change


@pytest.mark.parametrize(
    ("field", "row", "value"),
    [
        ("left_child", 0, 10**9),
        ("left_child", 0, -7),
        ("right_child", 0, 0),
        ("right_child", 1, 0),
        ("feature", 0, len(FEATURES)),
        ("feature", 0, -1),
        ("feature", 0, 2**40),
    ],
)
@pytest.mark.parametrize(
    "estimator", [DecisionTreeClassifier(max_depth=3), RandomForestClassifier(3, max_depth=3)], ids=str
)
def test_a_tree_that_leads_out_of_itself_or_nowhere_is_refused(estimator, field, row, value):
    data = with_tables(to_bytes(fitted(estimator)), field, setter(field, row, value))
    with pytest.raises(ArtifactError, match=rf"not known to be safe to load: {TREE}\. If you know where"):
        from_bytes(data, FILE)


@pytest.mark.parametrize(
    ("field", "row", "value"),
    [
        ("left", 0, 2**32 - 1),
        ("right", 0, 0),
        ("right", 0, 10_000),
        ("feature_idx", 0, len(FEATURES)),
        ("feature_idx", 0, -1),
        ("is_categorical", 0, 1),
        ("value", -1, np.nan),
        ("is_leaf", -1, 0),
    ],
)
def test_a_boosting_that_leads_out_of_itself_or_nowhere_is_refused(field, row, value):
    data = with_tables(to_bytes(fitted(boosting())), field, setter(field, row, value))
    with pytest.raises(ArtifactError, match=rf"not known to be safe to load: {PREDICTOR}\. If you know where"):
        from_bytes(data, FILE)


WHOLE = '{{"__class__":"str","__module__":"builtins","__loader__":"JsonNode","content":"{}","is_json":true}}'


@pytest.mark.parametrize(("name", "less"), [("node_count", 1), ("n_features_in_", len(FEATURES) - 1)])
def test_a_number_that_its_tables_do_not_bear_out_is_refused(name, less):
    tree = fitted(DecisionTreeClassifier(max_depth=3))
    now = {"node_count": tree.tree_.node_count, "n_features_in_": tree.n_features_in_}[name]
    old, new = (f'"{name}":{WHOLE.format(value)}' for value in (now, now - less))
    with pytest.raises(ArtifactError, match=TREE):
        from_bytes(with_schema(to_bytes(tree), old, new), FILE)


def test_in_a_forest_the_columns_of_the_forest_count_for_none_of_its_trees_looks_at_them():
    forest = fitted(RandomForestClassifier(3, max_depth=3))
    forest.n_features_in_ = 2
    assert doubtful_trees(forest) == {TREE}


def test_a_tree_that_stands_in_two_places_is_refused_for_only_one_of_them_can_be_known():
    content = members(to_bytes(fitted(DecisionTreeClassifier(max_depth=2))))
    schema = json.loads(content["schema.json"])
    schema["content"]["content"]["tree_"]["__id__"] = 7
    content["schema.json"] = json.dumps(schema).encode()
    with pytest.raises(ArtifactError, match=TREE):
        from_bytes(zipped(content), FILE)
    assert isinstance(from_bytes(zipped(content), FILE, trusted=[TREE]).tree_, Tree)


def test_an_empty_tree_is_refused_before_anything_reads_what_it_has_not():
    content = members(to_bytes(fitted(DecisionTreeClassifier(max_depth=2))))
    schema = json.loads(content["schema.json"])
    tree = schema["content"]["content"]["tree_"]
    tree["content"]["content"], tree["content"]["key_types"]["content"] = {}, []
    content["schema.json"] = json.dumps(schema).encode()
    with pytest.raises(ArtifactError, match=TREE):
        from_bytes(zipped(content), FILE)
