"""The column that names the time zone of each row, by its name or by what is in it."""

from __future__ import annotations

import pandas as pd

from agent.market.columns.words import plain
from agent.market.table import Table
from agent.market.zones import zone_of

_NAMES = frozenset(
    {"timezone", "tz", "zone", "tzname", "timezonename", "utcoffset", "gmtoffset", "tzoffset", "zeitzone", "exchangetz", "exchangetimezone"}
)  # fmt: skip
_SAMPLE = 100


def zone_column(table: Table) -> int | None:
    """Return the column that names each row's zone; None where none does.

    One that is not named so counts where each of its cells is the name of a place, like America/New_York.
    """
    for column in range(table.width):
        if plain(table.title(column)) in _NAMES and not table.empty(column).all():
            return column
    for column in range(table.width):
        if not pd.api.types.is_numeric_dtype(table.frame.dtypes.iloc[column]) and _names_places(table, column):
            return column
    return None


def _names_places(table: Table, column: int) -> bool:
    cells = table.frame.iloc[:, column]
    sample = cells.iloc[:: max(1, len(cells) // _SAMPLE)]
    return len(sample) > 0 and all(isinstance(cell, str) and _names_place(cell.strip()) for cell in sample)


def _names_place(text: str) -> bool:
    return "/" in text and text[:1].isalpha() and zone_of(text).known
