"""Rows that tell different bars for one time are named for what they are, and no cure is offered that destroys."""

from __future__ import annotations

import json

import pytest

from agent.errors import DataError
from agent.market.read import load

HEADER = "timestamp,open,high,low,close,volume"


def line(bar, **changes):
    return ",".join(
        str(changes.get(name, getattr(bar, name))) for name in ("time", "open", "high", "low", "close", "volume")
    )


def before_it_closed(bar):
    return line(bar, high=max(bar.open, bar.low), close=max(bar.open, bar.low), volume=bar.volume / 2)


@pytest.mark.parametrize(("first", "kept"), [(True, "last"), (False, "first")])
def test_the_last_candle_twice_is_named_with_its_cure(first, kept, candles, reads, price_file):
    bars = candles()
    early, late = before_it_closed(bars[-1]), line(bars[-1])
    lines = [line(bar) for bar in bars[:-1]] + ([early, late] if first else [late, early])
    path = price_file("\n".join([HEADER, *lines]))
    wrong = 61 if first else 62
    with pytest.raises(
        DataError,
        match=rf"the last candle stands twice, once before it had closed.*line {wrong} has less volume.*"
        rf"Remove line {wrong}, or keep what comes {kept} with `--duplicates {kept}`",
    ):
        load(path)
    reads(load(path, duplicates=kept), bars)
    reads(load(path, duplicates=kept, market="ETH/USD"), bars)


def test_candles_that_stand_twice_where_downloads_were_joined_are_named(candles, reads, price_file):
    bars = candles()
    lines = []
    for index, bar in enumerate(bars):
        lines += [before_it_closed(bar), line(bar)] if index % 4 == 3 else [line(bar)]
    path = price_file("\n".join([HEADER, *lines]))
    with pytest.raises(
        DataError, match=r"candle stands twice, once before it had closed.*14 more like it.*--duplicates last"
    ):
        load(path)
    reads(load(path, duplicates="last"), bars)


def test_candles_of_which_now_one_now_the_other_is_early_have_no_common_cure(candles, price_file):
    bars = candles()
    lines = [line(bar) for bar in bars]
    lines[5:6] = [before_it_closed(bars[5]), lines[5]]
    lines.append(before_it_closed(bars[-1]))
    with pytest.raises(DataError, match=r"Remove line 7\.$") as caught:
        load(price_file("\n".join([HEADER, *lines])))
    assert "--duplicates" not in str(caught.value)


HOURS = {
    "a number": ("Hour", lambda at: at.hour),
    "digits": ("HH", lambda at: f"{at.hour:02}"),
    "with minutes": ("minute", lambda at: f"{at:%H:%M}"),
    "with a letter": ("Heure", lambda at: f"{at.hour}h"),
    "am and pm": ("Hour", lambda at: f"{at:%I} {at:%p}"),
    "in full": ("Uhrzeit", lambda at: f"{at:%H:%M:%S}"),
    "packed": ("time", lambda at: f"{at:%H%M%S}"),
    "behind midnight": ("hour", lambda at: at.hour),
}


@pytest.mark.parametrize(("name", "clock"), HOURS.values(), ids=HOURS)
@pytest.mark.parametrize("as_json", [False, True])
def test_a_day_and_its_hour_in_two_columns_are_joined(name, clock, as_json, candles, reads, price_file):
    bars = candles()
    day = "%Y-%m-%dT00:00:00" if name == "hour" else "%Y-%m-%d"
    cells = [
        (f"{bar.at:{day}}", clock(bar.at), bar.open, bar.high, bar.low, bar.close, bar.volume) for bar in bars
    ]
    names = ("Date", name, "open", "high", "low", "close", "volume")
    if as_json:
        path = price_file(json.dumps([dict(zip(names, row, strict=True)) for row in cells]), "bars.json")
    else:
        path = price_file("\n".join(",".join(map(str, row)) for row in [names, *cells]))
    loaded = load(path)
    reads(loaded, bars)
    assert dict(loaded.report.columns)["time"] == f"Date + {name}"


def test_year_month_day_and_hour_in_four_columns_are_joined(candles, reads, price_file):
    bars = candles()
    rows = [
        f"{bar.at.year},{bar.at.month},{bar.at.day},{bar.at.hour},{','.join(line(bar).split(',')[1:])}"
        for bar in bars
    ]
    reads(load(price_file("\n".join(["Year,Month,Day,Hour,open,high,low,close,volume", *rows]))), bars)


def test_hour_and_minute_in_two_columns_are_joined_with_the_day(candles, reads, price_file):
    bars = candles(step=900)
    rows = [
        f"{bar.at:%Y-%m-%d},{bar.at.hour},{bar.at.minute},{','.join(line(bar).split(',')[1:])}" for bar in bars
    ]
    reads(load(price_file("\n".join(["Date,Hour,Minute,open,high,low,close,volume", *rows]))), bars)


def test_hours_counted_to_24_are_refused(candles, price_file):
    rows = [f"{bar.at:%Y-%m-%d},{bar.at.hour + 1},{','.join(line(bar).split(',')[1:])}" for bar in candles()]
    with pytest.raises(DataError, match="counts the hours to 24, so it may name the hour that ends"):
        load(price_file("\n".join(["Date,Hour,open,high,low,close,volume", *rows])))


def test_a_column_without_a_known_name_that_tells_the_hour_is_named(candles, price_file):
    rows = [f"{bar.at:%Y-%m-%d},{bar.at:%H:%M},{','.join(line(bar).split(',')[1:])}" for bar in candles()]
    path = price_file("\n".join(["Date,slot,open,high,low,close,volume", *rows]))
    with pytest.raises(
        DataError, match=r"differ by column 'slot' .*reads like a time of day.*`--columns time=Date\+slot`"
    ) as caught:
        load(path)
    assert "--duplicates" not in str(caught.value)
    with pytest.raises(DataError, match="differ by column 'slot'"):
        load(path, duplicates="last")


def test_the_hour_that_comes_twice_in_local_time_is_named(candles, price_file):
    bars = candles(48, start=1_730_592_000)  # over the night to Sunday 2024-11-03
    rows = [f"{bar.at:%Y-%m-%d %H:%M},{','.join(line(bar).split(',')[1:])}" for bar in bars]
    again = (
        f"2024-11-03 01:00,{','.join(line(bars[40], open=5000, high=5001, low=4999, close=5000).split(',')[1:])}"
    )
    with pytest.raises(DataError, match=r"an hour that comes twice where clocks go back.*Name the zone") as caught:
        load(price_file("\n".join(["Date,open,high,low,close,volume", *rows[:26], again, *rows[26:]])))
    assert "--duplicates" not in str(caught.value)


def test_two_rows_without_a_price_in_common_are_corrected_by_hand(candles, price_file):
    bars = candles()
    wrong = line(bars[5], open=9, high=9, low=9, close=9)
    with pytest.raises(DataError, match="Correct or remove one of the two") as caught:
        load(price_file("\n".join([HEADER, *map(line, bars), wrong])))
    assert "--duplicates" not in str(caught.value)
