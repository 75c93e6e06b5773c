"""From scikit-learn to ONNX: a trained model converted with skl2onnx, compared with what it was, and its manifest renewed.

skl2onnx knows the classifiers and transformers of scikit-learn. What it does not know is taught to it here: to
believe a classifier as far as `agent.model.cautious.Cautious` does.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.pipeline import Pipeline

from agent.errors import ModelError
from agent.market.synthetic import random_walk
from agent.model.cautious import Cautious
from agent.model.closes import WINDOW
from agent.model.features import FEATURES, feature_matrix
from agent.model.onnxfile import from_bytes
from agent.model.reasons import reason
from agent.model.threads import one_thread
from agent.model.trained import TrainedModel

__all__ = ["exported"]

_COMPARED = 500
_APART = 1e-5  # a tenth of a basis point


def exported(model: TrainedModel) -> TrainedModel:
    """Return the same model as one of ONNX, to be saved with `agent.model.artifact.save`.

    It has an id of its own: to a contract it is another model. Its threshold, barriers and metrics stay what they
    were, for its probabilities do: they are 32-bit numbers, and agree with the original's to a tenth of a basis
    point on a series kept for that, or this raises.

    Parameters
    ----------
    model
        A model of these features whose estimator skl2onnx can convert, alone or inside a `Cautious`.

    Raises
    ------
    ModelError
        Where skl2onnx or onnxruntime is not installed, the estimator cannot be converted, or answers
        otherwise once it is.

    Examples
    --------
    >>> from agent.model.artifact import load, save
    >>> save(exported(load("mine")), "mine.onnx")  # doctest: +SKIP
    """
    content = _converted(model.estimator)
    manifest = replace(
        model.manifest,
        classifier="agent.model.onnxfile.OnnxClassifier",
        artifact_sha256=hashlib.sha256(content).hexdigest(),
    )
    made = TrainedModel(from_bytes(content, f"{model.manifest.name} in ONNX"), manifest)
    rows = feature_matrix(random_walk(_COMPARED + WINDOW, seed=1).close)[WINDOW - 1 :]
    with one_thread():
        said = model.estimator.predict_proba(rows)
    apart = float(np.abs(said - made.estimator.predict_proba(rows)).max())
    if not apart <= _APART:
        raise ModelError(
            f"the model {model.manifest.name!r} answers otherwise as ONNX, by up to {apart:.3g}.",
            cure="Its numbers do not survive 32 bits: scale its inputs, or keep it in the skops format.",
        )
    return made


def _converted(estimator: Any) -> bytes:
    try:
        from onnx.helper import set_model_props
        from skl2onnx import convert_sklearn
        from skl2onnx.common.data_types import FloatTensorType
        from skl2onnx.common.exceptions import MissingConverter, MissingShapeCalculator
        from skl2onnx.common.shape_calculator import calculate_linear_classifier_output_shapes
    except ImportError as error:
        raise ModelError(
            "a model is converted to ONNX by skl2onnx, which is not installed.", cure="Run: pip install skl2onnx."
        ) from error
    try:
        made = convert_sklearn(
            estimator,
            name="patternsettle",  # else it is named at random
            initial_types=[("features", FloatTensorType([None, len(FEATURES)]))],
            options=None if isinstance(_last(estimator), Cautious) else {"zipmap": False},
            custom_conversion_functions={Cautious: _cautious, HistGradientBoostingClassifier: _boosting},
            custom_shape_calculators={
                Cautious: _shapes,
                HistGradientBoostingClassifier: calculate_linear_classifier_output_shapes,
            },
        )
    except (MissingConverter, MissingShapeCalculator, NotImplementedError, RuntimeError, ValueError) as error:
        raise ModelError(
            f"the classifier {type(estimator).__name__} cannot be converted to ONNX: {reason(error)[:300]}.",
            cure="Keep it in the skops format.",
        ) from error
    classes = ",".join(str(int(label)) for label in estimator.classes_)
    set_model_props(made, {"features": ",".join(FEATURES), "classes": classes})
    return made.SerializeToString(deterministic=True)


def _last(estimator: Any) -> Any:
    return _last(estimator[-1]) if isinstance(estimator, Pipeline) else estimator


def _shapes(operator: Any) -> None:
    """State what `_cautious` writes: a label, and a probability for each class, of each row."""
    from skl2onnx.common.data_types import FloatTensorType, Int64TensorType

    rows = operator.inputs[0].get_first_dimension()
    operator.outputs[0].type = Int64TensorType([rows])
    operator.outputs[1].type = FloatTensorType([rows, len(operator.raw_operator.classes_)])


def _cautious(scope: Any, operator: Any, container: Any) -> None:
    """Write ``share * p + (1 - share) * base``, and the label of the likeliest class of that."""
    from skl2onnx.algebra.onnx_operator import OnnxSubEstimator
    from skl2onnx.algebra.onnx_ops import OnnxAdd, OnnxArgMax, OnnxArrayFeatureExtractor, OnnxMul, OnnxReshape

    cautious, version = operator.raw_operator, container.target_opset
    inner = OnnxSubEstimator(
        cautious.estimator_, operator.inputs[0], op_version=version, options={"zipmap": False}
    )
    share = np.array([cautious.share_], dtype=np.float32)
    rest = ((1 - cautious.share_) * cautious.base_rates_).astype(np.float32)
    probabilities = OnnxAdd(
        OnnxMul(inner[1], share, op_version=version),
        rest,
        op_version=version,
        output_names=operator.outputs[1:2],
    )
    likeliest = OnnxArgMax(probabilities, axis=1, keepdims=0, op_version=version)
    labels = OnnxArrayFeatureExtractor(cautious.classes_.astype(np.int64), likeliest, op_version=version)
    label = OnnxReshape(
        labels, np.array([-1], dtype=np.int64), op_version=version, output_names=operator.outputs[:1]
    )
    for each in (label, probabilities):
        each.add_to(scope, container)


def _boosting(scope: Any, operator: Any, container: Any) -> None:
    """Write a histogram gradient boosting as skl2onnx does, with numbers where it has truth values that no file takes."""
    from skl2onnx.operator_converters.random_forest import convert_sklearn_random_forest_classifier

    convert_sklearn_random_forest_classifier(scope, operator, _WithNumbers(container))


class _WithNumbers:
    """A container of nodes whose truth values become 0 and 1: newer versions of protobuf refuse them."""

    def __init__(self, container: Any) -> None:
        self._container = container

    def __getattr__(self, name: str) -> Any:
        return getattr(self._container, name)

    def add_node(self, *arguments: Any, **attributes: Any) -> None:
        plain = {
            name: [int(each) for each in value]
            if isinstance(value, list) and any(isinstance(each, bool) for each in value)
            else value
            for name, value in attributes.items()
        }
        self._container.add_node(*arguments, **plain)
