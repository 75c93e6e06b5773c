"""A series that breaks half-way, in its price or its interval, is read and told of, with the place."""

from __future__ import annotations

import pytest

from agent.errors import DataError
from agent.market.read import load

HEADER = "time,open,high,low,close,volume"


def text(bars, factor=lambda index: 1.0):
    rows = [
        ",".join(
            [
                str(bar.time),
                *(f"{price * factor(index):.10g}" for price in (bar.open, bar.high, bar.low, bar.close)),
                "5",
            ]
        )
        for index, bar in enumerate(bars)
    ]
    return "\n".join([HEADER, *rows])


@pytest.mark.parametrize("factor", [2, 3, 4, 7, 10, 100, 1000])
@pytest.mark.parametrize("up", [True, False])
def test_a_split_or_another_unit_is_told_with_its_place(factor, up, candles, price_file):
    times = factor if up else 1 / factor
    loaded = load(price_file(text(candles(), lambda index: times if index >= 30 else 1.0)))
    (warning,) = loaded.report.warnings
    assert warning.startswith("The price breaks at 2024-09-16T22:00:00 UTC: it opens at")
    assert warning.endswith("as a split or another unit makes it.")


def test_a_price_that_moves_further_than_markets_do_is_told(candles, price_file):
    (warning,) = load(price_file(text(candles(), lambda index: 1.5 if index >= 30 else 1.0))).report.warnings
    assert "it opens at" in warning
    assert warning.endswith("more than a market moves between two bars.")


def test_of_several_breaks_the_first_is_told_and_all_are_counted(candles, price_file):
    (warning,) = load(
        price_file(text(candles(), lambda index: 100.0 if 20 <= index < 25 else 1.0))
    ).report.warnings
    assert "2024-09-16T12:00:00 UTC (the first of 2 such breaks)" in warning


@pytest.mark.parametrize("factor", [1.0, 0.7, 1.4])
def test_what_a_market_may_move_is_no_break(factor, candles, price_file):
    assert load(price_file(text(candles(), lambda index: factor if index >= 30 else 1.0))).report.warnings == ()


@pytest.mark.parametrize("step", [86_400, 7_200, 14_400])
@pytest.mark.parametrize("last", [True, False])
def test_rows_that_go_on_in_another_interval_are_told_with_their_place(step, last, candles, price_file):
    hourly = candles(300)
    others = candles(
        20, step=step, start=hourly[-1].time + 3600 if last else hourly[0].time - 20 * step, price=hourly[-1].close
    )
    bars = [*hourly, *others] if last else [*others, *hourly]
    loaded = load(price_file(text([type(bar)(bar.time, 10, 12, 9, 11, 5) for bar in bars])))
    (warning,) = loaded.report.warnings
    place = f"{(hourly[-1].at if last else others[0].at).isoformat()[:19]} UTC"
    if last:
        place = f"{others[0].at.isoformat()[:19]} UTC"
    assert warning.startswith(f"The interval changes at {place}: the next ")
    assert f"{step:,} s apart, most others 3,600 s" in warning


def test_a_shorter_interval_half_way_is_told(candles, price_file):
    daily = candles(200, step=86_400, start=1_726_358_400)
    hourly = candles(10, start=daily[-1].time + 3600)
    bars = [type(bar)(bar.time, 10, 12, 9, 11, 5) for bar in (*daily, *hourly)]
    warnings = load(price_file(text(bars))).report.warnings
    assert any(warning.startswith("The interval changes at 2025-04-02T00:00:00 UTC") for warning in warnings)


def test_weekends_and_nights_without_trade_are_no_change_of_interval(candles, price_file):
    weekdays = [bar for bar in candles(24 * 60) if bar.at.weekday() < 5 and 9 <= bar.at.hour < 16]
    assert (
        load(price_file(text([type(bar)(bar.time, 10, 12, 9, 11, 5) for bar in weekdays]))).report.warnings == ()
    )


def test_a_table_of_two_intervals_that_share_nothing_is_refused(candles, price_file):
    bars = [*candles(20, step=420), *candles(20, step=660, start=1_726_416_000 + 20 * 420)]
    with pytest.raises(DataError, match="no fixed interval"):
        load(price_file(text([type(bar)(bar.time, 10, 12, 9, 11, 5) for bar in bars])))
