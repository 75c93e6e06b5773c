"""The rows of bars inside a JSON document: rows, records, columns, one of these wrapped, or one for each market."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pandas as pd

from agent.errors import DataError
from agent.market.columns.named import names_prices
from agent.market.columns.words import plain
from agent.market.formats.jsonrecords import records_frame
from agent.market.table import Told
from agent.market.times import looks_like_time

CURE = "Give rows like [[time, open, high, low, close, volume], ...] or records with those names."

_DEEPEST = 7
_MOST_WORDS = 60  # about a market; an object with more entries holds rows
_NAMES = ("columns", "columnnames", "fields", "headers", "header", "names", "keys")
_MARKETS = ("symbol", "ticker", "instrument", "pair", "instid", "productid", "symbolid", "market", "currencypair", "tradingsymbol")  # fmt: skip
_ZONES = ("exchangetimezonename", "exchangetimezone", "timezone", "tz", "timezonename")


@dataclass(frozen=True, eq=False)
class Found:
    """Rows, whether their columns have names, and what is said of all of them."""

    frame: pd.DataFrame
    named: bool
    told: Told = field(default_factory=Told)


def rows_in(node: Any, file: str, *, depth: int = 0) -> Found | None:
    """Return the rows that a document holds, looking into what wraps them; None where it holds none.

    Raises
    ------
    DataError
        If it holds several tables that are not of one kind, or rows of different lengths.
    """
    if isinstance(node, list) and node:
        return _from_list(node, file, depth)
    if not isinstance(node, Mapping) or depth > _DEEPEST:
        return None
    told = _told(node)
    found = _from_named_rows(node, file) or _from_mapping(node, file)
    if found is None:
        found = _from_wrapped(node, file, depth)
    return None if found is None else replace(found, told=_joined(found.told, told))


def _from_mapping(node: Mapping[str, Any], file: str) -> Found | None:
    """Return the rows of an object of records by time, or of columns."""
    inside = {name: value for name, value in node.items() if isinstance(value, list | Mapping) and value}
    records = {name: value for name, value in inside.items() if isinstance(value, Mapping)}
    if inside and len(records) == len(inside):
        if all(looks_like_time(name) for name in records):
            return Found(records_frame([{"time": name, **record} for name, record in records.items()]), named=True)
        if len(records) > 1 and all(name.isdigit() for name in records):
            return Found(records_frame(list(records.values())), named=True)
    columns = _columns(node)
    lengths = {len(values) for values in columns.values()}
    if len(columns) >= 5 and len(lengths) == 1 and (names_prices(tuple(columns)) or len(columns) == len(inside)):
        return Found(_from_columns(columns), named=True)
    return None


def _columns(node: Mapping[str, Any]) -> dict[str, Any]:
    """Return the columns of an object: lists or objects by row label; those of Yahoo lie deeper, beside their times."""
    columns: dict[str, Any] = {}
    for name, value in node.items():
        inner = (
            value[0] if isinstance(value, list) and len(value) == 1 and isinstance(value[0], Mapping) else value
        )
        if isinstance(inner, list) and inner and not isinstance(inner[0], list | Mapping):
            columns[name] = inner
        elif isinstance(inner, Mapping) and inner:
            if not any(isinstance(cell, list | Mapping) for cell in inner.values()):
                columns.setdefault(name, inner) if len(inner) > 1 else None
                continue
            for deeper, values in _columns(inner).items():
                columns.setdefault(deeper, values)
    most = max((len(values) for values in columns.values()), default=0)
    return {name: values for name, values in columns.items() if len(values) == most}


def _from_columns(columns: Mapping[str, Any]) -> pd.DataFrame:
    values = {
        name: list(value.values()) if isinstance(value, Mapping) else value for name, value in columns.items()
    }
    frame = pd.DataFrame(values)
    first = next(iter(columns.values()))
    if isinstance(first, Mapping) and all(looks_like_time(label) for label in first):
        frame.insert(0, "time", list(first), allow_duplicates=True)
    return frame


def _from_named_rows(node: Mapping[str, Any], file: str) -> Found | None:
    """Return rows whose columns are named beside them: pandas, Nasdaq Data Link, InfluxDB, tushare, Messari."""
    names = _names(node)
    schema = node.get("schema")
    if names is None and isinstance(schema, Mapping) and isinstance(node.get("data"), list):
        found = rows_in(node["data"], file, depth=_DEEPEST)
        listed = schema.get("fields")
        zones = (
            [item.get("tz", "") for item in listed if isinstance(item, Mapping)]
            if isinstance(listed, list)
            else []
        )
        zone = next((zone for zone in zones if zone), "")
        return None if found is None else replace(found, told=Told(zone=zone))
    if names is None:
        return None
    for value in node.values():
        if isinstance(value, list) and value and isinstance(value[0], list) and len(value[0]) == len(names):
            frame = _rows_frame(value, file)
            frame.columns = pd.Index(names)
            index = node.get("index")
            if (
                isinstance(index, list)
                and len(index) == len(frame)
                and all(looks_like_time(str(at)) for at in index[:3])
            ):
                frame.insert(0, "time", index, allow_duplicates=True)
            return Found(frame, named=True)
    return None


def _names(node: Mapping[str, Any]) -> list[str] | None:
    for key, value in node.items():
        if plain(key) in _NAMES and isinstance(value, list) and value:
            named = [item.get("name") if isinstance(item, Mapping) else item for item in value]
            names = [name for name in named if isinstance(name, str)]
            if len(names) == len(named):
                return names
        if isinstance(value, Mapping) and plain(key) in ("parameters", "metadata", "meta"):
            deeper = _names(value)
            if deeper:
                return deeper
    return None


def _from_wrapped(node: Mapping[str, Any], file: str, depth: int) -> Found | None:
    """Return the rows under one name of an object; or under several, of which each is a market."""
    inside = {name: value for name, value in node.items() if isinstance(value, list | Mapping) and value}
    tables = {name: found for name, value in inside.items() if (found := rows_in(value, file, depth=depth + 1))}
    if len(tables) > 1:
        priced = {
            name: found
            for name, found in tables.items()
            if not found.named or names_prices(tuple(map(str, found.frame.columns)))
        }
        tables = priced or tables
    if not tables:
        return None
    if len(tables) == 1:
        name, found = next(iter(tables.items()))
        market = (
            name
            if found.told.market == "" and any(sign in name for sign in "/-:") and name.upper() == name
            else ""
        )
        return replace(found, told=_joined(found.told, Told(market=market)))
    return _of_markets(tables, file, inside)


def _of_markets(tables: Mapping[str, Found], file: str, inside: Mapping[str, Any]) -> Found:
    """Return the rows of several markets as one table with a column that names them."""
    shapes = {tuple(map(str, found.frame.columns)) for found in tables.values()}
    if len(shapes) > 1 or not all(found.named for found in tables.values()):
        raise DataError(
            f"its JSON holds several tables, under {', '.join(map(repr, inside))}.",
            file=file,
            cure="Save the bars of one of them in a file of its own.",
        )
    frames = [found.frame.assign(symbol=found.told.market or name) for name, found in tables.items()]
    zones = {found.told.zone for found in tables.values()}
    return Found(
        pd.concat(frames, ignore_index=True), named=True, told=Told(zone=zones.pop() if len(zones) == 1 else "")
    )


def _from_list(rows: list[Any], file: str, depth: int) -> Found | None:
    if all(isinstance(row, Mapping) for row in rows):
        frame = records_frame(rows)
        if not names_prices(tuple(map(str, frame.columns))):
            wrapped = _from_wrappers(rows, file, depth)
            if wrapped is not None:
                return wrapped
        return Found(frame, named=True)
    if all(isinstance(row, str) and row.count(",") >= 4 for row in rows):
        rows = [row.split(",") for row in rows]
    if not all(isinstance(row, list) for row in rows):
        return None
    if len(rows[0]) and all(isinstance(cell, str) for cell in rows[0]) and names_prices(tuple(rows[0])):
        frame = _rows_frame(rows, file).iloc[1:]
        return Found(frame.set_axis(rows[0], axis=1), named=True)
    return Found(_rows_frame(rows, file), named=False)


def _from_wrappers(rows: list[Mapping[str, Any]], file: str, depth: int) -> Found | None:
    """Return the rows of a list whose elements each wrap some: Tiingo by market, the lines of a stream."""
    if depth > _DEEPEST:
        return None
    founds = [found for row in rows if (found := rows_in(row, file, depth=depth + 1)) is not None]
    if not founds:
        return None
    named = {found.named for found in founds}
    if len(founds) == 1:
        return founds[0]
    if len(named) > 1 or len({found.frame.shape[1] for found in founds if not found.named}) > 1:
        return None
    markets = {found.told.market for found in founds}
    told = Told(market=markets.pop() if len(markets) == 1 else "", zone=founds[0].told.zone)
    if told.market or not any(found.told.market for found in founds):
        return Found(pd.concat([found.frame for found in founds], ignore_index=True), named=named.pop(), told=told)
    if False in named:
        return None
    frames = [found.frame.assign(symbol=found.told.market) for found in founds]
    return Found(pd.concat(frames, ignore_index=True), named=True, told=told)


def _rows_frame(rows: list[list[Any]], file: str) -> pd.DataFrame:
    width = len(rows[0])
    for number, row in enumerate(rows, start=1):
        if len(row) != width:
            raise DataError(
                f"row {number} has {len(row)} values, the first {width}.",
                file=file,
                cure="Correct or remove that row.",
            )
    return pd.DataFrame(rows)


def _told(node: Mapping[str, Any], *, depth: int = 0) -> Told:
    """Return what an object says beside its rows, itself or in a part that holds no rows."""
    plains = {plain(key).lstrip("0123456789"): value for key, value in node.items()}
    market = next((plains[word] for word in _MARKETS if isinstance(plains.get(word), str)), "")
    zone = next((plains[word] for word in _ZONES if isinstance(plains.get(word), str)), "")
    told = Told(market=market, zone=zone)
    for value in node.values():
        if isinstance(value, Mapping) and len(value) <= _MOST_WORDS and depth < _DEEPEST:
            told = _joined(told, _told(value, depth=depth + 1))
    return told


def _joined(near: Told, far: Told) -> Told:
    """Return what is told nearer to the rows, and further away where nothing is told there."""
    return Told(market=near.market or far.market, zone=near.zone or far.zone)
