"""How a report is laid out in text: sections with a label, tables of figures, and what is not known."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from rich.console import Console, Group, RenderableType
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

__all__ = ["NOTHING", "figures", "lines", "sections", "told", "unbroken"]

NOTHING = "-"
"""What stands for a figure that is not known."""

_LABEL = 12
_WIDEST = 1_000


def sections(rows: Iterable[tuple[str, RenderableType]]) -> Table:
    """Return contents below each other, each beside its label."""
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style="bold", min_width=_LABEL, no_wrap=True)
    table.add_column(overflow="fold")
    for label, content in rows:
        table.add_row(Text(label), content)
    return table


def figures(*columns: str, words: int = 1) -> Table:
    """Return an empty table of figures; its first columns, as many as `words`, hold words."""
    table = Table(*columns, box=None, padding=(0, 1, 0, 0), header_style="dim")
    for place, column in enumerate(table.columns):
        column.no_wrap = True
        if place >= words:
            column.justify = "right"
    return table


def unbroken(table: Table) -> Table:
    """Return a table as wide as it needs to be, however wide the terminal is: no number is cut."""
    console = Console(width=_WIDEST)
    table.width = Measurement.get(console, console.options, table).maximum
    return table


def lines(*parts: Text) -> Group:
    """Return texts below each other, empty ones left out."""
    return Group(*(part for part in parts if part.plain))


def told(value: float | None, shown: Callable[[float], str]) -> str:
    """Return a figure as it is shown, or that it is not known."""
    return NOTHING if value is None else shown(value)
