"""The trained model: a fitted classifier with its manifest, asked for one bar or for a whole series."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agent.errors import ModelError
from agent.market.bars import Floats, Ints
from agent.model.closes import WINDOW
from agent.model.features import FEATURES, Features, feature_matrix, features_of_window
from agent.model.manifest import Manifest
from agent.model.patterns import PATTERNS
from agent.model.signal import Prediction, Predictions, inputs_hash

__all__ = ["TrainedModel", "probabilities_bps"]

_BPS = 10_000
_OUTCOMES = (-1, 0, 1)

# A probability computed as 0.29 may be a hair less than 0.29: a millionth of a basis point is forgiven before
# rounding down, so that it counts as 2,900.
_FORGIVEN = 1e-6

# Far above what the order of summation can move a probability, far below what is forgiven.
_DOUBTFUL = 1e-8

_FIRST_PATTERN = len(FEATURES) - len(PATTERNS)


@dataclass(frozen=True, eq=False)
class TrainedModel:
    """A fitted classifier and what is known about it.

    Attributes
    ----------
    estimator
        Fitted scikit-learn classifier of the features, with classes among -1, 0 and 1.
    manifest
        Its manifest.
    """

    estimator: Any
    manifest: Manifest

    @cached_property
    def id(self) -> str:
        """Hash of the model's artifact, ``0x`` and 64 hex digits."""
        return self.manifest.id

    @property
    def window(self) -> int:
        """Number of closes that `predict` reads."""
        return WINDOW

    @property
    def threshold_bps(self) -> int:
        """Least confidence of a signal."""
        return self.manifest.threshold_bps

    def predict(self, window: Sequence[int] | Ints) -> Prediction:
        """Say what the last of `WINDOW` closes, given oldest first, will lead to.

        Raises
        ------
        ValueError
            Where the window has another length.
        ModelError
            Where the estimator's answer is not a probability.
        """
        closes = np.asarray(window)
        if closes.shape != (WINDOW,):
            raise ValueError(f"a window has {WINDOW} closes, not shape {closes.shape}")
        features = features_of_window(closes)
        patterns = sum(present << bit for bit, present in enumerate(features[_FIRST_PATTERN:]))
        row = np.array([features], dtype=np.int32)
        down, flat, up = probabilities_bps(self.estimator, row)[0].tolist()
        return Prediction(patterns, down, flat, up, inputs_hash(closes.tolist()))

    def predict_series(self, closes: Ints) -> Predictions:
        """Say the same of every bar of a series, exactly as `predict` would one bar at a time.

        Parameters
        ----------
        closes
            Closes, shape (n,).
        """
        matrix = feature_matrix(closes)
        bps = np.zeros((len(closes), 3), dtype=np.int64)
        if len(closes) >= WINDOW:
            bps[WINDOW - 1 :] = probabilities_bps(self.estimator, matrix[WINDOW - 1 :])
        bits = np.uint32(1) << np.arange(len(PATTERNS), dtype=np.uint32)
        patterns = matrix[:, _FIRST_PATTERN:].astype(np.uint32) @ bits
        return Predictions(patterns, bps[:, 0], bps[:, 1], bps[:, 2])


def probabilities_bps(estimator: Any, features: Features) -> Ints:
    """Return the probabilities of -1, 0 and 1 in whole basis points, rounded down.

    Each row is answered as if it were the only one: a batch may differ from a single row in the last bits
    of a float, which can only matter next to a whole basis point, and those rows are asked again alone.

    Parameters
    ----------
    estimator
        Fitted classifier.
    features
        Shape (n, len(FEATURES)).

    Returns
    -------
    ndarray of int64, shape (n, 3)

    Raises
    ------
    ModelError
        Where an answer is not a probability.
    """
    exact = _exact_bps(estimator, features)
    if len(features) > 1:
        doubtful = (np.abs(exact - np.rint(exact)) < _DOUBTFUL).any(axis=1)
        for row in np.flatnonzero(doubtful).tolist():
            exact[row] = _exact_bps(estimator, features[row : row + 1])[0]
    return np.floor(exact).astype(np.int64)


def _exact_bps(estimator: Any, features: Features) -> Floats:
    answer: NDArray[Any] = np.asarray(estimator.predict_proba(features))
    if answer.shape != (len(features), len(estimator.classes_)):
        raise ModelError(
            f"the model answered with shape {answer.shape} for {len(features)} bars and "
            f"{len(estimator.classes_)} outcomes.",
            cure="predict_proba must give one probability per bar and class.",
        )
    # A NaN fails this comparison too.
    if not ((answer >= 0) & (answer <= 1 + _FORGIVEN)).all():
        raise ModelError(
            f"the model answered {answer[~((answer >= 0) & (answer <= 1 + _FORGIVEN))][0]} where a probability was expected.",
            cure="Use a classifier whose predict_proba is defined for every bar.",
        )
    exact = np.zeros((len(features), len(_OUTCOMES)))
    exact[:, [_OUTCOMES.index(int(label)) for label in estimator.classes_]] = np.minimum(answer, 1) * _BPS
    return exact + _FORGIVEN
