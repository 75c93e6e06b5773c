"""Nothing is created from an estimator's file that was not reviewed, or allowed by name."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import skops.io
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from agent.errors import ArtifactError
from agent.model.artifact import load, save
from agent.model.estimators import resolve
from agent.model.features import FEATURES
from agent.model.skopsfile import REVIEWED, from_bytes, to_bytes, untrusted_types
from agent.model.train import train

TREE = "sklearn.tree._tree.Tree"
FILE = Path("model.skops")


def gradient() -> GradientBoostingClassifier:
    return GradientBoostingClassifier(n_estimators=3, max_depth=2)


@pytest.fixture(scope="module")
def gradient_bytes(planted_bars) -> bytes:
    return to_bytes(train(planted_bars, factory=gradient).estimator)


def test_the_default_model_needs_nothing_but_what_was_reviewed(trained):
    needed = skops.io.get_untrusted_types(data=to_bytes(trained.estimator))
    assert set(needed) <= set(REVIEWED)
    assert untrusted_types(trained.estimator) == ()


def test_a_calibrated_classifier_needs_nothing_but_what_was_reviewed(planted_bars, tmp_path):
    def calibrated() -> CalibratedClassifierCV:
        return CalibratedClassifierCV(make_pipeline(StandardScaler(), LogisticRegression(C=0.01)), ensemble=False)

    model = train(planted_bars, factory=calibrated)
    assert load(save(model, tmp_path / "model")).predict_series(planted_bars.close).up_bps.any()


@pytest.mark.parametrize("name", ["logistic", "boosting", "forest", "tree"])
def test_a_model_with_a_name_needs_no_trust(trained_as, planted_bars, tmp_path, name):
    model = trained_as(name)
    assert untrusted_types(model.estimator) == ()
    again = load(save(model, tmp_path / "model"))
    one, other = (each.predict_series(planted_bars.close) for each in (model, again))
    assert one.up_bps.tolist() == other.up_bps.tolist()


def test_no_name_vouches_for_a_tree():
    assert not any("tree" in name.lower() for name in REVIEWED)


def test_a_type_that_was_not_reviewed_is_refused_with_how_to_allow_it(gradient_bytes):
    with pytest.raises(ArtifactError, match=rf"not known to be safe to load: {TREE}\..* --trust {TREE}\."):
        from_bytes(gradient_bytes, FILE)


def test_a_type_that_was_allowed_by_name_is_loaded(gradient_bytes):
    assert isinstance(from_bytes(gradient_bytes, FILE, trusted=[TREE]), GradientBoostingClassifier)


def test_allowing_one_type_allows_no_other(gradient_bytes):
    with pytest.raises(ArtifactError, match=TREE):
        from_bytes(gradient_bytes, FILE, trusted=["sklearn.tree._tree.Treee", "numpy.ndarray"])


def test_what_would_be_needed_is_told_before_anybody_loads_it(gradient_bytes):
    assert untrusted_types(from_bytes(gradient_bytes, FILE, trusted=[TREE])) == (TREE,)


def test_a_function_named_in_a_file_is_not_called(planted_bars):
    pipeline = make_pipeline(FunctionTransformer(__import__("os").getcwd), DummyClassifier())
    with pytest.raises(ArtifactError, match=r"not known to be safe to load: posix\.getcwd"):
        from_bytes(skops.io.dumps(pipeline), FILE)


MODULE = """
from sklearn.dummy import DummyClassifier

class Mine(DummyClassifier):
    pass
"""


def test_a_type_of_ones_own_is_found_in_the_current_directory_once_allowed(planted_bars, tmp_path, monkeypatch):
    (tmp_path / "my_types.py").write_text(MODULE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.setattr(sys, "path", list(sys.path))
    saved = save(train(planted_bars, factory=resolve("my_types:Mine")), tmp_path / "model")
    monkeypatch.delitem(sys.modules, "my_types")
    with pytest.raises(ArtifactError, match=r"--trust my_types\.Mine"):
        load(saved)
    assert "my_types" not in sys.modules
    assert type(load(saved, trusted=["my_types.Mine"]).estimator).__name__ == "Mine"
    monkeypatch.delitem(sys.modules, "my_types")
    (tmp_path / "my_types.py").unlink()
    with pytest.raises(ArtifactError, match=r"needs what is not installed: No module named 'my_types'"):
        load(saved, trusted=["my_types.Mine"])


class Holds(ClassifierMixin, BaseEstimator):
    """A classifier that holds whatever it is given."""

    def __init__(self, thing):
        self.thing = thing


def test_the_same_content_gives_the_same_bytes_whatever_order_and_identity_it_has_in_memory():
    words = ["".join(pair) for pair in zip("abcdefgh", "hgfedcba", strict=True)]
    backwards = words[::-1]
    array = np.arange(5)
    shared = Holds([set(words), array, array, b"bytes", 1.5, 1.5])
    apart = Holds([set(backwards), array.copy(), array.copy(), bytes([98, 121, 116, 101, 115]), 1.5, 3.0 / 2])
    assert to_bytes(shared) == to_bytes(apart)
    assert to_bytes(shared) != to_bytes(Holds([set(words), array, array + 1, b"bytes", 1.5, 1.5]))


def test_what_skops_cannot_save_is_refused():
    with pytest.raises(
        ArtifactError,
        match=r"the classifier Holds cannot be saved with its thing .*: .* no locks, loggers, lambdas",
    ):
        to_bytes(Holds(number for number in range(3)))


def test_a_forest_that_was_loaded_is_saved_as_the_same_bytes(tmp_path):
    rows = np.random.default_rng(0).integers(-1_000, 1_000, (300, len(FEATURES)))
    labels = np.sign(rows[:, 0] // 400)
    forest = RandomForestClassifier(n_estimators=5, random_state=0).fit(rows, labels)
    written = to_bytes(forest)
    again = from_bytes(written, tmp_path)
    assert to_bytes(again) == written
