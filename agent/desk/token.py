"""Authority on amounts in text: whole tokens as people write them, smallest units as the contract has them, exact both ways."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Context, Decimal

from agent.errors import UsageError

__all__ = ["MOST_DECIMALS", "Token", "price_text", "price_units", "text_of", "units_of"]

MOST_DECIMALS = 77  # of a token: 10**77 is the last power of ten in a word
_PRICE_DIGITS = 36  # prices are scaled by 10**36
_NUMBER = re.compile(r"[0-9]{1,80}(?:\.[0-9]{1,120})?")
_EXACT = Context(prec=400)  # more digits than any number here has, so that nothing is ever rounded


@dataclass(frozen=True)
class Token:
    """What a token is called, and the digits after the point of a whole one."""

    symbol: str
    decimals: int

    def units(self, text: str) -> int:
        """Return whole tokens, as decimal digits, in smallest units.

        Raises
        ------
        UsageError
            If it is no number, or finer than the smallest unit.
        """
        return units_of(text, self.decimals, of=self.symbol)

    def text(self, units: int) -> str:
        """Return smallest units as whole tokens with their name: ``1,250.5 USD``."""
        return f"{text_of(units, self.decimals, grouped=True)} {self.symbol}"


def units_of(text: str, decimals: int, *, of: str) -> int:
    """Return a decimal number in units of ``10**-decimals``.

    Parameters
    ----------
    text
        Digits, and a point where there is a fraction: no sign, no exponent, no separators.
    decimals
        Digits after the point of one; negative where the unit is more than one.
    of
        What is counted, for the error.

    Raises
    ------
    UsageError
        If it is no such number, or no whole number of units.
    """
    text = text.strip()
    if not _NUMBER.fullmatch(text):
        raise UsageError(
            f"{text!r} is not an amount.", cure="Write digits and a point, like 1250.5, without separators."
        )
    units = Decimal(text).scaleb(decimals, _EXACT)
    whole = int(units)
    if whole != units:
        raise UsageError(
            f"{text} is finer than {of} can be divided.",
            cure=f"The smallest step is {text_of(1, decimals)}.",
        )
    return whole


def text_of(units: int, decimals: int, *, grouped: bool = False) -> str:
    """Return units of ``10**-decimals`` as the shortest decimal number that is exactly as much."""
    number = Decimal(units).scaleb(-decimals, _EXACT)
    digits = format(number, ",f" if grouped else "f")
    return digits.rstrip("0").rstrip(".") if "." in digits else digits


def price_units(text: str, base: Token, quote: Token) -> int:
    """Return whole quote tokens for a whole base token as the contract has prices: smallest units, scaled by 1e36.

    Raises
    ------
    UsageError
        If it is no number, or finer than such a price can be.
    """
    return units_of(text, _price_decimals(base, quote), of="a price")


def price_text(units: int, base: Token, quote: Token) -> str:
    """Return a price of the contract's in whole tokens: ``2,000 USD``."""
    return f"{text_of(units, _price_decimals(base, quote), grouped=True)} {quote.symbol}"


def _price_decimals(base: Token, quote: Token) -> int:
    return _PRICE_DIGITS + quote.decimals - base.decimals
