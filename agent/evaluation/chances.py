"""How the chances are written that a verdict rests on: the same wherever they stand, and never rounded towards an edge."""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

__all__ = ["for_edge", "named_p", "of_luck", "p_value"]

_DIGITS = Decimal("0.001")
_EXACT = 12  # digits; what stands after more of them is an error of floating point


def for_edge(chance: float) -> str:
    """Return a chance that speaks for an edge, as the deflated Sharpe ratio, rounded down: ``0.949``."""
    return _written(chance, ROUND_FLOOR)


def of_luck(chance: float) -> str:
    """Return a chance that speaks against one, as the probability of overfitting, rounded up: ``0.124``."""
    return _written(chance, ROUND_CEILING)


def p_value(p: float) -> str:
    """Return a p-value, rounded up: ``0.042``, ``< 0.001``."""
    return "< 0.001" if p < 0.001 else of_luck(p)


def named_p(p: float) -> str:
    """Return a p-value with its name: ``p = 0.042``, ``p < 0.001``."""
    return f"p {p_value(p)}" if p < 0.001 else f"p = {p_value(p)}"


def _written(chance: float, rounding: str) -> str:
    # By its decimal digits: 0.283 times 1,000 is 282.99999999999994.
    return f"{Decimal(repr(round(float(chance), _EXACT))).quantize(_DIGITS, rounding)}"
