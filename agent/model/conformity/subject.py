"""What is under examination: something that reads bars and answers probabilities, in whichever form it was handed over."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, clone

from agent.errors import ModelError
from agent.market.bars import Bars, Floats, Ints
from agent.market.synthetic import planted
from agent.model.artifact import load
from agent.model.closes import WINDOW
from agent.model.conformity.result import told
from agent.model.estimators import Factory, made_by, resolve
from agent.model.features import FEATURES, feature_matrix
from agent.model.framed import framed
from agent.model.inputs import inputs_of, reads_beside
from agent.model.labels import DEFAULT_BARRIERS, DRIFT_BPS, Barriers, least_barrier_bps, triple_barrier
from agent.model.named import is_saved
from agent.model.patterns import pattern_masks
from agent.model.reading import brings_features, reading_of
from agent.model.reasons import Attempt
from agent.model.splits import purge, split
from agent.model.threads import one_thread
from agent.model.train import train
from agent.model.trained import TrainedModel

__all__ = ["EXAMINED", "FeatureModel", "Subject", "needs_training", "subject_of"]

EXAMINED = 800
"""Bars a model is examined on."""

_TRAINED = 2_500
_FEWEST = 200
_FEW = 300
_FEWEST_TO_TRAIN = 1_000


class FeatureModel(Protocol):
    """A classifier that reads bars in its own way: any scikit-learn classifier with these two beside it.

    Its `features` are what it is fitted on and asked with: ``predict_proba(features(bars))``. A bar whose
    features are not all finite is one it abstains from; it is not asked about it. To be saved and run, and not
    only examined, it is an `agent.model.reading.Reader`: it also says how many bars it needs.

    Attributes
    ----------
    feature_names
        Names of the columns of `features`, in order.
    """

    feature_names: Sequence[str]

    def features(self, bars: Bars) -> NDArray[Any]:
        """Return the features of each bar, shape (n, len(feature_names)), row i read from bars 0 to i only."""


@dataclass(frozen=True, eq=False)
class Subject:
    """A fitted model, how it reads bars, and the bars it is examined on.

    Attributes
    ----------
    estimator
        Answers with ``predict_proba``, one column per class of its ``classes_``.
    read
        Returns the features of each bar of a series.
    names
        Their names.
    warm_up
        Bars at the start of a series about which it is never asked.
    bars
        Bars it was not trained on, as far as is known.
    seed
        Seed of whatever is drawn while it is examined.
    trained
        The estimator with its manifest; None where it has none.
    refused
        Why it has none although it was trained here, or "".
    trusted
        Types that loading it may create beyond those known to be safe.
    """

    estimator: Any
    read: Callable[[Bars], Any]
    names: tuple[str, ...]
    warm_up: int
    bars: Bars
    seed: int
    trained: TrainedModel | None = None
    refused: str = ""
    trusted: tuple[str, ...] = ()

    @property
    def classes(self) -> tuple[int, ...]:
        """The classes, in the order of the columns of its answers."""
        return tuple(np.asarray(self.estimator.classes_).tolist())

    @property
    def interval(self) -> int:
        """Seconds of a bar."""
        return self.trained.manifest.interval if self.trained is not None else self.bars.interval

    @property
    def extra(self) -> int:
        """How many more bars it needs before it is first asked than a model of this project's features."""
        return max(0, self.warm_up + 1 - WINDOW)

    def features(self, bars: Bars) -> Any:
        """Return the features of each bar, an array or data frame of shape (n, len(names)).

        Raises
        ------
        ModelError
            Where they are anything else.
        """
        return framed(self.estimator, _read(self.read, bars, len(self.names)))

    def asked(self, features: Any) -> Ints:
        """Return the places of the bars it is asked about: those with finite features, after the warm-up."""
        finite = np.isfinite(values(features)).all(axis=1)
        finite[: self.warm_up] = False
        return np.flatnonzero(finite)

    def asking(self) -> tuple[Ints, Any]:
        """Return the places of the examined bars it is asked about, and their features.

        Raises
        ------
        ModelError
            Where there are none: nothing can be learned of what is never asked.
        """
        features = self.features(self.bars)
        asked = self.asked(features)
        if not len(asked):
            raise ModelError(
                f"its features are finite at none of {len(self.bars)} bars, so it is never asked.",
                cure="Give more bars if it needs more before the first.",
            )
        return asked, rows(features, asked)

    def answer(self, features: Any) -> NDArray[Any]:
        """Return what it answers for some rows, as it answers."""
        return np.asarray(self.estimator.predict_proba(features))

    def probabilities(self, bars: Bars) -> Floats:
        """Return what it says of each bar, shape (n, len(classes)), nan where it is not asked."""
        features = self.features(bars)
        asked = self.asked(features)
        said = np.full((len(bars), len(self.classes)), np.nan)
        if len(asked):
            said[asked] = self.answer(rows(features, asked))
        return said


def values(features: Any) -> Floats:
    """Return features as plain numbers."""
    return np.asarray(features, dtype=np.float64)


def rows(features: Any, places: Any) -> Any:
    """Return some rows of an array, or of a data frame as a data frame: a model fitted on names wants them."""
    return features.iloc[places] if hasattr(features, "iloc") else features[places]


def _read(read: Callable[[Bars], Any], bars: Bars, columns: int | None) -> Any:
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        # A division by zero is no news where what is not finite counts as an abstention.
        warnings.simplefilter("ignore", RuntimeWarning)
        features = read(bars)
    features = features if hasattr(features, "iloc") else np.asarray(features)
    if features.ndim != 2 or len(features) != len(bars):
        raise ModelError(
            f"the features of {len(bars)} bars have the shape {features.shape}.",
            cure="Return one row per bar; fill what is not known yet with nan.",
        )
    if columns is not None and features.shape[1] != columns:
        raise ModelError(
            f"the features of {len(bars)} bars have {features.shape[1]} columns, and {columns} names.",
            cure="Return the same columns whatever the bars, one for each name.",
        )
    return features


def needs_training(model: Any) -> bool:
    """Whether a model must be trained before it can be examined."""
    if isinstance(model, str):
        return not is_saved(model)
    if isinstance(model, Path | TrainedModel):
        return False
    return isinstance(model, type) or not hasattr(model, "classes_")


def subject_of(
    model: Any,
    *,
    bars: Bars | None,
    seed: int,
    features: Callable[[Ints], Any] | None = None,
    feature_names: Sequence[str] | None = None,
    trusted: Collection[str] = (),
) -> Subject:
    """Return a model ready to be examined, trained first where it has to be.

    Parameters
    ----------
    model, bars, seed, features, feature_names, trusted
        As for `agent.model.conformity.check_model`.

    Raises
    ------
    ModelError
        Where it is no model, or cannot be trained.
    ArtifactError
        Where a saved model cannot be loaded.
    """
    trained_here = needs_training(model)
    fewest = _FEWEST_TO_TRAIN if trained_here else _FEWEST
    if bars is not None and len(bars) < fewest:
        raise ModelError(
            f"{len(bars)} bars are too few to {'train a model on and examine it' if trained_here else 'examine a model on'}.",
            cure=f"Give at least {fewest}, or none: then synthetic ones are taken.",
        )
    if trained_here:
        return _trained_here(_factory(model), bars, seed, features, feature_names)
    if isinstance(model, str | Path):
        model = load(model, trusted=trusted)
    if not isinstance(model, TrainedModel):
        return _fitted(model, _examined(bars, seed), seed, features, feature_names)
    if features is not None:
        raise ModelError(
            "a model with a manifest reads the features of this project, not others.",
            cure="Give its classifier alone to have it examined with other features.",
        )
    return Subject(
        estimator=model.estimator,
        read=model.reading.matrix,
        names=model.reading.names,
        warm_up=model.window - 1,
        # A row of exact windows is a call of its own, so fewer of them are looked at.
        bars=_examined(bars, seed, extra=model.window - WINDOW)[
            -(_FEW + model.window) if model.reading.exact else None :
        ],
        seed=seed,
        trained=model,
        trusted=tuple(trusted),
    )


def _examined(bars: Bars | None, seed: int, *, extra: int = 0) -> Bars:
    """Return the bars to examine a model on: the last of those given, or synthetic ones; so many more than usual."""
    if bars is None:
        return planted(EXAMINED + extra, seed=seed)
    if len(bars) < _FEWEST + extra:
        raise ModelError(
            f"{len(bars)} bars are too few to examine a model on that reads {extra + WINDOW} for each decision.",
            cure=f"Give at least {_FEWEST + extra}, or none: then synthetic ones are taken.",
        )
    return bars[-EXAMINED - extra :]


def _own_features(bars: Bars) -> NDArray[np.int32]:
    return feature_matrix(bars.close)


def _factory(model: Any) -> Factory:
    if isinstance(model, str):
        return resolve(model)
    if isinstance(model, BaseEstimator):
        return partial(clone, model)
    if not callable(model):
        raise ModelError(
            f"something of type {type(model).__name__} is no model.",
            cure="Give a trained model, the folder of one, a scikit-learn classifier, or module:factory.",
        )
    return model


def _fitted(
    estimator: Any,
    bars: Bars,
    seed: int,
    features: Callable[[Ints], Any] | None,
    feature_names: Sequence[str] | None,
    **known: Any,
) -> Subject:
    """Return a fitted estimator as a subject, with the features it is given or brings, or those of this project."""
    if not hasattr(estimator, "predict_proba"):
        raise ModelError(
            f"{type(estimator).__name__} has no predict_proba, so no confidence.",
            cure="Wrap it in sklearn.calibration.CalibratedClassifierCV, or choose a classifier with probabilities.",
        )
    read = _reader(estimator, features)
    if read is None:
        return Subject(estimator, _own_features, FEATURES, WINDOW - 1, bars, seed, **known)
    given = getattr(estimator, "feature_names", None) if feature_names is None else feature_names
    names = _names(read, bars, given)
    return Subject(estimator, read, names, 0, bars, seed, **known)


def _reader(estimator: Any, features: Callable[[Ints], Any] | None) -> Callable[[Bars], Any] | None:
    if features is not None:
        return lambda bars: features(bars.close)
    return reads_beside(estimator.features, inputs_of(estimator)) if brings_features(estimator) else None


def _names(read: Callable[[Bars], Any], bars: Bars, given: Sequence[str] | None) -> tuple[str, ...]:
    with Attempt() as attempt:
        made = _read(read, bars, None if given is None else len(given))
    if isinstance(attempt.error, ModelError):
        raise attempt.error
    if attempt.error is not None:
        raise ModelError(
            f"the features of {len(bars)} ordinary bars cannot be had: {told(attempt.error)}.",
            cure="They are called with all closes, or bars, of a series, and return one row for each.",
        ) from attempt.error
    if given is not None:
        return tuple(given)
    if hasattr(made, "iloc"):
        return tuple(map(str, made.columns))
    return tuple(f"feature {number}" for number in range(made.shape[1]))


def _trained_here(
    factory: Factory,
    bars: Bars | None,
    seed: int,
    features: Callable[[Ints], Any] | None,
    feature_names: Sequence[str] | None,
) -> Subject:
    """Return a new model of a factory, trained on the bars before those it is examined on."""
    estimator = made_by(factory, seed=seed)
    read = _reader(estimator, features)
    window = _window(estimator) if features is None else WINDOW
    horizon, extra = DEFAULT_BARRIERS.horizon, max(0, window - WINDOW)
    if bars is None:
        bars = planted(_TRAINED + extra + purge(horizon, window) + EXAMINED, seed=seed)
    # What is examined begins with the bars that warm it up, out of the gap: it may know them, and is not asked about them.
    parts = split(bars, replay=min(EXAMINED, len(bars) // 3), horizon=horizon, window=window)
    examined = bars[len(bars) - len(parts.replay) - extra :]
    training = parts.training[-_TRAINED - extra :]
    barriers = _barriers(training)
    refused = ""
    if read is None or (features is None and hasattr(estimator, "window")):
        with Attempt() as attempt:
            model = train(training, barriers=barriers, factory=factory, name="examined", seed=seed)
            return subject_of(model, bars=examined, seed=seed)
        assert attempt.error is not None
        # Fitted all the same, so that the checks can show what is wrong with it.
        refused = told(attempt.error)
    _fit(estimator, read or _own_features, training, barriers)
    return _fitted(estimator, examined, seed, features, feature_names, refused=refused)


def _window(estimator: Any) -> int:
    """Return how many bars a classifier reads, or as many as this project's do where it says nothing that counts."""
    with Attempt():
        return reading_of(estimator).reach
    return WINDOW


def _fit(estimator: Any, read: Callable[[Bars], Any], bars: Bars, barriers: Barriers) -> None:
    """Fit a classifier as `agent.model.train` does: on bars with a pattern, on how a trade after each would have ended."""
    outcomes = triple_barrier(bars, barriers)
    known = (pattern_masks(bars.close) != 0) & outcomes.known
    if not known.any():
        raise ModelError(
            f"none of {len(bars)} bars has a pattern with a known outcome, so there is nothing to train on.",
            cure="Give more bars, or some whose price moves.",
        )
    with Attempt() as attempt, one_thread():
        features = _read(read, bars, None)
        finite = np.isfinite(values(features)).all(axis=1)
        places = np.flatnonzero(known & finite)
        estimator.fit(rows(features, places), outcomes.label[places])
    if attempt.error is not None:
        raise ModelError(
            f"the classifier {type(estimator).__name__} could not be trained: {told(attempt.error)}.",
            cure="It is given its features of each bar with a pattern, and labels among -1, 0 and 1.",
        ) from attempt.error


def _barriers(bars: Bars) -> Barriers:
    """Return barriers as far away as these prices usually go, for a calm market has outcomes too."""
    horizon = DEFAULT_BARRIERS.horizon
    close = bars.close.astype(np.float64)
    usual = int(np.median(np.abs(close[horizon:] / close[:-horizon] - 1)) * 10_000) if len(bars) > horizon else 0
    spread = min(DEFAULT_BARRIERS.spread_bps, usual // 4)
    distance = min(max(usual, least_barrier_bps(spread + DRIFT_BPS)), 5_000)
    return Barriers(take_profit_bps=distance, stop_loss_bps=distance, horizon=horizon, spread_bps=spread)
