"""Which column is which field of a table without a header, by what is in it; what cannot be told is refused."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from agent.errors import DataError
from agent.market.bars import Floats, Ints
from agent.market.columns.contents import (
    ENOUGH,
    is_count,
    is_flag,
    is_mean_price,
    is_other_price,
    is_proportional,
    is_quote_volume,
    narrow,
    nearly_all,
    numbers_or_none,
)
from agent.market.columns.fields import Fields, TimeColumns
from agent.market.columns.markets import choose
from agent.market.columns.orders import USUAL, Found, find_order
from agent.market.columns.sides import two_sides
from agent.market.columns.zonecolumn import zone_column
from agent.market.dates import MICROSECONDS, UNREAD
from agent.market.epochs import epochs_or_unread
from agent.market.numerals import DecimalSign, decimal_sign
from agent.market.stamps import interval_of
from agent.market.table import Table
from agent.market.times import read_times, sort_of
from agent.market.written import Written, has_clock

_CURE = (
    "Put a header line above the bars: time,open,high,low,close,volume and whatever else there is; "
    "or say which is which with `--columns time=1,open=2,high=3,low=4,close=5,volume=6`."
)


_LAST_CLOCK = 3  # MetaStock: market, interval, date and only then the time of day
_MOST_OTHER_PRICES = 2  # a mean and the close before; more are prices of another kind


@dataclass(frozen=True)
class _Prices:
    """The prices of each row, shape (n,) each."""

    low: Floats
    high: Floats
    close: Floats


def fields_by_content(table: Table, market: str | None, *, volume_known: bool = False) -> tuple[Table, Fields]:
    """Return the rows of one market of a table without header, and where its fields stand.

    Parameters
    ----------
    table
        All that is in the file.
    market
        The market that is asked for; None where the file should hold only one.
    volume_known
        Whether the caller said which column is the volume, so that it need not be found.

    Raises
    ------
    DataError
        If the order of the prices, or the column of the volume, is not certain.
    """
    table, name, symbol = _one_market(table, market)
    times, ends = _times(table)
    times = replace(times, zone=zone_column(table))
    numbers = _numbers(table, {*times.plain, *ends})
    found, warnings = _prices(table, numbers, _newest_first(table, times))
    open_, high, low, close = found.columns
    prices = _Prices(numbers[low], numbers[high], numbers[close])
    rest = {column: values for column, values in numbers.items() if column not in found.columns}
    _refuse_two_sides(table, rest, prices, found)
    flag = _flag(table, rest)
    amounts = _amounts({column: values for column, values in rest.items() if column != flag}, prices)
    volume = None if volume_known else _volume(table, amounts, prices, ends, clocked=len(times.plain) > 1)
    fields = Fields(
        times,
        (open_, high, low, close),
        () if volume is None else (volume,),
        name,
        confirmed=symbol is not None,
        symbol=symbol,
        closed=flag,
        warnings=warnings,
    )
    return table, fields


def _one_market(table: Table, market: str | None) -> tuple[Table, str, int | None]:
    """Return the rows of one market where a column of words holds several, and its name."""
    for column in range(table.width):
        if table.is_number(column) or pd.api.types.is_datetime64_any_dtype(table.frame.dtypes.iloc[column]):
            continue
        texts = table.texts(column)
        words = texts.str.contains(r"[A-Za-z]{2}").all() and not texts.str.lower().isin(("true", "false")).all()
        if sort_of(table, column) != "unknown" or not words:
            continue
        if 1 < texts.nunique() <= len(texts) / 2:
            name = choose(table, texts.unique(), market, column=table.title(column))
            return table.keep((texts == name).to_numpy(bool)), name, column
    return table, market or table.told.market, None


def _times(table: Table) -> tuple[TimeColumns, tuple[int, ...]]:
    """Return the columns that tell when a bar starts, and those that tell a time within it or its end."""
    sorts = {
        column: sort_of(table, column) if _may_be_time(table, column) else "unknown"
        for column in range(table.width)
    }
    timed = [column for column, sort in sorts.items() if sort in ("epoch", "date", "rounded")]
    if not timed:
        raise _unknown(table)
    first = 0 if 0 in timed else timed[0]
    if sorts[first] == "date" and first + 1 < table.width and _is_clock(table, first, sorts[first + 1] == "clock"):
        return TimeColumns(plain=(first, first + 1)), ()
    if sorts[first] != "epoch":
        return TimeColumns(plain=(first,)), tuple(
            column for column in timed if column != first and sorts[column] == "date"
        )
    times = {column: epochs_or_unread(table, column) for column in timed if sorts[column] == "epoch"}
    near = [column for column, time in times.items() if column == first or _near(times[first], time)]
    # Poloniex puts the times last, others the close first: the earliest of them is the start.
    start = min(near, key=lambda column: (_after(times[first], times[column]), column))
    return TimeColumns(plain=(start,)), tuple(column for column in near if column != start)


def _may_be_time(table: Table, column: int) -> bool:
    """Whether a column is no number, or one large enough for a unix time or small enough for a time of day."""
    if not table.is_number(column):
        return True
    cells = table.frame.iloc[:, column]
    values = cells.iloc[:: max(1, len(cells) // 100)].to_numpy(np.float64, na_value=np.nan)
    whole = pd.api.types.is_integer_dtype(table.frame.dtypes.iloc[column])
    return bool(np.nanmedian(values) >= 1e8) or (whole and column <= _LAST_CLOCK)


def _is_clock(table: Table, date: int, clock: bool) -> bool:
    """Whether the column behind a date is its time of day, and no price in whole numbers."""
    if not clock or has_clock(table, Written((date,))):
        return False
    texts = table.texts(date + 1)
    return bool(texts.str.contains(":").any()) or table.texts(date).duplicated().any()


def _after(start: Ints, other: Ints) -> float:
    """Return how far one column of times mostly lies behind another."""
    told = (start != UNREAD) & (other != UNREAD)
    return float(np.median((other - start)[told]))


def _near(start: Ints, other: Ints) -> bool:
    """Whether a column of large numbers is a time of the same bars: a quote volume may be as large."""
    told = (start != UNREAD) & (other != UNREAD)
    reach = 2 * interval_of(start) + MICROSECONDS
    return bool(told.any()) and nearly_all(np.abs(other - start)[told] <= reach)


def _numbers(table: Table, without: set[int]) -> dict[int, Floats]:
    decimal: DecimalSign = "."
    with suppress(DataError):
        decimal = decimal_sign(table, tuple(range(table.width)))
    found = {}
    for column in range(table.width):
        values = (
            None if column in without or table.empty(column).all() else numbers_or_none(table, column, decimal)
        )
        if values is not None:
            found[column] = values
    return found


def _newest_first(table: Table, times: TimeColumns) -> bool | None:
    """Return how the rows run, by the first and the last of them."""
    ends = np.zeros(len(table.frame), bool)
    ends[[0, -1]] = True
    try:
        time = read_times(table.keep(ends), times).time
    except DataError:
        return None
    return bool(time[0] > time[-1]) if len(time) == 2 else None


def _prices(table: Table, numbers: dict[int, Floats], newest_first: bool | None) -> tuple[Found, tuple[str, ...]]:
    certain, likely = find_order(numbers, newest_first=newest_first)
    if certain is not None:
        where = f"columns {min(certain.columns) + 1} to {max(certain.columns) + 1}"
        if certain.order == USUAL:
            return certain, ()
        return certain, (
            f"There is no header: {where} were read as {certain.described()}, the order in which high and low enclose the others.",
        )
    if likely is None and len(numbers) < 4:
        raise _unknown(table)
    first = min(likely.columns) if likely else min(numbers)
    seems = f" They read like {likely.described()}." if likely else ""
    raise DataError(
        f"there is no header, and columns {first + 1} to {first + 4} are not open, high, low, close.{seems}",
        file=table.file,
        cure="Put a header line above the bars that names each column.",
    )


def _refuse_two_sides(table: Table, rest: dict[int, Floats], prices: _Prices, found: Found) -> None:
    telling = narrow(prices.low, prices.high)
    if telling.sum() < max(3, len(telling) / 2):
        return
    near = {
        column: values
        for column, values in rest.items()
        if nearly_all(((values > prices.low / 1.2) & (values < prices.high * 1.2))[telling])
    }
    other, _ = find_order(near, newest_first=None)
    if other is None and len(near) > _MOST_OTHER_PRICES:
        names = ", ".join(table.title(column) for column in sorted((*found.columns, *near)))
        raise two_sides(table, f"{names}; there is no header")
    if other is not None:
        ours, theirs = (f"columns {min(at) + 1} to {max(at) + 1}" for at in (found.columns, other.columns))
        raise two_sides(table, f"{ours}, and {theirs}; there is no header")


def _flag(table: Table, rest: dict[int, Floats]) -> int | None:
    """Return the last column, where it says of each bar whether it has closed; None where it may count trades."""
    last = table.width - 1
    counts = last in rest and len(rest) < 3 and (len(rest[last]) < ENOUGH or bool((rest[last] != 0).all()))
    return last if not counts and is_flag(table, last) else None


def _counts_rows(values: Floats) -> bool:
    """Whether a column only numbers the rows."""
    return len(values) > 2 and bool((np.abs(np.diff(values)) == 1).all())


def _amounts(rest: dict[int, Floats], prices: _Prices) -> dict[int, Floats]:
    """Return the columns that are neither another price nor without any content."""
    amounts = {}
    for column, values in rest.items():
        mean = is_mean_price(values, prices.low, prices.high)
        sure = narrow(prices.low, prices.high).sum() >= ENOUGH
        if mean and (sure or (len(rest) == 3 and column == min(rest))):  # three: as in Kraken's interface
            continue
        if not is_other_price(values, prices.close) and not _counts_rows(values):
            amounts[column] = values
    varying = {column: values for column, values in amounts.items() if np.nanmax(values) > np.nanmin(values)}
    return varying if varying and len(prices.close) >= ENOUGH else amounts


def _volume(
    table: Table, amounts: dict[int, Floats], prices: _Prices, ends: tuple[int, ...], *, clocked: bool
) -> int | None:
    """Return the column of the volume: the first amount, unless that is the volume of another times a price."""
    if not amounts:
        return None
    low, high = prices.low, prices.high
    volume = next(iter(amounts))
    bases = (column for column, values in amounts.items() if is_quote_volume(amounts[volume], values, low, high))
    volume = next(bases, volume)
    binance = len(amounts) >= 5 and bool(ends) and min(ends) == volume + 1
    unclear = _unexplained(amounts, volume, prices, counts=2 if clocked else 1)
    if unclear is None or binance:
        return volume
    raise DataError(
        f"there is no header, and {table.width} columns are no layout known here: "
        f"nothing tells whether column {volume + 1} or {unclear + 1} is the volume.",
        file=table.file,
        cure=_CURE,
    )


def _unexplained(amounts: dict[int, Floats], volume: int, prices: _Prices, *, counts: int) -> int | None:
    """Return the first column that is nothing known beside a volume; None where all are."""
    base = amounts[volume]
    quotes = [
        column
        for column, values in amounts.items()
        if column != volume and is_quote_volume(values, base, prices.low, prices.high)
    ]
    for column, values in amounts.items():
        if column == volume or column in quotes or not np.nan_to_num(values).any():
            continue
        if is_proportional(values, base) or any(is_proportional(values, amounts[quote]) for quote in quotes):
            continue
        other = [
            amount
            for at, amount in amounts.items()
            if at not in (column, volume) and is_proportional(amount, base)
        ]
        if any(is_quote_volume(values, amount, prices.low, prices.high) for amount in other):
            continue
        if quotes and any(
            bool((values <= whole * (1 + 1e-6)).all()) for whole in (base, *(amounts[at] for at in quotes))
        ):
            continue  # the part of it that takers bought
        if is_count(values) and counts:
            counts -= 1
            continue
        return column
    return None


def _unknown(table: Table) -> DataError:
    return DataError(
        f"there is no header, and {table.width} columns are no layout known here.", file=table.file, cure=_CURE
    )
