"""The spread that a series hides: trades at the bid and at the ask in turn, estimated from how its changes undo each other."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from agent.market.bars import Bars

__all__ = ["HiddenSpread", "hidden_spread"]

_BPS = 10_000
_FEWEST = 30
# Standard errors: by chance alone the covariance of a walk is as far below zero once in a hundred series.
_CERTAIN = 2.33


@dataclass(frozen=True, slots=True)
class HiddenSpread:
    """What a round trip loses between bid and ask, as prices tell.

    Attributes
    ----------
    bps
        Estimate of the distance from bid to ask; None where successive changes do not undo each other at all.
    certain
        Whether they do so more than chance explains. Where not, the estimate may be noise.
    """

    bps: float | None
    certain: bool

    def exceeds(self, spread_bps: int) -> bool:
        """Return whether it is certainly more than a round trip is charged, which pays a spread at either end."""
        return self.bps is not None and self.certain and self.bps > 2 * spread_bps

    def told(self, spread_bps: int) -> str:
        """Say it in a clause, beside what is charged at either end."""
        if self.bps is None or not self.certain:
            return "the prices show no bid-ask bounce (Roll's estimate)"
        beside = "more than the" if self.exceeds(spread_bps) else "within the"
        return f"the prices bounce between bid and ask {self.bps:.1f} bps apart (Roll's estimate), {beside} {2 * spread_bps} bps charged"

    def as_json(self, spread_bps: int) -> dict[str, float | bool | None]:
        """Return JSON values, beside what a round trip is charged."""
        return {
            "spread_bps": None if self.bps is None else round(self.bps, 6),
            "beyond_chance": self.certain,
            "charged_bps": 2 * spread_bps,
            "larger": self.exceeds(spread_bps),
        }


def hidden_spread(bars: Bars) -> HiddenSpread:
    """Return Roll's estimate of the spread: ``2 * sqrt(-cov)`` of successive changes of the price.

    R. Roll, *A simple implicit measure of the effective bid-ask spread in an efficient market* (1984). The change up to a
    close is set beside the change from the next open to its close: that is what a trade decided at the one close and
    entered at the next open would meet, and the same as Roll's own where each bar opens where the one before closed.
    The changes are of logarithms, so the estimate is a share of the price; its certainty allows for lively and quiet times.

    Parameters
    ----------
    bars
        Bars, n of them; of fewer than 30 nothing is told.
    """
    if len(bars) < _FEWEST + 2:
        return HiddenSpread(None, False)
    close, opened = np.log(bars.close), np.log(bars.open)
    before, after = np.diff(close)[:-1], close[2:] - opened[2:]
    products = (before - before.mean()) * (after - after.mean())
    covariance = float(products.mean())
    if covariance >= 0:
        return HiddenSpread(None, False)
    error = float(products.std(ddof=1)) / math.sqrt(len(products))
    return HiddenSpread(2 * math.sqrt(-covariance) * _BPS, covariance < -_CERTAIN * error)
