"""The manifest: everything about a model that is not its numbers, and the id that commits to both."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime, timedelta
from types import UnionType
from typing import Any, get_args, get_type_hints

from agent.errors import ArtifactError, ModelError
from agent.model.closes import WINDOW
from agent.model.evaluation import Metrics
from agent.model.labels import Barriers

__all__ = ["FORMAT", "Manifest", "Versions"]

FORMAT = 1
"""Version of the artifact's layout; a change that old code would misread raises it."""

_HASH = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Versions:
    """Versions of what a model was made with."""

    scikit_learn: str
    skops: str
    numpy: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What a model is, what it was trained on, and what it may be used for.

    Attributes
    ----------
    format
        `FORMAT` of the artifact.
    name
        As its maker calls it.
    classifier
        Type of the estimator.
    features
        Names of its inputs, in order.
    patterns
        Names of the patterns, by bit.
    fingerprint
        Hash of what the features compute, see `agent.model.reading.Reading.fingerprint`.
    window
        How many bars the features of one bar need, itself included. It stands in the JSON only where it is not
        `agent.model.closes.WINDOW`, so that the ids of models that read as many are what they always were.
    barriers
        Barriers of its labels, so of the trades it may open.
    threshold_bps
        Least confidence of a signal.
    seed
        Seed of the training.
    source, market
        Where the bars came from.
    synthetic
        Whether they were generated.
    interval
        Seconds of a bar.
    bars
        Number of bars trained on.
    first, last
        Start of the first and of the last bar trained on, UTC.
    trained_until
        When the last of them closed, UTC: the model may know everything up to this moment.
    data_sha256
        Hash of the bars trained on.
    versions
        What it was made with.
    metrics
        What it was worth on bars it had not seen.
    artifact_sha256
        Hash of the saved estimator.
    """

    format: int
    name: str
    classifier: str
    features: tuple[str, ...]
    patterns: tuple[str, ...]
    fingerprint: str
    barriers: Barriers
    threshold_bps: int
    seed: int
    source: str
    market: str
    synthetic: bool
    interval: int
    bars: int
    first: datetime
    last: datetime
    trained_until: datetime
    data_sha256: str
    versions: Versions
    metrics: Metrics
    artifact_sha256: str
    window: int = WINDOW

    @property
    def id(self) -> str:
        """SHA-256 of the canonical manifest, ``0x`` and 64 hex digits; it commits to the estimator too."""
        canonical = json.dumps(self.as_json(), sort_keys=True, separators=(",", ":"), allow_nan=False)
        return "0x" + hashlib.sha256(canonical.encode()).hexdigest()

    def as_json(self) -> dict[str, Any]:
        """Return the manifest as JSON values; times are ISO 8601 in UTC."""
        usual = {"window"} if self.window == WINDOW else set()
        return {name: _plain(value) for name, value in asdict(self).items() if name not in usual}

    @classmethod
    def from_json(cls, document: object) -> Manifest:
        """Return the manifest that JSON values describe.

        Raises
        ------
        ArtifactError
            Where a field is missing, unknown, or not what it should be.
        """
        if isinstance(document, Mapping) and document.get("format", FORMAT) != FORMAT:
            raise ArtifactError(
                f"the model's format is {document['format']!r}, and this version reads format {FORMAT}.",
                cure="Train it again with this version, or use the version it was made with.",
            )
        if isinstance(document, Mapping) and "window" not in document:
            document = {**document, "window": WINDOW}
        manifest = _read(cls, document, "")
        for name in ("fingerprint", "data_sha256", "artifact_sha256"):
            if not _HASH.fullmatch(getattr(manifest, name)):
                raise _damaged(f"its {name} is not a SHA-256 in hex")
        if manifest.window < 1:
            raise _damaged(f"its window is {manifest.window}, not a number of bars")
        if not 0 <= manifest.threshold_bps <= 10_000:
            raise _damaged(f"its threshold_bps is {manifest.threshold_bps}, not a share of 10,000")
        if (manifest.trained_until - manifest.last) // timedelta(seconds=1) != manifest.interval:
            raise _damaged("its trained_until is not when its last bar closed")
        return manifest


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return list(value) if isinstance(value, tuple) else value


def _damaged(what: str) -> ArtifactError:
    return ArtifactError(f"the manifest is damaged: {what}.", cure="Get the model again, or train it again.")


def _read(kind: type, document: object, place: str) -> Any:
    """Return a dataclass from a JSON object, each field checked against its type."""
    if not isinstance(document, Mapping):
        raise _damaged(f"{place or 'it'} is not a JSON object")
    names = {field.name for field in fields(kind)}
    for name in sorted(names ^ document.keys()):
        raise _damaged(f"the field {place + name!r} is {'missing' if name in names else 'unknown'}")
    hints = get_type_hints(kind)
    values = {name: _value(hints[name], document[name], place + name) for name in sorted(names)}
    try:
        return kind(**values)
    except ModelError as error:
        raise _damaged(error.problem.rstrip(".")) from error


def _value(kind: Any, value: object, place: str) -> Any:
    if isinstance(kind, UnionType):
        return None if value is None else _value(get_args(kind)[0], value, place)
    if kind is datetime:
        return _time(value, place)
    if kind == tuple[str, ...]:
        if not (isinstance(value, list) and all(isinstance(item, str) for item in value)):
            raise _damaged(f"the field {place!r} is not a list of names")
        return tuple(value)
    if kind in (int, str, bool):
        if type(value) is not kind:
            raise _damaged(f"the field {place!r} is {value!r}, not of type {kind.__name__}")
        return value
    if kind is float:
        if type(value) not in (int, float):
            raise _damaged(f"the field {place!r} is {value!r}, not a number")
        return value
    return _read(kind, value, place + ".")


def _time(value: object, place: str) -> datetime:
    try:
        return datetime.strptime(str(value), "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except ValueError as error:
        raise _damaged(f"the field {place!r} is {value!r}, not a time like 2024-01-31T12:00:00Z") from error
