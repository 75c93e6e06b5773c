"""What a person can type next, at the end of a command: each line works as it stands."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from pathlib import Path

from rich.console import Group
from rich.text import Text

__all__ = ["SAMPLE", "next_steps", "on_a_sample", "typed"]

SAMPLE = "prices.csv"
"""What a price file is called where there is none yet, here as in the README."""

_UNLESS_GIVEN = (None, "", "refuse", "start")


def next_steps(*commands: str) -> Group:
    """Return the commands as they are shown: one a line, however long, so that it can be copied."""
    lines = [Text(f"  {command}", style="bold", no_wrap=True, overflow="ignore") for command in commands]
    return Group(Text("Next:"), *lines)


def typed(*words: object, **options: object) -> str:
    """Return a command as it is typed.

    Parameters
    ----------
    words
        What follows ``patternsettle``.
    options
        By their names, ``date_order`` for ``--date-order``; one that has the value it has unless given is left out,
        and one with several values is repeated.
    """
    line = ["patternsettle", *map(str, words)]
    for name, value in options.items():
        for each in value if isinstance(value, tuple) else (value,):
            if each not in _UNLESS_GIVEN:
                line += [f"--{name.replace('_', '-')}", str(each)]
    return shlex.join(line)


def on_a_sample(*commands: str) -> Iterable[str]:
    """Return commands that read `SAMPLE`, after the one that makes it, where it is not there yet."""
    if not Path(SAMPLE).exists():
        yield typed("data", "--sample", SAMPLE)
    yield from commands
