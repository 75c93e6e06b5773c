"""When each bar starts: which columns tell it, in which unit, and whether they agree."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import pandas as pd

from agent.errors import DataError
from agent.market.bars import Floats, Ints
from agent.market.dates import DAY, MICROSECONDS, UNREAD, Dates, read_dates, style_of
from agent.market.policies import DateOrder
from agent.market.table import Table

_EPOCH = re.compile(r"\d{9,19}(?:\.\d*)?|\d(?:\.\d+)?[eE]\+?1?\d", re.ASCII)
_CLOCK = re.compile(r"\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?", re.ASCII)
_SCIENTIFIC = r"[0-9](?:\.([0-9]+))?[eE]\+?(1?[0-9])"
_SAMPLE = 100

# Which magnitude means which unit: each span reaches from 1973 to 2099, and they do not touch.
_UNITS = (("s", 1e8, 4.1e9), ("ms", 1e11, 4.1e12), ("µs", 1e14, 4.1e15), ("ns", 1e17, 4.1e18))
_MICROSECONDS_PER = {"s": 1_000_000.0, "ms": 1_000.0, "µs": 1.0, "ns": 0.001}

_EARLIEST = np.datetime64("1800-01-01", "us").astype(np.int64)
_LATEST = np.datetime64("2200-01-01", "us").astype(np.int64)

_Sort = Literal["epoch", "rounded", "date", "clock", "unknown"]


@dataclass(frozen=True, eq=False)
class Times:
    """When each row's bar starts.

    Attributes
    ----------
    time
        Microseconds since 1970, UTC, shape (n,).
    title
        The column or columns it was read from.
    warnings
        What was odd about them, as sentences.
    """

    time: Ints
    title: str
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class _Written:
    """Times written as text in one column, or as a date in one and a time of day in another."""

    columns: tuple[int, ...]

    def title(self, table: Table) -> str:
        return " + ".join(table.title(column) for column in self.columns)


def looks_like_time(text: str) -> bool:
    """Whether a cell is a time by itself: unix time in any unit, or a date."""
    return bool(_EPOCH.fullmatch(text)) or style_of(text) is not None


def read_times(table: Table, candidates: tuple[int, ...], *, order: DateOrder | None) -> Times:
    """Return the times of a table's rows.

    Parameters
    ----------
    table
        Where they stand.
    candidates
        Positions of the columns whose name says that they tell a time, in the table's order.
    order
        Whether day or month comes first where digits alone do not tell; None to find out.

    Raises
    ------
    DataError
        If a time is missing, unreadable or rounded away, or if two columns tell different times.
    """
    sorts = {column: _sort_of(table, column) for column in candidates}
    of_sort = {sort: [column for column in candidates if sorts[column] == sort] for sort in get_args(_Sort)}
    epochs, rounded = of_sort["epoch"], of_sort["rounded"]
    dates = [_Written((column,)) for column in of_sort["date"]]
    if dates and of_sort["clock"] and not _has_clock(table, dates[0]):
        dates[0] = _Written((of_sort["date"][0], of_sort["clock"].pop(0)))
    if not epochs and not dates:
        raise _no_times(table, candidates[0], rounded)
    warnings = [
        f"Column {table.title(column)!r} was not used: it holds no times of its own."
        for column in [*of_sort["clock"], *of_sort["unknown"]]
    ]
    if epochs:
        main, title = _epoch_times(table, epochs[0]), table.title(epochs[0])
        warnings += _mixed_units(table, epochs[0])
    else:
        main, title = _read_written(table, dates[0], order, None), dates[0].title(table)
    _require_complete(table, epochs[0] if epochs else dates[0].columns[0], main)
    for column in epochs[1:]:
        _require_agreement(table, title, main, column, _epoch_times(table, column))
    for written in dates if epochs else dates[1:]:
        _require_agreement(table, title, main, written.columns[0], _read_written(table, written, order, main.time))
    warnings += [
        f"Column {table.title(column)!r} holds times that a spreadsheet rounded "
        f"({_rounded_texts(table, column).iloc[0]}), so the times were read from {title!r} instead."
        for column in rounded
    ]
    return Times(main.time, title, tuple(warnings))


def _no_times(table: Table, column: int, rounded: list[int]) -> DataError:
    if rounded:
        texts = _rounded_texts(table, rounded[0])
        return table.fault(
            f"a spreadsheet rounded the times ({texts.iloc[0]}), and no other column tells them.",
            row=int(texts.index[0]),
            column=rounded[0],
            cure="Export again without opening the file in a spreadsheet, or show that column in full digits.",
        )
    texts = table.texts(column)
    return table.fault(
        f"{texts.iloc[0]!r} is not a time.",
        row=int(table.rows[0]),
        column=column,
        cure="Give a column of unix times, or of times like 2024-01-31 23:00.",
    )


def _sort_of(table: Table, column: int) -> _Sort:
    """Return what the cells of a column mostly are, by a sample spread evenly over the rows."""
    if pd.api.types.is_datetime64_any_dtype(table.frame.dtypes.iloc[column]):
        return "date"
    if not pd.api.types.is_integer_dtype(table.frame.dtypes.iloc[column]) and _is_rounded(table, column):
        return "rounded"
    cells = table.frame.iloc[:, column].dropna()
    sample = [_plain(cell) for cell in cells.iloc[:: max(1, len(cells) // _SAMPLE)]]
    sorts = [_sort_of_text(text) for text in sample if text]
    return max(set(sorts), key=sorts.count) if sorts else "unknown"


def _plain(cell: object) -> str:
    """Return a cell as text; a float without fraction, as pandas makes of integers beside empty cells, as integer."""
    return str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell).strip()


def _sort_of_text(text: str) -> _Sort:
    if style_of(text) is not None:
        return "date"
    if _EPOCH.fullmatch(text):
        return "epoch"
    if _CLOCK.fullmatch(text) or (text.isascii() and text.isdigit() and len(text) <= 6):
        return "clock"
    return "unknown"


def _rounded_texts(table: Table, column: int) -> pd.Series:
    """Return the cells that are numbers like 1.58838E+12, indexed by row."""
    texts = table.texts(column)
    return texts[texts.str.fullmatch(_SCIENTIFIC)]


def _is_rounded(table: Table, column: int) -> bool:
    """Whether such numbers have too few digits to tell one second from the next."""
    if table.typed:
        return False
    parts = _rounded_texts(table, column).str.extract(_SCIENTIFIC)
    if parts.empty:
        return False
    exponent = parts[1].astype(int)
    finest = (exponent - parts[0].fillna("").str.len()).min()
    unit = _unit_of(10.0 ** float(exponent.max()))
    return unit is None or 10.0**finest * _MICROSECONDS_PER[unit] > MICROSECONDS


def _unit_of(value: float) -> str | None:
    return next((unit for unit, least, most in _UNITS if least <= value <= most), None)


def _epoch_times(table: Table, column: int) -> Dates:
    """Return unix times in microseconds, each row's unit told by its magnitude."""
    values = _epoch_values(table, column)
    time = np.full(len(values), UNREAD)
    resolution = np.ones(len(values), np.int64)
    for unit, least, most in _UNITS:
        mask = (values >= least) & (values <= most)
        factor = _MICROSECONDS_PER[unit]
        if np.issubdtype(values.dtype, np.integer):
            time[mask] = values[mask] * int(factor) if factor >= 1 else values[mask] // round(1 / factor)
        else:
            time[mask] = np.rint(values[mask] * factor).astype(np.int64)
        resolution[mask] = max(int(factor), 1)
    wrong = (time == UNREAD) & ~table.empty(column)
    if wrong.any():
        at = int(wrong.argmax())
        raise table.fault(
            f"{table.texts(column).iloc[at]!r} is no unix time in s, ms, µs or ns between 1973 and 2099.",
            row=int(table.rows[at]),
            column=column,
            cure="Correct or remove that line.",
        )
    return Dates(time, resolution)


def _epoch_values(table: Table, column: int) -> Ints | Floats:
    if table.is_number(column):
        return table.frame.iloc[:, column].to_numpy()
    return pd.to_numeric(table.texts(column), errors="coerce").to_numpy()


def _mixed_units(table: Table, column: int) -> list[str]:
    """Return a warning if a column of unix times is in more than one unit."""
    values = _epoch_values(table, column)
    counts = {unit: int(((values >= least) & (values <= most)).sum()) for unit, least, most in _UNITS}
    mixed = " and ".join(f"{count:,} in {unit}" for unit, count in counts.items() if count)
    return [f"Column {table.title(column)!r} mixes units of time: {mixed}."] if " and " in mixed else []


def _has_clock(table: Table, written: _Written) -> bool:
    """Whether dates come with a time of day."""
    if pd.api.types.is_datetime64_any_dtype(table.frame.dtypes.iloc[written.columns[0]]):
        return True
    texts = table.texts(written.columns[0])
    style = style_of(next((text for text in texts if text), ""))
    return style is None or style.resolution < DAY


def _read_written(table: Table, written: _Written, order: DateOrder | None, expected: Ints | None) -> Dates:
    date = written.columns[0]
    if pd.api.types.is_datetime64_any_dtype(table.frame.dtypes.iloc[date]):
        typed = pd.to_datetime(table.frame.iloc[:, date], utc=True).dt.tz_localize(None)
        return Dates(typed.to_numpy("datetime64[us]").astype(np.int64), np.ones(len(typed), np.int64))
    texts = table.texts(date)
    if len(written.columns) == 2:
        clock = table.texts(written.columns[1])
        packed = clock[clock.str.fullmatch(r"[0-9]{1,6}")]
        if len(packed):
            # 93000 and 000000 are hours, minutes and seconds; 930 and 0000 hours and minutes.
            clock = clock.where(
                ~clock.index.isin(packed.index), packed.str.zfill(6 if packed.str.len().max() > 4 else 4)
            )
        texts = texts.str.cat(clock, sep=" ").str.strip()
    return read_dates(table, date, texts, order=order, expected=expected)


def _require_complete(table: Table, column: int, times: Dates) -> None:
    missing = times.time == UNREAD
    beyond = ~missing & ((times.time < _EARLIEST) | (times.time > _LATEST))
    wrong = missing | beyond
    if wrong.any():
        at = int(wrong.argmax())
        raise table.fault(
            "there is no time." if missing[at] else "the time is not between the years 1800 and 2200.",
            row=int(table.rows[at]),
            column=column,
            cure="Correct or remove that line.",
        )


def _require_agreement(table: Table, title: str, main: Dates, column: int, other: Dates) -> None:
    """Refuse two columns that tell different times, as far as the coarser of them can tell."""
    coarse = np.maximum(main.resolution, other.resolution)
    told = other.time != UNREAD
    differs = told & (main.time // coarse != other.time // coarse)
    if not differs.any():
        return
    at = int(differs.argmax())
    shifts = np.unique((other.time - main.time)[told])
    zone = " in every row alike, as if one were local time" if differs[told].all() and len(shifts) == 1 else ""
    raise table.fault(
        f"it says {_iso(other.time[at])}, but column {title!r} says {_iso(main.time[at])}{zone}.",
        row=int(table.rows[at]),
        column=column,
        cure="Remove the column that is wrong; times are read as UTC.",
    )


def _iso(time: np.int64) -> str:
    return str(np.datetime64(int(time), "us").astype("datetime64[s]"))
