"""`release`: an owner ends its trade at any time, without anyone's leave, and has what the trade held."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agent.chain.events import Closed, Opened, Refused, Released
from agent.chain.values import Reason, Side

BASE = 10**18
QUOTE = 10**6


@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize("taken", [0, 1, 12_345])
def test_what_the_trade_held_goes_to_its_owner_to_the_last_unit_and_nothing_else_moves(desk, side, taken):
    mandate = desk.mandate(side=side)
    fair = desk.fill(mandate)
    desk.open(desk.signal(side=side), replace(fair, taken=fair.taken + taken))
    before = desk.ledger()
    desk.release(mandate)
    what = "base" if side is Side.LONG else "quote"
    assert changes(before, desk.ledger()) == {("owner", what): fair.taken + taken}


def test_is_logged_with_what_the_trade_held(desk):
    long = desk.trading()
    assert desk.release(long).events == [Released(long.id, taken=BASE)]


@pytest.mark.parametrize("side", Side)
def test_answers_what_it_released(desk, side):
    mandate = desk.trading(side=side)
    held = BASE if side is Side.LONG else 2_000 * QUOTE
    assert desk.settlement.call("release", mandate, sender=desk.owner.address) == (held,)


def test_moves_no_token(desk):
    long = desk.trading()
    before = desk.held(desk.base), desk.held(desk.quote)
    desk.release(long)
    assert (desk.held(desk.base), desk.held(desk.quote)) == before


def test_ends_the_trade_and_starts_the_cooldown_and_changes_nothing_else_of_the_mandate(desk):
    long = desk.trading()
    opened = desk.settlement.state_of(long.id)
    desk.release(long, at=desk.now + 1_234)
    assert desk.settlement.state_of(long.id) == replace(opened, changed_at=desk.now, trading=False)
    assert desk.now == opened.changed_at + 1_234


def test_remembers_the_amounts_of_the_trade_as_those_of_the_last_one(desk):
    long = desk.trading()
    desk.release(long)
    assert desk.settlement.trade_of(long.id) == (2_000 * QUOTE, BASE)


def test_leaves_a_trade_without_barriers(desk, reverts):
    long = desk.trading()
    desk.release(long)
    with reverts("NoOpenTrade", id=long.id):
        desk.settlement.barriers_of(long)


def test_a_released_trade_does_not_close_any_more(desk):
    long = desk.trading()
    desk.release(long)
    desk.set_price("2040")
    before = desk.stored()
    assert desk.close(desk.closing(long)).events == [Refused(long.id, Reason.NO_TRADE)]
    assert desk.stored() == before


def test_touches_no_other_trade_of_the_same_owner(desk):
    released, kept = desk.trading(), desk.trading()
    desk.release(released)
    desk.set_price("2040")
    assert [type(event) for event in desk.close(kept).events] == [Closed]


# ---- whatever else is broken


def dead_oracle(desk, mandate):
    desk.feed.push(desk.publisher, 0)


def stale_price(desk, mandate):
    desk.travel(10**8)


def revoked_model(desk, mandate):
    desk.models.revoke(desk.publisher, desk.model)


def cancelled(desk, mandate):
    desk.settlement.cancel(desk.owner, mandate)


def expired(desk, mandate):
    desk.travel(mandate.expiry - desk.now + 1)


def nothing_left(desk, mandate):
    desk.leave(desk.owner, desk.base)
    desk.leave(desk.owner, desk.quote)


def barrier_touched(desk, mandate):
    desk.set_price("2500" if mandate.side is Side.LONG else "1500")


def horizon_passed(desk, mandate):
    desk.travel(mandate.horizon)


def nothing(desk, mandate):
    """In the very next second."""


WHENEVER = (
    dead_oracle,
    stale_price,
    revoked_model,
    cancelled,
    expired,
    nothing_left,
    barrier_touched,
    horizon_passed,
    nothing,
)


@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize("happens", WHENEVER, ids=lambda each: each.__name__)
def test_always_works(desk, happens, side):
    mandate = desk.trading(side=side)
    happens(desk, mandate)
    token, held = (desk.base, BASE) if side is Side.LONG else (desk.quote, 2_000 * QUOTE)
    before = desk.settlement.balance_of(desk.owner.address, token.address)
    assert desk.release(mandate).events == [Released(mandate.id, held)]
    assert desk.settlement.balance_of(desk.owner.address, token.address) == before + held


def test_works_in_a_market_whose_oracle_and_source_are_no_contracts_any_more(desk):
    """It calls nobody: what a mandate names may be anything by then."""
    market = desk.puppet(2_000 * 10**24)
    source = desk.deploy("Turncoat")
    long = desk.mandate(market=market, source=source.address, max_price_age=10**9)
    assert type(desk.open(desk.signal(market=market.id), desk.fill(long)).events[-1]) is Opened
    source.send(desk.stranger, "turn")
    desk.set_puppet(market, 2**256 - 1)
    assert desk.release(long).gas_used < 80_000


# ---- who may, and when


def test_refuses_whoever_is_not_the_owner(desk, reverts):
    """Not the filler that took the other side, nor who opened it, nor an operator of the owner's own balance."""
    long = desk.trading()
    desk.settlement.authorize(desk.owner, desk.operator.address)
    for somebody in (desk.operator, desk.filler, desk.publisher, desk.other, desk.stranger):
        with reverts("NotOwner", owner=desk.owner.address, caller=somebody.address):
            desk.settlement.release(somebody, long)


def test_refuses_a_mandate_that_names_somebody_else_as_its_owner(desk, reverts):
    long = desk.trading()
    with reverts("NoOpenTrade"):
        desk.settlement.release(desk.other, replace(long, owner=desk.other.address))


def test_refuses_where_nothing_is_open(desk, reverts):
    for idle in (desk.mandate(), desk.draft()):
        with reverts("NoOpenTrade", id=idle.id):
            desk.release(idle)


def test_releases_a_trade_once(desk, reverts):
    long = desk.trading()
    desk.release(long)
    with reverts("NoOpenTrade", id=long.id):
        desk.release(long)


def test_releases_no_trade_that_has_closed(desk, reverts):
    long = desk.trading()
    desk.set_price("2040")
    desk.close(long)
    with reverts("NoOpenTrade", id=long.id):
        desk.release(long)


# ---- what the mandate does then


def test_the_mandate_trades_again_once_it_has_cooled_down(desk, signal):
    long = desk.trading(cooldown=300)
    desk.release(long)
    over = desk.now + 300
    seen = signal(bar_time=over - 10)
    assert desk.check_open(seen, long, at=over - 1) is Reason.COOLING_DOWN
    assert type(desk.open(seen, long, at=over).events[-1]) is Opened


def test_the_signal_that_opened_the_trade_opens_no_other(desk, signal):
    long, seen = desk.mandate(cooldown=0), signal()
    desk.open(seen, long)
    desk.release(long)
    assert desk.open(seen, long).events[-1] == Refused(long.id, Reason.SIGNAL_USED)


def test_whoever_means_to_leave_cancels_too(desk, signal):
    long = desk.trading(cooldown=0)
    desk.settlement.cancel(desk.owner, long)
    desk.release(long)
    assert desk.check_open(signal(), long) is Reason.CANCELLED


@pytest.mark.parametrize("price", ["1000", "3000"])
def test_counts_neither_as_a_loss_nor_as_a_profit(desk, price):
    long = desk.trading(cooldown=0)
    desk.set_price("1980")
    desk.close(long)
    desk.set_price("2000")
    desk.open(desk.signal(), long)
    desk.set_price(price)
    desk.release(long)
    assert desk.settlement.state_of(long.id).drawdown == 20 * QUOTE


def test_the_next_trade_holds_what_it_took_itself(desk, signal):
    long = desk.trading(cooldown=0)
    desk.release(long)
    desk.open(signal(), desk.fill(long, given=1_000 * QUOTE))
    assert desk.release(long).events == [Released(long.id, BASE // 2)]


def changes(before, after):
    return {key: after[key] - before[key] for key in before if after[key] != before[key]}
