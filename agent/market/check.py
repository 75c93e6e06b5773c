"""Which rows of a table are bars that a market can have traded, and which are refused, dropped or repaired."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from agent.market.columns.orders import enclosing_order
from agent.market.contradictions import without_contradictions
from agent.market.policies import Duplicates, Impossible
from agent.market.rows import Rows, count_of
from agent.market.table import Table

_NAMES = ("open", "high", "low", "close")
# Prices that went through float32 or an adjustment miss their own high by a few parts in ten million.
_ROUNDING = 1e-6
_MOST_DROPPED = 0.2


def checked(
    table: Table, rows: Rows, *, duplicates: Duplicates, impossible: Impossible, unconfirmed: str = ""
) -> Rows:
    """Return rows in ascending time, one for each time, each a bar that a market can have traded.

    Parameters
    ----------
    table, rows
        Where they stand, and what they say.
    duplicates, impossible
        What to do about rows that contradict each other, or that no market can have traded.
    unconfirmed
        The market that is asked for, where nothing in the file says that the rows are of it; else "".

    Raises
    ------
    DataError
        For the first impossible row, or the first two rows that contradict each other, unless told what to do.
    """
    rows = _without_copies(rows.keep(np.lexsort((rows.row, rows.time))))
    rows = _with_first_bar_repaired(rows)
    rows = _without_impossible(table, rows, impossible)
    rows = _without_rounding(rows)
    return without_contradictions(table, rows, duplicates, unconfirmed=unconfirmed)


def _without_copies(rows: Rows) -> Rows:
    """Drop rows that repeat another in every field; they say nothing new."""
    if len(rows) < 2 or (np.diff(rows.time) > 0).all():
        return rows
    copies = (
        pd.DataFrame(np.column_stack([rows.prices, rows.volume])).assign(time=rows.time).duplicated().to_numpy()
    )
    if not copies.any():
        return rows
    count = int(copies.sum())
    kept = replace(rows.keep(~copies), duplicates=rows.duplicates + count)
    return kept.warn(
        f"{count_of(count, 'row repeats', 'rows repeat')} another exactly and {_were(count)} dropped."
    )


def _with_first_bar_repaired(rows: Rows) -> Rows:
    """Repair the oldest bar of all where an exchange wrote 0 for the open before its first trade."""
    if not len(rows) or (len(rows) > 1 and rows.time[0] == rows.time[1]):
        return rows
    open_, high, low, close = rows.prices[0]
    good = (
        np.isfinite(rows.prices[0]).all() and close > 0 and high >= max(open_, close, low) and min(open_, low) >= 0
    )
    if not good or (open_ > 0 and low > 0):
        return rows
    prices = rows.prices.copy()
    opened = open_ if open_ > 0 else close
    prices[0] = opened, high, min(price for price in (opened, low, close) if price > 0), close
    zeros = " and ".join(name for name, price in (("open", open_), ("low", low)) if price == 0)
    return replace(rows, prices=prices, impossible=rows.impossible + 1).warn(
        f"The oldest bar has a zero {zeros}, as exchanges write before their first trade: "
        f"open was set to {prices[0, 0]:g} and low to {prices[0, 2]:g}."
    )


def _without_impossible(table: Table, rows: Rows, policy: Impossible) -> Rows:
    bad = np.zeros(len(rows), bool)
    for _, mask in _faults(rows):
        bad |= mask
    if not bad.any():
        return rows
    count = int(bad.sum())
    if count > 1:
        _refuse_another_order(table, rows)
    first = int(np.flatnonzero(bad)[rows.row[bad].argmin()])
    what = next(describe for describe, mask in _faults(rows) if mask[first])
    problem = what.format(**dict(zip(_NAMES, rows.prices[first].tolist(), strict=True)), volume=rows.volume[first])
    priced = np.isfinite(rows.prices).all(axis=1) & (rows.prices > 0).all(axis=1)
    few = int((bad & priced).sum()) <= max(_MOST_DROPPED * len(rows), 3)
    if policy == "refuse" or not few:
        more = f"; {count - 1:,} more rows are impossible" if count > 1 else ""
        drop = f"Correct {'them' if count > 1 else 'it'}, or drop such rows with `--impossible drop`."
        raise table.fault(
            f"{problem}{more}.",
            row=int(rows.row[first]),
            cure=drop if few else "So many are no slips: check which column is which, or export the file again.",
        )
    kept = replace(rows.keep(~bad), impossible=rows.impossible + count)
    return kept.warn(
        f"{count_of(count, 'impossible row was', 'impossible rows were')} dropped; "
        f"the first, {table.place(int(rows.row[first]))}: {problem}."
    )


def _refuse_another_order(table: Table, rows: Rows) -> None:
    """Refuse prices that fit in every row once two of their names change places: dropping rows would be no cure."""
    order = enclosing_order(rows.prices)
    if order is None or not np.isfinite(rows.prices).all() or not (rows.prices > 0).all():
        return
    names = ", ".join(sorted(_NAMES, key=lambda name: order[_NAMES.index(name)]))
    raise table.fault(
        f"the columns that are read as open, high, low, close hold {names}: in that order every row fits",
        cure="Name the columns in their order, or say which is which with `--columns open=...,high=...,low=...,close=...`.",
    )


def _faults(rows: Rows) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    """Yield each way in which a row can be impossible, as a sentence to fill in, with the rows it is true of."""
    open_, high, low, close = rows.prices.T
    for name, price in zip(_NAMES, rows.prices.T, strict=True):
        yield f"there is no {name}", np.isnan(price)
    for name, price in zip(_NAMES, rows.prices.T, strict=True):
        yield f"{name} is {{{name}}}, not a finite number", np.isinf(price)
    for name, price in zip(_NAMES, rows.prices.T, strict=True):
        yield f"{name} is {{{name}:.12g}}, but a price is above zero", price <= 0
    yield "high {high:.12g} is below low {low:.12g}", high < low
    top, bottom = high * (1 + _ROUNDING), low * (1 - _ROUNDING)
    for name, price in (("open", open_), ("close", close)):
        yield f"{name} {{{name}:.12g}} is above high {{high:.12g}}", price > top
        yield f"{name} {{{name}:.12g}} is below low {{low:.12g}}", price < bottom
    yield (
        "volume is {volume:.12g}, but cannot be below zero or infinite",
        ~(np.isfinite(rows.volume) & (rows.volume >= 0)),
    )


def _without_rounding(rows: Rows) -> Rows:
    """Widen high and low where open or close lie outside by rounding only."""
    high, low = rows.prices.max(axis=1), rows.prices.min(axis=1)
    wide = (high > rows.prices[:, 1]) | (low < rows.prices[:, 2])
    if not wide.any():
        return rows
    prices = rows.prices.copy()
    prices[:, 1], prices[:, 2] = high, low
    count = int(wide.sum())
    return replace(rows, prices=prices).warn(
        f"{count_of(count, 'bar has', 'bars have')} an open or close outside high and low by rounding only "
        f"(under one part per million): high and low were widened."
    )


def _were(count: int) -> str:
    return "was" if count == 1 else "were"
