"""`patternsettle check`: whether a model fits in here, each check one sentence with its evidence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from agent.cli.choice import SEED, SeedOption, TrustOption
from agent.cli.inputs import InputOption, with_given
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
from agent.cli.progress import step, warn
from agent.errors import UsageError

if TYPE_CHECKING:
    from agent.market.bars import Bars
    from agent.model.conformity import Check, Conformity

FAILED = 1

ModelArgument = Annotated[
    str,
    typer.Argument(
        metavar="MODEL",
        help="A saved model (a folder, .psm or .onnx), or one to be trained first: a name, or MODULE:FACTORY.",
        show_default=False,
    ),
]


def check(
    model: ModelArgument,
    data: DataOption = None,
    market: MarketOption = None,
    trust: TrustOption = None,
    seed: SeedOption = SEED,
    duplicates: DuplicatesOption = "refuse",
    impossible: ImpossibleOption = "refuse",
    date_order: DateOrderOption = None,
    stamped: StampedOption = "start",
    columns: ColumnsOption = None,
    inputs: InputOption = None,
    json: JsonOption = False,
) -> None:
    """Check that a model fits in here, and never looks ahead.

    Each check is one sentence with its evidence; the exit code is 1 where one fails. Without --data, the model is
    examined on synthetic bars. One that takes long to answer is asked about fewer bars, so that all is said within
    some five minutes where an answer takes 2 s.
    """
    # Here, for scikit-learn takes a second that other commands need not wait.
    from agent.model.artifact import identify
    from agent.model.conformity.subject import needs_training, subject_of
    from agent.model.conformity.suite import asked_of, examine
    from agent.model.estimators import made_by, resolve

    trained_here = needs_training(model)
    if trust and trained_here:
        raise UsageError("--trust is about a saved model, and this one is trained here.", cure="Leave it out.")
    if market is not None and data is None:
        raise UsageError("--market chooses from a file, and there is none.", cure="Give one with --data.")
    if trained_here:
        made_by(resolve(model), seed=seed)
    else:
        identify(model)
    bars = None
    if data is not None:
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
        bars = with_given(loaded.bars, inputs, [model], seed=seed, trusted=tuple(trust or ()))
    elif inputs:
        raise UsageError("--input stands beside a price file, and there is none.", cure="Give one with --data.")
    if trained_here:
        with step(f"Training on {'synthetic bars' if bars is None else bars.source}"):
            subject = subject_of(model, bars=bars, seed=seed)
    else:
        subject = subject_of(model, bars=bars, seed=seed, trusted=tuple(trust or ()))
    with step("Examining the model", total=len(list(asked_of(subject)))) as advance:
        result = examine(subject, on_check=advance)
    if json:
        show_json(result.to_json())
    else:
        show(_described(model, subject.bars, result))
    if not result.passed:
        raise typer.Exit(FAILED)


def _described(model: str, bars: Bars, result: Conformity) -> RenderableType:
    title = Text(model, style="bold")
    where = Text(f"examined on {len(bars):,} bars of {bars.source}")
    if bars.synthetic:
        where.append("  ").append_text(Text.from_markup(synthetic_note(bars.synthetic)))
    table = Table.grid(padding=(0, 1))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for each in result.checks:
        table.add_row(Text("✓", style="green") if each.passed else Text("✗", style="bold red"), _sentence(each))
    failed, made = len(result.failed), len(result.checks)
    verdict = (
        Text(f"It fits in: all {made} checks passed.", style="green")
        if result.passed
        else Text(f"It does not fit in: {failed} of {made} checks failed.", style="bold red")
    )
    return Group(title, where, Text(), table, Text(), verdict)


def _sentence(check: Check) -> Text:
    return Text.assemble(
        (check.name, "" if check.passed else "bold"), "\n", (check.detail, "dim" if check.passed else "")
    )
