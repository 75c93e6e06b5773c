"""How things are timed beside each other: in turns, so that whatever else the machine does slows all of them alike."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

__all__ = ["in_turns", "percentile"]


def in_turns(
    contenders: Mapping[str, Callable[[int], object]], *, rounds: int, at_once: int = 1
) -> dict[str, list[float]]:
    """Return the seconds each contender took in each round, in ascending order.

    Parameters
    ----------
    contenders
        What to time, by name; each is called with the number of the round. One turn of each is made before
        those that count.
    rounds
        How many count.
    at_once
        How many rounds make a turn: so many of one contender follow each other, then it is the next one's turn.
    """
    taken: dict[str, list[float]] = {name: [] for name in contenders}
    for run in contenders.values():
        for turn in range(min(at_once, rounds)):
            run(turn)
    for first in range(0, rounds, at_once):
        for name, run in contenders.items():
            for turn in range(first, min(first + at_once, rounds)):
                began = time.perf_counter()
                run(turn)
                taken[name].append(time.perf_counter() - began)
    return {name: sorted(seconds) for name, seconds in taken.items()}


def percentile(ascending: list[float], share: int) -> float:
    """Return the number that this many of a hundred do not exceed."""
    return ascending[min(len(ascending) - 1, len(ascending) * share // 100)]
