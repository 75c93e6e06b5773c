"""In which order four columns without names hold open, high, low and close: by comparing all orders in all rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from agent.market.bars import Floats
from agent.market.columns.words import FIELDS

Order = tuple[int, int, int, int]  # where open, high, low and close stand

# The orders that exchanges are known to use, the most common first.
KNOWN: tuple[Order, ...] = (
    (0, 1, 2, 3),  # nearly all
    (0, 2, 3, 1),  # Bitfinex, KuCoin, WhiteBit, CoinEx, Bithumb: open, close, high, low
    (2, 1, 0, 3),  # Coinbase, Poloniex: low, high, open, close
    (3, 1, 2, 0),  # Gate: close, high, low, open
    (0, 3, 2, 1),  # ECharts: open, close, low, high
    (2, 0, 1, 3),  # high, low, open, close
)
USUAL = KNOWN[0]

_ROUNDING = 1e-6
_SAME_SCALE = 3.0  # a high is rarely three times the low; a volume rarely near the price
_FEW_FAULTS = 0.05
_SLIPS = 1  # a single row that does not fit is a fault of that row, whatever the others allow
_CERTAIN = 4  # how many times nearer each open must follow on the close before


@dataclass(frozen=True)
class Found:
    """Four columns side by side, read in one order.

    Attributes
    ----------
    columns
        Where open, high, low and close stand in the table.
    order
        The same within the four.
    faults
        Rows in which high and low do not enclose open and close.
    rows
        All rows.
    jump
        How far opens are from the close before, the median; inf where the direction of time is not known.
    """

    columns: tuple[int, int, int, int]
    order: Order
    faults: int
    rows: int
    jump: float

    @property
    def fits(self) -> bool:
        return self.faults <= max(_FEW_FAULTS * self.rows, _SLIPS)

    def described(self) -> str:
        """The order in words, for use inside a sentence."""
        return ", ".join(sorted(FIELDS, key=lambda field: self.order[FIELDS.index(field)]))


def find_order(numbers: Mapping[int, Floats], *, newest_first: bool | None) -> tuple[Found | None, Found | None]:
    """Return the only order that certainly is the one, and the likeliest where none is certain.

    Parameters
    ----------
    numbers
        Columns of numbers by their place in the table, each of shape (n,).
    newest_first
        How the rows run; None where that is not known.
    """
    runs = _runs(list(numbers))
    usual = _usual(runs[0], numbers, newest_first) if runs else None
    if usual is not None:
        return usual, usual
    found = []
    for run in runs:
        trials = _trials(run, [numbers[column] for column in run], newest_first)
        if _one_scale([numbers[column] for column in run]):
            found += trials
        elif run == runs[0]:
            found += [trial for trial in trials if trial.order == USUAL]
    if not found:
        return None, None
    best = min(found, key=_rank)
    rivals = [trial for trial in found if trial.faults == best.faults and trial is not best]
    if np.isfinite(best.jump):
        smoother = [trial for trial in rivals if trial.jump * _CERTAIN < best.jump]
        if smoother:
            best = min(smoother, key=lambda trial: trial.jump)
            rivals = [trial for trial in found if trial.faults <= best.faults and trial is not best]
    if not best.fits:
        return None, best if best.faults < best.rows / 2 else None
    if best.order == USUAL or (best.order in KNOWN and _stands_out(best, found)):
        return best, best
    clear = best.faults == 0 and all(trial.jump > _CERTAIN * best.jump for trial in rivals)
    return (best if clear else None), best


def enclosing_order(cells: Floats) -> Order | None:
    """Return the other order in which every row of four named columns fits; None where there is not exactly one.

    Parameters
    ----------
    cells
        Open, high, low and close as they are named, shape (n, 4).
    """
    fitting = [order for order in KNOWN[1:] if _faults(cells, order) == 0]
    swapped = [(0, 2, 1, 3)] if _faults(cells, (0, 2, 1, 3)) == 0 else []
    orders = [*fitting, *swapped]
    return orders[0] if orders else None


def _rank(trial: Found) -> tuple[int, int, int]:
    return trial.faults, KNOWN.index(trial.order) if trial.order in KNOWN else len(KNOWN), min(trial.columns)


def _stands_out(best: Found, found: list[Found]) -> bool:
    """Whether no other pair of high and low in the same four columns fits nearly as many rows."""
    pair = best.order[1], best.order[2]
    others = [
        trial.faults
        for trial in found
        if min(trial.columns) == min(best.columns) and (trial.order[1], trial.order[2]) != pair
    ]
    return not others or min(others) > 10 * best.faults


def _runs(columns: list[int]) -> list[tuple[int, int, int, int]]:
    """Return every four columns that stand side by side."""
    runs = []
    for at in range(len(columns) - 3):
        run = columns[at : at + 4]
        if all(right - left == 1 for left, right in pairwise(run)):
            runs.append((run[0], run[1], run[2], run[3]))
    return runs


def _one_scale(columns: list[Floats]) -> bool:
    top, bottom = np.fmax.reduce(columns), np.fmin.reduce(columns)
    told = bottom > 0
    return bool(told.any()) and float((top <= _SAME_SCALE * bottom)[told].mean()) >= 0.9


def _usual(
    run: tuple[int, int, int, int], numbers: Mapping[int, Floats], newest_first: bool | None
) -> Found | None:
    """Return the usual order of the first four columns where every row but one fits it, and time does not run against it."""
    columns = [numbers[column] for column in run]
    outside = _outside(columns)
    faults = int(np.count_nonzero(outside[0][1] | outside[1][2]))
    jump = _jump(columns[0], columns[3], newest_first)
    if (
        faults > _SLIPS
        or faults == len(columns[0])
        or _jump(columns[3], columns[0], newest_first) * _CERTAIN < jump < np.inf
    ):
        return None
    return Found(run, USUAL, faults, len(columns[0]), jump)


def _trials(run: tuple[int, int, int, int], columns: list[Floats], newest_first: bool | None) -> list[Found]:
    """Return every order of four columns with the rows that it leaves unexplained."""
    above, below = _outside(columns)
    trials = []
    for high in range(4):
        for low in set(range(4)) - {high}:
            faults = int(np.count_nonzero(above[high] | below[low]))
            first, second = (at for at in range(4) if at not in (high, low))
            for order in ((first, high, low, second), (second, high, low, first)):
                at = (run[order[0]], run[order[1]], run[order[2]], run[order[3]])
                jump = _jump(columns[order[0]], columns[order[3]], newest_first)
                trials.append(Found(at, order, faults, len(columns[0]), jump))
    return trials


def _outside(columns: list[Floats]) -> tuple[list[NDArray[np.bool_]], list[NDArray[np.bool_]]]:
    """Return for each of four columns in which rows another is above it, and in which another is below it."""
    top, bottom = np.fmax.reduce(columns), np.fmin.reduce(columns)
    return [top > column * (1 + _ROUNDING) for column in columns], [
        bottom < column * (1 - _ROUNDING) for column in columns
    ]


def _faults(cells: Floats, order: Order) -> int:
    above, below = _outside(list(cells.T))
    return int(np.count_nonzero(above[order[1]] | below[order[2]]))


def _jump(open_: Floats, close: Floats, newest_first: bool | None) -> float:
    if newest_first is None or len(open_) < 20:
        return float("inf")
    moves = open_[:-1] - close[1:] if newest_first else open_[1:] - close[:-1]
    return float(np.nanmean(np.abs(moves))) if np.isfinite(moves).any() else float("inf")
