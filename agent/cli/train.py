"""`patternsettle train`: train a model on the first part of a price file, and save it."""

from __future__ import annotations

import shlex
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from agent.cli.choice import SEED, SeedOption
from agent.cli.evaluate import TrialsOption
from agent.cli.inputs import InputOption, with_given
from agent.cli.next_steps import next_steps, typed
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
from agent.cli.output import show, show_json, synthetic_note
from agent.cli.progress import note, step, warn
from agent.errors import UsageError
from agent.market.spread import HiddenSpread, hidden_spread
from agent.model.evaluation import TRADE_SHARE
from agent.model.labels import DEFAULT_BARRIERS, Barriers
from agent.model.named import DEFAULT, ONE_FILE, ONNX

if TYPE_CHECKING:
    from agent.model.fitting import BarrierFit
    from agent.model.trained import TrainedModel

REPLAY = 500

OutOption = Annotated[
    Path,
    typer.Option("--out", help="Folder, or file that ends in .psm, to save the model as.", show_default=False),
]
FactoryOption = Annotated[
    str | None,
    typer.Option(
        "--model",
        metavar="MODEL",
        help=f"A name of `patternsettle models` ({DEFAULT.name} unless given), MODULE:FACTORY, or an .onnx file to measure.",
        show_default=False,
    ),
]
NameOption = Annotated[
    str | None, typer.Option("--name", help="What to call it; none takes the name in --out.", show_default=False)
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
    trials: TrialsOption = None,
    duplicates: DuplicatesOption = "refuse",
    impossible: ImpossibleOption = "refuse",
    date_order: DateOrderOption = None,
    stamped: StampedOption = "start",
    columns: ColumnsOption = None,
    inputs: InputOption = None,
    json: JsonOption = False,
) -> None:
    """Train a model on the first part of a price file and save it.

    The last bars stay unseen, so that the model can be tried on them in a replay. An .onnx file was trained elsewhere: its
    threshold is set, its worth measured, and its manifest written; with --out naming that same file, beside it.
    What is measured is counted as a trial first.
    """
    # Here, for scikit-learn takes a second that other commands need not wait.
    from agent.evaluation.training import training_trial
    from agent.evaluation.trials import TrialLog, default_log
    from agent.model.artifact import require_free, save
    from agent.model.estimatorfile import untrusted_types
    from agent.model.estimators import made_by, resolve
    from agent.model.fitting import fit_of
    from agent.model.loadable import as_loaded
    from agent.model.reading import reading_of
    from agent.model.splits import split
    from agent.model.train import train as fit

    if data is None:
        raise UsageError("There is nothing to train on.", cure="Give a price file with --data FILE.")
    require_free(out)
    asked = model or DEFAULT.name
    factory = resolve(asked)
    log = TrialLog(trials or default_log())
    barriers = Barriers(take_profit_bps=take_profit, stop_loss_bps=stop_loss, horizon=horizon, spread_bps=spread)
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
    bars = with_given(loaded.bars, inputs, [asked], seed=seed)
    window = reading_of(made_by(factory, seed=seed)).window
    training = split(bars, replay=replay, horizon=horizon, window=window).training if replay else bars
    fitting = fit_of(training, barriers)
    hidden = hidden_spread(training)
    if fitting.told:
        note(fitting.told)  # beforehand: where every label is the same, nothing can be trained
    began = time.monotonic()
    with step(f"Training on {len(training):,} bars"):
        trained = fit(
            training,
            barriers=barriers,
            factory=factory,
            name=name or _name(out),
            seed=seed,
            trade_share=share,
            before_measuring=lambda: log.begin(
                training_trial(training, factory, model=asked, barriers=barriers, share=share, seed=seed)
            ),
        )
    seconds = time.monotonic() - began
    trained = as_loaded(trained, training)
    save(trained, out)
    trust = untrusted_types(trained.estimator)
    left_out = len(bars) - len(training)
    told = _Told(fitting, hidden, left_out=left_out, trust=trust, log=log.path, seconds=seconds)
    if json:
        show_json(_document(trained, out, told))
    else:
        reading = {
            "data": data,
            "market": market,
            "duplicates": duplicates,
            "impossible": impossible,
            "date_order": date_order,
            "stamped": stamped,
            "columns": columns,
            "input": tuple(inputs or ()),
        }
        seen = typed("check", out, trust=trust, **reading)
        unseen = typed("demo", model=out, bars=replay, trust=trust, **reading)
        show(_summary(trained, out, told), next_steps(unseen if replay else seen))


@dataclass(frozen=True)
class _Told:
    """What is told beside the model: of the bars it was trained on, and of how it was."""

    fit: BarrierFit
    hidden: HiddenSpread
    left_out: int
    trust: tuple[str, ...]
    log: Path
    seconds: float

    def edge(self, trained: TrainedModel) -> bool:
        """Whether it is better than luck explains, and not by a spread that nobody is charged."""
        return trained.manifest.metrics.edge and not self.hidden.exceeds(trained.manifest.barriers.spread_bps)


def _name(out: Path) -> str:
    return out.stem if out.suffix.lower() in (ONE_FILE, ONNX) else out.resolve().name


def _document(trained: TrainedModel, out: Path, told: _Told) -> dict[str, Any]:
    manifest = trained.manifest
    saved = manifest.as_json()
    return {
        "id": trained.id,
        "name": manifest.name,
        "path": str(out),
        "artifact_sha256": manifest.artifact_sha256,
        "classifier": manifest.classifier,
        "trained_elsewhere": trained.elsewhere,
        "seed": manifest.seed,
        "data": {
            "source": manifest.source,
            "market": manifest.market,
            "synthetic": manifest.synthetic,
            "interval_seconds": manifest.interval,
            "bars": manifest.bars,
            "left_out": told.left_out,
            "first": saved["first"],
            "last": saved["last"],
            "sha256": manifest.data_sha256,
        },
        "trained_until": None if trained.elsewhere else saved["trained_until"],
        "barriers": asdict(manifest.barriers),
        "barrier_fit": told.fit.as_json(),
        "roll": told.hidden.as_json(manifest.barriers.spread_bps),
        "threshold_bps": manifest.threshold_bps,
        "metrics": {**asdict(manifest.metrics), "edge": told.edge(trained) and not trained.elsewhere},
        "trust": list(told.trust),
        "trial_log": str(told.log),
        "seconds": round(told.seconds, 3),
    }


def _summary(trained: TrainedModel, out: Path, told: _Told) -> Table:
    manifest, barriers = trained.manifest, trained.manifest.barriers
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    done = "measured" if trained.elsewhere else "trained"
    table.add_row("model", f"{escape(manifest.name)}, {manifest.classifier}, {done} in {told.seconds:.1f} s")
    table.add_row("id", trained.id)
    table.add_row("saved as", escape(str(out)))
    table.add_row(
        "data",
        f"{escape(manifest.source)}, {manifest.bars:,} bars, {manifest.first:%Y-%m-%d %H:%M} .. {manifest.last:%Y-%m-%d %H:%M} UTC",
    )
    if manifest.synthetic:
        table.add_row("", synthetic_note(True))
    table.add_row("left out", f"the last {told.left_out:,} bars" if told.left_out else "nothing")
    knows = f"everything until {manifest.trained_until:%Y-%m-%d %H:%M} UTC"
    table.add_row("knows", "what its maker had it learn from" if trained.elsewhere else knows)
    table.add_row(
        "barriers",
        f"profit {barriers.take_profit_bps} bps, stop {barriers.stop_loss_bps} bps, "
        f"horizon {barriers.horizon} bars, spread {barriers.spread_bps} bps",
    )
    table.add_row("spread", told.hidden.told(barriers.spread_bps))
    table.add_row("signals from", f"{manifest.threshold_bps / 100:.2f} % on")
    for label, value in _worth(trained, told):
        table.add_row(label, value)
    table.add_row("counted", f"as a trial on these bars, in {escape(str(told.log))}")
    if told.trust:
        options = " ".join(f"--trust {shlex.quote(name)}" for name in told.trust)
        table.add_row("to load it", f"types must be allowed that are not known to be safe: {escape(options)}")
    return table


def _worth(trained: TrainedModel, told: _Told) -> list[tuple[str, str]]:
    """Say what the model was worth on the bars it was measured on; no edge is said as plainly as one."""
    metrics, elsewhere = trained.manifest.metrics, trained.elsewhere
    seen = "whether it was trained on them only its maker knows" if elsewhere else "not seen in training"
    measured = [("measured on", f"{metrics.held_out:,} later bars with a pattern, {seen}")]
    if metrics.hit_rate is None or metrics.base_rate is None or metrics.shuffled_rate is None:
        measured.append(("decisions", "none: no bar was above the threshold"))
    else:
        if not metrics.edge:
            verdict = "[yellow]no edge: luck explains as much[/]"
        elif not told.edge(trained):
            verdict = "[yellow]no edge: the prices hide a larger spread than is charged[/]"
        elif elsewhere:
            verdict = "[yellow]no edge can be told of what may have been trained on these bars[/]"
        else:
            verdict = "[green]better than luck explains[/]"
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
