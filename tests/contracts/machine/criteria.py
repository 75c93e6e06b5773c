"""Authority on the criteria of `ISettlement.sol`, told once more in Python: which reason, which barrier, which amount.

The reason of a refusal is the first criterion that does not hold, asked in this order: the mandate, the signal, its
source, the price, the amounts, and whether both sides can pay.
"""

from __future__ import annotations

from agent.chain.values import Barrier, Levels, Mandate, MandateState, Reason, Side, Signal

from .answers import ZERO
from .outside import Oracle

BPS = 10**4
SCALE = 10**36
HIGHEST_PRICE = (2**128 - 1) * SCALE


def first(*criteria: tuple[Reason, bool]) -> Reason:
    """The first reason that holds."""
    return next((reason for reason, holds in criteria if holds), Reason.NONE)


def contradiction(mandate: Mandate, now: int) -> str | None:
    """The field in which a mandate contradicts itself; None where it does not."""
    market, long = mandate.market, mandate.side is Side.LONG
    fields = (
        ("market.base", market.base == ZERO),
        ("market.quote", market.quote in (ZERO, market.base)),
        ("market.oracle", market.oracle == ZERO),
        ("source", mandate.source == ZERO),
        ("minConfidenceBps", mandate.min_confidence_bps > BPS),
        ("maxSlippageBps", mandate.max_slippage_bps >= BPS),
        ("takeProfitBps", mandate.take_profit_bps == 0 or (not long and mandate.take_profit_bps >= BPS)),
        ("stopLossBps", mandate.stop_loss_bps == 0 or (long and mandate.stop_loss_bps >= BPS)),
        ("horizon", mandate.horizon == 0),
        ("maxAmount", mandate.max_amount == 0),
        ("minAmount", mandate.min_amount > mandate.max_amount),
        ("maxPrice", 0 < mandate.max_price < mandate.min_price),
        ("lossLimit", mandate.loss_limit == 0),
        ("expiry", mandate.expiry <= now),
    )
    return next((name for name, wrong in fields if wrong), None)


def of_the_mandate(mandate: Mandate, state: MandateState, bar_time: int, now: int) -> Reason:
    """Whether the mandate may open anything now."""
    return first(
        (Reason.UNKNOWN_MANDATE, state.used_until == 0),
        (Reason.CANCELLED, state.cancelled),
        (Reason.EXPIRED, now > mandate.expiry),
        (Reason.TRADE_OPEN, state.trading),
        (Reason.SIGNAL_USED, bar_time <= state.used_until),
        (Reason.COOLING_DOWN, state.changed_at != 0 and now < state.changed_at + mandate.cooldown),
        (Reason.LOSS_LIMIT, state.net_loss >= mandate.loss_limit),
    )


def of_the_signal(mandate: Mandate, signal: Signal, now: int) -> Reason:
    """Whether the signal is one that the owner asked for."""
    return first(
        (Reason.WRONG_MODEL, signal.model != mandate.model),
        (Reason.WRONG_MARKET, signal.market != mandate.market.id),
        (Reason.WRONG_SIDE, signal.side != mandate.side),
        (Reason.WRONG_PATTERN, mandate.patterns != 0 and not mandate.patterns & signal.patterns),
        (Reason.LOW_CONFIDENCE, signal.confidence_bps < mandate.min_confidence_bps),
        (Reason.SIGNAL_FROM_FUTURE, now < signal.bar_time),
        (Reason.SIGNAL_STALE, now > signal.bar_time + mandate.max_signal_age),
        (Reason.SIGNAL_EXPIRED, now > signal.valid_until),
    )


def of_the_price(mandate: Mandate, oracle: Oracle | None, now: int) -> Reason:
    """Whether there is a price to settle at."""
    if oracle is None or oracle.dead:
        return Reason.PRICE_INVALID
    return first(
        (Reason.PRICE_INVALID, not 0 < oracle.price <= HIGHEST_PRICE or oracle.updated_at > now),
        (Reason.PRICE_STALE, now > oracle.updated_at + mandate.max_price_age),
    )


def of_the_bounds(mandate: Mandate, price: int) -> Reason:
    """Whether the owner wants to open at that price."""
    return first(
        (Reason.PRICE_TOO_LOW, price < mandate.min_price),
        (Reason.PRICE_TOO_HIGH, mandate.max_price != 0 and price > mandate.max_price),
    )


def least_taken(given: int, *, gives_base: bool, price: int, slippage_bps: int) -> int:
    """What `given` is worth, rounded up, less the slippage, rounded up: in the owner's favour twice."""
    worth = _up(given * price, SCALE) if gives_base else _up(given * SCALE, price)
    return _up(worth * (BPS - slippage_bps), BPS)


def levels(mandate: Mandate, trade: tuple[int, int], opened_at: int) -> Levels:
    """Where a trade ends, measured from what it really paid; rounded down."""
    given, taken = trade
    long = mandate.side is Side.LONG
    entry = given * SCALE // taken if long else taken * SCALE // given
    up, down = (
        (mandate.take_profit_bps, mandate.stop_loss_bps)
        if long
        else (mandate.stop_loss_bps, mandate.take_profit_bps)
    )
    above, below = entry * (BPS + up) // BPS, entry * (BPS - down) // BPS
    profit, stop = (above, below) if long else (below, above)
    return Levels(profit, stop, opened_at + mandate.horizon)


def touched(mandate: Mandate, ends: Levels, price: int, now: int) -> Barrier:
    """The barrier that holds; of two, the one that is worse for the owner."""
    sign = 1 if mandate.side is Side.LONG else -1
    if sign * price <= sign * ends.stop_loss:
        return Barrier.STOP_LOSS
    if sign * price >= sign * ends.take_profit:
        return Barrier.TAKE_PROFIT
    return Barrier.HORIZON if now >= ends.horizon else Barrier.NONE


def _up(amount: int, divisor: int) -> int:
    return -(-amount // divisor)
