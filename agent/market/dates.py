"""How dates are written in price files, and which of two readings of 01/02/2024 is meant."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from agent.errors import DataError
from agent.market.bars import Ints
from agent.market.grid import grid_of
from agent.market.policies import DateOrder
from agent.market.table import Table

MICROSECONDS = 1_000_000
DAY = 86_400 * MICROSECONDS
UNREAD = np.iinfo(np.int64).min  # what numpy makes of NaT
_MONTH = (28 * DAY, 31 * DAY)
_MOST_STYLES = 12
_ORDERS = ("dmy", "mdy", "ymd")

_DATE = re.compile(
    r"""(?P<ymd>\d{4}(?P<s>[-/.])\d{1,2}(?P=s)\d{1,2})
      | (?P<either>\d{1,2}(?P<t>[-/.])\d{1,2}(?P=t)\d{4})
      | (?P<short>\d{1,2}(?P<w>[-/.])\d{1,2}(?P=w)\d{2})(?!\d)
      | (?P<compact>(?:19|20|21)\d{6})(?P<clocked>\d{4}(?:\d{2})?)?(?!\d)
      | (?P<month_first>(?P<m1>[A-Za-z]{3,9})\ \d{1,2},?\ \d{4})
      | (?P<day_first>\d{1,2}(?P<u>[-\ ])(?P<m2>[A-Za-z]{3,9})(?P=u)(?P<y2>\d{4}|\d{2}))(?!\d)""",
    re.VERBOSE | re.ASCII,
)
_SHORT_YEAR = re.compile(r"\d{1,2}[-/.]\d{1,2}[-/.]\d{2}(?!\d)|\d{1,2}[- ][A-Za-z]{3,9}[- ]\d{2}(?!\d)", re.ASCII)
_CLOCK = re.compile(
    r"""(?P<lead>,?\ |T|-)
        (?: \d{1,2}:\d{2}(?P<seconds>:\d{2})?(?P<fraction>\.\d{1,9})?(?P<noon>\ ?[AaPp][Mm])?
          | \d{1,2}(?P<dash>-)[AaPp][Mm]
          | (?P<packed>\d{4}(?:\d{2})?) )""",
    re.VERBOSE | re.ASCII,
)
_ZONE = re.compile(r"(?P<space>\ ?)(?:(?P<zulu>Z)|(?P<name>UTC|GMT)?(?P<offset>[+-]\d{2}:?(?:\d{2})?)?)", re.ASCII)


@dataclass(frozen=True)
class Style:
    """One way of writing times, as pandas formats.

    `formats` holds one format, or where the digits alone do not tell two (day first, month first) or three (year
    first). `resolution` is the shortest time the style can tell apart, in microseconds. `zoned` says whether it ends
    in UTC or an offset from it.
    """

    formats: tuple[str, ...]
    resolution: int
    zoned: bool = False


@dataclass(frozen=True, eq=False)
class Dates:
    """Times read from a column, shape (n,).

    Attributes
    ----------
    time
        Microseconds since 1970, UTC; UNREAD where empty.
    resolution
        How finely each was written, in microseconds.
    zoned
        Whether each is certainly UTC: a unix time, or one that carries its offset.
    """

    time: Ints
    resolution: Ints
    zoned: NDArray[np.bool_]


def style_of(text: str) -> Style | None:
    """Return how a time is written; None if it is not a date this reader knows."""
    date = _DATE.match(text)
    if date is None:
        return None
    formats, resolution = _date_formats(date), DAY
    if date["clocked"]:
        resolution = MICROSECONDS * (1 if len(date["clocked"]) == 6 else 60)
    rest = text[date.end() :]
    clock = _CLOCK.match(rest)
    if clock and date["clocked"]:
        return None
    if clock:
        tail, resolution = _clock_format(clock)
        formats = tuple(form + tail for form in formats)
        rest = rest[clock.end() :]
    if not rest:
        return Style(formats, resolution)
    zone = _ZONE.fullmatch(rest)
    if zone is None or (not clock and not date["clocked"]):
        return None
    tail = zone["space"] + ("%z" if zone["zulu"] else (zone["name"] or "") + ("%z" if zone["offset"] else ""))
    return Style(
        tuple(form + tail for form in formats),
        resolution,
        zoned=bool(zone["zulu"] or zone["name"] or zone["offset"]),
    )


def _date_formats(date: re.Match[str]) -> tuple[str, ...]:
    if date["ymd"]:
        return (date["s"].join(("%Y", "%m", "%d")),)
    if date["either"]:
        return date["t"].join(("%d", "%m", "%Y")), date["t"].join(("%m", "%d", "%Y"))
    if date["short"]:
        return tuple(
            date["w"].join(order) for order in (("%d", "%m", "%y"), ("%m", "%d", "%y"), ("%y", "%m", "%d"))
        )
    if date["compact"]:
        return ("%Y%m%d" + {0: "", 4: "%H%M", 6: "%H%M%S"}[len(date["clocked"] or "")],)
    month = "%b" if len(date["m1"] or date["m2"]) == 3 else "%B"
    if date["month_first"]:
        return (f"{month} %d{',' if ',' in date['month_first'] else ''} %Y",)
    return (date["u"].join(("%d", month, "%Y" if len(date["y2"]) == 4 else "%y")),)


def _clock_format(clock: re.Match[str]) -> tuple[str, int]:
    """Return the pandas format of a time of day and the microseconds it can tell apart."""
    lead = clock["lead"]
    if clock["dash"]:
        return f"{lead}%I-%p", 3600 * MICROSECONDS
    if clock["packed"]:
        seconds = len(clock["packed"]) == 6
        return f"{lead}%H%M{'%S' if seconds else ''}", MICROSECONDS * (1 if seconds else 60)
    noon = clock["noon"]
    form = (
        f"{lead}{'%I' if noon else '%H'}:%M{':%S' if clock['seconds'] else ''}{'.%f' if clock['fraction'] else ''}"
    )
    form += f"{' ' if noon.startswith(' ') else ''}%p" if noon else ""
    digits = len(clock["fraction"] or ".") - 1
    return form, (10 ** max(6 - digits, 0) if digits else MICROSECONDS * (1 if clock["seconds"] else 60))


def read_dates(
    table: Table, column: int, texts: pd.Series, *, order: DateOrder | None, expected: Ints | None = None
) -> Dates:
    """Return the times that texts say.

    Parameters
    ----------
    table, column
        Where the texts stand, for messages.
    texts
        Shape (n,), indexed by row; "" where there is no time.
    order
        Which comes first where digits alone do not tell; None to find out.
    expected
        The same times from another column, shape (n,), microseconds: they decide between two readings.

    Raises
    ------
    DataError
        For the first text that is no time, or if day and month cannot be told apart.
    """
    readings = np.full((len(_ORDERS), len(texts)), UNREAD)
    dates = Dates(readings[0], np.full(len(texts), 1), np.zeros(len(texts), bool))
    left = (texts != "").to_numpy(bool, copy=True)
    for _ in range(_MOST_STYLES):
        if not left.any():
            break
        _read_style(table, column, texts, left, readings, dates, order)
    if left.any():
        raise _no_time(table, column, texts, int(left.argmax()))
    return replace(dates, time=_meant(table, column, texts, readings, dates.resolution, expected))


def _read_style(
    table: Table,
    column: int,
    texts: pd.Series,
    left: NDArray[np.bool_],
    readings: Ints,
    dates: Dates,
    order: DateOrder | None,
) -> None:
    """Read every remaining text that is written like the first of them."""
    first = int(left.argmax())
    style = style_of(texts.iloc[first])
    if style is None or (
        first and "%y" in "".join(style.formats) and not _SHORT_YEAR.match(texts[texts != ""].iloc[0])
    ):
        raise _no_time(table, column, texts, first)  # a year of two digits among those of four is a slip
    formats: tuple[str | None, ...] = style.formats * 3 if len(style.formats) == 1 else (*style.formats, None)[:3]
    if order is not None and len(style.formats) > 1:
        formats = (formats[_ORDERS.index(order)],) * 3
    rows = np.flatnonzero(left)
    cells = texts.iloc[rows]
    if any(form and "%z" in form for form in formats):  # pandas knows +01:00 and +0100, not PostgreSQL's +01
        cells = cells.str.replace(r"([+-][0-9]{2})$", r"\g<1>00", regex=True)
    by_format = {form: _parsed(cells, form) for form in set(formats) if form}
    parsed = [by_format[form] if form else np.full(len(rows), UNREAD) for form in formats]
    read = np.logical_or.reduce([values != UNREAD for values in parsed])
    if not read[0]:
        raise _no_time(table, column, texts, first)
    for reading, values in zip(readings, parsed, strict=True):
        reading[rows[read]] = values[read]
    dates.resolution[rows[read]] = style.resolution
    dates.zoned[rows[read]] = style.zoned
    left[rows[read]] = False


def _parsed(texts: pd.Series, form: str) -> Ints:
    times = pd.to_datetime(texts, format=form, errors="coerce", utc=True)
    read: Ints = times.dt.tz_localize(None).to_numpy("datetime64[us]").astype(np.int64)
    return read


def _no_time(table: Table, column: int, texts: pd.Series, at: int) -> DataError:
    return table.fault(
        f"{texts.iloc[at]!r} is not a time." if texts.iloc[at] else "there is no time.",
        row=int(table.rows[at]),
        column=column,
        cure="Correct or remove that line; times like 2024-01-31 23:00 or unix seconds are read.",
    )


def _meant(
    table: Table, column: int, texts: pd.Series, readings: Ints, resolution: Ints, expected: Ints | None
) -> Ints:
    """Return the reading (day first, month first, year first) that alone can be meant."""
    first: Ints = readings[0]
    if (readings == first).all():
        return first
    told = (readings != UNREAD).any(axis=0)
    whole: list[Ints] = [reading for reading in readings if (reading[told] != UNREAD).all()]
    if not whole:
        raise _change_places(table, column, texts, readings, told)
    if expected is not None and len(whole) > 1:
        agree = [
            reading
            for reading in whole
            if (expected[told] // resolution[told] * resolution[told] == reading[told]).all()
        ]
        whole = agree[:1] or whole[-1:]
    for likely in (_plausible, _even):
        if len(whole) > 1:
            whole = [reading for reading in whole if likely(reading[told])] or whole
    if len(whole) == 1 or all((reading == whole[0]).all() for reading in whole[1:]):
        return whole[0]
    at = int(np.argmax(np.logical_or.reduce([reading != whole[0] for reading in whole[1:]])))
    raise table.fault(
        f"{texts.iloc[at]!r} may be day/month or month/day, and nothing in the file tells which.",
        row=int(table.rows[at]),
        column=column,
        cure="Say which with `--date-order dmy` or `--date-order mdy`.",
    )


def _change_places(
    table: Table, column: int, texts: pd.Series, readings: Ints, told: NDArray[np.bool_]
) -> DataError:
    unread = [np.flatnonzero(told & (reading == UNREAD))[0] for reading in readings[:2]]
    month, day = (int(table.rows[at]) for at in unread)
    return table.fault(
        f"days and months change places: {texts.loc[day]!r} has the day first, {texts.loc[month]!r} "
        f"({table.place(month)}) the month.",
        row=day,
        column=column,
        cure="Export the file again with dates like 2024-01-31.",
    )


def _plausible(reading: Ints) -> bool:
    """Whether a reading has an interval, a calendar month included."""
    times = np.unique(reading)
    return len(times) < 3 or grid_of(times).regular or _monthly(times)


def _even(reading: Ints) -> bool:
    """Whether a reading has no gap."""
    times = np.unique(reading)
    return len(times) < 2 or grid_of(times).even or _monthly(times)


def _monthly(times: Ints) -> bool:
    spacing = np.diff(times)
    return bool(((spacing >= _MONTH[0]) & (spacing <= _MONTH[1])).all())
