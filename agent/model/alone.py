"""Alone: which rows are asked about again, each as if it were the only one, and how far apart the answers may be."""

from __future__ import annotations

import numpy as np

from agent.market.bars import Floats, Ints

__all__ = ["ROUNDING", "apart", "asked_again"]

ROUNDING = 1e-9
"""Of a probability: sums taken in another order differ by less, and what a row learns from others tells by more."""

_ASKED_AGAIN = 60


def asked_again(count: int, *, seed: int = 0) -> Ints:
    """Return the places of the rows to ask about again, drawn from so many; with the same seed, the same ones."""
    return np.random.default_rng(seed).permutation(count)[:_ASKED_AGAIN]


def apart(alone: Floats, together: Floats) -> Floats:
    """Return by how much the answers about each row differ, shape (n,), nan where one of them is; see `ROUNDING`."""
    return np.abs(alone - together).max(axis=1, initial=0)
