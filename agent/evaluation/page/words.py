"""How numbers are written on the page. A loss is written as plainly as a gain, and what is not known as a dash."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from agent.evaluation import chances
from agent.evaluation.measured import Interval

__all__ = [
    "DASH",
    "NBSP",
    "bps",
    "chance_for_edge",
    "chance_of_luck",
    "count",
    "duration",
    "minute",
    "p_value",
    "percent",
    "plain",
    "range_of",
    "share",
    "signed",
]

NBSP = "\N{NO-BREAK SPACE}"
DASH = "\N{EM DASH}"
_MINUS = "\N{MINUS SIGN}"
_UNITS = ((86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second"))


def plain(value: float | None, digits: int = 2) -> str:
    """Return a number: ``1,234.50``."""
    if value is None:
        return DASH
    shown = f"{value:,.{digits}f}"
    nothing = not any(digit in shown for digit in "123456789")
    return shown.lstrip("-") if nothing else shown.replace("-", _MINUS)


def signed(value: float | None, digits: int = 2) -> str:
    """Return a number with its sign: ``+0.31``."""
    shown = plain(value, digits)
    rises = value is not None and any(digit in shown for digit in "123456789") and value > 0
    return f"+{shown}" if rises else shown


def share(value: float | None, digits: int = 1) -> str:
    """Return a share of one: ``54.3 %``."""
    return DASH if value is None else f"{plain(100 * value, digits)}{NBSP}%"


def percent(bps: float | None, digits: int = 1) -> str:
    """Return a result in basis points as a percentage of one trade's size: ``+12.3 %``."""
    return DASH if bps is None else f"{signed(bps / 100, digits)}{NBSP}%"


def bps(value: float | None) -> str:
    """Return a result of a trade: ``+3.1 bps``."""
    return DASH if value is None else f"{signed(value, 1)}{NBSP}bps"


def count(value: int, noun: str = "") -> str:
    """Return a number of things: ``1,234 trades``."""
    return f"{value:,}" + (f"{NBSP}{noun}{'' if value == 1 else 's'}" if noun else "")


def range_of(interval: Interval | None, shown: Callable[[float], str]) -> str:
    """Return an interval as `shown` writes its ends, the unit once: ``-1.2 to +3.4 bps``; "" where there is none."""
    if interval is None:
        return ""
    low, high = shown(interval.low), shown(interval.high)
    value, _, unit = low.rpartition(NBSP)
    return f"{value if value and high.endswith(NBSP + unit) else low} to {high}"


def p_value(value: float | None) -> str:
    """Return a p-value: ``0.041``."""
    return DASH if value is None else chances.p_value(value)


def chance_for_edge(value: float | None) -> str:
    """Return a chance that speaks for an edge: ``0.949``."""
    return DASH if value is None else chances.for_edge(value)


def chance_of_luck(value: float | None) -> str:
    """Return a chance that speaks against one: ``0.124``."""
    return DASH if value is None else chances.of_luck(value)


def minute(moment: datetime) -> str:
    """Return a moment to the minute."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M")


def duration(seconds: int) -> str:
    """Return a whole number of the largest unit that fits: ``1 hour``, ``15 minutes``."""
    size, noun = next((size, noun) for size, noun in _UNITS if seconds % size == 0)
    return count(seconds // size, noun)
