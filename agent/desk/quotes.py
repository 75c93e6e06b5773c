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
        Worth of the trade in the quote token's smallest unit.
    price
        The oracle's, quote per base in smallest units, scaled by 1e36.
    spread_bps
        What the filler keeps of the price, in basis points.
    """
    if mandate.side is Side.LONG:
        return Fill(mandate, filler, given=size, taken=base_for(size, price, spread_bps=spread_bps))
    given = size * PRICE_SCALE // price
    return Fill(mandate, filler, given=given, taken=quote_for(given, price, spread_bps=spread_bps))


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
