"""How long a model takes over one decision, and over many bars at once."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from agent.model.closes import WINDOW
from agent.model.conformity.result import Finding
from agent.model.conformity.subject import Subject, rows

__all__ = ["keeps_up"]

_DECISIONS = 200
_PATIENCE = 1.0
_WARM = 3


def keeps_up(subject: Subject) -> Finding:
    """Whether 99 of 100 decisions take less than a bar lasts."""
    decide, bars = _decider(subject), subject.bars
    taken: list[float] = []
    began = time.perf_counter()
    for turn in range(_WARM + _DECISIONS):
        taken.append(_timed(lambda turn=turn: decide(len(bars) - turn % (len(bars) // 2))))
        if len(taken) > _WARM and time.perf_counter() - began > _PATIENCE:
            break
    usual, slow = (float(each) for each in np.percentile(taken[_WARM:], [50, 99]))
    batch = min(_timed(lambda: subject.probabilities(bars)) for _ in range(2))
    return Finding(
        slow < subject.interval,
        f"one decision {_seconds(usual)} (p50), {_seconds(slow)} (p99) of {len(taken) - _WARM}, on one thread; "
        f"{len(bars)} bars at once {_seconds(batch)}, {_seconds(batch / len(bars))} each; "
        f"a bar lasts {subject.interval:,} s.",
    )


def _decider(subject: Subject) -> Callable[[int], object]:
    """Return what decides on the last of so many bars, as the agent would."""
    bars, model = subject.bars, subject.trained
    if model is not None:
        known_by = bars if model.reading.own else bars.close
        return lambda known: model.predict(known_by[known - WINDOW : known])

    def decide(known: int) -> object:
        features = subject.features(bars[:known])
        last = subject.asked(features)[-1:]
        return subject.answer(rows(features, last)) if len(last) else None

    return decide


def _timed(what: Callable[[], object]) -> float:
    began = time.perf_counter()
    what()
    return time.perf_counter() - began


def _seconds(value: float) -> str:
    """Return seconds in a unit that a person reads easily."""
    if value >= 1:
        return f"{value:,.1f} s"
    return f"{value * 1e3:.3g} ms" if value >= 1e-3 else f"{value * 1e6:.3g} µs"
