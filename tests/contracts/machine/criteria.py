"""Authority on the criteria of `ISettlement.sol`, told once more in Python: which reason, which barrier, which amount.

The reason of a refusal is the first criterion that does not hold, asked in this order: the mandate, the signal, its
source, the price, the amounts, the filler, and whether both sides can pay.
"""

from __future__ import annotations

from agent.chain.values import Barrier, Levels, Mandate, MandateState, Reason, Side, Signal

from .answers import ZERO
from .outside import Oracle

BPS = 10**4
SCALE = 10**36
HIGHEST_PRICE = (2**128 - 1) * SCALE
# Below these, nothing opens.
LOWEST_PRICE = 10**9
SMALLEST_AMOUNT = 10**5
# No deposit lifts a balance above it.
LARGEST_BALANCE = 2**128 - 1
# A round trip at an unmoved price, in parts of 1e8, with a basis point of gain.
SOUND = 100_010_000


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
        ("filler", mandate.filler == mandate.owner),
        ("minConfidenceBps", mandate.min_confidence_bps > BPS),
        ("maxSlippageBps", mandate.max_slippage_bps >= BPS),
        ("ramp", mandate.ramp > mandate.max_signal_age),
        ("takeProfitBps", _reached(mandate, mandate.take_profit_bps, below=not long)),
        ("stopLossBps", _reached(mandate, mandate.stop_loss_bps, below=long)),
        ("horizon", mandate.horizon == 0),
        ("maxAmount", mandate.max_amount < SMALLEST_AMOUNT),
        ("minAmount", mandate.min_amount > mandate.max_amount),
        ("minPrice", mandate.min_price > HIGHEST_PRICE),
        ("maxPrice", 0 < mandate.max_price < max(mandate.min_price, LOWEST_PRICE)),
        ("drawdownLimit", mandate.drawdown_limit == 0),
        ("expiry", mandate.expiry <= now),
    )
    return next((name for name, wrong in fields if wrong), None)


def _reached(mandate: Mandate, barrier: int, *, below: bool) -> bool:
    """Whether slippage reaches a barrier, or one below the entry price is no price any more."""
    return (BPS - mandate.max_slippage_bps) * (BPS + barrier) < SOUND or (below and barrier >= BPS)


def nearest_barrier(slippage_bps: int) -> int:
    """The least distance of a barrier that slippage does not reach, in basis points."""
    return _up(SOUND, BPS - slippage_bps) - BPS


def of_the_mandate(mandate: Mandate, state: MandateState, bar_time: int, now: int) -> Reason:
    """Whether the mandate may open anything now."""
    return first(
        (Reason.UNKNOWN_MANDATE, state.usable_from == 0),
        (Reason.CANCELLED, state.cancelled),
        (Reason.EXPIRED, now > mandate.expiry),
        (Reason.TRADE_OPEN, state.trading),
        (Reason.SIGNAL_USED, bar_time < state.usable_from),
        # A second passes in any case.
        (Reason.COOLING_DOWN, state.changed_at != 0 and now < state.changed_at + max(1, mandate.cooldown)),
        (Reason.DRAWDOWN_LIMIT, state.drawdown >= mandate.drawdown_limit),
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
    """Whether anything opens at that price, and whether the owner wants to."""
    return first(
        (Reason.PRICE_INVALID, price < LOWEST_PRICE),
        (Reason.PRICE_TOO_LOW, price < mandate.min_price),
        (Reason.PRICE_TOO_HIGH, mandate.max_price != 0 and price > mandate.max_price),
    )


def of_the_amounts(mandate: Mandate, given: int, taken: int) -> Reason:
    """Whether the owner wants to give so much, and neither amount is too small for anybody."""
    return first(
        (Reason.AMOUNT_TOO_SMALL, min(given, taken) < SMALLEST_AMOUNT or given < mandate.min_amount),
        (Reason.AMOUNT_TOO_LARGE, given > mandate.max_amount),
    )


def slippage_at(mandate: Mandate, bar_time: int, now: int) -> int:
    """What the owner accepts at an open, in basis points: nothing when the bar closes, all of it when the ramp is over."""
    if now >= bar_time + mandate.ramp:
        return mandate.max_slippage_bps
    return mandate.max_slippage_bps * (now - bar_time) // mandate.ramp


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
