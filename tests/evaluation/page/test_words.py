"""How numbers are written: a loss as plainly as a gain, nothing without its sign or unit, and what is not known as a dash."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from agent.evaluation.measured import Interval
from agent.evaluation.page import words


def spaced(text: str) -> str:
    return text.replace(words.NBSP, " ").replace("\N{MINUS SIGN}", "-")


@pytest.mark.parametrize(
    ("shown", "written"),
    [
        (words.signed(0.314), "+0.31"),
        (words.signed(-0.314), "-0.31"),
        (words.signed(-0.001), "0.00"),
        (words.signed(0.001), "0.00"),
        (words.plain(1_234.5), "1,234.50"),
        (words.share(0.5432), "54.3 %"),
        (words.percent(-1_234.0), "-12.3 %"),
        (words.percent(1_234.0), "+12.3 %"),
        (words.bps(3.14), "+3.1 bps"),
        (words.count(1, "trade"), "1 trade"),
        (words.count(12_345, "trade"), "12,345 trades"),
        (words.p_value(0.0412), "0.042"),
        (words.chance_for_edge(0.9996), "0.999"),
        (words.chance_of_luck(0.4991), "0.500"),
        (words.p_value(0.0004), "< 0.001"),
        (words.duration(3_600), "1 hour"),
        (words.duration(900), "15 minutes"),
        (words.duration(172_800), "2 days"),
        (words.duration(90), "90 seconds"),
        (words.minute(datetime(2024, 1, 31, 23, 5, tzinfo=timezone(timedelta(hours=1)))), "2024-01-31 22:05"),
        (words.range_of(Interval(-123.0, 456.0), words.percent), "-1.2 to +4.6 %"),
        (words.range_of(Interval(0.5, 1.25), words.plain), "0.50 to 1.25"),
        (words.range_of(None, words.percent), ""),
    ],
)
def test_a_number_is_written_so(shown, written):
    assert spaced(shown) == written


@pytest.mark.parametrize(
    "write",
    [
        words.plain,
        words.signed,
        words.share,
        words.percent,
        words.bps,
        words.p_value,
        words.chance_for_edge,
        words.chance_of_luck,
    ],
)
def test_what_is_not_known_is_a_dash(write):
    assert write(None) == words.DASH
