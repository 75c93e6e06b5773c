"""Authority on what a mandate can lose: the promise of `ISettlement.sol` in amounts of one mandate."""

from __future__ import annotations

from dataclasses import dataclass

from agent.chain.values import BPS, Mandate, Side

__all__ = ["Worst", "worst_of"]

_DAY = 86_400


@dataclass(frozen=True, kw_only=True)
class Worst:
    """What a mandate can lose, in the smallest unit of the token given, each rounded up.

    A gap of the price is excepted, and a dishonest oracle: what a price leaps over, no barrier stops.

    Attributes
    ----------
    trip
        What a stolen model key and a filler together take at one open and close, beyond what the oracle moved against the owner.
    trade
        The loss of a trade of the largest amount that is closed at its stop, at the worst accepted price.
    closes
        Trades that can close within a day; None where only blocks limit them.
    total
        The drawdown limit and one more trade's loss: the limit is looked at before an open.
    day
        What one day can cost.
    """

    trip: int
    trade: int
    closes: int | None
    total: int
    day: int


def worst_of(mandate: Mandate) -> Worst:
    """Return what a mandate can lose.

    With slippage s and stop b, a trip keeps ``(1 - s)**2`` of what it gives at an unmoved price. The stop is measured from what
    was paid, so a stopped Long keeps ``(1 - b) * (1 - s)``, and a stopped Short ``(1 - s) / (1 + b)``.
    """
    most, kept = mandate.max_amount, BPS - mandate.max_slippage_bps
    trip = _part(most, BPS * BPS - kept * kept, BPS * BPS)
    if mandate.side is Side.LONG:
        trade = _part(most, BPS * BPS - kept * (BPS - mandate.stop_loss_bps), BPS * BPS)
    else:
        trade = _part(most, BPS + mandate.stop_loss_bps - kept, BPS + mandate.stop_loss_bps)
    closes = -(-_DAY // mandate.cooldown) if mandate.cooldown else None
    total = mandate.drawdown_limit + trade
    day = total if closes is None else min(total, closes * trade)
    return Worst(trip=trip, trade=trade, closes=closes, total=total, day=day)


def _part(amount: int, over: int, under: int) -> int:
    return -(-amount * over // under)
