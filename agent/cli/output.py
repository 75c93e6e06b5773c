"""How results reach standard output: text as wide as there is room for, or one JSON document, and nothing else there."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import Any

from rich.console import Console, RenderableType


def show(*parts: RenderableType, width: int = 0) -> None:
    """Print parts of text one below the other.

    Parameters
    ----------
    parts
        What rich can render.
    width
        Columns that the parts need at least: where there are fewer, lines run over rather than lose anything.
    """
    console = Console(highlight=False)
    if console.no_color:
        # Not even bold: whoever asks for no colour wants plain text.
        console = Console(highlight=False, color_system=None)
    width = max(width, console.width)
    if console.is_terminal:
        for part in parts:
            console.print(part, width=width, crop=False)
        return
    # In a file or a pipe, the spaces with which a table fills its last column are litter.
    with console.capture() as written:
        for part in parts:
            console.print(part, width=width, crop=False)
    sys.stdout.write("".join(f"{line.rstrip()}\n" for line in written.get().splitlines()))


def show_json(document: Mapping[str, Any], *, indent: int | None = 2) -> None:
    """Print one JSON document, at once, so that whoever waits at the other end of a pipe has it."""
    print(json.dumps(document, indent=indent, ensure_ascii=False, allow_nan=False), flush=True)


def synthetic_note(synthetic: bool) -> str:
    """What stands beside bars that were generated, wherever they are shown; nothing beside others."""
    return "[bold yellow]SYNTHETIC: generated, not traded on any market[/]" if synthetic else ""
