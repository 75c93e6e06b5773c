"""A file that names its time zone is converted, or refused; it is never read as UTC in silence."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from agent.errors import DataError
from agent.market.read import load
from agent.market.zones import zone_in_title, zone_of

SUMMER, WINTER = 1_726_416_000, 1_736_953_200  # 2024-09-15 16:00, 2025-01-15 15:00


def rows(times, header="time,open,high,low,close,volume"):
    return "\n".join([header, *(f"{time},10,12,9,11,5" for time in times)])


def local(zone, start=SUMMER, n=30, form="%Y-%m-%d %H:%M:%S"):
    place = ZoneInfo(zone)
    return [f"{datetime.fromtimestamp(start + 3600 * hour, place):{form}}" for hour in range(n)]


def hours(start=SUMMER, n=30):
    return [start + 3600 * hour for hour in range(n)]


NAMES = {
    "Time (EET)": "EET",
    "Time [Europe/Athens]": "Europe/Athens",
    "Date (New York)": "America/New_York",
    "Date (US/Eastern)": "US/Eastern",
    "datetime_kst": "Asia/Seoul",
    "Time (JST)": "Asia/Tokyo",
    "Time (GMT+3)": "Etc/GMT-3",
    "Time (UTC-05:00)": "Etc/GMT+5",
    "Time (Eastern Standard Time)": "America/New_York",
    "MSK time": "Europe/Moscow",
    "Time (ET)": "America/New_York",
    "Datum (MEZ)": "Europe/Berlin",
}


@pytest.mark.parametrize(("header", "zone"), NAMES.items())
@pytest.mark.parametrize("start", [SUMMER, WINTER])
def test_a_zone_in_the_name_of_the_column_is_converted(header, zone, start, price_file):
    path = price_file(rows(local(zone, start), f"{header},open,high,low,close,volume"))
    assert load(path).bars.time.tolist() == hours(start)


@pytest.mark.parametrize("header", ["Gmt time", "Time (UTC)", "timestamp_utc", "DatetimeUTC", "Date (GMT)"])
def test_a_column_in_utc_stays_as_it_is(header, price_file):
    loaded = load(price_file(rows(local("UTC"), f"{header},open,high,low,close,volume")))
    assert loaded.bars.time.tolist() == hours()
    assert loaded.report.warnings == ()


SUFFIXES = {
    "US/Eastern": "US/Eastern",
    "America/New_York": "America/New_York",
    "+03": "Etc/GMT-3",
    "+03:00[Europe/Istanbul]": "Europe/Istanbul",
    "GMT+0300": "Etc/GMT-3",
    "UTC+3": "Etc/GMT-3",
    "JST": "Asia/Tokyo",
    "EDT": "America/New_York",
}


@pytest.mark.parametrize(("suffix", "zone"), SUFFIXES.items())
def test_a_zone_behind_each_value_is_converted(suffix, zone, price_file):
    blank = "" if suffix.startswith("+") else " "
    path = price_file(rows([f"{time}{blank}{suffix}" for time in local(zone)]))
    assert load(path).bars.time.tolist() == hours()


@pytest.mark.parametrize(
    "form", ["%Y%m%d %H:%M:%S", "%Y%m%d  %H:%M:%S", "%Y%m%d-%H:%M:%S", "%d.%m.%Y %H:%M", "%m/%d/%Y %I:%M %p"]
)
def test_a_zone_is_found_behind_any_way_of_writing_times(form, price_file):
    path = price_file(rows([f"{time} US/Eastern" for time in local("US/Eastern", form=form)]))
    assert load(path).bars.time.tolist() == hours()


def test_values_that_change_from_summer_to_winter_time_are_each_taken_at_their_word(price_file):
    start = 1_730_602_800  # 2024-11-03 03:00 UTC; clocks in New York go back at 06:00
    place = ZoneInfo("America/New_York")
    times = [f"{datetime.fromtimestamp(time, place):%Y-%m-%d %H:%M %Z}" for time in hours(start, 12)]
    assert load(price_file(rows(times))).bars.time.tolist() == hours(start, 12)


@pytest.mark.parametrize("suffix", ["IST", "CST", "BST"])
def test_an_abbreviation_of_several_zones_is_refused_with_those_meant(suffix, price_file):
    path = price_file(rows([f"{time} {suffix}" for time in local("UTC")]))
    with pytest.raises(
        DataError, match=rf"line 2.*{suffix} may mean .* or .*Name the zone above the column"
    ) as caught:
        load(path)
    assert any(place in str(caught.value) for place in zone_of(suffix).meanings if isinstance(place, str))


def test_winter_time_told_in_summer_is_refused_and_in_winter_converted(price_file):
    with pytest.raises(DataError, match="EST may mean UTC-5 or America/New_York"):
        load(price_file(rows([f"{time} EST" for time in local("America/New_York")])))
    winter = rows([f"{time} EST" for time in local("America/New_York", WINTER)])
    assert load(price_file(winter)).bars.time.tolist() == hours(WINTER)


def test_a_time_that_a_place_never_had_leaves_the_fixed_offset(price_file):
    start = 1_710_054_000  # 2024-03-10 07:00 UTC, 02:00 on a clock that stays at UTC-5; New York has no such hour
    times = [
        f"{datetime.fromtimestamp(time, UTC) - timedelta(hours=5):%Y-%m-%d %H:%M} EST" for time in hours(start, 4)
    ]
    assert load(price_file(rows(times))).bars.time.tolist() == hours(start, 4)


@pytest.mark.parametrize("newest_first", [False, True])
@pytest.mark.parametrize("step", [3600, 900])
def test_the_hour_that_comes_twice_in_autumn_is_told_apart_by_its_order(step, newest_first, price_file):
    start = 1_730_602_800
    place = ZoneInfo("America/New_York")
    moments = [start + step * at for at in range(12 * 3600 // step)]
    written = [f"{datetime.fromtimestamp(time, place):%Y-%m-%d %H:%M}" for time in moments]
    path = price_file(
        rows(written[::-1] if newest_first else written, "Time (New York),open,high,low,close,volume")
    )
    # Rows of the same price would be copies of each other under one time: that they are not shows the order.
    assert load(path).bars.time.tolist() == moments


def test_an_hour_of_which_one_pass_is_missing_is_refused(price_file):
    times = ["2024-11-03 00:00", "2024-11-03 01:00", "2024-11-03 02:00", "2024-11-03 03:00"]
    with pytest.raises(
        DataError, match=r"line 3.*it came twice in America/New_York, when clocks went back, and is told once"
    ):
        load(price_file(rows(times, "Time (New York),open,high,low,close,volume")))


def test_an_hour_that_clocks_jumped_over_is_refused(price_file):
    times = ["2024-03-10 01:00", "2024-03-10 02:00", "2024-03-10 03:00"]
    with pytest.raises(DataError, match=r"line 3.*clocks in America/New_York jumped over it"):
        load(price_file(rows(times, "Time (New York),open,high,low,close,volume")))


@pytest.mark.parametrize("header", ["time_zone", "tz", "TimeZone"])
@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Kolkata", "UTC", "+02:00"])
def test_a_column_that_names_the_zone_is_obeyed(header, zone, price_file):
    place = "Etc/GMT-2" if zone == "+02:00" else zone
    lines = [f"{time},{zone},10,12,9,11,5" for time in local(place)]
    path = price_file("\n".join([f"time,{header},open,high,low,close,volume", *lines]))
    assert load(path).bars.time.tolist() == hours()


@pytest.mark.parametrize("header", ["Local time", "Time (Exchange)", "server_time", "Date (Local)"])
def test_a_zone_that_is_not_named_is_refused(header, price_file):
    with pytest.raises(DataError, match=r"its times are in a zone named .*nothing tells which that is"):
        load(price_file(rows(local("Europe/Berlin"), f"{header},open,high,low,close,volume")))


def test_local_times_beside_others_are_not_used_aloud(price_file):
    lines = [
        f"{time},{there},10,12,9,11,5" for time, there in zip(local("UTC"), local("Europe/Berlin"), strict=True)
    ]
    loaded = load(price_file("\n".join(["Gmt time,Local time,open,high,low,close,volume", *lines])))
    assert loaded.bars.time.tolist() == hours()
    assert "'Local time' was not used" in loaded.report.warnings[0]


def test_local_times_that_name_their_zone_agree_with_the_others(price_file):
    lines = [f"{time},{there},10,12,9,11,5" for time, there in zip(local("UTC"), local("Asia/Seoul"), strict=True)]
    header = "candle_date_time_utc,candle_date_time_kst,open,high,low,close,volume"
    assert load(price_file("\n".join([header, *lines]))).bars.time.tolist() == hours()


def alpha_vantage(zone):
    names = ("1. open", "2. high", "3. low", "4. close", "5. volume")
    series = {time: dict(zip(names, ("10", "12", "9", "11", "5"), strict=True)) for time in local(zone)}
    return {"Meta Data": {"2. Symbol": "IBM", "6. Time Zone": zone}, "Time Series (60min)": series}


def twelve_data(zone):
    values = [{"datetime": time, "open": "10", "high": "12", "low": "9", "close": "11"} for time in local(zone)]
    return {
        "meta": {"symbol": "IBM", "interval": "1h", "exchange_timezone": zone},
        "values": values,
        "status": "ok",
    }


def flat(zone):
    values = [{"time": time, "open": 10, "high": 12, "low": 9, "close": 11} for time in local(zone)]
    return {"timezone": zone, "symbol": "IBM", "bars": values}


@pytest.mark.parametrize("write", [alpha_vantage, twelve_data, flat])
@pytest.mark.parametrize("zone", ["US/Eastern", "Europe/London", "UTC"])
def test_a_zone_in_the_words_around_json_is_obeyed(write, zone, price_file):
    loaded = load(price_file(json.dumps(write(zone)), "bars.json"))
    assert loaded.bars.time.tolist() == hours()
    assert loaded.bars.market == "IBM"


@pytest.mark.parametrize(
    "line", ["# Timezone: America/New_York", "Time zone = America/New_York", "Timestamps are in America/New_York"]
)
def test_a_zone_above_the_header_is_obeyed(line, price_file):
    path = price_file(f"{line}\n{rows(local('America/New_York'))}")
    assert load(path).bars.time.tolist() == hours()


def test_days_are_kept_as_days_and_the_zone_is_told(price_file):
    days = [f"2024-09-{day}" for day in range(10, 20)]
    loaded = load(price_file(rows(days, "Date (US/Eastern),open,high,low,close,volume")))
    assert loaded.bars.first == datetime(2024, 9, 10, tzinfo=UTC)
    assert loaded.report.warnings == (
        "The file names the zone US/Eastern; its times are days, which were kept as they are written.",
    )


def test_unix_times_are_utc_whatever_zone_is_named(price_file):
    assert load(price_file(rows(hours(), "Time (EET),open,high,low,close,volume"))).bars.time.tolist() == hours()


@pytest.mark.parametrize(
    "title",
    ["time", "Time (ms)", "Date (DD/MM/YYYY)", "event", "start", "last", "close_time", "first_date", "unix"],
)
def test_a_name_without_a_zone_speaks_of_none(title):
    assert zone_in_title(title) is None
