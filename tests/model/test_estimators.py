"""One's own classifier is named, made and checked, and what is wrong with it is said at once."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn.base import clone, is_classifier
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from agent.errors import ModelError
from agent.model.estimators import default_classifier, made_by, resolve

MODULE = """
from sklearn.ensemble import RandomForestClassifier

def make():
    return RandomForestClassifier(n_estimators=3)

class Makers:
    make = staticmethod(make)

ready = make()
number = 5
"""


@pytest.fixture
def my_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A module of one's own in the current directory."""
    file = tmp_path / "my_models.py"
    file.write_text(MODULE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.delitem(sys.modules, "my_models", raising=False)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    return file


class TestNamingOne:
    def test_a_function_in_the_current_directory_is_found(self, my_models):
        assert isinstance(resolve("my_models:make")(), RandomForestClassifier)

    def test_a_class_of_scikit_learn_is_a_factory_too(self):
        assert resolve("sklearn.linear_model:LogisticRegression") is LogisticRegression

    def test_a_name_may_lie_inside_another(self, my_models):
        assert isinstance(resolve("my_models:Makers.make")(), RandomForestClassifier)

    @pytest.mark.parametrize("spec", ["my_models", "my_models:", ":make", ""])
    def test_a_name_of_another_form_is_refused_with_the_right_one(self, spec):
        with pytest.raises(ModelError, match=r"not of the form module:factory\. Write, for example"):
            resolve(spec)

    def test_a_missing_module_is_named(self, my_models):
        with pytest.raises(ModelError, match=r"there is no module 'my_modls'\. Check the spelling"):
            resolve("my_modls:make")

    def test_a_missing_part_of_a_package_is_named(self):
        with pytest.raises(ModelError, match=r"there is no module 'sklearn\.forests'"):
            resolve("sklearn.forests:Forest")

    def test_a_missing_name_is_refused_with_the_one_that_was_meant(self, my_models):
        with pytest.raises(ModelError, match=r"my_models has no 'mke'\. Did you mean 'make'\?"):
            resolve("my_models:mke")
        with pytest.raises(ModelError, match=r"has no 'xyzzy'\. Check the spelling"):
            resolve("my_models:xyzzy")

    def test_a_module_that_needs_another_says_which(self, my_models):
        my_models.write_text("import a_library_nobody_has\n")
        with pytest.raises(ModelError, match=r"my_models needs the module 'a_library_nobody_has'"):
            resolve("my_models:make")

    @pytest.mark.parametrize("content", ["def make(:\n", "from sklearn import nothing_of_the_kind\n"])
    def test_a_module_that_cannot_be_imported_says_why(self, my_models, content):
        my_models.write_text(content)
        with pytest.raises(ModelError, match=r"importing my_models failed: .+\. Mend that module"):
            resolve("my_models:make")

    @pytest.mark.parametrize(("name", "kind"), [("ready", "RandomForestClassifier"), ("number", "int")])
    def test_what_cannot_be_called_is_no_factory(self, my_models, name, kind):
        with pytest.raises(ModelError, match=f"is a {kind}, not a factory"):
            resolve(f"my_models:{name}")


class TestMakingOne:
    def test_every_random_state_it_has_is_set_to_the_seed(self):
        made = made_by(lambda: make_pipeline(StandardScaler(), RandomForestClassifier()), seed=42)
        assert made.get_params()["randomforestclassifier__random_state"] == 42

    def test_each_call_makes_a_new_one(self):
        assert made_by(default_classifier, seed=0) is not made_by(default_classifier, seed=0)

    @pytest.mark.parametrize(
        ("factory", "said"),
        [
            (LinearRegression, "made a LinearRegression, which is not a scikit-learn classifier"),
            (lambda: LogisticRegression, "made LogisticRegression, which is not a scikit-learn classifier"),
            (lambda: None, "made a NoneType, which is not a scikit-learn classifier"),
            (LinearSVC, "the classifier LinearSVC of LinearSVC has no predict_proba, so no confidence"),
            (lambda depth: None, "It is called without arguments"),
        ],
    )
    def test_what_is_no_classifier_with_probabilities_is_refused(self, factory, said):
        with pytest.raises(ModelError, match=re.escape(said)):
            made_by(factory, seed=0)


class TestTheDefault:
    def test_is_a_classifier_scikit_learn_can_clone(self):
        assert is_classifier(clone(default_classifier(gap=7)))
        assert default_classifier(gap=7)[-1].cv.gap == 7

    def test_tells_an_outcome_too_rare_for_every_fold(self):
        rng = np.random.default_rng(0)
        features = rng.integers(-1_000, 1_000, (400, 5))
        labels = rng.choice([-1, 1], 400)
        labels[7] = 0
        fitted = default_classifier().fit(features, labels)
        assert fitted.classes_.tolist() == [-1, 0, 1]
        assert fitted.predict_proba(features)[:, 1].max() < 0.05
