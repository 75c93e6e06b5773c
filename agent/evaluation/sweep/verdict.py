"""The judgement of a sweep: every point corrected for all trials that were made, and the best put to the permutation test."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import starmap

import numpy as np

from agent.errors import PatternSettleError
from agent.evaluation.ground import PERIOD
from agent.evaluation.luck import FEWEST_TRADES, block_of, judge, luck_of, overfitting, shuffled
from agent.evaluation.overfitting import Overfitting
from agent.evaluation.statistics import deflated_sharpe
from agent.evaluation.sweep.engines import Engine, Failed
from agent.evaluation.sweep.grid import Point
from agent.evaluation.sweep.outcome import Outcome
from agent.evaluation.sweep.result import Chosen, Standing
from agent.evaluation.sweep.trying import Terms, contender_at, setting_of
from agent.evaluation.trading import Decisions, Traded, traded
from agent.evaluation.trials import Attempted
from agent.market.bars import Bars
from agent.market.spread import hidden_spread
from agent.model.labels import Barriers
from agent.model.threads import one_thread

__all__ = ["Candidate", "chosen_from", "judged", "ranked"]

_FEW = 500_000_000  # draws times bars: some seconds, in which processes would hardly have started


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """A point, and what came of it."""

    point: Point
    outcome: Outcome


def ranked(
    candidates: Iterable[Candidate], attempts: Sequence[Attempted], *, markets: Sequence[Bars]
) -> list[Standing]:
    """Return points in the order of their merit after all trials.

    Parameters
    ----------
    candidates
        The points, in any order.
    attempts
        All trials on their markets.
    markets
        Those of the sweep. Their periods may be of different lengths: a ratio is compared with the others over its own.
    """
    lengths = {PERIOD * bars.interval for bars in markets}
    sharpes = {
        length: [each.sharpe(length) for each in attempts if each.numbers is not None] for length in lengths
    }
    standings = [
        Standing(
            point=each.point,
            outcome=each.outcome,
            deflated_sharpe=deflated_sharpe(
                each.outcome.returns,
                trial_sharpes=sharpes[PERIOD * markets[each.point.market].interval],
                effective_trials=len(attempts),
            ),
        )
        for each in candidates
    ]
    return sorted(standings, key=_merit, reverse=True)


def _merit(standing: Standing) -> tuple[bool, float, float]:
    measures = standing.outcome.measures
    return (
        measures.trades >= FEWEST_TRADES,
        -1.0 if standing.deflated_sharpe is None else standing.deflated_sharpe,
        float("-inf") if measures.sharpe.value is None else measures.sharpe.value,
    )


def chosen_from(
    candidates: Sequence[Candidate], attempts: Sequence[Attempted], *, intervals: Iterable[int]
) -> tuple[Chosen, Overfitting]:
    """Return whether choosing the best of some points was worth anything.

    Parameters
    ----------
    candidates
        The points.
    attempts
        All trials on their markets.
    intervals
        Of the bars of these markets: where they differ, there are no periods in common.
    """
    overfit = _overfitting([each.outcome for each in candidates], attempts, set(intervals))
    return Chosen(points=len(candidates), pbo=overfit.probability, pbo_untold=overfit.reason), overfit


def _overfitting(outcomes: Sequence[Outcome], attempts: Sequence[Attempted], intervals: set[int]) -> Overfitting:
    if not outcomes:
        return _untold("no point came to an end")
    if len(intervals) > 1:
        return _untold("the markets have bars of different lengths, so no periods in common")
    shared = set.intersection(*(set(each.numbers) for each in outcomes))
    if not shared:
        return _untold("the markets have no time in common")
    with one_thread():  # products of matrices, whose last digits must not depend on the machine's load
        return overfitting(attempts, sorted(shared))


def _untold(reason: str) -> Overfitting:
    return Overfitting(probability=None, reason=reason, trials=0, combinations=0, undecided=0, logits=np.empty(0))


def judged(
    standings: Sequence[Standing],
    attempts: Sequence[Attempted],
    overfit: Overfitting,
    *,
    markets: Sequence[Bars],
    terms: Terms,
    engine: Engine,
) -> list[Standing]:
    """Return points with their verdicts, each as an evaluation after as many trials would give it.

    Points with the same labels, those of one market with the same barriers, share the shuffles.

    Parameters
    ----------
    standings
        Points to judge.
    attempts
        All trials on their markets.
    overfit
        What these come to together.
    markets, terms
        Of the sweep.
    engine
        Does the shuffling.
    """
    draws = terms.effort.permutations_for(len(attempts))
    groups: dict[tuple[int, Barriers], list[int]] = {}
    for place, each in enumerate(standings):
        groups.setdefault((each.point.market, each.point.barriers), []).append(place)
    work = draws * sum(len(markets[market]) for market, _ in groups)
    here = work < _FEW
    calls = [
        (
            standings[places[0]].point,
            terms,
            tuple(standings[place].outcome for place in places),
            draws,
            markets[market] if here else engine.shared(markets[market]),
        )
        for (market, _), places in groups.items()
    ]
    rows = list(groups.values())
    chances: dict[int, float | None] = {}
    for group, answer in enumerate(starmap(chances_of, calls)) if here else engine.answers(chances_of, calls):
        if isinstance(answer, Failed):
            raise PatternSettleError(
                f"The permutation test failed: {answer.reason}", cure="The same command makes it again."
            )
        chances |= zip(rows[group], answer, strict=True)
    return [
        _judged(each, chances[place], attempts, overfit, draws=draws, bars=markets[each.point.market])
        for place, each in enumerate(standings)
    ]


def _judged(
    standing: Standing,
    p_alone: float | None,
    attempts: Sequence[Attempted],
    overfit: Overfitting,
    *,
    draws: int,
    bars: Bars,
) -> Standing:
    luck = luck_of(
        np.array(standing.outcome.returns),
        length=PERIOD * bars.interval,
        p_alone=p_alone,
        attempts=attempts,
        overfit=overfit,
        draws=draws,
        block=block_of(standing.point.barriers.horizon),
    )
    verdict = judge(
        standing.outcome.measures,
        luck,
        trials=len(attempts),
        synthetic=bars.synthetic,
        hidden=hidden_spread(bars),
        spread_bps=standing.point.barriers.spread_bps,
    )
    return replace(standing, luck=luck, verdict=verdict)


def chances_of(
    point: Point, terms: Terms, outcomes: Sequence[Outcome], draws: int, bars: Bars
) -> list[float | None]:
    """Return, for points with the same market and barriers, the p-value of the permutation test; see `shuffled`.

    Parameters
    ----------
    point
        One of them.
    terms
        Of the sweep.
    outcomes
        Theirs, with the trades they made.
    draws
        How often to shuffle.
    bars
        The market.
    """
    setting = setting_of(bars, point.barriers, terms, contender=contender_at(point))
    trades = [
        Traded.joined(
            [
                traded(setting.ground, _decisions(each, fold), step.test, fold=fold)
                for fold, step in enumerate(setting.steps)
            ]
        )
        for each in outcomes
    ]
    return shuffled(setting.stretch, trades, draws=draws, rng=np.random.default_rng([terms.seed, 0]))


def _decisions(outcome: Outcome, fold: int) -> Decisions:
    """Return the decisions of a fold that became trades: they do so again."""
    mine = np.array(outcome.folds, dtype=np.int64) == fold
    places = np.array(outcome.decided, dtype=np.int64)[mine]
    sides = np.array(outcome.sides, dtype=np.int8)[mine]
    return Decisions(places, sides, np.zeros(len(places), dtype=np.int64))
