"""The start of a bar is read where any column tells it; where only its close is told, the caller says so."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from agent.errors import DataError
from agent.market.read import load

HOUR = 3600


def table(bars, **columns):
    header = ",".join([*columns, "open", "high", "low", "close", "volume"])
    rows = [
        ",".join(
            str(cell)
            for cell in (
                *(write(bar) for write in columns.values()),
                bar.open,
                bar.high,
                bar.low,
                bar.close,
                bar.volume,
            )
        )
        for bar in bars
    ]
    return "\n".join([header, *rows])


def start(bar):
    return bar.time * 1000


def end(bar):
    return (bar.time + HOUR) * 1000


def last(bar):
    return end(bar) - 1


def iso(write):
    def text(bar):
        return (
            datetime.fromtimestamp(write(bar) / 1000, UTC)
            .isoformat(timespec="milliseconds")
            .replace("+00:00", "Z")
        )

    return text


BOTH = {
    "Binance": {"open_time": start, "close_time": last},
    "CoinMarketCap": {"timeOpen": iso(start), "timeClose": iso(last), "timestamp": iso(last)},
    "the close first": {"timeClose": last, "timeOpen": start},
    "a mere time first": {"timestamp": last, "startTime": start},
    "the exact end": {"time_period_start": start, "time_period_end": end},
    "the first trade": {"time_open": lambda bar: start(bar) + 1000, "time_period_start": start},
    "Hyperliquid": {"t": start, "T": last},
    "a time and its end": {"time": start, "end": end},
    "a day and the last millisecond of it": {"date": lambda bar: f"{bar.at:%Y-%m-%d %H:%M}", "timestamp": last},
    "the last trade": {"candle_date_time_utc": iso(start), "timestamp": lambda bar: start(bar) + 1000 * (bar.time // 60 % 59 + 7) + 11},
}  # fmt: skip


@pytest.mark.parametrize("columns", BOTH.values(), ids=BOTH)
def test_the_start_is_preferred_to_the_close(columns, candles, reads, price_file):
    bars = candles()
    path = price_file(table(bars, **columns))
    reads(load(path), bars)
    with pytest.raises(DataError, match=r"tells when the bars start\. Leave out `--stamped close`"):
        load(path, stamped="close")


ONLY = {
    "close_time": {"close_time": last},
    "timeClose": {"timeClose": iso(last)},
    "candle_end": {"candle_end": end},
    "the same under two names": {"timestamp": iso(last), "timeClose": iso(last)},
    "a time that ends in 59.999": {"timestamp": iso(last)},
    "milliseconds that end in 999": {"time": last},
    "a second before": {"date": lambda bar: bar.time + HOUR - 1},
}


@pytest.mark.parametrize("columns", ONLY.values(), ids=ONLY)
@pytest.mark.parametrize("newest_first", [False, True])
def test_only_a_close_is_refused_and_moved_back_on_request(columns, newest_first, candles, reads, price_file):
    bars = candles()
    path = price_file(table(bars[::-1] if newest_first else bars, **columns))
    with pytest.raises(DataError, match="`--stamped close`, which moves each time back by one interval"):
        load(path)
    loaded = load(path, stamped="close")
    reads(loaded, bars)
    assert "each was moved back by 3,600 s" in loaded.report.warnings[0]


def test_the_caller_may_know_that_a_mere_time_is_the_close(candles, reads, price_file):
    bars = candles()
    reads(load(price_file(table(bars, time=end)), stamped="close"), bars)


def test_a_gap_is_moved_as_a_whole(candles, reads, price_file):
    bars = [bar for index, bar in enumerate(candles()) if index not in (7, 8, 9)]
    reads(load(price_file(table(bars, close_time=end)), stamped="close"), bars)


def test_a_time_of_another_hour_is_no_time_within_the_bar(candles, price_file):
    path = price_file(table(candles(), time=start, date=lambda bar: bar.time + 7200))
    with pytest.raises(DataError, match="in every row alike, as if one were local time"):
        load(path)


def test_json_of_a_stream_with_only_the_close_is_refused(candles, price_file):
    rows = [
        {
            "T": bar.time + HOUR,
            "closeTime": bar.time + HOUR,
            "o": bar.open,
            "h": bar.high,
            "l": bar.low,
            "c": bar.close,
        }
        for bar in candles()
    ]
    with pytest.raises(DataError, match="--stamped close"):
        load(price_file(json.dumps(rows), "bars.json"))
