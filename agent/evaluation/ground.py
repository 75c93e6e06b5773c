"""What all models are tried on: a series, with everything worked out once that no model has a say in."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agent.errors import UsageError
from agent.evaluation.effort import LONGEST_COOLDOWN
from agent.evaluation.result import Costs, Span
from agent.market.bars import Bars, Floats, Ints
from agent.model.labels import Barrier, Barriers, Exits, Outcomes, triple_barrier
from agent.model.patterns import pattern_masks

__all__ = ["PERIOD", "Ground", "Periods", "ground_of"]

PERIOD = 24
"""Bars in a period. Results are summed by period before anything is asked of them that rests on their being independent."""

_YEAR = 365.25 * 86_400


@dataclass(frozen=True, slots=True, eq=False)
class Periods:
    """The periods of a stretch of bars; a period begins where the unix time is a multiple of its length.

    Attributes
    ----------
    place
        Of each bar, which period it is in, from 0, shape (bars,).
    number
        Of each period, its number since 1970, shape (periods,). Where no bar was, no period is.
    length
        Seconds of a period.
    a_year
        Periods in a year of this market: fewer where it closes.
    """

    place: Ints
    number: Ints
    length: int
    a_year: float

    @property
    def ends(self) -> Ints:
        """End of each period, unix seconds, shape (periods,)."""
        return (self.number + 1) * self.length

    def summed(self, per_bar: Floats) -> Floats:
        """Return the sum of each period of what is given per bar."""
        return np.bincount(self.place, weights=per_bar, minlength=len(self.number))


@dataclass(frozen=True, slots=True, eq=False)
class Ground:
    """A series and its facts.

    Attributes
    ----------
    bars, barriers, costs
        As given.
    cooldown
        Bars that must pass after the one in which a trade ended, before the next one of its side.
    masks
        Patterns at each bar, shape (n,).
    outcomes
        What would have become of a trade decided at each bar, before gas.
    """

    bars: Bars
    barriers: Barriers
    costs: Costs
    cooldown: int
    masks: NDArray[np.uint32]
    outcomes: Outcomes

    def exits(self, side: int) -> Exits:
        """Return how the trades of a side end: 1 long, -1 short."""
        return self.outcomes.long if side > 0 else self.outcomes.short

    def result(self, side: int) -> Floats:
        """Return what a trade of a side would have gained after spread and gas, in basis points, shape (n,)."""
        return self.exits(side).result_bps - self.costs.gas_bps

    def won(self, side: int) -> NDArray[np.bool_]:
        """Return where a trade of a side would have taken its profit, shape (n,)."""
        return self.exits(side).barrier == Barrier.TAKE_PROFIT

    def tradable(self, test: Span) -> Ints:
        """Return the bars of a test window at which a decision can become a trade, as positions.

        The next bar must follow at once: a signal is valid for one bar. And the horizon must lie in the window,
        so that every trade ends inside it, whatever ends it; which bars these are is known without looking ahead.
        """
        time = self.bars.time
        places = np.arange(test.start, test.stop - 1)
        entry = time[places + 1]
        follows = entry - (time[places] + self.bars.interval) < self.bars.interval
        due = entry + self.barriers.horizon * self.bars.interval
        return places[follows & (due <= time[test.stop - 1])]

    def samples(self, test: Span) -> Ints:
        """Return those of them with a pattern: the bars a model is asked about."""
        places = self.tradable(test)
        return places[self.masks[places] != 0]

    def periods(self, start: int, stop: int) -> Periods:
        """Return the periods of the bars from `start` up to and without `stop`."""
        time, interval = self.bars.time[start:stop], self.bars.interval
        number, place = np.unique(time // (PERIOD * interval), return_inverse=True)
        open_share = min(1.0, len(time) * interval / (int(time[-1] - time[0]) + interval))
        return Periods(place, number, PERIOD * interval, _YEAR / (PERIOD * interval) * open_share)


def ground_of(bars: Bars, *, barriers: Barriers, costs: Costs, cooldown: int) -> Ground:
    """Return a series with its patterns and outcomes.

    Raises
    ------
    UsageError
        Where the cooldown is none.
    """
    if not 0 <= cooldown <= LONGEST_COOLDOWN:
        raise UsageError(
            f"a side cannot wait for {cooldown} bars after a trade.",
            cure=f"Give 0 to {LONGEST_COOLDOWN:,} with --cooldown.",
        )
    return Ground(bars, barriers, costs, cooldown, pattern_masks(bars.close), triple_barrier(bars, barriers))
