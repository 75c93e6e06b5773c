"""Times written as text: a date, or a date and a time of day in columns of their own, and the zone they are told in."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from agent.market.bars import Ints
from agent.market.dates import DAY, UNREAD, Dates, read_dates, style_of
from agent.market.policies import DateOrder
from agent.market.table import Table
from agent.market.zones import (
    Zone,
    ZoneFaultError,
    fixed,
    in_utc,
    split_zone,
    split_zones,
    told_apart,
    zone_in_title,
    zone_of,
)

_SAMPLE = 100
_CJK_DATE = r"(\d{4})\s*[年년]\s*(\d{1,2})\s*[月월]\s*(\d{1,2})\s*[日일]?"
_MIDNIGHT = r"[ T]0{1,2}:00(?::00(?:\.0+)?)?(?:Z|[+-]00:?00)?$"
_WEEKDAY = r"^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,? "
_YEAR_LAST = r"^([A-Z][a-z]{2} \d{1,2}) (\d{2}:\d{2}:\d{2}) (\d{4})$"  # what C prints
_OFFSET_IN_WORDS = r"( GMT[+-]\d{4}) \([^)]*\)$"  # what JavaScript prints
_LOOSE_DATE = r"(\d{4})- (\d{1,2})- (\d{1,2})"  # Investing.com in Korean
_CLOCK = re.compile(
    r"\d{1,2}(?::\d{2}(?::\d{2}(?:\.\d+)?)?|h\d{0,2})(?: ?[AaPp][Mm])?|\d{1,2} ?[AaPp][Mm]", re.ASCII
)
_RENAME = (
    "Name the zone above the column, like `time (America/New_York)` or `time (UTC-5)`, or give the times in UTC."
)


@dataclass(frozen=True)
class Written:
    """Columns that together tell one time: a date, or year, month and day, and perhaps a time of day."""

    columns: tuple[int, ...]
    clocks: tuple[int, ...] = ()

    def title(self, table: Table) -> str:
        return " + ".join(table.title(column) for column in (*self.columns, *self.clocks))


@dataclass(frozen=True, eq=False)
class Told:
    """Times as read, and what was odd about their zone, as sentences."""

    dates: Dates
    warnings: tuple[str, ...] = ()


def looks_like_date(text: str) -> bool:
    """Whether a cell is a date, with or without a time of day and a zone."""
    return style_of(text) is not None or style_of(split_zone(_tidy(text))[0]) is not None


def looks_like_clock(text: str) -> bool:
    """Whether a cell is a time of day: 16:00, 4 PM, 16h, or digits like 160000."""
    return bool(_CLOCK.fullmatch(text)) or (text.isascii() and text.isdigit() and len(text) <= 6)


def has_clock(table: Table, written: Written) -> bool:
    """Whether dates come with a time of day."""
    if pd.api.types.is_datetime64_any_dtype(table.frame.dtypes.iloc[written.columns[0]]):
        typed = table.frame.iloc[:, written.columns[0]].dropna()
        return not bool((typed == typed.dt.normalize()).all())
    texts = table.texts(written.columns[0])
    sample = [text for text in texts.iloc[:: max(1, len(texts) // _SAMPLE)] if text]
    style = style_of(split_zone(_tidy(sample[0]))[0]) if sample else None
    days = style is not None and (style.resolution == DAY or all(re.search(_MIDNIGHT, text) for text in sample))
    return len(written.columns) == 1 and not days


def read_written(
    table: Table, written: Written, order: DateOrder | None, *, zone: int | None, expected: Ints | None = None
) -> Told:
    """Return written times as UTC.

    Parameters
    ----------
    table, written
        Where they stand.
    order
        Whether day or month comes first where digits alone do not tell; None to find out.
    zone
        The column that names each row's zone; None where there is none.
    expected
        The same times from another column, microseconds, shape (n,): they decide between two readings.

    Raises
    ------
    DataError
        For the first text that is no time; or whose zone is unknown, or leaves open which instant is meant.
    """
    date = written.columns[0]
    cells = table.frame.iloc[:, date]
    if pd.api.types.is_datetime64_any_dtype(cells.dtype) and not written.clocks:
        typed = pd.to_datetime(cells, utc=True).dt.tz_localize(None).to_numpy("datetime64[us]").astype(np.int64)
        aware = isinstance(cells.dtype, pd.DatetimeTZDtype)
        days = not has_clock(table, written)
        dates = Dates(typed, np.full(len(typed), DAY if days else 1), np.full(len(typed), aware))
        return _in_utc(table, written, dates, _zones(table, written, None, zone))
    texts, suffixes = _texts(table, written)
    dates = read_dates(table, date, texts, order=order, expected=expected)
    return _in_utc(table, written, dates, _zones(table, written, suffixes, zone))


def _texts(table: Table, written: Written) -> tuple[pd.Series, pd.Series | None]:
    """Return each row's date and time of day as one text, and the zone behind it where rows carry one."""
    texts = table.texts(written.columns[0])
    if len(written.columns) == 3:
        for column in written.columns[1:]:
            texts = texts.str.cat(table.texts(column), sep="-")
    if written.clocks:
        _require_clock(table, written, texts)
        texts = _days(texts).str.cat(_clock_texts(table, written.clocks), sep=" ").str.strip()
    sample = texts.iloc[:: max(1, len(texts) // _SAMPLE)]
    if any(text != _tidy(text) for text in sample):
        texts = texts.map(_tidy)
        sample = sample.map(_tidy)
    if all(not text or style_of(text) is not None for text in sample):
        return texts, None
    if not any(split_zone(text)[1] for text in sample):
        return texts, None
    return split_zones(texts)


def _require_clock(table: Table, written: Written, texts: pd.Series) -> None:
    """Refuse a day whose time of day is missing: it would be read as midnight."""
    missing = (texts != "").to_numpy(bool) & np.logical_or.reduce(
        [table.empty(column) for column in written.clocks]
    )
    if missing.any():
        raise table.fault(
            "there is no time of day.",
            row=int(table.rows[missing.argmax()]),
            column=written.clocks[0],
            cure="Correct or remove that line.",
        )


def _days(texts: pd.Series) -> pd.Series:
    """Return dates without the midnight that some exporters write behind a day before its hour."""
    first = next((text for text in texts if text), "")
    return texts.str.replace(_MIDNIGHT, "", regex=True) if re.search(_MIDNIGHT, first) else texts


def _tidy(text: str) -> str:
    """Return a time with single blanks, without the day of the week, and its date in one place as known here."""
    text = re.sub(r"\s+", " ", text)
    if text[:1].isalpha():
        text = re.sub(_WEEKDAY, "", text)
        text = re.sub(_YEAR_LAST, r"\1 \3 \2", text)
        text = re.sub(_OFFSET_IN_WORDS, r"\1", text)
    text = re.sub(_CJK_DATE, r"\1-\2-\3", text)
    return re.sub(_LOOSE_DATE, r"\1-\2-\3", text)


def _clock_texts(table: Table, columns: tuple[int, ...]) -> pd.Series:
    """Return times of day like 16:00 from one column, or from an hour and a minute in two."""
    clock = table.texts(columns[0])
    digits = clock.str.fullmatch(r"[0-9]{1,6}(?:\.0)?")
    if not digits.any():
        clock = clock.str.replace(r"^([0-9]{1,2})h$", r"\1:00", regex=True)
        clock = clock.str.replace(r"^([0-9]{1,2})h([0-9]{2})$", r"\1:\2", regex=True)
        return clock.str.replace(r"^([0-9]{1,2}) ?([AaPp][Mm])$", r"\1:00 \2", regex=True)
    packed = clock[digits].str.removesuffix(".0")
    values = packed.astype(int)
    if values.max() <= 24 and packed.str.len().max() <= 2:
        if values.max() == 24:
            raise table.fault(
                "it counts the hours to 24, so it may name the hour that ends.",
                row=int(values.index[values.argmax()]),
                column=columns[0],
                cure="Give a column of times like 2024-01-31 23:00 at which the bars start.",
            )
        minutes = table.texts(columns[1]).str.removesuffix(".0").str.zfill(2) if len(columns) > 1 else "00"
        hours = packed.str.zfill(2) + ":" + minutes
        return clock.where(~digits, hours)
    # 93000 and 000000 are hours, minutes and seconds; 930 and 0000 hours and minutes.
    return clock.where(~digits, packed.str.zfill(6 if packed.str.len().max() > 4 else 4))


def _zones(
    table: Table, written: Written, suffixes: pd.Series | None, zone: int | None
) -> pd.Series | Zone | None:
    """Return the zones named for each row, or the one named for all: by the nearest to the value."""
    if suffixes is not None:
        return suffixes
    if zone is not None:
        return table.texts(zone)
    titled = next(
        (found for column in (*written.columns, *written.clocks) if (found := zone_in_title(table.title(column)))),
        None,
    )
    if titled is not None:
        return titled
    return zone_of(table.told.zone) if table.told.zone else None


def _in_utc(table: Table, written: Written, dates: Dates, zones: pd.Series | Zone | None) -> Told:
    """Return dates that were read off a clock as UTC."""
    local = (dates.time != UNREAD) & ~dates.zoned
    if zones is None or not local.any():
        return Told(dates)
    if (dates.resolution[local] == DAY).all():
        return Told(dates, _kept_days(zones))
    if isinstance(zones, Zone):
        return Told(_converted(table, written, dates, local, zones))
    names = {name for name in zones[local].unique() if name}
    apart = told_apart(names)
    for name in sorted(names):
        zone = zone_of(name, whole=False)
        dates = _converted(
            table, written, dates, local & (zones == name).to_numpy(bool), fixed(zone) if apart else zone
        )
    if (local & (zones == "").to_numpy(bool)).any() and names:
        at = int((local & (zones == "").to_numpy(bool)).argmax())
        raise table.fault(
            f"the time has no zone, but others are in {sorted(names)[0]}.",
            row=int(table.rows[at]),
            column=written.columns[0],
            cure=_RENAME,
        )
    return Told(dates)


def _kept_days(zones: pd.Series | Zone) -> tuple[str, ...]:
    name = zones.name if isinstance(zones, Zone) else next((name for name in zones if name), "")
    if not name or zone_of(str(name)).meanings == (0,):
        return ()
    return (f"The file names the zone {name}; its times are days, which were kept as they are written.",)


def _converted(table: Table, written: Written, dates: Dates, rows: np.ndarray, zone: Zone) -> Dates:
    at = np.flatnonzero(rows)
    if not len(at) or zone.meanings == (0,):
        return dates
    if not zone.known:
        raise table.fault(
            f"its times are in a zone named {zone.name!r}, and nothing tells which that is.",
            row=int(table.rows[at[0]]),
            column=written.columns[0],
            cure=_RENAME,
        )
    time = dates.time.copy()
    try:
        time[at] = in_utc(dates.time[at], zone)
    except ZoneFaultError as fault:
        row = int(at[fault.at])
        when = np.datetime64(int(dates.time[row]), "us").astype("datetime64[s]")
        raise table.fault(
            f"{when} in zone {zone.name} is no certain instant: {fault.why}.",
            row=int(table.rows[row]),
            column=written.columns[0],
            cure=_RENAME,
        ) from None
    return replace(dates, time=time)
