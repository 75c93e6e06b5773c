"""Reading: what a model is told of each bar, the features of this project or features that it brings itself."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from math import gcd
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from agent.errors import ModelError
from agent.market.bars import Bars
from agent.model.closes import WINDOW
from agent.model.features import FEATURES, feature_matrix, fingerprint
from agent.model.inputs import Input, inputs_of, reads_beside
from agent.model.reasons import Foreign, reason

__all__ = ["LONGEST", "Reader", "Reading", "brings_features", "reading_of"]

LONGEST = 5_000
"""Bars that one's own features may need: so many are read for each decision, and left out between training and test."""


class Reader(Protocol):
    """A classifier that reads bars in its own way: any scikit-learn classifier with these beside it.

    Attributes
    ----------
    feature_names
        Names of the columns of `features`, in order.
    window
        How many bars the features of one bar need, itself included, from 1 to `LONGEST`: that many are read for a
        decision, and kept apart wherever one part of a series must know nothing of another. What remembers
        everything, as an exponential mean does, needs as many as it takes to forget the rest.
    exact_window
        True where each row is to be read from its own window and nothing else, in a series too; it may be left out.
        Then whatever `features` remembers begins anew with each window, at the price of one call for each.
    inputs
        What it reads beside the bars, by name; it may be left out. `features` is given each as a keyword, an
        `agent.model.inputs.Beside`.
    """

    feature_names: Sequence[str]
    window: int

    def features(self, bars: Bars) -> NDArray[Any]:
        """Return the features of each bar, shape (n, len(feature_names)), fitted or not.

        Row i is read from bar i and the ``window - 1`` before it, and finite once there are so many.
        """


@dataclass(frozen=True, slots=True)
class Reading:
    """How bars become the rows that a model is asked with.

    Attributes
    ----------
    names
        Names of the features, in order.
    read
        Returns those of each bar of a series; `matrix` does too, and looks at what it returned.
    window
        How many bars those of one bar need, itself included.
    own
        Whether the model brought them: then it reads whole bars, and else closes alone.
    exact
        Whether each row is read from its window alone, in a series too.
    inputs
        What is read beside the bars, by name.
    """

    names: tuple[str, ...]
    read: Callable[[Bars], NDArray[Any]]
    window: int = WINDOW
    own: bool = False
    exact: bool = False
    inputs: tuple[tuple[str, Input], ...] = ()

    @property
    def markets(self) -> tuple[tuple[str, str], ...]:
        """The other markets it reads, each with the name it is read under."""
        return tuple((name, each.market) for name, each in self.inputs if each.market)

    @property
    def reach(self) -> int:
        """How many bars one decision reads: a window, and never fewer than the `WINDOW` closes that patterns need."""
        return max(self.window, WINDOW)

    def matrix(self, bars: Bars) -> NDArray[Any]:
        """Return the features of each bar of a series.

        Returns
        -------
        ndarray, shape (n, len(names))
            Rows without a full window are not to be used.

        Raises
        ------
        ModelError
            Where they cannot be had, have another shape, or are not finite where they should be.
        """
        if not self.own:
            return self.read(bars)
        with Foreign(f"the features of {len(bars)} bars"):
            made = self._by_windows(bars) if self.exact else self._made(bars)
        known = self._known - 1
        whole = np.isfinite(made[known:].astype(np.float64))
        if not whole.all():
            row, column = np.argwhere(~whole)[0].tolist()
            raise ModelError(
                f"the feature {self.names[column]!r} is not finite at bar {row + known} of {len(bars)}.",
                cure=f"Make it finite wherever {self._known} bars are known"
                f"{'' if self.window >= LONGEST else ', or state a longer window if it needs more'}.",
            )
        return made

    def of_last(self, bars: Bars, place: int) -> NDArray[Any]:
        """Return the features of one bar of a series as they are when it has just closed, read from its window alone.

        Parameters
        ----------
        bars
            The series.
        place
            Which bar, with at least `reach` - 1 before it.

        Returns
        -------
        ndarray, shape (len(names),)
        """
        row: NDArray[Any] = self.matrix(bars[place + 1 - self._known : place + 1])[-1]
        return row

    @property
    def _known(self) -> int:
        """How many bars are known where a row is to be finite."""
        return self.window if self.exact else self.reach

    def _by_windows(self, bars: Bars) -> NDArray[Any]:
        made = np.full((len(bars), len(self.names)), np.nan)
        for stop in range(self.window, len(bars) + 1):
            made[stop - 1] = self._made(bars[stop - self.window : stop])[-1]
        return made

    def _made(self, bars: Bars) -> NDArray[Any]:
        try:
            made = np.asarray(self.read(bars))
        except _WRONG as error:
            raise ModelError(
                f"the features of {len(bars)} bars cannot be had: {reason(error)}.",
                cure="Mend the model's features.",
            ) from error
        if made.shape != (len(bars), len(self.names)):
            raise ModelError(
                f"the features of {len(bars)} bars have the shape {made.shape}, and {len(self.names)} names.",
                cure="Return one row per bar, and the same columns whatever the bars.",
            )
        return made

    def fingerprint(self) -> str:
        """Return a hash of what the features compute, not of what they are called."""
        if not self.own:
            return fingerprint()
        count = self.reach + _FEW if self.exact else max(_FIXED, self.reach + _FIXED // 2)
        bars = _fixed(count, gcd(_HOUR, *(each.interval for _, each in self.inputs if each.interval)))
        if self.markets:
            backwards = {
                name: getattr(bars, name)[::-1].copy() for name in ("open", "high", "low", "close", "volume")
            }
            bars = replace(bars, beside=tuple((name, replace(bars, **backwards)) for name, _ in self.markets))
        made = np.asarray(self.matrix(bars), dtype="<f8")[self.reach - 1 :]
        return hashlib.sha256(made.tobytes()).hexdigest()


_FIXED, _FEW, _HOUR = 2_048, 256, 3_600

# What a mistake in a few lines of numpy raises.
_WRONG = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)

_OURS = Reading(FEATURES, lambda bars: feature_matrix(bars.close))


def brings_features(estimator: Any) -> bool:
    """Whether an estimator reads bars in its own way."""
    return callable(getattr(estimator, "features", None))


def reading_of(estimator: Any) -> Reading:
    """Return how an estimator reads bars.

    Raises
    ------
    ModelError
        Where it brings features and does not say what they are called, or how many bars they need, or they
        need more than there are.
    """
    if not brings_features(estimator):
        return _OURS
    kind = type(estimator).__name__
    names, window = getattr(estimator, "feature_names", None), getattr(estimator, "window", None)
    if names is None or window is None:
        raise ModelError(
            f"the classifier {kind} brings its own features, and has no {'feature_names' if names is None else 'window'}.",
            cure="Give it feature_names, and as window the number of bars that the features of one bar need.",
        )
    if type(window) is not int or not 1 <= window <= LONGEST:
        raise ModelError(
            f"the features of {kind} need {window!r} bars.",
            cure=f"State a whole number from 1 to {LONGEST:,} as window: so many are read for each decision, and kept apart "
            "between what a model knows and what it is tried on.",
        )
    exact = getattr(estimator, "exact_window", False)
    if not isinstance(exact, bool):
        raise ModelError(
            f"the features of {kind} have the exact_window {exact!r}.",
            cure="Set exact_window = True, or leave it out.",
        )
    inputs = inputs_of(estimator)
    read = reads_beside(estimator.features, inputs)
    return Reading(tuple(names), read, window, own=True, exact=exact, inputs=inputs)


@cache
def _fixed(count: int, interval: int) -> Bars:
    """Return bars that are the same wherever this runs, whatever numpy's version, and swing enough to reach every rule."""
    state, close, rows = 1, 10**9, []
    for place in range(count):
        draws = []
        for _ in range(5):
            state = (state * 6_364_136_223_846_793_005 + 1_442_695_040_888_963_407) % 2**64
            draws.append((state >> 40) % 2_001 - 1_000)
        calm = 100_000 * (20 if place // 16 % 3 == 0 else 1)
        opened = max(10**6, close + close * draws[0] // (10 * calm))
        close = max(10**6, opened + opened * draws[1] // calm)
        high, low = max(opened, close), min(opened, close)
        high += high * max(0, draws[2]) // calm
        low -= low * max(0, draws[3]) // calm
        rows.append((interval * place, opened, high, low, close, 1_000 + draws[4]))
    time, opened, high, low, close, volume = np.array(rows, dtype=np.int64).T.copy()
    return Bars(time, opened, high, low, close, volume=volume.astype(np.float64), interval=interval)
