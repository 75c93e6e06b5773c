"""The artifact: how a trained model is saved, and everything that must hold before one is loaded.

Two files: the estimator's, in the skops or the ONNX format, and ``manifest.json``, which commits to it. They are
kept in a folder, in one file, or side by side, see `agent.model.places`. The same training gives the same
bytes, whichever process and whenever. Formats that run code of the file's choosing as they are read (pickle,
joblib) are never opened.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection
from pathlib import Path
from typing import Any

import sklearn

from agent.errors import ArtifactError, ModelError
from agent.model import places
from agent.model.estimatorfile import from_bytes, kind_of, require_answer, to_bytes
from agent.model.manifest import Manifest
from agent.model.patterns import PATTERNS
from agent.model.places import Parts, require_free
from agent.model.reading import Reading, reading_of
from agent.model.reasons import reason
from agent.model.trained import TrainedModel
from agent.nesting import loads

__all__ = ["identify", "load", "require_free", "save"]


def save(model: TrainedModel, path: str | Path) -> Path:
    """Save a model, all of it or nothing.

    Parameters
    ----------
    model
        The model.
    path
        A folder; or a file, where the name ends in ``.psm``; or, for a model of ONNX, in ``.onnx``, and then its
        manifest is put beside it. It may exist if it holds a model, which is replaced, or nothing.

    Returns
    -------
    Path
        The same path.

    Raises
    ------
    ArtifactError
        Where the path holds something else or cannot be written, or the estimator is not what was trained.
    """
    path = Path(path)
    require_free(path)
    estimator = to_bytes(model.estimator)
    if hashlib.sha256(estimator).hexdigest() != model.manifest.artifact_sha256:
        raise ArtifactError(
            f"the estimator of {model.manifest.name!r} was changed after its training.",
            cure="Train again, and save before doing anything else with it.",
        )
    manifest = (json.dumps(model.manifest.as_json(), indent=2) + "\n").encode()
    places.write(Parts(manifest=manifest, estimator=estimator, kind=kind_of(model.estimator)), path)
    return path


def load(path: str | Path, *, trusted: Collection[str] = ()) -> TrainedModel:
    """Load a model, if it is what its manifest says and this version can use it.

    Parameters
    ----------
    path
        The model's folder or file.
    trusted
        Full names of further types that may be created while loading, beyond those skops trusts by
        itself and `agent.model.skopsfile.REVIEWED`. Name only types of which you know where the file comes from.

    Returns
    -------
    TrainedModel

    Raises
    ------
    ArtifactError
        Where it is absent, incomplete, damaged, changed, of another version, or needs types that
        are not trusted; and wherever it is, or holds, a pickle or joblib file.
    """
    path = Path(path)
    manifest, parts = _whole(path)
    if parts.kind.endswith(".skops"):
        _require_same_library(manifest, path)
    estimator = from_bytes(parts.estimator, parts.kind, parts.estimator_at, trusted=trusted)
    reading = _reading_of(estimator, parts)
    _require_same_meaning(manifest, reading, path)
    require_answer(estimator, len(reading.names), parts.estimator_at)
    return TrainedModel(estimator, manifest)


def identify(path: str | Path) -> str:
    """Return the id of the model at a path, all of which is there; nothing of it is loaded.

    Raises
    ------
    ArtifactError
        Where it is absent, incomplete, damaged or changed, or is being written just now.
    """
    manifest, _ = _whole(Path(path))
    return manifest.id


def _whole(path: Path) -> tuple[Manifest, Parts]:
    """Return a model's manifest, and its two parts, of which one belongs to the other."""
    parts = places.read(path)
    manifest = _manifest(parts)
    if hashlib.sha256(parts.estimator).hexdigest() != manifest.artifact_sha256:
        raise ArtifactError(
            f"{parts.estimator_at} is not the file that the manifest beside it was written for: "
            "it is damaged or was changed.",
            cure="Get the model again, or train it again.",
        )
    return manifest, parts


def _manifest(parts: Parts) -> Manifest:
    try:
        document = loads(parts.manifest, parse_constant=_no_constant)
    except ValueError as error:
        raise ArtifactError(
            f"{parts.manifest_at} is not the JSON of a manifest: {reason(error)}.",
            cure="Get the model again, or train it again.",
        ) from error
    return Manifest.from_json(document)


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is no number")


def _reading_of(estimator: Any, parts: Parts) -> Reading:
    try:
        return reading_of(estimator)
    except ModelError as error:
        raise ArtifactError(f"{parts.estimator_at}: {error.problem}", cure=error.cure) from error


def _require_same_meaning(manifest: Manifest, reading: Reading, path: Path) -> None:
    """Refuse a model whose inputs are not those of this version, or of its own code as it is now."""
    again = "Train it again with this version, or use the version it was made with."
    for what, theirs, ours in (
        ("features", manifest.features, reading.names),
        ("patterns", manifest.patterns, tuple(pattern.name for pattern in PATTERNS)),
    ):
        if theirs != ours:
            raise ArtifactError(
                f"the model {path} was trained on other {what}: {_difference(theirs, ours)}.", cure=again
            )
    if manifest.window != reading.window:
        raise ArtifactError(
            f"the model {path} was trained on windows of {manifest.window} bars, and its code now reads {reading.window}.",
            cure=again,
        )
    if manifest.fingerprint != reading.fingerprint():
        raise ArtifactError(
            f"the model {path} was trained on features of the same names that computed something else.",
            cure=again,
        )


def _require_same_library(manifest: Manifest, path: Path) -> None:
    """Refuse a model of another scikit-learn than is installed."""
    theirs, ours = manifest.versions.scikit_learn, sklearn.__version__
    if theirs.split(".")[:2] != ours.split(".")[:2]:
        raise ArtifactError(
            f"the model {path} was made with scikit-learn {theirs}, and {ours} is installed.",
            cure=f"Install scikit-learn {'.'.join(theirs.split('.')[:2])}, or train it again.",
        )


def _difference(theirs: Collection[str], ours: Collection[str]) -> str:
    parts = [
        f"{word} {', '.join(names)}"
        for word, names in (
            ("it has also", [name for name in theirs if name not in ours]),
            ("it lacks", [name for name in ours if name not in theirs]),
        )
        if names
    ]
    return "; ".join(parts) or "the same ones in another order"
