"""`patternsettle train`: train a model on the first part of a price file, and save it."""

from __future__ import annotations

import shlex
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from agent.cli.choice import SEED, SeedOption
from agent.cli.options import (
    DataOption,
    DateOrderOption,
    DuplicatesOption,
    ImpossibleOption,
    JsonOption,
    MarketOption,
    load_bars,
)
from agent.cli.output import show, show_json, synthetic_note
from agent.cli.progress import step, warn
from agent.errors import UsageError
from agent.model.evaluation import TRADE_SHARE, Metrics
from agent.model.labels import DEFAULT_BARRIERS, Barriers

if TYPE_CHECKING:
    from agent.model.trained import TrainedModel

REPLAY = 500

OutOption = Annotated[Path, typer.Option("--out", help="Folder to save the model as.", show_default=False)]
FactoryOption = Annotated[
    str | None,
    typer.Option(
        "--model",
        metavar="MODULE:FACTORY",
        help="What makes the unfitted classifier; none takes a calibrated logistic regression.",
        show_default=False,
    ),
]
NameOption = Annotated[
    str | None, typer.Option("--name", help="What to call it; none takes the folder's name.", show_default=False)
]
ReplayOption = Annotated[
    int,
    typer.Option("--replay", min=0, help="Bars at the end to leave out, and a gap before them; 0 leaves none."),
]
TakeProfitOption = Annotated[int, typer.Option("--take-profit", help="Distance of the take-profit in bps.")]
StopLossOption = Annotated[int, typer.Option("--stop-loss", help="Distance of the stop-loss in bps.")]
HorizonOption = Annotated[int, typer.Option("--horizon", help="Bars after which a trade ends anyway.")]
SpreadOption = Annotated[int, typer.Option("--spread", help="Cost of entering, and of leaving, in bps.")]
ShareOption = Annotated[
    float, typer.Option("--share", help="Share of the bars with a pattern that may trade; sets the threshold.")
]


def train(
    out: OutOption,
    data: DataOption = None,
    market: MarketOption = None,
    model: FactoryOption = None,
    name: NameOption = None,
    seed: SeedOption = SEED,
    replay: ReplayOption = REPLAY,
    take_profit: TakeProfitOption = DEFAULT_BARRIERS.take_profit_bps,
    stop_loss: StopLossOption = DEFAULT_BARRIERS.stop_loss_bps,
    horizon: HorizonOption = DEFAULT_BARRIERS.horizon,
    spread: SpreadOption = DEFAULT_BARRIERS.spread_bps,
    share: ShareOption = TRADE_SHARE,
    duplicates: DuplicatesOption = "refuse",
    impossible: ImpossibleOption = "refuse",
    date_order: DateOrderOption = None,
    json: JsonOption = False,
) -> None:
    """Train a model on the first part of a price file and save it.

    The last bars stay unseen, so that the model can be tried on them in a replay.
    """
    # Here, for scikit-learn takes a second that other commands need not wait.
    from agent.model.artifact import require_free, save
    from agent.model.estimators import resolve
    from agent.model.skopsfile import untrusted_types
    from agent.model.splits import split
    from agent.model.train import train as fit

    if data is None:
        raise UsageError("There is nothing to train on.", cure="Give a price file with --data FILE.")
    require_free(out)
    factory = None if model is None else resolve(model)
    barriers = Barriers(take_profit_bps=take_profit, stop_loss_bps=stop_loss, horizon=horizon, spread_bps=spread)
    loaded = load_bars(data, market=market, duplicates=duplicates, impossible=impossible, date_order=date_order)
    warn(loaded)
    bars = loaded.bars
    training = split(bars, replay=replay, horizon=horizon).training if replay else bars
    began = time.monotonic()
    with step(f"Training on {len(training):,} bars"):
        trained = fit(
            training,
            barriers=barriers,
            factory=factory,
            name=name or out.resolve().name,
            seed=seed,
            trade_share=share,
        )
    seconds = time.monotonic() - began
    save(trained, out)
    trust = untrusted_types(trained.estimator)
    left_out = len(bars) - len(training)
    if json:
        document = _document(trained, out, left_out=left_out, trust=trust, seconds=seconds)
        show_json(document)
    else:
        show(_summary(trained, out, left_out=left_out, trust=trust, seconds=seconds))


def _document(
    trained: TrainedModel, out: Path, *, left_out: int, trust: tuple[str, ...], seconds: float
) -> dict[str, Any]:
    manifest = trained.manifest
    saved = manifest.as_json()
    return {
        "id": trained.id,
        "name": manifest.name,
        "path": str(out),
        "artifact_sha256": manifest.artifact_sha256,
        "classifier": manifest.classifier,
        "seed": manifest.seed,
        "data": {
            "source": manifest.source,
            "market": manifest.market,
            "synthetic": manifest.synthetic,
            "interval_seconds": manifest.interval,
            "bars": manifest.bars,
            "left_out": left_out,
            "first": saved["first"],
            "last": saved["last"],
            "sha256": manifest.data_sha256,
        },
        "trained_until": saved["trained_until"],
        "barriers": asdict(manifest.barriers),
        "threshold_bps": manifest.threshold_bps,
        "metrics": {**asdict(manifest.metrics), "edge": manifest.metrics.edge},
        "trust": list(trust),
        "seconds": round(seconds, 3),
    }


def _summary(trained: TrainedModel, out: Path, *, left_out: int, trust: tuple[str, ...], seconds: float) -> Table:
    manifest, barriers = trained.manifest, trained.manifest.barriers
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    table.add_row("model", f"{escape(manifest.name)}, {manifest.classifier}, trained in {seconds:.1f} s")
    table.add_row("id", trained.id)
    table.add_row("saved as", escape(str(out)))
    table.add_row(
        "data",
        f"{escape(manifest.source)}, {manifest.bars:,} bars, {manifest.first:%Y-%m-%d %H:%M} .. {manifest.last:%Y-%m-%d %H:%M} UTC",
    )
    if manifest.synthetic:
        table.add_row("", synthetic_note(True))
    table.add_row("left out", f"the last {left_out:,} bars" if left_out else "nothing")
    table.add_row("knows", f"everything until {manifest.trained_until:%Y-%m-%d %H:%M} UTC")
    table.add_row(
        "barriers",
        f"profit {barriers.take_profit_bps} bps, stop {barriers.stop_loss_bps} bps, "
        f"horizon {barriers.horizon} bars, spread {barriers.spread_bps} bps",
    )
    table.add_row("signals from", f"{manifest.threshold_bps / 100:.2f} % on")
    for label, value in _worth(manifest.metrics):
        table.add_row(label, value)
    if trust:
        options = " ".join(f"--trust {shlex.quote(name)}" for name in trust)
        table.add_row("to load it", f"types must be allowed that are not known to be safe: {escape(options)}")
    return table


def _worth(metrics: Metrics) -> list[tuple[str, str]]:
    """Say what the model was worth on the bars it was measured on; no edge is said as plainly as one."""
    measured = [("measured on", f"{metrics.held_out:,} later bars with a pattern, not seen in training")]
    if metrics.hit_rate is None or metrics.base_rate is None or metrics.shuffled_rate is None:
        measured.append(("decisions", "none: no bar was above the threshold"))
    else:
        verdict = (
            "[green]better than luck explains[/]" if metrics.edge else "[yellow]no edge: luck explains as much[/]"
        )
        measured += [
            ("decisions", f"{metrics.decisions:,}, of which {metrics.hit_rate:.1%} took their profit"),
            (
                "by chance",
                f"{metrics.base_rate:.1%} at any pattern, {metrics.shuffled_rate:.1%} with sides at random",
            ),
            ("verdict", verdict),
        ]
    losses = f"{metrics.log_loss:.4f}, and {metrics.log_loss_base:.4f} for always giving the base rates"
    return [*measured, ("log loss", losses)]
