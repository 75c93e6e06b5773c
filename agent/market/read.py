"""How a price file becomes bars, and the only way in: read, check, report; refuse what cannot be read safely."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import numpy as np

from agent.errors import DataError, UsageError
from agent.market.bars import Bars, Floats, Ints
from agent.market.breaks import breaks, changes_of_interval, exchanged
from agent.market.check import checked
from agent.market.columns.fields import Fields
from agent.market.columns.markets import of_one_market
from agent.market.columns.named import find_fields
from agent.market.columns.words import FIELDS
from agent.market.dates import MICROSECONDS
from agent.market.formats.binaryfile import read_binary
from agent.market.formats.csvfile import read_csv
from agent.market.formats.excelfile import read_excel
from agent.market.formats.jsonfile import read_json
from agent.market.formats.source import open_source
from agent.market.grid import grid_of, off_grid
from agent.market.numerals import DecimalSign, decimal_sign, read_numbers
from agent.market.policies import DateOrder, Duplicates, Impossible, Stamped
from agent.market.report import DataReport, report_of
from agent.market.rows import Rows
from agent.market.sample import MARKET as SYNTHETIC
from agent.market.scale import EXACT_BELOW, decimals_for, rounded_off, to_units
from agent.market.table import Table
from agent.market.times import read_times
from agent.market.unclosed import closed_bars

__all__ = [
    "FEWEST_BARS",
    "DataReport",
    "DateOrder",
    "Duplicates",
    "Impossible",
    "Loaded",
    "Stamped",
    "load",
    "report_of",
]

FEWEST_BARS = 3  # two spacings: with one there is nothing to be the most common


@dataclass(frozen=True, eq=False)
class Loaded:
    """Bars, and what was found while reading them."""

    bars: Bars
    report: DataReport


def load(
    path: str | Path,
    *,
    market: str | None = None,
    duplicates: Duplicates = "refuse",
    impossible: Impossible = "refuse",
    date_order: DateOrder | None = None,
    stamped: Stamped = "start",
    columns: Mapping[str, str] | None = None,
    at_least: int = FEWEST_BARS,
) -> Loaded:
    """Read bars from a CSV (also .gz or .zip), JSON, Parquet, Feather or Excel (.xlsx) file.

    Parameters
    ----------
    path
        The file.
    market
        Which market to read where the file holds several (``ETH/USDT``), or what to call the only one.
    duplicates
        Which of several rows that contradict each other at the same time to keep, in the file's order.
        Exact copies are always dropped.
    impossible
        What to do with rows that no market can have traded: refuse the file, or drop them.
    date_order
        Whether 01/02/2024 has the day or the month first; None to find out from the file, or refuse.
    stamped
        Whether a time that no column explains is when a bar starts, or when it closes.
    columns
        Which column is which field (time, open, high, low, close, volume, market), where the reader cannot know:
        its name in the file, or its number from the left; a time may be two, joined by ``+``.
    at_least
        Bars that are needed.

    Returns
    -------
    Loaded
        Bars in ascending time with the most common spacing as interval, and the report on them.

    Raises
    ------
    DataError
        If the file cannot be read safely; names the place, what was found and what to do.
    UsageError
        If an argument is none of its allowed values.
    """
    _require_known("duplicates", duplicates, get_args(Duplicates))
    _require_known("impossible", impossible, get_args(Impossible))
    _require_known("date_order", date_order, (None, *get_args(DateOrder)))
    _require_known("stamped", stamped, get_args(Stamped))
    path = Path(path)
    table, fields = find_fields(_table_in(path), market, columns)
    found = len(table.frame)
    table, warnings = _without_empty_rows(table, fields)
    empty = found - len(table.frame)
    table, unclosed = closed_bars(table, fields.closed)
    if not len(table.frame):
        raise DataError("there is no bar in it.", file=table.file, cure="Download or export it again.")
    times = read_times(table, fields.times, order=date_order, stamped=stamped)
    table, fields, kept = of_one_market(table, fields, times.time, market)
    rows, pairs = _rows_of(table, fields, times.time[kept])
    unconfirmed = "" if fields.confirmed else (market or "")
    rows = checked(table, rows, duplicates=duplicates, impossible=impossible, unconfirmed=unconfirmed)
    bars, odd = _bars_of(table, rows, source=path.name, market=fields.market, at_least=at_least)
    report = report_of(
        bars,
        rows=found - int(np.count_nonzero(~kept)),
        empty=empty,
        duplicates=rows.duplicates,
        impossible=rows.impossible,
        columns=(("time", times.title), *pairs),
        warnings=(*table.warnings, *warnings, *unclosed, *fields.warnings, *times.warnings, *rows.warnings, *odd),
    )
    return Loaded(bars, report)


def _require_known(name: str, value: str | None, allowed: tuple[str | None, ...]) -> None:
    if value not in allowed:
        raise UsageError(
            f"{name} cannot be {value!r}.", cure=f"It is one of {', '.join(str(choice) for choice in allowed)}."
        )


def _table_in(path: Path) -> Table:
    source = open_source(path)
    readers = {"csv": read_csv, "json": read_json, "excel": read_excel}
    return readers.get(source.kind, read_binary)(source)


def _without_empty_rows(table: Table, fields: Fields) -> tuple[Table, tuple[str, ...]]:
    """Drop rows that hold no price at all, like the `null` rows of Yahoo; blank lines go without a word."""
    empty = np.logical_and.reduce([table.empty(column) for column in fields.prices])
    if not empty.any():
        return table, ()
    blank = empty & np.logical_and.reduce([table.empty(column) for column in range(table.width)])
    count = int(empty.sum() - blank.sum())
    kept = table.keep(~empty)
    if not count:
        return kept, ()
    first = table.place(int(table.rows[(empty & ~blank).argmax()]))
    what = "row holds" if count == 1 else "rows hold"
    return kept, (
        f"{count:,} {what} no prices and {'was' if count == 1 else 'were'} dropped (the first: {first}).",
    )


def _rows_of(table: Table, fields: Fields, time: Ints) -> tuple[Rows, tuple[tuple[str, str], ...]]:
    """Return the rows with their numbers read, and which column each field was read from."""
    decimal = decimal_sign(table, (*fields.prices, *fields.volumes[:1]))
    prices = [read_numbers(table, column, decimal) for column in fields.prices]
    volume, column, warnings = _volume(table, fields.volumes, decimal)
    rows = Rows(time=time, prices=np.column_stack(prices), volume=volume, row=table.rows, warnings=warnings)
    columns = [(field, table.title(at)) for field, at in zip(FIELDS, fields.prices, strict=True)]
    if column is not None:
        columns.append(("volume", table.title(column)))
    return rows, tuple(columns)


def _volume(
    table: Table, candidates: tuple[int, ...], decimal: DecimalSign
) -> tuple[Floats, int | None, tuple[str, ...]]:
    """Return the volume, the column it was read from, and what was odd about it."""
    if not candidates:
        return np.zeros(len(table.frame)), None, ("There is no volume column, so every volume is 0.",)
    warnings: tuple[str, ...] = ()
    column = candidates[0]
    volume = read_numbers(table, column, decimal, multiples=True)
    for other in candidates[1:]:
        if np.nan_to_num(volume).any():
            break
        another = read_numbers(table, other, decimal, multiples=True)
        if np.nan_to_num(another).any():
            warnings += (
                f"Column {table.title(column)!r} is 0 in every row, so the volume was read from {table.title(other)!r}.",
            )
            volume, column = another, other
    missing = int(np.isnan(volume).sum())
    if missing:
        warnings += (f"{missing:,} {'row has' if missing == 1 else 'rows have'} no volume; it was taken as 0.",)
    return np.where(np.isnan(volume), 0.0, volume), column, warnings


def _bars_of(table: Table, rows: Rows, *, source: str, market: str, at_least: int) -> tuple[Bars, tuple[str, ...]]:
    """Return checked rows as bars with integer prices, and what was odd about their times and digits."""
    needed = max(at_least, FEWEST_BARS)
    if len(rows) < needed:
        raise DataError(
            f"it holds {len(rows)} {'bar' if len(rows) == 1 else 'bars'}, but at least {needed} are needed.",
            file=table.file,
            cure="Give a longer file.",
        )
    time = rows.time // MICROSECONDS
    if (np.diff(time) == 0).any():
        raise DataError(
            "its bars are shorter than one second.",
            file=table.file,
            cure="Join them into bars of a second or longer.",
        )
    interval, odd = _interval_of(table, time)
    odd += breaks(time, rows.prices) + exchanged(rows.prices)
    decimals = decimals_for(rows.prices)
    if rows.prices.max() > EXACT_BELOW:
        raise DataError(
            f"a price of {rows.prices.max():g} is too large to be kept exactly.",
            file=table.file,
            cure="Quote the prices in a larger unit.",
        )
    units = to_units(rows.prices, decimals)
    lost = rounded_off(rows.prices, units, decimals)
    if units.min() < 1:
        raise DataError(
            f"prices from {rows.prices.min():g} to {rows.prices.max():g} cannot be kept with the same digits.",
            file=table.file,
            cure="Read a shorter span, or quote the prices in another unit.",
        )
    if lost:
        odd += (
            f"{lost:,} prices lose more than one part per million: {decimals} digits after the point are kept.",
        )
    open_, high, low, close = (np.ascontiguousarray(column) for column in units.T)
    bars = Bars(
        time=time,
        open=open_,
        high=high,
        low=low,
        close=close,
        volume=rows.volume,
        interval=interval,
        decimals=decimals,
        source=source,
        market=market,
        synthetic=market == SYNTHETIC,
    )
    return bars, odd


def _interval_of(table: Table, time: np.ndarray) -> tuple[int, tuple[str, ...]]:
    """Return the interval of ascending times, and what was odd about them."""
    grid = grid_of(time)
    if not grid.regular:
        raise DataError(
            f"the times have no fixed interval: {grid.odd:,} of {len(time) - 1:,} spacings are no multiple of the "
            f"most common one, {grid.interval:,} s.",
            file=table.file,
            cure="Give bars of one fixed interval (not ticks, calendar months, or several intervals in one file).",
        )
    odd = changes_of_interval(time, grid.interval)
    if grid.off_grid:
        first = np.datetime64(int(time[off_grid(time, grid.interval).argmax()]), "s")
        bars = "bar does" if grid.off_grid == 1 else "bars do"
        odd += (
            f"{grid.off_grid:,} {bars} not start on the {grid.interval:,} s grid of the others (the first: {first}).",
        )
    if grid.overlaps:
        bars = "bar starts" if grid.overlaps == 1 else "bars start"
        odd += (f"{grid.overlaps:,} {bars} before the one before has closed.",)
    return grid.interval, odd
