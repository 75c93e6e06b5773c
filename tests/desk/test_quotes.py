"""What a filler offers: whole numbers around the oracle's price, good enough for an owner who allows its spread."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent.chain.values import BPS, PRICE_SCALE, Reason, Side
from agent.desk.quotes import base_for, covered_at, quote_close, quote_for, quote_open

FILLER = "0x" + "f1" * 20
SPREADS = st.integers(0, BPS - 2)
SIDES = st.sampled_from(Side)
# From a millionth to a billion in whole tokens of 6 and 18 decimals, and far beyond on either side.
PRICES = st.integers(10**12, 10**40)
# A filler may keep less than a unit by rounding; below this, that unit is more than a basis point.
ENOUGH = 2 * BPS


def least_taken(given: int, *, gives_base: bool, price: int, slippage_bps: int) -> int:
    """What `Pricing.leastTaken` of the contract says; that it says so is tested below."""
    fair = -(-given * price // PRICE_SCALE) if gives_base else -(-given * PRICE_SCALE // price)
    return fair - fair * slippage_bps // BPS


def worth_in_base(amount: int, price: int) -> Fraction:
    return Fraction(amount * PRICE_SCALE, price)


def worth_in_quote(amount: int, price: int) -> Fraction:
    return Fraction(amount * price, PRICE_SCALE)


@given(SIDES, st.integers(1, 10**30), PRICES, SPREADS)
def test_an_offer_is_made_of_whole_numbers(
    mandate_on_paper: Any, side: Side, size: int, price: int, spread: int
) -> None:
    opening = quote_open(mandate_on_paper(side), FILLER, size=size, price=price, spread_bps=spread)
    closing = quote_close(mandate_on_paper(side), FILLER, taken=size, price=price, spread_bps=spread)
    for fill in (opening, closing):
        assert (type(fill.given), type(fill.taken)) == (int, int)
        assert fill.given >= 0
        assert fill.taken >= 0


@given(st.integers(0, 10**30), PRICES, SPREADS)
def test_an_owner_never_gets_more_than_the_oracle_price(amount: int, price: int, spread: int) -> None:
    assert base_for(amount, price, spread_bps=spread) <= worth_in_base(amount, price)
    assert quote_for(amount, price, spread_bps=spread) <= worth_in_quote(amount, price)


@given(st.integers(0, 10**30), PRICES, SPREADS)
def test_a_filler_keeps_its_spread_and_less_than_one_unit_more(amount: int, price: int, spread: int) -> None:
    base = worth_in_base(amount, price) * BPS / (BPS + spread)
    quote = worth_in_quote(amount, price) * (BPS - spread) / BPS
    assert 0 <= base - base_for(amount, price, spread_bps=spread) < 1
    assert 0 <= quote - quote_for(amount, price, spread_bps=spread) < 1


@given(st.integers(0, 10**30), PRICES, SPREADS, SPREADS)
def test_a_wider_spread_never_gives_an_owner_more(amount: int, price: int, one: int, other: int) -> None:
    narrow, wide = sorted((one, other))
    assert base_for(amount, price, spread_bps=wide) <= base_for(amount, price, spread_bps=narrow)
    assert quote_for(amount, price, spread_bps=wide) <= quote_for(amount, price, spread_bps=narrow)


@given(st.integers(1, 10**30), PRICES, SPREADS)
def test_there_and_back_at_one_price_never_gains(amount: int, price: int, spread: int) -> None:
    assert quote_for(base_for(amount, price, spread_bps=spread), price, spread_bps=spread) <= amount
    assert base_for(quote_for(amount, price, spread_bps=spread), price, spread_bps=spread) <= amount


@given(SIDES, st.integers(1, 10**30), PRICES, SPREADS, st.integers(1, BPS))
def test_an_offer_meets_what_is_asked_for_by_whoever_allows_more_slippage_than_its_spread(
    mandate_on_paper: Any, side: Side, size: int, price: int, spread: int, more: int
) -> None:
    slippage = min(BPS - 1, spread + more)
    opening = quote_open(mandate_on_paper(side), FILLER, size=size, price=price, spread_bps=spread)
    closing = quote_close(mandate_on_paper(side), FILLER, taken=size, price=price, spread_bps=spread)
    for fill, gives_base in ((opening, side is Side.SHORT), (closing, side is Side.LONG)):
        least = least_taken(fill.given, gives_base=gives_base, price=price, slippage_bps=slippage)
        if least_taken(fill.given, gives_base=gives_base, price=price, slippage_bps=0) >= ENOUGH:
            assert fill.taken >= least


def test_dust_is_offered_less_than_an_owner_asks_for() -> None:
    """Rounding a single unit down is more than any spread: the contract refuses it, and rightly."""
    price = 3 * PRICE_SCALE
    assert base_for(1, price, spread_bps=0) == 0
    assert least_taken(1, gives_base=False, price=price, slippage_bps=BPS - 1) == 1


@given(st.integers(1, 10**30), PRICES, SPREADS)
def test_a_long_gives_exactly_its_size_and_a_short_what_that_is_worth(
    mandate_on_paper: Any, size: int, price: int, spread: int
) -> None:
    long, short = (
        quote_open(
            replace(mandate_on_paper(side), max_amount=10**80), FILLER, size=size, price=price, spread_bps=spread
        )
        for side in Side
    )
    assert long.given == size
    assert 0 <= worth_in_base(size, price) - short.given < 1


@given(SIDES, st.integers(1, 10**30), PRICES, SPREADS, st.integers(1, 10**30), st.integers(0, 10**30))
def test_an_offer_is_of_the_nearest_amount_that_the_mandate_allows(
    mandate_on_paper: Any, side: Side, size: int, price: int, spread: int, least: int, more: int
) -> None:
    mandate = replace(mandate_on_paper(side), min_amount=least, max_amount=least + more)
    wanted = size if side is Side.LONG else size * PRICE_SCALE // price
    given_ = quote_open(mandate, FILLER, size=size, price=price, spread_bps=spread).given
    assert least <= given_ <= least + more
    assert given_ == wanted or given_ == (least if wanted < least else least + more)


@given(
    SIDES,
    st.integers(10**5, 10**30),
    PRICES,
    st.integers(0, 500),
    st.integers(0, 500),
    st.integers(0, 10_000),
)
def test_an_offer_is_covered_from_the_second_on_that_is_told_and_not_before(
    mandate_on_paper: Any, side: Side, amount: int, price: int, spread: int, most: int, ramp: int
) -> None:
    mandate = replace(
        mandate_on_paper(side), max_slippage_bps=most, ramp=ramp, min_amount=amount, max_amount=amount
    )
    fill = quote_open(mandate, FILLER, size=amount, price=price, spread_bps=spread)

    def covered(elapsed: int) -> bool:
        accepted = elapsed * most // ramp if elapsed < ramp else most
        asked = least_taken(amount, gives_base=side is Side.SHORT, price=price, slippage_bps=accepted)
        return fill.taken >= asked

    at = covered_at(fill, 1_000, price=price)
    if at is None:
        assert not covered(ramp)
        return
    assert 1_000 <= at <= 1_000 + ramp
    assert covered(at - 1_000)
    assert at == 1_000 or not covered(at - 1_001)


@given(SIDES, st.integers(1, 10**30), PRICES, SPREADS)
def test_a_close_gives_back_exactly_what_the_trade_took(
    mandate_on_paper: Any, side: Side, taken: int, price: int, spread: int
) -> None:
    assert quote_close(mandate_on_paper(side), FILLER, taken=taken, price=price, spread_bps=spread).given == taken


# ---- on the contract


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.integers(1, 2**128 - 1),
    st.booleans(),
    st.integers(1, (2**128 - 1) * PRICE_SCALE),
    st.integers(0, BPS - 1),
)
def test_the_contract_asks_for_what_is_asked_for_here(
    room: Any, amount: int, gives_base: bool, price: int, slippage: int
) -> None:
    asked = {"gives_base": gives_base, "price": price, "slippage_bps": slippage}
    assert room.settlement.least_taken(amount, **asked) == least_taken(amount, **asked)


@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize(("spread", "answer"), [(0, Reason.NONE), (9, Reason.NONE), (11, Reason.SLIPPAGE)])
def test_the_contract_takes_an_offer_within_the_mandates_slippage_and_no_other(
    room: Any, side: Side, spread: int, answer: Reason
) -> None:
    room.publish(2_000)
    mandate = room.mandate(side, max_slippage_bps=10)
    desk = room.desk(lambda close: "up" if side is Side.LONG else "down", mandate, spread_bps=spread)
    desk.consider(np.array([2_000 * 10**8]), room.chain.time_of())
    room.publish(2_000.003)
    desk.act()
    assert (len(desk.open_trades), dict(desk.tally.refused)) == (
        (1, {}) if answer is Reason.NONE else (0, {answer: 1})
    )
