"""The decision rule: what a model's probabilities come to at one bar, a signal or a hold with its reason."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from agent.chain.values import Side
from agent.model.signal import Prediction


class Hold(StrEnum):
    """Why a bar led to no signal."""

    WARMING_UP = "warming up"
    NO_PATTERN = "no pattern"
    NO_DIRECTION = "no direction"
    LOW_CONFIDENCE = "low confidence"
    TOO_LATE = "too late"


class Standing(StrEnum):
    """What a model is to a run.

    Each bar has one decision of the live model. A model kept on still serves the owners who stayed with it; a shadow is
    heard and never followed; one at rest is not asked, and only closes what it opened.
    """

    LIVE = "live"
    KEPT = "kept"
    SHADOW = "shadow"
    RESTING = "resting"


@dataclass(frozen=True)
class Decision:
    """What the agent concluded at one bar.

    Attributes
    ----------
    closed_at
        When the bar closed, unix seconds, UTC, in the time of the data.
    side
        The side of the signal; None for a hold.
    hold
        The reason of a hold; None for a signal.
    prediction
        What the model said; None where it was not asked.
    """

    closed_at: int
    side: Side | None
    hold: Hold | None
    prediction: Prediction | None

    @property
    def confidence_bps(self) -> int:
        """Probability of the direction the model leans to, in basis points; 0 where it was not asked."""
        if self.prediction is None:
            return 0
        return max(self.prediction.up_bps, self.prediction.down_bps)


def decide(closed_at: int, prediction: Prediction, *, threshold_bps: int) -> Decision:
    """Apply the rule: the class with the highest probability, if it is a direction and reaches the threshold.

    Parameters
    ----------
    closed_at
        When the bar closed.
    prediction
        What the model said of it.
    threshold_bps
        Least probability of a signal, in basis points.
    """
    best = max(prediction.up_bps, prediction.down_bps)
    if prediction.patterns == 0:
        return Decision(closed_at, None, Hold.NO_PATTERN, prediction)
    if prediction.flat_bps >= best or prediction.up_bps == prediction.down_bps:
        return Decision(closed_at, None, Hold.NO_DIRECTION, prediction)
    if best < threshold_bps:
        return Decision(closed_at, None, Hold.LOW_CONFIDENCE, prediction)
    side = Side.LONG if prediction.up_bps > prediction.down_bps else Side.SHORT
    return Decision(closed_at, side, None, prediction)
