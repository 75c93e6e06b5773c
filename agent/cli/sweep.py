"""`patternsettle sweep`: many models and parameters on many markets, on all cores or a cluster, judged all together."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from agent.cli.choice import SEED, SeedOption, WalkOption
from agent.cli.evaluate import (
    SYNTHETIC,
    BarsOption,
    CooldownOption,
    FoldsOption,
    GasOption,
    RollingOption,
    ShareOption,
    SpreadOption,
    TrialsOption,
    last_of,
    synthetic_bars,
)
from agent.cli.options import (
    ColumnsOption,
    DateOrder,
    DateOrderOption,
    Duplicates,
    DuplicatesOption,
    Impossible,
    ImpossibleOption,
    JsonOption,
    Stamped,
    StampedOption,
    load_bars,
)
from agent.cli.progress import warn
from agent.errors import UsageError
from agent.evaluation.effort import FOLDS
from agent.evaluation.sweep.defaults import PATIENCE, TOP
from agent.model.evaluation import TRADE_SHARE

if TYPE_CHECKING:
    from agent.market.bars import Bars

OutOption = Annotated[
    Path,
    typer.Option(
        "--out",
        metavar="FOLDER",
        help="Folder that keeps the points; the same command goes on with what it lacks.",
        show_default=False,
    ),
]
ModelOption = Annotated[
    list[str] | None,
    typer.Option(
        "--model",
        metavar="MODEL",
        help="A name of `patternsettle models`, or MODULE:FACTORY; can be repeated.",
        show_default=False,
    ),
]
SetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="MODEL.NAME=A,...",
        help="Values to try of a model's parameter, as in boosting.max_depth=3,5; can be repeated.",
        show_default=False,
    ),
]
FilesOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--data",
        metavar="FILE",
        help="Price file: CSV (also .gz or .zip), JSON, Parquet or Feather; can be repeated.",
        show_default=False,
    ),
]
MarketsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--market",
        metavar="NAME",
        help="Market to read where a file holds several, like ETH/USDT; can be repeated.",
        show_default=False,
    ),
]
TakeProfitOption = Annotated[
    str | None,
    typer.Option("--take-profit", metavar="BPS,...", help="Distances of the take-profit.", show_default=False),
]
StopLossOption = Annotated[
    str | None,
    typer.Option("--stop-loss", metavar="BPS,...", help="Distances of the stop-loss.", show_default=False),
]
HorizonOption = Annotated[
    str | None,
    typer.Option(
        "--horizon", metavar="BARS,...", help="Bars after which a trade ends anyway.", show_default=False
    ),
]
SampleOption = Annotated[
    int | None,
    typer.Option(
        "--sample", metavar="N", min=1, help="Try N of the points, drawn with the seed.", show_default=False
    ),
]
EngineOption = Annotated[
    Literal["joblib", "dask"],
    typer.Option("--engine", help="Who does the work: processes of this machine, or a Dask cluster."),
]
SchedulerOption = Annotated[
    str | None,
    typer.Option("--scheduler", metavar="ADDRESS", help="Where the Dask scheduler listens.", show_default=False),
]
PatienceOption = Annotated[
    float,
    typer.Option(
        "--patience",
        metavar="SECONDS",
        help="How long to wait for a scheduler, or a worker; at most a day.",
    ),
]
JobsOption = Annotated[
    int | None,
    typer.Option(
        "--jobs",
        metavar="N",
        min=1,
        help="Processes, at most one a core and a point; none takes all cores.",
        show_default=False,
    ),
]
RetryOption = Annotated[bool, typer.Option("--retry", help="Try again what failed before.")]
TopOption = Annotated[
    int, typer.Option("--top", metavar="N", min=1, help="Points to show, and to put to the permutation test.")
]


def sweep(
    out: OutOption,
    model: ModelOption = None,
    set_: SetOption = None,
    data: FilesOption = None,
    market: MarketsOption = None,
    walk: WalkOption = False,
    bars: BarsOption = None,
    take_profit: TakeProfitOption = None,
    stop_loss: StopLossOption = None,
    horizon: HorizonOption = None,
    sample: SampleOption = None,
    folds: FoldsOption = FOLDS,
    rolling: RollingOption = False,
    spread: SpreadOption = None,
    gas: GasOption = None,
    cooldown: CooldownOption = 0,
    share: ShareOption = TRADE_SHARE,
    trials: TrialsOption = None,
    seed: SeedOption = SEED,
    engine: EngineOption = "joblib",
    jobs: JobsOption = None,
    scheduler: SchedulerOption = None,
    patience: PatienceOption = PATIENCE,
    retry: RetryOption = False,
    top: TopOption = TOP,
    duplicates: DuplicatesOption = "refuse",
    impossible: ImpossibleOption = "refuse",
    date_order: DateOrderOption = None,
    stamped: StampedOption = "start",
    columns: ColumnsOption = None,
    json: JsonOption = False,
) -> None:
    """Try models with many parameters, on many markets.

    Every combination is a point, walked through as by evaluate, and counted as a trial. The verdict is about
    the best of them, after all trials. Ctrl-C ends it at any time, and the same command goes on.
    """
    from agent.cli.sweeping import Asked, run

    asked = Asked(
        out=out,
        models=tuple(model or ()),
        settings=tuple(set_ or ()),
        barriers={"take_profit_bps": take_profit, "stop_loss_bps": stop_loss, "horizon": horizon},
        spread_bps=spread,
        sample=sample,
        folds=folds,
        scheme="rolling" if rolling else "expanding",
        gas_bps=gas,
        cooldown=cooldown,
        share=share,
        trials=trials,
        seed=seed,
        engine=engine,
        jobs=jobs,
        scheduler=scheduler,
        patience=patience,
        retry=retry,
        top=top,
        json=json,
    )
    asked.require_possible()
    if data:
        if walk:
            raise UsageError("--walk makes bars and --data reads them.", cure="Give one of the two.")
        series = _read(
            data,
            market,
            bars,
            duplicates=duplicates,
            impossible=impossible,
            date_order=date_order,
            stamped=stamped,
            columns=columns,
        )
    elif market:
        raise UsageError("--market chooses from a file, and there is none.", cure="Give one with --data.")
    else:
        series = [synthetic_bars(bars or SYNTHETIC, seed=seed, walk=walk)]
    run(series, asked)


def _read(
    files: list[Path],
    markets: list[str] | None,
    wanted: int | None,
    *,
    duplicates: Duplicates,
    impossible: Impossible,
    date_order: DateOrder | None,
    stamped: Stamped,
    columns: str | None,
) -> list[Bars]:
    """Return the markets asked for of each file, or the one that it holds."""
    names: list[str | None] = [*markets] if markets else [None]
    series = []
    for file in files:
        for name in names:
            loaded = load_bars(
                file,
                market=name,
                duplicates=duplicates,
                impossible=impossible,
                date_order=date_order,
                stamped=stamped,
                columns=columns,
            )
            warn(loaded, named=len(files) > 1)
            series.append(last_of(loaded.bars, wanted))
    return series
