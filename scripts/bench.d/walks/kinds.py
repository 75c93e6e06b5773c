"""Random walks as the price files of markets show them: what can be foretold of them nobody could have traded on.

Each is made of ticks, `TICKS` to a bar, whose steps are drawn independently of each other; then its fault is added.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from agent.market.bars import Bars, Floats
from agent.market.synthetic import FIRST_PRICE, START, VOLATILITY_BPS, random_walk

__all__ = ["WALKS"]

TICKS = 12
BOUNCE_BPS = 40
DRIFT_BPS = 3
STALE_SHARE = 0.3
JUMP_SHARE, JUMP_BPS = 0.01, 300
GAP_SHARE, LONGEST_GAP = 0.01, 48
_INTERVAL = 3_600
_BPS = 1e4

Maker = Callable[[int, int], Bars]


def _plain(n: int, seed: int) -> Bars:
    return random_walk(n, seed=seed)


def _bounce(n: int, seed: int) -> Bars:
    """Return trades at the bid or at the ask, whichever came: each half a spread away from the price."""
    rng = np.random.default_rng(seed)
    sides = rng.choice([-0.5, 0.5], n * TICKS)
    return _bars(_walk(rng, n) + sides * BOUNCE_BPS / _BPS, "bid-ask bounce", seed)


def _smoothed(n: int, seed: int) -> Bars:
    """Return means over the last bar's length, as indices and averaged candles show them."""
    walk = _walk(np.random.default_rng(seed), n + 1)
    sums = np.cumsum(walk)
    return _bars((sums[TICKS:] - sums[:-TICKS]) / TICKS, "smoothed", seed)


def _drift(n: int, seed: int) -> Bars:
    return _bars(
        _walk(np.random.default_rng(seed), n) + np.arange(n * TICKS) * (DRIFT_BPS / _BPS / TICKS), "drift", seed
    )


def _garch(n: int, seed: int) -> Bars:
    """Return lively and quiet times that follow each other: T. Bollerslev (1986), with Student's t of five degrees."""
    rng = np.random.default_rng(seed)
    shocks = rng.standard_t(5, n) / np.sqrt(5 / 3)
    variance = 1.0
    scale = np.empty(n)
    for bar, shock in enumerate(shocks.tolist()):
        scale[bar] = np.sqrt(variance)
        variance = 0.02 + variance * (0.1 * shock * shock + 0.88)
    return _bars(_walk(rng, n, scale=np.repeat(scale, TICKS)), "GARCH", seed)


def _jumps(n: int, seed: int) -> Bars:
    rng = np.random.default_rng(seed)
    jumps = rng.standard_normal(n * TICKS) * (rng.random(n * TICKS) < JUMP_SHARE / TICKS) * JUMP_BPS / _BPS
    return _bars(_walk(rng, n) + np.cumsum(jumps), "jumps", seed)


def _stale(n: int, seed: int) -> Bars:
    """Return bars some of which only repeat the close before: nothing was traded in them."""
    rng = np.random.default_rng(seed)
    ticks = _walk(rng, n).reshape(n, TICKS)
    idle = rng.random(n) < STALE_SHARE
    idle[0] = False
    last = np.maximum.accumulate(np.where(idle, -1, np.arange(n)))
    ticks = np.where(idle[:, None], ticks[last, -1:], ticks)
    return _bars(ticks.ravel(), "stale prices", seed)


def _gaps(n: int, seed: int) -> Bars:
    """Return a series with bars missing in runs, after which the price goes on from where it is by then."""
    rng = np.random.default_rng(seed)
    left_out = np.where(rng.random(n) < GAP_SHARE, rng.integers(1, LONGEST_GAP + 1, n), 0)
    places = np.arange(n) + np.cumsum(left_out) - left_out[0]
    ticks = _walk(rng, int(places[-1]) + 1).reshape(-1, TICKS)
    return _bars(ticks[places].ravel(), "gaps", seed, places=places)


WALKS: Mapping[str, Maker] = {
    "plain": _plain,
    "bounce": _bounce,
    "smoothed": _smoothed,
    "drift": _drift,
    "GARCH": _garch,
    "jumps": _jumps,
    "stale": _stale,
    "gaps": _gaps,
}
"""By name, what makes a number of bars from a seed."""


def _walk(rng: np.random.Generator, n: int, *, scale: Floats | float = 1.0) -> Floats:
    """Return the logarithm of the price at each tick of n bars, shape (n * TICKS,)."""
    steps = rng.standard_normal(n * TICKS) * scale * (VOLATILITY_BPS / _BPS / np.sqrt(TICKS))
    return np.cumsum(steps)


def _bars(ticks: Floats, name: str, seed: int, *, places: np.ndarray | None = None) -> Bars:
    """Return ticks as bars, each of which opens where the one before closed, unless there is a gap between."""
    prices = np.rint(FIRST_PRICE * np.exp(ticks)).astype(np.int64).reshape(-1, TICKS)
    n = len(prices)
    places = np.arange(n) if places is None else places
    follows = np.diff(places, prepend=-1) == 1
    opens = np.where(follows, np.concatenate([prices[:1, 0], prices[:-1, -1]]), prices[:, 0])
    return Bars(
        time=START + _INTERVAL * places.astype(np.int64),
        open=opens,
        high=np.maximum(opens, prices.max(axis=1)),
        low=np.minimum(opens, prices.min(axis=1)),
        close=prices[:, -1].copy(),
        volume=np.ones(n),
        interval=_INTERVAL,
        source=f"synthetic walk with {name} (seed {seed})",
        synthetic=True,
    )
