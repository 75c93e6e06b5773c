"""Plots: round ticks, lines that keep their extremes, and marks where the numbers are."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from agent.evaluation.measured import Calibration, Estimate, Interval
from agent.evaluation.page.axes import Scale, around, log_ticks, thinned, time_ticks, value_ticks
from agent.evaluation.page.plots import Line, calibration_plot, equity_plot, fold_plot, key, walk_plot, whisker

HOUR, DAY = 3_600, 86_400
finite = st.floats(-1e9, 1e9)


class TestScales:
    @given(st.lists(finite | st.none() | st.just(float("inf"))))
    def test_hold_all_that_is_to_be_seen(self, values):
        scale = around(values)
        known = [value for value in values if value is not None and abs(value) < 1e10]
        assert all(0 <= at <= 1 for at in scale.at(known).tolist())
        assert scale.high > scale.low

    @given(finite, st.floats(1e-3, 1e9))
    def test_have_a_few_round_ticks(self, low, extent):
        scale = Scale(low, low + extent)
        ticks = value_ticks(scale)
        assert 2 <= len(ticks) <= 7
        assert all(-1e-6 <= at <= 1 + 1e-6 for at in scale.at(ticks).tolist())

    def test_are_divided_as_a_person_would(self):
        assert value_ticks(Scale(-3.2, 9.1)) == [0, 5]
        assert value_ticks(Scale(0, 1), about=5) == pytest.approx([0, 0.2, 0.4, 0.6, 0.8, 1])

    @given(st.floats(-6, 6), st.floats(1e-3, 8))
    def test_of_logarithms_have_round_ticks_too(self, low, extent):
        ticks = log_ticks(Scale(low, low + extent))
        assert 2 <= len(ticks) <= 30
        assert ticks == sorted(ticks)

    @pytest.mark.parametrize(
        ("first", "extent", "labels"),
        [
            ("2024-03-01T05:00", 6 * HOUR, ["03-01 05:00", "03-01 06:00", "03-01 07:00"]),
            ("2024-03-01T05:00", 10 * DAY, ["2024-03-02", "2024-03-04", "2024-03-06"]),
            ("2023-11-15T00:00", 200 * DAY, ["2024-01", "2024-03", "2024-05"]),
            ("2018-05-30T00:00", 1_800 * DAY, ["2019", "2020", "2021"]),
        ],
    )
    def test_of_times_begin_where_hours_days_months_and_years_do(self, first, extent, labels):
        begin = datetime.fromisoformat(first).replace(tzinfo=UTC).timestamp()
        ticks = time_ticks(begin, begin + extent)
        assert [tick.label for tick in ticks][: len(labels)] == labels
        assert all(0 <= tick.at <= 1 for tick in ticks)

    @given(st.integers(0, 4 * 10**9), st.integers(0, 30 * 365 * DAY))
    def test_of_times_are_few_for_any_stretch(self, first, extent):
        assert len(time_ticks(first, first + extent)) <= 13


@given(arrays(np.float64, st.integers(0, 3_000), elements=st.floats(-1e6, 1e6)))
def test_a_thinned_line_keeps_its_ends_and_its_extremes(values):
    kept = thinned(values, buckets=50)
    assert len(kept) <= max(200, 4 * 50)
    assert (np.diff(kept) > 0).all()
    if len(values):
        assert {0, len(values) - 1} <= set(kept.tolist())
        assert values[kept].min() == values.min()
        assert values[kept].max() == values.max()


def marks(plot, look):
    return [each for each in plot.iter() if look in (each.get("class") or "").split()]


class TestEquity:
    TIMES = np.arange(100) * DAY

    def test_has_one_line_each_from_the_first_to_the_last_value(self):
        lines = [Line("up", "m0", np.linspace(0, 500, 100)), Line("down", "b1", np.linspace(0, -500, 100))]
        plot = equity_plot(self.TIMES, lines, folds=[50 * DAY])
        up, down = (marks(plot, look)[0].get("d").lstrip("M").split("L") for look in ("m0", "b1"))
        assert float(up[-1].split()[1]) < float(up[0].split()[1]) == float(down[0].split()[1])
        assert float(down[-1].split()[1]) > float(down[0].split()[1])
        assert [float(up[at].split()[0]) for at in (0, -1)] == [0, 1_000]
        assert [mark.get("x1") for mark in marks(plot, "fold")] == ["50.51%"]

    def test_tells_those_who_cannot_see_it_where_each_line_ended(self):
        plot = equity_plot(self.TIMES, [Line("boosting", "m0", np.linspace(0, -1_234, 100))], folds=[])
        told = next(each.get("aria-label") for each in plot.iter("svg") if each.get("role") == "img")
        assert "boosting ended at \N{MINUS SIGN}12.3\N{NO-BREAK SPACE}%" in told

    def test_shows_where_random_entries_ended(self):
        plot = equity_plot(self.TIMES, [Line("a", "m0", np.zeros(100))], folds=[], spread=Interval(-100.0, 300.0))
        (bar,) = marks(plot, "spread")
        assert float(bar.get("y1")[:-1]) > float(bar.get("y2")[:-1])

    @pytest.mark.parametrize("values", [np.zeros(0), np.zeros(1), np.array([-5.0])])
    def test_can_be_short(self, values):
        assert marks(equity_plot(self.TIMES[: len(values)], [Line("a", "m0", values)], folds=[]), "m0")
        key([Line("a", "m0", values)])


class TestFolds:
    def test_have_a_dot_each_hollow_where_the_interval_holds_zero(self, judged):
        first, second = marks(fold_plot(judged().folds), "dot")
        assert first.get("class") == "dot gain"
        assert second.get("class") == "dot loss"
        folds = [
            replace(fold, measures=replace(fold.measures, mean_bps=Estimate(1.0, Interval(-2, 4))))
            for fold in judged().folds
        ]
        assert {mark.get("class") for mark in marks(fold_plot(folds), "dot")} == {"dot gain doubt"}

    def test_without_a_trade_have_no_dot(self, judged):
        folds = [
            replace(fold, measures=replace(fold.measures, mean_bps=Estimate(None))) for fold in judged().folds
        ]
        assert marks(fold_plot(folds), "dot") == []

    def test_learned_from_what_came_before(self, judged):
        fold = judged().folds[0]
        plot = walk_plot(
            [(fold.training, fold.test), (None, fold.test)],
            first=fold.training.first.timestamp(),
            last=fold.test.last.timestamp(),
        )
        (training,) = marks(plot, "training")
        test, alone = marks(plot, "test")
        ends = float(training.get("x")[:-1]) + float(training.get("width")[:-1])
        assert ends < float(test.get("x")[:-1])
        assert alone.get("x") == test.get("x")


class TestCalibration:
    def test_lies_on_the_diagonal_where_what_was_given_came(self, judged):
        bins = [replace(each, observed=Estimate(each.predicted)) for each in judged().calibration.bins]
        for dot in marks(calibration_plot(Calibration(tuple(bins), 0.0)), "dot"):
            assert float(dot.get("cx")[:-1]) + float(dot.get("cy")[:-1]) == pytest.approx(100, abs=0.02)

    def test_has_a_whisker_where_there_is_an_interval(self, judged):
        plot = calibration_plot(judged().calibration)
        assert len(marks(plot, "whisker")) == len(marks(plot, "dot")) == 3


class TestAWhisker:
    SCALE = Scale(-10, 10)

    @pytest.mark.parametrize(
        ("value", "interval", "better", "look"),
        [
            (5, Interval(1, 9), 1, "dot gain"),
            (5, Interval(-1, 9), 1, "dot gain doubt"),
            (-5, Interval(-9, -1), 1, "dot loss"),
            (-5, Interval(-9, -1), -1, "dot gain"),
            (5, None, 1, "dot gain doubt"),
        ],
    )
    def test_says_on_which_side_a_value_is_and_whether_that_is_sure(self, value, interval, better, look):
        (dot,) = marks(whisker(Estimate(value, interval), self.SCALE, better=better), "dot")
        assert dot.get("class") == look

    def test_of_nothing_is_only_its_reference(self):
        made = whisker(Estimate(None), self.SCALE)
        assert marks(made, "dot") == []
        assert len(marks(made, "reference")) == 1
