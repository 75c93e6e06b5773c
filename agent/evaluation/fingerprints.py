"""By what a series of bars is known again: its digits, and what its prices did, however they are written, cut or shifted."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from agent.market.bars import Bars, Floats

__all__ = ["ALIKE", "FEWEST_MOVES", "Fingerprint", "Moves", "alike", "fingerprint_of", "pieces_of"]

ALIKE = 0.8
"""Correlation of the signs of moves from which on two series are the same; bitcoin and ether at the same time reach 0.65."""

FEWEST_MOVES = 100
"""Moves that two series have in common below which nothing is said."""

_PIECE = 256
# Seconds between two prices. Whoever has bars of another interval still shares the longer ones.
_STEPS = (60, 300, 900, 3_600, 14_400, 86_400, 604_800)
_ANCHOR = 4 * 86_400  # a Monday
_MOST_MOVES = 20_000
_MOST_PHASES = 96


@dataclass(frozen=True, slots=True, eq=False)
class Moves:
    """Where the price went, step by step.

    Attributes
    ----------
    step
        Seconds of one.
    first
        Number of the first step since a Monday of 1970.
    signs
        1 up, -1 down, 0 where it stood still or nothing was traded, int8 of shape (steps,).
    """

    step: int
    first: int
    signs: NDArray[np.int8]

    def as_json(self) -> list[int | str]:
        """Return short JSON values: four signs to a byte."""
        two = (self.signs % 3).astype(np.uint8)
        bits = np.stack([two >> 1, two & 1], axis=1).ravel()
        return [self.step, self.first, len(self.signs), base64.b85encode(np.packbits(bits).tobytes()).decode()]

    @classmethod
    def from_json(cls, written: Iterable[int | str]) -> Moves:
        """Return what `as_json` gave.

        Raises
        ------
        ValueError, TypeError
            Where that is not what it gave.
        """
        step, first, count, text = written
        bits = np.unpackbits(np.frombuffer(base64.b85decode(str(text)), dtype=np.uint8))[: 2 * int(count)]
        pairs = bits.reshape(-1, 2).astype(np.int8)
        if len(pairs) != int(count):
            raise ValueError("it has not as many moves as it says")
        return cls(int(step), int(first), pairs[:, 1] - pairs[:, 0])


@dataclass(frozen=True, eq=False)
class Fingerprint:
    """By what a series is known again.

    Attributes
    ----------
    pieces
        See `pieces_of`.
    moves
        By the seconds of a step, as the log has them; a log of an earlier version has none.
    bars
        The series itself, where it is at hand.
    """

    pieces: tuple[str, ...]
    moves: Mapping[int, Moves]
    bars: Bars | None = None

    @cached_property
    def parts(self) -> frozenset[str]:
        return frozenset(self.pieces)

    def as_json(self) -> dict[str, list[str] | list[list[int | str]]]:
        """Return JSON values."""
        return {"pieces": list(self.pieces), "moves": [each.as_json() for each in self.moves.values()]}


def fingerprint_of(bars: Bars) -> Fingerprint:
    """Return by what a series is known again."""
    return Fingerprint(pieces_of(bars), {each.step: each for each in _moves(bars)}, bars)


def pieces_of(bars: Bars) -> tuple[str, ...]:
    """Return the hashes of the pieces of a series, by which it is known again when it was cut or grew.

    A piece is all bars between two times that are multiples of 256 intervals; the first and the last, which may be
    cut, are left out unless there are no others. Two series that share a piece are the same data.
    """
    number = bars.time // (_PIECE * bars.interval)
    starts = np.flatnonzero(np.diff(number, prepend=number[0] - 1))
    edges = [*starts.tolist(), len(bars)]
    pieces = [_hash(bars[a:b]) for a, b in pairwise(edges)]
    return tuple(pieces[1:-1] or pieces)


def _hash(bars: Bars) -> str:
    digest = hashlib.sha256(f"{len(bars)} {bars.interval}".encode() + bars.time.astype("<i8").tobytes())
    for column in (bars.open, bars.high, bars.low, bars.close):
        # As numbers, not as units: part of a file may carry fewer digits than the whole.
        digest.update((column / 10.0**bars.decimals).astype("<f8").tobytes())
    return digest.hexdigest()[:12]


def _moves(bars: Bars) -> Iterator[Moves]:
    """Return the moves in steps of the series' own interval, and in those longer ones that it fits into."""
    span = int(bars.time[-1] - bars.time[0]) + bars.interval
    steps = {bars.interval, *(step for step in _STEPS if step % bars.interval == 0)}
    for step in sorted(steps):
        if FEWEST_MOVES <= span // step <= _MOST_MOVES:
            yield _stepped(bars, step)


def _stepped(bars: Bars, step: int, *, phase: int = 0) -> Moves:
    """Return the moves of the price last known at each step, the steps `phase` seconds later than usual."""
    closed = bars.time + bars.interval - _ANCHOR - phase
    first, last = -(-int(closed[0]) // step), int(closed[-1]) // step
    known = np.searchsorted(closed, np.arange(first, last + 1, dtype=np.int64) * step, side="right") - 1
    return Moves(step, first + 1, np.sign(np.diff(bars.close[known])).astype(np.int8))


def alike(new: Fingerprint, known: Fingerprint) -> bool:
    """Return whether two series are the same data, or much of it.

    They are where they share a piece digit by digit. And they are where their prices moved alike: with the same signs, or
    all with the opposite ones, as a price and its inverse do, in at least `FEWEST_MOVES` steps at the same times, or in half
    of the shorter series at times that lie any constant apart. The correlation of signs knows neither units nor rounding;
    steps without a move, as where a bar is missing, are left out of it.

    Parameters
    ----------
    new
        The one whose bars are at hand.
    known
        One from the log.
    """
    if new.parts & known.parts:
        return True
    shared = [step for step in new.moves if step in known.moves]
    if any(_at_once(new.moves[step], known.moves[step]) for step in shared):
        return True
    return bool(shared) and new.bars is not None and _shifted(new.bars, known.moves[shared[0]])


def _at_once(one: Moves, other: Moves) -> bool:
    """Return whether two moved alike at the same times."""
    start = max(one.first, other.first)
    stop = min(one.first + len(one.signs), other.first + len(other.signs))
    if stop - start < FEWEST_MOVES:
        return False
    a, b = (each.signs[start - each.first : stop - each.first].astype(np.float64) for each in (one, other))
    return bool(_alike(np.atleast_1d(a @ b), abs(a) @ abs(b), a @ abs(b), abs(a) @ b, fewest=FEWEST_MOVES).any())


def _shifted(bars: Bars, known: Moves) -> bool:
    """Return whether bars moved as others did, any constant time before or after them."""
    phases = range(0, known.step, max(bars.interval, known.step // _MOST_PHASES))
    return any(_at_any_lag(_stepped(bars, known.step, phase=phase).signs, known.signs) for phase in phases)


def _at_any_lag(a: NDArray[np.int8], b: NDArray[np.int8]) -> bool:
    moved = min(int(np.count_nonzero(a)), int(np.count_nonzero(b)))
    fewest = max(FEWEST_MOVES, moved // 2)
    if moved < fewest:
        return False
    x, y = a.astype(np.float64), b.astype(np.float64)
    sums = (_at_all_lags(*pair).round() for pair in ((x, y), (abs(x), abs(y)), (x, abs(y)), (abs(x), y)))
    return bool(_alike(*sums, fewest=fewest).any())


def _at_all_lags(a: Floats, b: Floats) -> Floats:
    """Return the sums of products of two series at every lag, by the fast Fourier transform."""
    length = 1 << (len(a) + len(b) - 1).bit_length()
    return np.fft.irfft(np.fft.rfft(a, length) * np.conj(np.fft.rfft(b, length)), length)


def _alike(both: Floats, n: Floats, ones: Floats, others: Floats, *, fewest: int) -> NDArray[np.bool_]:
    """Return where signs correlate, of their sum of products, their number, and the sums of either."""
    spread = (n * n - ones * ones) * (n * n - others * others)
    # All to one side says nothing of being the same.
    return (
        (n >= fewest) & (spread > 0) & (abs(n * both - ones * others) >= ALIKE * np.sqrt(np.maximum(spread, 0.0)))
    )
