"""Whether a classifier learns each label with the row it belongs to, and not with the one beside it.

Labels shifted by one row hide in a ``fit``: the features of a bar then stand beside the outcome of the bar
before, of which they tell a good part, for they are that bar's tomorrow. Such a model looks splendid on
labels shifted likewise. Rows in an order of chance bring it to light: what belongs to a row can be learned
from its neighbour by no one else.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, clone

from agent.market.bars import Floats
from agent.market.synthetic import random_walk
from agent.model.conformity.probes import accompanied
from agent.model.conformity.result import Finding
from agent.model.conformity.subject import Subject, rows, values

__all__ = ["aligned", "can_learn"]

_BARS = 2_000
_MOST_ROWS = 1_600
_FEWEST_ROWS = 200
_OFFSETS = (1, -1, 2, -2, 3, -3)

# Of three labels, each on a third of the rows: what luck alone never reaches, what learning leads luck by, and what
# settles it.
_LEARNED, _LEAD, _PLAIN = 0.55, 0.15, 0.8


def can_learn(subject: Subject) -> bool:
    """Whether the estimator can be made anew and fitted, so that this can be asked of it."""
    return isinstance(subject.estimator, BaseEstimator) and hasattr(subject.estimator, "fit")


def aligned(subject: Subject) -> Finding:
    """Whether a new model of the same kind learns labels from the rows they belong to, and from no others."""
    walk = random_walk(_BARS + subject.extra, seed=subject.seed, interval=subject.interval)
    bars = accompanied(walk, subject.bars, seed=subject.seed)
    features = subject.features(bars)
    asked = np.random.default_rng(subject.seed).permutation(subject.asked(features))[:_MOST_ROWS]
    if len(asked) < _FEWEST_ROWS:
        return Finding(False, f"its features are finite at only {len(asked)} of {len(bars)} bars.")
    shuffled = rows(features, asked)
    labels = _rule(values(shuffled))
    own = _learned(subject, shuffled, labels, offset=0)
    taught = f"a new one, taught {len(asked) // 2} rows in an order of chance and a rule for their labels,"
    tells = f"{taught} tells {own:.0%} of the labels of as many others"
    if own > _PLAIN:
        return Finding(True, f"{tells}, where luck tells 33%.")
    for offset in _OFFSETS:
        learned = _learned(subject, shuffled, labels, offset=offset)
        if learned > max(_LEARNED, own + _LEAD):
            count = "the row" if abs(offset) == 1 else f"the row {abs(offset)}"
            where = "before, whose outcome its features know" if offset > 0 else "after"
            moved = f"{tells}, and {learned:.0%} once the labels have moved"
            return Finding(False, f"{moved}: it learns each row with the label of {count} {where}.")
    if own > _LEARNED:
        return Finding(True, f"{tells}, and less wherever else the labels stand.")
    return Finding(True, f"{taught} learned little of them, and no more of their neighbours'.")


def _rule(features: Floats) -> NDArray[np.int8]:
    """Return labels in three classes of one size, by the direction in which the rows differ third most.

    Along the first, trend, whatever a model makes of noise lies too, and would be right or wrong as a whole by luck.
    """
    spread = features.std(axis=0)
    standard = (features - features.mean(axis=0)) / np.where(spread > 0, spread, 1)
    directions = np.linalg.eigh(standard.T @ standard).eigenvectors
    along = standard @ directions[:, -min(3, directions.shape[1])]
    low, high = np.quantile(along, [1 / 3, 2 / 3])
    return ((along > high).astype(np.int8) - (along < low).astype(np.int8)).astype(np.int8)


def _learned(subject: Subject, features: Any, labels: NDArray[np.int8], *, offset: int) -> float:
    """Return the share of labels that a model tells right, taught with labels that many rows off.

    It is fitted on the first half and asked about the second. Which class is likeliest is all that counts, for
    there are good models whose probabilities all lie close together.
    """
    half = len(labels) // 2
    estimator = clone(subject.estimator)
    with warnings.catch_warnings():
        # What a fit has to say of these rows and labels, which are of no market, helps no one.
        warnings.simplefilter("ignore")
        estimator.fit(features[:half], np.roll(labels, -offset)[:half])
    said = np.asarray(estimator.classes_)[np.asarray(estimator.predict_proba(features[half:])).argmax(axis=1)]
    return float(np.mean(said == labels[half:]))
