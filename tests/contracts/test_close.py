"""`close`: the three barriers at their exact prices and times, what a close moves, and what it counts as a loss."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent.chain.events import Closed, Refused
from agent.chain.values import Barrier, Levels, MandateState, Reason, Side

BASE = 10**18
QUOTE = 10**6
SCALE = 10**36
UNIT = 10**24  # one whole quote token for a whole base token, as the contract counts

# Entry at 2,000 with a take-profit of 200 bps and a stop-loss of 100 bps.
LEVELS = [
    (Side.LONG, "2040", Barrier.TAKE_PROFIT),
    (Side.LONG, "2039.99999999", Barrier.NONE),
    (Side.LONG, "1980", Barrier.STOP_LOSS),
    (Side.LONG, "1980.00000001", Barrier.NONE),
    (Side.LONG, "2000", Barrier.NONE),
    (Side.SHORT, "1960", Barrier.TAKE_PROFIT),
    (Side.SHORT, "1960.00000001", Barrier.NONE),
    (Side.SHORT, "2020", Barrier.STOP_LOSS),
    (Side.SHORT, "2019.99999999", Barrier.NONE),
    (Side.SHORT, "2000", Barrier.NONE),
]
GAPS = [
    (Side.LONG, "5000", Barrier.TAKE_PROFIT),
    (Side.LONG, "3", Barrier.STOP_LOSS),
    (Side.SHORT, "3", Barrier.TAKE_PROFIT),
    (Side.SHORT, "5000", Barrier.STOP_LOSS),
]


# ---- barriers


@pytest.mark.parametrize(("side", "price", "barrier"), LEVELS + GAPS)
def test_a_price_at_or_beyond_a_barrier_closes(desk, side, price, barrier):
    mandate = desk.trading(side=side, take_profit_bps=200, stop_loss_bps=100)
    desk.set_price(price)
    reason, touched = desk.check_close(mandate)
    assert touched is barrier
    assert reason is (Reason.NO_BARRIER if barrier is Barrier.NONE else Reason.NONE)
    [event] = desk.close(mandate).events
    assert getattr(event, "barrier", Barrier.NONE) is barrier


@pytest.mark.parametrize("side", Side)
def test_the_horizon_closes_at_any_price_to_the_second(desk, side):
    mandate = desk.trading(side=side, horizon=3_600)
    ends = desk.now + 3_600
    assert desk.check_close(mandate, at=ends - 1) == (Reason.NO_BARRIER, Barrier.NONE)
    assert desk.close(mandate, at=ends).events[0].barrier is Barrier.HORIZON


@pytest.mark.parametrize(
    ("price", "barrier"),
    [("1980", Barrier.STOP_LOSS), ("2040", Barrier.TAKE_PROFIT), ("2000", Barrier.HORIZON)],
)
def test_after_the_horizon_a_barrier_of_price_still_gives_its_name(desk, price, barrier):
    mandate = desk.trading(horizon=60)
    desk.set_price(price)
    assert desk.check_close(mandate, at=desk.now + 600) == (Reason.NONE, barrier)


@pytest.mark.parametrize(
    ("side", "take_profit", "stop_loss"), [(Side.LONG, 2_040, 1_980), (Side.SHORT, 1_960, 2_020)]
)
def test_barriers_of_says_where_a_trade_ends(desk, side, take_profit, stop_loss):
    mandate = desk.trading(side=side, take_profit_bps=200, stop_loss_bps=100, horizon=3_600)
    assert desk.settlement.barriers_of(mandate) == Levels(
        take_profit=take_profit * UNIT, stop_loss=stop_loss * UNIT, horizon=desk.now + 3_600
    )


def test_barriers_are_measured_from_what_was_paid_not_from_the_oracle(desk, mandate, signal):
    long = mandate(take_profit_bps=200, stop_loss_bps=100)
    desk.open(signal(), desk.fill(long, given=2_010 * QUOTE, taken=BASE))
    assert desk.settlement.barriers_of(long) == Levels(
        take_profit=2_010 * UNIT * 102 // 100, stop_loss=2_010 * UNIT * 99 // 100, horizon=desk.now + 3_600
    )


def test_without_an_open_trade_there_are_no_barriers(desk, mandate, reverts):
    idle = mandate()
    with reverts("NoOpenTrade", id=idle.id):
        desk.settlement.barriers_of(idle)
    with reverts("NoOpenTrade"):
        desk.settlement.barriers_of(desk.draft())


@pytest.fixture
def market(desk):
    """A market whose price can be any that the contract can count."""
    return desk.puppet(UNIT)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    side=st.sampled_from(Side),
    price=st.integers(min_value=10**35, max_value=10**37),
    given_=st.integers(min_value=10**5, max_value=10**9),
    bonus=st.integers(min_value=10**6, max_value=10**11),
    profit=st.integers(min_value=52, max_value=9_999),
    loss=st.integers(min_value=52, max_value=9_999),
)
def test_a_trade_closes_exactly_where_barriers_of_says(desk, market, side, price, given_, bonus, profit, loss):
    with desk.chain.undone():
        desk.set_puppet(market, price)
        mandate = desk.mandate(
            market=market, side=side, take_profit_bps=profit, stop_loss_bps=loss, max_price_age=2**32 - 1
        )
        fill = desk.fill(mandate, given=given_, taken=fair(given_, price, side) + bonus)
        desk.open(desk.signal(side=side, market=market.id), fill)
        levels = desk.settlement.barriers_of(mandate)
        assert levels == expected_levels(fill, desk.now)

        def touched(price):
            desk.set_puppet(market, price)
            return desk.check_close(desk.closing(mandate, taken=0), market=market)[1]

        outwards = 1 if side is Side.LONG else -1
        assert touched(levels.take_profit) is Barrier.TAKE_PROFIT
        assert touched(levels.take_profit - outwards) is Barrier.NONE
        assert touched(levels.stop_loss + outwards) is Barrier.NONE
        assert touched(levels.stop_loss) is Barrier.STOP_LOSS


# ---- what moves


def test_a_long_gives_back_the_base_that_it_holds_for_quote(desk):
    long = desk.trading(side=Side.LONG)
    before = desk.ledger()
    desk.set_price("2040")
    desk.close(desk.closing(long, given=BASE, taken=2_040 * QUOTE))
    assert changes(before, desk.ledger()) == {
        ("filler", "base"): +BASE,
        ("filler", "quote"): -2_040 * QUOTE,
        ("owner", "quote"): +2_040 * QUOTE,
    }


def test_a_short_gives_back_the_quote_that_it_holds_for_base(desk):
    short = desk.trading(side=Side.SHORT)
    before = desk.ledger()
    desk.set_price("1600")
    desk.close(desk.closing(short, given=2_000 * QUOTE, taken=BASE * 5 // 4))
    assert changes(before, desk.ledger()) == {
        ("filler", "quote"): +2_000 * QUOTE,
        ("filler", "base"): -BASE * 5 // 4,
        ("owner", "base"): +BASE * 5 // 4,
    }


def test_logs_the_amounts_the_price_and_the_barrier(desk):
    long = desk.trading()
    desk.set_price("2040")
    assert desk.close(long).events == [
        Closed(
            long.id,
            desk.filler.address,
            given=BASE,
            taken=2_040 * QUOTE,
            price=2_040 * UNIT,
            barrier=Barrier.TAKE_PROFIT,
        )
    ]


def test_moves_no_token(desk):
    long = desk.trading()
    desk.set_price("2040")
    before = desk.held(desk.base), desk.held(desk.quote)
    desk.close(long)
    assert (desk.held(desk.base), desk.held(desk.quote)) == before


@pytest.mark.parametrize("side", Side)
def test_a_close_needs_nothing_of_its_owners_balance(desk, side):
    mandate = desk.trading(side=side)
    for token in (desk.base, desk.quote):
        desk.leave(desk.owner, token)
    desk.set_price("2500" if side is Side.LONG else "1600")
    assert desk.check_close(mandate)[0] is Reason.NONE
    [closed] = desk.close(mandate).events
    what = "quote" if side is Side.LONG else "base"
    assert desk.ledger()["owner", what] == closed.taken


def test_another_filler_than_the_one_who_opened_may_close(desk):
    long = desk.trading()
    desk.set_price("2040")
    offer = desk.closing(long, filler=desk.other.address)
    assert desk.close(offer, by=desk.other).events[0].filler == desk.other.address


def test_the_bounds_on_the_opening_price_hold_no_close_up(desk):
    long = desk.trading(min_price=1_990 * UNIT, max_price=2_010 * UNIT)
    desk.set_price("2040")
    assert desk.check_close(long) == (Reason.NONE, Barrier.TAKE_PROFIT)


def test_an_expired_mandate_still_closes(desk):
    long = desk.trading(expiry=desk.now + 1_000)
    assert desk.close(long, at=desk.now + 5_000).events[0].barrier is Barrier.HORIZON


@pytest.mark.parametrize("given", [0, BASE - 1, BASE + 1])
def test_a_trade_closes_whole_or_not_at_all(desk, given):
    mandate = desk.trading()
    desk.set_price("2040")
    part = desk.closing(mandate, given=given, taken=2_040 * QUOTE)
    assert desk.close(part).events == [Refused(mandate.id, Reason.AMOUNT_MISMATCH)]


def test_a_trade_closes_once(desk):
    long = desk.trading()
    desk.set_price("2040")
    fill = desk.closing(long)
    closed, refused = desk.close(fill, fill).events
    assert (type(closed), refused) == (Closed, Refused(long.id, Reason.NO_TRADE))


def test_each_fill_of_a_batch_is_judged_on_its_own(desk):
    first, never, patient = desk.trading(), desk.mandate(by=desk.other), desk.trading(take_profit_bps=5_000)
    last = desk.trading(by=desk.other)
    desk.set_price("2040")
    fills = (first, desk.closing(never, given=BASE), patient, last)
    closed, no_trade, no_barrier, also = desk.close(*fills).events
    assert (type(closed), closed.id) == (Closed, first.id)
    assert no_trade == Refused(never.id, Reason.NO_TRADE)
    assert no_barrier == Refused(patient.id, Reason.NO_BARRIER)
    assert (type(also), also.id) == (Closed, last.id)


@pytest.mark.parametrize("field", ["base", "quote", "oracle"])
def test_a_market_that_differs_in_one_contract_is_another(desk, field):
    long = desk.trading()
    desk.set_price("2040")
    elsewhere = replace(desk.market, **{field: desk.stranger.address})
    assert desk.check_close(long, market=elsewhere) == (Reason.WRONG_MARKET, Barrier.NONE)


# ---- the loss that is counted


@pytest.mark.parametrize(
    ("side", "price", "taken", "loss"),
    [
        (Side.LONG, "1980", 1_980 * QUOTE, 20 * QUOTE),
        (Side.LONG, "2040", 2_040 * QUOTE, 0),
        (Side.SHORT, "2500", BASE * 4 // 5, BASE // 5),
        (Side.SHORT, "1600", BASE * 5 // 4, 0),
    ],
)
def test_the_drawdown_is_counted_in_the_token_given(desk, side, price, taken, loss):
    mandate = desk.trading(side=side)
    opened = desk.settlement.state_of(mandate.id)
    desk.set_price(price)
    desk.close(desk.closing(mandate, taken=taken))
    assert desk.settlement.state_of(mandate.id) == MandateState(
        usable_from=opened.usable_from, changed_at=desk.now, trading=False, cancelled=False, drawdown=loss
    )


def test_profits_offset_losses_and_never_bank_any(desk):
    """What is counted is the loss since the best point so far: it never falls below zero."""
    mandate = desk.trading(cooldown=0, drawdown_limit=60 * QUOTE)
    counted = []
    for price in ("2040", "1980", "1970", "2040", "2040", "1980", "1955"):
        if not desk.settlement.state_of(mandate.id).trading:
            desk.set_price("2000")
            assert desk.open(desk.signal(), mandate).events[1].given == 2_000 * QUOTE
        desk.set_price(price)
        desk.close(mandate)
        counted.append(desk.settlement.state_of(mandate.id).drawdown // QUOTE)
    assert counted == [0, 20, 50, 10, 0, 20, 65]
    assert desk.check_open(desk.signal(), mandate) is Reason.DRAWDOWN_LIMIT


@pytest.mark.parametrize(("more", "drawdown"), [(-1, 1), (0, 0), (1, 0)])
def test_a_loss_of_one_unit_counts_and_a_profit_of_one_does_not(desk, more, drawdown):
    mandate = desk.trading(horizon=1)
    desk.close(desk.closing(mandate, taken=2_000 * QUOTE + more))
    assert desk.settlement.state_of(mandate.id).drawdown == drawdown


def test_a_profit_of_exactly_the_drawdown_leaves_none_and_one_unit_less_leaves_one(desk):
    mandate = desk.trading(cooldown=0)
    desk.set_price("1980")
    desk.close(mandate)
    for returned, drawdown in [(2_019_999_999, 1), (2_020_000_000, 0)]:
        with desk.chain.undone():
            desk.set_price("2000")
            desk.open(desk.signal(), desk.fill(mandate, given=2_000 * QUOTE))
            desk.travel(mandate.horizon)
            desk.close(desk.closing(mandate, taken=returned))
            assert desk.settlement.state_of(mandate.id).drawdown == drawdown


def test_nothing_of_the_trade_is_left_with_the_mandate_when_all_of_it_is_lost(desk):
    """The largest loss there is: all that was given, for the one unit that a price of next to nothing is worth."""
    market = desk.puppet(2_000 * UNIT)
    mandate = desk.mandate(market=market, max_price_age=10**9, drawdown_limit=2**128 - 1)
    desk.open(desk.signal(market=market.id), desk.fill(mandate, given=2_000 * QUOTE, taken=BASE))
    desk.set_puppet(market, 1)
    desk.close(desk.closing(mandate, given=BASE, taken=1), market=market)
    assert desk.settlement.state_of(mandate.id).drawdown == 2_000 * QUOTE - 1


def test_the_last_trade_may_take_the_loss_beyond_the_limit_but_none_follows(desk):
    mandate = desk.trading(cooldown=0, drawdown_limit=1)
    desk.set_price("1")
    desk.close(mandate)
    assert desk.settlement.state_of(mandate.id).drawdown == 1_999 * QUOTE
    assert desk.check_open(desk.signal(), mandate) is Reason.DRAWDOWN_LIMIT


def fair(given, price, side):
    """What `given` is worth, rounded up."""
    return -(-given * SCALE // price) if side is Side.LONG else -(-given * price // SCALE)


def expected_levels(fill, opened_at):
    """The barriers as the interface defines them, worked out apart from the contract."""
    mandate = fill.mandate
    long = mandate.side is Side.LONG
    base, quote = (fill.taken, fill.given) if long else (fill.given, fill.taken)
    entry, up, down = quote * SCALE // base, 10_000 + mandate.take_profit_bps, 10_000 - mandate.stop_loss_bps
    if not long:
        up, down = 10_000 - mandate.take_profit_bps, 10_000 + mandate.stop_loss_bps
    return Levels(
        take_profit=entry * up // 10_000, stop_loss=entry * down // 10_000, horizon=opened_at + mandate.horizon
    )


def changes(before, after):
    return {key: after[key] - before[key] for key in before if after[key] != before[key]}
