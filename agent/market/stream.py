"""Bars that arrive one by one: the closed ones so far, grown by what a source tells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import inf

import numpy as np

from agent.errors import DataError
from agent.market.bars import Bars

Row = Sequence[int | float]

_ANEW = "Start its source anew."


@dataclass(frozen=True)
class Stream:
    """What a stream of bars is of, without the bars: all fields as in `Bars`."""

    interval: int
    decimals: int
    source: str
    synthetic: bool
    market: str

    def bars(self, rows: Sequence[Row]) -> Bars:
        """Return rows of (time, open, high, low, close, volume), all but the volume integers, oldest first, as bars.

        Raises
        ------
        DataError
            If a row is not one, or does not come after the one before it.
        """
        last: int | float = 0
        for row in rows:
            if not _is_bar(row) or row[0] <= last:
                raise DataError(f"the stream sent {row!r}, which is no bar after time {last}.", cure=_ANEW)
            last = row[0]
        table = np.array([row[:5] for row in rows], dtype=np.int64).reshape(-1, 5)
        time, opened, high, low, close = (np.ascontiguousarray(column) for column in table.T)
        return Bars(
            time,
            opened,
            high,
            low,
            close,
            volume=np.array([row[5] for row in rows], dtype=np.float64),
            interval=self.interval,
            decimals=self.decimals,
            source=self.source,
            synthetic=self.synthetic,
            market=self.market,
        )


def extended(bars: Bars, more: Bars) -> Bars:
    """Return the bars with later ones added at the end.

    Raises
    ------
    DataError
        If they are not later.
    """
    if len(bars) and len(more) and more.time[0] <= bars.time[-1]:
        raise DataError(f"the stream went back from time {bars.time[-1]} to {more.time[0]}.", cure=_ANEW)
    names = ("time", "open", "high", "low", "close", "volume")
    return replace(bars, **{name: np.concatenate([getattr(bars, name), getattr(more, name)]) for name in names})


def _is_bar(row: Row) -> bool:
    """Whether these are five whole numbers above zero that fit 64 bits, a high and a low among them, and a volume."""
    if not (isinstance(row, Sequence) and len(row) == 6 and all(type(value) is int for value in row[:5])):
        return False
    *whole, volume = row
    _, opened, high, low, close = whole
    fits = min(whole) > 0 and max(whole) < 2**63 and low <= min(opened, close) and max(opened, close) <= high
    return fits and type(volume) in (int, float) and 0 <= volume < inf
