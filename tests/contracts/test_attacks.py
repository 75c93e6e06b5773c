"""Attacks on what a trade holds, on its barriers and on its size: each took something once, and takes nothing now.

Those on sources and tokens stand in `test_sources.py` and `test_deposit.py`, those on the price of an entry in
`test_ramp.py` and `test_named_filler.py`, and what is left to a thief of a model's key in `test_worst_case.py`.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from agent.chain.contracts import TokenContract
from agent.chain.events import Closed, Opened, Refused, Released
from agent.chain.values import Barrier, Reason, Side
from agent.errors import Reverted

BASE = 10**18
QUOTE = 10**6
SCALE = 10**36
UNIT = 10**24  # one whole quote token for a whole base token, as the contract counts
DAY = 86_400
YEAR = 365 * DAY


def empty(desk, *tokens):
    """Leave the owner nothing but what its trades hold."""
    for token in tokens or (desk.base, desk.quote):
        desk.leave(desk.owner, token)


def stops(desk, mandate):
    """A crash of a quarter, at which the mandate's trade must close."""
    desk.set_price("1500")
    [closed] = desk.close(mandate).events
    assert (type(closed), closed.barrier) == (Closed, Barrier.STOP_LOSS)


# ---- what a trade holds, nothing else can spend


def test_a_mandate_of_the_other_side_cannot_sell_what_a_trade_holds(desk):
    """Before, it did, and the stop-loss of the first answered OwnerBalance at -25 %."""
    long, short = desk.trading(), desk.mandate(side=Side.SHORT)
    empty(desk, desk.base)
    sold = desk.open(desk.signal(side=Side.SHORT), desk.fill(short)).events[-1]
    assert sold == Refused(short.id, Reason.OWNER_BALANCE)
    stops(desk, long)


def test_a_mandate_of_another_market_cannot_sell_what_a_trade_holds(desk):
    """Before, whoever filled that one kept the first open beyond its stop and its horizon."""
    long, elsewhere = desk.trading(), desk.puppet(2_000 * UNIT)
    other = desk.mandate(side=Side.SHORT, market=elsewhere, max_price_age=10**9)
    empty(desk, desk.base)
    sold = desk.open(desk.signal(side=Side.SHORT, market=elsewhere.id), desk.fill(other)).events[-1]
    assert sold == Refused(other.id, Reason.OWNER_BALANCE)
    stops(desk, long)


def test_what_a_short_holds_cannot_pay_for_a_long(desk):
    """Before, the quote that a Short had taken bought base for another mandate, and the Short could not be closed."""
    short, long = desk.trading(side=Side.SHORT), desk.mandate()
    empty(desk, desk.quote)
    assert desk.open(desk.signal(), long).events[-1] == Refused(long.id, Reason.OWNER_BALANCE)
    desk.set_price("2500")
    assert desk.close(short).events[0].barrier is Barrier.STOP_LOSS


def test_an_owner_cannot_withdraw_what_a_trade_holds(desk, reverts):
    """Before, an owner that took its tokens home had disarmed its own stop-loss, without a word."""
    long = desk.trading()
    empty(desk)
    with reverts("InsufficientBalance", balance=0, amount=1):
        desk.settlement.withdraw(desk.owner, desk.at.base, 1)
    stops(desk, long)


def test_an_operator_cannot_fill_out_of_what_a_trade_of_its_owner_holds(desk):
    """Before, an owner that was a filler, too, paid the fills of others with what its own trade had taken."""
    long, others = desk.trading(), desk.mandate(by=desk.other)
    empty(desk, desk.base)
    desk.settlement.authorize(desk.owner, desk.operator.address)
    filled = desk.open(desk.signal(), desk.fill(others, filler=desk.owner.address)).events[-1]
    assert filled == Refused(others.id, Reason.FILLER_BALANCE)
    stops(desk, long)


def test_the_close_of_one_trade_cannot_be_paid_with_what_another_holds(desk):
    """Before, the two shared one balance: with half of it gone, the second of two stops answered OwnerBalance."""
    trades = [desk.trading(), desk.trading()]
    empty(desk)
    desk.set_price("1500")
    assert [event.given for event in desk.close(*trades).events] == [BASE, BASE]


@pytest.mark.parametrize("side", Side)
def test_the_horizon_closes_three_hundred_days_later_whatever_its_owner_has_left(desk, side):
    """Before, the horizon of a trade whose holding had been spent answered OwnerBalance for ever."""
    mandate = desk.trading(side=side, max_price_age=10**9)
    empty(desk)
    assert desk.close(mandate, at=desk.now + 300 * DAY).events[0].barrier is Barrier.HORIZON


# ---- an owner can leave, and what it deposits later is its own


def dead_feed(desk, mandate):
    desk.feed.push(desk.publisher, 0)


def silent_feed(desk, mandate):
    desk.travel(YEAR)


def dishonest_feed(desk, mandate):
    desk.set_price("0.00000001")


def revoked_model(desk, mandate):
    desk.models.revoke(desk.publisher, desk.model)


def cancelled_mandate(desk, mandate):
    desk.settlement.cancel(desk.owner, mandate)


def expired_mandate(desk, mandate):
    desk.travel(mandate.expiry - desk.now + 1)


def filler_that_left(desk, mandate):
    desk.settlement.authorize(desk.filler, desk.operator.address, False)
    for token in (desk.base, desk.quote):
        desk.leave(desk.filler, token)


STUCK = (
    dead_feed,
    silent_feed,
    dishonest_feed,
    revoked_model,
    cancelled_mandate,
    expired_mandate,
    filler_that_left,
)


@pytest.mark.parametrize("stuck", STUCK, ids=lambda each: each.__name__)
@pytest.mark.parametrize("side", Side)
def test_an_owner_ends_its_trade_whatever_is_broken(desk, side, stuck):
    """Before, there was no way out: the trade stayed open until an oracle and a filler agreed to end it."""
    mandate = desk.trading(side=side)
    token, held = (desk.base, BASE) if side is Side.LONG else (desk.quote, 2_000 * QUOTE)
    empty(desk)
    stuck(desk, mandate)
    assert desk.release(mandate).events == [Released(mandate.id, held)]
    desk.settlement.withdraw(desk.owner, token.address, held)


def test_an_owner_ends_a_trade_of_a_token_that_is_paused(desk):
    """Before, that was impossible; the ledger needs no token to move, and the withdrawal waits until it does."""
    token = desk.deploy("ParalysedToken", kind=TokenContract)
    token.mint(desk.filler, desk.filler.address, BASE)
    token.approve(desk.filler, desk.settlement.address, BASE)
    desk.settlement.deposit(desk.filler, token.address, BASE)
    market = replace(desk.puppet(2_000 * UNIT), base=token.address)
    long = desk.mandate(market=market, max_price_age=10**9)
    assert isinstance(desk.open(desk.signal(market=market.id), desk.fill(long)).events[-1], Opened)
    token.send(desk.stranger, "paralyse")
    desk.release(long)
    assert desk.settlement.balance_of(desk.owner.address, token.address) == BASE


def test_a_deposit_of_a_year_later_is_not_sold_for_one_unit_to_a_dishonest_oracle(desk):
    """Before, the trade took 1 base out of it for 1 unit of quote; now it gives what it holds, and no more."""
    market = desk.puppet(2_000 * UNIT)
    long = desk.mandate(market=market, max_price_age=2**32 - 1)
    desk.open(desk.signal(market=market.id), desk.fill(long))
    empty(desk)
    desk.set_puppet(market, 0)
    desk.travel(YEAR)
    desk.settlement.deposit(desk.owner, desk.at.base, BASE)
    desk.set_puppet(market, 1)
    desk.close(desk.closing(long, given=BASE, taken=1), market=market)
    assert desk.settlement.balance_of(desk.owner.address, desk.at.base) == BASE


def test_whoever_left_before_the_oracle_turned_loses_nothing_to_it(desk):
    """Before, a trade that its owner had given up still took what the owner deposited later."""
    long = desk.trading()
    desk.settlement.cancel(desk.owner, long)
    desk.release(long)
    before = desk.ledger()
    desk.set_price("0.00000001")
    assert desk.close(desk.closing(long, given=BASE, taken=1)).events == [Refused(long.id, Reason.NO_TRADE)]
    assert desk.ledger() == before


# ---- slippage does not reach a barrier


# What a thief took in one transaction at an unmoved price: the slippage, beyond one of the barriers, which is named.
DRAINS = {
    "the stop of a Long, at the worst price": (
        "stopLossBps",
        {"side": Side.LONG, "stop_loss_bps": 50, "max_slippage_bps": 55},
    ),
    "the profit of a Long, at a better price": (
        "takeProfitBps",
        {"side": Side.LONG, "take_profit_bps": 50, "max_slippage_bps": 150, "stop_loss_bps": 200},
    ),
    "the stop of a Short, one basis point beyond the slippage": (
        "stopLossBps",
        {"side": Side.SHORT, "stop_loss_bps": 101, "max_slippage_bps": 100},
    ),
    "the profit of a Short, at a better price": (
        "takeProfitBps",
        {"side": Side.SHORT, "take_profit_bps": 50, "max_slippage_bps": 150, "stop_loss_bps": 200},
    ),
    "a stop that is as far as the slippage": ("stopLossBps", {"stop_loss_bps": 55, "max_slippage_bps": 55}),
    "a profit that is as far as the slippage": (
        "takeProfitBps",
        {"side": Side.SHORT, "take_profit_bps": 55, "max_slippage_bps": 55},
    ),
    "nearly everything": ("takeProfitBps", {"max_slippage_bps": 9_999, "take_profit_bps": 2**16 - 1}),
}


@pytest.mark.parametrize("signed", [False, True], ids=["created", "signed"])
@pytest.mark.parametrize(("field", "terms"), DRAINS.values(), ids=DRAINS)
def test_no_mandate_is_lodged_whose_slippage_reaches_a_barrier(desk, reverts, field, terms, signed):
    """Before, it opened and closed in one transaction at an unmoved price: 90 to 199 bps a trip, thirty trips a minute."""
    draft = desk.draft(**terms)
    with reverts("InvalidMandate", field=field):
        if signed:
            desk.settlement.create_for(desk.stranger, draft, desk.sign_mandate(draft))
        else:
            desk.settlement.create(desk.owner, draft)


@pytest.mark.parametrize("side", Side)
def test_the_worst_fill_that_a_sound_mandate_accepts_does_not_close_at_once(desk, side):
    """With a stop inside the slippage, thirty trips in a minute took a third of what an owner had."""
    mandate = desk.mandate(side=side, max_slippage_bps=50, take_profit_bps=52, stop_loss_bps=52, cooldown=0)
    desk.open(desk.signal(side=side), desk.worst(mandate))
    for _ in range(3):
        assert desk.close(desk.worst_closing(mandate)).events == [Refused(mandate.id, Reason.NO_BARRIER)]


@pytest.mark.parametrize("better_bps", [53, 60, 100, 10_000])
@pytest.mark.parametrize("side", Side)
def test_a_better_fill_that_is_a_profit_at_once_is_a_profit_for_its_owner(desk, side, better_bps):
    """With a profit inside the slippage, a fill 60 bps better closed at once as one, at 90 bps loss for its owner."""
    mandate = desk.mandate(side=side, max_slippage_bps=50, take_profit_bps=52, stop_loss_bps=52)
    fair = desk.fill(mandate)
    better = replace(fair, taken=fair.taken * (10_000 + better_bps) // 10_000)
    desk.open(desk.signal(side=side), better)
    [closed] = desk.close(desk.worst_closing(mandate)).events
    assert closed.barrier is Barrier.TAKE_PROFIT
    assert closed.taken > fair.given


# ---- profits do not bank losses


def trade(desk, mandate, price):
    """One trade of the mandate from 2,000 to a price at which a barrier holds; what the contract says then."""
    desk.set_price("2000")
    event = desk.open(desk.signal(side=mandate.side), mandate).events[-1]
    if isinstance(event, Refused):
        return event.reason
    desk.set_price(price)
    desk.close(mandate)
    return Reason.NONE


def test_after_a_win_the_limit_stops_as_many_losses_as_before(desk):
    """Before, a win of 200 with a limit of 30 let twelve losing trades follow."""
    mandate = desk.mandate(cooldown=0, drawdown_limit=30 * QUOTE)
    told = [trade(desk, mandate, price) for price in ("2200", "1980", "1980", "1980")]
    assert told == [Reason.NONE, Reason.NONE, Reason.NONE, Reason.DRAWDOWN_LIMIT]


def test_a_thief_cannot_bank_losses_with_a_win_that_it_pays_itself(desk):
    """Before, one fill far better than the price bought as much room below the limit as it had cost."""
    mandate = desk.mandate(cooldown=0, drawdown_limit=30 * QUOTE)
    gift = desk.fill(mandate, given=2_000 * QUOTE, taken=BASE * 11 // 10)
    desk.open(desk.signal(), gift)
    desk.close(mandate)
    told = [trade(desk, mandate, "1980") for _ in range(3)]
    assert told == [Reason.NONE, Reason.NONE, Reason.DRAWDOWN_LIMIT]


def test_the_wins_of_one_mandate_bank_nothing_for_that_of_the_other_side(desk):
    """Each counts its own, from its own best point: a Short's wins are no room for a Long, nor for itself."""
    long = desk.mandate(cooldown=0, drawdown_limit=30 * QUOTE)
    short = desk.mandate(cooldown=0, side=Side.SHORT, drawdown_limit=BASE // 100)
    assert trade(desk, short, "1600") is Reason.NONE
    assert [trade(desk, long, "1980") for _ in range(3)] == [Reason.NONE, Reason.NONE, Reason.DRAWDOWN_LIMIT]
    assert [trade(desk, short, "2020") for _ in range(3)] == [Reason.NONE, Reason.NONE, Reason.DRAWDOWN_LIMIT]


def test_a_win_that_its_owner_releases_banks_nothing_either(desk):
    mandate = desk.mandate(cooldown=0, drawdown_limit=30 * QUOTE)
    trade(desk, mandate, "1980")
    desk.set_price("2000")
    desk.open(desk.signal(), mandate)
    desk.set_price("2200")
    desk.release(mandate)
    assert [trade(desk, mandate, "1980") for _ in range(2)] == [Reason.NONE, Reason.DRAWDOWN_LIMIT]


# ---- a trade is worth its while


@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize("given", [1, 2, 99_999])
def test_a_trade_of_a_few_units_does_not_keep_a_mandate_busy(desk, side, given):
    """Before, two units occupied a mandate for its whole horizon, whatever its owner had asked for otherwise."""
    mandate = desk.mandate(side=side, min_amount=0)
    dust = desk.fill(mandate, given=given, taken=BASE if side is Side.LONG else QUOTE)
    assert desk.open(desk.signal(side=side), dust).events[-1] == Refused(mandate.id, Reason.AMOUNT_TOO_SMALL)


def test_an_amount_that_buys_a_few_units_does_not_keep_a_mandate_busy(desk):
    """Before, what was given for them could be worth as little as one unit, and the entry price was up to rounding."""
    market = desk.puppet(10**31)
    short = desk.mandate(side=Side.SHORT, market=market, max_price_age=10**9)
    dust = desk.fill(short, given=9_999_900_000, taken=99_999)
    assert desk.check_open(desk.signal(side=Side.SHORT, market=market.id), dust) is Reason.AMOUNT_TOO_SMALL


@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize("price", [1, 5, 99, 10**9 - 1])
def test_nothing_opens_at_a_price_of_so_few_digits_that_barriers_collapse(desk, side, price):
    """Before, both barriers of a Short at a price of 5 were its entry: it closed at once, at all that slippage allows."""
    market = plenty(desk, price)
    mandate = desk.mandate(side=side, market=market, max_price_age=10**9)
    given, taken = (20 * price, 20 * SCALE) if side is Side.LONG else (20 * SCALE, 20 * price)
    opened = desk.open(
        desk.signal(side=side, market=market.id), desk.fill(mandate, given=given, taken=taken)
    ).events[-1]
    assert opened == Refused(mandate.id, Reason.PRICE_INVALID)


def plenty(desk, price):
    """A market of a base token that is worth next to nothing, of which everybody has as much as the ledger takes."""
    token = desk.deploy("FreeToken", kind=TokenContract)
    for trader in (desk.owner, desk.filler):
        token.mint(trader, trader.address, 100 * SCALE)
        token.approve(trader, desk.settlement.address, 100 * SCALE)
        desk.settlement.deposit(trader, token.address, 100 * SCALE)
    return replace(desk.puppet(price), base=token.address)


def test_nothing_of_a_failed_attack_stays(desk):
    """The same call, whoever sends it, leaves everything as it was."""
    long = desk.trading()
    before = desk.stored()
    for thief in (desk.filler, desk.operator, desk.stranger):
        with pytest.raises(Reverted):
            desk.settlement.release(thief, long)
        with pytest.raises(Reverted):
            desk.settlement.cancel(thief, long)
    assert desk.stored() == before
