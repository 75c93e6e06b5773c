"""How one point is tried: by the steps of an evaluation, with a seed of its own, the same wherever that happens."""

from __future__ import annotations

import hashlib
import json
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import sklearn

from agent import __version__
from agent.errors import ModelError
from agent.evaluation.anew import require_anew
from agent.evaluation.contenders import Contender, ask
from agent.evaluation.costs import costs_of
from agent.evaluation.effort import DEFAULT_EFFORT, FOLDS, Effort
from agent.evaluation.folds import Scheme, Step
from agent.evaluation.ground import Ground, ground_of
from agent.evaluation.judged import walked
from agent.evaluation.measures import Answers, Stretch, measures_of, scores_of, stretch_of
from agent.evaluation.run import require_samples, steps_of
from agent.evaluation.sweep.grid import Point
from agent.evaluation.sweep.outcome import Outcome
from agent.evaluation.sweep.parameters import configured
from agent.market.bars import Bars
from agent.model.closes import WINDOW
from agent.model.estimators import made_by, resolve
from agent.model.evaluation import TRADE_SHARE
from agent.model.labels import Barriers
from agent.model.threads import one_thread

__all__ = ["Setting", "Task", "Terms", "Unlike", "contender_at", "identity_of", "setting_of", "tried", "versions"]

_DIGITS = 4  # of returns, in basis points: as many as a trial log keeps


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What all points of a sweep share; meanings as for `agent.evaluation.run.evaluate`.

    Attributes
    ----------
    window
        Bars that the model reads of each bar, itself included; of all points' models, the most, for all are tested on
        the same bars.
    """

    window: int = WINDOW
    gas_bps: float | None = None
    cooldown: int = 0
    folds: int = FOLDS
    scheme: Scheme = "expanding"
    share: float = TRADE_SHARE
    seed: int = 0
    effort: Effort = DEFAULT_EFFORT


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A point to be tried.

    Attributes
    ----------
    point, terms
        Which, and how.
    identity
        Hash of the code that is meant, see `identity_of`: where other code lies, nothing is tried.
    """

    point: Point
    terms: Terms
    identity: str


@dataclass(frozen=True, slots=True)
class Unlike:
    """Instead of an outcome: whoever was to try a point has other code than was meant.

    Attributes
    ----------
    difference
        What is different, in a clause.
    """

    difference: str


@dataclass(frozen=True, slots=True, eq=False)
class Setting:
    """What does not depend on the model: a market with its barriers, and the walk through it."""

    ground: Ground
    steps: tuple[Step, ...]
    stretch: Stretch


def versions() -> dict[str, str]:
    """Return the versions on which an outcome depends."""
    return {"patternsettle": __version__, "scikit-learn": sklearn.__version__, "numpy": np.__version__}


def identity_of(point: Point, *, seed: int) -> str:
    """Return a hash of what a point's model is: its classifier with all parameters, the code of it, and the versions.

    The code is that of the modules which hold its factory and its steps; what those import is not followed.

    Raises
    ------
    ModelError
        Where there is no such model.
    """
    contender = contender_at(point)
    assert contender.factory is not None
    made = made_by(contender.factory, seed=seed)
    steps = [value for value in made.get_params(deep=True).values() if hasattr(value, "get_params")]
    modules = {resolve(point.model).__module__, *(type(each).__module__ for each in (made, *steps))}
    return _hash([contender.params(seed=seed), versions(), {name: _code_of(name) for name in sorted(modules)}])


@cache
def _code_of(module: str) -> str:
    """Return the hash of a module's file; "" where it has none."""
    file = getattr(sys.modules.get(module), "__file__", None)
    return hashlib.sha256(Path(file).read_bytes()).hexdigest() if file and Path(file).is_file() else ""


def _hash(values: Any) -> str:
    return hashlib.sha256(json.dumps(values, sort_keys=True, default=str).encode()).hexdigest()


def contender_at(point: Point) -> Contender:
    """Return a point's model as an evaluation takes it."""
    return Contender(point.label, None, configured(resolve(point.model), dict(point.parameters)))


def setting_of(bars: Bars, barriers: Barriers, terms: Terms, *, contender: Contender) -> Setting:
    """Return the walk of a point.

    Raises
    ------
    ModelError
        Where the series is too short for it, or has too few patterns.
    UsageError
        Where the gas is no cost, or the cooldown is none.
    """
    steps = steps_of(
        bars,
        [contender],
        folds=terms.folds,
        horizon=barriers.horizon,
        window=terms.window,
        scheme=terms.scheme,
    )
    costs = costs_of(barriers, gas_bps=terms.gas_bps)
    ground = ground_of(bars, barriers=barriers, costs=costs, cooldown=terms.cooldown)
    require_samples(ground, steps, window=terms.window)
    stretch = stretch_of(ground, [step.test for step in steps[0]], folds=range(terms.folds), effort=terms.effort)
    return Setting(ground, steps[0], stretch)


def tried(task: Task, bars: Bars) -> Outcome | Unlike:
    """Walk a point's model through its market.

    Nothing in here depends on what was tried before it, or on who does it: the same task gives the same outcome, to
    the bit, but for the seconds it took.

    Parameters
    ----------
    task
        What to try.
    bars
        The market.

    Raises
    ------
    ModelError
        Where the model cannot be trained, or answers nonsense.
    """
    began = time.perf_counter()
    point, terms = task.point, task.terms
    try:
        if identity_of(point, seed=terms.seed) != task.identity:
            return Unlike(f"{point.model} is not the same there, or the versions are not ({_told(versions())})")
    except ModelError as error:
        return Unlike(error.problem)
    # One thread: sums in one order, on whatever machine.
    with one_thread():
        contender = contender_at(point)
        setting = setting_of(bars, point.barriers, terms, contender=contender)
        require_anew(contender, bars, setting.steps[0], barriers=point.barriers, seed=terms.seed)
        said = [
            ask(
                contender,
                bars,
                step,
                setting.ground.samples(step.test),
                barriers=point.barriers,
                share=terms.share,
                seed=terms.seed,
            )
            for step in setting.steps
        ]
        run = walked(contender, said, setting.stretch, setting.steps)
        rng = np.random.default_rng([terms.seed, 2])
        return Outcome(
            classifier=said[0].classifier,
            measures=measures_of(setting.stretch, run.trades, rng=rng),
            scores=scores_of(setting.stretch, Answers.joined(run.answers), rng=rng),
            numbers=tuple(setting.stretch.periods.number.tolist()),
            returns=tuple(round(value, _DIGITS) for value in run.returns.tolist()),
            decided=tuple(run.trades.decided.tolist()),
            sides=tuple(run.trades.side.tolist()),
            folds=tuple(run.trades.fold.tolist()),
            seconds=round(time.perf_counter() - began, 3),
        )


def _told(known: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {version}" for name, version in known.items())
