"""Which market of several is meant: by the columns that name one, by the words of a wide header, or by what varies."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from difflib import get_close_matches

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from agent.errors import DataError
from agent.market.bars import Ints
from agent.market.columns.fields import Fields
from agent.market.columns.words import FIELDS, plain
from agent.market.dates import DAY
from agent.market.table import Table
from agent.market.written import looks_like_clock

_MOST_LISTED = 20
_WIDE = re.compile(
    r"(?P<before>.+?)[\s:_./|-]+(?P<last>open|high|low|close|volume|vol)"
    r"|(?P<first>open|high|low|close|volume|vol)[\s:_./|-]+(?P<after>.+)",
    re.IGNORECASE,
)
# Names of columns that say which market a row is of, in order of preference.
_SYMBOLS = (
    "symbol|sym|s|ticker|tic|tickersymbol|instrument|instrumentname|market|pair|currencypair|tradingpair|productid|product"
    "|name|stock|stockname|stockcode|stocksymbol|tscode|security|securityid|securityname|secid|seccode|asset|assetid"
    "|assetname|contract|contractcode|contractname|contractid|localsymbol|ric|isin|cusip|figi|sedol|wkn|permno|permco|conid"
    "|gvkey|coin|coinid|coinname|cryptoname|crypto|cryptocurrency|token|tokenaddress|pool|pooladdress|pairaddress|company"
    "|companyname|underlying|issuer|valor|code|paper|codneg|fund|index|indexname|commodity|instrumentid|instid|symbolid|tickerid"
    "|marketname|marketid|baseasset|basecurrency|exchangesymbol|etf|slug|expiry|expiration|expirationdate|expirydate|maturity"
    "|deliverymonth|contractmonth|series|sid|kontrakt|wertpapier|aktie|activo|ativo|papel|titre|valeur|titolo|walor|тикер"
    "|инструмент|бумага|sembol|hisse|股票代码|代码|证券代码|合约|合约代码|品种|股票名称|名称|銘柄|銘柄コード|コード|종목|종목코드|종목명"
)
_SPOKEN = re.compile("contract|symbol|ticker|instrument|expir|maturit|deliver|security|kontrakt|roll")
# Names of columns that often name something else: which only matter where they hold several values.
_WEAK = frozenset(
    {
        "name", "currency", "exchange", "venue", "quotecurrency", "code", "series", "index", "company", "companyname",
        "expiry", "expiration", "expirationdate", "expirydate", "maturity", "deliverymonth", "contractmonth",
        "instrumentid", "symbolid", "sid", "product", "permco", "gvkey", "issuer", "paper", "fund",
    }
)  # fmt: skip
_APART = ("exchange", "venue", "currency", "quotecurrency", "interval", "timeframe", "resolution", "granularity", "per", "freq", "frequency", "adjusted", "side", "pricetype", "barsize")  # fmt: skip


def markets_in(names: tuple[str, ...]) -> dict[str, dict[str, int]]:
    """Return the markets of a wide table (`binance:ETH/USDT:open`, ...): name -> field -> column."""
    markets: dict[str, dict[str, int]] = {}
    for column, name in enumerate(names):
        match = _WIDE.fullmatch(name.strip())
        if match:
            market = (match["before"] or match["after"]).strip()
            field = (match["last"] or match["first"]).lower()
            markets.setdefault(market, {}).setdefault("volume" if field == "vol" else field, column)
    return {market: fields for market, fields in markets.items() if all(field in fields for field in FIELDS)}


def one_market(
    table: Table, wanted: str | None, prices: tuple[int, ...], symbol: int | None = None
) -> tuple[Table, str, int | None]:
    """Return the rows of one market of a long table, its name, and the column that names it.

    Parameters
    ----------
    table
        All rows.
    wanted
        The market that is asked for; None where the file should hold only one.
    prices
        The columns of the prices: a row without any needs no name.
    symbol
        The column that names the market, where the caller said so.

    Raises
    ------
    DataError
        If a row names none, or several are named and none, or another, is asked for.
    """
    column = symbol if symbol is not None else _symbol_column(table, prices)
    if column is None:
        return table, wanted or "", None
    texts = table.texts(column)
    priced = ~np.logical_and.reduce([table.empty(price) for price in prices])
    nameless = table.empty(column) & priced
    if nameless.any():
        raise table.fault(
            "the row does not say which market it is of.",
            row=int(table.rows[nameless.argmax()]),
            column=column,
            cure="Correct or remove that line.",
        )
    name = choose(table, texts[priced].unique(), wanted, column=table.title(column))
    return table.keep((texts == name).to_numpy(bool)), name, column


def _symbol_column(table: Table, prices: tuple[int, ...]) -> int | None:
    """Return the column that names each row's market: of those with a name that says so, one that varies first."""
    plains = [plain(name.removesuffix("#")) for name in table.names or ()]
    named = [plains.index(word) for word in _words() if word in plains and plains.index(word) not in prices]
    named += [column for column in _spoken_of(table, plains) if column not in (*named, *prices)]
    named = [column for column in named if not table.empty(column).all()]
    counts = {column: table.texts(column).nunique() for column in named}
    several = [column for column in named if counts[column] > 1 and _names_rows(table, column)]
    strong = [column for column in named if plains[column] not in _WEAK and _is_name(table, column)]
    return next(iter(several or strong), None)


def _spoken_of(table: Table, plains: list[str]) -> list[int]:
    """Return columns of text whose names speak of a market among other words, like `front_contract`."""
    return [
        column
        for column, name in enumerate(plains)
        if _SPOKEN.search(name) and not pd.api.types.is_numeric_dtype(table.frame.dtypes.iloc[column])
    ]


def _words() -> tuple[str, ...]:
    return tuple(dict.fromkeys(plain(word) for word in _SYMBOLS.split("|")))


def _names_rows(table: Table, column: int) -> bool:
    """Whether a column names something, rather than counting or measuring it: each name stands in many rows."""
    texts = table.texts(column)
    floats = pd.api.types.is_float_dtype(table.frame.dtypes.iloc[column])
    return not floats and texts.nunique() <= max(len(texts) / 2, 1)


def _is_name(table: Table, column: int) -> bool:
    """Whether the only name in a column is one: a number tells nobody which market it stands for."""
    return not str(table.texts(column).iloc[0]).replace(".", "").isdigit()


def choose(table: Table, markets: Iterable[str], wanted: str | None, *, column: str = "") -> str:
    """Return the market of several that is meant.

    Raises
    ------
    DataError
        If none is asked for and there are several, or if the one asked for is not there or is there twice.
    """
    names = list(markets)
    listed = ", ".join(sorted(names)[:_MOST_LISTED]) + (
        f" and {len(names) - _MOST_LISTED} more" if len(names) > _MOST_LISTED else ""
    )
    where = (
        f" in column {column!r}" if column and plain(column) not in ("symbol", "market", "ticker", "pair") else ""
    )
    if wanted is None:
        if len(names) == 1:
            return names[0]
        raise DataError(
            f"it holds several markets{where}: {listed}.",
            file=table.file,
            cure=f"Name the one to read, like `--market {bare(sorted(names)[0])}`.",
        )
    exact = [name for name in names if name.casefold() == wanted.casefold()]
    matches = exact or [name for name in names if canonical(name) == canonical(wanted)]
    if len(matches) == 1:
        return matches[0]
    if matches:
        raise DataError(
            f"{wanted!r} is the name of several markets in it: {', '.join(sorted(matches))}.",
            file=table.file,
            cure=f"Name one in full, like `--market {sorted(matches)[0]}`.",
        )
    near = get_close_matches(canonical(wanted), [canonical(name) for name in names], n=1)
    meant = next((name for name in names if near and canonical(name) == near[0]), None)
    raise DataError(
        f"it holds no market {wanted!r}{where}, but {listed}.",
        file=table.file,
        cure=f"Did you mean `--market {bare(meant)}`?" if meant else "Name one of these.",
    )


def bare(market: str) -> str:
    """Return a market's name without the exchange before it; `ETH/USDT:USDT` names none."""
    return re.sub(r"^[\w.]+:(?=.)", "", market)


def canonical(market: str) -> str:
    """Return a market's name as capital letters and digits only."""
    return re.sub(r"[\W_]", "", bare(market)).upper()


def _varying_column(table: Table, used: frozenset[int], time: Ints) -> int | None:
    """Return the column that tells apart the rows which contradict each other at one time; None where none does.

    Parameters
    ----------
    table
        The rows.
    used
        Columns that have a role already.
    time
        When each row's bar starts, shape (n,); some of them several times.
    """
    best: tuple[bool, int] | None = None
    for column in range(table.width):
        if column in used or not _names_rows(table, column):
            continue
        codes = pd.factorize(table.texts(column))[0]
        if codes.max(initial=0) < 1 or table.empty(column).all():
            continue
        if not _unique(codes, time):
            continue
        known = plain(table.title(column)) not in _words()
        if best is None or (known, column) < best:
            best = (known, column)
    return None if best is None else best[1]


def _unique(codes: NDArray[np.int64], time: Ints) -> bool:
    """Whether no value of a column stands twice at the same time."""
    order = np.lexsort((codes, time))
    same = (np.diff(time[order]) == 0) & (np.diff(codes[order]) == 0)
    return not bool(same.any())


def of_one_market(
    table: Table, fields: Fields, time: Ints, wanted: str | None
) -> tuple[Table, Fields, NDArray[np.bool_]]:
    """Return the rows of one market where rows contradict each other and a column without a known name tells them apart.

    Parameters
    ----------
    table, fields
        The rows, and what is known of their columns.
    time
        When each row's bar starts, shape (n,).
    wanted
        The market that is asked for; None where the file should hold only one.

    Returns
    -------
    tuple
        The rows that are kept, their fields, and which rows those are, shape (n,).

    Raises
    ------
    DataError
        If that column holds several markets and none, or another, is asked for; or if it tells something else apart.
    """
    every = np.ones(len(time), bool)
    if not _contradict(table, time):
        return table, fields, every
    column = _varying_column(table, fields.used, time)
    if column is None:
        return table, fields, every
    texts = table.texts(column)
    title, values = table.title(column), [value for value in texts.unique() if value]
    clock = bool((time % DAY == 0).all()) and all(looks_like_clock(value) for value in values)
    if fields.confirmed or plain(title) in _APART or clock:
        raise _not_a_market(table, fields, title, values, time, clock=clock)
    name = choose(table, values, wanted, column=title)
    kept = (texts == name).to_numpy(bool)
    warning = f"Rows of one time differ by column {title!r}, so it was taken for the name of the market: {name}."
    found = replace(fields, market=name, confirmed=True, symbol=column, warnings=(*fields.warnings, warning))
    return table.keep(kept), found, kept


def _contradict(table: Table, time: Ints) -> bool:
    """Whether rows of the same time differ at all."""
    again = pd.Series(time).duplicated(keep=False).to_numpy()
    if not again.any():
        return False
    rows = table.frame.loc[again].astype(str).assign(_time=time[again])  # as text, for JSON holds lists too
    return bool(rows.duplicated().sum() < len(rows) - len(np.unique(time[again])))


def _not_a_market(
    table: Table, fields: Fields, title: str, values: list[str], time: Ints, *, clock: bool
) -> DataError:
    listed = ", ".join(values[:5]) + (" and others" if len(values) > 5 else "")
    date = "+".join(table.title(column) for column in (*fields.times.starts, *fields.times.plain)[:1])
    again = int(pd.Series(time).duplicated().to_numpy().argmax())
    what = "which reads like a time of day" if clock else "which tells apart several series"
    return table.fault(
        f"rows of the same time differ by column {title!r} ({listed}), {what}.",
        row=int(table.rows[again]),
        cure=f"Read it as part of the time with `--columns time={date}+{title}`."
        if clock
        else f"Keep the rows of one {title} in a file of its own.",
    )
