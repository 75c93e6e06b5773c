"""Rows on their way to become bars: times and prices as numbers, and what was odd so far."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from agent.market.bars import Floats, Ints


@dataclass(frozen=True, eq=False)
class Rows:
    """Rows on their way to become bars.

    Attributes
    ----------
    time
        Microseconds since 1970, UTC, shape (n,).
    prices
        Open, high, low, close, shape (n, 4).
    volume
        Shape (n,).
    row
        Position of each in the file, shape (n,).
    duplicates, impossible
        Rows dropped or repaired so far.
    warnings
        What was odd so far, as sentences.
    """

    time: Ints
    prices: Floats
    volume: Floats
    row: Ints
    duplicates: int = 0
    impossible: int = 0
    warnings: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.time)

    def keep(self, index: NDArray[np.bool_] | Ints) -> Rows:
        return replace(
            self, time=self.time[index], prices=self.prices[index], volume=self.volume[index], row=self.row[index]
        )

    def warn(self, sentence: str) -> Rows:
        return replace(self, warnings=(*self.warnings, sentence))


def count_of(count: int, one: str, many: str) -> str:
    """Return a count and what is counted, in the singular or the plural."""
    return f"{count:,} {one if count == 1 else many}"
