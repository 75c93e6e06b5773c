"""Which column is which field, by the names exporters use, and which market of several is meant."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches

import numpy as np

from agent.errors import DataError
from agent.market.table import Table

FIELDS = ("open", "high", "low", "close")

# Names as letters and digits only, in order of preference. A `close_time` is in none of them on purpose.
_NAMES: dict[str, tuple[str, ...]] = {
    "open": ("open", "openprice", "openingprice", "o", "pxopen", "1open"),
    "high": ("high", "highprice", "h", "pxhigh", "2high"),
    "low": ("low", "lowprice", "l", "pxlow", "3low"),
    "close": (
        "close",
        "closeprice",
        "closingprice",
        "closelast",
        "c",
        "pxlast",
        "4close",
        "last",
        "lastprice",
        "price",
    ),
    "volume": (
        "volume",
        "vol",
        "v",
        "basevolume",
        "volumebase",
        "volumefrom",
        "totalvolume",
        "pxvolume",
        "5volume",
    ),
}
_TICK_VOLUME = ("tickvol", "tickvolume", "tickcount")
_TIMES = re.compile(
    "(unix|open|start|begin|bar|candle|candlebegin|trade|price|gmt|utc|local)?(time|date|datetime|timestamp)(utc|gmt|m?s)?"
    "|unix|epoch|t|ts|mts|start|begin|timeperiodstart|windowstart|period|day|dt|gmt|utc"
)
_SYMBOLS = frozenset(
    {"currencypair", "instrument", "instrumentid", "market", "pair", "productid", "sym", "symbol", "tic", "ticker"}
)
_WIDE = re.compile(
    r"(?P<before>.+?)[\s:_./|-]+(?P<last>open|high|low|close|volume|vol)"
    r"|(?P<first>open|high|low|close|volume|vol)[\s:_./|-]+(?P<after>.+)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Fields:
    """Where each field stands in a table.

    Attributes
    ----------
    times
        Every column that is named like a time, in the table's order.
    prices
        Open, high, low and close.
    volumes
        The column of the volume, then columns that count ticks, for where the volume is always 0.
    market
        Name of the market as the file has it; "" where it has none.
    """

    times: tuple[int, ...]
    prices: tuple[int, int, int, int]
    volumes: tuple[int, ...]
    market: str


def price_columns(names: tuple[str, ...]) -> tuple[int, int, int, int] | None:
    """Return where open, high, low and close stand by name; None unless all four do."""
    plain = [_plain(name) for name in names]
    found = [next((plain.index(word) for word in _NAMES[field] if word in plain), None) for field in FIELDS]
    open_, high, low, close = found
    if open_ is None or high is None or low is None or close is None:
        return None
    return open_, high, low, close


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


def find_fields(table: Table, market: str | None) -> tuple[Table, Fields]:
    """Return the rows of one market, and where its fields stand.

    Parameters
    ----------
    table
        All that is in the file.
    market
        The market that is asked for; None where the file should hold only one.

    Raises
    ------
    DataError
        If a field has no column or two, or the file holds several markets and none, or another, is asked for.
    """
    if table.names is None:
        return table, _by_position(table, market or "")
    names = table.names
    prices = price_columns(names)
    if prices is not None:
        _refuse_twins(table, prices)
        table, name = _one_market(table, market, prices)
        fields = Fields(_times(table), prices, _volumes(names, name), name)
    else:
        wide = markets_in(names)
        if not wide:
            raise _unknown_columns(table)
        name = _choose(table, wide, market)
        found = wide[name]
        volumes = (found["volume"],) if "volume" in found else ()
        fields = Fields(_times(table), tuple(found[field] for field in FIELDS), volumes, _bare(name))
    return table, fields


def _plain(name: str) -> str:
    return re.sub(r"[\W_]", "", name.casefold())


def _times(table: Table) -> tuple[int, ...]:
    names = [_plain(name) for name in table.names or ()]
    times = tuple(column for column, name in enumerate(names) if _TIMES.fullmatch(name))
    if not times:  # a table saved with its index has a column without a name
        times = tuple(column for column, name in enumerate(names) if not name and not table.empty(column).all())[
            :1
        ]
    if not times:
        near = [
            table.title(column)
            for column, name in enumerate(names)
            if get_close_matches(name, ["timestamp", "datetime"])
        ]
        raise DataError(
            f"no column is named like the time at which a bar starts; there are {table.titles()}.",
            file=table.file,
            cure=f"Did you mean {near[0]!r}? Name it `time`." if near else "Name that column `time`.",
        )
    return times


def _refuse_twins(table: Table, prices: tuple[int, ...]) -> None:
    plain = [_plain(name) for name in table.names or ()]
    for field, column in zip(FIELDS, prices, strict=True):
        if plain.count(plain[column]) > 1:
            raise DataError(
                f"two columns are named {table.title(column)!r}.",
                file=table.file,
                cure=f"Rename the one that is not the {field}.",
            )


def _unknown_columns(table: Table) -> DataError:
    plain = [_plain(name) for name in table.names or ()]
    missing = [field for field in FIELDS if not set(_NAMES[field]) & set(plain)]
    hints = []
    for field in missing:
        near = get_close_matches(field, plain, n=1, cutoff=0.7)
        if near:
            hints.append(f"{table.title(plain.index(near[0]))!r} to `{field}`")
    cure = (
        f"Did you mean to rename {', '.join(hints)}?"
        if hints
        else "Name the columns time, open, high, low, close."
    )
    return DataError(
        f"no column is named like {' or '.join(missing)}; there are {table.titles()}.", file=table.file, cure=cure
    )


def _volumes(names: tuple[str, ...], market: str) -> tuple[int, ...]:
    """Return the column of the volume, and after it those that count ticks."""
    plain = [_plain(name) for name in names]
    exact = [plain.index(word) for word in _NAMES["volume"] if word in plain]
    # `Volume ETH`, `Volume_(BTC)`: one column per currency, the base first by custom and by the market's name.
    by_currency = [column for column, name in enumerate(plain) if re.fullmatch(r"volume[a-z0-9]{2,6}", name)]
    base = _canonical(market).lower()
    by_currency.sort(key=lambda column: not (base and base.startswith(plain[column].removeprefix("volume"))))
    ticks = [column for column, name in enumerate(plain) if name in _TICK_VOLUME]
    return tuple([*exact, *by_currency][:1] + ticks)


def _one_market(table: Table, wanted: str | None, prices: tuple[int, ...]) -> tuple[Table, str]:
    """Return the rows of one market of a long table, where a column names each row's market."""
    plain = [_plain(name) for name in table.names or ()]
    column = next((column for column, name in enumerate(plain) if name in _SYMBOLS), None)
    if column is None or table.empty(column).all():
        return table, wanted or ""
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
    name = _choose(table, texts[priced].unique(), wanted)
    return table.keep((texts == name).to_numpy(bool)), name


def _bare(market: str) -> str:
    """Return a market's name without the exchange before it; `ETH/USDT:USDT` names none."""
    return re.sub(r"^[\w.]+:(?=.)", "", market)


def _canonical(market: str) -> str:
    return re.sub(r"[\W_]", "", _bare(market)).upper()


def _choose(table: Table, markets: Iterable[str], wanted: str | None) -> str:
    names = list(markets)
    listed = ", ".join(sorted(names))
    if wanted is None:
        if len(names) == 1:
            return names[0]
        raise DataError(
            f"it holds several markets: {listed}.",
            file=table.file,
            cure=f"Name the one to read, like `--market {_bare(sorted(names)[0])}`.",
        )
    exact = [name for name in names if name.casefold() == wanted.casefold()]
    matches = exact or [name for name in names if _canonical(name) == _canonical(wanted)]
    if len(matches) == 1:
        return matches[0]
    if matches:
        raise DataError(
            f"{wanted!r} is the name of several markets in it: {', '.join(sorted(matches))}.",
            file=table.file,
            cure=f"Name one in full, like `--market {sorted(matches)[0]}`.",
        )
    near = get_close_matches(_canonical(wanted), [_canonical(name) for name in names], n=1)
    meant = next((name for name in names if near and _canonical(name) == near[0]), None)
    raise DataError(
        f"it holds no market {wanted!r}, but {listed}.",
        file=table.file,
        cure=f"Did you mean `--market {_bare(meant)}`?" if meant else "Name one of these.",
    )


def _by_position(table: Table, market: str) -> Fields:
    """Return the fields of a table without header, by what each exporter puts where."""
    clock = table.width > 6 and not table.is_number(1) and bool(table.texts(1).str.contains(":").any())
    first = 2 if clock else 1
    volume = {
        (False, 5): None,  # time, open, high, low, close
        (False, 6): 5,  # ccxt, freqtrade, HistData: ..., volume
        (False, 7): 5,  # Kraken: ..., volume, trades
        (False, 8): 6,  # Kraken's own interface: ..., weighted average, volume, trades
        (False, 11): 5,  # Binance, without its last, unused column
        (False, 12): 5,  # Binance: ..., volume, close time, quote volume, trades, two taker volumes, unused
        (True, 7): 6,  # MetaTrader: date, time, open, high, low, close, volume
        (True, 8): 6,  # MetaTrader: ..., tick volume, volume
        (True, 9): 6,  # MetaTrader: ..., tick volume, volume, spread
    }
    if (clock, table.width) not in volume:
        raise DataError(
            f"there is no header, and {table.width} columns are no layout known here.",
            file=table.file,
            cure="Put a header line above the bars: time,open,high,low,close,volume and whatever else there is.",
        )
    _require_layout(table, first)
    position = volume[clock, table.width]
    prices = (first, first + 1, first + 2, first + 3)
    return Fields((0, 1) if clock else (0,), prices, () if position is None else (position,), market)


def _require_layout(table: Table, first: int) -> None:
    """Refuse prices without header whose high is rarely the highest: Coinbase and Bitfinex order them differently."""
    columns = range(first, first + 4)
    if not all(table.is_number(column) for column in columns):
        return
    cells = table.frame.iloc[:, list(columns)].to_numpy(np.float64)
    if _share_that_fits(cells, (0, 1, 2, 3)) >= 0.5:
        return
    orders = {(2, 1, 0, 3): "low, high, open, close", (0, 2, 3, 1): "open, close, high, low"}
    fits = [names for order, names in orders.items() if _share_that_fits(cells, order) >= 0.5]
    seems = f" They read like {fits[0]}." if fits else ""
    raise DataError(
        f"there is no header, and columns {first + 1} to {first + 4} are not open, high, low, close.{seems}",
        file=table.file,
        cure="Put a header line above the bars that names each column.",
    )


def _share_that_fits(cells: np.ndarray, order: tuple[int, int, int, int]) -> float:
    """Return the share of rows whose high and low enclose open and close, columns taken in this order."""
    open_, high, low, close = (cells[:, column] for column in order)
    fits = (high >= np.maximum(open_, close)) & (low <= np.minimum(open_, close))
    return float(fits.mean()) if len(fits) else 1.0
