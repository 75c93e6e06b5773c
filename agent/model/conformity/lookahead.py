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
from sklearn.pipeline import Pipeline

from agent.market.bars import Bars, Floats
from agent.model.alone import differing, told_apart, usual_size
from agent.model.conformity.probes import FUTURES, cuts, with_future
from agent.model.conformity.result import Finding, told
from agent.model.conformity.subject import Subject, rows, values
from agent.model.reasons import Attempt

__all__ = ["features_as_known", "features_whatever_comes", "said_as_known", "said_whatever_comes"]

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
        after, before = told_apart(self.after, self.before)
        return (
            f"bar {self.bar} has {after} {self.what}, and {before} with all bars; "
            f"it reads at least {self.reach} bar{'' if self.reach == 1 else 's'} ahead"
        )


def features_as_known(subject: Subject) -> Finding:
    """Whether the features of the first n bars are the first n of all features."""
    others = _shorter(subject)
    return _compared(subject, lambda bars: values(subject.features(bars)), others, subject.names)


def features_whatever_comes(subject: Subject) -> Finding:
    """Whether the features of the first n bars stay what they are when others come after them."""
    others = _otherwise(subject)
    return _compared(subject, lambda bars: values(subject.features(bars)), others, subject.names)


def said_as_known(subject: Subject) -> Finding:
    """Whether the probabilities of the first n bars are the first n of all probabilities."""
    others = _shorter(subject, every=_EVERY)
    return _compared(subject, subject.probabilities, others, _outcomes(subject), size=1.0)


def said_whatever_comes(subject: Subject) -> Finding:
    """Whether the probabilities of the first n bars stay what they are when others come after them."""
    others = _otherwise(subject, every=_EVERY)
    return _compared(subject, subject.probabilities, others, _outcomes(subject), size=1.0)


def _outcomes(subject: Subject) -> tuple[str, ...]:
    return tuple(f"probability of {label}" for label in subject.classes)


def _cuts(subject: Subject, every: int) -> Sequence[int]:
    if subject.trained is not None and subject.trained.reading.exact:
        every *= _EVERY  # a series is then read window by window
    lengths: list[int] = cuts(len(subject.bars), seed=subject.seed, warm_up=subject.warm_up)[::-every][
        ::-1
    ].tolist()
    return lengths


def _shorter(subject: Subject, *, every: int = 1) -> Others:
    for known in _cuts(subject, every):
        yield known, f"when only {known} bars are known", subject.bars[:known]


def _otherwise(subject: Subject, *, every: int = 1) -> Others:
    for turn, known in enumerate(_cuts(subject, every)):
        number = turn % len(FUTURES)
        what = f"when bar {known} and those after it are {FUTURES[number]}"
        yield known, what, with_future(subject.bars, known, number=number, seed=subject.seed)


def _compared(
    subject: Subject, shown: Shown, others: Others, names: Sequence[str], *, size: float | None = None
) -> Finding:
    """Return whether what is shown of known bars is the same with all bars as it is otherwise."""
    # Those first: what keeps the longest series it has seen must not answer from it.
    seen = [(known, what, bars, shown(bars)[:known]) for known, what, bars in others]
    whole = shown(subject.bars)
    sizes = usual_size(whole) if size is None else np.full(whole.shape[1], size)
    leaks: dict[int, _Leak] = {}
    first: tuple[int, Bars] | None = None
    for known, what, bars, part in seen:
        changed = differing(part, whole[:known], sizes)
        for column in np.flatnonzero(changed.any(axis=0)).tolist():
            first = first or (known, bars)
            bar = int(np.flatnonzero(changed[:, column])[-1])
            reach = known - int(changed[:, column].argmax())
            leak = leaks.setdefault(
                column, _Leak(bar, float(whole[bar, column]), float(part[bar, column]), what, reach)
            )
            leak.reach = max(leak.reach, reach)
    if first is None:
        lengths = f"{len(seen)} n from {seen[0][0]} to {seen[-1][0]}"
        return Finding(True, f"{lengths}, {whole.shape[1]} columns: none differs.")
    where = _inside(subject, *first) if size is not None else ""
    return Finding(False, _sentence(leaks, names) + where)


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
            columns = np.flatnonzero(differing(part, whole, usual_size(whole)).any(axis=0))
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
