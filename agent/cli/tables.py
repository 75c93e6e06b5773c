"""How a report is laid out in text: sections with a label, tables of figures, and what is not known."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

__all__ = ["NOTHING", "figures", "lines", "sections", "told", "unbroken"]

NOTHING = "-"
"""What stands for a figure that is not known."""

_LABEL = 12
_WIDEST = 1_000
_WORD = 8


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
        if place < words:
            column.overflow = "fold"
        else:
            column.no_wrap = True
            column.justify = "right"
    return table


@dataclass(frozen=True)
class _Unbroken:
    """A table whose words are folded where there is little room, and whose figures never are."""

    table: Table

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        widest = Console(width=_WIDEST)
        widths = [
            max(Measurement.get(widest, widest.options, cell).maximum for cell in (column.header, *column.cells))
            for column in self.table.columns
        ]
        least = 0
        for column, width in zip(self.table.columns, widths, strict=True):
            # A word is folded at its eighth letter at the earliest.
            column.min_width = width if column.no_wrap else min(width, _WORD)
            least += column.min_width + 1
        self.table.width = min(sum(widths) + len(widths), max(options.max_width, least))
        yield self.table


def unbroken(table: Table) -> RenderableType:
    """Return a table that keeps to the room there is by folding its words; where figures need more, lines run over."""
    return _Unbroken(table)


def lines(*parts: Text) -> Group:
    """Return texts below each other, empty ones left out."""
    return Group(*(part for part in parts if part.plain))


def told(value: float | None, shown: Callable[[float], str]) -> str:
    """Return a figure as it is shown, or that it is not known."""
    return NOTHING if value is None else shown(value)
