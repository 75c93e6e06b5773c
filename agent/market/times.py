"""When each bar starts: which columns tell it, whether they agree, and whether it is told at all."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pandas as pd

from agent.errors import DataError
from agent.market.bars import Ints
from agent.market.columns.fields import TimeColumns
from agent.market.dates import UNREAD, Dates
from agent.market.epochs import is_rounded, looks_like_epoch, mixed_units, read_epochs, rounded_texts
from agent.market.policies import DateOrder, Stamped
from agent.market.stamps import ends, interval_of, looks_closed, same, starts_of, wanders, within
from agent.market.table import Table
from agent.market.written import Told, Written, has_clock, looks_like_clock, looks_like_date, read_written
from agent.market.zones import zone_in_title

_SAMPLE = 100

_EARLIEST = np.datetime64("1800-01-01", "us").astype(np.int64)
_LATEST = np.datetime64("2200-01-01", "us").astype(np.int64)

Sort = Literal["epoch", "rounded", "date", "clock", "unknown"]
_Role = Literal["start", "plain", "close"]


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
class _Clue:
    """Columns that tell one time: how, and of what in a bar."""

    role: _Role
    written: Written
    epoch: bool

    @property
    def column(self) -> int:
        return self.written.columns[0]

    def read(self, table: Table, order: DateOrder | None, zone: int | None, expected: Ints | None = None) -> Told:
        if self.epoch:
            return Told(read_epochs(table, self.column))
        return read_written(table, self.written, order, zone=zone, expected=expected)


def looks_like_time(text: str) -> bool:
    """Whether a cell is a time by itself: unix time in any unit, or a date."""
    return looks_like_epoch(text) or looks_like_date(text)


def read_times(
    table: Table, columns: TimeColumns, *, order: DateOrder | None = None, stamped: Stamped = "start"
) -> Times:
    """Return the times of a table's rows.

    Parameters
    ----------
    table
        Where they stand.
    columns
        The columns that tell a time, by what their names say.
    order
        Whether day or month comes first where digits alone do not tell; None to find out.
    stamped
        Which end of a bar a time is where no column tells that it is the start.

    Raises
    ------
    DataError
        If a time is missing, unreadable or rounded away, if two columns tell different times, or if only the close
        of the bars is told and nobody said that it may be.
    """
    sorts = {column: sort_of(table, column) for column in columns.all}
    clues = _clues(table, columns, sorts)
    rounded = [column for column in columns.all if sorts[column] == "rounded"]
    if not clues:
        raise _no_times(table, columns, rounded)
    main, told, warnings = _main(table, clues, columns.zone, order)
    title = main.written.title(table)
    time, moved = _starts(table, clues, main, told, columns.zone, order, stamped)
    used = {column for clue in clues for column in (*clue.written.columns, *clue.written.clocks)}
    unused = [column for column in (*columns.starts, *columns.plain) if column not in (*used, *rounded)]
    warnings += [
        f"Column {table.title(column)!r} was not used: it holds no times of its own." for column in unused
    ]
    warnings += [
        f"Column {table.title(column)!r} holds times that a spreadsheet rounded "
        f"({rounded_texts(table, column).iloc[0]}), so the times were read from {title!r} instead."
        for column in rounded
    ]
    return Times(time, title, (*told.warnings, *warnings, *moved))


def _clues(table: Table, columns: TimeColumns, sorts: dict[int, Sort]) -> list[_Clue]:
    """Return what tells a time, the best first: starts before mere times, unix times before dates."""
    if columns.joined:
        return [_Clue("plain", Written(columns.plain[:1], columns.plain[1:]), epoch=False)]
    clocks = [column for column in (*columns.plain, *columns.starts, *columns.clocks) if sorts[column] == "clock"]
    full = [column for column in columns.clocks if sorts[column] in ("date", "epoch")]
    clues = []
    groups: tuple[tuple[_Role, tuple[int, ...]], ...] = (
        ("start", columns.starts),
        ("plain", (*columns.plain, *full)),
        ("close", columns.closes),
    )
    for role, group in groups:
        clues += [_Clue(role, Written((column,)), epoch=True) for column in group if sorts[column] == "epoch"]
        clues += [_Clue(role, Written((column,)), epoch=False) for column in group if sorts[column] == "date"]
    clues = _without_nameless_zones(table, clues)
    if columns.parts:
        clues.append(_Clue("plain", Written(columns.parts), epoch=False))
        clocks = [column for column in clocks if column not in columns.parts]
    at = next((index for index, clue in enumerate(clues) if not clue.epoch and clue.role != "close"), None)
    if at is not None and clocks and not has_clock(table, clues[at].written):
        clues[at] = _Clue(
            clues[at].role, Written(clues[at].written.columns, tuple(_joined(table, clocks))), epoch=False
        )
    return clues


def _without_nameless_zones(table: Table, clues: list[_Clue]) -> list[_Clue]:
    """Return the clues without local times of nobody knows where, as long as others are left."""
    known = [
        clue
        for clue in clues
        if clue.epoch or (zone := zone_in_title(table.title(clue.column))) is None or zone.known
    ]
    return known if any(clue.role != "close" for clue in known) else clues


def _joined(table: Table, clocks: list[int]) -> list[int]:
    """Return the column of the time of day; or of the hour, and with it of the minute."""
    hours = [column for column in clocks if "hour" in table.title(column).casefold()]
    minutes = [column for column in clocks if "minute" in table.title(column).casefold()]
    return [hours[0], minutes[0]] if hours and minutes and hours != minutes else clocks[:1]


def _main(
    table: Table, clues: list[_Clue], zone: int | None, order: DateOrder | None
) -> tuple[_Clue, Told, list[str]]:
    """Return what tells the times, once all others agree with it; it is a start where another tells a time within."""
    main, *others = [clue for clue in clues if clue.role != "close"] or clues
    warnings = mixed_units(table, main.column) if main.epoch else []
    told = main.read(table, order, zone)
    _require_complete(table, main.column, told.dates)
    for clue in others:
        if main.role == "close":
            break
        expected = told.dates.time if main.epoch else None
        other = clue.read(table, order, zone, expected)
        if same(told.dates, other.dates):
            if main.role == "plain" and looks_closed(told.dates.time) and wanders(other.dates, told.dates):
                main, told = replace(clue, role="start"), other
            continue
        if (within if main.role == "start" else wanders)(told.dates, other.dates):
            main = replace(main, role="start")
            continue
        complete = bool((other.dates.time != UNREAD).all())
        if complete and (clue.role == main.role or main.role == "start") and wanders(other.dates, told.dates):
            main, told, warnings = replace(clue, role="start"), other, []
            continue
        raise _disagreement(table, main.written.title(table), told.dates, clue.column, other.dates)
    return main, told, warnings


def _starts(
    table: Table,
    clues: list[_Clue],
    main: _Clue,
    told: Told,
    zone: int | None,
    order: DateOrder | None,
    stamped: Stamped,
) -> tuple[Ints, tuple[str, ...]]:
    """Return when the bars start, moved back from their close where that is all that is told."""
    title = main.written.title(table)
    close = next((clue for clue in clues if clue.role == "close"), None)
    certain = main.role == "start"
    closing = main.role == "close"
    if main.role == "plain" and close is not None:
        end = close.read(table, order, zone)
        closing = ends(told.dates, end.dates)
        certain = not closing and within(told.dates, end.dates)
    closing = closing or (main.role == "plain" and not certain and looks_closed(told.dates.time))
    if stamped == "close" and certain:
        raise DataError(
            f"column {title!r} tells when the bars start.", file=table.file, cure="Leave out `--stamped close`."
        )
    if stamped == "start" and closing:
        raise _only_closes(table, title, main)
    if stamped == "start":
        return told.dates.time, ()
    time = starts_of(told.dates.time)
    seconds = interval_of(told.dates.time) // 1_000_000
    return time, (
        f"Column {title!r} was taken for the times at which the bars close: each was moved back by {seconds:,} s.",
    )


def _only_closes(table: Table, title: str, main: _Clue) -> DataError:
    what = (
        f"no column is named like the time at which a bar starts; there are {table.titles()}"
        if main.role == "close"
        else f"column {title!r} tells when the bars close, and no column tells when they start"
    )
    return DataError(
        f"{what}.",
        file=table.file,
        cure=f"Read {title!r} with `--stamped close`, which moves each time back by one interval, or add the starts as `time`.",
    )


def _no_times(table: Table, columns: TimeColumns, rounded: list[int]) -> DataError:
    if rounded:
        texts = rounded_texts(table, rounded[0])
        return table.fault(
            f"a spreadsheet rounded the times ({texts.iloc[0]}), and no other column tells them.",
            row=int(texts.index[0]),
            column=rounded[0],
            cure="Export again without opening the file in a spreadsheet, or show that column in full digits.",
        )
    column = columns.all[0]
    texts = table.texts(column)
    return table.fault(
        f"{texts.iloc[0]!r} is not a time.",
        row=int(table.rows[0]),
        column=column,
        cure="Give a column of unix times, or of times like 2024-01-31 23:00.",
    )


def sort_of(table: Table, column: int) -> Sort:
    """Return what the cells of a column mostly are, by a sample spread evenly over the rows."""
    if pd.api.types.is_datetime64_any_dtype(table.frame.dtypes.iloc[column]):
        return "date"
    if not pd.api.types.is_integer_dtype(table.frame.dtypes.iloc[column]) and is_rounded(table, column):
        return "rounded"
    cells = table.frame.iloc[:, column].dropna()
    sample = [_plain(cell) for cell in cells.iloc[:: max(1, len(cells) // _SAMPLE)]]
    sorts = [_sort_of_text(text) for text in sample if text]
    return max(set(sorts), key=sorts.count) if sorts else "unknown"


def _plain(cell: object) -> str:
    """Return a cell as text; a float without fraction, as pandas makes of integers beside empty cells, as integer."""
    return str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell).strip()


def _sort_of_text(text: str) -> Sort:
    if looks_like_date(text):
        return "date"
    if looks_like_epoch(text):
        return "epoch"
    return "clock" if looks_like_clock(text) else "unknown"


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


def _disagreement(table: Table, title: str, main: Dates, column: int, other: Dates) -> DataError:
    coarse = np.maximum(main.resolution, other.resolution)
    told = other.time != UNREAD
    differs = told & (main.time // coarse != other.time // coarse)
    at = int(differs.argmax())
    shifts = np.unique((other.time - main.time)[told])
    zone = " in every row alike, as if one were local time" if differs[told].all() and len(shifts) == 1 else ""
    return table.fault(
        f"it says {_iso(other.time[at])}, but column {title!r} says {_iso(main.time[at])}{zone}.",
        row=int(table.rows[at]),
        column=column,
        cure="Remove the column that is wrong; times are read as UTC.",
    )


def _iso(time: np.int64) -> str:
    return str(np.datetime64(int(time), "us").astype("datetime64[s]"))
