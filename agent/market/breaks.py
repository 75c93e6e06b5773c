"""Places where a series stops being the same: a split, another unit, another interval. They are told, and kept."""

from __future__ import annotations

import numpy as np

from agent.market.bars import Floats, Ints
from agent.market.rows import count_of

# All of them lie beyond what a market moves between two bars.
_FACTORS = (2.0, 3.0, 4.0, 5.0, 7.0, 10.0, 20.0, 50.0, 100.0, 1000.0)
_NEAR = 0.08
_BEYOND = 0.45
_SHORTEST_RUN = 5
_ENOUGH = 20
_CERTAIN = 4  # times nearer


def breaks(time: Ints, prices: Floats) -> tuple[str, ...]:
    """Return a sentence about prices that break, with the place of the first.

    Parameters
    ----------
    time
        Start of each bar, unix seconds, ascending, shape (n,).
    prices
        Open, high, low, close, shape (n, 4), all above zero.
    """
    change = prices[1:, 0] / prices[:-1, 3]
    broken = (change > 1 + _BEYOND) | (change < 1 - _BEYOND)
    if not broken.any():
        return ()
    at = int(np.argmax(broken))
    factor = float(change[at])
    size = f"{factor:.4g} times" if factor > 1 else f"1/{1 / factor:.4g} of"
    factors = np.array([*_FACTORS, *(1 / factor for factor in _FACTORS)])
    near = bool((np.abs(np.log(factor / factors)) <= np.log1p(_NEAR)).any())
    cause = "as a split or another unit makes it" if near else "more than a market moves between two bars"
    count = int(broken.sum())
    more = f" (the first of {count:,} such breaks)" if count > 1 else ""
    return (
        f"The price breaks at {_when(time[at + 1])}{more}: it opens at {prices[at + 1, 0]:.8g}, {size} the close before, "
        f"{prices[at, 3]:.8g}, {cause}.",
    )


def exchanged(prices: Floats) -> tuple[str, ...]:
    """Return a sentence where each close is the open before, as only open and close under each other's names are.

    Parameters
    ----------
    prices
        Open, high, low, close in ascending time, shape (n, 4).
    """
    if len(prices) < _ENOUGH:
        return ()
    open_, close = prices[:, 0], prices[:, 3]
    usual, other = np.abs(open_[1:] - close[:-1]).mean(), np.abs(close[1:] - open_[:-1]).mean()
    if other * _CERTAIN >= usual:
        return ()
    return (
        "Each close is about the open of the bar before, as if open and close stood under each other's names: "
        "`--columns open=...,close=...` exchanges them.",
    )


def changes_of_interval(time: Ints, interval: int) -> tuple[str, ...]:
    """Return a sentence about rows that go on in another interval, with the place where they do.

    Parameters
    ----------
    time
        Start of each bar, unix seconds, ascending, shape (n,).
    interval
        The most common spacing.
    """
    spacing = np.diff(time)
    turns = np.flatnonzero(np.diff(spacing)) + 1
    begins = np.concatenate([[0], turns])
    lengths = np.diff(np.concatenate([begins, [len(spacing)]]))
    long = (lengths >= _SHORTEST_RUN) & (spacing[begins] != interval)
    if not long.any():
        return ()
    at = int(np.argmax(long))
    first, length = int(begins[at]), int(lengths[at])
    others = int(long.sum()) - 1
    more = f", and so in {count_of(others, 'place', 'places')} more" if others else ""
    return (
        f"The interval changes at {_when(time[first])}: the next {length:,} bars are {int(spacing[first]):,} s apart, "
        f"most others {interval:,} s{more}.",
    )


def _when(time: np.int64) -> str:
    return f"{np.datetime64(int(time), 's')} UTC"
