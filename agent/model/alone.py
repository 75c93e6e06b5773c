"""Alone: which rows are asked about again, each as if it were the only one, and from where on two numbers are not the same."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from agent.market.bars import Floats, Ints

__all__ = ["ROUNDING", "apart", "asked_again", "differing", "told_apart", "usual_size"]

ROUNDING = 1e-9
"""Of a probability, or of a feature's usual size: what is computed in another order may differ by as much.

A sum over a window carries the digits lost in all that was added before the window: some 1e-16 of the sums, a few
orders more where numbers much larger than their difference are subtracted. Trees read 32-bit floats, which are 6e-8
apart, so nothing can be told to one below this.
"""

_ASKED_AGAIN = 60
_DIGITS = 8
_ALL_DIGITS = 17


def asked_again(count: int, *, seed: int = 0) -> Ints:
    """Return the places of the rows to ask about again, drawn from so many; with the same seed, the same ones."""
    return np.random.default_rng(seed).permutation(count)[:_ASKED_AGAIN]


def apart(alone: Floats, together: Floats) -> Floats:
    """Return by how much the answers about each row differ, shape (n,), nan where one of them is; see `ROUNDING`."""
    distance: Floats = np.abs(alone - together).max(axis=1, initial=0)
    return distance


def usual_size(features: Floats) -> Floats:
    """Return the usual size of each column of features, shape (n, k): the mean of what is finite, without signs; shape (k,)."""
    finite = np.where(np.isfinite(features), np.abs(features), 0)
    mean: Floats = finite.mean(axis=0)
    return mean


def differing(some: Floats, others: Floats, size: Floats) -> NDArray[np.bool_]:
    """Return which features are not the same, beyond `ROUNDING` of their size.

    Parameters
    ----------
    some, others
        Features, shape (n, k) or (k,).
    size
        Of each column, see `usual_size`, shape (k,).
    """
    with np.errstate(invalid="ignore", over="ignore"):
        distant = np.abs(some - others) > ROUNDING * np.maximum(size, np.abs(others))
    # An infinity less itself is nan, and so is what is not known yet; those must be alike as they stand.
    finite = np.isfinite(some) & np.isfinite(others)
    alike = (some == others) | (np.isnan(some) & np.isnan(others))
    return np.where(finite, distant, ~alike)


def told_apart(one: Any, other: Any) -> tuple[str, str]:
    """Return two numbers in as many digits as it takes to see that they are not the same."""
    for digits in range(_DIGITS, _ALL_DIGITS):
        if f"{one:.{digits}g}" != f"{other:.{digits}g}":
            return f"{one:.{digits}g}", f"{other:.{digits}g}"
    return f"{one:.{_ALL_DIGITS}g}", f"{other:.{_ALL_DIGITS}g}"
