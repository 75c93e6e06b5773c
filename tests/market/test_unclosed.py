"""A bar that says of itself that it has not closed is left out, aloud."""

from __future__ import annotations

import json

import pytest

from agent.errors import DataError
from agent.market.read import load

FLAGS = {
    "confirm": ("1", "0"),
    "complete": (True, False),
    "isFinal": ("true", "false"),
    "is_closed": (1, 0),
    "x": (True, False),
    "closed": ("yes", "no"),
    "isOpen": (False, True),
    "partial": ("0", "1"),
    "is_candle_closed": ("t", "f"),
    "candleComplete": (1, 0),
    "status": ("closed", "open"),
}


def records(bars, name, values):
    yes, no = values
    return [
        {"time": bar.time, "open": bar.open, "high": bar.high, "low": bar.low, "close": bar.close, "volume": bar.volume, name: no if bar is bars[-1] else yes}
        for bar in bars
    ]  # fmt: skip


@pytest.mark.parametrize(("name", "values"), FLAGS.items())
@pytest.mark.parametrize("manner", ["json", "lines", "csv"])
def test_the_last_bar_that_says_it_has_not_closed_is_left_out_aloud(
    name, values, manner, candles, reads, price_file
):
    bars = candles()
    rows = records(bars, name, values)
    if manner == "json":
        path = price_file(json.dumps({"candles": rows[::-1]}), "bars.json")
    elif manner == "lines":
        path = price_file("\n".join(map(json.dumps, rows)), "bars.jsonl")
    else:
        path = price_file("\n".join([",".join(rows[0]), *(",".join(map(str, row.values())) for row in rows)]))
    loaded = load(path)
    reads(loaded, bars[:-1])
    assert "1 row says that its bar has not closed" in loaded.report.warnings[0]
    assert loaded.report.rows == len(bars)


@pytest.mark.parametrize(("yes", "no"), [("1", "0"), (True, False), ("true", "false"), (1, 0)])
@pytest.mark.parametrize("newest_first", [False, True])
def test_so_is_one_without_header(yes, no, newest_first, candles, reads, price_file):
    bars = candles()
    rows = [
        [bar.time, bar.open, bar.high, bar.low, bar.close, bar.volume, bar.quote, no if bar is bars[-1] else yes]
        for bar in bars
    ]
    loaded = load(price_file(json.dumps(rows[::-1] if newest_first else rows), "bars.json"))
    reads(loaded, bars[:-1])
    assert "not closed (column 8 = " in loaded.report.warnings[0]


def test_a_stream_that_tells_each_bar_as_it_grows_keeps_what_closed(candles, reads, price_file):
    bars = candles()
    lines = []
    for bar in bars:
        for done in (False, True):
            close = bar.close if done else bar.open
            kline = {
                "t": bar.time * 1000,
                "T": (bar.time + 3600) * 1000 - 1,
                "s": "ETHUSDT",
                "i": "1h",
                "f": 1,
                "L": 9,
            }
            kline |= {
                "o": str(bar.open),
                "c": str(close),
                "h": str(bar.high),
                "l": str(bar.low),
                "v": str(bar.volume),
            }
            kline |= {"n": 5, "x": done, "q": "1", "V": "0.5", "Q": "1", "B": "0"}
            lines.append(json.dumps({"e": "kline", "E": bar.time * 1000 + 77, "s": "ETHUSDT", "k": kline}))
    loaded = load(price_file("\n".join(lines), "stream.jsonl"))
    reads(loaded, bars)
    assert loaded.bars.market == "ETHUSDT"


def test_bars_of_which_none_has_closed_are_refused(candles, price_file):
    rows = records(candles(), "complete", (False, False))
    with pytest.raises(DataError, match="every row says that its bar has not closed"):
        load(price_file(json.dumps(rows), "bars.json"))


def test_a_column_of_that_name_with_other_words_says_nothing(candles, reads, price_file):
    rows = records(candles(), "final", ("spot", "future"))
    reads(load(price_file(json.dumps(rows), "bars.json")), candles())
