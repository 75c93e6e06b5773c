"""How a series of times is spaced: its interval, what lies off the grid, and what is missing from it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agent.market.bars import Ints

# Weekends, daylight saving and outages leave a few odd spacings; a table without an interval has mostly odd ones.
_MOST_ODD_SPACINGS = 0.1


@dataclass(frozen=True)
class Grid:
    """What the spacings of ascending times say.

    Attributes
    ----------
    interval
        The most common spacing; the shortest of several that are equally common.
    odd
        Spacings that are no whole multiple of the interval.
    overlaps
        Spacings shorter than the interval: a bar that starts before the one before it has closed.
    gaps
        Places where at least one whole bar is missing.
    missing
        Whole bars that would fit into the gaps.
    off_grid
        Times that do not share the most common remainder by the interval.
    regular
        Whether odd spacings are rare enough for the interval to mean something.
    even
        Whether every spacing is the interval.
    """

    interval: int
    odd: int
    overlaps: int
    gaps: int
    missing: int
    off_grid: int
    regular: bool
    even: bool


def grid_of(time: Ints, *, interval: int | None = None) -> Grid:
    """Return how strictly ascending times are spaced.

    Parameters
    ----------
    time
        Shape (n,), in any unit; n >= 2 unless the interval is given.
    interval
        The interval in the same unit where it is known; None for the most common spacing.
    """
    spacing = np.diff(time)
    lengths, counts = np.unique(spacing, return_counts=True)
    interval = int(lengths[counts.argmax()]) if interval is None else interval
    whole = spacing // interval
    odd = int(np.count_nonzero(spacing % interval))
    return Grid(
        interval=interval,
        odd=odd,
        overlaps=int(np.count_nonzero(spacing < interval)),
        gaps=int(np.count_nonzero(whole > 1)),
        missing=int(np.maximum(whole - 1, 0).sum()),
        off_grid=int(np.count_nonzero(off_grid(time, interval))),
        regular=odd <= _MOST_ODD_SPACINGS * len(spacing),
        even=bool((lengths == interval).all()),
    )


def off_grid(time: Ints, interval: int) -> NDArray[np.bool_]:
    """Return which times do not share the most common remainder by the interval, shape (n,)."""
    phases, counts = np.unique(time % interval, return_counts=True)
    off: NDArray[np.bool_] = time % interval != phases[counts.argmax()]
    return off
