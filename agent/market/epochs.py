"""Unix times: in which unit a column counts them, and whether a spreadsheet rounded them away."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from agent.market.bars import Floats, Ints
from agent.market.dates import MICROSECONDS, UNREAD, Dates
from agent.market.table import Table

_EPOCH = re.compile(r"\d{9,19}(?:\.\d*)?|\d(?:\.\d+)?[eE]\+?1?\d", re.ASCII)
_SCIENTIFIC = r"[0-9](?:\.([0-9]+))?[eE]\+?(1?[0-9])"

# Which magnitude means which unit: each span reaches from 1973 to 2099, and they do not touch.
_UNITS = (("s", 1e8, 4.1e9), ("ms", 1e11, 4.1e12), ("µs", 1e14, 4.1e15), ("ns", 1e17, 4.1e18))
_MICROSECONDS_PER = {"s": 1_000_000.0, "ms": 1_000.0, "µs": 1.0, "ns": 0.001}


def looks_like_epoch(text: str) -> bool:
    """Whether a cell may be a unix time, in any unit."""
    return bool(_EPOCH.fullmatch(text))


def rounded_texts(table: Table, column: int) -> pd.Series:
    """Return the cells that are numbers like 1.58838E+12, indexed by row."""
    texts = table.texts(column)
    return texts[texts.str.fullmatch(_SCIENTIFIC)]


def is_rounded(table: Table, column: int) -> bool:
    """Whether such numbers have too few digits to tell one second from the next."""
    if table.typed:
        return False
    parts = rounded_texts(table, column).str.extract(_SCIENTIFIC)
    if parts.empty:
        return False
    exponent = parts[1].astype(int)
    finest = (exponent - parts[0].fillna("").str.len()).min()
    unit = _unit_of(10.0 ** float(exponent.max()))
    return unit is None or 10.0**finest * _MICROSECONDS_PER[unit] > MICROSECONDS


def _unit_of(value: float) -> str | None:
    return next((unit for unit, least, most in _UNITS if least <= value <= most), None)


def epochs_or_unread(table: Table, column: int) -> Ints:
    """Return unix times in microseconds, each row's unit told by its magnitude; UNREAD where a cell is none."""
    values = _epoch_values(table, column)
    time = np.full(len(values), UNREAD)
    for unit, least, most in _UNITS:
        mask = (values >= least) & (values <= most)
        factor = _MICROSECONDS_PER[unit]
        if np.issubdtype(values.dtype, np.integer):
            time[mask] = values[mask] * int(factor) if factor >= 1 else values[mask] // round(1 / factor)
        else:
            time[mask] = np.rint(values[mask] * factor).astype(np.int64)
    return time


def read_epochs(table: Table, column: int) -> Dates:
    """Return unix times.

    Raises
    ------
    DataError
        For the first that is none in a unit known here.
    """
    time = epochs_or_unread(table, column)
    wrong = (time == UNREAD) & ~table.empty(column)
    if wrong.any():
        at = int(wrong.argmax())
        raise table.fault(
            f"{table.texts(column).iloc[at]!r} is no unix time in s, ms, µs or ns between 1973 and 2099.",
            row=int(table.rows[at]),
            column=column,
            cure="Correct or remove that line.",
        )
    values = _epoch_values(table, column)
    resolution = np.ones(len(time), np.int64)
    for unit, least, most in _UNITS:
        resolution[(values >= least) & (values <= most)] = max(int(_MICROSECONDS_PER[unit]), 1)
    return Dates(time, resolution, np.ones(len(time), bool))


def _epoch_values(table: Table, column: int) -> Ints | Floats:
    cells = table.frame.iloc[:, column]
    values: Ints | Floats = (
        cells if table.is_number(column) else pd.to_numeric(table.texts(column), errors="coerce")
    ).to_numpy()
    return values


def mixed_units(table: Table, column: int) -> list[str]:
    """Return a warning if a column of unix times is in more than one unit."""
    values = _epoch_values(table, column)
    counts = {unit: int(((values >= least) & (values <= most)).sum()) for unit, least, most in _UNITS}
    mixed = " and ".join(f"{count:,} in {unit}" for unit, count in counts.items() if count)
    return [f"Column {table.title(column)!r} mixes units of time: {mixed}."] if " and " in mixed else []
