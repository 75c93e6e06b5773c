"""The trained model: a fitted classifier with its manifest, asked for one bar or for a whole series."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agent.errors import ModelError
from agent.market.bars import Bars, Floats, Ints
from agent.model.alone import ROUNDING, apart, asked_again
from agent.model.classes import OUTCOMES, outcomes_of
from agent.model.closes import WINDOW
from agent.model.compiled import Compiled, compiled
from agent.model.estimators import comes_fitted
from agent.model.features import FEATURES, Features, feature_matrix, features_of_window
from agent.model.framed import framed
from agent.model.haste import in_time
from agent.model.manifest import Manifest
from agent.model.patterns import PATTERNS, mask_of_window, pattern_masks
from agent.model.reading import Reading, reading_of
from agent.model.reasons import Foreign
from agent.model.signal import Prediction, Predictions, inputs_hash, inputs_hash_of_bars
from agent.model.threads import one_thread

__all__ = ["TrainedModel", "probabilities_bps"]

_BPS = 10_000

# A probability computed as 0.29 may be a hair less than 0.29: a millionth of a basis point is forgiven before
# rounding down, so that it counts as 2,900.
_FORGIVEN = 1e-6

# Far above what the order of summation can move a probability, far below what is forgiven.
_DOUBTFUL = 1e-8

_SEE = "See patternsettle check, and let what it says of a bar depend on nothing that comes after it."
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
        """Number of bars, or closes, that `predict` reads."""
        return self.reading.reach

    @cached_property
    def reading(self) -> Reading:
        """How it reads bars."""
        return reading_of(self.estimator)

    @cached_property
    def _alone(self) -> Compiled | None:
        # Made once: what was trained does not change any more, and could not be saved if it did.
        return compiled(self.estimator, columns=len(self.reading.names))

    @property
    def reads_bars(self) -> bool:
        """Whether it reads whole bars, and not closes alone."""
        return self.reading.own

    @cached_property
    def elsewhere(self) -> bool:
        """Whether it came fitted: then its manifest tells on which bars it was measured, and only its maker what it knows."""
        return comes_fitted(self.estimator)

    @property
    def threshold_bps(self) -> int:
        """Least confidence of a signal."""
        return self.manifest.threshold_bps

    def predict(self, window: Sequence[int] | Ints | Bars) -> Prediction:
        """Say what the last of `window` bars, or closes, given oldest first, will lead to.

        Raises
        ------
        ValueError
            Where the window has another length.
        ModelError
            Where the estimator's answer is not a probability, or it reads whole bars and is given closes.
        """
        if self.reading.own:
            return self._predict_own(_whole(window))
        closes = np.asarray(window.close if isinstance(window, Bars) else window)
        if closes.shape != (WINDOW,):
            raise ValueError(f"a window has {WINDOW} closes, not shape {closes.shape}")
        features = features_of_window(closes)
        patterns = sum(present << bit for bit, present in enumerate(features[_FIRST_PATTERN:]))
        down, flat, up = self._asked(np.array(features, dtype=np.int32))
        return Prediction(patterns, down, flat, up, inputs_hash(closes.tolist()))

    def _predict_own(self, bars: Bars) -> Prediction:
        if len(bars) != self.window:
            raise ValueError(f"a window has {self.window} bars, not {len(bars)}")
        down, flat, up = self._asked(self.reading.of_last(bars, len(bars) - 1))
        return Prediction(
            mask_of_window(bars.close[-WINDOW:]), down, flat, up, inputs_hash_of_bars(self._read_of(bars))
        )

    def _read_of(self, bars: Bars) -> Bars:
        """Return a window with nothing beside it that is not read."""
        return replace(bars, beside=tuple((name, dict(bars.beside)[name]) for name, _ in self.reading.markets))

    def _asked(self, row: Features) -> Sequence[int]:
        """Return what `probabilities_bps` returns for one row."""
        if self._alone is None:
            return probabilities_bps(self.estimator, row[np.newaxis])[0].tolist()
        return _whole_bps(self._alone.classes, self._alone(row).tolist())

    def predict_series(self, series: Ints | Bars) -> Predictions:
        """Say the same of every bar of a series, exactly as `predict` would one bar at a time.

        Parameters
        ----------
        series
            Bars, or their closes, shape (n,).

        Raises
        ------
        ModelError
            As for `predict`, and as for `probabilities_bps`.
        """
        if self.reading.own:
            return self._predict_own_series(_whole(series))
        closes = series.close if isinstance(series, Bars) else series
        matrix = feature_matrix(closes)
        bps = np.zeros((len(closes), 3), dtype=np.int64)
        if len(closes) >= WINDOW:
            bps[WINDOW - 1 :] = probabilities_bps(self.estimator, matrix[WINDOW - 1 :], alone=self._alone)
        bits = np.uint32(1) << np.arange(len(PATTERNS), dtype=np.uint32)
        patterns = matrix[:, _FIRST_PATTERN:].astype(np.uint32) @ bits
        return Predictions(patterns, bps[:, 0], bps[:, 1], bps[:, 2])

    def _predict_own_series(self, bars: Bars) -> Predictions:
        bps = np.zeros((len(bars), 3), dtype=np.int64)
        masks = pattern_masks(bars.close)
        first = self.window - 1
        masks[:first] = 0
        if len(bars) > first:
            bps[first:] = probabilities_bps(
                self.estimator,
                self.reading.matrix(bars)[first:],
                alone=self._alone,
                known=lambda row: self.reading.of_last(bars, first + row),
            )
        return Predictions(masks, bps[:, 0], bps[:, 1], bps[:, 2])


def _whole(bars: object) -> Bars:
    if not isinstance(bars, Bars):
        raise ModelError(
            "this model reads whole bars, and was given closes.", cure="Give it the bars they belong to."
        )
    return bars


def probabilities_bps(
    estimator: Any,
    features: Features,
    *,
    alone: Compiled | None = None,
    known: Callable[[int], Features] | None = None,
) -> Ints:
    """Return the probabilities of -1, 0 and 1 in whole basis points, rounded down.

    Each row is answered as if it were the only one: a batch may differ from a single row in the last bits
    of a float, which can only matter next to a whole basis point, and those rows are asked again alone. So are
    some drawn from all: whoever answers those otherwise than in the batch reads rows that are still to come.

    Parameters
    ----------
    estimator
        Fitted classifier.
    features
        Shape (n, len(FEATURES)).
    alone
        The same classifier as `agent.model.compiled.compiled` made it quick for one row, if it did.
    known
        Returns the features of one row, read from nothing that came after it; None where those given are certain to be.

    Returns
    -------
    ndarray of int64, shape (n, 3)

    Raises
    ------
    ModelError
        Where an answer is not a probability, or another one alone than in the batch.
    """
    with one_thread():
        exact = _exact_bps(estimator, features)
        if len(features) > 1:
            _require_alike(estimator, features, exact, alone=alone, known=known)
            doubtful = (np.abs(exact - np.rint(exact)) < _DOUBTFUL).any(axis=1)
            for row in np.flatnonzero(doubtful).tolist():
                exact[row] = _exact_alone(estimator, features[row] if known is None else known(row), alone)
    return np.floor(exact).astype(np.int64)


def _require_alike(
    estimator: Any,
    features: Features,
    together: Floats,
    *,
    alone: Compiled | None,
    known: Callable[[int], Features] | None,
) -> None:
    chosen, read = asked_again(len(features)), known or features.__getitem__
    try:
        answers = np.array([_exact_alone(estimator, read(row), alone) for row in in_time(chosen)])
    except ModelError as error:
        raise ModelError(
            f"the model {type(estimator).__name__} answers many bars, but not one alone, as it is asked when it trades: "
            f"{error.problem}",
            cure=_SEE,
        ) from error
    chosen = chosen[: len(answers)]
    strayed = ~(apart(answers, together[chosen]) <= ROUNDING * _BPS)
    if strayed.any():
        raise ModelError(
            f"the model {type(estimator).__name__} answers differently alone than in a batch, at {strayed.sum()} of "
            f"{len(chosen)} bars, so it may read the future"
            f"{'' if known is None else ', or remember more than its window'}.",
            cure=_SEE,
        )


def _exact_alone(estimator: Any, row: Features, alone: Compiled | None) -> Floats:
    if alone is None:
        return _exact_bps(estimator, row[np.newaxis])[0]
    exact = np.full(len(OUTCOMES), _FORGIVEN)
    for label, probability in zip(alone.classes, alone(row).tolist(), strict=True):
        exact[OUTCOMES.index(label)] = _exact(probability)
    return exact


def _exact_bps(estimator: Any, features: Features) -> Floats:
    with Foreign(f"the model {type(estimator).__name__}"):
        columns = [OUTCOMES.index(label) for label in outcomes_of(estimator)]
        answer: NDArray[Any] = np.asarray(estimator.predict_proba(framed(estimator, features)))
        numbers = _numbers(answer)
    if answer.shape != (len(features), len(columns)):
        raise ModelError(
            f"the model answered with shape {answer.shape} for {len(features)} bars and {len(columns)} outcomes.",
            cure="predict_proba must give one probability per bar and class.",
        )
    if numbers is None:
        raise no_probability(str(answer.flat[0]))
    # A NaN fails this comparison too.
    if not ((numbers >= 0) & (numbers <= 1 + _FORGIVEN)).all():
        raise no_probability(numbers[~((numbers >= 0) & (numbers <= 1 + _FORGIVEN))][0])
    exact = np.zeros((len(features), len(OUTCOMES)))
    exact[:, columns] = np.minimum(numbers, 1) * _BPS
    return exact + _FORGIVEN


def _numbers(answer: NDArray[Any]) -> NDArray[Any] | None:
    """Return an answer as it is, or as floats where it is objects, such as fractions; None where it is no numbers."""
    if answer.dtype.kind in "biuf":
        return answer
    if answer.dtype.kind != "O":
        return None
    try:
        return answer.astype(np.float64)
    except (TypeError, ValueError):
        return None


def _whole_bps(classes: Sequence[int], answer: Sequence[float]) -> list[int]:
    """Return one answer in whole basis points: the same sums as for many, which numpy takes longer to begin than to do."""
    bps = [0] * len(OUTCOMES)
    for label, probability in zip(classes, answer, strict=True):
        bps[OUTCOMES.index(label)] = int(_exact(probability))
    return bps


def _exact(probability: float) -> float:
    if not 0 <= probability <= 1 + _FORGIVEN:
        raise no_probability(probability)
    return min(probability, 1) * _BPS + _FORGIVEN


def no_probability(answer: float | str) -> ModelError:
    return ModelError(
        f"the model answered {answer} where a probability was expected.",
        cure="Use a classifier whose predict_proba is defined for every bar.",
    )
