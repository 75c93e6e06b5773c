"""Bars that never traded: a random walk, and one with planted patterns; seeded, whole numbers, and marked as synthetic.

Every bar is made of four moves, drawn in basis points and added up: a gap from the close before (one bar
in twenty has one), the step from open to close, and how far the high and the low reach beyond both. Steps
are normal and independent of each other, so that nothing about a random walk can be foretold.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from agent.errors import DataError
from agent.market.bars import Bars, Floats

__all__ = ["FIRST_PRICE", "START", "STRENGTH", "VOLATILITY_BPS", "planted", "random_walk"]

START = 1_704_067_200
"""2024-01-01 00:00 UTC."""

FIRST_PRICE = 2_000 * 10**8
"""Price before the first bar, with 8 decimals."""

VOLATILITY_BPS = 60
"""Standard deviation of a bar's step."""

STRENGTH = 0.9
"""Share of planted patterns that are followed as stated, where nothing else is asked for."""

_LOWEST_PRICE = 10**6  # one cent; a step that would lead below it is turned upwards
_GAP_SHARE = 0.05
_GAP_SIZE = 0.2
_WICK_SIZE = 0.5

_MOST_IDLE = 4
_QUIET_BARS = 8
_QUIET = 0.2
_LONGEST_FOLLOWING = 12
_REACH = 11 / 6


@dataclass(frozen=True, slots=True, eq=False)
class _Moves:
    """Moves of some bars in basis points, one per bar: gap and step signed, wicks not."""

    gap: Floats
    step: Floats
    above: Floats
    below: Floats

    def __len__(self) -> int:
        return len(self.step)

    def first(self, n: int) -> _Moves:
        return _Moves(self.gap[:n], self.step[:n], self.above[:n], self.below[:n])

    def upside_down(self) -> _Moves:
        return _Moves(-self.gap, -self.step, self.below, self.above)

    @staticmethod
    def joined(parts: list[_Moves]) -> _Moves:
        return _Moves(
            *(np.concatenate([getattr(part, name) for part in parts]) for name in _Moves.__dataclass_fields__)
        )


def random_walk(
    n: int, *, seed: int, interval: int = 3_600, start: int = START, volatility_bps: int = VOLATILITY_BPS
) -> Bars:
    """Return n bars of a random walk.

    Parameters
    ----------
    n
        Number of bars.
    seed
        Same seed, same bars.
    interval
        Seconds of a bar.
    start
        Start of the first bar, unix seconds.
    volatility_bps
        Standard deviation of a bar's step from open to close.

    Raises
    ------
    DataError
        Where a parameter makes no bars.
    """
    _check(n, interval, volatility_bps)
    rng = np.random.default_rng(seed)
    return _bars(
        rng,
        _drawn(rng, n, volatility_bps),
        source=f"synthetic random walk (seed {seed})",
        interval=interval,
        start=start,
    )


def planted(
    n: int,
    *,
    seed: int,
    strength: float = STRENGTH,
    interval: int = 3_600,
    start: int = START,
    volatility_bps: int = VOLATILITY_BPS,
) -> Bars:
    """Return n bars of a random walk in which patterns are planted and followed as stated.

    One pattern after another: up to 4 ordinary bars; 8 quiet bars, with a fifth of the volatility; one bar
    that leaves their range by more than the range itself, up or down by the toss of a coin (a
    ``squeeze_up`` or ``squeeze_down``, mostly a ``breakout_up`` or ``breakout_down`` too); and then a
    stretch of ordinary bars that lasts until a high or a low has first moved away by 11/6 of the
    volatility (110 bps where that is 60), or 12 bars.

    That stretch is a random walk like any other. But with probability `strength` it is turned, upside
    down where need be, so that it first moves away to the side on which the bar broke out; otherwise so
    that it first moves away to the other side. So 1.0 follows always, 0.0 never, and 0.5 is again a walk
    of which no direction can be foretold: a stretch and its mirror image are equally likely to begin with.

    Parameters
    ----------
    n, seed, interval, start, volatility_bps
        As for `random_walk`.
    strength
        Probability that a planted pattern is followed, 0 to 1.

    Raises
    ------
    DataError
        Where a parameter makes no bars.
    """
    _check(n, interval, volatility_bps)
    if not 0 <= strength <= 1:
        raise DataError(f"patterns cannot have a strength of {strength}.", cure="Give one from 0 to 1.")
    rng = np.random.default_rng(seed)
    parts: list[_Moves] = []
    made = 0
    while made < n:
        idle = _drawn(rng, int(rng.integers(0, _MOST_IDLE + 1)), volatility_bps)
        quiet = _drawn(rng, _QUIET_BARS, volatility_bps * _QUIET)
        side = 1 if rng.random() < 0.5 else -1
        breakout = _breaking_out(rng, quiet, side, volatility_bps)
        following = _following(rng, side if rng.random() < strength else -side, volatility_bps)
        parts += [idle, quiet, breakout, following]
        made += sum(map(len, parts[-4:]))
    return _bars(
        rng,
        _Moves.joined(parts).first(n),
        source=f"synthetic walk with planted patterns (seed {seed}, strength {strength:g})",
        interval=interval,
        start=start,
    )


def _check(n: int, interval: int, volatility_bps: int) -> None:
    if n < 1:
        raise DataError(f"{n} synthetic bars cannot be made.", cure="Ask for at least one.")
    if interval < 1:
        raise DataError(f"bars of {interval} seconds cannot be made.", cure="Give an interval of at least 1.")
    if not 1 <= volatility_bps <= 1_000:
        raise DataError(
            f"bars with a volatility of {volatility_bps} bps cannot be made.", cure="Give 1 to 1,000 bps."
        )


def _drawn(rng: np.random.Generator, n: int, volatility: float) -> _Moves:
    return _Moves(
        gap=np.where(rng.random(n) < _GAP_SHARE, rng.standard_normal(n) * volatility * _GAP_SIZE, 0.0),
        step=rng.standard_normal(n) * volatility,
        above=np.abs(rng.standard_normal(n)) * volatility * _WICK_SIZE,
        below=np.abs(rng.standard_normal(n)) * volatility * _WICK_SIZE,
    )


def _breaking_out(rng: np.random.Generator, quiet: _Moves, side: int, volatility: float) -> _Moves:
    """Return the bar that leaves the range of the quiet closes by more than that range."""
    closes = np.cumsum(quiet.gap + quiet.step)
    closes -= closes[-1]
    edge = closes.max() if side > 0 else -closes.min()
    drawn = _drawn(rng, 1, volatility)
    beyond = 1.1 * (closes.max() - closes.min()) + volatility * rng.uniform(0.5, 1.5)
    return _Moves(np.zeros(1), np.array([side * (edge + beyond)]), drawn.above, drawn.below)


def _following(rng: np.random.Generator, side: int, volatility: float) -> _Moves:
    """Return a stretch of walk that first moves away to one side."""
    moves = _drawn(rng, _LONGEST_FOLLOWING, volatility)
    closes = np.cumsum(moves.gap + moves.step)
    opens = closes - moves.step
    up = np.maximum(opens, closes) + moves.above >= _REACH * volatility
    down = np.minimum(opens, closes) - moves.below <= -_REACH * volatility
    away = np.flatnonzero(up | down)
    if not len(away):
        went = closes[-1]
    else:
        end = int(away[0])
        # Where one bar reached both sides, it counts for the side it closed towards.
        went = moves.step[end] if up[end] and down[end] else float(up[end]) - float(down[end])
        moves = moves.first(end + 1)
    return moves if went * side > 0 else moves.upside_down()


def _bars(rng: np.random.Generator, moves: _Moves, *, source: str, interval: int, start: int) -> Bars:
    """Walk the moves in whole units of price, so that the same bars come out wherever this runs."""
    n = len(moves)
    parts_per_billion = (np.rint(column * 1e5).astype(np.int64).tolist() for column in _columns(moves))
    prices = np.empty((n, 4), dtype=np.int64)
    last = FIRST_PRICE
    for row, (gap, step, above, below) in enumerate(zip(*parts_per_billion, strict=True)):
        opened = _moved(last, gap)
        last = _moved(opened, step)
        high = max(opened, last) + opened * above // 10**9
        low = max(1, min(opened, last) - opened * below // 10**9)
        prices[row] = opened, high, low, last
    return Bars(
        time=start + interval * np.arange(n, dtype=np.int64),
        open=prices[:, 0].copy(),
        high=prices[:, 1].copy(),
        low=prices[:, 2].copy(),
        close=prices[:, 3].copy(),
        volume=np.round(rng.exponential(1_000.0, n), 2),
        interval=interval,
        source=source,
        synthetic=True,
    )


def _columns(moves: _Moves) -> tuple[Floats, Floats, Floats, Floats]:
    return moves.gap, moves.step, moves.above, moves.below


def _moved(price: int, parts_per_billion: int) -> int:
    moved = price + price * parts_per_billion // 10**9
    return moved if moved >= _LOWEST_PRICE else price + price * abs(parts_per_billion) // 10**9
