"""What `patternsettle sweep` does once its options are read: the grid, the engine, the sweep, and its report."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from agent.cli.output import show, show_json, synthetic_note
from agent.cli.progress import step
from agent.cli.tables import figures, lines, sections, told, unbroken
from agent.errors import UsageError
from agent.evaluation import chances
from agent.evaluation.processes import processes
from agent.evaluation.sweep.cluster import Cluster, require_patience
from agent.evaluation.sweep.engines import Here, Processes
from agent.evaluation.sweep.grid import Grid, Point, Swept
from agent.evaluation.sweep.parameters import full_name
from agent.evaluation.sweep.result import Standing, Sweep
from agent.evaluation.sweep.run import Plan, plan_of, sweep
from agent.evaluation.sweep.store import Store
from agent.evaluation.sweep.trying import Terms
from agent.evaluation.trials import TrialLog, default_log
from agent.market.bars import Bars
from agent.model.labels import DEFAULT_BARRIERS
from agent.model.named import is_saved

_FEW = 20_000  # bars times points, below which starting processes takes longer than they save
_REASONS = 5


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What the command line asked for; fields as the options are called."""

    out: Path
    models: tuple[str, ...]
    settings: tuple[str, ...]
    barriers: Mapping[str, str | None]
    spread_bps: int | None
    sample: int | None
    folds: int
    scheme: Literal["expanding", "rolling"]
    gas_bps: float | None
    cooldown: int
    share: float
    trials: Path | None
    seed: int
    engine: Literal["joblib", "dask"]
    jobs: int | None
    scheduler: str | None
    patience: float
    retry: bool
    top: int
    json: bool

    def require_possible(self) -> None:
        """Refuse at once what could only fail later, or could not be meant.

        Raises
        ------
        UsageError, ModelError
            With the option to mend.
        """
        if not self.models:
            raise UsageError("There is no model to sweep.", cure="Name one: --model tree.")
        for model in self.models:
            if is_saved(model):
                raise UsageError(
                    f"{model} is a path, as of a saved model, and a sweep trains its own.",
                    cure="Judge a saved one with patternsettle evaluate; a name is one where no file or folder is called so.",
                )
        if not 0 < self.share <= 1:
            raise UsageError(
                f"A share of {self.share} of the bars cannot trade.", cure="Give one above 0, up to 1."
            )
        if self.engine == "dask" and self.scheduler is None:
            raise UsageError("--engine dask needs a scheduler.", cure="Give its address with --scheduler.")
        if self.engine == "dask" and self.jobs is not None:
            raise UsageError(
                "--jobs counts processes of this machine, and --engine dask uses none.",
                cure="Leave one of them out.",
            )
        if self.engine != "dask" and self.scheduler is not None:
            raise UsageError("--scheduler is of a Dask cluster.", cure="Give --engine dask, too.")
        require_patience(self.patience)
        self.grid(1)

    def grid(self, markets: int) -> Grid:
        """Return what is swept."""
        parameters: dict[str, dict[str, Sequence[Any]]] = {model: {} for model in self.models}
        for setting in self.settings:
            model, name, values = self._setting(setting)
            if name in parameters[model]:
                raise UsageError(f"{name} of {model} is set twice.", cure="Name all its values in one --set.")
            parameters[model][name] = values
        return Grid(
            markets=markets,
            models=[Swept(model=model, parameters=parameters[model]) for model in self.models],
            barriers={name: _whole(name, text) for name, text in self.barriers.items() if text is not None},
            spread_bps=DEFAULT_BARRIERS.spread_bps if self.spread_bps is None else self.spread_bps,
        )

    def _setting(self, setting: str) -> tuple[str, str, Sequence[Any]]:
        """Return the model, the parameter's full name, and the values of a --set."""
        left, equals, right = setting.partition("=")
        if not (equals and right.strip()):
            raise UsageError(
                f"--set {setting} gives no values.", cure="Write, for example, --set boosting.max_depth=3,5,7."
            )
        # The longest first: with my.models:make, my.models:make.it may be a model, too.
        model = next(
            (each for each in sorted(self.models, key=len, reverse=True) if left.startswith(f"{each}.")), None
        )
        if model is None:
            raise UsageError(
                f"--set {setting} names no model of the sweep.",
                cure=f"Begin it with {' or '.join(f'{each}.' for each in self.models)}",
            )
        return model, full_name(model, left.removeprefix(f"{model}.").strip()), _values(right)

    def terms(self) -> Terms:
        """Return what all points share."""
        return Terms(
            gas_bps=self.gas_bps,
            cooldown=self.cooldown,
            folds=self.folds,
            scheme=self.scheme,
            share=self.share,
            seed=self.seed,
        )

    def chosen_engine(self, plan: Plan) -> Cluster | Here | Processes:
        """Return who is to do the work."""
        if self.scheduler is not None:
            return Cluster(self.scheduler, patience=self.patience)
        work = sum(len(plan.markets[each.task.point.market]) for each in plan.points)
        if self.jobs == 1 or (self.jobs is None and work < _FEW):
            return Here()
        return Processes(processes(self.jobs, pieces=len(plan)))


def _whole(name: str, text: str) -> list[int]:
    try:
        return [int(part) for part in text.split(",")]
    except ValueError as error:
        option = f"--{name.removesuffix('_bps').replace('_', '-')}"
        raise UsageError(
            f"{option} {text} is no list of whole numbers.", cure=f"Write, for example, {option} 100,150,200."
        ) from error


def _values(text: str) -> tuple[Any, ...]:
    """Return values as Python writes them, and words as they are."""
    try:
        return ast.literal_eval(f"({text},)")
    except (SyntaxError, ValueError):
        return tuple(_value(part.strip()) for part in text.split(","))


def _value(text: str) -> Any:
    try:
        return ast.literal_eval(text)
    except (SyntaxError, ValueError):
        return text


def run(markets: Sequence[Bars], asked: Asked) -> None:
    """Sweep, and show what was found."""
    points = asked.grid(len(markets)).points(sample=asked.sample, seed=asked.seed)
    plan = plan_of(markets, points, asked.terms())
    log = TrialLog(asked.trials or default_log())
    known: int | None = None
    try:
        with (
            asked.chosen_engine(plan) as engine,
            Store(asked.out) as store,
            step(
                f"Evaluating {len(plan):,} {'point' if len(plan) == 1 else 'points'}", total=len(plan)
            ) as advance,
        ):

            def on_progress(done: int, total: int) -> None:
                nonlocal known
                known = done
                advance(done)

            found = sweep(
                plan,
                store=store,
                engine=engine,
                log=log,
                top=asked.top,
                retry=asked.retry,
                on_progress=on_progress,
            )
    except KeyboardInterrupt as stopped:
        if known is None:
            raise
        are = "point is" if len(plan) == 1 else "points are"
        stopped.args = (f"{known:,} of {len(plan):,} {are} in {asked.out}; the same command does the others.",)
        raise
    if asked.json:
        show_json(found.as_json())
    else:
        show(*_report(found, top=asked.top))


def _report(found: Sweep, *, top: int) -> Iterator[RenderableType]:
    """Return the parts of the report, from what was tried to the verdict."""
    yield from (_facts(found), Text(), _table(found, found.standings[:top]))
    rest = f"; {len(found.standings) - top:,} more are in --json" if len(found.standings) > top else ""
    yield Text(
        f"Results in bps of one trade: gross, less the cost of spread and gas, is net. Deflated Sharpe ratio and p are "
        f"those after all trials{rest}.",
        "dim",
    )
    yield Text()
    if found.failed:
        yield from (_failed(found), Text())
    yield _verdict(found)


def _facts(found: Sweep) -> Table:
    trials = found.trials
    rows: list[tuple[str, RenderableType]] = [
        (
            "data",
            lines(
                Text(_named(bars)),
                Text.from_markup(synthetic_note(bars.synthetic)),
                Text(f"{len(bars):,} bars, {bars.first:%Y-%m-%d %H:%M} .. {bars.last:%Y-%m-%d %H:%M} UTC"),
            ),
        )
        for bars in found.markets
    ]
    unfinished = f", {trials.unfinished:,} without an outcome" if trials.unfinished else ""
    failed = f", {len(found.failed):,} failed" if found.failed else ""
    count = len(found.standings) + len(found.failed)
    rows.append(
        (
            "points",
            lines(
                Text(
                    f"{count:,}, of which {found.tried:,} were tried now and {found.known:,} known before{failed}"
                ),
                Text(f"kept in {found.folder}", style="dim"),
            ),
        )
    )
    rows.append(
        (
            "trials",
            lines(
                Text(f"{trials.count:,} on these bars, {trials.earlier:,} of them before{unfinished}"),
                Text(trials.log, style="dim"),
            ),
        )
    )
    return sections(rows)


def _named(bars: Bars) -> str:
    return f"{bars.source}, {bars.market}" if bars.market else bars.source


def _table(found: Sweep, standings: Sequence[Standing]) -> RenderableType:
    several = len(found.markets) > 1
    table = figures("model", "barriers", "trades", "gross", "cost", "net bps", "Sharpe", "deflated", "p")
    for each in standings:
        measures, luck = each.outcome.measures, each.luck
        edge = each.verdict is not None and each.verdict.edge
        name = Text(each.point.model, style="bold green" if edge else "bold")
        for words in (each.point.settings, _market(found, each.point) if several else ""):
            name.append(f"\n{words}" if words else "", style="not bold default")
        table.add_row(
            name,
            _barriers(each.point),
            f"{measures.trades:,}",
            told(measures.gross_bps, lambda value: f"{value:+,.1f}"),
            told(measures.cost_bps, lambda value: f"{value:,.1f}"),
            told(measures.mean_bps.value, lambda value: f"{value:+,.1f}"),
            told(measures.sharpe.value, lambda value: f"{value:+.2f}"),
            told(each.deflated_sharpe, chances.for_edge),
            told(None if luck is None else luck.p_value, chances.p_value),
        )
    return unbroken(table)


def _market(found: Sweep, point: Point) -> str:
    bars = found.markets[point.market]
    names = [each.market for each in found.markets]
    return bars.market if bars.market and names.count(bars.market) == 1 else bars.source


def _barriers(point: Point) -> str:
    barriers = point.barriers
    return f"{barriers.take_profit_bps}/{barriers.stop_loss_bps}/{barriers.horizon}"


def _failed(found: Sweep) -> Table:
    """Return why points failed, each reason once, and not all where they are many."""
    by_reason: dict[str, list[Point]] = {}
    for point, reason in found.failed:
        by_reason.setdefault(reason.removeprefix(f"{point.label}, "), []).append(point)
    rows: list[tuple[str, RenderableType]] = []
    for reason, points in [*by_reason.items()][:_REASONS]:
        others = f", and {len(points) - 1:,} more" if len(points) > 1 else ""
        rows.append(("failed", lines(Text(_told(found, points[0]) + others), Text(reason, style="yellow"))))
    if len(by_reason) > _REASONS:
        rows.append(("", Text(f"{len(by_reason) - _REASONS:,} more reasons are in --json")))
    return sections(rows)


def _told(found: Sweep, point: Point) -> str:
    return f"{point.label} on {_market(found, point)}, {_barriers(point)}"


def _verdict(found: Sweep) -> Table:
    best, verdict = found.best, found.verdict
    overfit = found.chosen.pbo_untold or f"{chances.of_luck(found.chosen.pbo)}, of all trials on these bars"
    return sections(
        [
            ("overfitting", Text(overfit)),
            (
                "best",
                lines(
                    Text(_told(found, best.point)),
                    Text(verdict.reason, style="bold green" if verdict.edge else "bold yellow"),
                ),
            ),
        ]
    )
