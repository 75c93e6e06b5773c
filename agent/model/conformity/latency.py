"""How long a model takes over one decision, and over many bars at once."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from agent.model.conformity.result import Finding
from agent.model.conformity.subject import Subject, rows
from agent.model.haste import one_in
from agent.model.reasons import Attempt

__all__ = ["keeps_up", "seconds_an_answer"]

_DECISIONS = 200
_PATIENCE = 1.0
_WARM = 3


def keeps_up(subject: Subject) -> Finding:
    """Whether 99 of 100 decisions take less than a bar lasts."""
    decide, bars = _decider(subject), subject.bars
    turns = min(len(bars) // 2, len(bars) - subject.warm_up)
    taken: list[float] = []
    began = time.perf_counter()
    for turn in range(_WARM + _DECISIONS):
        taken.append(_timed(lambda turn=turn: decide(len(bars) - turn % turns)))
        if len(taken) > _WARM and time.perf_counter() - began > _PATIENCE:
            break
    usual, slow = (float(each) for each in np.percentile(taken[_WARM:], [50, 99]))
    batch = min(_timed(lambda: subject.probabilities(bars)) for _ in range(2))
    return Finding(
        slow < subject.interval,
        f"one decision {_seconds(usual)} (p50), {_seconds(slow)} (p99) of {len(taken) - _WARM}, on one thread; "
        f"{len(bars)} bars at once {_seconds(batch)}, {_seconds(batch / len(bars))} each; "
        f"a bar lasts {subject.interval:,} s.{_spared()}",
    )


def seconds_an_answer(subject: Subject) -> float:
    """Return how long it takes over one row, the second time it is asked; 0 where it cannot be asked: the checks say why."""
    taken = 0.0
    with Attempt():
        _, asking = subject.asking()
        for _ in range(2):
            taken = _timed(lambda: subject.answer(rows(asking, slice(0, 1))))
    return taken


def _decider(subject: Subject) -> Callable[[int], object]:
    """Return what decides on the last of so many bars, as the agent would."""
    bars, model = subject.bars, subject.trained
    if model is not None:
        known_by = bars if model.reading.own else bars.close
        return lambda known: model.predict(known_by[known - model.window : known])

    def decide(known: int) -> object:
        features = subject.features(bars[:known])
        last = subject.asked(features)[-1:]
        return subject.answer(rows(features, last)) if len(last) else None

    return decide


def _timed(what: Callable[[], object]) -> float:
    began = time.perf_counter()
    what()
    return time.perf_counter() - began


def _spared() -> str:
    if one_in() == 1:
        return ""
    return (
        f" So slow a model was asked again about one in {one_in():,} of the bars that a faster one is asked about."
    )


def _seconds(value: float) -> str:
    """Return seconds in a unit that a person reads easily."""
    if value >= 1:
        return f"{value:,.1f} s"
    return f"{value * 1e3:.3g} ms" if value >= 1e-3 else f"{value * 1e6:.3g} µs"
