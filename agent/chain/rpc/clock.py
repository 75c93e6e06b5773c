"""Which timestamp the next block carries."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Self


@dataclass(frozen=True, slots=True)
class BlockClock:
    """Decides the time of the next block, and with it what a ``pending`` call sees.

    Attributes
    ----------
    now
        Source of the present time in unix seconds. None: time stands still between blocks, and a block comes one
        second after the one before, so that the same requests give the same chain.
    offset
        Seconds the chain is ahead of `now`.
    fixed
        Timestamp demanded for the next block, or None.
    """

    now: Callable[[], float] | None = None
    offset: int = 0
    fixed: int | None = None

    def next(self, latest: int) -> int:
        """Return the next block's timestamp, always later than `latest`, the one before."""
        if self.fixed is not None:
            return self.fixed
        if self.now is None:
            return latest + 1
        return max(latest + 1, int(self.now()) + self.offset)

    def set(self, timestamp: int) -> Self:
        """Demand a timestamp for the next block; later ones go on from there."""
        return replace(self, fixed=timestamp)

    def increase(self, seconds: int, latest: int) -> Self:
        """Move the next block, and those after it, further on."""
        if self.now is None or self.fixed is not None:
            return replace(self, fixed=self.next(latest) + seconds)
        return replace(self, offset=self.offset + seconds)

    def mined(self, timestamp: int) -> Self:
        """Return the clock after a block of that timestamp."""
        if self.fixed is None:
            return self
        return replace(self, fixed=None, offset=timestamp - int(self.now()) if self.now else 0)
