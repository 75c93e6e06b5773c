"""Any bars, written the way any exporter writes them, read back as the same bars."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent.market.read import load

DAY = 86_400


Series = Sequence[Any]  # of conftest's Written: a bar as text


def table(header: str | None, rows: list[Sequence[object]], separator: str = ",", end: str = "\n") -> bytes:
    lines = ([header] if header else []) + [separator.join(map(str, row)) for row in rows]
    return (end.join(lines) + end).encode()


def ccxt_csv(bars: Series) -> bytes:
    return table("timestamp,open,high,low,close,volume", [(bar.time * 1000, *bar.cells) for bar in bars])


def ccxt_json(bars: Series) -> bytes:
    return json.dumps([[bar.time * 1000, *bar.floats] for bar in bars]).encode()


def kraken_csv(bars: Series) -> bytes:
    return table(None, [(bar.time, *bar.cells, 7) for bar in bars])


def kraken_json(bars: Series) -> bytes:
    rows = [[bar.time, *bar.prices, bar.low, bar.volume, 7] for bar in bars]
    return json.dumps({"error": [], "result": {"XETHZUSD": rows, "last": 1}}).encode()


BINANCE = "open_time,open,high,low,close,volume,close_time,quote_volume,count,taker_buy_volume,taker_buy_quote_volume,ignore"


def binance(bars: Series, *, header: str | None = None, unit: int = 1000) -> bytes:
    rows = [(bar.time * unit, *bar.cells, (bar.time + 60) * unit - 1, "1.5", 3, "0.5", "0.7", 0) for bar in bars]
    return table(header, rows)


def binance_turning_to_microseconds(bars: Series) -> bytes:
    half = len(bars) // 2
    return binance(bars[:half]) + binance(bars[half:], unit=1_000_000)


def binance_archives_end_to_end(bars: Series) -> bytes:
    half = len(bars) // 2
    return binance(bars[:half]) + binance(bars[half:], header=BINANCE)


def crypto_data_download(bars: Series) -> bytes:
    rows = [(f"{bar.at:%Y-%m-%d %I-%p}", "ETHUSD", *bar.cells, "1.0") for bar in reversed(bars)]
    header = (
        "Timestamps are UTC timezone,https://example.org\r\nDate,Symbol,Open,High,Low,Close,Volume ETH,Volume USD"
    )
    return table(header, rows, end="\r\n")


def crypto_data_download_with_unix(bars: Series) -> bytes:
    rows = [
        (bar.time * (1000 if index % 3 else 1), f"{bar.at:%Y-%m-%d %H:%M:%S}", "ETH/USD", *bar.cells)
        for index, bar in enumerate(reversed(bars))
    ]
    return table("https://example.org\nunix,date,symbol,open,high,low,close,Volume ETH", rows)


METATRADER = "<DATE>\t<TIME>\t<OPEN>\t<HIGH>\t<LOW>\t<CLOSE>\t<TICKVOL>\t<VOL>\t<SPREAD>"


def metatrader_5(bars: Series) -> bytes:
    rows = [(f"{bar.at:%Y.%m.%d}", f"{bar.at:%H:%M:%S}", *bar.cells, 0, 20) for bar in bars]
    return table(METATRADER, rows, separator="\t", end="\r\n")


def metatrader_5_in_utf16(bars: Series) -> bytes:
    return metatrader_5(bars).decode().encode("utf-16")


def metatrader_4(bars: Series) -> bytes:
    return table(None, [(f"{bar.at:%Y.%m.%d}", f"{bar.at:%H:%M}", *bar.cells) for bar in bars])


def histdata(bars: Series) -> bytes:
    return table(None, [(f"{bar.at:%Y%m%d %H%M%S}", *bar.cells) for bar in bars], separator=";")


def stooq(bars: Series) -> bytes:
    header = "<TICKER>,<PER>,<DATE>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>,<OPENINT>"
    rows = [("ETH.V", "60", f"{bar.at:%Y%m%d}", f"{bar.at:%H%M%S}", *bar.cells, 0) for bar in bars]
    return table(header, rows)


def dukascopy(bars: Series) -> bytes:
    return table(
        "Gmt time,Open,High,Low,Close,Volume", [(f"{bar.at:%d.%m.%Y %H:%M:%S}.000", *bar.cells) for bar in bars]
    )


def tradingview(bars: Series) -> bytes:
    return table("time,open,high,low,close,Volume", [(f"{bar.at:%Y-%m-%dT%H:%M:%S}Z", *bar.cells) for bar in bars])


def tradingview_json(bars: Series) -> bytes:
    columns = zip(*((bar.time, *bar.floats) for bar in bars), strict=True)
    return json.dumps({"s": "ok", **dict(zip("tohlcv", map(list, columns), strict=True))}).encode()


def yahoo(bars: Series) -> bytes:
    rows = [(f"{bar.at:%Y-%m-%d}", *bar.prices, "0.1", bar.volume) for bar in bars]
    rows.insert(2, (f"{datetime(2001, 1, 1):%Y-%m-%d}", *["null"] * 6))
    return table("Date,Open,High,Low,Close,Adj Close,Volume", rows)


def yfinance(bars: Series) -> bytes:
    header = "Price,Close,High,Low,Open,Volume\nTicker,ETH-USD,ETH-USD,ETH-USD,ETH-USD,ETH-USD\nDate,,,,,"
    rows = [(f"{bar.at:%Y-%m-%d}", bar.close, bar.high, bar.low, bar.open, bar.volume) for bar in bars]
    return table(header, rows)


def yfinance_of_two(bars: Series) -> bytes:
    header = (
        "Ticker,"
        + ",".join(["ETH-USD"] * 5 + ["A"] * 5)
        + "\nPrice"
        + ",Open,High,Low,Close,Volume" * 2
        + "\nDate,,,,,,,,,,"
    )
    return table(header, [(f"{bar.at:%Y-%m-%d}", *bar.cells, 9, 9, 9, 9, 9) for bar in bars])


def investing(bars: Series) -> bytes:
    def grouped(text: str) -> str:
        return f"{Decimal(text):,f}" if "." in text else f"{Decimal(text):,f}.00"

    rows = [
        [
            f'"{cell}"'
            for cell in (f"{bar.at:%m/%d/%Y}", *map(grouped, (bar.close, bar.open, bar.high, bar.low)), volume)
        ]
        for bar in reversed(bars)
        for volume in [f"{Decimal(bar.volume) / 1000:f}K" if int(bar.volume) else "-"]
    ]
    return b"\xef\xbb\xbf" + table('"Date","Price","Open","High","Low","Vol."', rows)


def european(bars: Series) -> bytes:
    def with_comma(text: str) -> str:
        return f"{text if '.' in text else text + '.00'}".replace(".", ",")

    rows = [(f"{bar.at:%Y-%m-%d %H:%M}", *map(with_comma, bar.prices), bar.volume, "0,5%") for bar in bars]
    return table("Datum;Open;High;Low;Close;Volume;Change".replace("Datum", "Date"), rows, separator=";")


def wide(bars: Series) -> bytes:
    fields = ("open", "high", "low", "close", "volume")
    header = ",".join(
        ["timestamp", *(f"binance:{market}:{field}" for market in ("A/B", "ETH/USDT") for field in fields)]
    )
    return table(header, [(bar.time * 1000, 9, 9, 9, 9, 9, *bar.cells) for bar in bars])


def long(bars: Series) -> bytes:
    rows = [
        (bar.at.isoformat(), market, *cells)
        for bar in bars
        for market, cells in (("ETH", bar.cells), ("A", "99999"))
    ]
    return table("date,symbol,open,high,low,close,volume", rows)


def records(bars: Series) -> bytes:
    rows = [
        {"time": bar.at.isoformat(), "o": bar.open, "h": bar.high, "l": bar.low, "c": bar.close, "v": bar.volume}
        for bar in bars
    ]
    return json.dumps({"data": rows}).encode()


def records_by_line(bars: Series) -> bytes:
    return b"\n".join(json.dumps(record).encode() for record in json.loads(records(bars))["data"])


def frame(bars: Series) -> pd.DataFrame:
    columns = pd.DataFrame([bar.floats for bar in bars], columns=["open", "high", "low", "close", "volume"])
    columns.insert(0, "date", pd.to_datetime([bar.time for bar in bars], unit="s", utc=True))
    return columns


def pandas_json(bars: Series) -> bytes:
    return frame(bars).set_index("date").to_json(double_precision=15, date_format="iso").encode()


def pandas_split_json(bars: Series) -> bytes:
    return frame(bars).to_json(double_precision=15, date_format="iso", orient="split").encode()


def alpha_vantage(bars: Series) -> bytes:
    names = ("1. open", "2. high", "3. low", "4. close", "5. volume")
    rows = {f"{bar.at:%Y-%m-%d %H:%M:%S}": dict(zip(names, bar.cells, strict=True)) for bar in reversed(bars)}
    return json.dumps({"Meta Data": {"2. Symbol": "ETH"}, "Time Series (60min)": rows}).encode()


def crypto_compare(bars: Series) -> bytes:
    names = ("open", "high", "low", "close", "volumefrom")
    rows = [{"time": bar.time, **dict(zip(names, bar.floats, strict=True)), "volumeto": 1} for bar in bars]
    return json.dumps({"Response": "Success", "Data": {"Aggregated": False, "Data": rows}}).encode()


def freqtrade_feather(bars: Series) -> bytes:
    out = io.BytesIO()
    frame(bars).astype({"date": "datetime64[ms, UTC]"}).to_feather(out)
    return out.getvalue()


def parquet(bars: Series) -> bytes:
    return frame(bars).to_parquet(index=False)


def parquet_with_a_time_index(bars: Series) -> bytes:
    return frame(bars).set_index("date").to_parquet()


def parquet_with_a_nameless_index(bars: Series) -> bytes:
    return frame(bars).set_index("date").rename_axis(None).to_parquet()


def parquet_of_yfinance(bars: Series) -> bytes:
    columns = frame(bars).set_index("date")
    columns.columns = pd.MultiIndex.from_tuples([(name.title(), "ETH-USD") for name in columns.columns])
    return columns.to_parquet()


def gzipped(bars: Series) -> bytes:
    return gzip.compress(ccxt_csv(bars))


def zipped(bars: Series) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("ETHUSDT-1h-2024-01.csv", binance(bars))
    return out.getvalue()


@dataclass(frozen=True)
class Format:
    """One manner of writing bars: how, under which name, and what it cannot hold."""

    write: Callable[[Series], bytes]
    name: str
    interval: int | None = None
    options: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        return self.write.__name__


HOUR = 3600
FORMATS = [
    Format(ccxt_csv, "bars.csv"),
    Format(ccxt_json, "bars.json"),
    Format(kraken_csv, "XETHZUSD_60.csv"),
    Format(kraken_json, "bars.json"),
    Format(binance, "ETHUSDT-1h-2024-01.csv"),
    Format(binance_turning_to_microseconds, "ETHUSDT.csv"),
    Format(binance_archives_end_to_end, "ETHUSDT.csv"),
    Format(crypto_data_download, "bars.csv", HOUR),
    Format(crypto_data_download_with_unix, "bars.csv"),
    Format(metatrader_5, "bars.csv"),
    Format(metatrader_5_in_utf16, "bars.csv"),
    Format(metatrader_4, "bars.csv"),
    Format(histdata, "DAT_ASCII_EURUSD_M1_2024.csv"),
    Format(stooq, "bars.txt"),
    Format(dukascopy, "bars.csv", options=(("date_order", "dmy"),)),
    Format(tradingview, "bars.csv"),
    Format(tradingview_json, "bars.json"),
    Format(yahoo, "bars.csv", DAY),
    Format(yfinance, "bars.csv", DAY),
    Format(yfinance_of_two, "bars.csv", DAY, (("market", "ETH-USD"),)),
    Format(investing, "bars.csv", DAY, (("date_order", "mdy"),)),
    Format(european, "bars.csv"),
    Format(wide, "bars.csv", options=(("market", "ETH/USDT"),)),
    Format(long, "bars.csv", options=(("market", "ETH"),)),
    Format(records, "bars.json"),
    Format(records_by_line, "bars.jsonl"),
    Format(pandas_json, "bars.json"),
    Format(pandas_split_json, "bars.json"),
    Format(alpha_vantage, "bars.json"),
    Format(crypto_compare, "bars.json"),
    Format(freqtrade_feather, "ETH_USDT-1h.feather"),
    Format(parquet, "bars.parquet"),
    Format(parquet_with_a_time_index, "bars.parquet"),
    Format(parquet_with_a_nameless_index, "bars.parquet"),
    Format(parquet_of_yfinance, "bars.parquet"),
    Format(gzipped, "bars.csv.gz"),
    Format(zipped, "ETHUSDT-1h-2024-01.zip"),
]


# The folder of a test outlives one example of hypothesis on purpose: each example overwrites the same file.
def in_one_folder(examples: int) -> settings:
    quiet = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large]
    return settings(max_examples=examples, suppress_health_check=quiet, deadline=None)


@pytest.mark.parametrize("form", FORMATS, ids=str)
@in_one_folder(6)
@given(data=st.data())
def test_any_bars_read_back_equal(form, series, same, data, tmp_path):
    bars = data.draw(series(form.interval))
    path = tmp_path / form.name
    path.write_bytes(form.write(bars))
    same(load(path, **dict(form.options)), bars)
