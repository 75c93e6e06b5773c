"""Rows that no market can have traded, or that contradict each other, are refused unless told otherwise."""

from __future__ import annotations

import pytest

from agent.errors import DataError
from agent.market.read import load

START = 1_704_067_200
GOOD = [[START + 3600 * hour, 10, 12, 9, 11, 5] for hour in range(8)]


def text(rows):
    return "\n".join(["time,open,high,low,close,volume", *(",".join(map(str, row)) for row in rows)])


def with_row(index, **changes):
    names = ("time", "open", "high", "low", "close", "volume")
    row = [changes.get(name, value) for name, value in zip(names, GOOD[index], strict=True)]
    return text([*GOOD[:index], row, *GOOD[index + 1 :]])


IMPOSSIBLE = {
    "zero": ({"open": 0}, "open is 0, but a price is above zero"),
    "negative": ({"low": -9}, "low is -9, but a price is above zero"),
    "infinite": ({"high": "inf"}, "high is inf, not a finite number"),
    "absent": ({"close": ""}, "there is no close"),
    "high below low": ({"high": 8, "open": 8, "close": 8}, "high 8 is below low 9"),
    "open above high": ({"open": 13}, "open 13 is above high 12"),
    "open below low": ({"open": 8}, "open 8 is below low 9"),
    "close above high": ({"close": 13}, "close 13 is above high 12"),
    "close below low": ({"close": 8}, "close 8 is below low 9"),
    "negative volume": ({"volume": -1}, "volume is -1, but cannot be below zero"),
    "infinite volume": ({"volume": "inf"}, "volume is inf, but cannot be below zero or infinite"),
}


@pytest.mark.parametrize(("changes", "message"), IMPOSSIBLE.values(), ids=IMPOSSIBLE)
def test_an_impossible_row_is_refused_with_its_line_or_dropped_aloud(changes, message, price_file):
    path = price_file(with_row(3, **changes))
    with pytest.raises(DataError, match=f"line 5: {message}.*`--impossible drop`") as caught:
        load(path)
    assert caught.value.line == 5
    loaded = load(path, impossible="drop")
    assert loaded.bars.time.tolist() == [row[0] for row in GOOD if row is not GOOD[3]]
    assert (loaded.report.rows, loaded.report.bars, loaded.report.impossible) == (8, 7, 1)
    assert message in loaded.report.warnings[0]


def test_all_impossible_rows_are_counted_and_the_first_in_the_file_is_named(price_file):
    rows = [*reversed([*GOOD[:5], *([time, 0, *rest] for time, _, *rest in GOOD[5:])])]
    with pytest.raises(DataError, match=r"line 2: open is 0.*; 2 more rows are impossible"):
        load(price_file(text(rows)))


def test_the_oldest_bar_with_a_zero_open_and_low_is_repaired_aloud(price_file):
    loaded = load(price_file(with_row(0, open=0, low=0)))
    first = loaded.bars.bar(0)
    assert (first.open, first.high, first.low, first.close) == (11 * 10**8, 12 * 10**8, 11 * 10**8, 11 * 10**8)
    assert loaded.report.impossible == 1
    assert loaded.report.warnings[0].startswith("The oldest bar has a zero open and low")


def test_the_oldest_bar_with_a_zero_low_only_keeps_its_open(price_file):
    first = load(price_file(with_row(0, low=0))).bars.bar(0)
    assert (first.open, first.low, first.close) == (10 * 10**8, 10 * 10**8, 11 * 10**8)


def test_the_oldest_bar_is_found_wherever_it_stands_in_the_file(price_file):
    newest_first = text([*reversed(GOOD[1:]), [START, 0, 12, 0, 11, 5]])
    assert load(price_file(newest_first)).report.impossible == 1


@pytest.mark.parametrize(
    "changes",
    [{"open": 0, "low": 0, "high": 0}, {"close": 0, "low": 0}, {"open": -1}, {"open": 0, "low": 0, "high": 10}],
    ids=str,
)
def test_no_other_fault_of_the_oldest_bar_is_repaired(changes, price_file):
    with pytest.raises(DataError, match="line 2: "):
        load(price_file(with_row(0, **changes)))


def test_a_zero_open_anywhere_else_is_not_repaired(price_file):
    with pytest.raises(DataError, match="line 3: open is 0"):
        load(price_file(with_row(1, open=0, low=0)))


def test_an_open_outside_by_rounding_only_widens_the_bar_aloud(price_file):
    loaded = load(price_file(with_row(2, open=12.00000001, close=8.99999999)))
    bar = loaded.bars.bar(2)
    assert (bar.open, bar.high, bar.low, bar.close) == (1_200_000_001, 1_200_000_001, 899_999_999, 899_999_999)
    assert loaded.report.impossible == 0
    assert "by rounding only" in loaded.report.warnings[0]


def test_exact_copies_are_dropped_and_counted(price_file):
    loaded = load(price_file(text([*GOOD, GOOD[2], GOOD[2], GOOD[5]])))
    assert (loaded.report.rows, loaded.report.bars, loaded.report.duplicates) == (11, 8, 3)
    assert loaded.report.warnings == ("3 rows repeat another exactly and were dropped.",)


def test_copies_of_two_contradicting_rows_do_not_hide_the_contradiction(price_file):
    other = [GOOD[2][0], 10, 12, 9, 10, 5]
    with pytest.raises(
        DataError, match=r"line 11: it contradicts line 4, .* for the same time, 2024-01-01T02:00:00 UTC"
    ):
        load(price_file(text([*GOOD, GOOD[2], other, GOOD[2]])))


def test_contradicting_rows_are_refused_with_both_lines_or_settled_by_an_option(price_file):
    path = price_file(text([*GOOD, [GOOD[2][0], 10, 12, 9, 10, 5]]))
    with pytest.raises(
        DataError, match=r"line 10: it contradicts line 4.*`--duplicates first` or `--duplicates last`"
    ):
        load(path)
    first, last = load(path, duplicates="first"), load(path, duplicates="last")
    assert (first.bars.bar(2).close, last.bars.bar(2).close) == (11 * 10**8, 10 * 10**8)
    for loaded in (first, last):
        assert (len(loaded.bars), loaded.report.duplicates) == (8, 1)
        assert "contradicts another of the same time" in loaded.report.warnings[0]


def test_first_and_last_mean_the_order_of_the_file_and_not_of_time(price_file):
    rows = [[GOOD[2][0], 10, 12, 9, 10, 5], *reversed(GOOD)]
    assert load(price_file(text(rows)), duplicates="first").bars.bar(2).close == 10 * 10**8


def test_an_impossible_row_does_not_contradict_a_possible_one_once_dropped(price_file):
    path = price_file(text([*GOOD, [GOOD[2][0], 0, 12, 9, 10, 5]]))
    assert load(path, impossible="drop").bars.bar(2).close == 11 * 10**8


def test_rows_of_null_are_dropped_counted_and_told(price_file):
    rows = [*GOOD[:3], [GOOD[3][0], *["null"] * 5], [GOOD[4][0], *["null"] * 5], *GOOD[5:]]
    report = load(price_file(text(rows))).report
    assert (report.rows, report.bars, report.empty, report.gaps, report.missing) == (8, 6, 2, 1, 2)
    assert report.warnings == ("2 rows hold no prices and were dropped (the first: line 5).",)


def test_blank_lines_are_no_rows_and_need_no_word(price_file):
    lines = text(GOOD).split("\n")
    loaded = load(price_file("\n".join([*lines[:4], "", *lines[4:], "", ""])))
    assert loaded.report.bars == 8
    assert loaded.report.warnings == ()


def test_lines_are_counted_as_an_editor_does_whatever_stands_above(price_file):
    lines = with_row(3, close=0).split("\n")
    content = "\n".join(["# a comment", "", *lines[:3], "", *lines[3:]])
    with pytest.raises(DataError, match="line 8: close is 0"):
        load(price_file(content))


def test_a_volume_that_is_not_there_is_zero_aloud(price_file):
    without = "\n".join(line.rpartition(",")[0] for line in text(GOOD).split("\n"))
    loaded = load(price_file(without))
    assert loaded.bars.volume.tolist() == [0.0] * 8
    assert loaded.report.warnings == ("There is no volume column, so every volume is 0.",)
    assert "volume" not in dict(loaded.report.columns)


def test_an_empty_volume_is_zero_aloud(price_file):
    loaded = load(price_file(with_row(3, volume="")))
    assert loaded.bars.volume[3] == 0
    assert loaded.report.zero_volume == 1
    assert loaded.report.warnings == ("1 row has no volume; it was taken as 0.",)
