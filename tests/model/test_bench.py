"""The measurements of speed run, and compare only what was seen to be the same."""

from __future__ import annotations

import importlib
import json
from types import ModuleType

import numpy as np
import pytest

from agent.model.features import FEATURES


@pytest.fixture
def bench(pytestconfig, monkeypatch):
    """Return the module of a measurement of `scripts/bench`, by name."""
    monkeypatch.syspath_prepend(pytestconfig.rootpath / "scripts" / "bench.d")

    def module(name: str) -> ModuleType:
        return importlib.import_module(name)

    return module


def test_the_features_are_timed_beside_the_same_ones_in_pandas(bench, capsys):
    assert bench("features").main(["--bars", "2000", "--rounds", "2", "--json"]) == 0
    speeds = {each["who"]: each for each in json.loads(capsys.readouterr().out)["speeds"]}
    assert list(speeds) == ["ours", "TA-Lib", "pandas"]
    for who in ("ours", "pandas"):
        assert speeds[who]["columns"] == len(FEATURES)
        assert speeds[who]["bars_per_second"] == pytest.approx(2_000 / speeds[who]["seconds"], rel=0.1)


def test_features_that_mean_something_else_are_not_timed(bench, monkeypatch, capsys):
    ours = bench("features")
    monkeypatch.setattr(
        ours, "feature_matrix", lambda closes: np.zeros((len(closes), len(FEATURES)), dtype=np.int32)
    )
    assert ours.main(["--bars", "2000"]) == 1
    assert "differ from their formulation in pandas" in capsys.readouterr().err


def test_without_talib_its_row_says_why_it_is_empty(bench, monkeypatch, capsys):
    ours = bench("features")
    monkeypatch.setattr(ours, "talib_here", lambda: None)
    assert ours.main(["--bars", "2000", "--rounds", "1"]) == 0
    assert "TA-Lib is not installed: pip install" in capsys.readouterr().out


def test_decisions_are_timed_beside_scikit_learn(bench, capsys):
    ours = bench("decision")
    assert ours.NAMES == ("logistic", "boosting", "forest", "tree")
    assert ours.main(["--models", "tree", "logistic", "--bars", "1500", "--decisions", "4", "--json"]) == 0
    models = json.loads(capsys.readouterr().out)["models"]
    assert [each["model"] for each in models] == ["tree", "logistic"]
    for each in models:
        assert each["ratio"] == pytest.approx(each["predict_proba_p50"] / each["decision_p50"], abs=0.06)


def test_decisions_that_are_not_those_of_scikit_learn_are_not_timed(bench, monkeypatch, capsys):
    ours = bench("decision")
    monkeypatch.setattr(ours, "probabilities_bps", lambda estimator, features: np.array([[1, 2, 3]]))
    assert ours.main(["--bars", "1500", "--decisions", "2"]) == 1
    assert "logistic decides otherwise than scikit-learn" in capsys.readouterr().err
