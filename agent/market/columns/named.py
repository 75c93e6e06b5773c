"""Which column is which field of a table with a header, by the names exporters use."""

from __future__ import annotations

import re
from collections.abc import Mapping
from difflib import get_close_matches

import pandas as pd

from agent.errors import DataError
from agent.market.columns.contents import is_quote_volume, numbers_or_none
from agent.market.columns.fields import Fields, TimeColumns
from agent.market.columns.given import place_columns
from agent.market.columns.headerless import fields_by_content
from agent.market.columns.markets import bare, canonical, choose, markets_in, one_market
from agent.market.columns.sides import prices_of_sides, side_columns
from agent.market.columns.words import FIELDS, find_word, plain, quote_volumes, tick_volumes, time_role, words_for
from agent.market.columns.zonecolumn import zone_column
from agent.market.table import Table
from agent.market.times import sort_of
from agent.market.unclosed import closed_column

_QUOTES = re.compile(r"volume_?(usdt?|usdc|busd|eur|gbp|jpy|krw|quote)$")
_PARTS = ("year", "month", "day")


def price_columns(names: tuple[str, ...]) -> tuple[int, int, int, int] | None:
    """Return where open, high, low and close stand by name; None unless all four do."""
    open_, high, low, close = (find_word(names, field) for field in FIELDS)
    if open_ is None or high is None or low is None or close is None:
        return None
    return open_, high, low, close


def names_prices(names: tuple[str, ...]) -> bool:
    """Whether a header names the prices of one market, of several, or of both sides."""
    return bool(price_columns(names) or markets_in(names) or side_columns(names))


def find_fields(table: Table, market: str | None, given: Mapping[str, str] | None = None) -> tuple[Table, Fields]:
    """Return the rows of one market, and where its fields stand.

    Parameters
    ----------
    table
        All that is in the file.
    market
        The market that is asked for; None where the file should hold only one.
    given
        Columns that the caller names, see `given`.

    Raises
    ------
    DataError
        If a field has no column or two, or the file holds several markets and none, or another, is asked for.
    """
    placed = place_columns(table, given or {})
    if table.names is None and not all(field in placed for field in ("time", *FIELDS)):
        table, fields = fields_by_content(table, market, volume_known="volume" in placed)
        return _with_given(table, fields, placed)
    prices = _prices(table, placed)
    if prices is None:
        return _wide(table, market, placed)
    _refuse_fixed_point(table, prices)
    table, name, symbol = one_market(table, market, prices, *placed.get("market", ()))
    confirmed = symbol is not None
    if symbol is None and table.told.market:
        name, confirmed = choose(table, [table.told.market], market), True
    volumes = placed.get("volume") or _volumes(table, name, prices)
    times = _given_times(placed) or time_columns(table)
    fields = Fields(times, prices, volumes, name, confirmed, symbol, closed_column(table))
    return table, fields


def _with_given(table: Table, fields: Fields, placed: dict[str, tuple[int, ...]]) -> tuple[Table, Fields]:
    """Return the fields of a table without header, with those that the caller named in their place."""
    if not placed:
        return table, fields
    prices = [placed.get(field, (column,))[0] for field, column in zip(FIELDS, fields.prices, strict=True)]
    open_, high, low, close = prices
    table, name, symbol = one_market(
        table, fields.market or None, (open_, high, low, close), *placed.get("market", ())
    )
    times = _given_times(placed) or fields.times
    volumes = placed.get("volume", fields.volumes)
    return table, Fields(
        times, (open_, high, low, close), volumes, name, symbol is not None, symbol, fields.closed, fields.warnings
    )


def _given_times(placed: dict[str, tuple[int, ...]]) -> TimeColumns | None:
    columns = placed.get("time")
    return None if columns is None else TimeColumns(plain=columns, joined=len(columns) > 1)


def _prices(table: Table, placed: dict[str, tuple[int, ...]]) -> tuple[int, int, int, int] | None:
    names = table.names or ()
    found = [placed[field][0] if field in placed else find_word(names, field) for field in FIELDS]
    if any(column is None for column in found):
        return prices_of_sides(table)
    open_, high, low, close = (column for column in found if column is not None)
    if not placed:
        _refuse_twins(table, (open_, high, low, close))
    return open_, high, low, close


def _wide(table: Table, market: str | None, placed: dict[str, tuple[int, ...]]) -> tuple[Table, Fields]:
    wide = markets_in(table.names or ())
    if not wide:
        raise _unknown_columns(table)
    name = choose(table, wide, market)
    found = wide[name]
    volumes = (found["volume"],) if "volume" in found else ()
    open_, high, low, close = (found[field] for field in FIELDS)
    times = _given_times(placed) or time_columns(table)
    return table, Fields(times, (open_, high, low, close), volumes, bare(name), confirmed=True)


def time_columns(table: Table) -> TimeColumns:
    """Return every column that is named like a time; where none is, the nameless one of a saved index.

    Raises
    ------
    DataError
        If there is none; names the column that holds times under another name.
    """
    names = table.names or ()
    roles = [time_role(name) for name in names]
    if "t" in names and "T" in names:  # Binance and Hyperliquid: `t` is the start, `T` the end
        roles[names.index("t")], roles[names.index("T")] = "start", "close"
    by_role = {
        role: tuple(column for column, found in enumerate(roles) if found == role)
        for role in ("start", "plain", "close", "clock")
    }
    plains = [plain(name) for name in names]
    zone = zone_column(table)
    parts = tuple(plains.index(part) for part in _PARTS) if all(part in plains for part in _PARTS) else ()
    told = tuple(column for column in by_role["plain"] if column not in parts)
    if parts and not told and not by_role["start"]:
        return TimeColumns(clocks=by_role["clock"], parts=parts, zone=zone)
    columns = TimeColumns(by_role["start"], by_role["plain"], by_role["close"], by_role["clock"], zone=zone)
    if columns or any(sort_of(table, column) in ("date", "epoch") for column in columns.clocks):
        return columns
    nameless = tuple(column for column, name in enumerate(plains) if not name and not table.empty(column).all())[
        :1
    ]
    if nameless:
        return TimeColumns(plain=nameless, clocks=columns.clocks, zone=zone)
    if "id" in plains and sort_of(table, plains.index("id")) == "epoch":  # HTX
        return TimeColumns(plain=(plains.index("id"),))
    raise _no_time_column(table)


def _no_time_column(table: Table) -> DataError:
    titles = [table.title(column) for column in range(table.width)]
    near = [title for title in titles if get_close_matches(plain(title), ["timestamp", "datetime"])]
    holding = [title for column, title in enumerate(titles) if sort_of(table, column) in ("date", "epoch")]
    if near:
        cure = f"Did you mean {near[0]!r}? Name it `time`."
    elif holding:
        cure = f"If {holding[0]!r} is that time, say so with `--columns time={holding[0]}`, or name it `time`."
    else:
        cure = "Name that column `time`, or say which it is with `--columns time=...`."
    return DataError(
        f"no column is named like the time at which a bar starts; there are {table.titles()}.",
        file=table.file,
        cure=cure,
    )


def _refuse_twins(table: Table, prices: tuple[int, ...]) -> None:
    plains = [plain(name) for name in table.names or ()]
    for field, column in zip(FIELDS, prices, strict=True):
        if plains.count(plains[column]) > 1 and len(plains[column]) > 1:
            raise DataError(
                f"two columns are named {table.title(column)!r}.",
                file=table.file,
                cure=f"Rename the one that is not the {field}.",
            )


def _refuse_fixed_point(table: Table, prices: tuple[int, ...]) -> None:
    """Refuse whole numbers that count billionths of a price, as Databento's encoding has them."""
    plains = {plain(name) for name in table.names or ()}
    whole = all(pd.api.types.is_integer_dtype(table.frame.dtypes.iloc[column]) for column in prices)
    if {"tsevent", "rtype"} <= plains and whole:
        raise DataError(
            "its prices are whole numbers, which in Databento's files count billionths.",
            file=table.file,
            cure="Export it again with `pretty_px`.",
        )


def _unknown_columns(table: Table) -> DataError:
    plains = [plain(name) for name in table.names or ()]
    missing = [field for field in FIELDS if not set(words_for(field)) & set(plains)]
    hints = []
    for field in missing:
        near = get_close_matches(field, plains, n=1, cutoff=0.7)
        if near:
            hints.append(f"{table.title(plains.index(near[0]))!r} to `{field}`")
    given = ",".join(f"{field}=..." for field in missing)
    cure = (
        f"Did you mean to rename {', '.join(hints)}?" if hints else f"Say which they are with `--columns {given}`."
    )
    return DataError(
        f"no column is named like {' or '.join(missing)}; there are {table.titles()}.", file=table.file, cure=cure
    )


def _volumes(table: Table, market: str, prices: tuple[int, int, int, int]) -> tuple[int, ...]:
    """Return the column of the volume, the base currency's where both are there, and after it those that count ticks."""
    plains = [plain(name) for name in table.names or ()]
    found = [_exactly(table, word) for word in words_for("volume") if word in plains]
    exact = [column for column in found if column not in prices]
    # `Volume ETH`, `Volume_(BTC)`: one column per currency, the base first by custom and by the market's name.
    by_currency = [column for column, name in enumerate(plains) if re.fullmatch(r"volume[a-z0-9]{2,6}", name)]
    base = canonical(market).lower()
    by_currency.sort(
        key=lambda column: (
            not (base and base.startswith(plains[column].removeprefix("volume"))),
            bool(_QUOTES.fullmatch(plains[column])),
        )
    )
    quotes = [plains.index(word) for word in quote_volumes() if word in plains]
    ticks = [column for column, name in enumerate(plains) if name in tick_volumes()]
    return (*_base_first(table, exact, prices), *[*by_currency, *quotes][: not exact], *ticks)


def _exactly(table: Table, word: str) -> int:
    """Return the column with this plain name; of `v` and `V` the one that is written so."""
    names = table.names or ()
    plains = [plain(name) for name in names]
    return names.index(word) if len(word) == 1 and word in names else plains.index(word)


def _base_first(table: Table, columns: list[int], prices: tuple[int, int, int, int]) -> tuple[int, ...]:
    """Return the one volume that counts the base currency: HTX calls it `amount`, and the quote's volume `vol`."""
    if len(columns) < 2:
        return tuple(columns)
    low, high = (numbers_or_none(table, prices[at]) for at in (2, 1))
    first = numbers_or_none(table, columns[0])
    if low is None or high is None or first is None:
        return tuple(columns[:1])
    for column in columns[1:]:
        other = numbers_or_none(table, column)
        if other is not None and is_quote_volume(first, other, low, high):
            return (column,)
    return tuple(columns[:1])
