"""Bars that arrive one by one: what is no bar is refused, and a series grows at its end only."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.errors import DataError
from agent.market.bars import Bars
from agent.market.stream import Stream, extended
from agent.market.synthetic import random_walk

STREAM = Stream(interval=3_600, decimals=8, source="a test", synthetic=True, market="ETH/USD")
BAR = [1_704_067_200, 10, 12, 9, 11, 0.5]


def rows_of(bars: Bars) -> list[list[int | float]]:
    columns = (bars.time, bars.open, bars.high, bars.low, bars.close, bars.volume)
    return [list(row) for row in zip(*(column.tolist() for column in columns), strict=True)]


@given(st.integers(0, 30), st.integers(0, 30))
def test_a_series_sent_in_two_parts_is_the_series(length: int, cut: int) -> None:
    bars = random_walk(30, seed=1)[:length]
    rows = rows_of(bars)
    grown = extended(STREAM.bars(rows[:cut]), STREAM.bars(rows[cut:]))
    assert rows_of(grown) == rows
    assert (grown.interval, grown.decimals, grown.source, grown.synthetic, grown.market) == (
        3_600,
        8,
        "a test",
        True,
        "ETH/USD",
    )


@pytest.mark.parametrize(
    "rows",
    [
        pytest.param([BAR[:4]], id="a value is missing"),
        pytest.param([BAR[:5]], id="the volume is missing"),
        pytest.param([[*BAR[:5], -0.5]], id="a volume below zero"),
        pytest.param([[*BAR[:5], float("nan")]], id="a volume that is no number"),
        pytest.param([[*BAR[:5], "1"]], id="a volume in words"),
        pytest.param([BAR, BAR], id="the same bar twice"),
        pytest.param([[*BAR[:3], 0, 11, 0]], id="a price of zero"),
        pytest.param([[*BAR[:3], 11, 11, 0]], id="an open below the low"),
        pytest.param([[BAR[0], 10, 10, 9, 11, 0]], id="a close above the high"),
        pytest.param([[BAR[0], 10.5, 12, 9, 11, 0]], id="a price that is no whole number"),
        pytest.param([[BAR[0], 10, 2**63, 9, 11, 0]], id="a price beyond 64 bits"),
        pytest.param([[BAR[0], "10", 12, 9, 11, 0]], id="text"),
        pytest.param(["01234"], id="no row at all"),
    ],
)
def test_bars_that_are_none_are_refused_in_one_sentence(rows: list[Any]) -> None:
    with pytest.raises(DataError, match=r"Start its source anew\.") as caught:
        STREAM.bars(rows)
    assert "\n" not in str(caught.value)


def test_a_series_grows_at_its_end_only() -> None:
    bars = random_walk(20, seed=1)
    grown = extended(bars[:10], bars[10:12])
    assert grown.close.tolist() == bars.close[:12].tolist()
    assert extended(bars[:0], bars[:1]).time.tolist() == bars.time[:1].tolist()
    assert extended(bars[:3], bars[:0]).time.tolist() == bars.time[:3].tolist()
    with pytest.raises(DataError, match="went back"):
        extended(bars[:10], bars[9:12])
