"""`checkOpen` and `checkClose` say what `open` and `close` then do; `leastTaken` rounds for the owner."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent.chain.events import Closed, Opened, Refused
from agent.chain.values import ANYONE, Reason, Side

BASE = 10**18
QUOTE = 10**6
PRICE = 2_000 * 10**24
MAX_PRICE = (2**128 - 1) * 10**36

a_fill = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


# What may differ from a fill that settles: which value, and to what. Half of it is harmless, or just not harmful yet; no
# two of them make a mandate that contradicts itself.
AT_OPEN = [
    ("mandate", "side", Side.SHORT),
    ("mandate", "patterns", 0),
    ("mandate", "patterns", 0b0001),
    ("mandate", "min_confidence_bps", 7_000),
    ("mandate", "min_confidence_bps", 7_001),
    ("mandate", "max_slippage_bps", 0),
    ("mandate", "ramp", 10),
    ("mandate", "max_signal_age", 10),
    ("mandate", "max_price_age", 90),
    ("mandate", "min_amount", 2_000 * QUOTE),
    ("mandate", "min_amount", 2_000 * QUOTE + 1),
    ("mandate", "max_amount", 2_000 * QUOTE + 1),
    ("named", "", "filler"),
    ("named", "", "other"),
    ("mandate", "min_price", PRICE),
    ("mandate", "min_price", PRICE + 1),
    ("mandate", "max_price", 2 * PRICE),
    ("mandate", "model", bytes(32)),
    ("mandate", "horizon", 1),
    ("signal", "side", Side.SHORT),
    ("signal", "patterns", 0b0010),
    ("signal", "patterns", 0b1000),
    ("signal", "confidence_bps", 6_000),
    ("signal", "confidence_bps", 5_999),
    ("signal", "market", bytes(32)),
    ("signal", "inputs", bytes(32)),
    ("late", "", -1),
    ("late", "", 10),
    ("late", "", 11),
    ("late", "", 600),
    ("late", "", 601),
    ("missing", "", -1),
    ("missing", "", 1),
    ("missing", "", 10**15),
    ("filler", "", "other"),
    ("filler", "", "owner"),
    ("by", "", "filler"),
    ("by", "", "stranger"),
    ("key", "", "stranger"),
]


@settings(a_fill, max_examples=30)
@given(differences=st.lists(st.sampled_from(AT_OPEN), max_size=3))
def test_check_open_says_what_open_does(desk, differences):
    with desk.chain.undone():
        told = {place: value for place, _, value in differences}
        named = {"filler": getattr(desk, told["named"]).address} if "named" in told else {}
        terms = {field: value for place, field, value in differences if place == "mandate"}
        mandate = desk.mandate(**terms, **named)
        signal = desk.signal(**{field: value for place, field, value in differences if place == "signal"})
        fair = desk.fill(mandate, filler=getattr(desk, told.get("filler", "filler")).address)
        fill = replace(fair, taken=max(0, fair.taken - told.get("missing", 0)))
        options = {
            "by": getattr(desk, told.get("by", "operator")),
            "at": signal.bar_time + told.get("late", 0),
            "evidence": desk.sign(signal, key=getattr(desk, told.get("key", "key"))),
        }
        before = desk.stored()
        reason = desk.check_open(signal, fill, **options)
        [_, outcome] = desk.open(signal, fill, **options).events
        if reason is Reason.NONE:
            assert (type(outcome), outcome.given, outcome.taken) == (Opened, fill.given, fill.taken)
        else:
            assert outcome == Refused(mandate.id, reason)
            assert desk.stored() == before


@settings(a_fill, max_examples=20)
@given(
    side=st.sampled_from(Side),
    price=st.sampled_from(["1000", "1960", "1980", "1980.00000001", "2020", "2040", "2500", "0"]),
    wait=st.sampled_from([1, 1, 1, 3_599, 3_600, 86_400, 86_402]),
    more=st.sampled_from([0, 0, 0, 0, 1, -1]),
    missing=st.sampled_from([0, 0, 1, 10**4, 10**15]),
    cancelled=st.booleans(),
    filler=st.sampled_from(["filler", "filler", "other", "owner"]),
    by=st.sampled_from(["operator", "operator", "filler", "stranger"]),
    named=st.booleans(),
    left=st.sampled_from(["open", "open", "open", "released", "spent"]),
)
def test_check_close_says_what_close_does(
    desk, side, price, wait, more, missing, cancelled, filler, by, named, left
):
    with desk.chain.undone():
        mandate = desk.trading(side=side, filler=desk.filler.address if named else ANYONE)
        opened = desk.now
        desk.set_price(price)
        if cancelled:
            desk.settlement.cancel(desk.owner, mandate)
        if left == "released":
            desk.release(mandate)
        if left == "spent":
            desk.leave(desk.owner, desk.base)
            desk.leave(desk.owner, desk.quote)
        fair = desk.closing(mandate, filler=getattr(desk, filler).address)
        fill = replace(fair, given=fair.given + more, taken=max(0, fair.taken - missing))
        options = {"by": getattr(desk, by), "at": max(desk.now + 1, opened + wait)}
        before = desk.stored()
        reason, barrier = desk.check_close(fill, **options)
        [outcome] = desk.close(fill, **options).events
        if reason is Reason.NONE:
            assert (type(outcome), outcome.barrier, outcome.taken) == (Closed, barrier, fill.taken)
        else:
            assert outcome == Refused(mandate.id, reason)
            assert desk.stored() == before


def test_a_check_speaks_for_whoever_asks(desk, mandate, signal):
    created, seen = mandate(), signal()
    assert desk.check_open(seen, created, by=desk.filler) is Reason.NONE
    assert desk.check_open(seen, created, by=desk.stranger) is Reason.FILLER_NOT_AUTHORIZED


def test_is_vouched_asks_a_source_as_the_settlement_contract_would(desk, signal):
    wanted = signal()
    signed, forged = desk.sign(wanted), desk.sign(wanted, key=desk.stranger)

    def is_vouched(source, evidence):
        return desk.settlement.call("isVouched", source, wanted, evidence, sender=desk.stranger.address)[0]

    assert is_vouched(desk.models.address, signed)
    assert not is_vouched(desk.models.address, forged)
    assert not is_vouched(desk.stranger.address, signed)
    assert not is_vouched(desk.deploy("Mute").address, signed)


# ---- rounding


@settings(a_fill, max_examples=100)
@given(
    given_=st.integers(min_value=0, max_value=2**128 - 1),
    price=st.one_of(
        st.integers(min_value=1, max_value=MAX_PRICE), st.integers(min_value=10**30, max_value=10**42)
    ),
    slippage=st.integers(min_value=0, max_value=10_000),
    gives_base=st.booleans(),
)
def test_least_taken_is_rounded_up_and_by_less_than_two_units(desk, given_, price, slippage, gives_base):
    scaled = Fraction(price, 10**36)
    exact = (given_ * scaled if gives_base else given_ / scaled) * Fraction(10_000 - slippage, 10_000)
    least = desk.settlement.least_taken(given_, gives_base=gives_base, price=price, slippage_bps=slippage)
    assert exact <= least < exact + 2


@pytest.mark.parametrize(
    ("given_", "gives_base", "price", "slippage", "least"),
    [
        (2_000 * QUOTE, False, PRICE, 0, BASE),
        (BASE, True, PRICE, 0, 2_000 * QUOTE),
        (BASE, True, PRICE, 50, 1_990 * QUOTE),
        (2_000 * QUOTE, False, PRICE, 50, BASE * 995 // 1_000),
        (1, True, 1, 0, 1),
        (1, True, 1, 9_999, 1),
        (3, True, 10**36, 1, 3),
        (10_000, True, 10**36, 1, 9_999),
        (10_001, True, 10**36, 1, 10_000),
        (10, False, 3 * 10**36, 0, 4),
        (2**128 - 1, True, MAX_PRICE, 0, (2**128 - 1) ** 2),
        (2**128 - 1, False, 1, 0, (2**128 - 1) * 10**36),
    ],
)
def test_least_taken_at_hand_picked_amounts(desk, given_, gives_base, price, slippage, least):
    assert desk.settlement.least_taken(given_, gives_base=gives_base, price=price, slippage_bps=slippage) == least


def test_least_taken_has_no_answer_for_a_price_of_zero_or_more_slippage_than_all(desk, reverts):
    with reverts("Panic", code=0x12):
        desk.settlement.least_taken(1, gives_base=False, price=0, slippage_bps=0)
    with reverts("Panic", code=0x11):
        desk.settlement.least_taken(10_000, gives_base=True, price=10**36, slippage_bps=10_001)
