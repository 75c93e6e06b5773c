"""The last closes: how definitions address them, one way for a whole series, many windows, or one bar.

Patterns and features are written once, against `Closes`, and read only the newest `WINDOW` closes of
the bar they describe; a bar after it cannot be addressed at all. All arithmetic is on integers and
every division floors (towards minus infinity), so a contract can repeat it digit for digit.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate
from operator import sub
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from agent.errors import ModelError

__all__ = [
    "LIMIT",
    "MAX_CLOSE",
    "WINDOW",
    "Closes",
    "OneWindow",
    "Series",
    "Windows",
    "blocks",
    "checked",
    "windows",
]

Ints = NDArray[np.int64]

WINDOW = 32
"""Number of closes a pattern or feature may read: the bar's own and the 31 before it."""

MAX_CLOSE = 2**51
"""Largest close, in the series' integer units, for which nothing here leaves 64 bits but where that is said."""

LIMIT = 2**24 - 1
"""Largest absolute value of a feature: exact in a 32-bit float, so no model rounds it."""

_BLOCK = 16_000
_MILLION = 1_000_000

# A float between 2**52 and 2**53 has no digits after the point: adding this rounds to the nearest integer, and leaves
# it in the low bits, which `_WHOLE_BITS` taken from them shows as an integer of 64 bits.
_WHOLE = 1.5 * 2.0**52
_WHOLE_BITS = int(np.float64(_WHOLE).view(np.int64))


class Closes(Protocol):
    """The newest `WINDOW` closes of one bar, or of many bars at once.

    A lag counts bars back: lag 0 is the bar's own close, lag 31 the oldest readable. Where two lags are
    given, ``i <= j`` and both ends are included. Each method returns one integer, or an array with one
    integer per bar; definitions combine them with ``+ - * < <= > >= & | ~ abs`` only.
    """

    def lag(self, k: int) -> Any:
        """Return the close `k` bars back."""

    def highest(self, i: int, j: int) -> Any:
        """Return the highest of the closes at lags i to j."""

    def lowest(self, i: int, j: int) -> Any:
        """Return the lowest of the closes at lags i to j."""

    def total(self, i: int, j: int) -> Any:
        """Return the sum of the closes at lags i to j."""

    def path(self, i: int, j: int) -> Any:
        """Return the way travelled between lags j and i: the sum of ``abs(lag(k) - lag(k + 1))``."""

    def larger(self, a: Any, b: Any) -> Any:
        """Return the larger of two values."""

    def smaller(self, a: Any, b: Any) -> Any:
        """Return the smaller of two values."""

    def ppm(self, a: Any, b: Any) -> Any:
        """Return ``floor(a * 10**6 / b)``, clipped to ±`LIMIT`; a `b` below one counts as one."""


class OneWindow:
    """One window as Python integers: the plainest form, and the quickest for a single bar.

    Nothing is carried over from the bar before: what could be is a tenth of the work, and a window that is
    read for itself alone is right after a gap and after a restart.

    Parameters
    ----------
    closes
        `WINDOW` closes, oldest first.
    """

    __slots__ = ("_highest", "_lowest", "_newest_first", "_paths", "_totals")

    def __init__(self, closes: Sequence[int]) -> None:
        newest_first = tuple(closes)[::-1]
        self._newest_first = newest_first
        self._totals = (0, *accumulate(newest_first))
        self._paths = (0, *accumulate(map(abs, map(sub, newest_first, newest_first[1:]))))
        self._highest: dict[tuple[int, int], int] = {}
        self._lowest: dict[tuple[int, int], int] = {}

    def lag(self, k: int) -> int:
        return self._newest_first[k]

    def highest(self, i: int, j: int) -> int:
        known = self._highest.get((i, j))
        if known is None:
            known = self._highest[i, j] = max(self._newest_first[i : j + 1])
        return known

    def lowest(self, i: int, j: int) -> int:
        known = self._lowest.get((i, j))
        if known is None:
            known = self._lowest[i, j] = min(self._newest_first[i : j + 1])
        return known

    def total(self, i: int, j: int) -> int:
        return self._totals[j + 1] - self._totals[i]

    def path(self, i: int, j: int) -> int:
        return self._paths[j] - self._paths[i]

    def larger(self, a: int, b: int) -> int:
        return max(a, b)

    def smaller(self, a: int, b: int) -> int:
        return min(a, b)

    def ppm(self, a: int, b: int) -> int:
        ratio = a * _MILLION // (b if b > 1 else 1)
        return ratio if -LIMIT <= ratio <= LIMIT else max(-LIMIT, min(LIMIT, ratio))


class _Arrays:
    """What both array forms share."""

    def larger(self, a: Ints, b: Ints) -> Ints:
        return np.maximum(a, b)

    def smaller(self, a: Ints, b: Ints) -> Ints:
        return np.minimum(a, b)

    def ppm(self, a: Ints, b: Ints) -> Ints:
        # Floats divide several times as fast as integers, and come within 2**-26 of a ratio that need not be clipped.
        # So its nearest integer is the one meant or the next above it, and the sign of what is left over tells which.
        if np.minimum.reduce(b, initial=1) < 1:
            b = np.maximum(b, 1)
        ratio = a.astype(np.float64)
        ratio /= b
        ratio *= _MILLION
        far = np.maximum.reduce(ratio, initial=0) > LIMIT - 1 or np.minimum.reduce(ratio, initial=0) < 1 - LIMIT
        if far:
            np.clip(ratio, -LIMIT - 2, LIMIT + 2, out=ratio)
        ratio += _WHOLE
        nearest = ratio.view(np.int64)
        nearest -= _WHOLE_BITS
        # Either product may wrap around 64 bits; their difference, of the size of b, is exact all the same.
        rest = a * _MILLION
        rest -= nearest * b
        rest >>= 63
        nearest += rest
        return np.clip(nearest, -LIMIT, LIMIT) if far else nearest


class Windows(_Arrays):
    """Many windows at once, one per row.

    Parameters
    ----------
    matrix
        Closes, shape (n, `WINDOW`), int64, oldest first in each row.
    """

    __slots__ = ("_matrix",)

    def __init__(self, matrix: Ints) -> None:
        self._matrix = matrix

    def lag(self, k: int) -> Ints:
        return self._matrix[:, WINDOW - 1 - k]

    def highest(self, i: int, j: int) -> Ints:
        return self._columns(i, j).max(axis=1)

    def lowest(self, i: int, j: int) -> Ints:
        return self._columns(i, j).min(axis=1)

    def total(self, i: int, j: int) -> Ints:
        return self._columns(i, j).sum(axis=1)

    def path(self, i: int, j: int) -> Ints:
        return np.abs(np.diff(self._columns(i, j), axis=1)).sum(axis=1)

    def _columns(self, i: int, j: int) -> Ints:
        return self._matrix[:, WINDOW - 1 - j : WINDOW - i]


class Series(_Arrays):
    """Every window of one series, without forming the windows.

    Sums come from running totals and extremes from spans of doubling length, so the cost of a
    definition does not grow with the lags it reads; what several definitions read is computed once.

    Parameters
    ----------
    closes
        Closes, shape (n,), int64, n >= `WINDOW`; results have n - `WINDOW` + 1 entries, one per window,
        and are not to be written to.
    """

    __slots__ = ("_closes", "_extremes", "_known", "_moves", "_n", "_totals")

    def __init__(self, closes: Ints) -> None:
        self._n = len(closes)
        self._closes = closes
        self._totals = np.concatenate(([0], np.cumsum(closes)))
        self._moves = np.concatenate(([0], np.cumsum(np.abs(np.diff(closes)))))
        self._extremes = {(np.maximum, 1): closes, (np.minimum, 1): closes}
        self._known: dict[tuple[object, int, int], Ints] = {}

    def lag(self, k: int) -> Ints:
        return self._aligned(self._closes, k)

    def highest(self, i: int, j: int) -> Ints:
        return self._extreme(np.maximum, i, j)

    def lowest(self, i: int, j: int) -> Ints:
        return self._extreme(np.minimum, i, j)

    def total(self, i: int, j: int) -> Ints:
        if ("total", i, j) not in self._known:
            # A running total may wrap around 64 bits; the difference is exact all the same.
            self._known["total", i, j] = self._aligned(self._totals[1:], i) - self._aligned(self._totals, j)
        return self._known["total", i, j]

    def path(self, i: int, j: int) -> Ints:
        if ("path", i, j) not in self._known:
            self._known["path", i, j] = self._aligned(self._moves, i) - self._aligned(self._moves, j)
        return self._known["path", i, j]

    def _aligned(self, values: Ints, back: int) -> Ints:
        """Return, for each window, the value `back` places before the window's last bar."""
        return values[WINDOW - 1 - back : self._n - back]

    def _extreme(self, extreme: np.ufunc, i: int, j: int) -> Ints:
        if (extreme, i, j) not in self._known:
            length = j - i + 1
            span = 1 << (length.bit_length() - 1)
            starts = self._spans(extreme, span)
            # Two overlapping spans cover the stretch: one starting at its oldest bar, one ending at its newest.
            self._known[extreme, i, j] = extreme(self._aligned(starts, j), self._aligned(starts, i + span - 1))
        return self._known[extreme, i, j]

    def _spans(self, extreme: np.ufunc, span: int) -> Ints:
        """Return the extreme of ``closes[s : s + span]`` for each s; `span` is a power of two."""
        if (extreme, span) not in self._extremes:
            half = self._spans(extreme, span // 2)
            self._extremes[extreme, span] = extreme(half[: len(half) - span // 2], half[span // 2 :])
        return self._extremes[extreme, span]


def checked(closes: Ints) -> Ints:
    """Return closes that every definition can compute with.

    Parameters
    ----------
    closes
        Integer closes, any shape.

    Returns
    -------
    ndarray of int64, same shape

    Raises
    ------
    TypeError
        Where the closes are not integers.
    ModelError
        Where one is below 1 or above `MAX_CLOSE`.
    """
    closes = np.asarray(closes)
    if closes.dtype.kind not in "iu":
        raise TypeError(f"closes must be integers, not {closes.dtype}")
    if closes.size and (closes.min() < 1 or closes.max() > MAX_CLOSE):
        wrong = int(closes.min()) if closes.min() < 1 else int(closes.max())
        raise ModelError(
            f"a close of {wrong} is outside the range of 1 to {MAX_CLOSE} that the patterns compute with.",
            cure="Give prices fewer decimals, so that their integers are smaller."
            if wrong > 1
            else "Prices must be positive.",
        )
    return closes.astype(np.int64, copy=False)


def blocks(closes: Ints) -> Iterator[tuple[slice, Series]]:
    """Cut a series into pieces that stay in the processor's cache, each with the closes before it.

    Yields
    ------
    (slice, Series)
        The positions of the bars described, and their windows. Together the slices cover
        ``WINDOW - 1`` to ``len(closes)``.
    """
    for first in range(WINDOW - 1, len(closes), _BLOCK):
        last = min(first + _BLOCK, len(closes))
        yield slice(first, last), Series(closes[first - WINDOW + 1 : last])


def windows(closes: Ints) -> Ints:
    """Return every window of a series as rows, shape (n - `WINDOW` + 1, `WINDOW`): a view, not a copy."""
    if len(closes) < WINDOW:
        return np.empty((0, WINDOW), dtype=np.int64)
    return np.lib.stride_tricks.sliding_window_view(closes, WINDOW)
