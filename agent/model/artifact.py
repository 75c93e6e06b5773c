"""The artifact: how a trained model is saved, and everything that must hold before one is loaded.

A folder with two files: ``model.skops``, the estimator in the skops format, and ``manifest.json``. The
same training gives the same bytes, whichever process and whenever. Formats that run code of the file's
choosing as they are read (pickle, joblib) are never opened.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Collection
from pathlib import Path

import sklearn

from agent.errors import ArtifactError
from agent.model.features import FEATURES, fingerprint
from agent.model.manifest import Manifest
from agent.model.patterns import PATTERNS
from agent.model.reasons import reason
from agent.model.skopsfile import from_bytes, to_bytes
from agent.model.trained import TrainedModel
from agent.nesting import loads

__all__ = ["load", "require_free", "save"]

_ESTIMATOR, _MANIFEST = "model.skops", "manifest.json"
_PICKLES = (".pkl", ".pickle", ".joblib", ".sav", ".dill")

# How files begin that are pickles, or compressed as joblib compresses them.
_MAGIC = {
    **{bytes([0x80, protocol]): "a pickle" for protocol in range(2, 6)},
    b"\x1f\x8b": "a gzip file, as joblib writes pickles",
    b"BZh": "a bzip2 file, as joblib writes pickles",
    b"\xfd7zXZ": "an xz file, as joblib writes pickles",
    b"]\x00\x00": "an lzma file, as joblib writes pickles",
    b"\x04\x22\x4d\x18": "an lz4 file, as joblib writes pickles",
    **{bytes([0x78, level]): "a zlib file, as joblib writes pickles" for level in (0x01, 0x5E, 0x9C, 0xDA)},
}


def require_free(path: Path) -> None:
    """Refuse a path at which saving would touch anything but a model.

    Raises
    ------
    ArtifactError
        Where it is a file, or a folder with anything else in it.
    """
    if path.exists() and not (path.is_dir() and {item.name for item in path.iterdir()} <= {_ESTIMATOR, _MANIFEST}):
        raise ArtifactError(
            f"{path} exists and is not a model's folder, so it is left alone.", cure="Name another folder."
        )


def save(model: TrainedModel, path: str | Path) -> Path:
    """Save a model as a folder, all of it or nothing.

    Parameters
    ----------
    model
        The model.
    path
        The folder. It may exist if it holds a model, which is replaced, or nothing.

    Returns
    -------
    Path
        The folder.

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
    written = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        written.mkdir(parents=True)
        _write(written / _ESTIMATOR, estimator)
        _write(written / _MANIFEST, (json.dumps(model.manifest.as_json(), indent=2) + "\n").encode())
        _move(written, path)
    except OSError as error:
        raise ArtifactError(
            f"the model cannot be saved as {path}: {error.strerror or error}.",
            cure="Name a folder that can be written.",
        ) from error
    finally:
        shutil.rmtree(written, ignore_errors=True)
    return path


def _write(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _move(written: Path, path: Path) -> None:
    """Put a finished folder in its place; a model that was there before goes only once the new one stands."""
    if not path.exists():
        written.rename(path)
        return
    before = written.with_suffix(".old")
    path.rename(before)
    try:
        written.rename(path)
    except OSError:
        before.rename(path)
        raise
    shutil.rmtree(before)


def load(path: str | Path, *, trusted: Collection[str] = ()) -> TrainedModel:
    """Load a model, if it is what its manifest says and this version can use it.

    Parameters
    ----------
    path
        The model's folder.
    trusted
        Full names of further types that may be created while loading, beyond those skops trusts by
        itself and `agent.model.skopsfile.REVIEWED`. Name only types of which you know where the file comes from.

    Returns
    -------
    TrainedModel

    Raises
    ------
    ArtifactError
        Where the folder is absent, incomplete, damaged, changed, of another version, or needs types that
        are not trusted; and wherever it is, or holds, a pickle or joblib file.
    """
    path = Path(path)
    _require_folder(path)
    manifest = _manifest(path / _MANIFEST)
    data = _bytes_of(path / _ESTIMATOR)
    if hashlib.sha256(data).hexdigest() != manifest.artifact_sha256:
        raise ArtifactError(
            f"{path / _ESTIMATOR} is not the file that the manifest beside it was written for: "
            "it is damaged or was changed.",
            cure="Get the model again, or train it again.",
        )
    _require_same_meaning(manifest, path)
    return TrainedModel(from_bytes(data, path / _ESTIMATOR, trusted=trusted), manifest)


def _require_folder(path: Path) -> None:
    if not path.exists():
        raise ArtifactError(
            f"there is no model at {path}.", cure="Make one with patternsettle train, or check the path."
        )
    if path.is_dir():
        for name in (_MANIFEST, _ESTIMATOR):
            if not (path / name).is_file():
                for item in sorted(path.iterdir()):
                    _refuse_pickle(item)
                raise ArtifactError(
                    f"{path} is not a model: it has no {name}.",
                    cure="Name a folder that patternsettle train wrote.",
                )
        _refuse_pickle(path / _ESTIMATOR)
        return
    _refuse_pickle(path)
    inside = path.name in (_ESTIMATOR, _MANIFEST)
    raise ArtifactError(
        f"{path} is a file, and a model is a folder with {_ESTIMATOR} and {_MANIFEST}.",
        cure=f"Name its folder, {path.parent}." if inside else "Name a folder that patternsettle train wrote.",
    )


def _refuse_pickle(path: Path) -> None:
    """Refuse a pickle by its name or its first bytes; anything else is for others to judge."""
    if not path.is_file():
        return
    start = _bytes_of(path, 8)
    what = next((kind for magic, kind in _MAGIC.items() if start.startswith(magic)), None)
    if what is None and path.suffix.lower() in _PICKLES:
        what = f"a {path.suffix.lower()} file"
    if what is not None:
        raise ArtifactError(
            f"{path} is {what}; pickle and joblib files are never loaded, because reading one runs whatever "
            "code its maker put in.",
            cure="Train with patternsettle train, which saves in the skops format.",
        )


def _bytes_of(path: Path, count: int = -1) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(count)
    except OSError as error:
        raise ArtifactError(
            f"{path} cannot be read: {error.strerror or error}.", cure="Check the file and its permissions."
        ) from error


def _manifest(path: Path) -> Manifest:
    try:
        document = loads(_bytes_of(path), parse_constant=_no_constant)
    except ValueError as error:
        raise ArtifactError(
            f"{path} is not the JSON of a manifest: {reason(error)}.",
            cure="Get the model again, or train it again.",
        ) from error
    return Manifest.from_json(document)


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is no number")


def _require_same_meaning(manifest: Manifest, path: Path) -> None:
    """Refuse a model whose inputs or library are not those of this installation."""
    again = "Train it again with this version, or use the version it was made with."
    for what, theirs, ours in (
        ("features", manifest.features, FEATURES),
        ("patterns", manifest.patterns, tuple(pattern.name for pattern in PATTERNS)),
    ):
        if theirs != ours:
            raise ArtifactError(
                f"the model {path} was trained on other {what}: {_difference(theirs, ours)}.", cure=again
            )
    if manifest.fingerprint != fingerprint():
        raise ArtifactError(
            f"the model {path} was trained on features of the same names that computed something else.",
            cure=again,
        )
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
