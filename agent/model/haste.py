"""How many bars a slow model is asked about again: fewer than a fast one, so that a check ends while somebody waits."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from agent.market.bars import Ints

__all__ = ["BUDGET", "in_haste", "in_time", "one_in", "thinned"]

BUDGET = 60.0
"""Seconds that asking again may take; with what every model is asked at least, a check takes about twice as long."""

_CALLS = 250  # that a check makes of a fast model, one for each place it is asked about again
_FEWEST = 3
_PATIENCE = 10.0  # seconds

_one_in: ContextVar[int] = ContextVar("one_in", default=1)


@contextmanager
def in_haste(seconds: float) -> Iterator[None]:
    """Ask about so few places while this lasts that a model fits the budget that takes so long over one answer."""
    token = _one_in.set(max(1, math.ceil(_CALLS * seconds / BUDGET)))
    try:
        yield
    finally:
        _one_in.reset(token)


def one_in() -> int:
    """Return of how many places one is asked about: 1 where there is no haste."""
    return _one_in.get()


def thinned(places: Ints) -> Ints:
    """Return as many ascending places as there is time for, the last among them, and some however slow the model is."""
    return places[:: -min(one_in(), max(1, len(places) // _FEWEST))][::-1]


def in_time(places: Ints) -> Iterator[int]:
    """Yield places, drawn at random, until there has been no time for more; some however slow the model is."""
    until = time.monotonic() + _PATIENCE
    for number, place in enumerate(places.tolist()):
        if number >= _FEWEST and time.monotonic() > until:
            return
        yield place
