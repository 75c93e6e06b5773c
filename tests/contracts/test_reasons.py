"""Every reason for which a fill is refused, each at its edge: the last offer that settles, and the first that does not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from agent.chain.events import Closed, Opened, Presented, Refused
from agent.chain.values import Reason, Side

BASE = 10**18
QUOTE = 10**6
PRICE = 2_000 * 10**24  # 2,000 quote tokens (6 decimals) for a base token (18), as the contract counts
MAX_PRICE = (2**128 - 1) * 10**36
LEAST = 100_000  # units, of either token, that a trade opens with

Ask = tuple[tuple[Any, ...], dict[str, Any]]
Case = Callable[[Any, int], Ask]


def ask(*arguments: Any, **options: Any) -> Ask:
    """Arguments of `desk.open` and `desk.check_open`, or of `desk.close` and `desk.check_close`."""
    return arguments, options


# ---- opens: with `beyond` 0 each settles, with 1 each is refused


def open_unknown_mandate(desk, beyond):
    return ask(desk.signal(), desk.draft() if beyond else desk.mandate())


def open_cancelled(desk, beyond):
    mandate = desk.mandate()
    if beyond:
        desk.settlement.cancel(desk.owner, mandate)
    return ask(desk.signal(), mandate)


def open_expired(desk, beyond):
    expiry = desk.now + 1_000
    return ask(desk.signal(bar_time=expiry - 10), desk.mandate(expiry=expiry), at=expiry + beyond)


def open_wrong_model(desk, beyond):
    return ask(desk.signal(model=bytes(32) if beyond else desk.model), desk.mandate())


def open_wrong_market(desk, beyond):
    elsewhere = replace(desk.market, oracle=desk.stranger.address)
    return ask(desk.signal(market=elsewhere.id if beyond else desk.market.id), desk.mandate())


def open_wrong_side(desk, beyond):
    return ask(desk.signal(side=Side(beyond)), desk.mandate(side=Side.LONG))


def open_wrong_pattern(desk, beyond):
    return ask(desk.signal(patterns=0b1001 if beyond else 0b1011), desk.mandate(patterns=0b0110))


def open_low_confidence(desk, beyond):
    return ask(desk.signal(confidence_bps=6_000 - beyond), desk.mandate(min_confidence_bps=6_000))


def open_signal_from_future(desk, beyond):
    signal = desk.signal()
    return ask(signal, desk.mandate(), at=signal.bar_time - beyond)


def open_signal_stale(desk, beyond):
    closed = desk.now + 60
    signal = desk.signal(bar_time=closed, valid_until=closed + 1_000)
    return ask(signal, desk.mandate(max_signal_age=300), at=closed + 300 + beyond)


def open_signal_expired(desk, beyond):
    closed = desk.now + 60
    signal = desk.signal(bar_time=closed, valid_until=closed + 300)
    return ask(signal, desk.mandate(max_signal_age=1_000), at=closed + 300 + beyond)


def open_signal_used(desk, beyond):
    mandate = desk.mandate()
    return ask(desk.signal(bar_time=desk.now - beyond), mandate)


def open_not_vouched(desk, beyond):
    signal = desk.signal()
    return ask(signal, desk.mandate(), evidence=desk.sign(signal, key=desk.stranger if beyond else desk.key))


def open_trade_open(desk, beyond):
    mandate = desk.trading(cooldown=0)
    desk.set_price("2040")
    if not beyond:
        desk.close(mandate)
    return ask(desk.signal(), mandate)


def open_cooling_down(desk, beyond):
    mandate = desk.trading(cooldown=300)
    desk.set_price("2040")
    desk.close(mandate)
    closed = desk.now
    return ask(desk.signal(bar_time=closed + 100), mandate, at=closed + 300 - beyond)


def open_drawdown_limit(desk, beyond):
    mandate = desk.trading(drawdown_limit=20 * QUOTE + 1 - beyond, cooldown=0)
    desk.set_price("1980")
    desk.close(mandate)
    assert desk.settlement.state_of(mandate.id).drawdown == 20 * QUOTE
    return ask(desk.signal(), mandate)


def open_price_invalid__beyond_all_bounds(desk, beyond):
    market = desk.puppet(MAX_PRICE + beyond)
    fill = desk.fill(desk.mandate(market=market), given=LEAST, taken=LEAST)
    return ask(desk.signal(market=market.id), fill)


def open_price_invalid__of_too_few_digits(desk, beyond):
    market = desk.puppet(10**9 - beyond)
    fill = desk.fill(desk.mandate(market=market, side=Side.SHORT), given=LEAST, taken=LEAST)
    return ask(desk.signal(market=market.id, side=Side.SHORT), fill)


def open_price_stale(desk, beyond):
    desk.set_price("2000")
    updated = desk.now
    return ask(desk.signal(bar_time=updated + 900), desk.mandate(max_price_age=1_000), at=updated + 1_000 + beyond)


def open_price_too_low(desk, beyond):
    return ask(desk.signal(), desk.mandate(min_price=PRICE + beyond))


def open_price_too_high(desk, beyond):
    return ask(desk.signal(), desk.mandate(max_price=PRICE - beyond))


def open_amount_too_small(desk, beyond):
    mandate = desk.mandate(min_amount=500 * QUOTE)
    return ask(desk.signal(), desk.fill(mandate, given=500 * QUOTE - beyond))


def open_amount_too_small__given(desk, beyond):
    return ask(desk.signal(), desk.fill(desk.mandate(min_amount=0), given=LEAST - beyond))


def open_amount_too_small__taken(desk, beyond):
    mandate = desk.mandate(side=Side.SHORT, min_amount=0)
    fill = desk.fill(mandate, given=LEAST * BASE // (2_000 * QUOTE), taken=LEAST - beyond)
    return ask(desk.signal(side=Side.SHORT), fill)


def open_amount_too_large(desk, beyond):
    mandate = desk.mandate(max_amount=500 * QUOTE)
    return ask(desk.signal(), desk.fill(mandate, given=500 * QUOTE + beyond))


def open_slippage(desk, beyond):
    mandate = desk.mandate(max_slippage_bps=50)
    return ask(desk.signal(), desk.fill(mandate, given=2_000 * QUOTE, taken=BASE * 9_950 // 10_000 - beyond))


def open_wrong_filler(desk, beyond):
    named = desk.mandate(filler=(desk.other if beyond else desk.filler).address)
    return ask(desk.signal(), named)


def open_self_fill(desk, beyond):
    fill = desk.fill(desk.mandate(), filler=(desk.owner if beyond else desk.filler).address)
    return ask(desk.signal(), fill)


def open_filler_not_authorized(desk, beyond):
    return ask(desk.signal(), desk.mandate(), by=desk.stranger if beyond else desk.filler)


def open_owner_balance(desk, beyond):
    desk.leave(desk.owner, desk.quote, 2_000 * QUOTE - beyond)
    return ask(desk.signal(), desk.fill(desk.mandate(), given=2_000 * QUOTE))


def open_filler_balance(desk, beyond):
    desk.leave(desk.filler, desk.base, BASE - beyond)
    return ask(desk.signal(), desk.fill(desk.mandate(), taken=BASE))


# ---- closes: likewise


def close_unknown_mandate(desk, beyond):
    mandate = in_profit(desk)
    return ask(desk.closing(desk.draft() if beyond else mandate, given=BASE))


def close_wrong_market(desk, beyond):
    mandate = in_profit(desk)
    elsewhere = replace(desk.market, oracle=desk.stranger.address)
    return ask(mandate, market=elsewhere if beyond else desk.market)


def close_no_trade(desk, beyond):
    mandate = in_profit(desk)
    return ask(desk.closing(desk.mandate() if beyond else mandate, given=BASE))


def close_price_invalid__beyond_all_bounds(desk, beyond):
    market = desk.puppet(10**36)
    mandate = desk.mandate(market=market, side=Side.SHORT, max_price_age=10**9)
    signal = desk.signal(market=market.id, side=Side.SHORT)
    desk.open(signal, desk.fill(mandate, given=LEAST, taken=LEAST))
    desk.set_puppet(market, MAX_PRICE + beyond)
    return ask(desk.closing(mandate, given=LEAST, taken=1), market=market)


def close_price_invalid__none(desk, beyond):
    market = desk.puppet(10**36)
    mandate = desk.mandate(market=market, max_price_age=10**9)
    desk.open(desk.signal(market=market.id), desk.fill(mandate, given=LEAST, taken=LEAST))
    desk.set_puppet(market, 1 - beyond)
    return ask(desk.closing(mandate, given=LEAST, taken=1), market=market)


def close_price_stale(desk, beyond):
    mandate = in_profit(desk, max_price_age=1_000)
    updated = desk.oracle.price().updated_at
    return ask(mandate, at=updated + 1_000 + beyond)


def close_no_barrier(desk, beyond):
    mandate = desk.trading(take_profit_bps=200)
    desk.set_price("2039.99999999" if beyond else "2040")
    return ask(mandate)


def close_amount_mismatch(desk, beyond):
    mandate = in_profit(desk)
    return ask(desk.closing(mandate, given=BASE + beyond))


def close_slippage(desk, beyond):
    mandate = in_profit(desk, max_slippage_bps=50)
    return ask(desk.closing(mandate, taken=2_040 * QUOTE * 9_950 // 10_000 - beyond))


def close_wrong_filler(desk, beyond):
    mandate = in_profit(desk, filler=desk.filler.address)
    desk.settlement.authorize(desk.other, desk.operator.address)
    return ask(desk.closing(mandate, filler=(desk.other if beyond else desk.filler).address))


def close_self_fill(desk, beyond):
    mandate = in_profit(desk)
    return ask(desk.closing(mandate, filler=(desk.owner if beyond else desk.filler).address))


def close_filler_not_authorized(desk, beyond):
    return ask(in_profit(desk), by=desk.stranger if beyond else desk.filler)


def close_filler_balance(desk, beyond):
    mandate = in_profit(desk)
    desk.leave(desk.filler, desk.quote, 2_040 * QUOTE - beyond)
    return ask(mandate)


def in_profit(desk, **changes):
    """A mandate that took one base token at 2,000, now that the price stands at its take-profit of 2,040."""
    mandate = desk.trading(take_profit_bps=200, **changes)
    desk.set_price("2040")
    return mandate


def cases(prefix: str) -> dict[str, tuple[Reason, Case]]:
    """The functions above with the reason that each is named after; behind two underscores stands which of its cases."""
    return {
        name.removeprefix(prefix): (Reason[name.removeprefix(prefix).partition("__")[0].upper()], function)
        for name, function in globals().items()
        if name.startswith(prefix)
    }


OPENS = cases("open_")
CLOSES = cases("close_")
at_open = pytest.mark.parametrize(("reason", "case"), OPENS.values(), ids=OPENS)
at_close = pytest.mark.parametrize(("reason", "case"), CLOSES.values(), ids=CLOSES)


def test_every_reason_has_a_case():
    assert {reason for reason, _ in [*OPENS.values(), *CLOSES.values()]} == set(Reason) - {Reason.NONE}


@at_open
def test_the_last_offer_that_opens(desk, reason, case):
    (signal, offer), options = case(desk, 0)
    assert desk.check_open(signal, offer, **options) is Reason.NONE
    presented, opened = desk.open(signal, offer, **options).events
    assert (type(presented), type(opened)) == (Presented, Opened)


@at_open
def test_the_first_offer_that_is_refused_at_the_open(desk, reason, case):
    (signal, offer), options = case(desk, 1)
    before = desk.stored()
    assert desk.check_open(signal, offer, **options) is reason
    assert desk.open(signal, offer, **options).events == [
        Presented(signal.model, signal.market, signal),
        Refused(id_of(offer), reason),
    ]
    assert desk.stored() == before


@at_close
def test_the_last_offer_that_closes(desk, reason, case):
    (offer,), options = case(desk, 0)
    judged, barrier = desk.check_close(offer, **options)
    assert judged is Reason.NONE
    [closed] = desk.close(offer, **options).events
    assert (type(closed), closed.barrier) == (Closed, barrier)


@at_close
def test_the_first_offer_that_is_refused_at_the_close(desk, reason, case):
    (offer,), options = case(desk, 1)
    before = desk.stored()
    assert desk.check_close(offer, **options)[0] is reason
    assert desk.close(offer, **options).events == [Refused(id_of(offer), reason)]
    assert desk.stored() == before


def id_of(offer):
    return getattr(offer, "mandate", offer).id
