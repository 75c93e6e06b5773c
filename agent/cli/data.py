"""`patternsettle data`: what was found in a price file, as a table or as one JSON document; or a sample of one, written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from agent.cli.next_steps import next_steps, typed
from agent.cli.options import (
    ColumnsOption,
    DateOrderOption,
    DuplicatesOption,
    FileArgument,
    ImpossibleOption,
    JsonOption,
    MarketOption,
    StampedOption,
    load_bars,
)
from agent.cli.output import show, show_json, synthetic_note

if TYPE_CHECKING:
    from agent.market.read import DataReport, Loaded

_UNITS = ((604_800, "w"), (86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))


def data(
    file: FileArgument,
    sample: Annotated[
        bool,
        typer.Option("--sample", help="Write a synthetic sample to FILE first, which must not be there yet."),
    ] = False,
    market: MarketOption = None,
    duplicates: DuplicatesOption = "refuse",
    impossible: ImpossibleOption = "refuse",
    date_order: DateOrderOption = None,
    stamped: StampedOption = "start",
    columns: ColumnsOption = None,
    json: JsonOption = False,
) -> None:
    """Say what is in a price file: span, gaps, faults, and columns."""
    if sample:
        from agent.market.sample import write_sample  # here, for numpy takes a while that `--help` need not wait

        write_sample(file)
    loaded = load_bars(
        file,
        market=market,
        duplicates=duplicates,
        impossible=impossible,
        date_order=date_order,
        stamped=stamped,
        columns=columns,
    )
    if json:
        show_json(loaded.report.to_json())
    else:
        then = (next_steps(typed("check", "logistic", data=file)),) if sample else ()
        show(describe(loaded), *then)


def describe(loaded: Loaded) -> RenderableType:
    """Return what a person should know about bars before trusting them.

    Parameters
    ----------
    loaded
        Bars and the report on them, read from a file or generated.
    """
    report = loaded.report
    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for label, value in _lines(loaded):
        table.add_row(label, Text(value))
    title = Text(report.source or "bars", style="bold")
    if report.synthetic:
        title.append("  ").append_text(Text.from_markup(synthetic_note(report.synthetic)))
    warnings = [Text(f"! {warning}", style="yellow") for warning in report.warnings]
    return Group(title, table, *warnings)


def _lines(loaded: Loaded) -> list[tuple[str, str]]:
    report, bars = loaded.report, loaded.bars
    low, high = (f"{bars.decimal(int(price)).normalize():f}" for price in (bars.low.min(), bars.high.max()))
    lines = [
        ("market", report.market or "not named in the file"),
        ("span", f"{report.first:%Y-%m-%d %H:%M} .. {report.last:%Y-%m-%d %H:%M} UTC"),
        ("interval", _duration(report.interval_seconds)),
        ("bars", f"{report.bars:,}"),
        ("prices", f"{low} .. {high} ({bars.decimals} digits after the point are kept)"),
        ("gaps", f"{report.gaps:,} ({_some(report.missing, 'bar')} missing)" if report.gaps else "none"),
        ("duplicates", _some(report.duplicates, "row", " dropped")),
        ("zero volume", _some(report.zero_volume, "bar")),
        ("impossible", _some(report.impossible, "row", " dropped or repaired")),
        ("off the grid", _some(report.off_grid, "bar")),
        ("empty rows", _some(report.empty, "row", " dropped")),
        ("columns", _columns(report)),
    ]
    return [(label, value) for label, value in lines if value]


def _some(count: int, one: str, rest: str = "") -> str:
    return f"{count:,} {one}{'' if count == 1 else 's'}{rest}" if count else "none"


def _columns(report: DataReport) -> str:
    return ", ".join(f"{field} = {name}" for field, name in report.columns)


def _duration(seconds: int) -> str:
    """Return seconds in the largest unit that divides them, and as seconds."""
    size, unit = next((size, unit) for size, unit in _UNITS if seconds % size == 0)
    return f"{seconds // size} {unit}" + (f" ({seconds:,} s)" if unit != "s" else "")
