"""What tests of an evaluation share: ground to stand on, quick models, and a log of their own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from agent.evaluation.costs import costs_of
from agent.evaluation.effort import Effort
from agent.evaluation.folds import walk
from agent.evaluation.ground import Ground, ground_of
from agent.evaluation.measures import Stretch, stretch_of
from agent.evaluation.trading import Decisions
from agent.evaluation.trials import TrialLog
from agent.market.bars import Bars
from agent.market.synthetic import random_walk
from agent.model.labels import Barriers

QUICK = Effort(permutations=199, resamples=20, random_entries=20)


@pytest.fixture
def log(tmp_path: Path) -> TrialLog:
    return TrialLog(tmp_path / "trials.jsonl")


@pytest.fixture
def quick() -> Effort:
    """Few draws: enough to see that they are made."""
    return QUICK


@pytest.fixture(scope="session")
def ground() -> Callable[..., Ground]:
    """Return a function that makes ground of bars, or of a random walk."""

    def make(
        bars: Bars | int = 1_000, *, gas_bps: float = 4.0, cooldown: int = 0, barriers: Barriers | None = None
    ) -> Ground:
        if isinstance(bars, int):
            bars = random_walk(bars, seed=5)
        barriers = barriers or Barriers()
        return ground_of(bars, barriers=barriers, costs=costs_of(barriers, gas_bps=gas_bps), cooldown=cooldown)

    return make


@pytest.fixture(scope="session")
def stretch() -> Callable[..., Stretch]:
    """Return a function that makes the test windows of ground, as a walk of some folds has them."""

    def make(of: Ground, *, folds: int = 3, effort: Effort = QUICK) -> Stretch:
        steps = walk(of.bars, folds=folds, horizon=of.barriers.horizon)
        return stretch_of(of, [step.test for step in steps], folds=range(folds), effort=effort)

    return make


@pytest.fixture(scope="session")
def decisions() -> Callable[..., Decisions]:
    """Return a function that makes random decisions at some of the bars given."""

    def make(places: np.ndarray, *, share: float = 1.0, seed: int = 0) -> Decisions:
        rng = np.random.default_rng(seed)
        places = places[rng.random(len(places)) < share]
        sides = rng.choice(np.array([1, -1], dtype=np.int8), len(places))
        return Decisions(places, sides, np.full(len(places), 5_000))

    return make
