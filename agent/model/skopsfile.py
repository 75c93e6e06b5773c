"""The estimator's file: a fitted classifier as bytes, the same for the same classifier, and back with nothing run unasked.

The skops format: a zip of arrays and a JSON schema that names the type of every object. A type is only
created if skops trusts it, it is on `REVIEWED`, it is a tree that `agent.model.trees` has looked through, or
whoever loads the file allows it by name.
"""

from __future__ import annotations

import hashlib
import io
import json
import warnings
import zipfile
import zlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import skops.io
from sklearn.base import BaseEstimator, is_classifier
from sklearn.exceptions import InconsistentVersionWarning

from agent.errors import ArtifactError, ModelError
from agent.model.classes import outcomes_of
from agent.model.estimators import search_here
from agent.model.reasons import Attempt, reason
from agent.model.skopssize import bounded_schema
from agent.model.trained import probabilities_bps
from agent.model.trees import TREES, doubtful_trees, name_of
from agent.nesting import bounded_recursion

__all__ = ["REVIEWED", "from_bytes", "not_saved", "opened", "require_answer", "to_bytes", "untrusted_types"]

REVIEWED: tuple[str, ...] = (
    # Ours; two integers, a classifier with two numbers and an array, one with its labels.
    "agent.model.splits.PurgedKFold",
    "agent.model.cautious.Cautious",
    "agent.model.encoded.LabelEncoded",
    "agent.model.candles.CandleClassifier",
    # The parts of CalibratedClassifierCV: plain Python objects whose state is estimators, arrays and numbers,
    # and whose methods run nothing named in that state.
    "sklearn.calibration._CalibratedClassifier",
    "sklearn.calibration._SigmoidCalibration",
    "sklearn.calibration._TemperatureScaling",
)
"""Types loaded beyond those skops trusts by itself, each after reading its source.

Not on it, and not to be: the nodes of decision trees (``sklearn.tree._tree.Tree`` and
``..._hist_gradient_boosting.predictor.TreePredictor``), which scikit-learn follows without checking
bounds, so that a crafted file reads memory it should not. Their names vouch for nothing; each tree is
looked through before it is followed, see `agent.model.trees`.
"""

_DEEPEST_BLAME = 6  # attributes inside each other, of which a message still names the last

_TREES = frozenset(name_of(kind) for kind in TREES)

# Everything skops, numpy and zipfile raise at a file that is not what it says it is.
_UNREADABLE = (
    ArithmeticError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    NotImplementedError,
    OSError,
    RecursionError,
    TypeError,
    ValueError,
    zipfile.BadZipFile,
    zlib.error,
)


def to_bytes(estimator: Any) -> bytes:
    """Return an estimator in the skops format, the same bytes for the same estimator.

    skops names members by memory address or at random and stamps them with the time. Here each is
    named by its content, addresses are left out, sets are sorted, and the time is that of no time at all.

    Raises
    ------
    ArtifactError
        Where skops cannot save something in it.
    """
    with Attempt() as attempt, bounded_recursion():
        written = skops.io.dumps(estimator)
    if attempt.error is not None:
        raise not_saved(estimator, attempt.error) from attempt.error
    with zipfile.ZipFile(io.BytesIO(written)) as archive:
        members = {name: _without_padding(name, archive.read(name)) for name in archive.namelist()}
    schema = json.loads(members.pop("schema.json"))
    named = {old: hashlib.sha256(data).hexdigest() + Path(old).suffix for old, data in members.items()}
    content = {named[old]: data for old, data in members.items()}
    content["schema.json"] = json.dumps(_canonical(schema, named), separators=(",", ":")).encode()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(content):
            archive.writestr(zipfile.ZipInfo(name), content[name])
    return buffer.getvalue()


def not_saved(estimator: Any, error: BaseException) -> ArtifactError:
    """Return the error that tells why an estimator cannot be kept in a file, and which part of it is to blame."""
    said = (
        "something in it holds itself, or is nested too deeply"
        if isinstance(error, RecursionError)
        else reason(error)
    )
    return ArtifactError(
        f"the classifier {type(estimator).__name__} cannot be saved{_blamed(estimator)}: {said}.",
        cure="Keep numbers, arrays, texts and estimators in it: no locks, loggers, lambdas, open files, generators, or "
        "classes that no module holds.",
    )


def _blamed(estimator: Any) -> str:
    """Return which attribute of an estimator cannot be saved and loaded alone, as `` with its steps.lock_``, or ""."""
    path: list[str] = []
    seen: set[int] = set()
    while id(estimator) not in seen and len(path) < _DEEPEST_BLAME:
        seen.add(id(estimator))
        for name, value in _parts(estimator):
            with Attempt() as attempt, bounded_recursion():
                data = skops.io.dumps(value)
                skops.io.loads(data, trusted=skops.io.get_untrusted_types(data=data))
            if attempt.error is not None:
                path.append(name)
                estimator = value
                break
        else:
            break
    return f" with its {'.'.join(path)} ({type(estimator).__name__})" if path else ""


def _parts(value: Any) -> Iterable[tuple[str, Any]]:
    match value:
        case dict():
            return ((str(key), each) for key, each in value.items())
        case list() | tuple():
            return ((str(place), each) for place, each in enumerate(value))
    attributes: dict[str, Any] = vars(value) if isinstance(value, BaseEstimator) else {}
    return attributes.items()


def _without_padding(name: str, data: bytes) -> bytes:
    """Return a member with zeros where a record's fields leave bytes unused: they hold whatever lay in memory before."""
    if not name.endswith(".npy"):
        return data
    records = np.load(io.BytesIO(data), allow_pickle=False)
    if records.dtype.names is None:
        return data
    clean = np.zeros(records.shape, dtype=records.dtype)
    for field in records.dtype.names:
        clean[field] = records[field]
    buffer = io.BytesIO()
    np.save(buffer, clean, allow_pickle=False)
    return buffer.getvalue()


def _canonical(node: Any, named: Mapping[str, str]) -> Any:
    """Return a part of the skops schema without what differs from process to process."""
    if isinstance(node, list):
        return [_canonical(item, named) for item in node]
    if not isinstance(node, dict):
        return node
    result = {key: _canonical(value, named) for key, value in node.items() if key != "__id__"}
    if "__loader__" in result and result.get("file") in named:
        result["file"] = named[result["file"]]
    if result.get("__loader__") == "SetNode":
        result["content"].sort(key=json.dumps)
    return result


def from_bytes(data: bytes, path: Path | str, *, trusted: Collection[str] = ()) -> Any:
    """Return the fitted classifier in the bytes of an estimator's file.

    Parameters
    ----------
    data
        The file's content.
    path
        Where it was read from, for messages.
    trusted
        Full names of further types to create, see `agent.model.artifact.load`.

    Raises
    ------
    ArtifactError
        Where it is damaged, needs types that are not trusted, or holds anything but a classifier.
    """
    estimator = opened(data, path, trusted=trusted)
    with _as_damaged(path):
        _require_classifier(estimator)
    return estimator


def opened(data: bytes, path: Path | str, *, trusted: Collection[str] = ()) -> Any:
    """Return whatever the bytes of an estimator's file hold, made of trusted types alone.

    Parameters
    ----------
    data, path, trusted
        As for `from_bytes`.

    Raises
    ------
    ArtifactError
        Where it is damaged, or needs types that are not trusted.
    """
    with _as_damaged(path):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            schema = bounded_schema(archive)
        needed = set(skops.io.get_untrusted_types(data=data)) - set(REVIEWED) - set(trusted)
    # A tree is sound for the one who owns it. Files written here share nothing; in one that does, others may own it too.
    trees = frozenset() if _shares(schema) else _TREES & needed
    _require_none(needed - trees, path)
    if trusted:
        search_here()
    with _as_damaged(path), warnings.catch_warnings():
        # The manifest's version was compared already, and a patch release apart is no other model.
        warnings.simplefilter("ignore", InconsistentVersionWarning)
        estimator = skops.io.loads(data, trusted=[*REVIEWED, *trees, *trusted])
    _require_none(doubtful_trees(estimator) & trees, path)
    return estimator


def _shares(node: Any) -> bool:
    """Whether a part of a skops schema lets an object stand in several places."""
    if isinstance(node, dict):
        return "__id__" in node or any(_shares(value) for value in node.values())
    return isinstance(node, list) and any(_shares(item) for item in node)


def _require_none(needed: Collection[str], path: Path | str) -> None:
    if needed:
        names = sorted(needed)
        raise ArtifactError(
            f"{path} holds types that are not known to be safe to load: {', '.join(names)}.",
            cure="If you know where the file comes from, allow them: "
            + " ".join(f"--trust {name}" for name in names)
            + ".",
        )


def _require_classifier(estimator: Any) -> None:
    if not is_classifier(estimator):
        raise ValueError(f"it holds a {type(estimator).__name__}, not a classifier")
    outcomes_of(estimator)


def require_answer(estimator: Any, columns: int, path: Path | str) -> None:
    """Refuse an estimator that does not answer a row of so many features with probabilities.

    Raises
    ------
    ArtifactError
        Where it does not.
    """
    with _as_damaged(path):
        probabilities_bps(estimator, np.zeros((1, columns), dtype=np.int32))


@contextmanager
def _as_damaged(path: Path | str) -> Iterator[None]:
    try:
        yield
    except ImportError as error:
        raise ArtifactError(
            f"{path} needs what is not installed: {reason(error)}.",
            cure="Install it, or run where it can be imported.",
        ) from error
    except ModelError as error:
        raise ArtifactError(f"{path} does not answer as a model: {error.problem}", cure=error.cure) from error
    except _UNREADABLE as error:
        raise ArtifactError(
            f"{path} is not a model in the skops format: {reason(error)}.",
            cure="Get the model again, or train it again.",
        ) from error


def untrusted_types(estimator: Any) -> tuple[str, ...]:
    """Return the types that loading this estimator would need in `trusted`, sorted."""
    needed = set(skops.io.get_untrusted_types(data=to_bytes(estimator)))
    return tuple(sorted(needed - set(REVIEWED) - (_TREES - doubtful_trees(estimator))))
