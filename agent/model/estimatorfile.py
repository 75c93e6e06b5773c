"""The estimator's file, whichever of the two formats it has: skops for what scikit-learn fitted, ONNX for a graph."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from agent.model import onnxfile, skopsfile
from agent.model.onnxfile import OnnxClassifier
from agent.model.places import ESTIMATORS
from agent.model.skopsfile import require_answer

__all__ = ["from_bytes", "kind_of", "require_answer", "to_bytes", "untrusted_types"]

_SKOPS, _ONNX = ESTIMATORS


def kind_of(estimator: Any) -> str:
    """Return what an estimator's file is called."""
    return _ONNX if isinstance(estimator, OnnxClassifier) else _SKOPS


def to_bytes(estimator: Any) -> bytes:
    """Return the content of an estimator's file, the same bytes for the same estimator.

    Raises
    ------
    ArtifactError
        Where something in it cannot be saved.
    """
    return estimator.content if isinstance(estimator, OnnxClassifier) else skopsfile.to_bytes(estimator)


def from_bytes(data: bytes, kind: str, place: str, *, trusted: Collection[str] = ()) -> Any:
    """Return the fitted classifier in an estimator's file.

    Parameters
    ----------
    data
        Its content.
    kind
        What it is called, see `agent.model.places.ESTIMATORS`.
    place
        Where it was read from, for messages.
    trusted
        As for `agent.model.artifact.load`.

    Raises
    ------
    ArtifactError
        Where it is damaged, needs types that are not trusted, or holds anything but a classifier.
    """
    if kind == _ONNX:
        return onnxfile.from_bytes(data, place)
    return skopsfile.from_bytes(data, place, trusted=trusted)


def untrusted_types(estimator: Any) -> tuple[str, ...]:
    """Return the types that loading this estimator would need in `trusted`, sorted."""
    return () if isinstance(estimator, OnnxClassifier) else skopsfile.untrusted_types(estimator)
