"""`create`: only sound mandates, only one's own, and once."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agent.chain.events import MandateCreated
from agent.chain.values import MandateState, Side

ZERO = "0x" + "00" * 20


def test_is_logged_whole(desk):
    draft = desk.draft()
    assert desk.settlement.create(desk.owner, draft).events == [
        MandateCreated(draft.id, desk.owner.address, draft)
    ]


def test_remembers_that_no_earlier_bar_counts_and_nothing_else(desk, mandate):
    created = mandate()
    assert desk.settlement.state_of(created.id) == MandateState(
        used_until=desk.now - 1, changed_at=0, trading=False, cancelled=False, net_loss=0
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
    ("maxSlippageBps", {"max_slippage_bps": 10_000}, {"max_slippage_bps": 9_999}),
    ("takeProfitBps", {"take_profit_bps": 0}, {"take_profit_bps": 1}),
    (
        "takeProfitBps",
        {"side": Side.SHORT, "take_profit_bps": 10_000},
        {"side": Side.SHORT, "take_profit_bps": 9_999},
    ),
    ("stopLossBps", {"stop_loss_bps": 0}, {"stop_loss_bps": 1}),
    ("stopLossBps", {"stop_loss_bps": 10_000}, {"stop_loss_bps": 9_999}),
    ("horizon", {"horizon": 0}, {"horizon": 1}),
    ("maxAmount", {"min_amount": 0, "max_amount": 0}, {"min_amount": 0, "max_amount": 1}),
    ("minAmount", {"min_amount": 8, "max_amount": 7}, {"min_amount": 7, "max_amount": 7}),
    ("maxPrice", {"min_price": 8, "max_price": 7}, {"min_price": 7, "max_price": 7}),
    ("lossLimit", {"loss_limit": 0}, {"loss_limit": 1}),
]


@pytest.mark.parametrize(("field", "unsound", "sound"), EDGES)
def test_refuses_a_mandate_that_contradicts_itself_and_names_the_field(desk, reverts, field, unsound, sound):
    with reverts("InvalidMandate", field=field):
        desk.settlement.create(desk.owner, desk.draft(**unsound))
    desk.settlement.create(desk.owner, desk.draft(**sound))


# As far beyond the edge as the field holds.
BEYOND = [
    ("minConfidenceBps", {"min_confidence_bps": 2**16 - 1}),
    ("maxSlippageBps", {"max_slippage_bps": 2**16 - 1}),
    ("takeProfitBps", {"side": Side.SHORT, "take_profit_bps": 2**16 - 1}),
    ("stopLossBps", {"stop_loss_bps": 2**16 - 1}),
    ("minAmount", {"min_amount": 2**128 - 1, "max_amount": 7}),
    ("maxPrice", {"min_price": 2**256 - 1, "max_price": 7}),
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
