"""`patternsettle evaluate`: whether a model is any good, tried on bars it has not seen, with costs, beside luck."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agent.cli.choice import SEED, SeedOption, TrustOption, WalkOption
from agent.cli.inputs import InputOption, with_given
from agent.cli.next_steps import SAMPLE, next_steps, on_a_sample, typed
from agent.cli.options import (
    ColumnsOption,
    DataOption,
    DateOrderOption,
    DuplicatesOption,
    ImpossibleOption,
    JsonOption,
    MarketOption,
    StampedOption,
    load_bars,
)
from agent.cli.output import show
from agent.cli.progress import warn
from agent.errors import UsageError
from agent.evaluation.effort import FOLDS, LONGEST_COOLDOWN
from agent.model.evaluation import TRADE_SHARE
from agent.model.named import is_saved

if TYPE_CHECKING:
    from agent.market.bars import Bars

SYNTHETIC = 6_000
MOST_FOLDS = 10_000  # each trains a model

ModelsArgument = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[MODEL]...",
        help="Name of a model, MODULE:FACTORY, or where one is saved; several are compared.",
        show_default=False,
    ),
]
ModelOption = Annotated[
    list[str] | None,
    typer.Option("--model", metavar="MODEL", help="The same as an option; can be repeated.", show_default=False),
]
HtmlOption = Annotated[
    Path | None,
    typer.Option("--html", metavar="FILE", help="Write the report as one HTML page, too.", show_default=False),
]
FoldsOption = Annotated[
    int, typer.Option("--folds", metavar="N", min=1, max=MOST_FOLDS, help="Number of test windows.")
]
RollingOption = Annotated[
    bool, typer.Option("--rolling", help="Train on as many bars in each fold, not on all before it.")
]
BarsOption = Annotated[
    int | None,
    typer.Option(
        "--bars",
        metavar="N",
        min=1,
        help=f"Take the last N bars; without --data, make N ({SYNTHETIC:,} unless given).",
        show_default=False,
    ),
]
TakeProfitOption = Annotated[
    int | None,
    typer.Option("--take-profit", metavar="BPS", help="Distance of the take-profit.", show_default=False),
]
StopLossOption = Annotated[
    int | None, typer.Option("--stop-loss", metavar="BPS", help="Distance of the stop-loss.", show_default=False)
]
HorizonOption = Annotated[
    int | None,
    typer.Option("--horizon", metavar="BARS", help="Bars after which a trade ends anyway.", show_default=False),
]
SpreadOption = Annotated[
    int | None,
    typer.Option("--spread", metavar="BPS", help="Cost of entering, and of leaving.", show_default=False),
]
GasOption = Annotated[
    float | None,
    typer.Option(
        "--gas",
        metavar="BPS",
        help="Gas of opening and closing a trade; none takes the figures of the report.",
        show_default=False,
    ),
]
CooldownOption = Annotated[
    int,
    typer.Option(
        "--cooldown", metavar="BARS", min=0, max=LONGEST_COOLDOWN, help="Bars that a side waits after a trade."
    ),
]
ShareOption = Annotated[
    float, typer.Option("--share", help="Share of the bars with a pattern that may trade; sets the threshold.")
]
TrialsOption = Annotated[
    Path | None,
    typer.Option(
        "--trials",
        metavar="FILE",
        help="Log in which trials are counted; none takes PATTERNSETTLE_TRIALS, else your own.",
        show_default=False,
    ),
]
JobsOption = Annotated[
    int | None,
    typer.Option(
        "--jobs",
        metavar="N",
        min=1,
        help="Processes to train in, at most one a core and a piece of work; none takes all cores.",
        show_default=False,
    ),
]


def evaluate(
    models: ModelsArgument = None,
    model: ModelOption = None,
    data: DataOption = None,
    market: MarketOption = None,
    walk: WalkOption = False,
    bars: BarsOption = None,
    html: HtmlOption = None,
    folds: FoldsOption = FOLDS,
    rolling: RollingOption = False,
    take_profit: TakeProfitOption = None,
    stop_loss: StopLossOption = None,
    horizon: HorizonOption = None,
    spread: SpreadOption = None,
    gas: GasOption = None,
    cooldown: CooldownOption = 0,
    share: ShareOption = TRADE_SHARE,
    trust: TrustOption = None,
    trials: TrialsOption = None,
    seed: SeedOption = SEED,
    jobs: JobsOption = None,
    duplicates: DuplicatesOption = "refuse",
    impossible: ImpossibleOption = "refuse",
    date_order: DateOrderOption = None,
    stamped: StampedOption = "start",
    columns: ColumnsOption = None,
    inputs: InputOption = None,
    json: JsonOption = False,
) -> None:
    """Tell whether a model is any good, on bars it has not seen.

    Each fold is traded on by a model trained on the bars before it alone, after all costs, and compared with
    knowing nothing. Every trial is counted, and the verdict pays for all of them. A saved model is tried on what
    came after its training. Without --data, the bars are synthetic.
    """
    from agent.cli.evaluating import Asked, run

    named = (*(models or ()), *(model or ()))
    if not named:
        raise UsageError("There is no model to evaluate.", cure="Name one: patternsettle evaluate logistic.")
    if data is not None and walk:
        raise UsageError("--walk makes bars and --data reads them.", cure="Give one of the two.")
    if market is not None and data is None:
        raise UsageError("--market chooses from a file, and there is none.", cure="Give one with --data.")
    asked = Asked(
        data=data,
        models=named,
        html=html,
        folds=folds,
        scheme="rolling" if rolling else "expanding",
        barriers={
            "take_profit_bps": take_profit,
            "stop_loss_bps": stop_loss,
            "horizon": horizon,
            "spread_bps": spread,
        },
        gas_bps=gas,
        cooldown=cooldown,
        share=share,
        trusted=tuple(trust or ()),
        trials=trials,
        seed=seed,
        jobs=jobs,
        json=json,
    )
    asked.require_possible()
    if data is None:
        series = synthetic_bars(bars or SYNTHETIC, seed=seed, walk=walk)
    else:
        loaded = load_bars(
            data,
            market=market,
            duplicates=duplicates,
            impossible=impossible,
            date_order=date_order,
            stamped=stamped,
            columns=columns,
        )
        warn(loaded)
        series = last_of(loaded.bars, bars)
    run(with_given(series, inputs, named, seed=seed, trusted=asked.trusted), asked)
    if not json:
        reading = {
            "market": market,
            "duplicates": duplicates,
            "impossible": impossible,
            "date_order": date_order,
            "stamped": stamped,
            "columns": columns,
            "input": tuple(inputs or ()),
        }
        show(next_steps(*_next(named[0], data, trust=tuple(trust or ()), **reading)))


def _next(
    model: str, data: Path | None, *, trust: tuple[str, ...], **reading: str | tuple[str, ...] | None
) -> Iterable[str]:
    """What comes after a model was evaluated: the same on prices of a file, training it there, or looking whether it fits."""
    if data is None:
        return on_a_sample(typed("evaluate", model, data=SAMPLE, trust=trust))
    if is_saved(model):
        return (typed("check", model, data=data, trust=trust, **reading),)
    return (typed("train", data=data, model=model, out=f"{model.partition(':')[0]}.psm", **reading),)


def last_of(loaded: Bars, wanted: int | None) -> Bars:
    if wanted is not None and wanted > len(loaded):
        raise UsageError(
            f"{loaded.source} has {len(loaded):,} bars, and --bars asks for {wanted:,}.",
            cure="Ask for fewer, or leave it out to take all.",
        )
    return loaded if wanted is None else loaded[-wanted:]


def synthetic_bars(n: int, *, seed: int, walk: bool) -> Bars:
    from agent.cli.beforehand import require_generable
    from agent.market.synthetic import planted, random_walk

    require_generable(n)
    return (random_walk if walk else planted)(n, seed=seed)
