"""Rules around rules: what a row of features, the scores of a classifier or its probabilities are put through, one row at a time.

Each does what scikit-learn does, in the same order, so that what comes out is equal to the last bit.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agent.market.bars import Floats

__all__ = ["Believed", "Calibrated", "Mean", "Row", "Rule", "Scaled", "Softmax", "added"]

Row = NDArray[Any]
Rule = Callable[[Row], Floats]
"""Returns scores or probabilities of the classes for one row, shape (n_classes,)."""


# ---- before a classifier


@dataclass(frozen=True, slots=True, eq=False)
class Scaled:
    """A standard scaler, and what reads its output."""

    mean: Floats | None
    scale: Floats | None
    then: Rule

    def __call__(self, row: Row) -> Floats:
        if self.mean is not None:
            row = row - self.mean
        if self.scale is not None:
            row = row / self.scale
        return self.then(row)


# ---- after it


@dataclass(frozen=True, slots=True, eq=False)
class Softmax:
    """Probabilities from the scores of three classes or more."""

    scores: Rule

    def __call__(self, row: Row) -> Floats:
        scores = self.scores(row)
        shares = np.exp(scores - np.maximum.reduce(scores))
        return shares / np.add.reduce(shares)


@dataclass(frozen=True, slots=True, eq=False)
class Believed:
    """A classifier believed in part, and the base rates for the rest."""

    share: float
    rest: Floats
    rule: Rule

    def __call__(self, row: Row) -> Floats:
        return self.share * self.rule(row) + self.rest


@dataclass(frozen=True, slots=True, eq=False)
class Calibrated:
    """The scores of a classifier and, for each class, what its calibrator makes of them."""

    scores: Rule
    calibrators: Sequence[Any]

    def __call__(self, row: Row) -> Floats:
        scores = self.scores(row)
        made = [each.predict(scores[place : place + 1])[0] for place, each in enumerate(self.calibrators)]
        total = np.add.reduce(made)
        shares = np.array(made) / total if total != 0 else np.full(len(made), 1 / len(made))
        return np.minimum(shares, 1.0)


@dataclass(frozen=True, slots=True, eq=False)
class Mean:
    """The mean of several rules."""

    rules: Sequence[Rule]

    def __call__(self, row: Row) -> Floats:
        return added(np.stack([rule(row) for rule in self.rules])) / len(self.rules)


def added(rows: Floats) -> Floats:
    """Return the sum of some rows, added one after another: a plain sum may take them in another order."""
    return np.add.accumulate(rows, axis=0)[-1]
