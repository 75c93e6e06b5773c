"""Whole tokens and smallest units: exact both ways, or refused."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.desk.token import Token, price_text, price_units, text_of, units_of
from agent.errors import UsageError

USD, ETH = Token("USD", 6), Token("ETH", 18)


@given(units=st.integers(0, 2**256 - 1), decimals=st.integers(0, 77))
def test_units_written_as_whole_tokens_are_the_same_units_again(units, decimals):
    assert units_of(text_of(units, decimals), decimals, of="it") == units


@given(whole=st.integers(0, 10**40), part=st.text("0123456789", max_size=30), decimals=st.integers(-10, 40))
def test_a_number_is_either_exact_or_refused(whole, part, decimals):
    text = f"{whole}.{part}" if part else str(whole)
    exact = Fraction(text) * Fraction(10) ** decimals
    if exact.denominator == 1:
        assert units_of(text, decimals, of="it") == exact
    else:
        with pytest.raises(UsageError, match="finer than it can be divided"):
            units_of(text, decimals, of="it")


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        ".",
        "1.",
        ".5",
        "+1",
        "-1",
        "1e3",
        "1_000",
        "1,000",
        "0x10",
        "nan",
        "Infinity",
        "1.2.3",
        "٣",
        "1" * 81,
    ],
)
def test_what_is_no_number_is_refused(text):
    with pytest.raises(UsageError, match="is not an amount"):
        USD.units(text)


def test_one_is_told_with_its_name_and_without_needless_zeros():
    assert USD.text(1_250_500_000) == "1,250.5 USD"
    assert USD.text(0) == "0 USD"
    assert ETH.text(1) == "0.000000000000000001 ETH"
    assert Token("X", 0).text(1_000) == "1,000 X"


def test_a_price_is_of_whole_tokens_and_scaled_as_the_contract_has_it():
    assert price_units("2000", ETH, USD) == 2_000 * 10**6 * 10**36 // 10**18
    assert price_text(2_000 * 10**24, ETH, USD) == "2,000 USD"
    assert price_units("0.5", USD, ETH) == 5 * 10**47


def test_a_price_between_two_that_the_contract_has_is_refused():
    with pytest.raises(UsageError, match="finer than a price"):
        price_units("1.5", Token("B", 60), Token("Q", 24))
    assert price_units("1", Token("B", 60), Token("Q", 24)) == 1
