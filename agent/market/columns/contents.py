"""What a column of numbers is by what is in it: a mean price, another price, a quote volume, a count, a flag."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from agent.errors import DataError
from agent.market.bars import Floats
from agent.market.numerals import DecimalSign, decimal_sign, read_numbers
from agent.market.table import Table

ENOUGH = 20  # rows from which on a coincidence in nearly all of them is none
_SLIPS = 0.03  # of all rows, and one in any case: a damaged cell must not change what a column is
_ROUNDING = 1e-6
_QUOTE_ROUNDING = 5e-3  # volumes are often cut to whole numbers
_NARROW = 1.5  # a bar whose high is further above its low encloses too much to prove anything
_FLAGS = frozenset({"0", "1", "true", "false", "0.0", "1.0"})
_NOT_YET = frozenset({"0", "false", "0.0"})


def numbers_or_none(table: Table, column: int, decimal: DecimalSign | None = None) -> Floats | None:
    """Return a column as floats of shape (n,), NaN where a cell is damaged; None where it holds something else."""
    try:
        values = read_numbers(table, column, decimal or decimal_sign(table, (column,)), multiples=True)
    except DataError:
        # Which column it is must not hang on one damaged cell, or the refusal would not name that cell.
        texts = table.texts(column)
        usual = texts.str.replace(".", "").str.replace(",", ".") if decimal == "," else texts
        values = pd.to_numeric(usual, errors="coerce").to_numpy(np.float64)
    finite = np.isfinite(values)
    if finite.all():
        return values
    return np.where(finite, values, np.nan) if finite.sum() > len(values) / 2 else None


def nearly_all(holds: NDArray[np.bool_]) -> bool:
    """Whether something holds in all rows but a few."""
    return bool(np.count_nonzero(~holds) <= max(1, _SLIPS * len(holds)))


def is_mean_price(values: Floats, low: Floats, high: Floats) -> bool:
    """Whether a column lies between low and high in nearly all rows; a bar without a trade may have 0 for its mean."""
    told = np.isfinite(values) & (values != 0)
    if told.sum() < max(1, len(values) / 2):
        return False
    inside = (values >= low * (1 - _ROUNDING)) & (values <= high * (1 + _ROUNDING))
    return nearly_all(inside[told])


def narrow(low: Floats, high: Floats) -> NDArray[np.bool_]:
    """Return which bars are narrow enough for a value between low and high to prove something, shape (n,)."""
    found: NDArray[np.bool_] = (low > 0) & (high <= _NARROW * low)
    return found


def is_other_price(values: Floats, close: Floats) -> bool:
    """Whether a column is a price beside the close, like an adjusted or the previous one: it moves as the close does."""
    if len(values) < ENOUGH or not (np.isfinite(values) & (values > 0) & (close > 0)).all():
        return False
    if any(
        np.mean(np.isclose(moved, still, rtol=1e-6)) >= 0.9
        for moved, still in ((values[1:], close[:-1]), (values[:-1], close[1:]))
    ):
        return True
    moves, others = np.diff(np.log(values)), np.diff(np.log(close))
    if not moves.any() or not others.any():
        return False
    return bool(np.corrcoef(moves, others)[0, 1] > 0.9)


def is_quote_volume(values: Floats, base: Floats, low: Floats, high: Floats) -> bool:
    """Whether a column is the volume in another, times a price between low and high, in nearly all rows."""
    traded = np.isfinite(values) & np.isfinite(base) & (base > 0) & narrow(low, high)
    if traded.sum() < max(1, len(values) / 10) or not (values[traded] > 0).any():
        return False
    least, most = base * low * (1 - _QUOTE_ROUNDING) - low, base * high * (1 + _QUOTE_ROUNDING) + high
    return nearly_all(((values >= least) & (values <= most))[traded])


def is_proportional(values: Floats, other: Floats) -> bool:
    """Whether one column is a fixed multiple of another, as contracts are of coins."""
    both = (values > 0) & (other > 0)
    if both.sum() < 3 or np.ptp(other[both]) == 0:
        return False
    ratio = values[both] / other[both]
    return nearly_all(np.isclose(ratio, np.median(ratio), rtol=1e-2))


def is_count(values: Floats) -> bool:
    """Whether a column holds whole numbers, none below zero."""
    told = values[np.isfinite(values)]
    return nearly_all((told >= 0) & (told == np.rint(told)))


def is_flag(table: Table, column: int) -> bool:
    """Whether a column says of each bar whether it has closed: yes of all but the newest, at one end of the file."""
    if table.is_number(column):
        values = table.frame.iloc[:, column].to_numpy(np.float64, na_value=np.nan)
        if not ((values == 0) | (values == 1)).all():
            return False
        no = values == 0
    else:
        texts = table.texts(column).str.lower()
        if not texts.isin(_FLAGS).all():
            return False
        no = texts.isin(_NOT_YET).to_numpy(bool)
    return not no.any() or (no.sum() == 1 and len(no) > 1 and bool(no[0] or no[-1]))
