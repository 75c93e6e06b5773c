"""The evaluation: models walked through a series, each trial written down first, judged by all that was tried."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from joblib import Parallel, delayed

from agent.errors import ModelError
from agent.evaluation.anew import require_anew
from agent.evaluation.baselines import always_long, buy_and_hold, patterns_alone
from agent.evaluation.contenders import Contender, Said, ask, contender_of
from agent.evaluation.costs import costs_of
from agent.evaluation.effort import DEFAULT_EFFORT, FOLDS, Effort
from agent.evaluation.fingerprints import Fingerprint, fingerprint_of
from agent.evaluation.folds import Scheme, Step, embargo, gap, later_than, walk
from agent.evaluation.ground import Ground, ground_of
from agent.evaluation.judged import Evidence, Walked, judged, walked
from agent.evaluation.luck import overfitting, shuffled
from agent.evaluation.measures import Stretch, stretch_of
from agent.evaluation.processes import begin, processes
from agent.evaluation.result import Evaluation, Judged, Trials
from agent.evaluation.trials import Attempted, Trial, TrialLog, default_log
from agent.market.bars import Bars
from agent.model.evaluation import TRADE_SHARE
from agent.model.labels import DEFAULT_BARRIERS, Barriers
from agent.model.train import FEWEST_SAMPLES, more_samples

__all__ = ["evaluate", "require_samples", "steps_of", "trial_of"]

OnProgress = Callable[[int, int], None]


def evaluate(
    bars: Bars,
    models: Sequence[Any],
    *,
    barriers: Barriers | None = None,
    gas_bps: float | None = None,
    cooldown: int = 0,
    folds: int = FOLDS,
    scheme: Scheme = "expanding",
    share: float = TRADE_SHARE,
    seed: int = 0,
    jobs: int | None = 1,
    log: TrialLog | None = None,
    effort: Effort = DEFAULT_EFFORT,
    trusted: Sequence[str] = (),
    on_progress: OnProgress = lambda done, total: None,
) -> Evaluation:
    """Try models on bars they have not seen, and say whether what they show is more than luck.

    Each model is written into the trial log before its test windows are opened. One that is to be trained is trained
    anew in every fold, on the past alone; a saved one is asked only about what came after everything it knows, and
    then so are all others. The same bars, models, seed and log give the same evaluation.

    Parameters
    ----------
    bars
        The series.
    models
        One or more of: a trained model, the folder of one, a name, ``module:factory``, a factory, an unfitted classifier.
    barriers
        How trades end; None for those of the saved models, or `agent.model.labels.DEFAULT_BARRIERS`.
    gas_bps
        Gas of a trade; None for `agent.evaluation.costs.DEFAULT_GAS_BPS`.
    cooldown
        Bars that must pass after the one in which a trade ended, before the next one of its side.
    folds, scheme
        As for `agent.evaluation.folds.walk`.
    share, seed
        As for `agent.model.train.train`; the seed is that of all resampling, too.
    jobs
        Processes to train in; None for as many as there are cores. No more are started than that, or than there are
        folds of all models.
    log
        Where trials are counted; None for the user's own, see `agent.evaluation.trials.default_log`.
    effort
        How often chance is asked.
    trusted
        As for `agent.model.artifact.load`.
    on_progress
        Called with the number of folds done, and of all folds of all models.

    Raises
    ------
    ModelError
        Where a model cannot be tried, the series is too short, or the log cannot be used.
    UsageError
        Where the gas is no cost, or the cooldown is none.
    """
    began = time.monotonic()
    if not models:
        raise ModelError("there is no model to evaluate.", cure="Name at least one.")
    if not 0 < share <= 1:
        raise ModelError(f"a share of {share} of the bars cannot trade.", cure="Give one above 0, up to 1.")
    contenders = [contender_of(model, trusted=trusted) for model in models]
    barriers = _barriers(contenders, barriers)
    window = max(each.reading(seed=seed).reach for each in contenders)
    steps = steps_of(bars, contenders, folds=folds, horizon=barriers.horizon, window=window, scheme=scheme)
    ground = ground_of(bars, barriers=barriers, costs=costs_of(barriers, gas_bps=gas_bps), cooldown=cooldown)
    require_samples(ground, steps, window=window)
    stretch = stretch_of(ground, [step.test for step in steps[0]], folds=range(folds), effort=effort)
    path = _Path(contenders=contenders, steps=steps, stretch=stretch, share=share, seed=seed)

    log = log or TrialLog(default_log())
    data = fingerprint_of(bars)
    before = log.on(data)
    runs = _tried(path, log, data, jobs=jobs, on_progress=on_progress)
    attempts = log.on(data)
    return Evaluation(
        bars=bars,
        scheme="saved" if all(each.saved for each in contenders) else scheme,
        gap=gap(barriers.horizon, window),
        embargo=embargo(barriers.horizon),
        cooldown=cooldown,
        barriers=barriers,
        costs=ground.costs,
        tests=stretch.tests,
        times=stretch.periods.ends,
        models=_judged(path, runs, attempts),
        baselines=tuple(
            made(stretch, rng=np.random.default_rng([seed, 1]))
            for made in (always_long, buy_and_hold, patterns_alone)
        ),
        trials=_counted(log, before, attempts),
        seed=seed,
        seconds=time.monotonic() - began,
    )


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class _Path:
    """Models, and their way through the series.

    Attributes
    ----------
    contenders, steps
        The models, and the steps of each.
    stretch
        The test windows, the same for all.
    share, seed
        As for `evaluate`.
    """

    contenders: Sequence[Contender]
    steps: Sequence[Sequence[Step]]
    stretch: Stretch
    share: float
    seed: int


def _barriers(contenders: Sequence[Contender], asked: Barriers | None) -> Barriers:
    """Return the barriers that all are tried with."""
    chosen, whose = asked, "those asked for"
    for each in contenders:
        if each.saved is None:
            continue
        own = each.saved.manifest.barriers
        if chosen is not None and own != chosen:
            raise ModelError(
                f"the model {each.name} was trained for barriers of {_told(own)}, and {whose} are {_told(chosen)}.",
                cure="Leave the options of barriers out, and evaluate models with other barriers on their own.",
            )
        chosen, whose = own, f"those of {each.name}"
    return chosen or DEFAULT_BARRIERS


def _told(barriers: Barriers) -> str:
    return (
        f"{barriers.take_profit_bps}/{barriers.stop_loss_bps} bps, {barriers.horizon} bars and "
        f"a spread of {barriers.spread_bps} bps"
    )


def steps_of(
    bars: Bars, contenders: Sequence[Contender], *, folds: int, horizon: int, window: int, scheme: Scheme
) -> list[tuple[Step, ...]]:
    """Return the steps of each model; the test windows are the same for all."""
    if folds < 1:
        raise ModelError(f"a walk of {folds} folds leads nowhere.", cure="Ask for at least one with --folds.")
    for each in contenders:
        if each.saved is not None and each.saved.manifest.interval != bars.interval:
            raise ModelError(
                f"the model {each.name} was trained on bars of {each.saved.manifest.interval} s, and these are of "
                f"{bars.interval} s.",
                cure="Give bars of its own interval, or train one on these.",
            )
    known = [each.saved.manifest.trained_until for each in contenders if each.saved is not None]
    since = max(known, default=None)
    fitted: tuple[Step, ...] = ()
    if since is not None:
        later = later_than(bars, since, folds=folds, horizon=horizon, window=window)
        fitted = tuple(Step(None, span) for span in later)
    if all(each.saved is not None for each in contenders):
        return [fitted] * len(contenders)
    trained = walk(bars, folds=folds, horizon=horizon, window=window, scheme=scheme, since=since)
    return [trained if each.saved is None else fitted for each in contenders]


def require_samples(ground: Ground, steps: Sequence[Sequence[Step]], *, window: int) -> None:
    """Refuse what the first fold could not train on, before any trial is counted."""
    for first in (own[0].training for own in steps):
        if first is None:
            continue
        part = slice(first.start, first.stop)
        usable = ground.outcomes.known[part] & (ground.masks[part] != 0)
        samples = int(np.count_nonzero(usable[window - 1 :]))
        if samples < FEWEST_SAMPLES:
            raise ModelError(
                f"the first fold trains on {len(first):,} bars with {samples} patterns.",
                cure=more_samples(len(first), ground.barriers.horizon, window),
            )


def trial_of(
    contender: Contender,
    ground: Ground,
    steps: Sequence[Step],
    data: Fingerprint,
    *,
    share: float,
    seed: int,
) -> Trial:
    """Return what is about to be tried, as it is written down."""
    bars = ground.bars
    windows = [[span and [span.start, span.stop] for span in (step.training, step.test)] for step in steps]
    return Trial(
        model=contender.name,
        params={
            "model": contender.params(seed=seed),
            "seed": seed,
            "share": share,
            "barriers": asdict(ground.barriers),
            "costs": [ground.costs.spread_bps, ground.costs.gas_bps],
            "cooldown": ground.cooldown,
            "windows": windows,
        },
        source=bars.source,
        market=bars.market,
        interval=bars.interval,
        bars=len(bars),
        first=bars.first.isoformat(),
        last=bars.last.isoformat(),
        data=data,
    )


def _tried(
    path: _Path, log: TrialLog, data: Fingerprint, *, jobs: int | None, on_progress: OnProgress
) -> list[Walked]:
    """Walk each model through the series, its trial written down before its test windows are opened, and again after."""
    stretch = path.stretch
    each_its_own = list(zip(path.contenders, path.steps, strict=True))
    # All are made before one is written down: where one of them is no model, nothing was tried.
    trials = [
        trial_of(contender, stretch.ground, own, data, share=path.share, seed=path.seed)
        for contender, own in each_its_own
    ]
    begun = [log.begin(trial) for trial in trials]
    for contender, own in each_its_own:
        require_anew(contender, stretch.ground.bars, own[0], barriers=stretch.ground.barriers, seed=path.seed)
    said = _asked(path, jobs=jobs, on_progress=on_progress)
    runs = [
        walked(contender, answers, stretch, own)
        for (contender, own), answers in zip(each_its_own, said, strict=True)
    ]
    for trial, run in zip(begun, runs, strict=True):
        log.end(trial, stretch.periods, run.returns)
    return runs


def _asked(path: _Path, *, jobs: int | None, on_progress: OnProgress) -> list[list[Said]]:
    """Return what each model says in each of its folds, trained where it has to be, several at a time."""
    models, folds = range(len(path.contenders)), range(len(path.steps[0]))
    ground, steps = path.stretch.ground, path.steps
    # In the order of time: a process that is given one fold after another then knows, whatever it keeps, only the past.
    work = [(model, fold) for fold in folds for model in models]
    done = Parallel(
        n_jobs=processes(jobs, pieces=len(work)),
        return_as="generator",
        initializer=begin,
        initargs=(os.getpid(),),
    )(
        delayed(ask)(
            path.contenders[model],
            ground.bars,
            steps[model][fold],
            ground.samples(steps[model][fold].test),
            barriers=ground.barriers,
            share=path.share,
            seed=path.seed,
        )
        for model, fold in work
    )
    said: dict[tuple[int, int], Said] = {}
    for place, answer in zip(work, done, strict=True):
        said[place] = answer
        on_progress(len(said), len(work))
    return [[said[model, fold] for fold in folds] for model in models]


def _judged(path: _Path, runs: Sequence[Walked], attempts: tuple[Attempted, ...]) -> tuple[Judged, ...]:
    stretch, seed = path.stretch, path.seed
    draws = stretch.effort.permutations_for(len(attempts))
    chances = shuffled(stretch, [run.trades for run in runs], draws=draws, rng=np.random.default_rng([seed, 0]))
    overfit = overfitting(attempts, stretch.periods.number.tolist())
    return tuple(
        judged(
            contender,
            run,
            stretch,
            own,
            Evidence(p_alone=p_alone, draws=draws, attempts=attempts, overfit=overfit),
            rng=np.random.default_rng([seed, 2]),
        )
        for contender, run, own, p_alone in zip(path.contenders, runs, path.steps, chances, strict=True)
    )


def _counted(log: TrialLog, before: Sequence[Attempted], attempts: Sequence[Attempted]) -> Trials:
    return Trials(
        count=len(attempts),
        earlier=len(before),
        unfinished=sum(each.numbers is None for each in attempts),
        log=str(log.path),
    )
