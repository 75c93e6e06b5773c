"""Numbers are read the way they were meant, or not at all."""

from __future__ import annotations

import pytest

from agent.errors import DataError
from agent.market.read import load

UNIT = 10**8


def table(prices, *, volume="5", change="0.52%", separator=","):
    quote = '"{}"'.format
    lines = [
        separator.join([f"2024-01-{13 + day}", *[quote(price)] * 4, quote(volume), quote(change)])
        for day, price in enumerate(prices)
    ]
    return "\n".join([separator.join(["Date", "Open", "High", "Low", "Close", "Vol.", "Change %"]), *lines])


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["1,234.50", "999.5", "1,000,000.25"], [1234.5, 999.5, 1_000_000.25]),
        (["$1,234.50", "$ 999.5", "€7"], [1234.5, 999.5, 7]),
        (["1,23,456.75", "98.5", "1"], [123_456.75, 98.5, 1]),
        (["1 234.5", "1\u00a0234.5", "1\u202f234.5"], [1234.5] * 3),
        ([".5", "5.", "+5"], [0.5, 5, 5]),
        (["1e-05", "2.5E3", "3"], [0.00001, 2500, 3]),
    ],
)
def test_prices_with_a_decimal_point_are_read(texts, expected, price_file):
    loaded = load(price_file(table([*texts, "1,234.5"])))
    assert loaded.bars.close.tolist()[:-1] == [round(price * 10**loaded.bars.decimals) for price in expected]


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["1.234,50", "999,5", "1.000.000,25"], [1234.5, 999.5, 1_000_000.25]),
        (["1.095", "1.234,5", "7"], [1095, 1234.5, 7]),
        (["0,0951", "1,0856", "1,095"], [0.0951, 1.0856, 1.095]),
    ],
)
@pytest.mark.parametrize("separator", [",", ";"])
def test_prices_with_a_decimal_comma_are_read(texts, expected, separator, price_file):
    loaded = load(price_file(table(texts, change="0,52%", separator=separator)))
    assert loaded.bars.close.tolist() == [round(price * UNIT) for price in expected]


def test_a_column_that_only_looks_like_decimal_points_is_read_with_the_comma_of_the_others(price_file):
    loaded = load(price_file(table(["1.095", "1.096", "1.097"], volume="1,5", change="-0,1%")))
    assert loaded.bars.close.tolist() == [1095 * UNIT, 1096 * UNIT, 1097 * UNIT]


def test_a_percentage_elsewhere_settles_what_a_comma_means(price_file):
    loaded = load(price_file(table(["3,744", "3,748", "3,772"], change="0.13%")))
    assert loaded.bars.close.tolist() == [3744 * UNIT, 3748 * UNIT, 3772 * UNIT]


def test_a_comma_that_may_be_either_is_refused(price_file):
    with pytest.raises(
        DataError, match=r"line 2, column 'Open': '3,744' may have a decimal comma or a thousands sep"
    ):
        load(price_file(table(["3,744", "3,748", "3,772"], change="1%")))


def test_a_decimal_comma_among_decimal_points_is_refused_with_both_lines(price_file):
    with pytest.raises(DataError, match=r"line 3, column 'Open': a decimal comma, but line 2 has a decimal point"):
        load(price_file(table(["1.25", "1,25", "1.25"])))


@pytest.mark.parametrize("text", ["1,2,3.5", "12,34.5", "1.2.3", "1K", "12abc", "1 2", "(5)", "1_000.5"])
def test_what_is_no_number_is_refused_with_its_line_and_column(text, price_file):
    with pytest.raises(DataError, match=r"line 3, column 'Open': '.*' is not a number"):
        load(price_file(table(["1.25", text, "1.25"])))


@pytest.mark.parametrize(
    ("text", "volume"), [("1.5K", 1500), ("32.94M", 32_940_000), ("0.5b", 5e8), ("1,234.5K", 1_234_500), ("-", 0)]
)
def test_volumes_are_read_in_thousands_millions_and_billions(text, volume, price_file):
    loaded = load(price_file(table(["1.25"] * 3, volume=text)))
    assert loaded.bars.volume.tolist() == pytest.approx([volume] * 3)


def test_numbers_that_json_writes_as_text_are_read(price_file):
    rows = ",".join(f'[{1_704_067_200 + 60 * row},"0.1","0.3","0.05","0.2","1e2"]' for row in range(4))
    loaded = load(price_file(f"[{rows}]", "bars.json"))
    assert loaded.bars.bar(0).low == 5_000_000
    assert loaded.bars.volume.tolist() == [100.0] * 4


def test_a_number_typed_by_its_format_is_never_read_as_anything_else(price_file):
    rows = ",".join(
        f'{{"time":{1_704_067_200 + 60 * row},"open":1.095,"high":1.095,"low":1.095,"close":1.095,"volume":"1,5"}}'
        for row in range(4)
    )
    loaded = load(price_file(f"[{rows}]", "bars.json"))
    assert loaded.bars.close.tolist() == [109_500_000] * 4
