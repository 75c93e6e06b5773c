"""Which decisions become trades, and what each trade is worth at every bar: the contract's rules, over a whole series.

What settles a trade is not decided here: `agent.model.labels` says how each one ends, bar by bar as the contract
does. Here is only what a mandate adds: one open trade of a side at a time, its cooldown, and a signal's validity.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from agent.evaluation.ground import Ground
from agent.evaluation.result import Span, Trade
from agent.market.bars import Floats, Ints
from agent.model.labels import Barrier

__all__ = ["Decisions", "Traded", "gross_bps", "held", "marked", "traded", "trades_of"]

_BPS = 10_000
_NAMES = {Barrier.TAKE_PROFIT: "profit", Barrier.STOP_LOSS: "stop", Barrier.HORIZON: "horizon"}


@dataclass(frozen=True, slots=True, eq=False)
class Decisions:
    """Signals, in time order.

    Attributes
    ----------
    places
        Positions of the bars at whose close they are made, ascending, shape (n,).
    sides
        1 long, -1 short.
    confidence_bps
        Probability given to that side; 0 where no model was asked.
    """

    places: Ints
    sides: NDArray[np.int8]
    confidence_bps: Ints


@dataclass(frozen=True, slots=True, eq=False)
class Traded:
    """Trades in the order of entry, one in each array of shape (n,); meanings as in `agent.evaluation.result.Trade`."""

    fold: Ints
    decided: Ints
    side: NDArray[np.int8]
    confidence_bps: Ints
    ended: Ints
    barrier: NDArray[np.int8]
    price: Ints
    result_bps: Floats

    def __len__(self) -> int:
        return len(self.decided)

    def where(self, chosen: NDArray[np.bool_]) -> Traded:
        """Return some of the trades."""
        return Traded(*(getattr(self, field.name)[chosen] for field in fields(self)))

    @staticmethod
    def joined(parts: list[Traded]) -> Traded:
        """Return the trades of several folds."""
        return Traded(*(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(Traded)))


def traded(ground: Ground, decisions: Decisions, test: Span, *, fold: int) -> Traded:
    """Return what becomes of decisions in a test window.

    A decision at the close of a bar is entered at the open of the next, under a mandate for each side: while a
    trade of its side is open, or cooling down, it comes to nothing. Without a cooldown, a trade that ends at an open
    makes room for one at that same open; what ends inside a bar, for one at the next.
    """
    allowed = np.isin(decisions.places, ground.tradable(test))
    chosen = np.zeros(len(decisions.places), dtype=bool)
    for side in (1, -1):
        candidates = np.flatnonzero(allowed & (decisions.sides == side))
        chosen[candidates[_one_at_a_time(ground, decisions.places[candidates], side)]] = True
    places, sides = decisions.places[chosen], decisions.sides[chosen]
    long = sides > 0

    def of_side(name: str) -> NDArray:
        of_long, of_short = (getattr(ground.exits(side), name)[places] for side in (1, -1))
        return np.where(long, of_long, of_short)

    return Traded(
        fold=np.full(len(places), fold),
        decided=places,
        side=sides,
        confidence_bps=decisions.confidence_bps[chosen],
        ended=of_side("index"),
        barrier=of_side("barrier"),
        price=of_side("price"),
        result_bps=of_side("result_bps") - ground.costs.gas_bps,
    )


def _one_at_a_time(ground: Ground, places: Ints, side: int) -> list[int]:
    """Return which of the decisions of one side find their mandate free."""
    bars, exits = ground.bars, ground.exits(side)
    ends = exits.index[places]
    # In half seconds: what ends inside a bar ends after its open. And a trade is closed a moment after the price that
    # ends it, from which on a cooldown counts: the open a whole number of bars later is taken to come that moment too
    # soon. (On a chain, the seconds decide.)
    after = (exits.price[places] != bars.open[ends]) | (ground.cooldown > 0)
    free_again = 2 * (bars.time[ends] + ground.cooldown * bars.interval) + after
    entries = 2 * bars.time[places + 1]
    taken: list[int] = []
    free = -1
    for row, (entry, again) in enumerate(zip(entries.tolist(), free_again.tolist(), strict=True)):
        if entry >= free:
            taken.append(row)
            free = again
    return taken


def marked(ground: Ground, trades: Traded) -> Floats:
    """Return what trades gained in each bar, marked to its close, in basis points of a trade's size, shape (bars,).

    The spread of the entry and the gas fall into the bar of the entry, the spread of the exit into that of the exit;
    the sum over the bars of a trade is its result.
    """
    gains = np.zeros(len(ground.bars))
    if not len(trades):
        return gains
    entered = trades.decided + 1
    length = trades.ended - entered + 1
    trade = np.repeat(np.arange(len(trades)), length)
    step = np.arange(len(trade)) - np.repeat(np.cumsum(length) - length, length)
    bar = entered[trade] + step

    entry = _entries(ground, trades)[trade]
    worth = trades.side[trade] * (ground.bars.close[bar] - entry) * float(_BPS) / entry - ground.costs.gas_bps
    worth = np.where(step == length[trade] - 1, trades.result_bps[trade], worth)
    before = np.where(step == 0, 0.0, np.roll(worth, 1))
    return np.bincount(bar, weights=worth - before, minlength=len(gains))


def gross_bps(ground: Ground, trades: Traded) -> Floats:
    """Return what trades would have gained without spread and gas, in basis points of a trade's size, shape (trades,)."""
    opens = ground.bars.open[trades.decided + 1]
    return trades.side * (trades.price - opens) * float(_BPS) / opens


def held(ground: Ground, trades: Traded) -> NDArray[np.bool_]:
    """Return the bars in which at least one of the trades was open for a while, shape (bars,)."""
    n = len(ground.bars)
    ends_inside = trades.price != ground.bars.open[trades.ended]
    opened = np.bincount(trades.decided + 1, minlength=n + 1)
    gone = np.bincount(trades.ended + ends_inside, minlength=n + 1)
    return np.cumsum(opened - gone)[:n] > 0


def trades_of(ground: Ground, trades: Traded) -> tuple[Trade, ...]:
    """Return trades one by one, with their prices and times."""
    bars = ground.bars
    levels = {side: ground.barriers.levels(bars.open[trades.decided + 1], direction=side) for side in (1, -1)}
    made = []
    for row, side in enumerate(trades.side.tolist()):
        decided, ended = int(trades.decided[row]), int(trades.ended[row])
        entered_at = int(bars.time[decided + 1])
        made.append(
            Trade(
                fold=int(trades.fold[row]),
                decided=decided,
                entered=decided + 1,
                ended=ended,
                entered_at=entered_at,
                ended_at=int(bars.time[ended]),
                due=entered_at + ground.barriers.horizon * bars.interval,
                side=side,
                entry=int(levels[side].entry[row]),
                exit=int(trades.price[row]),
                take_profit=int(levels[side].take_profit[row]),
                stop_loss=int(levels[side].stop_loss[row]),
                barrier=_NAMES[Barrier(int(trades.barrier[row]))],
                result_bps=float(trades.result_bps[row]),
                confidence_bps=int(trades.confidence_bps[row]),
                patterns=int(ground.masks[decided]),
            )
        )
    return tuple(made)


def _entries(ground: Ground, trades: Traded) -> Ints:
    opens = ground.bars.open[trades.decided + 1]
    long, short = (ground.barriers.levels(opens, direction=side).entry for side in (1, -1))
    return np.where(trades.side > 0, long, short)
