"""A model of scikit-learn becomes one of ONNX, and decides the same."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.naive_bayes import GaussianNB

from agent.errors import ModelError
from agent.market.synthetic import planted
from agent.model.artifact import load, save
from agent.model.closes import LIMIT
from agent.model.features import FEATURES
from agent.model.onnx_export import exported
from agent.model.signal import Predictions
from agent.model.threads import one_thread
from agent.model.train import train
from agent.model.trained import TrainedModel

pytest.importorskip("onnxruntime", reason="the extra 'onnx' is not installed")
pytest.importorskip("skl2onnx", reason="skl2onnx, which converts models, is not installed")

NAMES = ("logistic", "tree", "boosting", "forest")


@pytest.fixture(scope="module", params=NAMES)
def both(request, trained_as) -> tuple[TrainedModel, TrainedModel]:
    """A model, and the same in ONNX."""
    model = trained_as(request.param)
    return model, exported(model)


def decisions(said: Predictions, threshold_bps: int) -> np.ndarray:
    return np.where(said.confidence_bps >= threshold_bps, said.direction, 0)


def test_every_probability_is_the_same_to_a_basis_point_and_every_decision_the_same(both):
    model, onnx = both
    closes = planted(3_000, seed=8).close
    one, other = model.predict_series(closes), onnx.predict_series(closes)
    for name in ("down_bps", "flat_bps", "up_bps"):
        assert np.abs(getattr(one, name) - getattr(other, name)).max() <= 1
    taken = decisions(one, model.threshold_bps)
    assert taken.tolist() == decisions(other, onnx.threshold_bps).tolist()
    assert np.count_nonzero(taken) > 20


def test_that_holds_on_real_prices_too(both, real_bars):
    closes = real_bars.close[-3_000:]
    one, other = (decisions(each.predict_series(closes), each.threshold_bps) for each in both)
    assert one.tolist() == other.tolist()


def test_features_of_any_size_are_told_apart_as_before(both):
    model, onnx = both
    rows = np.random.default_rng(0).integers(-LIMIT, LIMIT + 1, (400, len(FEATURES)))
    with one_thread():
        said, again = (each.estimator.predict_proba(rows) for each in (model, onnx))
    assert said == pytest.approx(again, abs=1e-5)


def test_it_is_another_model_to_a_contract_and_says_what_the_first_one_said_of_itself(both, tmp_path):
    model, onnx = both
    assert onnx.id != model.id
    assert onnx.manifest.classifier == "agent.model.onnxfile.OnnxClassifier"
    assert (onnx.manifest.metrics, onnx.manifest.barriers, onnx.threshold_bps, onnx.manifest.data_sha256) == (
        model.manifest.metrics,
        model.manifest.barriers,
        model.threshold_bps,
        model.manifest.data_sha256,
    )
    assert load(save(onnx, tmp_path / "net.onnx")).id == onnx.id


def test_the_same_model_becomes_the_same_file(both):
    model, onnx = both
    assert exported(model).id == onnx.id


def test_what_cannot_be_converted_is_refused(planted_bars):
    with pytest.raises(ModelError, match=r"DummyClassifier cannot be converted to ONNX: .* Keep it in the skops"):
        exported(train(planted_bars, factory=DummyClassifier))


def test_what_answers_otherwise_once_it_is_converted_is_refused(planted_bars):
    # It squares the distances from means of some 1e6, which 32 bits do not hold.
    model = train(planted_bars, factory=GaussianNB)
    with pytest.raises(
        ModelError, match=r"answers otherwise as ONNX, by up to .* Its numbers do not survive 32 bits"
    ):
        exported(model)


def test_without_skl2onnx_says_what_to_install(trained, monkeypatch):
    monkeypatch.setitem(sys.modules, "skl2onnx", None)
    with pytest.raises(ModelError, match=r"skl2onnx, which is not installed\. Run: pip install skl2onnx"):
        exported(trained)
