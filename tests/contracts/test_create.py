"""`create`: only sound mandates, only one's own, and once."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agent.chain.events import MandateCreated
from agent.chain.values import MandateState, Reason, Side

ZERO = "0x" + "00" * 20


def test_is_logged_whole(desk):
    draft = desk.draft()
    assert desk.settlement.create(desk.owner, draft).events == [
        MandateCreated(draft.id, desk.owner.address, draft)
    ]


def test_remembers_that_no_earlier_bar_counts_and_nothing_else(desk, mandate):
    created = mandate()
    assert desk.settlement.state_of(created.id) == MandateState(
        usable_from=desk.now, changed_at=0, trading=False, cancelled=False, drawdown=0
    )


def test_what_was_never_created_has_no_state(desk):
    assert desk.settlement.state_of(desk.draft().id) == MandateState(0, 0, False, False, 0)
    assert desk.settlement.trade_of(desk.draft().id) == (0, 0)


def test_refuses_a_mandate_of_somebody_else(desk, reverts):
    with reverts("NotOwner", owner=desk.owner.address, caller=desk.other.address):
        desk.settlement.create(desk.other, desk.draft())


def test_refuses_a_mandate_that_exists_until_its_salt_differs(desk, mandate, reverts):
    existing = mandate()
    with reverts("MandateExists", id=existing.id):
        desk.settlement.create(desk.owner, existing)
    desk.settlement.create(desk.owner, replace(existing, salt=b"\xff" * 32))


def test_refuses_to_bring_a_cancelled_mandate_back(desk, mandate, reverts):
    cancelled = mandate()
    desk.settlement.cancel(desk.owner, cancelled)
    with reverts("MandateExists", id=cancelled.id):
        desk.settlement.create(desk.owner, cancelled)


# Each line: the field that is named, the last value that is refused, and its neighbour, which is sound.
EDGES = [
    ("minConfidenceBps", {"min_confidence_bps": 10_001}, {"min_confidence_bps": 10_000}),
    ("ramp", {"ramp": 601, "max_signal_age": 600}, {"ramp": 600, "max_signal_age": 600}),
    ("ramp", {"ramp": 1, "max_signal_age": 0}, {"ramp": 0, "max_signal_age": 0}),
    (
        "takeProfitBps",
        {"side": Side.SHORT, "take_profit_bps": 10_000},
        {"side": Side.SHORT, "take_profit_bps": 9_999},
    ),
    ("stopLossBps", {"stop_loss_bps": 10_000}, {"stop_loss_bps": 9_999}),
    ("horizon", {"horizon": 0}, {"horizon": 1}),
    ("maxAmount", {"max_amount": 99_999}, {"max_amount": 100_000}),
    ("minAmount", {"min_amount": 10**6 + 1, "max_amount": 10**6}, {"min_amount": 10**6, "max_amount": 10**6}),
    ("minPrice", {"min_price": (2**128 - 1) * 10**36 + 1}, {"min_price": (2**128 - 1) * 10**36}),
    ("maxPrice", {"max_price": 10**9 - 1}, {"max_price": 10**9}),
    ("maxPrice", {"min_price": 10**10 + 1, "max_price": 10**10}, {"min_price": 10**10, "max_price": 10**10}),
    ("drawdownLimit", {"drawdown_limit": 0}, {"drawdown_limit": 1}),
]


@pytest.mark.parametrize(("field", "unsound", "sound"), EDGES)
def test_refuses_a_mandate_that_contradicts_itself_and_names_the_field(desk, reverts, field, unsound, sound):
    with reverts("InvalidMandate", field=field):
        desk.settlement.create(desk.owner, desk.draft(**unsound))
    desk.settlement.create(desk.owner, desk.draft(**sound))


# Slippage, and the nearest barrier that can be lodged beside it: (10,000 - s) * (10,000 + b) is 100,010,000 or more. Where s
# is 0, 875 and 2,700 it is exactly that, and where s is 1 and 2,182 the barrier before falls short by two parts of 1e8.
NEAREST = [
    (0, 1),
    (1, 3),
    (2, 4),
    (50, 52),
    (55, 57),
    (100, 103),
    (875, 960),
    (2_182, 2_793),
    (2_700, 3_700),
    (4_999, 9_999),
]


@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize(
    ("barrier", "other"), [("take_profit_bps", "stop_loss_bps"), ("stop_loss_bps", "take_profit_bps")]
)
@pytest.mark.parametrize(("slippage", "nearest"), NEAREST)
def test_refuses_a_barrier_that_the_slippage_reaches_and_names_it(
    desk, reverts, side, barrier, other, slippage, nearest
):
    field = "takeProfitBps" if barrier == "take_profit_bps" else "stopLossBps"
    terms = {"side": side, "max_slippage_bps": slippage, other: 9_999}
    with reverts("InvalidMandate", field=field):
        desk.settlement.create(desk.owner, desk.draft(**terms, **{barrier: nearest - 1}))
    desk.settlement.create(desk.owner, desk.draft(**terms, **{barrier: nearest}))


@pytest.mark.parametrize("side", Side)
def test_the_most_slippage_there_is_needs_the_farthest_barriers_there_are(desk, reverts, side):
    """One of them lies below the entry, and so less than 10,000 away."""
    above, below = ("take_profit_bps", "stop_loss_bps")[:: 1 if side is Side.LONG else -1]
    farthest = {"side": side, above: 2**16 - 1, below: 9_999}
    desk.settlement.create(desk.owner, desk.draft(max_slippage_bps=4_999, **farthest))
    with reverts("InvalidMandate", field="stopLossBps" if side is Side.LONG else "takeProfitBps"):
        desk.settlement.create(desk.owner, desk.draft(max_slippage_bps=5_000, **farthest))


def test_refuses_a_slippage_of_everything_by_its_name_and_of_less_by_the_barrier_that_it_reaches(desk, reverts):
    for slippage, field in [(10_000, "maxSlippageBps"), (9_999, "takeProfitBps")]:
        with reverts("InvalidMandate", field=field):
            desk.settlement.create(desk.owner, desk.draft(max_slippage_bps=slippage))


def test_refuses_the_owner_as_the_only_filler(desk, reverts):
    for owner in (desk.owner, desk.other):
        with reverts("InvalidMandate", field="filler"):
            desk.settlement.create(owner, desk.draft(owner=owner.address, filler=owner.address))


@pytest.mark.parametrize("filler", ["filler", "other", "stranger", "settlement", "base"])
def test_any_other_account_may_be_named_as_the_filler(desk, filler):
    named = desk.mandate(filler=getattr(desk, filler).address)
    assert desk.settlement.state_of(named.id).usable_from == desk.now


def test_a_bar_that_closes_in_the_second_of_the_creation_is_accepted_and_none_before(desk, signal):
    """So that a mandate is known whenever it was lodged, in the first second of a chain, too."""
    created = desk.mandate()
    assert desk.check_open(signal(bar_time=desk.now - 1), created) is Reason.SIGNAL_USED
    assert desk.check_open(signal(bar_time=desk.now), created) is Reason.NONE


# As far beyond the edge as the field holds.
BEYOND = [
    ("minConfidenceBps", {"min_confidence_bps": 2**16 - 1}),
    ("maxSlippageBps", {"max_slippage_bps": 2**16 - 1}),
    ("takeProfitBps", {"side": Side.SHORT, "take_profit_bps": 2**16 - 1}),
    ("stopLossBps", {"stop_loss_bps": 2**16 - 1}),
    ("ramp", {"ramp": 2**32 - 1}),
    ("minAmount", {"min_amount": 2**128 - 1, "max_amount": 10**6}),
    ("minPrice", {"min_price": 2**256 - 1}),
    ("maxPrice", {"max_price": 7}),
]


@pytest.mark.parametrize(("field", "unsound"), BEYOND)
def test_refuses_what_lies_far_beyond_the_edge_too(desk, reverts, field, unsound):
    with reverts("InvalidMandate", field=field):
        desk.settlement.create(desk.owner, desk.draft(**unsound))


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("market.base", {"base": ZERO}),
        ("market.quote", {"quote": ZERO}),
        ("market.oracle", {"oracle": ZERO}),
    ],
)
def test_refuses_a_market_with_a_hole(desk, reverts, field, changes):
    with reverts("InvalidMandate", field=field):
        desk.settlement.create(desk.owner, desk.draft(market=replace(desk.market, **changes)))


def test_refuses_a_market_of_one_token(desk, reverts):
    one = replace(desk.market, quote=desk.market.base)
    with reverts("InvalidMandate", field="market.quote"):
        desk.settlement.create(desk.owner, desk.draft(market=one))


def test_refuses_a_mandate_without_a_source(desk, reverts):
    with reverts("InvalidMandate", field="source"):
        desk.settlement.create(desk.owner, desk.draft(source=ZERO))


def test_refuses_a_mandate_that_has_expired_already(desk, reverts):
    created = desk.now + 10
    desk.chain.set_next_time(created)
    for expiry in (0, created - 1, created):
        with reverts("InvalidMandate", field="expiry"):
            desk.settlement.call("create", desk.draft(expiry=expiry), sender=desk.owner.address, block="pending")
    desk.settlement.create(desk.owner, desk.draft(expiry=created + 1))


@pytest.mark.parametrize("side", Side)
def test_the_barrier_above_the_entry_may_be_as_far_as_the_field_holds(desk, side):
    above = "take_profit_bps" if side is Side.LONG else "stop_loss_bps"
    desk.settlement.create(desk.owner, desk.draft(side=side, **{above: 2**16 - 1}))


def test_a_bound_of_zero_is_none(desk):
    desk.settlement.create(desk.owner, desk.draft(min_price=10**36, max_price=0))
