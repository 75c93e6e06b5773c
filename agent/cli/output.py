"""How results reach standard output: text as wide as there is room for, or one JSON document, and nothing else there.

A model may print what it likes, in Python, in C or in a process started for it: while a command works, all of that
goes to standard error.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout, suppress
from typing import Any, TextIO

from rich.console import Console, RenderableType

from agent.errors import PatternSettleError

_USUAL = 80


class OutputFailed(PatternSettleError):
    """Standard output takes nothing more, as on a disk that is full."""


class StandardOutput:
    """Standard output, whose own errors are told from those of any other file.

    A reader that has gone stays a `BrokenPipeError`.

    Parameters
    ----------
    stream
        Where it goes.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        with _told():
            return self._stream.write(text)

    def flush(self) -> None:
        with _told():
            self._stream.flush()


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OutputFailed(
            f"Standard output cannot be written: {error.strerror or error}.",
            cure="Send it somewhere that takes it.",
        ) from error


_kept: list[TextIO] = []


def results() -> TextIO:
    """Return the stream for results: standard output, also while it is `kept_for_results`."""
    return _kept[-1] if _kept else sys.stdout


@contextmanager
def kept_for_results() -> Iterator[None]:
    """Keep standard output for results while this lasts: whatever else is printed goes to standard error."""
    _kept.append(sys.stdout)
    try:
        with redirect_stdout(sys.stderr):
            yield
    finally:
        _kept.pop()


def take_standard_output() -> None:
    """Give `sys.stdout` a descriptor of its own, and let the usual one lead to standard error.

    C code writes to the usual one, and so do processes that were started to train in: they know of no `sys.stdout` here.
    """
    try:
        usual, other = sys.stdout.fileno(), sys.stderr.fileno()
        own = os.dup(usual)
        os.dup2(other, usual)
    except (AttributeError, OSError):  # one of them is no file, so there is nothing to lead elsewhere
        return
    sys.stdout = os.fdopen(own, "w", encoding=sys.stdout.encoding, errors=sys.stdout.errors)


def show(*parts: RenderableType, width: int = 0) -> None:
    """Print parts of text one below the other.

    Parameters
    ----------
    parts
        What rich can render.
    width
        Columns that the parts need at least: where there are fewer, lines run over rather than lose anything.
    """
    console = Console(file=results(), highlight=False)
    if console.no_color:
        # Not even bold: whoever asks for no colour wants plain text.
        console = Console(file=results(), highlight=False, color_system=None)
    # Set on the console, too: it prints nothing wider than it takes itself to be.
    console.width = width = max(width, _width(console))
    if console.is_terminal:
        for part in parts:
            console.print(part, width=width, crop=False)
        return
    # In a file or a pipe, the spaces with which a table fills its last column are litter.
    with console.capture() as written:
        for part in parts:
            console.print(part, width=width, crop=False)
    results().write("".join(f"{line.rstrip()}\n" for line in written.get().splitlines()))


def _width(console: Console) -> int:
    """Return how wide there is room for, asking the terminal that results go to: rich asks the usual descriptors."""
    if console.is_terminal and "COLUMNS" not in os.environ:
        with suppress(OSError, ValueError):
            return os.get_terminal_size(console.file.fileno()).columns or console.width
    return console.width or _USUAL  # `COLUMNS=0` is what some shells say where they know of none


def show_json(document: Mapping[str, Any], *, indent: int | None = 2) -> None:
    """Print one JSON document, at once, so that whoever waits at the other end of a pipe has it."""
    text = json.dumps(document, indent=indent, ensure_ascii=False, allow_nan=False)
    print(text, file=results(), flush=True)


def synthetic_note(synthetic: bool) -> str:
    """What stands beside bars that were generated, wherever they are shown; nothing beside others."""
    return "[bold yellow]SYNTHETIC: generated, not traded on any market[/]" if synthetic else ""
