"""Columns that the caller names: `time=Zeit,open=Eröffnung`, in the file's own words or by number."""

from __future__ import annotations

import re
from collections.abc import Mapping
from difflib import get_close_matches

from agent.errors import DataError, UsageError
from agent.market.columns.words import FIELDS, plain
from agent.market.table import Table

GIVEN = ("time", *FIELDS, "volume", "market")
_PAIR = re.compile(rf"(?:^|,)\s*({'|'.join(GIVEN)})\s*=")
_EXAMPLE = "Write it like `--columns time=Zeit,open=Start,high=Hoch,low=Tief,close=Ende`."


def parse_columns(text: str) -> dict[str, str]:
    """Return what `--columns` says: field -> the name or number of its column.

    Raises
    ------
    UsageError
        If it is no list of `field=column`, or names a field twice.
    """
    parts = _PAIR.split(text)
    fields, columns = parts[1::2], [column.strip() for column in parts[2::2]]
    if parts[0].strip() or not fields or not all(columns):
        raise UsageError(f"--columns cannot be {text!r}.", cure=_EXAMPLE)
    twice = next((field for field in fields if fields.count(field) > 1), None)
    if twice:
        raise UsageError(f"--columns names {twice} twice.", cure=_EXAMPLE)
    return dict(zip(fields, columns, strict=True))


def place_columns(table: Table, given: Mapping[str, str]) -> dict[str, tuple[int, ...]]:
    """Return where the named columns stand; a time may be several, joined by `+`.

    Raises
    ------
    DataError
        If no column has that name.
    UsageError
        If a field is none of those that can be named.
    """
    unknown = next((field for field in given if field not in GIVEN), None)
    if unknown is not None:
        raise UsageError(f"columns cannot name {unknown!r}.", cure=f"It can name {', '.join(GIVEN)}.")
    return {field: _places(table, field, name) for field, name in given.items()}


def _places(table: Table, field: str, name: str) -> tuple[int, ...]:
    whole = _find(table, name)
    if whole is not None:
        return (whole,)
    parts = name.split("+") if field == "time" else [name]
    found = [_find(table, part.strip()) for part in parts]
    missing = next((part for part, column in zip(parts, found, strict=True) if column is None), None)
    if missing is not None:
        near = get_close_matches(missing, [table.title(column) for column in range(table.width)], n=1)
        raise DataError(
            f"it has no column {missing.strip()!r} to read the {field} from; there are {table.titles()}.",
            file=table.file,
            cure=f"Did you mean `{field}={near[0]}`?"
            if near
            else "Name one of these, or its number from the left.",
        )
    return tuple(column for column in found if column is not None)


def _find(table: Table, name: str) -> int | None:
    """Return the column of this name: as it is written, in other letters, or by its number from 1."""
    titles = [table.title(column) for column in range(table.width)]
    if name in titles:
        return titles.index(name)
    alike = [column for column, title in enumerate(titles) if plain(title) == plain(name) and plain(name)]
    if len(alike) == 1:
        return alike[0]
    if name.isascii() and name.isdigit() and 1 <= int(name) <= table.width:
        return int(name) - 1
    return None
