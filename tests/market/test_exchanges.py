"""Rows without names, in the layout of one exchange or another, are read by what is in them, or refused."""

from __future__ import annotations

import json
from itertools import pairwise

import numpy as np
import pytest

from agent.errors import DataError
from agent.market.read import load

HOUR = 3600


def text(value):
    return f"{value:.10g}" if isinstance(value, float) else value


def bars_of(bar):
    return bar.open, bar.high, bar.low, bar.close


LAYOUTS = {
    "ccxt": lambda bar: [bar.time * 1000, *bars_of(bar), bar.volume],
    "no volume": lambda bar: [bar.time, *bars_of(bar)],
    "Kraken's archive": lambda bar: [bar.time, *bars_of(bar), bar.volume, 41],
    "Kraken's interface": lambda bar: [bar.time, *map(str, bars_of(bar)), str(bar.mean), str(bar.volume), bar.time % 97],
    "Bybit, BitMart, Bitget mix": lambda bar: [str(bar.time * 1000), *map(str, bars_of(bar)), str(bar.volume), str(bar.quote)],
    "Bitget": lambda bar: [str(bar.time * 1000), *map(str, bars_of(bar)), str(bar.volume), str(bar.quote), str(bar.quote)],
    "MEXC": lambda bar: [bar.time * 1000, *map(str, bars_of(bar)), str(bar.volume), (bar.time + HOUR) * 1000, str(bar.quote)],
    "AscendEX, with a close time before the volume": lambda bar: [bar.time, *bars_of(bar), bar.time + HOUR - 1, bar.volume],
    "OKX": lambda bar: [str(bar.time * 1000), *map(str, bars_of(bar)), str(bar.volume), str(bar.quote), str(bar.quote), "1"],
    "Binance": lambda bar: [bar.time * 1000, *map(str, bars_of(bar)), str(bar.volume), (bar.time + HOUR) * 1000 - 1, str(bar.quote), 77, str(bar.volume / 2), str(bar.quote / 2), "0"],
    "Binance without its last column": lambda bar: [bar.time * 1000, *map(str, bars_of(bar)), str(bar.volume), (bar.time + HOUR) * 1000 - 1, str(bar.quote), 77, str(bar.volume / 2), str(bar.quote / 2)],
    "ten columns, with what takers bought": lambda bar: [bar.time, *bars_of(bar), bar.volume, bar.quote, 12, bar.volume / 3, bar.quote / 3],
    "mean before the volume, and the quote behind": lambda bar: [bar.time, *bars_of(bar), bar.mean, bar.volume, bar.quote],
    "quote volume before the volume": lambda bar: [bar.time, *bars_of(bar), bar.quote, bar.volume],
    "a mean behind the volume": lambda bar: [bar.time, *bars_of(bar), bar.volume, bar.mean],
    "a mean behind everything": lambda bar: [bar.time, *bars_of(bar), bar.volume, bar.quote, 9, bar.mean],
    "Bitfinex": lambda bar: [bar.time * 1000, bar.open, bar.close, bar.high, bar.low, bar.volume],
    "Bithumb": lambda bar: [bar.time * 1000, *map(str, (bar.open, bar.close, bar.high, bar.low, bar.volume))],
    "KuCoin": lambda bar: [str(bar.time), *map(str, (bar.open, bar.close, bar.high, bar.low, bar.volume, bar.quote))],
    "WhiteBit, CoinEx": lambda bar: [bar.time, *map(str, (bar.open, bar.close, bar.high, bar.low, bar.volume, bar.quote))],
    "Coinbase": lambda bar: [bar.time, bar.low, bar.high, bar.open, bar.close, bar.volume],
    "Gate": lambda bar: [str(bar.time), *map(str, (bar.quote, bar.close, bar.high, bar.low, bar.open, bar.volume)), "true"],
    "Gate as it was": lambda bar: [str(bar.time), *map(str, (bar.quote, bar.close, bar.high, bar.low, bar.open, bar.volume))],
    "ECharts": lambda bar: [bar.time, bar.open, bar.close, bar.low, bar.high, bar.volume],
    "Poloniex": lambda bar: [*map(str, (bar.low, bar.high, bar.open, bar.close, bar.quote, bar.volume, bar.quote / 2, bar.volume / 2)), 41, (bar.time + 1800) * 1000, str(bar.mean), "HOUR_1", bar.time * 1000, (bar.time + HOUR) * 1000 - 1],
}  # fmt: skip


@pytest.mark.parametrize("manner", ["json", "csv", "csv of text"])
@pytest.mark.parametrize("newest_first", [False, True])
@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_rows_of_an_exchange_are_read(layout, newest_first, manner, candles, reads, price_file):
    bars = candles()
    rows = [layout(bar) for bar in (reversed(bars) if newest_first else bars)]
    if manner == "json":
        path = price_file(json.dumps({"code": 0, "data": rows}), "bars.json")
    else:
        quote = '"' if manner == "csv of text" else ""
        path = price_file("\n".join(",".join(f"{quote}{text(cell)}{quote}" for cell in row) for row in rows))
    reads(load(path), bars, volume=len(rows[0]) > 5)


def with_previous_close(bars):
    return [[bar.time, 60, before.close, *bars_of(bar), bar.volume, bar.quote] for before, bar in pairwise(bars)]


def test_the_close_before_in_a_column_of_its_own_is_no_open(candles, reads, price_file):
    bars = candles()
    reads(load(price_file(json.dumps(with_previous_close(bars)), "phemex.json")), bars[1:])


def test_an_adjusted_close_is_no_volume(candles, reads, price_file):
    bars = candles(200, step=86_400, start=1_726_358_400)
    rows = [
        f"{bar.at:%Y-%m-%d},{','.join(map(str, bars_of(bar)))},{bar.close * 0.83:.6f},{bar.volume}" for bar in bars
    ]
    reads(load(price_file("\n".join(rows))), bars)


@pytest.mark.parametrize("order", [("open", "close", "high", "low"), ("low", "high", "open", "close")])
def test_another_order_is_read_where_most_bars_have_one_price_only(order, candles, reads, price_file):
    rng = np.random.default_rng(1)
    bars = [
        bar if rng.random() < 0.3 else type(bar)(bar.time, bar.open, bar.open, bar.open, bar.open, 0.0)
        for bar in candles(300)
    ]
    rows = [[bar.time, *(getattr(bar, field) for field in order), bar.volume] for bar in bars]
    loaded = load(price_file(json.dumps(rows), "bars.json"))
    reads(loaded, bars)
    assert f"read as {', '.join(order)}" in loaded.report.warnings[0]


def test_a_single_impossible_row_does_not_change_the_order(candles, price_file):
    rows = [[bar.time, *bars_of(bar), bar.volume] for bar in candles()]
    rows[7][2] = 1.0
    with pytest.raises(DataError, match=r"row 8: high 1 is below low .*--impossible drop"):
        load(price_file(json.dumps(rows), "bars.json"))


def test_an_order_that_no_exchange_has_is_refused_by_name_and_never_dropped(candles, price_file):
    rng = np.random.default_rng(1)
    rows = [
        [
            bar.time,
            bar.high,
            float(rng.uniform(bar.low, bar.high)),
            bar.low,
            float(rng.uniform(bar.low, bar.high)),
            5.5,
        ]
        for bar in candles()
    ]
    with pytest.raises(DataError, match=r"not open, high, low, close\. They read like high, ") as caught:
        load(price_file(json.dumps(rows), "bars.json"))
    assert "--impossible" not in str(caught.value)


BIDS = {
    "with sizes": lambda bar: [*bars_of(bar), 1.5, *(price + 0.1 for price in bars_of(bar)), 2.5],
    "without sizes": lambda bar: [*bars_of(bar), *(price + 0.1 for price in bars_of(bar))],
    "with one volume": lambda bar: [*bars_of(bar), *(price + 0.1 for price in bars_of(bar)), bar.volume],
}


@pytest.mark.parametrize("layout", BIDS.values(), ids=BIDS)
def test_bid_and_ask_without_header_are_refused_in_words(layout, candles, price_file):
    rows = [f"{bar.at:%Y%m%d %H:%M},{','.join(f'{cell:.10g}' for cell in layout(bar))}" for bar in candles()]
    with pytest.raises(DataError, match="two sets of prices, as of bid and ask"):
        load(price_file("\n".join(rows)))


def test_two_columns_that_may_both_be_the_volume_are_refused_with_both(candles, price_file):
    rng = np.random.default_rng(1)
    rows = [[bar.time, *bars_of(bar), bar.volume, *map(float, rng.lognormal(3, 1, 3))] for bar in candles()]
    with pytest.raises(
        DataError,
        match=r"9 columns are no layout known here: nothing tells whether column 6 or 7 is the volume.*--columns",
    ):
        load(price_file(json.dumps(rows), "bars.json"))


def test_the_caller_may_say_which_column_without_name_is_the_volume(candles, reads, price_file):
    rng = np.random.default_rng(1)
    bars = candles()
    rows = [
        [bar.time, *bars_of(bar), float(rng.lognormal(3, 1)), float(rng.lognormal(3, 1)), bar.volume]
        for bar in bars
    ]
    reads(load(price_file(json.dumps(rows), "bars.json"), columns={"volume": "8"}), bars)


def test_markets_in_a_column_without_name_ask_which(candles, reads, price_file):
    rows = [
        [symbol, bar.time, *bars_of(bar), bar.volume]
        for symbol in ("ETHUSD", "BTCUSD")
        for bar in candles(seed=len(symbol) + ord(symbol[0]))
    ]
    path = price_file("\n".join(",".join(map(str, row)) for row in rows))
    with pytest.raises(DataError, match="several markets in column 'column 1': BTCUSD, ETHUSD"):
        load(path)
    reads(load(path, market="ETH/USD"), candles(seed=6 + ord("E")))
