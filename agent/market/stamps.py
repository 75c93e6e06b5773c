"""Whether a time is when a bar starts or when it closes, and the start where only the close is told."""

from __future__ import annotations

import numpy as np

from agent.market.bars import Ints
from agent.market.dates import MICROSECONDS, UNREAD, Dates

_NEARLY_ALL = 0.99


def interval_of(time: Ints) -> int:
    """Return the most common spacing of times in any order, in their unit; 0 where there are not two."""
    told = time[time != UNREAD]
    spacing = np.diff(told)
    if len(spacing) and (spacing <= 0).any():
        spacing = np.diff(np.sort(told))
    lengths, counts = np.unique(spacing[spacing > 0], return_counts=True)
    return int(lengths[counts.argmax()]) if len(lengths) else 0


def same(main: Dates, other: Dates) -> bool:
    """Whether two columns tell the same times, as far as the coarser of them can tell."""
    coarse = np.maximum(main.resolution, other.resolution)
    told = (other.time != UNREAD) & (main.time != UNREAD)
    return bool((main.time[told] // coarse[told] == other.time[told] // coarse[told]).all())


def within(start: Dates, other: Dates) -> bool:
    """Whether one column tells a time inside the bar, or at its end, that starts at the time of the other."""
    shift = _shift(start, other)
    return bool(len(shift)) and bool(((shift >= 0) & (shift <= interval_of(start.time))).all())


def wanders(start: Dates, other: Dates) -> bool:
    """Whether the second tells times inside the bars of the first that keep no distance from their starts.

    A trade, or the last millisecond of a bar, is no zone: those keep a distance of whole minutes.
    """
    if not within(start, other):
        return False
    shift = _shift(start, other)
    off = shift % (60 * MICROSECONDS) != 0
    return bool(off.mean() > 0.5)


def ends(main: Dates, close: Dates) -> bool:
    """Whether a column without more in its name tells the ends of bars, by one that is named so."""
    shift = _shift(main, close)
    return bool(len(shift)) and float((np.abs(shift) <= MICROSECONDS).mean()) >= _NEARLY_ALL


def looks_closed(time: Ints) -> bool:
    """Whether times lie a millisecond or a second before a whole minute, as only the end of a bar does."""
    told = time[time != UNREAD]
    left = -told % (60 * MICROSECONDS)
    if len(told) < 3 or not ((left > 0) & (left <= MICROSECONDS)).all():
        return False
    interval = interval_of(time)
    return interval > 0 and interval % (60 * MICROSECONDS) == 0


def starts_of(close: Ints) -> Ints:
    """Return when bars start that close at these times, by their most common spacing."""
    closed = close + (-close % MICROSECONDS)
    if (-closed % (60 * MICROSECONDS) == MICROSECONDS).all():  # 23:59:59 is the last second, midnight the end
        closed = closed + MICROSECONDS
    return closed - interval_of(closed)


def _shift(start: Dates, other: Dates) -> Ints:
    told = (other.time != UNREAD) & (start.time != UNREAD)
    shift: Ints = (other.time - start.time)[told]
    return shift
