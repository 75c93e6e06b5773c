"""The prices that were traded on, and every trade, as the page carries them: small, exact to what can be seen."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from agent.evaluation.page.axes import Scale, Tick, around, log_ticks, time_ticks
from agent.evaluation.page.markup import Element
from agent.evaluation.page.plots import boxes, frame, path, stretched, upright
from agent.evaluation.result import Evaluation, Judged, Trade
from agent.market.bars import Bars, Floats, Ints
from agent.model.patterns import PATTERNS

__all__ = ["overview_plot", "prices_data", "varints", "window"]

_LARGEST = 2**30  # what a script can add and subtract in 32 bits
_ENDINGS = ("profit", "stop", "horizon")
_BUCKETS = 400
_LANE = 0.22  # of the height of the plot, for the results


def window(evaluation: Evaluation) -> tuple[int, int]:
    """Return the bars that the page shows, first and past the last: all that were tested on, to the last trade's end."""
    ends = [trade.ended + 1 for model in evaluation.models for trade in model.trades]
    return evaluation.tests[0].start, max([evaluation.tests[-1].stop, *ends])


def prices_data(evaluation: Evaluation) -> dict[str, Any]:
    """Return the prices and trades for the page's script, as JSON values.

    ``bars`` are four whole numbers each: the open after the close before, the close after the open, and how far the
    high and the low reach beyond both; in units of which ``digits`` decimals make a price. ``trades`` of a model are
    eleven each: its entry after the entry before and its end after its entry, in bars; 1 where it is long; its entry
    after the open of its bar; its exit, take-profit and stop-loss after its entry; the number of its ``endings``; its result in
    tenths of a basis point; its confidence in basis points, and its patterns. Both are `varints` in base64. ``jumps``
    are the bars before which time is missing, and how many seconds.
    """
    start, stop = window(evaluation)
    bars = evaluation.bars[start:stop]
    unit, digits = _unit(bars)
    opens, highs, lows, closes = (_units(column, unit) for column in (bars.open, bars.high, bars.low, bars.close))
    before = np.concatenate([[0], closes[:-1]])
    above, below = highs - np.maximum(opens, closes), np.minimum(opens, closes) - lows
    missing = np.diff(bars.time) - bars.interval
    return {
        "start": int(bars.time[0]),
        "interval": bars.interval,
        "jumps": [[int(at) + 1, int(missing[at])] for at in np.flatnonzero(missing)],
        "digits": digits,
        "count": len(bars),
        "bars": _packed(opens - before, closes - opens, above, below),
        "folds": [span.start - start for span in evaluation.tests],
        "patterns": {str(pattern.bit): pattern.name for pattern in PATTERNS},
        "endings": _ENDINGS,
        "models": [
            {
                "name": model.name,
                "count": len(model.trades),
                "trades": _trades(model.trades, start=start, opens=opens, unit=unit),
            }
            for model in evaluation.models
        ],
        "chosen": next(at for at, model in enumerate(evaluation.models) if model is evaluation.leader),
    }


def _trades(trades: Sequence[Trade], *, start: int, opens: Ints, unit: int) -> str:
    def column(name: str) -> Ints:
        return np.array([getattr(trade, name) for trade in trades], dtype=np.int64)

    entered = column("entered") - start
    entry, *others = (_units(column(name), unit) for name in ("entry", "exit", "take_profit", "stop_loss"))
    return _packed(
        np.diff(entered, prepend=0),
        column("ended") - start - entered,
        column("side") > 0,
        entry - opens[entered],
        *(each - entry for each in others),
        [_ENDINGS.index(trade.barrier) for trade in trades],
        [round(10 * trade.result_bps) for trade in trades],
        column("confidence_bps"),
        column("patterns"),
    )


def _units(prices: Ints, unit: int) -> Ints:
    return np.rint(prices / unit).astype(np.int64)


def _packed(*columns: ArrayLike) -> str:
    return b64encode(
        varints(np.column_stack([np.asarray(each, dtype=np.int64) for each in columns]).ravel())
    ).decode()


def _unit(bars: Bars) -> tuple[int, int]:
    """Return how many integer units of price make one of the page's, and how many decimals such a price then has."""
    unit, digits, largest = 1, bars.decimals, int(bars.high.max())
    every = np.gcd.reduce(np.concatenate([bars.open, bars.high, bars.low, bars.close]))
    while digits > 0 and (largest // unit >= _LARGEST or every % (10 * unit) == 0):
        unit, digits = unit * 10, digits - 1
    return unit, digits


def varints(values: ArrayLike) -> bytes:
    """Return whole numbers in few bytes: zigzag, then seven bits a byte, lowest first, the eighth where more follow."""
    signed = np.asarray(values, dtype=np.int64)
    if not len(signed):
        return b""
    left = np.where(signed < 0, -2 * signed - 1, 2 * signed)
    digits = []
    while True:
        more = left >= 128
        digits.append(np.where(left < 0, -1, (left & 127) | np.where(more, 128, 0)))
        if not more.any():
            break
        left = np.where(more, left >> 7, -1)
    rows = np.column_stack(digits)
    return rows[rows >= 0].astype(np.uint8).tobytes()


def overview_plot(evaluation: Evaluation, model: Judged) -> Element:
    """Return all prices tested on in one view, with what the trades of each stretch came to, below."""
    start, stop = window(evaluation)
    bars = evaluation.bars[start:stop]
    edges = np.unique(np.linspace(0, len(bars), min(_BUCKETS, len(bars)) + 1).astype(np.int64))
    # By logarithm: the same move is as tall in a cheap year as in a dear one.
    highs, lows = (
        np.log10(extreme.reduceat(column, edges[:-1])) - bars.decimals
        for extreme, column in ((np.maximum, bars.high), (np.minimum, bars.low))
    )
    top, floor = float(highs.max()), float(lows.min())
    prices = around([top, floor], least=1e-4)
    y = Scale(prices.low - (prices.high - prices.low) * _LANE / (1 - _LANE), prices.high)
    x = Scale(float(bars.time[0]), float(bars.closed_at(len(bars) - 1)))
    middle = x.at(bars.time[(edges[:-1] + edges[1:]) // 2])
    outline = np.concatenate([highs, lows[::-1]])
    band = path(np.concatenate([middle, middle[::-1]]), y.at(outline), class_="band", closed=True)
    ticks = [Tick(float(y.at(np.log10(value))), f"{value:,.6g}") for value in log_ticks(prices)]
    folds = [float(x.at(span.first.timestamp())) for span in evaluation.tests[1:]]
    return frame(
        f"Prices from {bars.first:%Y-%m-%d} to {bars.last:%Y-%m-%d}, and the results of {len(model.trades):,} trades.",
        [upright(at, class_="fold") for at in folds],
        stretched(band, _lane(model.trades, start=start, edges=edges, places=x.at(bars.time))),
        x=time_ticks(x.low, x.high),
        y=ticks,
        class_="wide",
    )


def _lane(trades: tuple[Trade, ...], *, start: int, edges: Ints, places: Floats) -> list[Element]:
    """Return what the trades that ended in each stretch came to, upwards for a gain and downwards for a loss."""
    at = np.searchsorted(edges, [trade.ended - start for trade in trades], side="right") - 1
    sums = np.bincount(at, weights=[trade.result_bps for trade in trades], minlength=len(edges) - 1)
    largest = float(np.abs(sums).max(initial=0.0)) or 1.0
    zero, reach = 0.45 * _LANE, 0.42 * _LANE
    left = places[edges[:-1]]
    right = np.append(left[1:], 1.0)
    return [
        boxes(left[some], right[some], zero, zero + sums[some] / largest * reach, class_=look)
        for some, look in ((sums > 0, "gains"), (sums < 0, "losses"))
    ]
