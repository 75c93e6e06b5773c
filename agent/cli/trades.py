"""The table of settled trades, and the units that amounts are shown in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Self

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from agent.chain.values import Barrier, Side
from agent.desk.report import Report
from agent.desk.trades import SettledTrade
from agent.model.patterns import names_of

MOST_TRADES = 200
DIGITS = 5  # of an amount of base, which may be a thousandth or a million of a token
PLACES = 2  # of an amount of quote

_BARRIERS = {Barrier.TAKE_PROFIT: "profit", Barrier.STOP_LOSS: "stop", Barrier.HORIZON: "horizon"}
_COLUMNS = ("opened", "held", "owner", "patterns", "conf.", "given", "returned", "result", "barrier")
_PATTERNS = _COLUMNS.index("patterns")
_TO_THE_RIGHT = ("held", "conf.", "given", "returned", "result")


@dataclass(frozen=True, kw_only=True)
class Units:
    """What the two tokens are called, and the digits after the point that they carry."""

    base: str
    quote: str
    base_decimals: int
    quote_decimals: int

    @classmethod
    def of(cls, report: Report) -> Self:
        """Return the units of a report's market: its own symbols, or plain `base` and `quote` where it has no name."""
        base, _, quote = report.data.market.partition("/")
        return cls(
            base=base or "base",
            quote=quote or "quote",
            base_decimals=report.decimals[Side.SHORT],
            quote_decimals=report.decimals[Side.LONG],
        )

    def gain(self, units: int) -> Text:
        """Return an amount of quote with its sign; a loss as plainly as a gain."""
        number = round(Decimal(units).scaleb(-self.quote_decimals), PLACES)
        if number == 0:
            return Text(f"{abs(number):.{PLACES}f}")
        return Text(f"{number:+,.{PLACES}f}", style="green" if number > 0 else "red")

    def given(self, side: Side, *amounts: int) -> tuple[str, ...]:
        """Return amounts of the token that a side gives, each with as many places as the first one needs."""
        if side is Side.LONG:
            return tuple(f"{Decimal(units).scaleb(-self.quote_decimals):,.{PLACES}f}" for units in amounts)
        numbers = [Decimal(units).scaleb(-self.base_decimals) for units in amounts]
        places = max(0, DIGITS - 1 - numbers[0].adjusted())
        return tuple(f"{number:,.{places}f}" for number in numbers)


def trade_table(report: Report, units: Units) -> RenderableType:
    """Return all settled trades, or the last `MOST_TRADES` of them, as a table under a line that explains it."""
    if not report.settled:
        return Text("No trade was settled.", style="bold")
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="dim")
    for name in _COLUMNS:
        right = "right" if name in _TO_THE_RIGHT else "left"
        table.add_column(name, justify=right, no_wrap=name != "patterns")
    table.columns[_PATTERNS].min_width = _widths(report, units)[_PATTERNS]
    year = 0
    for trade in _shown(report):
        opened = datetime.fromtimestamp(trade.opening.opened_at, UTC)
        if opened.year != year:
            year = opened.year
            table.add_row(Text(str(year), style="dim"))
        row: list[RenderableType] = list(_row(trade, report, units))
        row[_COLUMNS.index("result")] = units.gain(trade.profit_in_quote)
        table.add_row(*row)
    n = len(report.settled)
    title = Text.assemble(
        (f"{n:,} settled trade{'' if n == 1 else 's'}", "bold"),
        f" (times UTC; a long gives {units.quote}, a short gives {units.base}; results in {units.quote})",
    )
    if n <= MOST_TRADES:
        return Group(title, table)
    return Group(title, Text(f"the first {n - MOST_TRADES:,} are left out here; --json shows all", "dim"), table)


def widest(report: Report, units: Units) -> int:
    """Columns that the table needs so that no word and no number is broken."""
    widths = _widths(report, units)
    return sum(widths) + len(widths)


def _widths(report: Report, units: Units) -> list[int]:
    """The width that each column needs at least; only patterns may stand below one another."""
    rows: list[Sequence[str]] = [_COLUMNS, *(_row(trade, report, units) for trade in _shown(report))]
    widths = [max(len(row[index]) for row in rows) for index in range(len(_COLUMNS))]
    widths[_PATTERNS] = max(len(name) for row in rows for name in row[_PATTERNS].split() or [""])
    return widths


def _shown(report: Report) -> Iterator[SettledTrade]:
    yield from report.settled[-MOST_TRADES:]


def _row(trade: SettledTrade, report: Report, units: Units) -> tuple[str, ...]:
    opening = trade.opening
    prediction = opening.decision.prediction
    return (
        f"{datetime.fromtimestamp(opening.opened_at, UTC):%m-%d %H:%M}",
        _duration(trade.closed_at - opening.opened_at, report.data.interval),
        f"{report.owners.index(opening.fill.mandate.owner) + 1} {opening.side.name.lower()}",
        " ".join(names_of(prediction.patterns)) if prediction else "",
        f"{opening.decision.confidence_bps / 100:.1f}%",
        *units.given(opening.side, opening.fill.given, trade.returned),
        units.gain(trade.profit_in_quote).plain,
        _BARRIERS[trade.barrier],
    )


def _duration(seconds: int, interval: int) -> str:
    """How long a trade was open; bars do not tell when inside one it ended."""
    if seconds < interval // 2:
        return "<" + _duration(interval, 0)
    units = (("d", 86_400), ("h", 3_600), ("m", 60))
    # A second less than an hour is an hour, not sixty minutes.
    unit, size = next((pair for pair in units if seconds >= pair[1] - pair[1] // 60), ("s", 1))
    return f"{seconds / size:.0f}{unit}"
