"""What tests of a sweep share: a small series, a small grid, and one way to sweep it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agent.evaluation.effort import Effort
from agent.evaluation.sweep.engines import Here
from agent.evaluation.sweep.grid import Grid, Swept
from agent.evaluation.sweep.outcome import Outcome
from agent.evaluation.sweep.result import Sweep
from agent.evaluation.sweep.run import Plan, plan_of, sweep
from agent.evaluation.sweep.store import FILE, Store
from agent.evaluation.sweep.trying import Terms
from agent.evaluation.trials import TrialLog
from agent.market.bars import Bars
from agent.market.synthetic import planted

TREE = "sklearn.tree:DecisionTreeClassifier"


@pytest.fixture(scope="session")
def bars() -> Bars:
    return planted(1_500, seed=3)


@pytest.fixture(scope="session")
def terms() -> Terms:
    """Two folds, and few draws: enough to see that they are made."""
    return Terms(folds=2, seed=7, effort=Effort(permutations=199, resamples=20, random_entries=20))


@pytest.fixture(scope="session")
def plan(bars, terms) -> Callable[..., Plan]:
    """Return a function that plans a sweep of trees: three depths at two horizons, unless told otherwise."""

    def make(
        *,
        markets: Sequence[Bars] = (bars,),
        model: str = TREE,
        terms: Terms = terms,
        horizon: Sequence[int] = (6, 12),
        sample: int | None = None,
        **parameters: Sequence[Any],
    ) -> Plan:
        swept = parameters or {"max_depth": (2, 3, 4)}
        grid = Grid(
            markets=len(markets),
            models=[Swept(model=model, parameters=swept)],
            barriers={"horizon": tuple(horizon)},
        )
        return plan_of(markets, grid.points(sample=sample), terms)

    return make


@pytest.fixture
def swept(tmp_path: Path) -> Callable[..., Sweep]:
    """Return a function that sweeps a plan here, in a folder and with a log of its own."""

    def run(
        plan: Plan, *, folder: str = "sweep", log: str = "trials.jsonl", engine: Any = None, **options: Any
    ) -> Sweep:
        with Store(tmp_path / folder) as store:
            return sweep(plan, store=store, engine=engine or Here(), log=TrialLog(tmp_path / log), **options)

    return run


@pytest.fixture(scope="session")
def whole(plan, tmp_path_factory) -> Sweep:
    """The plan of this conftest, swept without interruption."""
    folder = tmp_path_factory.mktemp("whole")
    with Store(folder / "sweep") as store:
        return sweep(plan(), store=store, engine=Here(), log=TrialLog(folder / "trials.jsonl"))


@pytest.fixture
def known(whole: Sweep, tmp_path: Path) -> None:
    """Leave in a test's folder and log what the plan of this conftest left when it was swept."""
    shutil.copytree(whole.folder, tmp_path / "sweep")
    shutil.copy(Path(whole.folder).parent / "trials.jsonl", tmp_path)


@pytest.fixture(scope="session")
def timeless() -> Callable[[Sweep], list[tuple[Any, ...]]]:
    """Return a function that gives all of a sweep's points, in order, but how long they took."""

    def compared(found: Sweep) -> list[tuple[Any, ...]]:
        return [
            (each.point, replace(each.outcome, seconds=0), each.deflated_sharpe, each.luck, each.verdict)
            for each in found.standings
        ]

    return compared


@pytest.fixture(scope="session")
def lines() -> Callable[[Path], list[dict[str, Any]]]:
    """Return a function that reads a file of JSON lines, or that of a sweep's folder."""

    def read(path: Path) -> list[dict[str, Any]]:
        file = path / FILE if path.is_dir() else path
        return [json.loads(line) for line in file.read_text().splitlines()]

    return read


@pytest.fixture(scope="session")
def outcome(whole) -> Outcome:
    return whole.standings[0].outcome
