"""Training: a classifier fitted on the bars given and on nothing else, its threshold and its worth measured in time order."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
import sklearn
import skops
from numpy.typing import NDArray

from agent.errors import ModelError
from agent.market.bars import Bars, Ints
from agent.model.classes import require_meant, require_taught
from agent.model.closes import WINDOW
from agent.model.compiled import compiled
from agent.model.dates import require_no_dates
from agent.model.estimatorfile import to_bytes
from agent.model.estimators import Factory, comes_fitted, made_by, require_unfitted, resolve, with_gap
from agent.model.evaluation import TRADE_SHARE, Metrics, choose_threshold, measure
from agent.model.framed import column_names, keep_names, table
from agent.model.labels import DEFAULT_BARRIERS, Barriers, triple_barrier
from agent.model.manifest import FORMAT, Manifest, Versions
from agent.model.named import DEFAULT
from agent.model.patterns import PATTERNS, pattern_masks
from agent.model.reading import Reading, reading_of
from agent.model.reasons import Foreign, reason
from agent.model.signal import Predictions
from agent.model.splits import purge
from agent.model.threads import one_thread
from agent.model.trained import TrainedModel, probabilities_bps
from agent.model.warmup import require_window

__all__ = ["FEWEST_SAMPLES", "Samples", "fitted", "more_samples", "samples_of", "train"]

FEWEST_SAMPLES = 200
"""Bars with a pattern and a known outcome below which nothing can be learned, let alone measured."""

_HELD_OUT = 0.25


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """Bars with a pattern and a known outcome: where they are, what a model reads of them, what came."""

    places: Ints
    masks: NDArray[np.uint32]
    features: NDArray[Any]
    labels: NDArray[np.int8]
    columns: tuple[str, ...] | None = None
    """Their names, where they came as a data frame."""

    def __len__(self) -> int:
        return len(self.places)

    def __getitem__(self, rows: slice) -> Samples:
        return Samples(self.places[rows], self.masks[rows], self.features[rows], self.labels[rows], self.columns)


def train(
    bars: Bars,
    *,
    barriers: Barriers = DEFAULT_BARRIERS,
    factory: Factory | None = None,
    name: str = "patternsettle",
    seed: int = 0,
    trade_share: float = TRADE_SHARE,
    before_measuring: Callable[[], object] = lambda: None,
) -> TrainedModel:
    """Train a model on bars, all of which it may then know.

    Only bars with at least one pattern are learned from: decisions are made on those. First a classifier
    is fitted on the earlier three quarters of them and asked about the last quarter, with a gap between
    the two; this sets the confidence threshold and measures what the model is worth. Then a new one,
    made the same way, is fitted on all of them: that is the model. With the same seed, bars and versions
    the result is the same to the byte.

    Parameters
    ----------
    bars
        Bars in ascending time. Keep what will be replayed out of it, with `agent.model.splits.split`.
    barriers
        Where the trades end that the labels tell of.
    factory
        Makes the unfitted classifier; None for `agent.model.named.DEFAULT`. If it takes a `gap`, its
        folds are kept apart as far as these barriers need.
    name
        What to call the model.
    seed
        Sets every `random_state` of the classifier.
    trade_share
        Share of the bars with a pattern that may trade, above 0 and up to 1; sets the threshold.
    before_measuring
        Called once, when there is something to train and bars to train it on, and before it is measured on any: whoever
        counts such looks does it here.

    Raises
    ------
    ModelError
        Where there are too few bars or only one outcome, or the classifier cannot be trained on them, or answers
        differently alone than in a batch.
    ArtifactError
        Where the trained classifier could not be saved.
    """
    if not 0 < trade_share <= 1:
        raise ModelError(f"a share of {trade_share} of the bars cannot trade.", cure="Give one above 0, up to 1.")
    make = factory or resolve(DEFAULT.name)
    first = made_by(make, seed=seed)
    reading, anew = reading_of(first), not comes_fitted(first)
    make = with_gap(make, purge(barriers.horizon, reading.window))
    samples = samples_of(bars, barriers, reading)
    before_measuring()
    with one_thread():
        # One thread: sums in one order, whatever the machine is doing; and quicker at this size.
        threshold, metrics = _rehearse(
            samples,
            make,
            barriers=barriers,
            seed=seed,
            share=trade_share,
            reading=reading,
            known=_known(bars, reading),
        )
        estimator = fitted(make, samples, seed=seed, anew=anew)
    kind = type(estimator)
    manifest = Manifest(
        format=FORMAT,
        name=name,
        classifier=f"{kind.__module__}.{kind.__qualname__}",
        features=reading.names,
        patterns=tuple(pattern.name for pattern in PATTERNS),
        fingerprint=reading.fingerprint(),
        window=reading.window,
        barriers=barriers,
        threshold_bps=threshold,
        seed=seed,
        source=bars.source,
        market=bars.market,
        synthetic=bars.synthetic,
        interval=bars.interval,
        bars=len(bars),
        first=bars.first,
        last=bars.last,
        trained_until=datetime.fromtimestamp(bars.closed_at(len(bars) - 1), UTC),
        data_sha256=bars.sha256,
        versions=Versions(scikit_learn=sklearn.__version__, skops=skops.__version__, numpy=np.__version__),
        metrics=metrics,
        artifact_sha256=hashlib.sha256(to_bytes(estimator)).hexdigest(),
    )
    return TrainedModel(estimator, manifest)


def more_samples(bars: int, horizon: int, window: int = WINDOW) -> str:
    """What to do where so many bars hold fewer than `FEWEST_SAMPLES` patterns with a whole window."""
    usual = FEWEST_SAMPLES * 5 // 2 + purge(horizon, window)
    if bars < usual:
        return f"Give a longer series: {FEWEST_SAMPLES} are needed, which takes about {usual} bars."
    return f"{FEWEST_SAMPLES} are needed: give a much longer series, or one whose price moves."


def samples_of(bars: Bars, barriers: Barriers, reading: Reading) -> Samples:
    """Return the bars with a pattern and a known outcome, of which a model learns.

    Raises
    ------
    ModelError
        Where they are too few, or all had one outcome.
    """
    outcomes = triple_barrier(bars, barriers)
    masks = pattern_masks(bars.close)
    places = np.flatnonzero((masks != 0) & outcomes.known)
    places = places[places >= reading.reach - 1]
    if len(places) < FEWEST_SAMPLES:
        raise ModelError(
            f"{len(bars)} bars have {len(places)} patterns with a known outcome, too few to train on.",
            cure=more_samples(len(bars), barriers.horizon, reading.window),
        )
    require_no_dates(reading, bars)
    features = reading.matrix(bars)
    require_window(reading, bars, features)
    samples = Samples(places, masks[places], features[places], outcomes.label[places], column_names(reading, bars))
    if len(np.unique(samples.labels)) < 2:
        what = {1: "a profit going long", -1: "a profit going short", 0: "nothing"}[int(samples.labels[0])]
        raise ModelError(
            f"every one of {len(samples)} patterns led to {what}, so there is nothing to tell apart.",
            cure="Choose barriers nearer to what the price does within the horizon, or give other bars.",
        )
    return samples


def _known(bars: Bars, reading: Reading) -> Callable[[int], NDArray[Any]] | None:
    """Return what reads the features of one bar as the desk does, from the last ones up to it; None where they are ours."""
    return None if not reading.own else lambda place: reading.of_last(bars, place)


def _rehearse(
    samples: Samples,
    make: Factory,
    *,
    barriers: Barriers,
    seed: int,
    share: float,
    reading: Reading,
    known: Callable[[int], NDArray[Any]] | None,
) -> tuple[int, Metrics]:
    """Return the threshold, and what a model made this way was worth on bars it had not seen."""
    cut = round(len(samples) * (1 - _HELD_OUT))
    earlier = samples[:cut]
    since = earlier.places[-1] + purge(barriers.horizon, reading.window)
    later = samples[int(np.searchsorted(samples.places, since, "right")) :]
    if len(np.unique(earlier.labels)) < 2 or len(later) < FEWEST_SAMPLES // 10:
        raise ModelError(
            f"{len(samples)} patterns are too few, or too much alike, to train on some and measure on the rest.",
            cure="Give a longer series, or a shorter horizon.",
        )
    estimator = fitted(make, earlier, seed=seed)
    down, flat, up = probabilities_bps(
        estimator,
        later.features,
        alone=compiled(estimator, columns=later.features.shape[1]),
        known=None if known is None else lambda row: known(int(later.places[row])),
    ).T
    predictions = Predictions(later.masks, down, flat, up)
    threshold = choose_threshold(predictions, later.labels, share=share)
    base = np.bincount(earlier.labels.astype(np.int64) + 1, minlength=3) / len(earlier)
    metrics = measure(
        predictions,
        later.labels,
        places=later.places,
        base=base,
        threshold_bps=threshold,
        horizon=barriers.horizon,
        samples=len(samples),
    )
    return threshold, metrics


def fitted(make: Factory, samples: Samples, *, seed: int, anew: bool = False) -> Any:
    """Return a new classifier of a factory, fitted on samples.

    Parameters
    ----------
    make, samples, seed
        What makes it, what it learns, and its seed.
    anew
        Whether it must not come fitted: then nobody knows on what.

    Raises
    ------
    ModelError
        Where it comes fitted all the same, or cannot be trained.
    """
    estimator = made_by(make, seed=seed)
    if anew:
        require_unfitted(estimator, type(estimator).__name__)
    with Foreign(f"the classifier {type(estimator).__name__}"):
        came_fitted = comes_fitted(estimator)
        _fit(estimator, samples)
        if came_fitted:
            require_meant(estimator)
        else:
            require_taught(estimator, samples.labels)
    return estimator


def _fit(estimator: Any, samples: Samples) -> None:
    try:
        estimator.fit(table(samples.features, samples.columns), samples.labels)
        if samples.columns is not None:
            keep_names(estimator, samples.columns)
    except (ValueError, TypeError) as error:
        raise ModelError(
            f"the classifier {type(estimator).__name__} could not be trained: {reason(error)}.",
            cure="It is given integers of shape (bars, features), and labels among -1, 0 and 1; what takes only labels "
            "from 0 on, goes into agent.model.encoded.LabelEncoded.",
        ) from error
