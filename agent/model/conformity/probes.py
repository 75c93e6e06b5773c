"""The bars a model is examined with: other futures for the same past, and prices as they are on bad days."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from agent.market.bars import Bars, Ints
from agent.market.synthetic import random_walk
from agent.model.closes import MAX_CLOSE, WINDOW
from agent.model.haste import thinned

__all__ = ["FUTURES", "cuts", "extreme", "flat", "gapped", "with_future"]

FUTURES = ("another walk", "ten times as high", "a tenth as high", "at a standstill", "later and busier")
"""What else might have come, in words; the numbers of `with_future`."""

_CUTS = 80
_LAST = 12
_DAYS = 240


def cuts(n: int, *, seed: int) -> Ints:
    """Return many lengths of a series of n bars, in ascending order: some at random, and the last ones of all."""
    possible = np.arange(WINDOW, n)
    drawn = np.random.default_rng(seed).choice(possible, size=min(_CUTS, len(possible)), replace=False)
    return thinned(np.unique(np.concatenate([drawn, possible[-_LAST:]])))


def with_future(bars: Bars, known: int, *, number: int, seed: int) -> Bars:
    """Return the first bars of a series as they are, and others after them.

    Parameters
    ----------
    bars
        The series.
    known
        Number of bars to keep.
    number
        Which of the `FUTURES` comes after them.
    seed
        Sets what is drawn.
    """
    later = slice(known, None)
    columns = {name: getattr(bars, name).copy() for name in ("time", "open", "high", "low", "close", "volume")}
    prices = [columns[name] for name in ("open", "high", "low", "close")]
    match FUTURES[number]:
        case "another walk":
            rng = np.random.default_rng([seed, known])
            shares = np.exp(np.cumsum(rng.normal(0, 0.02, len(bars) - known)))
            for price in prices:
                price[later] = _within(price[later] * shares)
        case "ten times as high":
            for price in prices:
                price[later] = _within(price[later] * 10.0)
        case "a tenth as high":
            for price in prices:
                price[later] = _within(price[later] / 10)
        case "at a standstill":
            for price in prices:
                price[later] = bars.close[known - 1]
        case "later and busier":
            columns["time"][later] += 7 * bars.interval
            columns["volume"][later] = columns["volume"][later] * 50 + 1
    return replace(bars, **columns)


def _within(prices: np.ndarray) -> Ints:
    return np.clip(prices, 1, MAX_CLOSE).astype(np.int64)


def flat(interval: int) -> Bars:
    """Return bars in which nothing happens at all."""
    bars = random_walk(_DAYS, seed=0, interval=interval)
    still = np.full(_DAYS, bars.close[0])
    return replace(bars, open=still, high=still, low=still, close=still, volume=np.zeros(_DAYS))


def gapped(interval: int) -> Bars:
    """Return bars of which fifty are missing, with prices two fifths lower after them."""
    bars = random_walk(_DAYS, seed=0, interval=interval)
    half = _DAYS // 2
    time = bars.time + np.where(np.arange(_DAYS) < half, 0, 50 * interval)
    share = np.where(np.arange(_DAYS) < half, 10, 6)
    return replace(bars, time=time, **{name: price * share // 10 for name, price in _prices(bars)})


def extreme(interval: int) -> Bars:
    """Return bars with one a thousand times as high as those before, and some at the least price there is."""
    bars = random_walk(_DAYS, seed=0, interval=interval)
    close = bars.close.copy()
    third = _DAYS // 3
    close[third] *= 1_000
    close[2 * third : 2 * third + 3] = 1
    opened = np.concatenate([bars.open[:1], close[:-1]])
    return replace(bars, open=opened, high=np.maximum(opened, close), low=np.minimum(opened, close), close=close)


def _prices(bars: Bars) -> Iterator[tuple[str, Ints]]:
    for name in ("open", "high", "low", "close"):
        yield name, getattr(bars, name)
