"""The options with which every command reads price files, and the one function that obeys them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agent.errors import UsageError
from agent.market.policies import DateOrder, Duplicates, Impossible, Stamped

if TYPE_CHECKING:
    from agent.market.read import Loaded

__all__ = [
    "ColumnsOption",
    "DataOption",
    "DateOrder",
    "DateOrderOption",
    "Duplicates",
    "DuplicatesOption",
    "FileArgument",
    "Impossible",
    "ImpossibleOption",
    "JsonOption",
    "MarketOption",
    "Stamped",
    "StampedOption",
    "load_bars",
]

_FILE_HELP = "Price file: CSV (also .gz or .zip), JSON, Parquet, Feather or Excel (.xlsx)."

FileArgument = Annotated[Path, typer.Argument(help=_FILE_HELP, show_default=False)]
DataOption = Annotated[Path | None, typer.Option("--data", help=_FILE_HELP, show_default=False)]
MarketOption = Annotated[
    str | None,
    typer.Option(
        "--market",
        help="Market to read where the file holds several, like ETH/USDT; what to call the only one.",
        show_default=False,
    ),
]
DuplicatesOption = Annotated[
    Duplicates,
    typer.Option("--duplicates", help="Which of several rows that contradict each other at one time to keep."),
]
ImpossibleOption = Annotated[
    Impossible,
    typer.Option(
        "--impossible", help="What to do with rows that no market can have traded, like a high below the low."
    ),
]
DateOrderOption = Annotated[
    DateOrder | None,
    typer.Option(
        "--date-order",
        help="Whether 01/02/2024 has the day or the month first, where nothing tells.",
        show_default=False,
    ),
]
StampedOption = Annotated[
    Stamped,
    typer.Option(
        "--stamped", help="Whether a time is when its bar starts or when it closes, where no column tells."
    ),
]
ColumnsOption = Annotated[
    str | None,
    typer.Option(
        "--columns",
        metavar="FIELD=NAME,...",
        help="Which column is which, like time=Zeit,open=Start: of time, open, high, low, close, volume and market.",
        show_default=False,
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document on standard output.")]


def load_bars(
    file: Path,
    *,
    market: str | None = None,
    duplicates: Duplicates = "refuse",
    impossible: Impossible = "refuse",
    date_order: DateOrder | None = None,
    stamped: Stamped = "start",
    columns: str | None = None,
    at_least: int = 0,
) -> Loaded:
    """Read bars as the options of a command say.

    Parameters
    ----------
    file, market, duplicates, impossible, date_order, stamped, columns
        As given on the command line.
    at_least
        Bars the command needs, where those that any series has do not suffice.

    Raises
    ------
    DataError
        If the file cannot be read safely.
    UsageError
        If an option says nothing that it could mean.
    """
    from agent.market.columns.given import parse_columns
    from agent.market.read import load  # here, for pandas takes half a second that `--help` need not wait

    if market is not None and not market.strip():
        raise UsageError("--market is empty.", cure="Name a market, like `--market ETH/USDT`, or leave it out.")
    return load(
        file,
        market=market,
        duplicates=duplicates,
        impossible=impossible,
        date_order=date_order,
        stamped=stamped,
        columns=None if columns is None else parse_columns(columns),
        at_least=at_least,
    )
