"""The page carries every price and every trade, exactly, and only those that were tested on."""

from __future__ import annotations

from base64 import b64decode
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from agent.evaluation.page.prices import overview_plot, prices_data, varints, window
from agent.market.synthetic import random_walk


def unpacked(data: bytes) -> list[int]:
    """Return what `varints` wrote, as the page's script reads it."""
    found, value, place = [], 0, 1
    for byte in data:
        value += (byte & 127) * place
        place *= 128
        if byte < 128:
            found.append(-(value + 1) // 2 if value % 2 else value // 2)
            value, place = 0, 1
    return found


@given(arrays(np.int64, st.integers(0, 50), elements=st.integers(-(2**52), 2**52)))
def test_whole_numbers_are_read_as_they_were_written(values):
    assert unpacked(varints(values)) == values.tolist()


def read_bars(data) -> np.ndarray:
    """Return open, high, low and close in units of the page, shape (bars, 4)."""
    rows, close = [], 0
    for o, c, above, below in np.reshape(unpacked(b64decode(data["bars"])), (-1, 4)).tolist():
        o += close
        close = o + c
        rows.append((o, max(o, close) + above, min(o, close) - below, close))
    return np.array(rows)


def test_every_price_tested_on_is_there(evaluation):
    made = evaluation()
    data, (start, stop) = prices_data(made), window(made)
    unit = 10 ** (made.bars.decimals - data["digits"])
    whole = np.column_stack([getattr(made.bars, name)[start:stop] for name in ("open", "high", "low", "close")])
    assert data["count"] == stop - start
    assert np.abs(read_bars(data) * unit - whole).max() <= unit / 2
    assert data["digits"] >= 4


def test_every_trade_is_there(evaluation, judged):
    made = evaluation(models=(judged(), judged(name="none", trades=())))
    data, (start, _) = prices_data(made), window(made)
    unit = 10 ** (made.bars.decimals - data["digits"])
    opens, entered = read_bars(data)[:, 0], 0
    rows = np.reshape(unpacked(b64decode(data["models"][0]["trades"])), (-1, 11)).tolist()
    assert data["models"][1] == {"name": "none", "count": 0, "trades": ""}
    assert data["models"][0]["count"] == len(rows) == len(judged().trades)
    for trade, row in zip(judged().trades, rows, strict=True):
        entered += row[0]
        entry = int(opens[entered]) + row[3]
        prices = [price * unit for price in (entry, *(entry + apart for apart in row[4:7]))]
        assert (entered, entered + row[1]) == (trade.entered - start, trade.ended - start)
        assert row[2] == (trade.side > 0)
        assert prices == pytest.approx([trade.entry, trade.exit, trade.take_profit, trade.stop_loss], abs=unit)
        assert data["endings"][row[7]] == trade.barrier
        assert row[8] / 10 == pytest.approx(trade.result_bps, abs=0.051)
        assert row[9:] == [trade.confidence_bps, trade.patterns]


def test_missing_bars_are_told_by_where_time_leaps(evaluation):
    made = evaluation()
    time = made.bars.time.copy()
    time[450:] += 7_200
    time[600:] += 86_400
    data = prices_data(evaluation(bars=replace(made.bars, time=time)))
    assert data["jumps"] == [[50, 7_200], [200, 86_400]]


@pytest.mark.parametrize("factor", [1, 10**4, 10**8])
def test_prices_of_any_size_fit_what_a_script_can_add(evaluation, factor):
    bars = evaluation().bars
    columns = {name: getattr(bars, name) // 10**4 * factor for name in ("open", "high", "low", "close")}
    large = evaluation(bars=replace(bars, **columns))
    data = prices_data(large)
    read = read_bars(data)
    assert read.min() > 0
    assert read.max() < 2**30
    assert read[:, 3] * 10.0 ** -data["digits"] == pytest.approx(
        columns["close"][slice(*window(large))] * 10.0**-bars.decimals, rel=1e-6
    )


def test_the_view_without_a_script_shows_gains_above_losses(evaluation, judged):
    made = evaluation()
    plot = overview_plot(made, judged())
    gains, losses = (plot.find(f".//path[@class='{look}']").get("d") for look in ("gains", "losses"))
    results = [trade.result_bps for trade in judged().trades]
    assert gains.count("M") == sum(result > 0 for result in results)
    assert losses.count("M") == sum(result < 0 for result in results)


def test_five_years_of_hours_and_thousands_of_trades_stay_a_small_page(evaluation, judged):
    bars = random_walk(45_000, seed=1)
    once = judged().trades
    trades = [
        replace(trade, entered=trade.entered + shift, ended=trade.ended + shift)
        for shift in range(0, 40_000, 600)
        for trade in once
    ]
    spans = [
        replace(span, start=start, stop=stop)
        for span, (start, stop) in zip(evaluation().tests, pairwise((400, 20_000, 45_000)), strict=True)
    ]
    data = prices_data(evaluation(bars=bars, tests=tuple(spans), models=(judged(trades=tuple(trades)),)))
    assert len(trades) > 3_000
    assert len(data["bars"]) + len(data["models"][0]["trades"]) < 1_000_000
