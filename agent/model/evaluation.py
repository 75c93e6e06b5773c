"""What a model was worth on bars it had not seen, beside what knowing nothing would have been worth."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from agent.market.bars import Floats, Ints
from agent.model.signal import Predictions

__all__ = ["TRADE_SHARE", "Metrics", "choose_threshold", "measure"]

TRADE_SHARE = 0.2
"""Share of the bars with a pattern that may trade, by default."""

_BPS = 10_000
# Standard errors by which a hit rate must exceed its base rate before it is called an edge.
_CHANCE = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Metrics:
    """Measured on the last part of the training data, by a model fitted on the part before it.

    Rates are shares of one, rounded to six digits.

    Attributes
    ----------
    samples
        Bars with a pattern and a known outcome in the training data.
    held_out
        How many of them were kept apart and measured on.
    base_down, base_flat, base_up
        How often each outcome came among those kept apart.
    decisions
        How many of them would have become a signal.
    independent
        How many of the decisions lie a horizon apart, so that no two describe the same stretch of prices.
    hit_rate
        Share of the decisions whose trade took its profit; None where there were none.
    base_rate
        Share that trades of the same sides, entered at any bar with a pattern, would have had.
    shuffled_rate
        Share that the very same trades would have had with their sides dealt out at random: choosing
        lively bars, or one side in a market that only falls, is no knowledge of direction.
    chance
        How far above both of these luck alone might carry the hit rate: two standard errors
        over the independent decisions.
    log_loss, log_loss_base
        Mean of ``-ln`` of the probability given to what happened: the model's, and that of always giving
        the base rates of the part before.
    brier, brier_base
        Mean squared distance between probabilities and what happened, summed over the outcomes: likewise.
    """

    samples: int
    held_out: int
    base_down: float
    base_flat: float
    base_up: float
    decisions: int
    independent: int
    hit_rate: float | None
    base_rate: float | None
    shuffled_rate: float | None
    chance: float | None
    log_loss: float
    log_loss_base: float
    brier: float
    brier_base: float

    @property
    def edge(self) -> bool:
        """Whether the decisions told the direction better than luck explains."""
        if None in (self.hit_rate, self.base_rate, self.shuffled_rate, self.chance):
            return False
        return self.hit_rate - max(self.base_rate, self.shuffled_rate) > self.chance


def choose_threshold(predictions: Predictions, labels: NDArray[np.int8], *, share: float) -> int:
    """Return the least confidence of a signal, in basis points, at which at most a share of the bars would trade.

    Only the confidences and the base rates decide, never which bars came right, so what is then measured
    at this threshold is not flattered by it. It is above the base rates of up and of down; and a model
    that says the same of every bar never trades, unless it is certain: certainty always suffices.

    Parameters
    ----------
    predictions
        Of bars with a pattern that the model has not seen.
    labels
        What came of them.
    share
        Share of the bars that may trade, above 0 and up to 1.
    """
    base = max(int(np.count_nonzero(labels == side)) for side in (-1, 1)) * _BPS // len(labels)
    confidence = np.sort(np.where(predictions.direction != 0, predictions.confidence_bps, 0))
    refused = int(confidence[max(0, len(confidence) - int(share * len(confidence)) - 1)])
    return min(_BPS, max(base, refused) + 1)


def measure(
    predictions: Predictions,
    labels: NDArray[np.int8],
    *,
    places: Ints,
    base: Floats,
    threshold_bps: int,
    horizon: int,
    samples: int,
) -> Metrics:
    """Compare what a model said of bars it had not seen with what came.

    Parameters
    ----------
    predictions, labels, places
        What the model said, what came (-1, 0 or 1), and the position of each bar in its series, shape (n,).
    base
        Share of down, flat and up among the bars the model was fitted on, shape (3,).
    threshold_bps
        Least confidence of a decision.
    horizon
        Horizon of the labels in bars.
    samples
        Number of labelled bars in the training data.
    """
    probabilities = np.column_stack([predictions.down_bps, predictions.flat_bps, predictions.up_bps]) / _BPS
    came = labels.astype(np.int64) + 1
    rates = np.bincount(came, minlength=3) / len(came)
    decided = (predictions.direction != 0) & (predictions.confidence_bps >= threshold_bps)
    sides = predictions.direction[decided].astype(np.int64)
    independent = _apart(places[decided], horizon)
    hit_rate = base_rate = shuffled_rate = chance = None
    if len(sides):
        hit_rate = float(np.mean(labels[decided] == sides))
        base_rate = float(rates[sides + 1].mean())
        shuffled_rate = sum(
            float(np.mean(sides == side)) * float(np.mean(labels[decided] == side)) for side in (-1, 1)
        )
        luck = max(base_rate, shuffled_rate)
        chance = _CHANCE * sqrt(luck * (1 - luck) / independent)
    return Metrics(
        samples=samples,
        held_out=len(labels),
        base_down=_rounded(rates[0]),
        base_flat=_rounded(rates[1]),
        base_up=_rounded(rates[2]),
        decisions=len(sides),
        independent=independent,
        hit_rate=_rounded(hit_rate),
        base_rate=_rounded(base_rate),
        shuffled_rate=_rounded(shuffled_rate),
        chance=_rounded(chance),
        log_loss=_rounded(_log_loss(probabilities, came)),
        log_loss_base=_rounded(_log_loss(np.tile(base, (len(came), 1)), came)),
        brier=_rounded(_brier(probabilities, came)),
        brier_base=_rounded(_brier(np.tile(base, (len(came), 1)), came)),
    )


def _apart(places: Ints, horizon: int) -> int:
    """Return how many places remain when each must lie more than a horizon after the one before."""
    count, last = 0, -horizon - 1
    for place in places.tolist():
        if place - last > horizon:
            count, last = count + 1, place
    return count


def _log_loss(probabilities: Floats, came: Ints) -> float:
    # Probabilities are whole basis points, so what was called impossible counts as half of one.
    given = np.maximum(probabilities[np.arange(len(came)), came], 0.5 / _BPS)
    return float(-np.log(given).mean())


def _brier(probabilities: Floats, came: Ints) -> float:
    return float(((probabilities - np.eye(3)[came]) ** 2).sum(axis=1).mean())


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(float(value), 6)
