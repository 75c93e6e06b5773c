"""Training runs and replays as trials: `train`, `demo` and `run` look at results on bars that an evaluation may test on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from agent.evaluation.contenders import params_of
from agent.evaluation.fingerprints import fingerprint_of
from agent.evaluation.trials import Trial
from agent.market.bars import Bars
from agent.model.estimators import Factory, made_by
from agent.model.labels import Barriers
from agent.model.trained import TrainedModel

__all__ = ["replay_trial", "training_trial"]


def training_trial(
    bars: Bars, factory: Factory, *, model: str, barriers: Barriers, share: float, seed: int
) -> Trial:
    """Return what a training run is about to try, as it is written down.

    Its outcome is a hit rate and no returns by period, so it is begun and never ended: it raises what others are paid
    for by one trial, once, however often it is repeated.

    Parameters
    ----------
    bars
        What is trained on, the last quarter of whose patterns the model is measured on.
    factory, barriers, share, seed
        As for `agent.model.train.train`.
    model
        As it was asked for.

    Raises
    ------
    ModelError
        Where the factory makes no classifier.
    """
    params = {
        "measured": "in training",
        "model": params_of(made_by(factory, seed=seed)),
        "seed": seed,
        "share": share,
        "barriers": asdict(barriers),
        "bars": [bars.first.isoformat(), bars.last.isoformat(), len(bars)],
    }
    return _trial(bars, model, params)


def replay_trial(bars: Bars, model: TrainedModel, *, replayed: int | None) -> Trial:
    """Return what a replay is about to try, as it is written down; like a training run it is begun and never ended.

    Parameters
    ----------
    bars
        All bars, those that are replayed among them; of a chain that replays by itself, those before.
    model
        What decides.
    replayed
        How many are replayed; None for as many as come.
    """
    return _trial(bars, model.manifest.name, {"measured": "in a replay", "model": model.id, "replayed": replayed})


def _trial(bars: Bars, model: str, params: Mapping[str, Any]) -> Trial:
    return Trial(
        model=model,
        params=params,
        source=bars.source,
        market=bars.market,
        interval=bars.interval,
        bars=len(bars),
        first=bars.first.isoformat(),
        last=bars.last.isoformat(),
        data=fingerprint_of(bars),
    )
