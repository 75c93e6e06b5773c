"""Progress on standard error, so that standard output holds the result and nothing else."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

if TYPE_CHECKING:
    from agent.market.read import Loaded


def warn(loaded: Loaded, *, named: bool = False) -> None:
    """Say on standard error what reading a file had to put up with; `named` where it is not the only one."""
    console = Console(stderr=True)
    file = f"{loaded.bars.source}: " if named else ""
    for warning in loaded.report.warnings:
        console.print(f"warning: {file}{warning}", style="yellow", highlight=False, markup=False, soft_wrap=True)


@contextmanager
def step(description: str, *, total: int | None = None) -> Iterator[Callable[[int], None]]:
    """Show one step while it lasts; the function yielded takes how many bars are done.

    On a terminal it is a moving bar, elsewhere one line when the step begins.
    """
    console = Console(file=sys.stderr)
    if not console.is_terminal:
        console.print(f"{description} ...", highlight=False, markup=False, soft_wrap=True)
        yield lambda done: None
        return
    columns = [TextColumn("{task.description}", markup=False), BarColumn()]
    if total is not None:
        columns.append(MofNCompleteColumn())

    def advance(done: int) -> None:
        shown = description if total is not None else f"{description}, {done:,} bars"
        progress.update(task, completed=done, description=shown)

    with Progress(*columns, TimeElapsedColumn(), console=console, transient=True) as progress:
        task = progress.add_task(description, total=total)
        yield advance
