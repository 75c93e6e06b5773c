"""Whether barriers fit the bars they are asked of, and which ones would: measured on bars that a model may know."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from agent.market.bars import Bars, Floats
from agent.model.labels import DRIFT_BPS, Barriers, least_barrier_bps, triple_barrier

__all__ = ["MOST_FLAT", "MOST_SPANNING", "BarrierFit", "fit_of", "fitted"]

MOST_SPANNING = 0.05
"""Share of bars that span both barriers, above which these are too near: which one was met first no bar tells."""

MOST_FLAT = 0.9
"""Share of trades that reach neither barrier first, above which these are too far to learn from."""

_BPS = 10_000
_FEWEST = 100
_LONGEST = 8  # times the horizon asked for
_COSTS = 4  # times the spread: nearer barriers would hardly pay for it


@dataclass(frozen=True, slots=True)
class BarrierFit:
    """How barriers fit some bars.

    Attributes
    ----------
    barriers
        The barriers.
    spanning
        Share of the bars whose range reaches both price barriers of a trade entered at their open.
    flat
        Share of the bars whose label is flat: neither a long nor a short trade took its profit first.
    better
        Barriers that fit; None where these do, or none were found.
    """

    barriers: Barriers
    spanning: float
    flat: float
    better: Barriers | None = None

    @property
    def fits(self) -> bool:
        """Whether a model can learn from these."""
        return self.spanning <= MOST_SPANNING and self.flat <= MOST_FLAT

    @property
    def told(self) -> str:
        """What is wrong, in one sentence, with the options that would mend it; "" where nothing is."""
        if self.fits:
            return ""
        found = [
            f"{share:.1%} of the bars {what}"
            for share, most, what in (
                (self.spanning, MOST_SPANNING, "span both barriers"),
                (self.flat, MOST_FLAT, "reach neither barrier first"),
            )
            if share > most
        ]
        options = f": {options_of(self.better)} would" if self.better else ""
        return f"These barriers do not fit these bars ({', and '.join(found)}){options}."

    def as_json(self) -> dict[str, Any]:
        """Return JSON values."""
        return {
            "fits": self.fits,
            "spanning": round(self.spanning, 6),
            "flat": round(self.flat, 6),
            "better": None if self.better is None else asdict(self.better),
        }


def options_of(barriers: Barriers) -> str:
    """Return barriers as options of the command line."""
    return f"--take-profit {barriers.take_profit_bps} --stop-loss {barriers.stop_loss_bps} --horizon {barriers.horizon}"


def fit_of(bars: Bars, barriers: Barriers) -> BarrierFit:
    """Return how barriers fit bars, and which would where they do not.

    Parameters
    ----------
    bars
        The bars that a model may know, and no later ones: what is proposed rests on all of them. Of fewer than 100 whose
        trades have ended nothing is told, and anything fits.
    barriers
        As asked for.
    """
    fit = _measured(bars, barriers)
    return fit if fit.fits else replace(fit, better=_better(bars, barriers))


def fitted(bars: Bars, barriers: Barriers) -> Barriers:
    """Return barriers where they fit bars, else those that would, else the same again."""
    return fit_of(bars, barriers).better or barriers


def _measured(bars: Bars, barriers: Barriers) -> BarrierFit:
    outcomes = triple_barrier(bars, barriers)
    if np.count_nonzero(outcomes.known) < _FEWEST:
        return BarrierFit(barriers, 0.0, 0.0)
    levels = barriers.levels(bars.open, direction=1)
    both = (bars.high >= levels.take_profit) & (bars.low <= levels.stop_loss)
    return BarrierFit(barriers, float(both.mean()), float((outcomes.label[outcomes.known] == 0).mean()))


def _better(bars: Bars, barriers: Barriers) -> Barriers | None:
    """Return barriers as far off as the price typically goes within the horizon, or a longer one where that is too near."""
    spread = barriers.spread_bps
    nearest = max(least_barrier_bps(spread + DRIFT_BPS), _COSTS * spread)
    horizon = barriers.horizon
    while horizon <= _LONGEST * barriers.horizon and 2 * horizon < len(bars):
        typical = _round(float(np.median(_reach(bars, horizon))))
        for distance in (max(typical, nearest), max(2 * typical, nearest)):
            if distance < _BPS:
                proposed = replace(barriers, take_profit_bps=distance, stop_loss_bps=distance, horizon=horizon)
                if _measured(bars, proposed).fits:
                    return proposed
        horizon *= 2
    return None


def _reach(bars: Bars, horizon: int) -> Floats:
    """Return how far the price goes to either side within a horizon of each open, in basis points, whichever is further."""
    windows = np.lib.stride_tricks.sliding_window_view
    highest = windows(bars.high, horizon).max(axis=1)
    lowest = windows(bars.low, horizon).min(axis=1)
    opens = bars.open[: len(highest)]
    reach: Floats = np.maximum(highest - opens, opens - lowest) * float(_BPS) / opens
    return reach


def _round(bps: float) -> int:
    """Return a distance of two digits."""
    unit = 10 ** max(0, len(str(int(bps))) - 2)
    return int(max(1, round(bps / unit) * unit))
