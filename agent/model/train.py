"""Training: a classifier fitted on the bars given and on nothing else, its threshold and its worth measured in time order."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

import numpy as np
import sklearn
import skops
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from agent.errors import ModelError
from agent.market.bars import Bars, Ints
from agent.model.closes import WINDOW
from agent.model.estimators import Factory, default_classifier, made_by
from agent.model.evaluation import TRADE_SHARE, Metrics, choose_threshold, measure
from agent.model.features import FEATURES, Features, feature_matrix, fingerprint
from agent.model.labels import DEFAULT_BARRIERS, Barriers, triple_barrier
from agent.model.manifest import FORMAT, Manifest, Versions
from agent.model.patterns import PATTERNS, pattern_masks
from agent.model.reasons import reason
from agent.model.signal import Predictions
from agent.model.skopsfile import to_bytes
from agent.model.splits import purge
from agent.model.trained import TrainedModel, probabilities_bps

__all__ = ["FEWEST_SAMPLES", "train"]

FEWEST_SAMPLES = 200
"""Bars with a pattern and a known outcome below which nothing can be learned, let alone measured."""

_HELD_OUT = 0.25


@dataclass(frozen=True, slots=True, eq=False)
class _Samples:
    """Bars with a pattern and a known outcome: where they are, what a model reads of them, what came."""

    places: Ints
    masks: NDArray[np.uint32]
    features: Features
    labels: NDArray[np.int8]

    def __len__(self) -> int:
        return len(self.places)

    def __getitem__(self, rows: slice) -> _Samples:
        return _Samples(self.places[rows], self.masks[rows], self.features[rows], self.labels[rows])


def train(
    bars: Bars,
    *,
    barriers: Barriers = DEFAULT_BARRIERS,
    factory: Factory | None = None,
    name: str = "patternsettle",
    seed: int = 0,
    trade_share: float = TRADE_SHARE,
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
        Makes the unfitted classifier; None for `agent.model.estimators.default_classifier`, with folds
        kept apart as far as these barriers need.
    name
        What to call the model.
    seed
        Sets every `random_state` of the classifier.
    trade_share
        Share of the bars with a pattern that may trade, above 0 and up to 1; sets the threshold.

    Raises
    ------
    ModelError
        Where there are too few bars or only one outcome, or the classifier cannot be trained on them.
    ArtifactError
        Where the trained classifier could not be saved.
    """
    if not 0 < trade_share <= 1:
        raise ModelError(f"a share of {trade_share} of the bars cannot trade.", cure="Give one above 0, up to 1.")
    make = factory or partial(default_classifier, gap=purge(barriers.horizon))
    samples = _samples(bars, barriers)
    with threadpool_limits(limits=1):
        # One thread: sums in one order, whatever the machine is doing; and quicker at this size.
        threshold, metrics = _rehearse(samples, make, barriers=barriers, seed=seed, share=trade_share)
        estimator = _fitted(make, samples, seed=seed)
    kind = type(estimator)
    manifest = Manifest(
        format=FORMAT,
        name=name,
        classifier=f"{kind.__module__}.{kind.__qualname__}",
        features=FEATURES,
        patterns=tuple(pattern.name for pattern in PATTERNS),
        fingerprint=fingerprint(),
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
        data_sha256=_hash_of(bars),
        versions=Versions(scikit_learn=sklearn.__version__, skops=skops.__version__, numpy=np.__version__),
        metrics=metrics,
        artifact_sha256=hashlib.sha256(to_bytes(estimator)).hexdigest(),
    )
    return TrainedModel(estimator, manifest)


def _samples(bars: Bars, barriers: Barriers) -> _Samples:
    outcomes = triple_barrier(bars, barriers)
    masks = pattern_masks(bars.close)
    places = np.flatnonzero((masks != 0) & outcomes.known)
    if len(places) < FEWEST_SAMPLES:
        raise ModelError(
            f"{len(bars)} bars have {len(places)} patterns with a known outcome, too few to train on.",
            cure=f"Give a longer series: {FEWEST_SAMPLES} are needed, which takes about "
            f"{FEWEST_SAMPLES * 5 // 2 + WINDOW + barriers.horizon} bars.",
        )
    samples = _Samples(places, masks[places], feature_matrix(bars.close)[places], outcomes.label[places])
    if len(np.unique(samples.labels)) < 2:
        what = {1: "a profit going long", -1: "a profit going short", 0: "nothing"}[int(samples.labels[0])]
        raise ModelError(
            f"every one of {len(samples)} patterns led to {what}, so there is nothing to tell apart.",
            cure="Choose barriers nearer to what the price does within the horizon, or give other bars.",
        )
    return samples


def _rehearse(
    samples: _Samples, make: Factory, *, barriers: Barriers, seed: int, share: float
) -> tuple[int, Metrics]:
    """Return the threshold, and what a model made this way was worth on bars it had not seen."""
    cut = round(len(samples) * (1 - _HELD_OUT))
    earlier = samples[:cut]
    later = samples[int(np.searchsorted(samples.places, earlier.places[-1] + purge(barriers.horizon), "right")) :]
    if len(np.unique(earlier.labels)) < 2 or len(later) < FEWEST_SAMPLES // 10:
        raise ModelError(
            f"{len(samples)} patterns are too few, or too much alike, to train on some and measure on the rest.",
            cure="Give a longer series, or a shorter horizon.",
        )
    estimator = _fitted(make, earlier, seed=seed)
    down, flat, up = probabilities_bps(estimator, later.features).T
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


def _fitted(make: Factory, samples: _Samples, *, seed: int) -> Any:
    estimator = made_by(make, seed=seed)
    try:
        estimator.fit(samples.features, samples.labels)
    except (ValueError, TypeError) as error:
        raise ModelError(
            f"the classifier {type(estimator).__name__} could not be trained: {reason(error)}.",
            cure="It is given integers of shape (bars, features), and labels among -1, 0 and 1.",
        ) from error
    return estimator


def _hash_of(bars: Bars) -> str:
    digest = hashlib.sha256(f"{len(bars)} {bars.interval} {bars.decimals}".encode())
    for column in (bars.time, bars.open, bars.high, bars.low, bars.close):
        digest.update(column.astype("<i8").tobytes())
    return digest.hexdigest()
