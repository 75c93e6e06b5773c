"""The last closes: how definitions address them, one way for a whole series, many windows, or one bar.

Patterns and features are written once, against `Closes`, and read only the newest `WINDOW` closes of
the bar they describe; a bar after it cannot be addressed at all. All arithmetic is on integers and
every division floors (towards minus infinity), so a contract can repeat it digit for digit.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
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
"""Largest close, in the series' integer units, for which no sum or product here leaves 64 bits."""

LIMIT = 2**24 - 1
"""Largest absolute value of a feature: exact in a 32-bit float, so no model rounds it."""

_BLOCK = 8_192
_MILLION = 1_000_000


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

    Parameters
    ----------
    closes
        `WINDOW` closes, oldest first.
    """

    __slots__ = ("_newest_first",)

    def __init__(self, closes: Sequence[int]) -> None:
        self._newest_first = tuple(closes)[::-1]

    def lag(self, k: int) -> int:
        return self._newest_first[k]

    def highest(self, i: int, j: int) -> int:
        return max(self._newest_first[i : j + 1])

    def lowest(self, i: int, j: int) -> int:
        return min(self._newest_first[i : j + 1])

    def total(self, i: int, j: int) -> int:
        return sum(self._newest_first[i : j + 1])

    def path(self, i: int, j: int) -> int:
        closes = self._newest_first
        return sum(abs(closes[k] - closes[k + 1]) for k in range(i, j))

    def larger(self, a: int, b: int) -> int:
        return max(a, b)

    def smaller(self, a: int, b: int) -> int:
        return min(a, b)

    def ppm(self, a: int, b: int) -> int:
        return max(-LIMIT, min(LIMIT, a * _MILLION // max(b, 1)))


class _Arrays:
    """What both array forms share."""

    def larger(self, a: Ints, b: Ints) -> Ints:
        return np.maximum(a, b)

    def smaller(self, a: Ints, b: Ints) -> Ints:
        return np.minimum(a, b)

    def ppm(self, a: Ints, b: Ints) -> Ints:
        b = np.maximum(b, 1)
        quotient, rest = np.divmod(a, b)
        # Long division in the largest base whose products still fit 64 bits: one step for most prices.
        base, steps = _digits(int(b.max(initial=1)).bit_length())
        # Whole parts beyond the limit are cut first: -18 and 17 still clip to the limit, and cannot overflow.
        result = np.clip(quotient, -18, 17)
        for _ in range(steps):
            digit, rest = np.divmod(rest * base, b)
            result = result * base + digit
        return np.clip(result, -LIMIT, LIMIT)


@cache
def _digits(bits: int) -> tuple[int, int]:
    """Return the base and number of steps that give six decimal digits of a quotient in 64 bits.

    The divisor is below ``2**bits``, and so is each remainder that gets multiplied by the base.
    """
    for base, steps in ((_MILLION, 1), (1_000, 2), (100, 3), (10, 6)):
        if base << bits < 2**63:
            return base, steps
    raise OverflowError(f"no 64-bit division by a number of {bits} bits")


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
    definition does not grow with the lags it reads.

    Parameters
    ----------
    closes
        Closes, shape (n,), int64, n >= `WINDOW`; results have n - `WINDOW` + 1 entries, one per window.
    """

    __slots__ = ("_closes", "_extremes", "_moves", "_n", "_totals")

    def __init__(self, closes: Ints) -> None:
        self._n = len(closes)
        self._closes = closes
        self._totals = np.concatenate(([0], np.cumsum(closes)))
        self._moves = np.concatenate(([0], np.cumsum(np.abs(np.diff(closes)))))
        self._extremes = {(np.maximum, 1): closes, (np.minimum, 1): closes}

    def lag(self, k: int) -> Ints:
        return self._aligned(self._closes, k)

    def highest(self, i: int, j: int) -> Ints:
        return self._extreme(np.maximum, i, j)

    def lowest(self, i: int, j: int) -> Ints:
        return self._extreme(np.minimum, i, j)

    def total(self, i: int, j: int) -> Ints:
        # A running total may wrap around 64 bits; the difference is exact all the same.
        return self._aligned(self._totals[1:], i) - self._aligned(self._totals, j)

    def path(self, i: int, j: int) -> Ints:
        return self._aligned(self._moves, i) - self._aligned(self._moves, j)

    def _aligned(self, values: Ints, back: int) -> Ints:
        """Return, for each window, the value `back` places before the window's last bar."""
        return values[WINDOW - 1 - back : self._n - back]

    def _extreme(self, extreme: np.ufunc, i: int, j: int) -> Ints:
        length = j - i + 1
        span = 1 << (length.bit_length() - 1)
        starts = self._spans(extreme, span)
        # Two overlapping spans cover the stretch: one starting at its oldest bar, one ending at its newest.
        return extreme(self._aligned(starts, j), self._aligned(starts, i + span - 1))

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
