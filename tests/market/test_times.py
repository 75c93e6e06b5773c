"""When a bar starts is read from whatever tells it, and never guessed."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.errors import DataError
from agent.market.dates import style_of
from agent.market.read import load

START = 1_704_067_200  # 2024-01-01 00:00 UTC, a Monday
HOURS = [START + 3600 * hour for hour in range(4)]


def rows(times, header="time,open,high,low,close,volume", price=10):
    return "\n".join([header, *(f"{time},{price},{price},{price},{price},1" for time in times)]) + "\n"


@pytest.mark.parametrize(
    ("unit", "factor"), [("seconds", 1), ("milliseconds", 10**3), ("microseconds", 10**6), ("nanoseconds", 10**9)]
)
def test_unix_times_are_read_in_any_unit(unit, factor, price_file):
    assert load(price_file(rows([time * factor for time in HOURS]))).bars.time.tolist() == HOURS


def test_units_are_told_apart_row_by_row_and_the_mixture_is_told(price_file):
    times = [HOURS[0], HOURS[1] * 1000, HOURS[2] * 10**6, HOURS[3] * 10**6]
    loaded = load(price_file(rows(times)))
    assert loaded.bars.time.tolist() == HOURS
    assert loaded.report.warnings == ("Column 'time' mixes units of time: 1 in s and 1 in ms and 2 in µs.",)


def test_unix_seconds_with_a_fraction_are_read(price_file):
    assert load(price_file(rows([f"{time}.0" for time in HOURS]))).bars.time.tolist() == HOURS


@pytest.mark.parametrize("time", ["123", "0", "-1704067200", "99999999999", "5000000000"])
def test_a_number_that_is_no_unix_time_is_refused_with_its_line(time, price_file):
    with pytest.raises(DataError, match=r"line 4, column 'time': .* is no unix time in s, ms, µs or ns") as caught:
        load(price_file(rows([*HOURS[:2], time, *HOURS[2:]])))
    assert caught.value.line == 4


def test_a_row_without_time_is_refused_with_its_line(price_file):
    with pytest.raises(DataError, match=r"line 3, column 'time': there is no time"):
        load(price_file(rows([HOURS[0], "", *HOURS[1:]])))


WRITTEN = [
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%d %H:%M",
    "%Y-%m-%dT%H:%M:%SZ",
    "%Y-%m-%dT%H:%M:%S.000Z",
    "%Y-%m-%d %H:%M:%S+00:00",
    "%Y-%m-%d %H:%M:%S+00",
    "%Y-%m-%d %H:%M:%S UTC",
    "%Y/%m/%d %H:%M",
    "%Y.%m.%d %H:%M:%S",
    "%Y-%m-%d %I-%p",
    "%Y-%m-%d %I:%M %p",
    "%Y-%m-%d %I:%M:%S%p",
    "%Y%m%d %H%M%S",
    "%Y%m%d%H%M",
    "%Y%m%d%H%M%S",
    "%d %b %Y %H:%M",
    "%d-%b-%Y %H:%M:%S",
    "%B %d %Y %H:%M",
    "%d.%m.%Y %H:%M:%S.000",
    "%m/%d/%Y %H:%M",
]


@pytest.mark.parametrize("form", WRITTEN)
def test_times_are_read_as_people_write_them(form, price_file):
    # From the 30th on, so that no style is ambiguous; over midnight, noon and the end of a month.
    times = [datetime(2024, 1, 30) + timedelta(hours=hour) for hour in range(72)]
    loaded = load(price_file(rows([f"{time:{form}}" for time in times])))
    assert loaded.bars.first.replace(tzinfo=None) == times[0]
    assert loaded.bars.last.replace(tzinfo=None) == times[-1]
    assert loaded.bars.interval == 3600
    assert loaded.report.gaps == 0


def test_a_date_with_commas_is_read(price_file):
    times = ['"Apr 09, 2020"', '"Apr 10, 2020"', '"Apr 11, 2020"']
    assert load(price_file(rows(times))).bars.last == datetime.fromisoformat("2020-04-11T00:00+00:00")


@given(st.text(max_size=30))
def test_any_text_is_a_known_style_of_time_or_none(text):
    style = style_of(text)
    assert style is None or (len(style.formats) in (1, 2) and style.resolution > 0)


def test_an_offset_is_turned_into_utc(price_file):
    times = ["2024-01-01 00:00:00-05:00", "2024-01-01 01:00:00-05:00", "2024-01-01 08:00:00+01:00"]
    assert load(price_file(rows(times))).bars.time.tolist() == [
        START + 5 * 3600,
        START + 6 * 3600,
        START + 7 * 3600,
    ]


def test_two_styles_in_one_column_are_both_read(price_file):
    times = ["2024-01-01 12-AM", "2024-01-01 01-AM", "2024-01-01 02:00:00", "2024-01-01 03:00:00"]
    assert load(price_file(rows(times))).bars.time.tolist() == HOURS


@pytest.mark.parametrize(
    "time", ["2024-02-30 00:00", "2024-13-01", "yesterday", "12:00", "24-01-31", "2024-01-01 25:00"]
)
def test_what_is_no_time_is_refused_with_its_line(time, price_file):
    with pytest.raises(DataError, match=r"line 3, column 'time': .* is not a time"):
        load(price_file(rows(["2024-01-01 00:00", time, "2024-01-01 02:00", "2024-01-01 03:00"])))


def test_a_day_above_twelve_settles_the_order_of_day_and_month(price_file):
    day_first = load(price_file(rows(["11/01/2024", "12/01/2024", "13/01/2024"])))
    month_first = load(price_file(rows(["01/11/2024", "01/12/2024", "01/13/2024"])))
    assert day_first.bars.time.tolist() == month_first.bars.time.tolist()


def test_an_even_sequence_settles_the_order_of_day_and_month(price_file):
    times = [f"{day:02}/01/2024 {hour:02}:00" for day in (1, 2, 3) for hour in range(24)]
    loaded = load(price_file(rows(times)))
    assert loaded.bars.last == datetime.fromisoformat("2024-01-03T23:00+00:00")
    assert loaded.report.gaps == 0


def test_an_order_of_day_and_month_that_nothing_tells_is_refused_and_settled_by_an_option(price_file):
    path = price_file(rows([f"02/01/2024 {hour:02}:00" for hour in range(5)]))
    with pytest.raises(
        DataError, match=r"line 2.*'02/01/2024 00:00' may be .* `--date-order dmy` or `--date-order mdy`"
    ):
        load(path)
    assert load(path, date_order="dmy").bars.first == datetime.fromisoformat("2024-01-02T00:00+00:00")
    assert load(path, date_order="mdy").bars.first == datetime.fromisoformat("2024-02-01T00:00+00:00")


def test_twelve_days_of_january_that_may_be_twelve_months_are_refused(price_file):
    with pytest.raises(DataError, match="may be day/month or month/day"):
        load(price_file(rows([f"01/{day:02}/2024" for day in range(1, 13)])))


def test_days_and_months_that_change_places_are_refused_with_both_lines(price_file):
    with pytest.raises(
        DataError, match=r"line 2.*'13/01/2024' has the day first, '01/14/2024' \(line 3\) the month"
    ):
        load(price_file(rows(["13/01/2024", "01/14/2024", "15/01/2024"])))


def test_an_ambiguous_date_beside_unix_times_is_settled_by_them(price_file):
    lines = [f"{time},01/01/2024 {hour:02}:00,1,1,1,1" for hour, time in enumerate(HOURS)]
    assert load(price_file("\n".join(["unix,date,open,high,low,close", *lines]))).bars.time.tolist() == HOURS


def with_date(unix, dates):
    lines = [f"{time},{date},1,1,1,1" for time, date in zip(unix, dates, strict=True)]
    return "\n".join(["unix,date,open,high,low,close", *lines])


DATES = [f"2024-01-01 {hour:02}:00:00" for hour in range(4)]


def test_a_date_that_contradicts_the_unix_time_is_refused_with_its_line(price_file):
    dates = [*DATES[:2], "2024-01-01 02:30:00", DATES[3]]
    with pytest.raises(
        DataError, match=r"line 4, column 'date': it says 2024-01-01T02:30:00, but column 'unix' says"
    ):
        load(price_file(with_date(HOURS, dates)))


def test_a_date_in_local_time_beside_unix_times_is_refused_and_named_so(price_file):
    dates = [f"2024-01-01 {hour + 2:02}:00:00" for hour in range(4)]
    with pytest.raises(DataError, match="in every row alike, as if one were local time"):
        load(price_file(with_date(HOURS, dates)))


def test_a_day_beside_unix_times_is_compared_as_a_day(price_file):
    assert load(price_file(with_date(HOURS, ["2024-01-01"] * 4))).bars.time.tolist() == HOURS
    with pytest.raises(DataError, match="it says 2024-01-02"):
        load(price_file(with_date(HOURS, ["2024-01-01"] * 3 + ["2024-01-02"])))


ROUNDED = ["1.70407E+12"] * 4


def test_times_that_a_spreadsheet_rounded_are_read_from_the_date_aloud(price_file):
    loaded = load(price_file(with_date(ROUNDED, DATES)))
    assert loaded.bars.time.tolist() == HOURS
    assert dict(loaded.report.columns)["time"] == "date"
    assert "spreadsheet rounded (1.70407E+12)" in loaded.report.warnings[0]


def test_times_that_a_spreadsheet_rounded_are_refused_where_nothing_else_tells_them(price_file):
    with pytest.raises(DataError, match=r"column 'time': a spreadsheet rounded the times \(1.70407E\+12\)"):
        load(price_file(rows(ROUNDED)))


def test_only_some_times_rounded_is_no_excuse_to_load_them(price_file):
    with pytest.raises(DataError, match="spreadsheet rounded"):
        load(price_file(rows([*HOURS, "1.70407E+12"])))


def test_full_digits_in_scientific_notation_are_not_rounded(price_file):
    times = [f"{time:.9e}" for time in HOURS]
    assert load(price_file(rows(times))).bars.time.tolist() == HOURS


def test_a_close_time_is_not_the_close(price_file):
    header = "open_time,close_time,open,high,low,close"
    lines = [f"{time},{time + 3599},10,12,9,11" for time in HOURS]
    loaded = load(price_file("\n".join([header, *lines])))
    assert dict(loaded.report.columns) == {
        "time": "open_time",
        "open": "open",
        "high": "high",
        "low": "low",
        "close": "close",
    }
    assert set(loaded.bars.close.tolist()) == {11 * 10**8}


def test_a_table_that_only_has_the_close_time_is_refused(price_file):
    lines = [f"{time},10,12,9,11" for time in HOURS]
    with pytest.raises(
        DataError, match="no column is named like the time at which a bar starts; there are 'close_time'"
    ):
        load(price_file("\n".join(["close_time,open,high,low,close", *lines])))


def test_a_date_and_a_time_of_day_are_joined(price_file):
    lines = [f"20240101,{hour * 10_000},1,1,1,1" for hour in range(4)]
    loaded = load(price_file("\n".join(["date,time,open,high,low,close", *lines])))
    assert loaded.bars.time.tolist() == HOURS
    assert dict(loaded.report.columns)["time"] == "date + time"


def test_bars_shorter_than_a_second_are_refused(price_file):
    times = [START * 1000 + step * 100 for step in range(30)]
    with pytest.raises(DataError, match="shorter than one second"):
        load(price_file(rows(times)))


def test_ticks_without_an_interval_are_refused(price_file):
    times = START + np.cumsum([7, 11, 3, 31, 2, 5, 17, 13, 19, 23])
    with pytest.raises(DataError, match=r"no fixed interval.*not ticks, calendar months"):
        load(price_file(rows(times)))


def test_calendar_months_are_refused(price_file):
    with pytest.raises(DataError, match="no fixed interval"):
        load(price_file(rows([f"2024-{month:02}-01" for month in range(1, 13)])))


def test_daily_bars_over_daylight_saving_have_an_interval_and_no_gap(price_file):
    times = [f"2024-03-{day:02} 00:00:00-0{5 if day <= 10 else 4}:00" for day in range(1, 31)]
    report = load(price_file(rows(times))).report
    assert (report.interval_seconds, report.gaps, report.missing) == (86_400, 0, 0)


def test_bars_off_the_grid_and_overlapping_are_kept_counted_and_told(price_file):
    times = [START + 3600 * hour for hour in range(40)] + [START + 3600 * 40 + 1694, START + 3600 * 41]
    report = load(price_file(rows(times))).report
    assert report.off_grid == 1
    assert report.warnings == (
        "1 bar does not start on the 3,600 s grid of the others (the first: 2024-01-02T16:28:14).",
        "1 bar starts before the one before has closed.",
    )
