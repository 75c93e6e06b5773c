"""Progress on standard error, so that standard output holds the result and nothing else."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

if TYPE_CHECKING:
    from agent.market.read import Loaded

_EVERY = 30.0  # seconds
_MINUTE, _HOUR = 60, 3_600


def warn(loaded: Loaded, *, named: bool = False) -> None:
    """Say on standard error what reading a file had to put up with; `named` where it is not the only one."""
    console = Console(stderr=True)
    file = f"{loaded.bars.source}: " if named else ""
    for warning in loaded.report.warnings:
        console.print(f"warning: {file}{warning}", style="yellow", highlight=False, markup=False, soft_wrap=True)


def note(sentence: str) -> None:
    """Say on standard error what a command does of its own accord."""
    Console(stderr=True).print(sentence, style="yellow", highlight=False, markup=False, soft_wrap=True)


@contextmanager
def step(description: str, *, total: int | None = None) -> Iterator[Callable[[int], None]]:
    """Show one step while it lasts; the function yielded takes how much is done.

    On a terminal it is a moving bar with the time that is left; elsewhere one line when the step begins, and where it goes
    on for long, another every half minute.

    Parameters
    ----------
    description
        What is done, as a person would say it.
    total
        How much there is to do; None where nobody knows, and then it is bars.
    """
    console = Console(file=sys.stderr)
    if not console.is_terminal:
        yield _told(console, description, total)
        return
    columns = [TextColumn("{task.description}", markup=False), BarColumn()]
    if total is not None:
        columns.append(MofNCompleteColumn())
        columns.append(TimeRemainingColumn())

    def advance(done: int) -> None:
        shown = description if total is not None else f"{description}, {done:,} bars"
        progress.update(task, completed=done, description=shown)

    with Progress(*columns, TimeElapsedColumn(), console=console, transient=True) as progress:
        task = progress.add_task(description, total=total)
        yield advance


def _told(console: Console, description: str, total: int | None) -> Callable[[int], None]:
    """Say that a step begins; return what says, now and then, how far it is."""
    began = said = time.monotonic()

    def say(what: str) -> None:
        console.print(f"{description} ...{what}", highlight=False, markup=False, soft_wrap=True)

    def advance(done: int) -> None:
        nonlocal said
        now = time.monotonic()
        if now - said < _EVERY or done == total:
            return
        said = now
        left = "" if total is None or not done else f", about {_time((now - began) * (total - done) / done)} left"
        say(f" {done:,} {'bars' if total is None else f'of {total:,}'}{left}")

    say("")
    return advance


def _time(seconds: float) -> str:
    """Return a time as a person would say it."""
    if seconds < _MINUTE:
        return f"{seconds:.0f} s"
    return f"{seconds / _MINUTE:.0f} min" if seconds < _HOUR else f"{seconds / _HOUR:.1f} h"
