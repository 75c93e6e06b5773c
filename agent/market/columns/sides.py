"""Bid and ask: tables that hold two sets of prices for each bar, of which none is the price."""

from __future__ import annotations

import re

from agent.errors import DataError
from agent.market.columns.words import FIELDS, find_word
from agent.market.table import Table

_SIDE = re.compile(r"(?<![A-Za-z])(bid|ask|mid)(?![a-z])|(?<=[a-z])(Bid|Ask|Mid)(?![a-z])|^(bid|ask|mid)(?=open|high|low|close|[ohlc]$)|(?<=open|.low)(bid|ask|mid)$|(?<=high)(bid|ask|mid)$|(?<=close)(bid|ask|mid)$|(?<=^[ohlc])(bid|ask|mid)$", re.ASCII)  # fmt: skip
_CURE = "Choose one side with `--columns open=...,high=...,low=...,close=...`, or give bars of trades or of mid prices."


def side_columns(names: tuple[str, ...]) -> dict[str, tuple[int, int, int, int]]:
    """Return the sides (bid, ask, mid) for which a header names all four prices, and where they stand."""
    sides: dict[str, dict[int, str]] = {}
    for column, name in enumerate(names):
        found = _SIDE.search(name) or _SIDE.search(name.lower())
        if found:
            rest = (name if _SIDE.search(name) else name.lower()).replace(found.group(0), " ").strip(" _.:-")
            sides.setdefault(found.group(0).casefold(), {})[column] = rest
    complete = {}
    for side, rests in sides.items():
        columns = list(rests)
        at = [find_word(tuple(rests.values()), field) for field in FIELDS]
        if all(place is not None for place in at):
            open_, high, low, close = (columns[place] for place in at if place is not None)
            complete[side] = (open_, high, low, close)
    return complete


def prices_of_sides(table: Table) -> tuple[int, int, int, int] | None:
    """Return where the mid prices stand, or those of the only side; None where no header names sides.

    Raises
    ------
    DataError
        If there are bid and ask prices, and none between them.
    """
    sides = side_columns(table.names or ())
    if "mid" in sides:
        return sides["mid"]
    if len(sides) > 1:
        raise two_sides(
            table, ", ".join(repr(table.title(column)) for side in sides.values() for column in side[:1])
        )
    return next(iter(sides.values()), None)


def two_sides(table: Table, where: str) -> DataError:
    """Return the refusal of a table with bid and ask prices."""
    return DataError(f"it holds two sets of prices, as of bid and ask ({where}).", file=table.file, cure=_CURE)
