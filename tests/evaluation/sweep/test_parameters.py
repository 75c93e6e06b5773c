"""Parameters are found by the end of their name, set on every model made, and never guessed."""

from __future__ import annotations

import pytest
from sklearn.tree import DecisionTreeClassifier

from agent.errors import ModelError
from agent.evaluation.sweep.parameters import configured, full_name
from agent.model.estimators import made_by, resolve, with_gap


@pytest.mark.parametrize(
    ("model", "asked", "meant"),
    [
        ("tree", "max_depth", "estimator__max_depth"),
        ("tree", "estimator__max_depth", "estimator__max_depth"),
        ("tree", "folds", "folds"),
        ("logistic", "Cs", "logisticregressioncv__Cs"),
        ("boosting", "learning_rate", "estimator__learning_rate"),
        ("sklearn.naive_bayes:GaussianNB", "var_smoothing", "var_smoothing"),
    ],
)
def test_the_end_of_a_name_is_enough(model, asked, meant):
    assert full_name(model, asked) == meant


def test_a_parameter_that_is_not_there_is_refused_with_those_that_are():
    with pytest.raises(ModelError, match="the model tree has no parameter 'max_dept'") as refused:
        full_name("tree", "max_dept")
    assert "Did you mean 'max_depth'?" in refused.value.cure
    assert " min_samples_leaf," in refused.value.cure
    assert "random_state" not in refused.value.cure


def test_a_name_that_means_two_is_refused_with_both(tmp_path, monkeypatch):
    (tmp_path / "scaled_twice.py").write_text(
        "from sklearn.naive_bayes import GaussianNB\n"
        "from sklearn.pipeline import make_pipeline\n"
        "from sklearn.preprocessing import MaxAbsScaler, StandardScaler\n\n\n"
        "def make():\n"
        "    return make_pipeline(StandardScaler(), MaxAbsScaler(), GaussianNB())\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(
        ModelError, match="2 parameters called 'copy': maxabsscaler__copy, standardscaler__copy"
    ) as refused:
        full_name("scaled_twice:make", "copy")
    assert refused.value.cure == "Give the full name of one."
    assert full_name("scaled_twice:make", "maxabsscaler__copy") == "maxabsscaler__copy"


def test_a_name_that_is_whole_means_no_other():
    assert full_name("logistic", "verbose") == "verbose"


@pytest.mark.parametrize("asked", ["random_state", "estimator__random_state"])
def test_the_seed_is_not_swept(asked):
    with pytest.raises(ModelError, match="Give one with --seed"):
        full_name("tree", asked)


def test_a_model_that_is_not_there_is_refused():
    with pytest.raises(ModelError, match="there is no model called 'tre'"):
        full_name("tre", "max_depth")


def test_every_model_made_has_the_parameters_and_the_gap_and_seed_it_had():
    factory = configured(resolve("tree"), {"estimator__max_depth": 7})
    made = made_by(with_gap(factory, 55), seed=9)
    assert (made.estimator.max_depth, made.gap, made.estimator.random_state) == (7, 55, 9)
    assert made_by(resolve("tree"), seed=9).estimator.max_depth == 4


def test_without_parameters_the_factory_is_the_one_it_was():
    assert configured(DecisionTreeClassifier, {}) is DecisionTreeClassifier


def test_a_parameter_that_cannot_be_set_is_told_by_its_name():
    with pytest.raises(ModelError, match="the parameters nothing__depth could not be set"):
        made_by(configured(DecisionTreeClassifier, {"nothing__depth": 3}), seed=0)
