"""Bars that say of themselves that they have not closed: they are left out, aloud."""

from __future__ import annotations

import re

import numpy as np

from agent.errors import DataError
from agent.market.columns.words import plain
from agent.market.table import Table

_CLOSED = re.compile(
    "(?:is|bar|candle|kline|window|k)*(?:confirm|complete|final|close|finish|settle)[a-z]{0,4}(?:bar|candle|kline)?|k?x"
)
_OPEN = re.compile(
    "(?:is|bar|candle|kline)*(?:un|in|not)(?:confirm|complete|final|close|finish|settle)[a-z]{0,3}"
    "|(?:is)?(?:partial|provisional|inprogress|live|forming|open)"
)
_STATE = re.compile("(?:bar|candle|kline)?(?:status|state)")
_YES = frozenset({"1", "1.0", "true", "t", "yes", "y"})
_NO = frozenset({"0", "0.0", "false", "f", "no", "n"})
_DONE = frozenset({"closed", "confirmed", "complete", "completed", "final", "finished", "settled"})
_UNDONE = frozenset({"open", "unconfirmed", "incomplete", "pending", "partial", "unfinished", "live", "forming", "provisional"})  # fmt: skip


def closed_column(table: Table) -> int | None:
    """Return the column that says of each bar whether it has closed, by its name and by what is in it."""
    for pattern in (_CLOSED, _OPEN, _STATE):
        for column, name in enumerate(table.names or ()):
            if not pattern.fullmatch(plain(name)) or _is_measure(table, column):
                continue
            texts = table.texts(column).str.lower()
            words = _DONE | _UNDONE if pattern is _STATE else _YES | _NO | _DONE | _UNDONE
            if texts.isin(words | {""}).all() and (texts != "").any():
                return column
    return None


def _is_measure(table: Table, column: int) -> bool:
    """Whether a column holds other numbers than 0 and 1, as the close does."""
    if not table.is_number(column):
        return False
    cells = table.frame.iloc[:, column].dropna()
    return bool(((cells != 0) & (cells != 1)).any())


def closed_bars(table: Table, column: int | None) -> tuple[Table, tuple[str, ...]]:
    """Return the rows that do not say that their bar is still open, and a sentence about the others.

    Raises
    ------
    DataError
        If all rows say so.
    """
    if column is None:
        return table, ()
    inverse = _OPEN.fullmatch(plain(table.title(column))) is not None
    open_ = table.texts(column).str.lower().isin(_UNDONE | (_YES if inverse else _NO)).to_numpy(bool)
    if not open_.any():
        return table, ()
    title = table.title(column)
    if open_.all():
        raise DataError(
            f"every row says that its bar has not closed (column {title!r}).",
            file=table.file,
            cure="Give bars that have closed; or rename that column, if it says something else.",
        )
    count = int(open_.sum())
    at = int(np.flatnonzero(open_)[-1] if open_[-1] else open_.argmax())
    row = int(table.rows[at])
    said = table.texts(column).loc[row]
    who = "1 row says that its bar has" if count == 1 else f"{count:,} rows say that their bars have"
    where = table.place(row) if count == 1 else f"one of them: {table.place(row)}"
    return table.keep(~open_), (
        f"{who} not closed ({title} = {said}, {where}) and {'was' if count == 1 else 'were'} left out.",
    )
