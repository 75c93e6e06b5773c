"""Where values lie on a plot: scales, and round places for their ticks."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from numpy.typing import ArrayLike

from agent.market.bars import Floats, Ints

__all__ = ["Scale", "Tick", "around", "log_ticks", "thinned", "time_ticks", "value_ticks"]

_MONTHS = (1, 2, 3, 6, 12, 24, 60, 120)
_SECONDS = (60, 300, 900, 3_600, 10_800, 21_600, 43_200, 86_400, 2 * 86_400, 7 * 86_400, 14 * 86_400)
_LONGEST_STEP_OF_DAYS = 14 * 86_400


@dataclass(frozen=True, slots=True)
class Scale:
    """A stretch of values, spread evenly from 0 to 1."""

    low: float
    high: float

    def at(self, value: ArrayLike) -> Floats:
        """Return where values lie: 0 at `low`, 1 at `high`."""
        return (np.asarray(value, dtype=float) - self.low) / (self.high - self.low)


@dataclass(frozen=True, slots=True)
class Tick:
    """A place on an axis, from 0 to 1, and what is written there."""

    at: float
    label: str


def around(values: Iterable[float | None], *, margin: float = 0.06, least: float = 1e-9) -> Scale:
    """Return a scale that holds all values that are numbers, with some room at both ends.

    Parameters
    ----------
    values
        What is to be seen.
    margin
        Room at each end, as a part of their extent.
    least
        Extent where the values have less.
    """
    known = [float(value) for value in values if value is not None and math.isfinite(value)]
    low, high = (min(known), max(known)) if known else (0.0, 0.0)
    least = max(least, 1e-6 * max(abs(low), abs(high)))  # less could not be told apart
    if high - low < least:
        low, high = (low + high - least) / 2, (low + high + least) / 2
    room = margin * (high - low)
    return Scale(low - room, high + room)


def value_ticks(scale: Scale, *, about: int = 5) -> list[float]:
    """Return round values within a scale: multiples of 1, 2 or 5 times a power of ten."""
    rough = (scale.high - scale.low) / about
    power = 10 ** math.floor(math.log10(rough))
    step = next(step * power for step in (1, 2, 5, 10) if step * power >= rough * (1 - 1e-9))
    first, last = math.ceil(scale.low / step - 1e-9), math.floor(scale.high / step + 1e-9)
    return [at * step for at in range(first, last + 1)]


def log_ticks(scale: Scale) -> list[float]:
    """Return round values within a scale of decimal logarithms: 1, 2 and 5 times powers of ten, or more in a short one."""
    powers = range(math.floor(scale.low), math.ceil(scale.high) + 1)
    found = [digit * 10.0**power for power in powers for digit in (1, 2, 5)]
    within = [value for value in found if scale.low <= math.log10(value) <= scale.high]
    return within if len(within) > 1 else value_ticks(Scale(10**scale.low, 10**scale.high))


def time_ticks(first: float, last: float, *, about: int = 6) -> list[Tick]:
    """Return round times within a stretch of unix times: of the day, days, months or years."""
    scale, rough = Scale(first, max(last, first + 1)), max(1.0, (last - first) / about)
    if rough <= _LONGEST_STEP_OF_DAYS:
        step = next(step for step in _SECONDS if step >= rough)
        times = range(-(-int(first) // step) * step, int(last) + 1, step)
        form = "%m-%d %H:%M" if step < 86_400 else "%Y-%m-%d"
    else:
        months = next((months for months in _MONTHS if months * 30 * 86_400 >= rough), _MONTHS[-1])
        times = _month_starts(first, last, months)
        form = "%Y" if months >= 12 else "%Y-%m"
    return [Tick(float(scale.at(time)), datetime.fromtimestamp(time, UTC).strftime(form)) for time in times]


def _month_starts(first: float, last: float, months: int) -> list[int]:
    begin = datetime.fromtimestamp(first, UTC)
    at = (begin.year * 12 + begin.month - 1) // months * months
    starts: list[int] = []
    while True:
        time = int(datetime(at // 12, at % 12 + 1, 1, tzinfo=UTC).timestamp())
        if time > last:
            return starts
        if time >= first:
            starts.append(time)
        at += months


def thinned(values: Floats, *, buckets: int = 300) -> Ints:
    """Return the positions of values that draw the same line as all of them, at most about four a bucket.

    Of each of `buckets` equal stretches: the first, the least, the greatest and the last.
    """
    if len(values) <= 4 * buckets:
        return np.arange(len(values))
    edges = np.linspace(0, len(values), buckets + 1).astype(np.int64)
    kept = {
        at
        for low, high in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True)
        for at in (
            low,
            high - 1,
            low + int(np.argmin(values[low:high])),
            low + int(np.argmax(values[low:high])),
        )
    }
    return np.array(sorted(kept), dtype=np.int64)
