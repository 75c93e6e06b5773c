"""What a model must be to trade the bars of a run from now on, and what its mandates take from it."""

from __future__ import annotations

from datetime import UTC, datetime

from agent.errors import SwapRefused
from agent.model.trained import TrainedModel

SHORTEST_SECONDS = 32  # twice what one model needs: in a replay each block takes a second of a bar


def require_usable(model: TrainedModel, *, closed_at: int, interval: int, shortest: int) -> None:
    """Refuse a model of other bars, or one that knows what it would trade on.

    Parameters
    ----------
    model
        The model.
    closed_at
        When the last bar closed that is known, unix seconds: it may know everything until then.
    interval
        Seconds of a bar of the run.
    shortest
        Seconds that a bar must have for two models to trade in it.

    Raises
    ------
    SwapRefused
        Where it cannot trade here.
    """
    manifest = model.manifest
    if interval < shortest:
        raise SwapRefused(
            f"Bars of {interval} s are too short for the blocks that two models take in each.",
            cure=f"Replay bars of {shortest} s or longer.",
        )
    if manifest.interval != interval:
        raise SwapRefused(
            f"It was trained on bars of {manifest.interval} s, and these are of {interval} s.",
            cure="Train it on bars of the same interval.",
        )
    if manifest.trained_until.timestamp() > closed_at:
        raise SwapRefused(
            f"It was trained on data until {manifest.trained_until:%Y-%m-%d %H:%M}, and the last bar closed at "
            f"{datetime.fromtimestamp(closed_at, UTC):%Y-%m-%d %H:%M}: it would trade on its own past.",
            cure="Train it on what is known by now.",
        )


def terms(model: TrainedModel) -> dict[str, int]:
    """What a mandate that names a model takes from it, by name: what an owner agrees to."""
    barriers = model.manifest.barriers
    return {
        "take_profit_bps": barriers.take_profit_bps,
        "stop_loss_bps": barriers.stop_loss_bps,
        "horizon_bars": barriers.horizon,
        "threshold_bps": model.threshold_bps,
    }
