"""A training run as a trial: `train` measures what it made on bars that an evaluation may test on, so that counts too."""

from __future__ import annotations

from dataclasses import asdict

from agent.evaluation.contenders import params_of
from agent.evaluation.fingerprints import fingerprint_of
from agent.evaluation.trials import Trial
from agent.market.bars import Bars
from agent.model.estimators import Factory, made_by
from agent.model.labels import Barriers

__all__ = ["training_trial"]


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
    return Trial(
        model=model,
        params={
            "measured": "in training",
            "model": params_of(made_by(factory, seed=seed)),
            "seed": seed,
            "share": share,
            "barriers": asdict(barriers),
            "bars": [bars.first.isoformat(), bars.last.isoformat(), len(bars)],
        },
        source=bars.source,
        market=bars.market,
        interval=bars.interval,
        bars=len(bars),
        first=bars.first.isoformat(),
        last=bars.last.isoformat(),
        data=fingerprint_of(bars),
    )
