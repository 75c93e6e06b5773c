"""Bars that say of themselves that they have not closed: they are left out, aloud."""

from __future__ import annotations

import numpy as np

from agent.errors import DataError
from agent.market.columns.words import plain
from agent.market.table import Table

_CLOSED = ("confirm", "confirmed", "complete", "completed", "iscomplete", "isfinal", "final", "isclosed", "closed", "finished", "isfinished", "isconfirmed", "x", "kx", "barclosed", "windowclose", "isbarclosed")  # fmt: skip
_OPEN = ("isopen", "partial", "ispartial", "incomplete", "isincomplete", "provisional", "unconfirmed", "inprogress", "unfinished", "islive", "live")  # fmt: skip
_YES = frozenset({"1", "1.0", "true", "t", "yes", "y"})
_NO = frozenset({"0", "0.0", "false", "f", "no", "n"})


def closed_column(table: Table) -> int | None:
    """Return the column that says of each bar whether it has closed, by its name and by what is in it."""
    plains = [plain(name) for name in table.names or ()]
    for word in (*_CLOSED, *_OPEN):
        if word not in plains:
            continue
        column = plains.index(word)
        texts = table.texts(column).str.lower()
        if texts.isin(_YES | _NO | {""}).all() and (texts != "").any():
            return column
    return None


def closed_bars(table: Table, column: int | None) -> tuple[Table, tuple[str, ...]]:
    """Return the rows that do not say that their bar is still open, and a sentence about the others.

    Raises
    ------
    DataError
        If all rows say so.
    """
    if column is None:
        return table, ()
    inverse = plain(table.title(column)) in _OPEN
    open_ = table.texts(column).str.lower().isin(_YES if inverse else _NO).to_numpy(bool)
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
