"""Prices become whole numbers without losing a digit that matters."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.errors import DataError
from agent.market.read import load
from agent.market.scale import EXACT_BELOW, decimals_for, rounded_off, to_units


@pytest.mark.parametrize(
    ("prices", "decimals"),
    [
        ([1.0, 70_000.0], 8),
        ([0.001], 8),
        ([0.000_999], 9),
        ([8.88e-6], 11),
        ([1e-13], 18),
        ([1e-30], 18),
        ([8.88e-6, 70_000.0], 10),  # more would take the largest beyond exact whole numbers
        ([2.5e9], 5),
        ([1e15], 0),
    ],
)
def test_a_series_carries_as_many_digits_as_its_prices_need(prices, decimals):
    assert decimals_for(np.array(prices)) == decimals


@given(st.lists(st.floats(1e-12, 1e15), min_size=1, max_size=20))
def test_no_price_ever_leaves_the_exact_whole_numbers(prices):
    array = np.array(prices)
    assert to_units(array, decimals_for(array)).max() <= EXACT_BELOW < 2**53


@given(st.integers(0, 8), st.data())
def test_every_text_of_up_to_8_digits_is_kept_to_the_last(digits, data):
    whole = data.draw(st.integers(1, 2 * 10 ** (7 + digits)))
    price = Decimal(whole).scaleb(-digits)
    array = np.array([float(price)])
    decimals = decimals_for(array)
    units = to_units(array, decimals)
    assert Decimal(int(units[0])).scaleb(-decimals) == price
    assert rounded_off(array, units, decimals) == 0


def rows(low, high):
    return "\n".join(
        [
            "time,open,high,low,close",
            *(f"{1_704_067_200 + 60 * row},{low},{high},{low},{high}" for row in range(4)),
        ]
    )


def test_a_price_that_loses_digits_is_told(price_file):
    loaded = load(price_file(rows("0.000001234567", "900000")))
    assert loaded.bars.decimals == 9
    assert (
        "8 prices lose more than one part per million: 9 digits after the point are kept."
        in loaded.report.warnings
    )


def test_a_price_that_would_vanish_is_refused(price_file):
    with pytest.raises(DataError, match=r"prices from 1e-09 to 1e\+12 cannot be kept with the same digits"):
        load(price_file(rows("0.000000001", "1000000000000")))


def test_a_price_beyond_exact_whole_numbers_is_refused(price_file):
    with pytest.raises(DataError, match=r"a price of 1e\+17 is too large to be kept exactly"):
        load(price_file(rows("100000000000000000", "100000000000000000")))
