"""Of several reasons for which a fill is refused, the first in the contract's order is told, at the open and at the close."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agent.chain.values import Barrier, Reason, Side

BASE = 10**18
QUOTE = 10**6
UNIT = 10**24
OTHER = b"\x01" * 32

# What is wrong with a fill, in the order in which the contract looks: where it differs from one that settles, and how.
AT_OPEN = {
    Reason.UNKNOWN_MANDATE: ("unlodged", {}),
    Reason.CANCELLED: ("cancelled", {}),
    Reason.EXPIRED: ("mandate", {"expiry": "soon"}),
    Reason.SIGNAL_USED: ("signal", {"bar_time": "before"}),
    Reason.WRONG_MODEL: ("mandate", {"model": OTHER}),
    Reason.WRONG_MARKET: ("signal", {"market": OTHER}),
    Reason.WRONG_SIDE: ("signal", {"side": Side.SHORT}),
    Reason.WRONG_PATTERN: ("mandate", {"patterns": 0b1000}),
    Reason.LOW_CONFIDENCE: ("mandate", {"min_confidence_bps": 7_001}),
    Reason.SIGNAL_STALE: ("mandate", {"max_signal_age": 9}),
    Reason.SIGNAL_EXPIRED: ("signal", {"valid_until": "soon"}),
    Reason.NOT_VOUCHED: ("options", {"evidence": b""}),
    Reason.PRICE_STALE: ("mandate", {"max_price_age": 0}),
    Reason.PRICE_TOO_LOW: ("mandate", {"min_price": 2_001 * UNIT}),
    Reason.AMOUNT_TOO_SMALL: ("mandate", {"min_amount": 2_001 * QUOTE}),
    Reason.SLIPPAGE: ("fill", {"taken": BASE * 9 // 10}),
    Reason.WRONG_FILLER: ("mandate", {"filler": "other"}),
    Reason.FILLER_NOT_AUTHORIZED: ("options", {"by": "stranger"}),
    Reason.FILLER_BALANCE: ("emptied", {"filler": "base"}),
    Reason.OWNER_BALANCE: ("emptied", {"owner": "quote"}),
}
AT_CLOSE = {
    Reason.UNKNOWN_MANDATE: ("unlodged", {}),
    Reason.WRONG_MARKET: ("market", {"oracle": "stranger"}),
    Reason.NO_TRADE: ("released", {}),
    Reason.PRICE_STALE: ("late", {}),
    Reason.NO_BARRIER: ("price", {}),
    Reason.AMOUNT_MISMATCH: ("fill", {"given": BASE - 1}),
    Reason.SLIPPAGE: ("fill", {"taken": 1_000 * QUOTE}),
    Reason.WRONG_FILLER: ("fill", {"filler": "other"}),
    Reason.FILLER_NOT_AUTHORIZED: ("options", {"by": "stranger"}),
    Reason.FILLER_BALANCE: ("emptied", {"filler": "quote", "other": "quote"}),
}


def from_here_on(flaws, reason):
    """The flaws of this reason and of all that are looked at later, by what they change."""
    found = {}
    for place, changes in list(flaws.values())[list(flaws).index(reason) :]:
        found.setdefault(place, {}).update(changes)
    return found


def test_they_stand_in_the_order_of_the_enum_but_for_what_the_contract_remembers():
    later = [list(AT_OPEN)[4:], list(AT_CLOSE)[5:]]
    for reasons in later:
        told = [reason for reason in reasons if reason is not Reason.NOT_VOUCHED]
        assert told == sorted(told)


@pytest.mark.parametrize("reason", AT_OPEN, ids=lambda reason: reason.label)
def test_the_first_reason_is_told_at_the_open(desk, reason):
    wrong = from_here_on(AT_OPEN, reason)
    now, terms = desk.now, wrong.get("mandate", {})
    times = {"soon": now + 69, "before": now - 1}
    people = {"filler": desk.other.address} if "filler" in terms else {}
    terms = {name: times.get(change, change) for name, change in terms.items()} | people
    mandate = desk.draft(**terms) if "unlodged" in wrong else desk.mandate(**terms)
    if "cancelled" in wrong and "unlodged" not in wrong:
        desk.settlement.cancel(desk.owner, mandate)
    for who, token in wrong.get("emptied", {}).items():
        desk.leave(getattr(desk, who), getattr(desk, token))
    changes = {name: times.get(change, change) for name, change in wrong.get("signal", {}).items()}
    signal = desk.signal(**{"bar_time": now + 60, **changes})
    options = dict(wrong.get("options", {}))
    if "by" in options:
        options["by"] = desk.stranger
    fill = replace(desk.fill(mandate, given=2_000 * QUOTE), **wrong.get("fill", {}))
    assert desk.check_open(signal, fill, at=now + 70, **options) is reason


@pytest.mark.parametrize("reason", AT_CLOSE, ids=lambda reason: reason.label)
def test_the_first_reason_is_told_at_the_close(desk, reason):
    wrong = from_here_on(AT_CLOSE, reason)
    mandate = desk.trading(filler=desk.filler.address, max_price_age=100, horizon=10**6)
    if "released" in wrong:
        desk.release(mandate)
    desk.set_price("2000" if "price" in wrong else "2040")
    for who, token in wrong.get("emptied", {}).items():
        desk.leave(getattr(desk, who), getattr(desk, token))
    if "unlodged" in wrong:
        mandate = replace(mandate, salt=b"\xff" * 32)
    market = replace(desk.market, oracle=desk.stranger.address) if "market" in wrong else None
    changes = dict(wrong.get("fill", {}))
    if "filler" in changes:
        changes["filler"] = desk.other.address
    fill = replace(desk.closing(mandate, given=BASE), **changes)
    by = desk.stranger if "options" in wrong else desk.operator
    at = desk.now + (101 if "late" in wrong else 1)
    judged, barrier = desk.check_close(fill, market=market, by=by, at=at)
    assert judged is reason
    looked = list(AT_CLOSE).index(reason) > list(AT_CLOSE).index(Reason.NO_BARRIER)
    assert barrier is (Barrier.TAKE_PROFIT if looked else Barrier.NONE)
