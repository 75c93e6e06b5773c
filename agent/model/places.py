"""Where a model lies: a folder with its two files, one file with both, or an ONNX file with its manifest beside it.

Whichever it is, the two parts are the same bytes, so a model's id does not depend on how it is kept.
"""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

from agent.errors import ArtifactError
from agent.files import Unreadable, contents
from agent.model.named import ONE_FILE, ONNX
from agent.model.pickles import SUFFIXES, refuse_pickle

__all__ = ["ESTIMATORS", "MANIFEST", "Parts", "read", "require_free", "write"]

MANIFEST = "manifest.json"

ESTIMATORS = ("model.skops", "model.onnx")
"""What the estimator's file may be called; its ending tells its format."""

_LARGEST = 2**30
_OF_PRICES = (".csv", ".tsv", ".json", ".jsonl", ".parquet", ".pq", ".feather", ".xlsx", ".gz", ".zip")
_AGAIN = "Get the model again, or train it again."
_OF_TRAIN = "Name a folder or file that patternsettle train wrote."


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """The two parts of a saved model.

    Attributes
    ----------
    manifest
        The manifest's JSON.
    estimator
        The estimator's file.
    kind
        What that file is called, one of `ESTIMATORS`.
    manifest_at, estimator_at
        Where they were read from, as messages name it.
    """

    manifest: bytes
    estimator: bytes
    kind: str
    manifest_at: str = ""
    estimator_at: str = ""


def require_free(path: Path) -> None:
    """Refuse a path at which saving would touch anything but a model.

    Raises
    ------
    ArtifactError
        Where it is a folder or file that is no model.
    """
    if not path.exists():
        return
    if path.is_dir():
        free = {item.name for item in path.iterdir()} <= {*ESTIMATORS, MANIFEST} and path.suffix.lower() not in (
            ONE_FILE,
            ONNX,
        )
    elif path.suffix.lower() == ONE_FILE:
        free = path.stat().st_size == 0 or _is_one_file(path)
    else:
        # An ONNX file is only ever given its manifest; `write` makes sure of it.
        free = path.suffix.lower() == ONNX
    if not free:
        raise ArtifactError(
            f"{path} exists and is not a model's {_what(path)}, so it is left alone.",
            cure="Name another place.",
        )


def _what(path: Path) -> str:
    return "file" if path.suffix.lower() in (ONE_FILE, ONNX) else "folder"


def _is_one_file(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as archive:
            return MANIFEST in (names := archive.namelist()) and not set(ESTIMATORS).isdisjoint(names)
    except (zipfile.BadZipFile, OSError):
        return False


# ---- writing


def write(parts: Parts, path: Path) -> None:
    """Write a model, all of it or nothing: as one file where the path ends in .psm, else as a folder.

    Where it ends in .onnx, which only a model of that kind can, the manifest goes beside it.

    Raises
    ------
    ArtifactError
        Where the path holds something else, or cannot be written.
    """
    require_free(path)
    suffix = path.suffix.lower()
    try:
        if suffix == ONE_FILE:
            _write_file(path, _zipped(parts))
        elif suffix == ONNX:
            _write_beside(parts, path)
        else:
            _write_folder(parts, path)
    except OSError as error:
        raise ArtifactError(
            f"the model cannot be saved as {path}: {error.strerror or error}.",
            cure="Name a place that can be written.",
        ) from error


def _zipped(parts: Parts) -> bytes:
    """Return both parts as a zip: stored, without times, the same bytes for the same model."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, data in ((MANIFEST, parts.manifest), (parts.kind, parts.estimator)):
            member = zipfile.ZipInfo(name)
            member.create_system = 3  # else it tells on which system it was written
            archive.writestr(member, data)
    return buffer.getvalue()


def _write_beside(parts: Parts, path: Path) -> None:
    if not parts.kind.endswith(ONNX):
        raise ArtifactError(
            f"{path} would be an ONNX file, and the model is of another kind.",
            cure="Name a folder, or a file that ends in .psm; agent.model.onnx_export converts some models.",
        )
    if path.exists() and path.read_bytes() != parts.estimator and not _has_manifest(path):
        raise ArtifactError(
            f"{path} exists, is another ONNX model and has no manifest, so it is left alone.",
            cure="Name another place.",
        )
    _write_file(_beside(path), parts.manifest)
    _write_file(path, parts.estimator)


def _has_manifest(path: Path) -> bool:
    """Whether the manifest beside an ONNX file commits to it: then it was saved here, and can be made again."""
    digest, beside = hashlib.sha256(path.read_bytes()).hexdigest(), _beside(path)
    return beside.is_file() and digest.encode() in beside.read_bytes()


def _beside(path: Path) -> Path:
    """Return where the manifest of an ONNX file is."""
    return path.with_name(MANIFEST) if path.name in ESTIMATORS else path.with_suffix(".json")


def _write_file(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    written = _new(path)
    try:
        _flushed(written, data)
        written.replace(path)
    finally:
        written.unlink(missing_ok=True)


def _write_folder(parts: Parts, path: Path) -> None:
    written = _new(path)
    try:
        written.mkdir(parents=True)
        _flushed(written / parts.kind, parts.estimator)
        _flushed(written / MANIFEST, parts.manifest)
        _move(written, path)
    finally:
        shutil.rmtree(written, ignore_errors=True)


def _new(path: Path) -> Path:
    return path.with_name(f".{path.name}.{os.getpid()}.new")


def _flushed(path: Path, data: bytes) -> None:
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


# ---- reading


def read(path: Path) -> Parts:
    """Return the two parts of the model at a path, as they are.

    Raises
    ------
    ArtifactError
        Where there is none, or it is incomplete, or a pickle.
    """
    if not path.exists():
        if path.is_symlink():
            raise ArtifactError(
                f"{path} is a link to {os.readlink(path)}, which is not there.",
                cure="Mend the link, or name the model.",
            )
        raise ArtifactError(
            f"there is no model at {path}.", cure="Make one with patternsettle train, or check the path."
        )
    if path.is_dir():
        return _read_folder(path)
    refuse_pickle(path, _bytes_of(path, 8))
    suffix = path.suffix.lower()
    if suffix == ONE_FILE:
        return _read_file(path)
    if suffix == ONNX:
        return _read_beside(path)
    inside = path.name in (*ESTIMATORS, MANIFEST)
    if suffix in _OF_PRICES and not inside:
        raise ArtifactError(f"{path} is a file of prices by its name, not a model.", cure=_OF_TRAIN)
    raise ArtifactError(
        f"{path} is no model: a model is a folder with {MANIFEST} and {ESTIMATORS[0]}, or a file that ends in "
        f"{ONE_FILE} or {ONNX}.",
        cure=f"Name its folder, {path.parent}." if inside else _OF_TRAIN,
    )


def _read_folder(path: Path) -> Parts:
    names = {item.name for item in path.iterdir()}
    kinds = [kind for kind in ESTIMATORS if kind in names]
    if MANIFEST not in names or len(kinds) != 1:
        lacks = MANIFEST if MANIFEST not in names else ESTIMATORS[0]
        what = f"it has both {' and '.join(kinds)}" if len(kinds) > 1 else f"it has no {lacks}"
        for file in sorted(filter(_may_be_meant, path.iterdir())):
            refuse_pickle(file, _bytes_of(file, 8), of=f"{path} is not a model: {what}, and ")
        raise ArtifactError(f"{path} is not a model: {what}.", cure=_OF_TRAIN)
    estimator = path / kinds[0]
    refuse_pickle(estimator, _bytes_of(estimator, 8))
    return Parts(
        manifest=_bytes_of(path / MANIFEST),
        estimator=_bytes_of(estimator),
        kind=kinds[0],
        manifest_at=str(path / MANIFEST),
        estimator_at=str(estimator),
    )


def _may_be_meant(file: Path) -> bool:
    """Whether whoever named a folder without a model may have meant this file: one called so, or saved as others save."""
    return file.is_file() and (file.stem == "model" or file.suffix.lower() in SUFFIXES)


def _read_file(path: Path) -> Parts:
    try:
        with zipfile.ZipFile(path) as archive:
            members = {member.filename: member for member in archive.infolist()}
            kinds = [kind for kind in ESTIMATORS if kind in members]
            if len(archive.infolist()) != 2 or len(kinds) != 1 or MANIFEST not in members:
                raise ValueError(f"it holds {', '.join(members) or 'nothing'}")
            if (size := sum(member.file_size for member in members.values())) > _LARGEST:
                raise ValueError(f"it unpacks to {size:,} bytes")
            manifest, estimator = archive.read(MANIFEST), archive.read(kinds[0])
    # All that zipfile raises at a file that is not what it says it is; a password is a RuntimeError.
    except (zipfile.BadZipFile, zlib.error, ValueError, EOFError, NotImplementedError, RuntimeError) as error:
        raise ArtifactError(
            f"{path} is not a model saved as one file, or is damaged: {str(error).rstrip('.')}.", cure=_AGAIN
        ) from error
    except OSError as error:
        raise _unreadable(path, error) from error
    inside = f"{path}/{kinds[0]}"
    refuse_pickle(Path(inside), estimator[:8])
    return Parts(
        manifest=manifest,
        estimator=estimator,
        kind=kinds[0],
        manifest_at=f"{path}/{MANIFEST}",
        estimator_at=inside,
    )


def _read_beside(path: Path) -> Parts:
    manifest = _beside(path)
    if not manifest.is_file():
        raise ArtifactError(
            f"the ONNX model {path} has no manifest beside it: there is no {manifest}.",
            cure=f"Have it measured and its manifest written with patternsettle train --model {path} --data FILE "
            f"--out {path}.",
        )
    return Parts(
        manifest=_bytes_of(manifest),
        estimator=_bytes_of(path),
        kind=ESTIMATORS[1],
        manifest_at=str(manifest),
        estimator_at=str(path),
    )


def _bytes_of(path: Path, count: int = -1) -> bytes:
    try:
        return contents(path, most=count)
    except Unreadable as error:
        raise ArtifactError(f"{path} cannot be read: {error.problem}", cure=error.cure) from error
    except OSError as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: OSError) -> ArtifactError:
    return ArtifactError(
        f"{path} cannot be read: {error.strerror or error}.", cure="Check the file and its permissions."
    )
