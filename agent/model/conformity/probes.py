"""The bars a model is examined with: other futures for the same past, and prices as they are on bad days."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from agent.market.bars import Bars, Ints
from agent.market.synthetic import random_walk
from agent.model.closes import MAX_CLOSE, WINDOW
from agent.model.haste import thinned

__all__ = ["FUTURES", "accompanied", "cuts", "extreme", "flat", "gapped", "with_future"]

FUTURES = ("another walk", "ten times as high", "a tenth as high", "at a standstill", "later and busier")
"""What else might have come, in words; the numbers of `with_future`."""

_CUTS = 80
_LAST = 12
_DAYS = 240


def cuts(n: int, *, seed: int, warm_up: int = WINDOW - 1) -> Ints:
    """Return many lengths of a series of n bars, in ascending order: some at random, and the last ones of all.

    Each is longer than a warm-up, so that there is something to compare.
    """
    possible = np.arange(max(WINDOW, warm_up + 1), n)
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
    return replace(bars, **columns, beside=_beside(bars, known, number=number, seed=seed))


def _beside(bars: Bars, known: int, *, number: int, seed: int) -> tuple[tuple[str, Bars], ...]:
    """Return what lies beside bars, with another future after those that had closed with the last one known."""
    closed_at = bars.closed_at(known - 1)
    changed = []
    for name, other in bars.beside:
        before = int(np.searchsorted(other.time, closed_at - other.interval, "right"))
        # Where none is known yet there is no price to stand still at.
        kept = before or len(other)
        changed.append((name, with_future(other, kept, number=number, seed=seed + 1)))
    return tuple(changed)


def _within(prices: np.ndarray) -> Ints:
    return np.clip(prices, 1, MAX_CLOSE).astype(np.int64)


def accompanied(bars: Bars, like: Bars, *, seed: int) -> Bars:
    """Return bars with a walk of its own beside them for each market that lies beside others."""
    if not like.beside:
        return bars
    begun, closed = int(bars.time[0]), bars.closed_at(len(bars) - 1)
    walks = (
        (name, random_walk((closed - begun) // other.interval, seed=seed, interval=other.interval, start=begun))
        for name, other in like.beside
    )
    return replace(bars, beside=tuple(walks))


def flat(interval: int, *, extra: int = 0) -> Bars:
    """Return bars in which nothing happens at all, so many more than usual."""
    bars = _walk(interval, extra)
    still = np.full(len(bars), bars.close[0])
    return replace(bars, open=still, high=still, low=still, close=still, volume=np.zeros(len(bars)))


def gapped(interval: int, *, extra: int = 0) -> Bars:
    """Return bars of which fifty are missing, with prices two fifths lower after them; parameters as for `flat`."""
    bars = _walk(interval, extra)
    later = np.arange(len(bars)) >= len(bars) - _DAYS // 2
    share = np.where(later, 6, 10)
    return replace(
        bars,
        time=bars.time + np.where(later, 50 * interval, 0),
        open=bars.open * share // 10,
        high=bars.high * share // 10,
        low=bars.low * share // 10,
        close=bars.close * share // 10,
    )


def extreme(interval: int, *, extra: int = 0) -> Bars:
    """Return bars with one a thousand times as high as those before, and some at the least price there is; see `flat`."""
    bars = _walk(interval, extra)
    close = bars.close.copy()
    first, third = len(bars) - _DAYS, _DAYS // 3
    close[first + third] *= 1_000
    close[first + 2 * third : first + 2 * third + 3] = 1
    opened = np.concatenate([bars.open[:1], close[:-1]])
    return replace(bars, open=opened, high=np.maximum(opened, close), low=np.minimum(opened, close), close=close)


def _walk(interval: int, extra: int) -> Bars:
    return random_walk(_DAYS + extra, seed=0, interval=interval)
