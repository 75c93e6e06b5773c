"""What a filler offers: amounts around the oracle's price, less its spread, rounded in its own favour.

These are offers, not rules: whether one is good enough for a mandate's owner is judged by the contract alone.
"""

from __future__ import annotations

from agent.chain.values import BPS, PRICE_SCALE, Fill, Mandate, Side


def quote_open(mandate: Mandate, filler: str, *, size: int, price: int, spread_bps: int) -> Fill:
    """Offer to open a trade.

    Parameters
    ----------
    mandate
        Whose trade.
    filler
        Who takes the other side.
    size
        Worth of the trade in the quote token's smallest unit; the nearest amount that the mandate allows is offered.
    price
        The oracle's, quote per base in smallest units, scaled by 1e36.
    spread_bps
        What the filler keeps of the price, in basis points.
    """
    long = mandate.side is Side.LONG
    wanted = size if long else size * PRICE_SCALE // price
    given = min(max(wanted, mandate.min_amount), mandate.max_amount)
    return Fill(mandate, filler, given, (base_for if long else quote_for)(given, price, spread_bps=spread_bps))


def covered_at(fill: Fill, bar_time: int, *, price: int) -> int | None:
    """When an offer to open a trade is within the slippage that its mandate accepts, by the contract's formula.

    Parameters
    ----------
    fill
        The offer.
    bar_time
        When the signal's bar closed, unix seconds.
    price
        The oracle's, as in `quote_open`.

    Returns
    -------
    int or None
        The first second; None where not even the most slippage covers it.
    """
    mandate = fill.mandate
    most = mandate.max_slippage_bps
    if mandate.side is Side.LONG:
        fair = -(-fill.given * PRICE_SCALE // price)
    else:
        fair = -(-fill.given * price // PRICE_SCALE)
    needed = max(0, -((fill.taken - fair) * BPS // fair))
    if needed > most:
        return None
    return bar_time + (-(-needed * mandate.ramp // most) if needed else 0)


def quote_close(mandate: Mandate, filler: str, *, taken: int, price: int, spread_bps: int) -> Fill:
    """Offer to take back what a trade took at its open, `taken` smallest units. Other parameters as in `quote_open`."""
    back = quote_for if mandate.side is Side.LONG else base_for
    return Fill(mandate, filler, given=taken, taken=back(taken, price, spread_bps=spread_bps))


def base_for(quote: int, price: int, *, spread_bps: int) -> int:
    """Base that a filler gives for `quote`, both in smallest units, rounded down."""
    return quote * PRICE_SCALE * BPS // (price * (BPS + spread_bps))


def quote_for(base: int, price: int, *, spread_bps: int) -> int:
    """Quote that a filler gives for `base`, both in smallest units, rounded down."""
    return base * price * (BPS - spread_bps) // (PRICE_SCALE * BPS)
