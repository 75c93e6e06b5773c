"""Rows that tell different bars for the same time: what they likely are, and which of them is kept."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from agent.errors import DataError
from agent.market.bars import Ints
from agent.market.policies import Duplicates
from agent.market.rows import Rows, count_of
from agent.market.table import Table

_MANY = 0.1  # of all times: no longer slips
_FEW = 3
_SAME_OPEN = 1e-6


@dataclass(frozen=True, eq=False)
class _Pairs:
    """Rows beside those of the same time before them, by position among rows sorted by time.

    Attributes
    ----------
    before, after
        The two rows of each pair, in the file's order, shape (k,).
    grown
        Which of the two is the same candle seen later: 1 the second, -1 the first, 0 neither.
    apart
        Whether the two have no price in common, as two versions of one bar always have.
    """

    before: Ints
    after: Ints
    grown: NDArray[np.int8]
    apart: NDArray[np.bool_]


def without_contradictions(table: Table, rows: Rows, policy: Duplicates, *, unconfirmed: str = "") -> Rows:
    """Keep one row for each time, as told; refuse where nothing was told, or where no choice is a cure.

    Parameters
    ----------
    table
        Where the rows stand.
    rows
        Sorted by time, then by their order in the file.
    policy
        Which row of a time to keep.
    unconfirmed
        The market that is asked for, where nothing in the file says that the rows are of it; else "".

    Raises
    ------
    DataError
        For the first two rows that contradict each other.
    """
    again = np.zeros(len(rows), bool)
    again[1:] = rows.time[1:] == rows.time[:-1]
    if not again.any():
        return rows
    pairs = _pairs(rows, again)
    alien = pairs.grown == 0
    many = int(alien.sum()) > max(_FEW, _MANY * len(np.unique(rows.time)))
    if many or pairs.apart.any():
        raise _several_series(table, rows, pairs, many=many, unconfirmed=unconfirmed)
    if policy == "refuse":
        raise _growing(table, rows, pairs) if not alien.any() else _contradiction(table, rows, pairs)
    count = int(again.sum())
    keep = ~again if policy == "first" else np.append(~again[1:], True)
    kept = replace(rows.keep(keep), duplicates=rows.duplicates + count)
    return kept.warn(
        f"{count_of(count, 'row contradicts', 'rows contradict')} another of the same time; the {policy} in the file was kept."
    )


def _pairs(rows: Rows, again: NDArray[np.bool_]) -> _Pairs:
    after = np.flatnonzero(again)
    before = after - 1
    one, two = rows.prices[before], rows.prices[after]
    opened = np.abs(one[:, 0] - two[:, 0]) <= _SAME_OPEN * one[:, 0]
    grows = (
        opened & (two[:, 1] >= one[:, 1]) & (two[:, 2] <= one[:, 2]) & (rows.volume[after] >= rows.volume[before])
    )
    shrinks = (
        opened & (two[:, 1] <= one[:, 1]) & (two[:, 2] >= one[:, 2]) & (rows.volume[after] <= rows.volume[before])
    )
    unlike = rows.volume[after] != rows.volume[before]
    grown = np.where(grows & unlike, 1, np.where(shrinks & unlike, -1, 0)).astype(np.int8)
    apart = (one[:, 1] < two[:, 2]) | (two[:, 1] < one[:, 2])
    return _Pairs(before, after, grown, apart)


def _when(rows: Rows, at: int) -> str:
    return f"{np.datetime64(int(rows.time[at]), 'us').astype('datetime64[s]')} UTC"


def _contradiction(table: Table, rows: Rows, pairs: _Pairs) -> DataError:
    at = int(np.argmax(pairs.grown == 0))
    before, after = int(pairs.before[at]), int(pairs.after[at])
    more = f" ({len(pairs.after) - 1:,} more like it)" if len(pairs.after) > 1 else ""
    return table.fault(
        f"it contradicts {table.place(int(rows.row[before]))}, which is for the same time, {_when(rows, after)}{more}.",
        row=int(rows.row[after]),
        cure="Keep what comes first or last in the file with `--duplicates first` or `--duplicates last`.",
    )


def _growing(table: Table, rows: Rows, pairs: _Pairs) -> DataError:
    """Return the refusal of candles that stand twice, once as they were before they had closed."""
    before, after = int(pairs.before[0]), int(pairs.after[0])
    early, late = (before, after) if pairs.grown[0] > 0 else (after, before)
    what = "the last candle stands" if int(rows.time[after]) == int(rows.time[-1]) else "a candle stands"
    more = f" ({len(pairs.after) - 1:,} more like it)" if len(pairs.after) > 1 else ""
    keep: Literal["first", "last"] = "last" if pairs.grown[0] > 0 else "first"
    option = (
        f", or keep what comes {keep} with `--duplicates {keep}`" if len(set(pairs.grown.tolist())) == 1 else ""
    )
    return table.fault(
        f"{what} twice, once before it had closed: it contradicts {table.place(int(rows.row[before]))}, which is for the "
        f"same time, {_when(rows, after)}; {table.place(int(rows.row[early]))} has less volume ({rows.volume[early]:g}) than "
        f"{table.place(int(rows.row[late]))} ({rows.volume[late]:g}){more}.",
        row=int(rows.row[after]),
        cure=f"Remove {table.place(int(rows.row[early]))}{option}.",
    )


def _several_series(table: Table, rows: Rows, pairs: _Pairs, *, many: bool, unconfirmed: str) -> DataError:
    """Return the refusal of rows that are no versions of the same bars: keeping some of them would be no cure."""
    at = int((pairs.grown == 0).argmax() if many else pairs.apart.argmax())
    before, after = int(pairs.before[at]), int(pairs.after[at])
    more = f" ({len(pairs.after) - 1:,} more like it)" if len(pairs.after) > 1 else ""
    problem = f"it contradicts {table.place(int(rows.row[before]))}, which is for the same time, {_when(rows, after)}{more}"
    if unconfirmed:
        return table.fault(
            f"{problem}, and nothing in the file says which rows are of {unconfirmed!r}.",
            row=int(rows.row[after]),
            cure="Add a column `symbol` that names each row's market, or give a file of one market.",
        )
    if _when_clocks_go_back(rows, pairs):
        return table.fault(
            f"{problem}, in an hour that comes twice where clocks go back: the times seem to be local.",
            row=int(rows.row[after]),
            cure="Name the zone above the column, like `time (America/New_York)`, or export the times in UTC.",
        )
    return table.fault(
        f"{problem}; the two have no more in common than two markets, or two hours of a day.",
        row=int(rows.row[after]),
        cure="Give rows of one market, with the whole time in each: `--columns time=Date+Time` joins two columns."
        if many
        else "Correct or remove one of the two.",
    )


def _when_clocks_go_back(rows: Rows, pairs: _Pairs) -> bool:
    """Whether all contradictions lie in the small hours of Sundays in autumn, of either hemisphere."""
    moment = rows.time[pairs.after].astype("datetime64[us]")
    day = moment.astype("datetime64[D]")
    sunday = (day.astype(np.int64) + 4) % 7 == 0
    hour = (moment - day) // np.timedelta64(1, "h")
    month = day.astype("datetime64[M]").astype(np.int64) % 12 + 1
    return bool((sunday & (hour <= 3) & np.isin(month, (10, 11, 3, 4))).all())
