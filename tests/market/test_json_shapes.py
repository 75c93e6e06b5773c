"""JSON as exchanges, data services and tools wrap it is unwrapped, markets and all."""

from __future__ import annotations

import json

import pytest

from agent.errors import DataError
from agent.market.read import load


def ohlcv(bar, names="o h l c v", write=float):
    return dict(zip(names.split(), map(write, (bar.open, bar.high, bar.low, bar.close, bar.volume)), strict=True))


def iso(bar):
    return f"{bar.at:%Y-%m-%dT%H:%M:%S}Z"


LONG = "open high low close volume"


def columns(bars, names=LONG):
    return {name: [ohlcv(bar, names)[name] for bar in bars] for name in names.split()}


def rows(bars):
    return [[bar.time, *ohlcv(bar).values()] for bar in bars]


def split(bars):
    return {
        "columns": LONG.split(),
        "index": [bar.time * 1000 for bar in bars],
        "data": [list(ohlcv(bar).values()) for bar in bars],
    }


def table(bars):
    fields = [
        {"name": "time", "type": "datetime", "tz": "UTC"},
        *({"name": name, "type": "number"} for name in LONG.split()),
    ]
    records = [{"time": iso(bar), **ohlcv(bar, LONG)} for bar in bars]
    return {"schema": {"fields": fields, "primaryKey": ["time"], "pandas_version": "1.4.0"}, "data": records}


def yahoo(bars):
    result = {
        "meta": {"symbol": "ETH-USD", "exchangeTimezoneName": "America/New_York", "timezone": "EDT", "gmtoffset": -14400, "validRanges": ["1d", "5d"]},
        "timestamp": [bar.time for bar in bars],
        "indicators": {"quote": [columns(bars)], "adjclose": [{"adjclose": [1.0 for _ in bars]}]},
    }  # fmt: skip
    return {"chart": {"result": [result], "error": None}}


def deribit(bars):
    return {
        "jsonrpc": "2.0",
        "result": {
            **columns(bars),
            "ticks": [bar.time * 1000 for bar in bars],
            "cost": [1.5] * len(bars),
            "status": "ok",
        },
        "usIn": 5,
    }


def htx(bars):
    records = [
        {
            "id": bar.time,
            "open": bar.open,
            "close": bar.close,
            "low": bar.low,
            "high": bar.high,
            "amount": bar.volume,
            "vol": bar.quote,
            "count": 9,
        }
        for bar in bars
    ]
    return {"ch": "market.ethusdt.kline.60min", "status": "ok", "ts": 1, "data": records[::-1]}


def upbit(bars):
    names = "opening_price high_price low_price trade_price candle_acc_trade_volume"
    records = [
        {"market": "KRW-ETH", "candle_date_time_utc": f"{bar.at:%Y-%m-%dT%H:%M:%S}", **ohlcv(bar, names), "timestamp": (bar.time + 3540 - bar.time // 3600 % 50) * 1000 + 77, "candle_acc_trade_price": bar.quote, "unit": 60}
        for bar in bars
    ]  # fmt: skip
    return records[::-1]


def oanda(bars):
    return {
        "instrument": "ETH_USD",
        "granularity": "H1",
        "candles": [
            {
                "complete": True,
                "volume": bar.volume,
                "time": iso(bar),
                "mid": {name: str(value) for name, value in ohlcv(bar).items() if name != "v"},
            }
            for bar in bars
        ],
    }


def glassnode(bars):
    return [
        {"t": bar.time, "o": {name: value for name, value in ohlcv(bar).items() if name != "v"}, "v": bar.volume}
        for bar in bars
    ]


def coinmarketcap(bars):
    quotes = [
        {"time_open": iso(bar), "time_close": iso(bar)[:14] + "59:59.999Z", "quote": {"USD": ohlcv(bar, LONG)}}
        for bar in bars
    ]
    return {"status": {"error_code": 0}, "data": {"id": 1, "symbol": "ETH", "quotes": quotes}}


def tiingo(bars):
    prices = [
        {"date": f"{bar.at:%Y-%m-%dT%H:%M:%S}+00:00", **ohlcv(bar, LONG), "volumeNotional": bar.quote}
        for bar in bars
    ]
    return [{"ticker": "ethusd", "baseCurrency": "eth", "quoteCurrency": "usd", "priceData": prices}]


def alpaca(bars):
    return {
        "bars": [{"t": iso(bar), **ohlcv(bar), "n": 5, "vw": 1.5} for bar in bars],
        "symbol": "ETH/USD",
        "next_page_token": None,
    }


def polygon(bars):
    return {
        "ticker": "X:ETHUSD",
        "queryCount": 5,
        "results": [{"v": bar.volume, "vw": 1.5, **ohlcv(bar), "t": bar.time * 1000, "n": 5} for bar in bars],
    }


def dune(bars):
    return {
        "execution_id": "x",
        "result": {
            "rows": [{"hour": f"{bar.at:%Y-%m-%d %H:%M:%S}.000 UTC", **ohlcv(bar, LONG)} for bar in bars],
            "metadata": {"column_names": ["hour", *LONG.split()], "row_count": len(bars)},
        },
    }


def subgraph(bars):
    return {
        "data": {
            "poolHourDatas": [
                {"periodStartUnix": bar.time, **ohlcv(bar, "open high low close volumeUSD", str)} for bar in bars
            ]
        }
    }


def dydx(bars):
    return {
        "candles": [
            {
                "startedAt": iso(bar),
                "ticker": "ETH-USD",
                "resolution": "1HOUR",
                **ohlcv(bar, "open high low close baseTokenVolume", str),
                "usdVolume": "1",
            }
            for bar in bars
        ][::-1]
    }


def influx(bars):
    return {"results": [{"series": [{"name": "ohlc", "columns": ["time", *LONG.split()], "values": rows(bars)}]}]}


def quandl(bars):
    return {
        "dataset": {"id": 7, "column_names": ["Date", *LONG.split()], "frequency": "hourly", "data": rows(bars)}
    }


def tushare(bars):
    return {"code": 0, "data": {"fields": ["trade_time", *LONG.split()], "items": rows(bars), "has_more": False}}


def messari(bars):
    return {
        "data": {
            "parameters": {"columns": ["timestamp", *LONG.split()]},
            "schema": {"name": "Price"},
            "values": rows(bars),
        }
    }


def gecko_terminal(bars):
    return {
        "data": {"id": "x", "attributes": {"ohlcv_list": rows(bars)[::-1]}},
        "meta": {"base": {"symbol": "ETH"}, "quote": {"symbol": "USD"}},
    }


def eastmoney(bars):
    return {
        "data": {
            "klines": [
                f"{bar.at:%Y-%m-%d %H:%M},{bar.open},{bar.close},{bar.high},{bar.low},{bar.volume}" for bar in bars
            ]
        }
    }


def okx_stream(bars):
    return [
        {
            "arg": {"channel": "candle1H", "instId": "ETH-USDT"},
            "data": [[str(bar.time * 1000), *map(str, ohlcv(bar).values())]],
        }
        for bar in bars
    ]


def bybit_stream(bars):
    return [
        {
            "topic": "kline.60.ETHUSDT",
            "data": [
                {
                    "start": bar.time * 1000,
                    "end": (bar.time + 3600) * 1000 - 1,
                    **ohlcv(bar, LONG, str),
                    "confirm": True,
                    "timestamp": bar.time * 1000 + 5,
                }
            ],
            "ts": 1,
        }
        for bar in bars
    ]


def by_time(bars):
    return {"data": {iso(bar): ohlcv(bar, LONG) for bar in bars}}


def by_number(bars):
    return {str(index): {"time": bar.time, **ohlcv(bar, LONG)} for index, bar in enumerate(bars)}


def by_column(bars):
    return {
        "time": {str(index): bar.time for index, bar in enumerate(bars)},
        **{name: {str(index): ohlcv(bar, LONG)[name] for index, bar in enumerate(bars)} for name in LONG.split()},
    }


def header_in_the_first_row(bars):
    return [["time", *LONG.split()], *rows(bars)]


SHAPES = [
    split, table, yahoo, deribit, htx, upbit, oanda, glassnode, coinmarketcap, tiingo, alpaca, polygon, dune, subgraph, dydx,
    influx, quandl, tushare, messari, gecko_terminal, eastmoney, okx_stream, bybit_stream, by_time, by_number, by_column,
    header_in_the_first_row,
]  # fmt: skip


@pytest.mark.parametrize("shape", SHAPES)
def test_json_of_this_shape_is_read(shape, candles, reads, price_file):
    bars = candles()
    reads(load(price_file(json.dumps(shape(bars)), "bars.json")), bars)


@pytest.mark.parametrize("shape", [okx_stream, bybit_stream, upbit, tiingo])
def test_so_is_one_value_on_each_line(shape, candles, reads, price_file):
    bars = candles()
    reads(load(price_file("\n".join(map(json.dumps, shape(bars))), "bars.jsonl")), bars)


def test_yahoos_rows_without_a_price_are_dropped_aloud(candles, reads, price_file):
    bars = candles()
    document = yahoo(bars)
    for column in document["chart"]["result"][0]["indicators"]["quote"][0].values():
        column[7] = None
    loaded = load(price_file(json.dumps(document), "bars.json"))
    reads(loaded, [*bars[:7], *bars[8:]])
    assert loaded.report.empty == 1


def by_market(first, second):
    return {"bars": {"ETH/USD": alpaca(first)["bars"], "BTC/USD": alpaca(second)["bars"]}, "next_page_token": None}


def by_ticker(first, second):
    return [*tiingo(first), {**tiingo(second)[0], "ticker": "btcusd"}]


def in_turns(first, second):
    return [
        {"symbol": symbol, "time": bar.time, **ohlcv(bar, LONG)}
        for pair in zip(first, second, strict=True)
        for symbol, bar in zip(("ETHUSD", "BTCUSD"), pair, strict=True)
    ]


@pytest.mark.parametrize("shape", [by_market, by_ticker, in_turns])
def test_several_markets_in_json_ask_which(shape, candles, reads, price_file):
    first, second = candles(seed=1), candles(seed=2, price=60_000.0)
    path = price_file(json.dumps(shape(first, second)), "bars.json")
    with pytest.raises(DataError, match=r"several markets.*(BTC/USD|btcusd|BTCUSD)"):
        load(path)
    reads(load(path, market="ETH/USD"), first)
    reads(load(path, market="btc/usd"), second)
    with pytest.raises(DataError, match="no market 'SOL/USD'"):
        load(path, market="SOL/USD")


@pytest.mark.parametrize("sides", [("bid", "ask"), ("ask", "bid")])
def test_bid_and_ask_in_json_are_refused_in_words(sides, candles, price_file):
    candle = [{"time": iso(bar), **{side: ohlcv(bar, "o h l c v") for side in sides}} for bar in candles()]
    with pytest.raises(DataError, match="two sets of prices, as of bid and ask"):
        load(price_file(json.dumps({"candles": candle}), "bars.json"))


def test_bid_and_ask_of_each_price_are_refused_in_words(candles, price_file):
    names = ("openPrice", "highPrice", "lowPrice", "closePrice")
    rows = [
        {
            "snapshotTimeUTC": iso(bar),
            **{
                name: {"bid": value, "ask": value + 1}
                for name, value in zip(names, ohlcv(bar).values(), strict=False)
            },
        }
        for bar in candles()
    ]
    with pytest.raises(DataError, match="two sets of prices, as of bid and ask"):
        load(price_file(json.dumps({"prices": rows}), "bars.json"))


def test_one_side_alone_is_read_and_named(candles, reads, price_file):
    bars = candles()
    candle = [{"time": iso(bar), "bid": ohlcv(bar)} for bar in bars]
    loaded = load(price_file(json.dumps({"candles": candle}), "bars.json"))
    reads(loaded, bars, volume=False)
    assert dict(loaded.report.columns)["close"] == "bid.c"
