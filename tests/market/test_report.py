"""The report says what the bars are, whether they were read or generated."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np

from agent.market.bars import Bars
from agent.market.grid import grid_of
from agent.market.report import report_of

KEYS = {"bars", "interval_seconds", "first", "last", "gaps", "missing", "duplicates", "zero_volume"} | {
    "columns",
    "synthetic",
    "warnings",
}


def generated(time):
    prices = np.full(len(time), 10**8)
    return Bars(
        time=time,
        open=prices,
        high=prices,
        low=prices,
        close=prices,
        volume=np.arange(len(time), dtype=np.float64),
        interval=60,
        source="synthetic walk",
        synthetic=True,
    )


def test_generated_bars_are_described_and_said_to_be_synthetic():
    report = report_of(generated(1_704_067_200 + 60 * np.array([0, 1, 2, 5, 6, 9])))
    assert report.synthetic
    assert (report.bars, report.rows, report.gaps, report.missing, report.zero_volume) == (6, 6, 2, 4, 1)
    assert (report.duplicates, report.impossible, report.columns, report.warnings) == (0, 0, (), ())


def test_a_single_bar_is_described():
    report = report_of(generated(np.array([1_704_067_200])))
    assert (report.bars, report.gaps, report.first) == (1, 0, report.last)


def test_the_document_is_json_with_times_in_utc():
    document = json.loads(json.dumps(report_of(generated(1_704_067_200 + 60 * np.arange(3))).to_json()))
    assert set(document) >= KEYS
    assert document["first"] == "2024-01-01T00:00:00Z"
    assert document["last"] == "2024-01-01T00:02:00Z"


def test_every_field_of_the_report_is_in_the_document():
    report = report_of(generated(1_704_067_200 + 60 * np.arange(3)))
    assert set(report.to_json()) == set(vars(replace(report)))


def test_the_interval_is_the_most_common_spacing_and_the_shortest_of_several():
    assert grid_of(np.array([0, 60, 120, 300])).interval == 60
    assert grid_of(np.array([0, 120, 180])).interval == 60


def test_a_gap_is_where_a_whole_bar_is_missing():
    grid = grid_of(np.array([0, 60, 120, 180, 239, 360, 420]))
    assert (grid.gaps, grid.missing, grid.overlaps, grid.odd) == (1, 1, 1, 2)
