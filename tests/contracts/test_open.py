"""`open`: what a settled fill changes, what a refused one does not, and that a signal is used once."""

from __future__ import annotations

from dataclasses import replace

import pytest
from eth_abi import encode

from agent.chain.events import Opened, Presented, Refused
from agent.chain.values import MandateState, Reason, Side

BASE = 10**18
QUOTE = 10**6
PRICE = 2_000 * 10**24  # 2,000 quote tokens (6 decimals) for a base token (18), as the contract counts


# ---- one fill


def test_a_long_gives_quote_and_its_trade_takes_base(desk, mandate, signal):
    long, before = mandate(side=Side.LONG), desk.ledger()
    desk.open(signal(side=Side.LONG), desk.fill(long, given=2_000 * QUOTE, taken=BASE))
    assert changes(before, desk.ledger()) == {
        ("owner", "quote"): -2_000 * QUOTE,
        ("filler", "quote"): +2_000 * QUOTE,
        ("filler", "base"): -BASE,
    }


def test_a_short_gives_base_and_its_trade_takes_quote(desk, mandate, signal):
    short, before = mandate(side=Side.SHORT), desk.ledger()
    desk.open(signal(side=Side.SHORT), desk.fill(short, given=BASE, taken=2_000 * QUOTE))
    assert changes(before, desk.ledger()) == {
        ("owner", "base"): -BASE,
        ("filler", "base"): +BASE,
        ("filler", "quote"): -2_000 * QUOTE,
    }


def test_logs_the_signal_the_amounts_and_the_oracles_price(desk, mandate, signal):
    long, seen = mandate(), signal()
    assert desk.open(seen, desk.fill(long, given=2_000 * QUOTE, taken=BASE)).events == [
        Presented(seen.model, seen.market, seen),
        Opened(long.id, desk.filler.address, given=2_000 * QUOTE, taken=BASE, price=PRICE),
    ]


def test_remembers_the_trade_and_the_bar_of_its_signal(desk, mandate, signal):
    long, seen = mandate(), signal()
    desk.open(seen, desk.fill(long, given=2_000 * QUOTE, taken=BASE), at=seen.bar_time + 7)
    assert desk.settlement.trade_of(long.id) == (2_000 * QUOTE, BASE)
    assert desk.settlement.state_of(long.id) == MandateState(
        usable_from=seen.bar_time + 1, changed_at=seen.bar_time + 7, trading=True, cancelled=False, drawdown=0
    )


def test_moves_no_token(desk, mandate, signal):
    before = wallets(desk)
    desk.open(signal(), mandate())
    assert wallets(desk) == before


def test_an_owner_may_receive_more_than_the_price(desk, mandate, signal):
    generous = desk.fill(mandate(), given=2_000 * QUOTE, taken=3 * BASE)
    assert desk.open(signal(), generous).events[-1].taken == 3 * BASE


def test_short_slippage_is_counted_in_quote(desk, mandate, signal):
    short = mandate(side=Side.SHORT, max_slippage_bps=50)
    least = 2_000 * QUOTE * 9_950 // 10_000
    assert desk.check_open(signal(side=Side.SHORT), desk.fill(short, taken=least - 1)) is Reason.SLIPPAGE
    assert desk.check_open(signal(side=Side.SHORT), desk.fill(short, taken=least)) is Reason.NONE


def test_nothing_given_is_too_small_even_without_a_minimum(desk, mandate, signal):
    nothing = desk.fill(mandate(min_amount=0), given=0, taken=BASE)
    assert desk.check_open(signal(), nothing) is Reason.AMOUNT_TOO_SMALL


def test_an_owner_needs_what_it_gives_and_nothing_of_what_it_takes(desk, mandate, signal):
    short = mandate(side=Side.SHORT)
    desk.leave(desk.owner, desk.quote)
    desk.leave(desk.owner, desk.base, BASE)
    assert type(desk.open(signal(side=Side.SHORT), desk.fill(short, given=BASE)).events[-1]) is Opened
    assert desk.ledger()["owner", "base"] == desk.ledger()["owner", "quote"] == 0


def test_what_a_trade_took_counts_in_nobodys_balance(desk, mandate, signal):
    """It is owed all the same: the tokens are there."""
    held, owed = desk.held(desk.base), sum_of(desk, "base")
    desk.open(signal(), desk.fill(mandate(), taken=BASE + 7))
    assert desk.held(desk.base) == held
    assert sum_of(desk, "base") == owed - (BASE + 7)


@pytest.mark.parametrize("patterns", [0, 0b0001, 0b1000_0000, 2**32 - 1])
def test_a_mandate_without_patterns_accepts_any(desk, mandate, signal, patterns):
    assert desk.check_open(signal(patterns=patterns), mandate(patterns=0)) is Reason.NONE


def test_a_signal_without_patterns_has_none_of_those_asked_for(desk, mandate, signal):
    assert desk.check_open(signal(patterns=0), mandate(patterns=2**32 - 1)) is Reason.WRONG_PATTERN


# ---- exactly once


def test_a_signal_opens_a_mandate_once(desk, signal):
    mandate = desk.mandate(cooldown=0)
    used = signal()
    desk.open(used, mandate)
    desk.set_price("2040")
    desk.close(mandate)
    assert desk.open(used, mandate).events[-1] == Refused(mandate.id, Reason.SIGNAL_USED)


def test_a_signal_of_an_earlier_bar_than_the_last_one_used_is_used_too(desk, signal):
    mandate = desk.mandate(cooldown=0)
    used = signal()
    desk.open(used, mandate)
    desk.set_price("2040")
    desk.close(mandate)
    for bar_time, reason in [
        (used.bar_time - 1, Reason.SIGNAL_USED),
        (used.bar_time, Reason.SIGNAL_USED),
        (used.bar_time + 1, Reason.NONE),
    ]:
        another = signal(bar_time=bar_time, inputs=b"\x33" * 32)
        assert desk.check_open(another, mandate) is reason


def test_a_refused_signal_is_not_used_up(desk, mandate, signal):
    long, seen = mandate(), signal()
    too_little = desk.fill(long, taken=BASE // 2)
    assert desk.open(seen, too_little).events[-1] == Refused(long.id, Reason.SLIPPAGE)
    assert isinstance(desk.open(seen, long).events[-1], Opened)


def test_a_signal_opens_every_mandate_that_accepts_it(desk, mandate, signal):
    first, second = mandate(), mandate(by=desk.other)
    seen = signal()
    assert desk.open(seen, first).events[-1].id == first.id
    assert desk.open(seen, second).events[-1].id == second.id


def test_a_mandate_twice_in_a_batch_opens_once(desk, mandate, signal):
    long, before = mandate(), desk.ledger()
    fill = desk.fill(long, given=2_000 * QUOTE, taken=BASE)
    opened, refused = desk.open(signal(), fill, fill).events[1:]
    assert (type(opened), refused) == (Opened, Refused(long.id, Reason.TRADE_OPEN))
    assert changes(before, desk.ledger()) == {
        ("owner", "quote"): -2_000 * QUOTE,
        ("filler", "quote"): +2_000 * QUOTE,
        ("filler", "base"): -BASE,
    }


# ---- batches


def test_without_fills_a_signal_is_presented_and_nothing_else_happens(desk, signal):
    seen = signal()
    assert desk.open(seen).events == [Presented(seen.model, seen.market, seen)]


def test_each_fill_of_a_batch_is_judged_on_its_own(desk, mandate, signal):
    good, picky, late = mandate(), mandate(by=desk.other, min_confidence_bps=9_000), mandate(by=desk.other)
    desk.settlement.cancel(desk.other, late)
    last = mandate(by=desk.other)
    opened, low, cancelled, also = desk.open(signal(), good, picky, late, last).events[1:]
    assert (type(opened), opened.id) == (Opened, good.id)
    assert low == Refused(picky.id, Reason.LOW_CONFIDENCE)
    assert cancelled == Refused(late.id, Reason.CANCELLED)
    assert (type(also), also.id) == (Opened, last.id)


def test_a_batch_spends_a_balance_only_once(desk, mandate, signal):
    first, second = mandate(), mandate(by=desk.other)
    rest = desk.settlement.balance_of(desk.filler.address, desk.at.base) - (2 * BASE - 1)
    desk.settlement.withdraw(desk.filler, desk.at.base, rest)
    events = desk.open(signal(), desk.fill(first, taken=BASE), desk.fill(second, taken=BASE)).events
    assert isinstance(events[1], Opened)
    assert events[2] == Refused(second.id, Reason.FILLER_BALANCE)


@pytest.mark.parametrize("turned", [False, True], ids=["paid before", "not paid yet"])
def test_what_one_fill_delivers_the_next_may_use(desk, mandate, signal, turned):
    """The second mandate is the filler's own: what it gives, the first has just paid."""
    first, second = mandate(), mandate(by=desk.filler)
    desk.settlement.authorize(desk.other, desk.operator.address, True)
    balance = desk.settlement.balance_of(desk.filler.address, desk.at.quote)
    desk.settlement.withdraw(desk.filler, desk.at.quote, balance)
    fills = [
        desk.fill(first, given=2_000 * QUOTE, taken=BASE),
        desk.fill(second, filler=desk.other.address, given=2_000 * QUOTE, taken=BASE),
    ]

    events = desk.open(signal(), *(reversed(fills) if turned else fills)).events[1:]

    if turned:
        assert events[0] == Refused(second.id, Reason.OWNER_BALANCE)
    assert [type(each) for each in events] == ([Refused, Opened] if turned else [Opened, Opened])


# ---- oracles


ORACLES = {
    "is no contract": lambda desk: desk.stranger.address,
    "reverts": lambda desk: desk.deploy("Mute").address,
    "returns nothing": lambda desk: desk.deploy("Parrot", b"").address,
    "has a price and no time": lambda desk: desk.deploy("Parrot", encode(["uint256"], [PRICE])).address,
    "has a price and most of a time": lambda desk: desk.deploy("Parrot", told(desk)[:63]).address,
    "has a price and reverts": lambda desk: desk.quitter(told(desk)),
    "has no price": lambda desk: desk.puppet(0).oracle,
    "has a price beyond all bounds": lambda desk: desk.puppet(2**256 - 1).oracle,
}


@pytest.mark.parametrize("oracle", ORACLES.values(), ids=ORACLES)
def test_an_oracle_without_a_usable_price_is_a_reason_not_a_revert(desk, mandate, signal, oracle):
    market = replace(desk.market, oracle=oracle(desk))
    long = mandate(market=market, max_price_age=2**32 - 1)
    seen, fill = signal(market=market.id), desk.fill(long, given=2_000 * QUOTE, taken=BASE)
    assert desk.check_open(seen, fill) is Reason.PRICE_INVALID
    assert desk.open(seen, fill).events[-1] == Refused(long.id, Reason.PRICE_INVALID)


def test_nothing_opens_in_the_very_second_of_a_close_or_a_release(desk):
    """Before, where the oracle moved several times within a block, so many trips were possible in it."""
    mandate = desk.trading(cooldown=0)
    desk.settlement.release(desk.owner, mandate)
    seen = desk.signal(bar_time=desk.now)
    arguments = (seen, desk.sign(seen), desk.fill(mandate))
    assert desk.settlement.check_open(desk.operator.address, *arguments) is Reason.COOLING_DOWN
    assert desk.check_open(seen, mandate, at=desk.now + 1) is Reason.NONE


def told(desk):
    """A price of now, as an oracle answers it."""
    return encode(["uint256", "uint256"], [PRICE, desk.now])


def test_what_an_oracle_says_beyond_its_price_and_time_is_passed_over(desk, mandate, signal):
    talkative = desk.deploy("Parrot", told(desk) + bytes(32)).address
    market = replace(desk.market, oracle=talkative)
    long = mandate(market=market, max_price_age=2**32 - 1)
    fill = desk.fill(long, given=2_000 * QUOTE, taken=BASE)
    assert [type(each) for each in desk.open(signal(market=market.id), fill).events[1:]] == [Opened]


def test_a_price_from_the_future_is_none(desk, mandate, signal):
    market = desk.puppet(PRICE)
    long, seen = mandate(market=market, max_price_age=2**32 - 1), signal(market=market.id)
    fill = desk.fill(long, given=2_000 * QUOTE, taken=BASE)
    desk.set_puppet(market, PRICE, updated_at=seen.bar_time + 1)
    assert desk.check_open(seen, fill) is Reason.PRICE_INVALID
    assert desk.check_open(seen, fill, at=seen.bar_time + 1) is Reason.NONE


@pytest.mark.parametrize("answer", [0, -1, -(2**127)])
def test_a_feed_without_a_positive_answer_settles_nothing(desk, mandate, signal, answer):
    desk.feed.push(desk.publisher, answer)
    fill = desk.fill(mandate(), given=2_000 * QUOTE, taken=BASE)
    assert desk.check_open(signal(), fill) is Reason.PRICE_INVALID


def sum_of(desk, what):
    return sum(amount for (_, token), amount in desk.ledger().items() if token == what)


def changes(before, after):
    return {key: after[key] - before[key] for key in before if after[key] != before[key]}


def wallets(desk):
    accounts = [desk.owner.address, desk.other.address, desk.filler.address, desk.settlement.address]
    return [token.balance_of(account) for token in (desk.base, desk.quote) for account in accounts]
