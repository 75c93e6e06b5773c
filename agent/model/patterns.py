"""The named patterns: what each one means, in one definition for series, windows, single bars and contracts.

A rule reads closes through `agent.model.closes.Closes`, multiplies instead of dividing, and compares
integers only. Rules see differences between closes, never levels, so that adding a constant to every
close, or multiplying every close by one, finds the same patterns; turning prices upside down swaps
each pattern with its mirror image.

In formulas, ``c0`` is the bar's close and ``c5`` the close five bars before; ``H(i,j)``, ``L(i,j)`` and
``S(i,j)`` are the highest, the lowest and the sum of the closes ``ci`` to ``cj``, both included.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agent.errors import ModelError
from agent.model.closes import Closes, Ints, OneWindow, Windows, blocks, checked

__all__ = [
    "PATTERNS",
    "Pattern",
    "mask_of",
    "mask_of_window",
    "masks_of_windows",
    "names_of",
    "pattern_masks",
]


@dataclass(frozen=True, slots=True)
class Pattern:
    """One named pattern.

    Attributes
    ----------
    name
        As it is shown and saved.
    bit
        Its place in a mask: the pattern is present where ``mask >> bit & 1``.
    direction
        Where tradition expects the price to go next: 1 up, -1 down. A hint only; the model decides.
    definition
        One sentence.
    formula
        The same, exactly; notation as in the module's description.
    rule
        The same, to be computed.
    """

    name: str
    bit: int
    direction: int
    definition: str
    formula: str
    rule: Callable[[Closes], Any]


def _pattern(*, bit: int, direction: int, formula: str) -> Callable[[Callable[[Closes], Any]], Pattern]:
    def named(rule: Callable[[Closes], Any]) -> Pattern:
        return Pattern(rule.__name__, bit, direction, str(rule.__doc__), formula, rule)

    return named


@_pattern(bit=0, direction=1, formula="c0 > H(1,20)")
def breakout_up(c: Closes) -> Any:
    """The close is above each of the 20 closes before it."""
    return c.lag(0) > c.highest(1, 20)


@_pattern(bit=1, direction=-1, formula="c0 < L(1,20)")
def breakout_down(c: Closes) -> Any:
    """The close is below each of the 20 closes before it."""
    return c.lag(0) < c.lowest(1, 20)


@_pattern(
    bit=2,
    direction=1,
    formula="c0 > H(7,12) and c1 <= H(7,12) and H(25,31) > H(7,12)"
    " and 4*|L(13,24) - L(1,6)| <= H(7,12) - max(L(13,24), L(1,6))",
)
def double_bottom(c: Closes) -> Any:
    """After a fall, two lows a quarter of the shape's height apart at most, and now the first close above the high between them."""
    first, neck, second = c.lowest(13, 24), c.highest(7, 12), c.lowest(1, 6)
    level = 4 * abs(first - second) <= neck - c.larger(first, second)
    return (c.lag(0) > neck) & (c.lag(1) <= neck) & (c.highest(25, 31) > neck) & level


@_pattern(
    bit=3,
    direction=-1,
    formula="c0 < L(7,12) and c1 >= L(7,12) and L(25,31) < L(7,12)"
    " and 4*|H(13,24) - H(1,6)| <= min(H(13,24), H(1,6)) - L(7,12)",
)
def double_top(c: Closes) -> Any:
    """After a rise, two highs a quarter of the shape's height apart at most, and now the first close below the low between them."""
    first, neck, second = c.highest(13, 24), c.lowest(7, 12), c.highest(1, 6)
    level = 4 * abs(first - second) <= c.smaller(first, second) - neck
    return (c.lag(0) < neck) & (c.lag(1) >= neck) & (c.lowest(25, 31) < neck) & level


@_pattern(bit=4, direction=1, formula="c0 > c1 > c2 > c3 and c3 <= c4")
def run_up(c: Closes) -> Any:
    """The close has risen three bars in a row, and not in the bar before them."""
    risen = (c.lag(0) > c.lag(1)) & (c.lag(1) > c.lag(2)) & (c.lag(2) > c.lag(3))
    return risen & (c.lag(3) <= c.lag(4))


@_pattern(bit=5, direction=-1, formula="c0 < c1 < c2 < c3 and c3 >= c4")
def run_down(c: Closes) -> Any:
    """The close has fallen three bars in a row, and not in the bar before them."""
    fallen = (c.lag(0) < c.lag(1)) & (c.lag(1) < c.lag(2)) & (c.lag(2) < c.lag(3))
    return fallen & (c.lag(3) >= c.lag(4))


@_pattern(bit=6, direction=1, formula="4*S(0,4) > S(0,19) and 4*S(1,5) <= S(1,20)")
def cross_up(c: Closes) -> Any:
    """The mean of 5 closes has risen above the mean of 20 with this bar."""
    return (4 * c.total(0, 4) > c.total(0, 19)) & (4 * c.total(1, 5) <= c.total(1, 20))


@_pattern(bit=7, direction=-1, formula="4*S(0,4) < S(0,19) and 4*S(1,5) >= S(1,20)")
def cross_down(c: Closes) -> Any:
    """The mean of 5 closes has fallen below the mean of 20 with this bar."""
    return (4 * c.total(0, 4) < c.total(0, 19)) & (4 * c.total(1, 5) >= c.total(1, 20))


@_pattern(bit=8, direction=1, formula="3*S(1,10) > S(1,30) and 30*c1 > S(1,30) and c3 > c2 > c1 and c0 > c1")
def pullback_up(c: Closes) -> Any:
    """In an uptrend (mean of 10 above mean of 30), two falls that stayed above the mean of 30, then a rise."""
    slow = c.total(1, 30)
    trend = (3 * c.total(1, 10) > slow) & (30 * c.lag(1) > slow)
    return trend & (c.lag(3) > c.lag(2)) & (c.lag(2) > c.lag(1)) & (c.lag(0) > c.lag(1))


@_pattern(bit=9, direction=-1, formula="3*S(1,10) < S(1,30) and 30*c1 < S(1,30) and c3 < c2 < c1 and c0 < c1")
def pullback_down(c: Closes) -> Any:
    """In a downtrend (mean of 10 below mean of 30), two rises that stayed below the mean of 30, then a fall."""
    slow = c.total(1, 30)
    trend = (3 * c.total(1, 10) < slow) & (30 * c.lag(1) < slow)
    return trend & (c.lag(3) < c.lag(2)) & (c.lag(2) < c.lag(1)) & (c.lag(0) < c.lag(1))


def _squeezed(c: Closes) -> Any:
    """Whether the 8 closes before the bar spanned at most a third of what the 23 before them did."""
    return 3 * (c.highest(1, 8) - c.lowest(1, 8)) <= c.highest(9, 31) - c.lowest(9, 31)


@_pattern(
    bit=10, direction=1, formula="3*(H(1,8) - L(1,8)) <= H(9,31) - L(9,31) and c0 - H(1,8) > H(1,8) - L(1,8)"
)
def squeeze_up(c: Closes) -> Any:
    """After 8 closes within a third of the range before, a close above them by more than their range."""
    top = c.highest(1, 8)
    return _squeezed(c) & (c.lag(0) - top > top - c.lowest(1, 8))


@_pattern(
    bit=11, direction=-1, formula="3*(H(1,8) - L(1,8)) <= H(9,31) - L(9,31) and L(1,8) - c0 > H(1,8) - L(1,8)"
)
def squeeze_down(c: Closes) -> Any:
    """After 8 closes within a third of the range before, a close below them by more than their range."""
    bottom = c.lowest(1, 8)
    return _squeezed(c) & (bottom - c.lag(0) > c.highest(1, 8) - bottom)


PATTERNS: tuple[Pattern, ...] = (
    breakout_up,
    breakout_down,
    double_bottom,
    double_top,
    run_up,
    run_down,
    cross_up,
    cross_down,
    pullback_up,
    pullback_down,
    squeeze_up,
    squeeze_down,
)
"""All patterns, by bit."""

_BY_NAME = {pattern.name: pattern for pattern in PATTERNS}


def pattern_masks(closes: Ints) -> NDArray[np.uint32]:
    """Return the patterns present at each bar of a series.

    Parameters
    ----------
    closes
        Closes, shape (n,), integers from 1 to `agent.model.closes.MAX_CLOSE`.

    Returns
    -------
    ndarray of uint32, shape (n,)
        One mask per bar, read from that bar's close and the 31 before it; the first ``WINDOW - 1`` are 0.
    """
    closes = checked(closes)
    masks = np.zeros(len(closes), dtype=np.uint32)
    for place, series in blocks(closes):
        masks[place] = _masks(series, place.stop - place.start)
    return masks


def masks_of_windows(windows: Ints) -> NDArray[np.uint32]:
    """Return the patterns present at the last close of each window, for windows of shape (n, `WINDOW`)."""
    windows = checked(windows)
    return _masks(Windows(windows), len(windows))


def mask_of_window(window: Sequence[int] | Ints) -> int:
    """Return the patterns present at the last of `WINDOW` closes, given oldest first."""
    one = OneWindow(checked(np.asarray(window)).tolist())
    return sum(bool(pattern.rule(one)) << pattern.bit for pattern in PATTERNS)


def _masks(closes: Closes, n: int) -> NDArray[np.uint32]:
    masks = np.zeros(n, dtype=np.uint32)
    for pattern in PATTERNS:
        masks |= pattern.rule(closes).astype(np.uint32) << np.uint32(pattern.bit)
    return masks


def names_of(mask: int) -> tuple[str, ...]:
    """Return the names of the patterns in a mask, by bit.

    Raises
    ------
    ModelError
        Where the mask has a bit that no pattern stands for.
    """
    if int(mask) >> len(PATTERNS):
        raise ModelError(
            f"the mask {int(mask):#x} has bits that stand for no pattern.",
            cure=f"Patterns have the bits 0 to {len(PATTERNS) - 1}.",
        )
    return tuple(pattern.name for pattern in PATTERNS if int(mask) >> pattern.bit & 1)


def mask_of(names: Iterable[str]) -> int:
    """Return the mask of some patterns, given by name.

    Raises
    ------
    ModelError
        Where a name is not a pattern's.
    """
    mask = 0
    for name in names:
        if name not in _BY_NAME:
            near = get_close_matches(name, _BY_NAME, n=1)
            raise ModelError(
                f"there is no pattern {name!r}.",
                cure=f"Did you mean {near[0]!r}?" if near else f"The patterns are {', '.join(_BY_NAME)}.",
            )
        mask |= 1 << _BY_NAME[name].bit
    return mask
