"""No look-ahead: what is said of the bars known so far is the same whatever comes, or nothing does.

Two ways to ask. Cut a series short: its first n bars must be described as they are in the whole of it. And
let something else come after them. Leaks that one cannot see the other does: a position counted from the
series' end does not change with prices, and the highest price of all does not change with each cut.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline

from agent.market.bars import Bars, Floats
from agent.model.conformity.probes import FUTURES, cuts, with_future
from agent.model.conformity.result import Finding, told
from agent.model.conformity.subject import Subject, rows, values
from agent.model.reasons import Attempt

__all__ = ["features_as_known", "features_whatever_comes", "said_as_known", "said_whatever_comes"]

# Of a column's usual size. Sums taken in another order differ by less, and what the future tells by more.
_ROUNDING = 1e-9
_SHOWN = 4
_EVERY = 4  # asking costs more than reading

Shown = Callable[[Bars], Floats]
Others = Iterator[tuple[int, str, Bars]]


@dataclass
class _Leak:
    """What one column was caught with.

    Attributes
    ----------
    bar
        Which bar changed.
    before, after
        Its value in the whole series, and otherwise.
    what
        What was otherwise.
    reach
        How many bars ahead of its own it was seen to read.
    """

    bar: int
    before: float
    after: float
    what: str
    reach: int

    def __str__(self) -> str:
        return (
            f"bar {self.bar} has {_number(self.after)} {self.what}, and {_number(self.before)} with all bars; "
            f"it reads at least {self.reach} bar{'' if self.reach == 1 else 's'} ahead"
        )


def _number(value: float) -> str:
    return f"{value:.8g}"


def features_as_known(subject: Subject) -> Finding:
    """Whether the features of the first n bars are the first n of all features."""
    others = _shorter(subject.bars, seed=subject.seed)
    return _compared(subject, lambda bars: values(subject.features(bars)), others, subject.names)


def features_whatever_comes(subject: Subject) -> Finding:
    """Whether the features of the first n bars stay what they are when others come after them."""
    others = _otherwise(subject.bars, seed=subject.seed)
    return _compared(subject, lambda bars: values(subject.features(bars)), others, subject.names)


def said_as_known(subject: Subject) -> Finding:
    """Whether the probabilities of the first n bars are the first n of all probabilities."""
    others = _shorter(subject.bars, seed=subject.seed, every=_EVERY)
    return _compared(subject, subject.probabilities, others, _outcomes(subject), size=1.0)


def said_whatever_comes(subject: Subject) -> Finding:
    """Whether the probabilities of the first n bars stay what they are when others come after them."""
    others = _otherwise(subject.bars, seed=subject.seed, every=_EVERY)
    return _compared(subject, subject.probabilities, others, _outcomes(subject), size=1.0)


def _outcomes(subject: Subject) -> tuple[str, ...]:
    return tuple(f"probability of {label}" for label in subject.classes)


def _shorter(bars: Bars, *, seed: int, every: int = 1) -> Others:
    for known in cuts(len(bars), seed=seed)[::-every][::-1].tolist():
        yield known, f"when only {known} bars are known", bars[:known]


def _otherwise(bars: Bars, *, seed: int, every: int = 1) -> Others:
    for turn, known in enumerate(cuts(len(bars), seed=seed)[::-every][::-1].tolist()):
        number = turn % len(FUTURES)
        what = f"when bar {known} and those after it are {FUTURES[number]}"
        yield known, what, with_future(bars, known, number=number, seed=seed)


def _compared(
    subject: Subject, shown: Shown, others: Others, names: Sequence[str], *, size: float | None = None
) -> Finding:
    """Return whether what is shown of known bars is the same with all bars as it is otherwise."""
    # Those first: what keeps the longest series it has seen must not answer from it.
    seen = [(known, what, bars, shown(bars)[:known]) for known, what, bars in others]
    whole = shown(subject.bars)
    sizes = _usual(whole) if size is None else np.full(whole.shape[1], size)
    leaks: dict[int, _Leak] = {}
    first: tuple[int, Bars] | None = None
    for known, what, bars, part in seen:
        differing = _differing(part, whole[:known], sizes)
        for column in np.flatnonzero(differing.any(axis=0)).tolist():
            first = first or (known, bars)
            bar = int(np.flatnonzero(differing[:, column])[-1])
            reach = known - int(differing[:, column].argmax())
            leak = leaks.setdefault(
                column, _Leak(bar, float(whole[bar, column]), float(part[bar, column]), what, reach)
            )
            leak.reach = max(leak.reach, reach)
    if first is None:
        lengths = f"{len(seen)} n from {seen[0][0]} to {seen[-1][0]}"
        return Finding(True, f"{lengths}, {whole.shape[1]} columns: none differs.")
    where = _inside(subject, *first) if size is not None else ""
    return Finding(False, _sentence(leaks, names) + where)


def _usual(whole: Floats) -> Floats:
    """Return the usual size of each column."""
    finite = np.where(np.isfinite(whole), np.abs(whole), 0)
    return finite.mean(axis=0)


def _differing(part: Floats, whole: Floats, size: Floats) -> NDArray[np.bool_]:
    with np.errstate(invalid="ignore"):
        apart = np.abs(part - whole) > _ROUNDING * np.maximum(size, np.abs(whole))
    # An infinity less itself is nan, and so is what is not known yet; those must be alike as they stand.
    finite = np.isfinite(part) & np.isfinite(whole)
    alike = (part == whole) | (np.isnan(part) & np.isnan(whole))
    return np.where(finite, apart, ~alike)


def _sentence(leaks: dict[int, _Leak], names: Sequence[str]) -> str:
    (column, leak), *more = leaks.items()
    others = [repr(names[other]) for other, _ in more]
    also = f" So do {', '.join(others[:_SHOWN])}" if others else ""
    rest = f" and {len(others) - _SHOWN} more" if len(others) > _SHOWN else ""
    return f"{names[column]!r} knows the future: {leak}." + (f"{also}{rest}." if others else "")


def _inside(subject: Subject, known: int, other: Bars) -> str:
    """Return which step of a pipeline is the first to change, where features that do not change go in."""
    if not isinstance(subject.estimator, Pipeline):
        return ""
    with Attempt() as attempt:
        for number, (name, _) in enumerate(subject.estimator.steps[:-1], start=1):
            whole, part = (_transformed(subject, number, bars)[:known] for bars in (subject.bars, other))
            columns = np.flatnonzero(_differing(part, whole, _usual(whole)).any(axis=0))
            if len(columns):
                column = _name_in(subject, number, int(columns[0]))
                return f" In its pipeline, {column} of the step {name!r} is the first that does."
        return ""
    assert attempt.error is not None
    return f" Where in its pipeline cannot be told: {told(attempt.error)}."


def _name_in(subject: Subject, steps: int, column: int) -> str:
    with Attempt():  # not every transformer names its columns
        return repr(str(subject.estimator[:steps].get_feature_names_out(subject.names)[column]))
    return f"column {column}"


def _transformed(subject: Subject, steps: int, bars: Bars) -> Floats:
    features = subject.features(bars)
    asked = subject.asked(features)
    made: Any = subject.estimator[:steps].transform(rows(features, asked))
    whole = np.full((len(bars), np.asarray(made).shape[1]), np.nan)
    whole[asked] = made
    return whole
