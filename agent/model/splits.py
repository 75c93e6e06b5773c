"""Time order: what may be learned from, what is left out, and what is kept for later."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from agent.errors import ModelError
from agent.market.bars import Bars, Ints
from agent.model.closes import WINDOW

__all__ = ["PurgedKFold", "Split", "purge", "split"]


class Split(NamedTuple):
    """A series cut in three, in time order, nothing in two parts."""

    training: Bars
    """What a model may learn from."""
    gap: Bars
    """Between the two: no label looks across it, and its last closes warm up the first window replayed."""
    replay: Bars
    """What is traded on."""


def purge(horizon: int, window: int = WINDOW) -> int:
    """Return how many bars must lie between two bars so that nothing read for one is read for the other.

    A bar is described by the `window` bars up to it, never fewer than the `WINDOW` closes that patterns need, and
    labelled by at most ``horizon + 1`` bars after it.
    """
    return horizon + max(window, WINDOW)


def split(bars: Bars, *, replay: int, horizon: int, window: int = WINDOW) -> Split:
    """Cut a series into training, gap and replay.

    The gap has `purge` bars, so no label of the training part and no window of the replayed part reaches
    into the other: the ``window - 1`` bars before the first bar replayed all lie in the gap.

    Parameters
    ----------
    bars
        The whole series.
    replay
        Number of bars at the end to keep for the replay.
    horizon
        Horizon of the labels in bars.
    window
        How many bars the model reads of each bar, itself included.

    Raises
    ------
    ModelError
        Where the series is too short to be cut so.
    """
    gap = purge(horizon, window)
    training = len(bars) - gap - replay
    if replay < 1:
        raise ModelError(f"{replay} bars cannot be replayed.", cure="Replay at least one.")
    if training < 1:
        raise ModelError(
            f"{len(bars)} bars do not suffice to replay {replay} after a gap of {gap}: nothing is left to train on.",
            cure=f"Replay fewer than {len(bars) - gap} bars, or give a longer series."
            if len(bars) > gap + 1
            else "Give a longer series.",
        )
    return Split(bars[:training], bars[training : training + gap], bars[training + gap :])


class PurgedKFold:
    """Contiguous folds of rows in time order, with the rows around each test fold left out of its training.

    Where each row is a bar of its own in ascending time, a gap of `purge` rows is at least as many bars, so
    nothing that labels or describes a row of the test fold is seen in training.
    M. López de Prado, *Advances in Financial Machine Learning* (2018), chapter 7.

    Parameters
    ----------
    n_splits
        Number of folds.
    gap
        Number of rows left out on either side of the test fold.
    """

    def __init__(self, n_splits: int = 4, gap: int = 0) -> None:
        self.n_splits = n_splits
        self.gap = gap

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:
        """Return the number of folds."""
        return self.n_splits

    def split(self, X: Any, y: Any = None, groups: Any = None) -> Iterator[tuple[Ints, NDArray[np.intp]]]:
        """Yield the rows to train on and the rows to test on, for each fold."""
        rows = np.arange(len(X))
        for test in np.array_split(rows, self.n_splits):
            first, last = test[0], test[-1]
            yield rows[(rows < first - self.gap) | (rows > last + self.gap)], test
