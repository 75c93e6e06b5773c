"""How many digits after the point a series carries, so that its prices are whole numbers without loss."""

from __future__ import annotations

import numpy as np

from agent.market.bars import Floats, Ints

_USUAL = 8
_MOST = 18
_FEWEST_DIGITS = 6

# A decimal text becomes the nearest float64, and its product with a power of ten the nearest again: together within
# 2**-52 of the value. Below 2**51 that is under half a unit, so rounding returns the very digits of the text.
EXACT_BELOW = 2**51


def decimals_for(prices: Floats) -> int:
    """Return the digits after the point that positive prices of any shape need.

    8, or more (up to 18) where the smallest price would carry fewer than 6 significant digits; fewer where the
    largest price would leave the range in which a float64 is an exact whole number.
    """
    smallest, largest = float(prices.min()), float(prices.max())
    decimals = _USUAL
    while decimals < _MOST and smallest * 10.0**decimals < 10.0 ** (_FEWEST_DIGITS - 1):
        decimals += 1
    while decimals > 0 and largest * 10.0**decimals > EXACT_BELOW:
        decimals -= 1
    return decimals


def to_units(prices: Floats, decimals: int) -> Ints:
    """Return prices in whole units of ``10 ** -decimals``, rounded to the nearest."""
    return np.rint(prices * 10.0**decimals).astype(np.int64)


def rounded_off(prices: Floats, units: Ints, decimals: int) -> int:
    """Return how many prices differ by more than one part per million from their whole units."""
    return int(np.count_nonzero(np.abs(units / 10.0**decimals - prices) > 1e-6 * prices))
