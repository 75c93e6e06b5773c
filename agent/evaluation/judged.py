"""One model's walk, and its judgement: from what it said in each fold to every figure that is told of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from agent.evaluation.baselines import random_entries
from agent.evaluation.contenders import Contender, Said
from agent.evaluation.folds import Step
from agent.evaluation.ground import Ground
from agent.evaluation.luck import block_of, judge, luck_of
from agent.evaluation.measures import (
    Answers,
    Stretch,
    calibration_of,
    measures_of,
    parts_of,
    scores_of,
    stretch_of,
)
from agent.evaluation.overfitting import Overfitting
from agent.evaluation.result import Fold, Judged
from agent.evaluation.trading import Decisions, Traded, marked, traded, trades_of
from agent.evaluation.trials import Attempted
from agent.market.bars import Floats
from agent.market.spread import hidden_spread

__all__ = ["Evidence", "Walked", "judged", "walked"]


@dataclass(frozen=True, slots=True, eq=False)
class Walked:
    """What one model did in all folds.

    Attributes
    ----------
    said
        What it said of the samples of each fold.
    answers
        The same beside what came, by fold.
    trades
        What was made of it, all folds.
    returns
        In basis points, by period.
    """

    said: tuple[Said, ...]
    answers: tuple[Answers, ...]
    trades: Traded
    returns: Floats


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Evidence:
    """What luck is judged by.

    Attributes
    ----------
    p_alone
        The p-value of the permutation test of this model alone.
    draws
        What it was made with.
    attempts
        All trials on these bars.
    overfit
        What they come to together.
    """

    p_alone: float | None
    draws: int
    attempts: tuple[Attempted, ...]
    overfit: Overfitting


def walked(contender: Contender, said: Sequence[Said], stretch: Stretch, steps: Sequence[Step]) -> Walked:
    """Trade on what a model said, fold by fold, as its mandates would have let it."""
    ground = stretch.ground
    trades, answers = [], []
    for fold, (each, step) in enumerate(zip(said, steps, strict=True)):
        places, predictions = ground.samples(step.test), each.predictions
        decided = (predictions.direction != 0) & (predictions.confidence_bps >= each.threshold_bps)
        decisions = Decisions(places[decided], predictions.direction[decided], predictions.confidence_bps[decided])
        trades.append(traded(ground, decisions, step.test, fold=fold))
        answers.append(Answers.of(ground, places, predictions, _base(contender, ground, step)))
    joined = Traded.joined(trades)
    returns = stretch.periods.summed(stretch.cut(marked(ground, joined)))
    return Walked(tuple(said), tuple(answers), joined, returns)


def _base(contender: Contender, ground: Ground, step: Step) -> Floats:
    """Return the shares of down, flat and up that were known before a test window, shape (3,)."""
    if step.training is None:
        assert contender.saved is not None
        metrics = contender.saved.manifest.metrics
        return np.array([metrics.base_down, metrics.base_flat, metrics.base_up])
    stop = step.training.stop
    part = slice(step.training.start, stop)
    outcomes = ground.outcomes
    ended = (outcomes.long.index[part] < stop) & (outcomes.short.index[part] < stop)
    learned = outcomes.known[part] & ended & (ground.masks[part] != 0)
    counts = np.bincount(outcomes.label[part][learned].astype(np.int64) + 1, minlength=3)
    return counts / max(1, counts.sum())


def judged(
    contender: Contender,
    run: Walked,
    stretch: Stretch,
    steps: Sequence[Step],
    evidence: Evidence,
    *,
    rng: np.random.Generator,
) -> Judged:
    """Measure what a model did, and judge it."""
    ground, trades = stretch.ground, run.trades
    answers = Answers.joined(run.answers)
    folds = []
    for number, (each, step, answered) in enumerate(zip(run.said, steps, run.answers, strict=True)):
        alone = stretch_of(ground, [step.test], folds=[number], effort=stretch.effort)
        folds.append(
            Fold(
                number=number,
                training=step.training,
                test=step.test,
                threshold_bps=each.threshold_bps,
                measures=measures_of(alone, trades.where(trades.fold == number), rng=rng),
                scores=scores_of(alone, answered, rng=rng),
            )
        )
    overall = measures_of(stretch, trades, rng=rng)
    luck = luck_of(
        run.returns,
        length=stretch.periods.length,
        p_alone=evidence.p_alone,
        attempts=evidence.attempts,
        overfit=evidence.overfit,
        draws=evidence.draws,
        block=block_of(ground.barriers.horizon),
    )
    sides, patterns = parts_of(stretch, trades, rng=rng)
    return Judged(
        name=contender.name,
        classifier=run.said[0].classifier,
        saved=contender.saved is not None,
        elsewhere=contender.elsewhere,
        folds=tuple(folds),
        overall=overall,
        scores=scores_of(stretch, answers, rng=rng),
        sides=sides,
        patterns=patterns,
        calibration=calibration_of(stretch, answers, rng=rng),
        trades=trades_of(ground, trades),
        equity=np.cumsum(run.returns),
        random=random_entries(stretch, trades, rng=rng),
        luck=luck,
        verdict=judge(
            overall,
            luck,
            trials=len(evidence.attempts),
            synthetic=ground.bars.synthetic,
            elsewhere=contender.elsewhere,
            hidden=hidden_spread(ground.bars),
            spread_bps=ground.costs.spread_bps,
        ),
        seconds=sum(each.seconds for each in run.said),
    )
