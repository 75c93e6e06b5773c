"""What a model answers: probabilities, always the same ones, alone as in a batch, saved as unsaved, and on bad days too."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agent.errors import ModelError
from agent.market.bars import Bars, Floats
from agent.model.alone import ROUNDING, apart, asked_again
from agent.model.artifact import load, save
from agent.model.classes import outcomes_of, require_meant
from agent.model.conformity.probes import accompanied, extreme, flat, gapped
from agent.model.conformity.result import Finding
from agent.model.conformity.subject import Subject, rows, values
from agent.model.estimatorfile import to_bytes, untrusted_types
from agent.model.haste import in_time
from agent.model.patterns import PATTERNS
from agent.model.signal import Predictions
from agent.model.skopsfile import opened
from agent.model.trained import TrainedModel
from agent.model.warmup import fault_of_window

__all__ = [
    "alike_alone_and_together",
    "named",
    "probable",
    "same_after_saving",
    "same_twice",
    "unshaken_by",
]

_WHOLE = 1e-6


def probable(subject: Subject) -> Finding:
    """Whether it answers probabilities, in the order of its classes."""
    try:
        (outcomes_of if subject.trained is not None or subject.refused else require_meant)(subject.estimator)
    except ModelError as error:
        return Finding(False, error.problem)
    classes = subject.classes
    asked, asking = subject.asking()
    said = subject.answer(asking)
    if fault := _fault(said, len(asked), len(classes)):
        return Finding(False, fault)
    order, evidence = _order(subject, asking, said)
    return Finding(order, f"{len(asked)} bars, classes {', '.join(map(str, classes))}, sums of 1; {evidence}.")


def _fault(said: NDArray[Any], count: int, classes: int) -> str:
    """Return in what way answers are no probabilities, or ""."""
    if said.shape != (count, classes):
        return f"it answered with shape {said.shape} for {count} bars and {classes} classes."
    if said.dtype.kind not in "fiu":
        return f"it answered with {said.dtype}, not with numbers."
    wrong = ~((said >= 0) & (said <= 1 + _WHOLE))  # of a nan too
    if wrong.any():
        return f"it answered {said[wrong][0]} where a probability was expected."
    sums = said.sum(axis=1)
    furthest = int(np.abs(sums - 1).argmax())
    if abs(sums[furthest] - 1) > _WHOLE:
        return f"the probabilities of a bar add up to {sums[furthest]:.6g}, not to 1."
    return ""


def _order(subject: Subject, asking: Any, said: Floats) -> tuple[bool, str]:
    """Return whether the columns stand for the classes in their order, as far as `predict` lets one tell."""
    if not hasattr(subject.estimator, "predict"):
        return True, "it has no predict to tell the order of its columns by"
    predicted = np.asarray(subject.estimator.predict(asking))
    likeliest = said.argmax(axis=1)
    agreeing = {
        order: float(np.mean(np.asarray(order)[likeliest] == predicted)) for order in permutations(subject.classes)
    }
    given = agreeing[subject.classes]
    best = max(agreeing, key=lambda order: agreeing[order])
    if given < agreeing[best]:
        return False, (
            f"predict agrees with the likeliest class at {given:.0%} of them in this order, "
            f"but at {agreeing[best]:.0%} in the order {', '.join(map(str, best))}"
        )
    return True, f"predict agrees with the likeliest class at {given:.0%} of them"


def same_twice(subject: Subject) -> Finding:
    """Whether the second answer is the first one, with other questions in between."""
    first, second = subject.features(subject.bars), subject.features(subject.bars)
    changed = ~_same(values(first), values(second)).all(axis=0)
    if changed.any():
        names = ", ".join(repr(subject.names[column]) for column in np.flatnonzero(changed)[:5])
        return Finding(False, f"the features {names} of the same bars differ from call to call.")
    _, asking = subject.asking()
    before = subject.answer(asking)
    subject.answer(asking[:1])
    subject.answer(asking[::-1])
    after = subject.answer(asking)
    if not _same(before, after).all():
        return Finding(
            False,
            f"of {len(before)} answers {int((before != after).any(axis=1).sum())} differ when asked for again, "
            f"by up to {_most(before, after):.3g}; several threads that add up in any order do that too (n_jobs=1).",
        )
    return Finding(
        True, f"{before.size:,} probabilities and {values(first).size:,} features, equal to the last bit."
    )


def _same(a: NDArray[Any], b: NDArray[Any]) -> NDArray[np.bool_]:
    return (a == b) | ((a != a) & (b != b))


def _most(a: Floats, b: Floats) -> float:
    return float(np.abs(a - b).max(initial=0))


def same_after_saving(subject: Subject) -> Finding:
    """Whether it answers the same once it has been saved and loaded."""
    _, asking = subject.asking()
    needed = untrusted_types(subject.estimator)
    estimator, what = _through_a_file(subject, needed)
    before, after = subject.answer(asking), np.asarray(estimator.predict_proba(asking))
    if before.shape != after.shape or before.tobytes() != after.tobytes():
        return Finding(False, f"{what} answers otherwise, by up to {_most(before, after):.3g}.")
    trust = f"; loading it takes {' '.join(f'--trust {name}' for name in needed)}" if needed else ""
    return Finding(True, f"{what} gives the same {before.size:,} probabilities, equal to the last bit{trust}.")


def _through_a_file(subject: Subject, needed: tuple[str, ...]) -> tuple[Any, str]:
    model = subject.trained
    if model is None:
        data = to_bytes(subject.estimator)
        return opened(data, Path("its copy"), trusted=needed), f"the copy in {len(data):,} bytes"
    with tempfile.TemporaryDirectory() as folder:
        loaded = load(save(model, Path(folder) / "model"), trusted=(*subject.trusted, *needed))
    return loaded.estimator, f"the copy with the id {loaded.id[:12]}..."


def alike_alone_and_together(subject: Subject) -> Finding:
    """Whether a row has the same answer alone as among others."""
    asked, asking = subject.asking()
    together = subject.answer(asking)
    chosen = asked_again(len(asked), seed=subject.seed)
    alone = np.array([subject.answer(rows(asking, [place]))[0] for place in in_time(chosen)])
    chosen = chosen[: len(alone)]
    distance = apart(alone, together[chosen])
    if not (distance <= ROUNDING).all():
        furthest = int(distance.argmax())
        return Finding(
            False,
            f"bar {asked[chosen[furthest]]} has {_list(alone[furthest])} when asked about alone, and "
            f"{_list(together[chosen[furthest]])} among {len(asked)}; {int((~(distance <= ROUNDING)).sum())} of "
            f"{len(chosen)} rows differ: its answers depend on the other rows.",
        )
    return _by_window(subject) or Finding(
        True, f"{len(chosen)} rows of {len(asked)}, at most {distance.max():.1g} apart."
    )


def _by_window(subject: Subject) -> Finding | None:
    """Return what is wrong with a trained model asked for single decisions, as the agent asks it, or None."""
    model, bars = subject.trained, subject.bars
    if model is None:
        return None
    if fault := fault_of_window(model.reading, bars, model.reading.matrix(bars), seed=subject.seed):
        return Finding(False, f"{fault.problem} {fault.cure}")
    series = model.predict_series(bars)
    for place in in_time(asked_again(len(bars) - model.window + 1, seed=subject.seed)):
        one, bar = model.predict(bars[place : place + model.window]), place + model.window - 1
        together = tuple(
            int(column[bar]) for column in (series.patterns, series.down_bps, series.flat_bps, series.up_bps)
        )
        if (one.patterns, one.down_bps, one.flat_bps, one.up_bps) != together:
            return Finding(False, f"bar {bar} alone is decided as {one}, and as {together} in its series.")
    return None


def _list(numbers: Floats) -> str:
    return "(" + ", ".join(f"{number:.6g}" for number in numbers) + ")"


def unshaken_by(make: Callable[..., Bars]) -> Callable[[Subject], Finding]:
    """Return the check whether it takes such bars: answers probabilities, or abstains."""

    def check(subject: Subject) -> Finding:
        bars = accompanied(make(subject.interval, extra=subject.extra), subject.bars, seed=subject.seed)
        features = subject.features(bars)
        asked = subject.asked(features)
        if len(asked) and (
            fault := _fault(subject.answer(rows(features, asked)), len(asked), len(subject.classes))
        ):
            return Finding(False, fault)
        if subject.trained is None:
            return Finding(
                True, f"{len(bars)} bars: not asked at {len(bars) - len(asked)}, probabilities at the rest."
            )
        decided, signals = _decided(subject.trained, bars, subject.seed)
        if make is flat and signals:
            return Finding(False, f"it would trade at {signals} of {decided} bars on which nothing happens.")
        return Finding(True, f"{decided} bars: holds at {decided - signals}, signals at {signals}.")

    return check


def _decided(model: TrainedModel, bars: Bars, seed: int) -> tuple[int, int]:
    """Return on how many bars a model was asked to decide, and at how many it would trade.

    One that reads whole bars is asked as the desk asks it, from one window at a time: on such days sums over a whole
    series may lose more digits than they may on others.
    """
    if not model.reads_bars:
        said = model.predict_series(bars)
    else:
        starts = asked_again(len(bars) - model.window + 1, seed=seed).tolist()
        each = [model.predict(bars[start : start + model.window]) for start in starts]
        told = np.array([(one.patterns, one.down_bps, one.flat_bps, one.up_bps) for one in each], dtype=np.int64)
        said = Predictions(told[:, 0].astype(np.uint32), *told[:, 1:].T)
    confident = said.confidence_bps >= model.threshold_bps
    return len(said.patterns), int(((said.patterns != 0) & (said.direction != 0) & confident).sum())


def named(subject: Subject) -> Finding:
    """Whether the features it is given are those it was made for."""
    if subject.refused:
        return Finding(False, f"it has no manifest, for training it was refused: {subject.refused}.")
    names, inside = subject.names, subject.estimator
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        return Finding(False, f"several features are called {', '.join(repeated)}.")
    made = subject.features(subject.bars)
    if hasattr(made, "columns") and tuple(made.columns) != names:
        return Finding(False, f"the columns of its features are {', '.join(map(str, made.columns))}.")
    expected = getattr(inside, "n_features_in_", len(names))
    if expected != len(names):
        return Finding(False, f"it was fitted on {expected} features, and is given {len(names)}.")
    for then, now in zip(getattr(inside, "feature_names_in_", names), names, strict=True):
        if then != now:
            return Finding(False, f"it was fitted on {then!r} where {now!r} stands now.")
    if subject.trained is None:
        return Finding(True, f"{len(names)} features, {_some(names)}.")
    return _as_in_manifest(subject)


def _as_in_manifest(subject: Subject) -> Finding:
    assert subject.trained is not None
    manifest = subject.trained.manifest
    for what, theirs, ours in (
        ("features", manifest.features, subject.trained.reading.names),
        ("patterns", manifest.patterns, tuple(pattern.name for pattern in PATTERNS)),
        ("fingerprint of the features", manifest.fingerprint, subject.trained.reading.fingerprint()),
        ("classifier", manifest.artifact_sha256, hashlib.sha256(to_bytes(subject.estimator)).hexdigest()),
    ):
        if theirs != ours:
            return Finding(False, f"its manifest was written for other {what}.")
    return Finding(
        True,
        f"{len(manifest.features)} features, {_some(manifest.features)}; {len(manifest.patterns)} patterns; "
        f"fingerprint {manifest.fingerprint[:12]}...; classifier {manifest.artifact_sha256[:12]}...",
    )


def _some(names: tuple[str, ...]) -> str:
    return ", ".join(names) if len(names) <= 4 else f"{names[0]} to {names[-1]}"


HARD_DAYS = (("a flat price", flat), ("a gap", gapped), ("an extreme move", extreme))
"""Bars no model is fond of."""
