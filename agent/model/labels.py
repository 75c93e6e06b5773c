"""The labels: how a trade entered after each bar would have ended, at the same three barriers the contract closes at.

The triple-barrier method: M. López de Prado, *Advances in Financial Machine Learning* (2018), chapter 3.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from agent.errors import ModelError
from agent.market.bars import Bars, Floats, Ints

__all__ = [
    "DEFAULT_BARRIERS",
    "DRIFT_BPS",
    "Barrier",
    "Barriers",
    "Exits",
    "Levels",
    "Outcomes",
    "least_barrier_bps",
    "most_slippage_bps",
    "triple_barrier",
]

# What rounding takes between an offer and its settlement where the price stands still, as it does in a replay.
DRIFT_BPS = 5
_BPS = 10_000
_SOUND = 100_010_000  # `contracts/libraries/Criteria.sol`; a test compares


class Barrier(IntEnum):
    """How a trade ended; `UNKNOWN` where the data ends before it does."""

    UNKNOWN = 0
    TAKE_PROFIT = 1
    STOP_LOSS = 2
    HORIZON = 3


def most_slippage_bps(take_profit_bps: int, stop_loss_bps: int) -> int:
    """The most slippage that reaches neither barrier, in basis points; negative where there is none, not even zero.

    With slippage s and the nearer barrier b the contract asks for (10,000 - s) * (10,000 + b) >= 100,010,000: of a round trip at
    an unmoved price a basis point must be left, which is more than rounding takes.
    """
    return _BPS - -(-_SOUND // (_BPS + min(take_profit_bps, stop_loss_bps)))


def least_barrier_bps(slippage_bps: int) -> int:
    """The nearest barrier that such slippage, below 10,000 bps, does not reach, in basis points; see `most_slippage_bps`."""
    return -(-_SOUND // (_BPS - slippage_bps)) - _BPS


@dataclass(frozen=True, slots=True, kw_only=True)
class Barriers:
    """The three ways a trade ends, and what it costs to enter and to leave.

    Attributes
    ----------
    take_profit_bps, stop_loss_bps
        Distance of the two price barriers from the entry price, 1 to 9,999.
    horizon
        Bars after which a trade ends whatever its price.
    spread_bps
        Part of the price lost against the oracle at each end of the trade. With `DRIFT_BPS` on top of it, it is at most
        `most_slippage_bps`, or no mandate of these barriers could be filled.

    Raises
    ------
    ModelError
        Where a value cannot be meant, or the barriers leave no room for spread and drift.
    """

    take_profit_bps: int = 100
    stop_loss_bps: int = 100
    horizon: int = 12
    spread_bps: int = 5

    def __post_init__(self) -> None:
        bounds = {
            "take_profit_bps": (1, _BPS - 1),
            "stop_loss_bps": (1, _BPS - 1),
            "horizon": (1, 100_000),
            "spread_bps": (0, most_slippage_bps(_BPS - 1, _BPS - 1) - DRIFT_BPS),
        }
        for name, (least, most) in bounds.items():
            value = getattr(self, name)
            if type(value) is not int or not least <= value <= most:
                raise ModelError(
                    f"the barrier {name} is {value!r}.", cure=f"Give a whole number from {least} to {most}."
                )
        if self.spread_bps + DRIFT_BPS > self.most_slippage_bps:
            raise ModelError(
                f"a take-profit of {self.take_profit_bps} bps and a stop-loss of {self.stop_loss_bps} bps leave no room "
                f"for a spread of {self.spread_bps} bps and a drift of {DRIFT_BPS} bps.",
                cure=self._what_fits(),
            )

    def _what_fits(self) -> str:
        """Say which distances would fit this spread, and which spreads these distances."""
        least, most = least_barrier_bps(self.spread_bps + DRIFT_BPS), self.most_slippage_bps - DRIFT_BPS
        narrower = f", or a spread of at most {most} bps" if most >= 0 else ""
        return f"Give a take-profit and a stop-loss of at least {least} bps{narrower}."

    @property
    def most_slippage_bps(self) -> int:
        """The most slippage with which a mandate of these barriers can be lodged: it reaches neither of them."""
        return most_slippage_bps(self.take_profit_bps, self.stop_loss_bps)

    def levels(self, opens: Ints, *, direction: int) -> Levels:
        """Return the prices a trade is entered and ended at, when the oracle's price at entry is `opens`.

        Each distance is rounded up to a whole unit of price, so the entry is against the trade, and a
        barrier's price is the nearest one at which the contract's comparison holds: ``<=`` below the
        entry, ``>=`` above it.

        Parameters
        ----------
        opens
            Prices in integer units, any shape.
        direction
            1 for a long trade, -1 for a short one.
        """
        entry = opens + direction * _part(opens, self.spread_bps)
        return Levels(
            entry=entry,
            take_profit=entry + direction * _part(entry, self.take_profit_bps),
            stop_loss=entry - direction * _part(entry, self.stop_loss_bps),
        )


DEFAULT_BARRIERS = Barriers()


@dataclass(frozen=True, slots=True, eq=False)
class Levels:
    """Prices of a trade, in the integer units of its bars: of its entry, and of the two price barriers."""

    entry: Ints
    take_profit: Ints
    stop_loss: Ints


@dataclass(frozen=True, slots=True, eq=False)
class Exits:
    """How the trades of one side end, one per bar that a decision is made at; all shapes (n,).

    Attributes
    ----------
    barrier
        A `Barrier` each, int8.
    index
        Position of the bar it ends in, -1 where unknown.
    price
        The oracle's price it ends at, 0 where unknown: the barrier's own price inside a bar, the open
        where a gap leaps over the barrier or the horizon is reached.
    result_bps
        What the trade gains on its entry after the spread at both ends, nan where unknown. A statistic,
        never money.
    """

    barrier: NDArray[np.int8]
    index: Ints
    price: Ints
    result_bps: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Outcomes:
    """What would have become of a long and of a short trade decided on at the close of each bar.

    Attributes
    ----------
    long, short
        The two sides, entered at the open of the next bar.
    label
        What a model learns to tell, int8, shape (n,): 1 where the long trade takes its profit, -1 where
        the short one does, the earlier one where both do, 0 where neither does or both in the same bar.
    known
        Where both trades end within the data; elsewhere the label is 0 and must not be used.
    """

    long: Exits
    short: Exits
    label: NDArray[np.int8]
    known: NDArray[np.bool_]


def triple_barrier(bars: Bars, barriers: Barriers = DEFAULT_BARRIERS) -> Outcomes:
    """Walk a long and a short trade from every bar to their ends.

    A decision made at the close of bar i is entered at the open of bar i + 1. From that bar on, the open
    is compared with the barriers first; then, inside the bar, the stop-loss before the take-profit, the
    order that hurts. A trade that touched neither ends at the open of the first bar that begins at least
    ``horizon * bars.interval`` seconds after its entry: bar ``i + 1 + horizon`` where no bar is missing.
    An open that meets a price barrier in that very moment is reported as that barrier, as the contract does.

    Parameters
    ----------
    bars
        Bars, n of them.
    barriers
        Where trades end.

    Returns
    -------
    Outcomes
        With arrays of shape (n,). The outcome of bar i is a fact of bars i + 1 and later: it may label
        bar i for training, and nothing else.
    """
    long, short = (_exits(bars, barriers, direction) for direction in (1, -1))
    up, down = long.barrier == Barrier.TAKE_PROFIT, short.barrier == Barrier.TAKE_PROFIT
    known = (long.barrier != Barrier.UNKNOWN) & (short.barrier != Barrier.UNKNOWN)
    label = np.zeros(len(bars), dtype=np.int8)
    label[known & up & ~(down & (short.index <= long.index))] = 1
    label[known & down & ~(up & (long.index <= short.index))] = -1
    return Outcomes(long=long, short=short, label=label, known=known)


def _exits(bars: Bars, barriers: Barriers, direction: int) -> Exits:
    n = len(bars)
    barrier = np.zeros(n, dtype=np.int8)
    index = np.full(n, -1, dtype=np.int64)
    price = np.zeros(n, dtype=np.int64)
    if n < 2:
        return Exits(barrier, index, price, np.full(n, np.nan))
    levels = barriers.levels(bars.open[1:], direction=direction)
    due = bars.time[1:] + barriers.horizon * bars.interval

    walking, at = np.arange(n - 1), np.arange(1, n)
    while len(walking):
        take, stop = levels.take_profit[walking], levels.stop_loss[walking]
        ended, ended_at = _step(bars, at, take, stop, bars.time[at] >= due[walking], direction)
        done = ended != Barrier.UNKNOWN
        where = walking[done]
        barrier[where], index[where], price[where] = ended[done], at[done], ended_at[done]
        onward = ~done & (at + 1 < n)
        walking, at = walking[onward], at[onward] + 1

    result = np.full(n, np.nan)
    over = barrier != Barrier.UNKNOWN
    entry = levels.entry[over[:-1]]
    left = price[over] - direction * _part(price[over], barriers.spread_bps)
    result[over] = direction * (left - entry) * float(_BPS) / entry
    return Exits(barrier, index, price, result)


def _step(
    bars: Bars, at: Ints, take: Ints, stop: Ints, due: NDArray[np.bool_], direction: int
) -> tuple[NDArray[np.int8], Ints]:
    """Return how trades end in the bars `at`, or `Barrier.UNKNOWN`, and at which price."""
    opens = bars.open[at]
    best, worst = (bars.high[at], bars.low[at]) if direction > 0 else (bars.low[at], bars.high[at])

    def reached(prices: Ints, level: Ints, *, towards: int) -> NDArray[np.bool_]:
        return prices * towards >= level * towards

    cases = (
        (reached(opens, stop, towards=-direction), Barrier.STOP_LOSS, opens),
        (reached(opens, take, towards=direction), Barrier.TAKE_PROFIT, opens),
        (due, Barrier.HORIZON, opens),
        (reached(worst, stop, towards=-direction), Barrier.STOP_LOSS, stop),
        (reached(best, take, towards=direction), Barrier.TAKE_PROFIT, take),
    )
    which = [case for case, _, _ in cases]
    ended = np.select(which, [np.int8(kind) for _, kind, _ in cases], default=np.int8(0))
    return ended, np.select(which, [price for _, _, price in cases], default=0)


def _part(price: Ints, bps: int) -> Ints:
    """Return ``ceil(price * bps / 10**4)``; split in two so that no product leaves 64 bits."""
    whole, rest = np.divmod(price, _BPS)
    return whole * bps - (-rest * bps // _BPS)
