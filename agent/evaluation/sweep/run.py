"""The sweep: what is missing is tried, each trial written down first and each outcome kept at once, and all is judged."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from agent.errors import ModelError, PatternSettleError, UsageError
from agent.evaluation.fingerprints import Fingerprint, fingerprint_of
from agent.evaluation.ground import PERIOD, Periods
from agent.evaluation.result import Trials
from agent.evaluation.run import trial_of
from agent.evaluation.sweep.defaults import TOP
from agent.evaluation.sweep.engines import Call, Engine, Failed
from agent.evaluation.sweep.grid import Point
from agent.evaluation.sweep.outcome import Outcome
from agent.evaluation.sweep.result import Chosen, Sweep
from agent.evaluation.sweep.store import Record, Store
from agent.evaluation.sweep.trying import (
    Setting,
    Task,
    Terms,
    Unlike,
    contender_at,
    identity_of,
    setting_of,
    tried,
)
from agent.evaluation.sweep.verdict import Candidate, chosen_from, judged, ranked
from agent.evaluation.trials import Attempted, Trial, TrialLog
from agent.market.bars import Bars
from agent.model.labels import Barriers

__all__ = ["Plan", "Planned", "plan_of", "sweep"]

OnProgress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A point of a plan.

    Attributes
    ----------
    task
        What is to be tried.
    key
        Hash of everything that its outcome depends on.
    impossible
        Why it cannot even begin; "" where it can.
    """

    task: Task
    key: str
    impossible: str


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """What a sweep is to try, and on which markets."""

    markets: tuple[Bars, ...]
    terms: Terms
    points: tuple[Planned, ...]

    def __len__(self) -> int:
        return len(self.points)


def plan_of(markets: Sequence[Bars], points: Sequence[Point], terms: Terms) -> Plan:
    """Return what is to be tried, looked through before anything is begun.

    Parameters
    ----------
    markets
        The series.
    points
        Which name markets by their place.
    terms
        What they share.

    Raises
    ------
    ModelError
        Where there is no such model, or not one point can be tried.
    UsageError
        Where the same bars are given twice, the gas is no cost, or the cooldown is none.
    """
    hashes = [bars.sha256 for bars in markets]
    for place, each in enumerate(hashes):
        if each in hashes[:place]:
            first = markets[hashes.index(each)]
            raise UsageError(
                f"{_name(first)} and {_name(markets[place])} are the same bars.", cure="Leave one of them out."
            )
    windows = [contender_at(point).reading(seed=terms.seed).reach for point in points]
    terms = replace(terms, window=max(windows, default=terms.window))
    impossible: dict[tuple[int, Barriers], str] = {}
    planned = []
    for point in points:
        where = point.market, point.barriers
        if where not in impossible:
            impossible[where] = _impossible(markets[point.market], point, terms)
        identity = identity_of(point, seed=terms.seed)
        planned.append(
            Planned(
                task=Task(point=point, terms=terms, identity=identity),
                key=_key(hashes[point.market], point, terms, identity),
                impossible=impossible[where],
            )
        )
    if planned and all(each.impossible for each in planned):
        what = "the one point" if len(planned) == 1 else f"not one of {len(planned):,} points"
        raise ModelError(
            f"{what} {'cannot' if len(planned) == 1 else 'can'} be tried:", cure=planned[0].impossible
        )
    return Plan(tuple(markets), terms, tuple(planned))


def _name(bars: Bars) -> str:
    return f"{bars.source} ({bars.market})" if bars.market else bars.source


def _impossible(bars: Bars, point: Point, terms: Terms) -> str:
    try:
        setting_of(bars, point.barriers, terms, contender=contender_at(point))
    except ModelError as error:
        return str(error)
    return ""


def _key(data: str, point: Point, terms: Terms, identity: str) -> str:
    values = [data, point.model, identity, asdict(point.barriers), asdict(terms)]
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()


def sweep(
    plan: Plan,
    *,
    store: Store,
    engine: Engine,
    log: TrialLog,
    top: int = TOP,
    retry: bool = False,
    on_progress: OnProgress = lambda done, total: None,
) -> Sweep:
    """Try what is missing of a plan, and judge all of it.

    Each point is written into the trial log before its test windows are opened, and into the store as soon as it is
    done, so that a sweep can end at any time: the same plan with the same store goes on where it was. A point that
    fails is kept as such, and the others go on. The same plan gives the same points, whatever the engine.

    Parameters
    ----------
    plan
        See `plan_of`.
    store
        Where points are kept, open.
    engine
        Who tries them, open.
    log
        Where trials are counted.
    top
        How many points to put to the permutation test, the best first.
    retry
        Whether to try again what failed before.
    on_progress
        Called with the number of points known by now, and of all.

    Raises
    ------
    ModelError
        Where every point failed, or the log cannot be used.
    UsageError
        Where the store cannot be written.
    PatternSettleError
        Where the engine cannot go on.
    """
    began = time.monotonic()
    data = [fingerprint_of(bars) for bars in plan.markets]
    earlier = _attempts(plan, store, log, data)
    missing = [
        each for each in plan.points if (known := store.get(each.key)) is None or (retry and known.outcome is None)
    ]
    on_progress(len(plan) - len(missing), len(plan))
    _try(plan, missing, data, store, engine, log, on_progress)

    candidates, failed = _known(plan, store)
    by_market = _attempts(plan, store, log, data)
    attempts = _together(by_market)
    chosen, overfit = chosen_from(candidates, attempts, intervals={bars.interval for bars in plan.markets})
    standings = ranked(candidates, attempts, markets=plan.markets)
    judgements = judged(standings[:top], attempts, overfit, markets=plan.markets, terms=plan.terms, engine=engine)
    return Sweep(
        markets=plan.markets,
        terms=plan.terms,
        standings=(*judgements, *standings[top:]),
        failed=failed,
        tried=len(missing),
        known=len(plan) - len(missing),
        trials=Trials(
            count=len(attempts),
            earlier=len(_together(earlier)),
            unfinished=sum(each.numbers is None for each in attempts),
            log=str(log.path),
        ),
        chosen=chosen,
        chosen_by_market=_chosen_by_market(plan, candidates, by_market) if len(plan.markets) > 1 else (chosen,),
        folder=str(store.folder),
        seconds=time.monotonic() - began,
    )


def _known(plan: Plan, store: Store) -> tuple[list[Candidate], tuple[tuple[Point, str], ...]]:
    """Return the points of a plan that have an outcome, and those that failed with the reason."""
    candidates, failed = [], []
    for each in plan.points:
        record = store.get(each.key)
        assert record is not None
        if record.outcome is not None:
            candidates.append(Candidate(each.task.point, record.outcome))
        else:
            failed.append((each.task.point, str(record.result)))
    if not candidates:
        what = "the one point failed:" if len(failed) == 1 else f"all of {len(failed):,} points failed; the first:"
        raise ModelError(what, cure=failed[0][1])
    return candidates, tuple(failed)


def _chosen_by_market(
    plan: Plan, candidates: Sequence[Candidate], by_market: Sequence[Sequence[Attempted]]
) -> tuple[Chosen, ...]:
    return tuple(
        chosen_from(
            [each for each in candidates if each.point.market == place],
            by_market[place],
            intervals={bars.interval},
        )[0]
        for place, bars in enumerate(plan.markets)
    )


@dataclass(frozen=True, slots=True)
class _Begun:
    """A trial under way."""

    id: str
    key: str
    periods: Periods


def _try(
    plan: Plan,
    missing: Sequence[Planned],
    data: Sequence[Fingerprint],
    store: Store,
    engine: Engine,
    log: TrialLog,
    on_progress: OnProgress,
) -> None:
    """Try points, each written down before and after."""
    done = len(plan) - len(missing)
    possible = [each for each in missing if not each.impossible]
    begun: dict[int, _Begun] = {}

    def kept(each: Planned, trial: str, result: Outcome | str) -> None:
        nonlocal done
        point, bars = each.task.point, plan.markets[each.task.point.market]
        told = {"source": bars.source, "market": bars.market, **point.as_json()}
        store.add(Record(key=each.key, data=bars.sha256, trial=trial, point=told, result=result))
        done += 1
        on_progress(done, len(plan))

    def calls() -> Iterator[Call]:
        shared: dict[int, Any] = {}
        here: tuple[Any, Setting] | None = None
        for place, each in enumerate(possible):
            point, bars = each.task.point, plan.markets[each.task.point.market]
            where = point.market, point.barriers
            if here is None or here[0] != where:
                here = where, setting_of(bars, point.barriers, plan.terms, contender=contender_at(point))
            begun[place] = _begin(log, each, here[1], data[point.market])
            if point.market not in shared:
                shared[point.market] = engine.shared(bars)
            yield each.task, shared[point.market]

    for each in missing:
        if each.impossible:
            kept(each, "", each.impossible)
    for place, answer in engine.answers(tried, calls()):
        trial = begun.pop(place)
        if isinstance(answer, Unlike):
            raise PatternSettleError(
                f"A point was not tried: {answer.difference}.",
                cure="Install the same versions and modules wherever points are tried. The same command then goes on.",
            )
        if isinstance(answer, Outcome):
            # The log first: killed in between, a point is tried again, and its trial counts once all the same.
            log.end(trial.id, trial.periods, np.array(answer.returns))
        kept(possible[place], trial.key, answer.reason if isinstance(answer, Failed) else answer)


def _begin(log: TrialLog, each: Planned, setting: Setting, data: Fingerprint) -> _Begun:
    terms = each.task.terms
    trial: Trial = trial_of(
        contender_at(each.task.point), setting.ground, setting.steps, data, share=terms.share, seed=terms.seed
    )
    return _Begun(log.begin(trial), trial.key, setting.stretch.periods)


def _attempts(plan: Plan, store: Store, log: TrialLog, data: Sequence[Fingerprint]) -> list[tuple[Attempted, ...]]:
    """Return all trials on each market: those of the log, and those of the store that another log, or none, was told of."""
    return [
        _different(
            [
                *log.on(own),
                *(_attempted(record, bars) for record in store if record.trial and record.data == hashed),
            ]
        )
        for bars, hashed, own in zip(plan.markets, (bars.sha256 for bars in plan.markets), data, strict=True)
    ]


def _attempted(record: Record, bars: Bars) -> Attempted:
    outcome = record.outcome
    model = str(record.point["model"])
    if outcome is None:
        return Attempted(record.trial, model)
    return Attempted(record.trial, model, outcome.numbers, outcome.returns, PERIOD * bars.interval)


def _together(by_market: Sequence[Sequence[Attempted]]) -> tuple[Attempted, ...]:
    return _different([each for own in by_market for each in own])


def _different(attempts: Sequence[Attempted]) -> tuple[Attempted, ...]:
    """Return each trial once, in an order that does not depend on which was made first; as `TrialLog.on` tells them apart."""
    finished = {each.key for each in attempts if each.numbers is not None}
    different = {
        (each.key, each.returns): each for each in attempts if each.numbers is not None or each.key not in finished
    }
    return tuple(different[key] for key in sorted(different))
