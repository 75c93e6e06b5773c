"""How a command is ended from outside: by Ctrl-C, or by the signal of a service manager or of a terminal that closes.

A command that has something to report is asked once, ends with its report, and ends now when it is asked again. Any other
ends at once, with what it began, and its exit code is the signal's.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

__all__ = ["SIGNALS", "Stopped", "ignore_from_here_on", "leave_at_once", "stop_in_order", "stop_on_interrupt"]

SIGNALS = tuple(
    number for name in ("SIGINT", "SIGTERM", "SIGHUP") if (number := getattr(signal, name, None)) is not None
)
"""Those that ask a command to end, on this platform."""


class Stopped(KeyboardInterrupt):
    """A signal that asked the command to end.

    Parameters
    ----------
    number
        Of the signal.
    """

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number

    @property
    def code(self) -> int:
        """The exit code that shells give it."""
        return 128 + self.number


@contextmanager
def stop_in_order() -> Iterator[threading.Event]:
    """Raise `Stopped` where a signal asks the command to end, so that what it began ends, too; the event says that one did."""
    asked = threading.Event()

    def stop(number: int, frame: FrameType | None) -> None:
        asked.set()
        raise Stopped(number)

    with _handled(stop):
        yield asked


@contextmanager
def stop_on_interrupt() -> Iterator[threading.Event]:
    """Set the event at the first signal that asks the command to end; a second one raises KeyboardInterrupt as usual."""
    stop = threading.Event()

    def ask(number: int, frame: FrameType | None) -> None:
        if stop.is_set():
            raise Stopped(number)
        stop.set()

    # A shell begins what it runs behind itself with Ctrl-C ignored; a desk can be asked to end there, too.
    with _handled(ask, even_ignored=(signal.SIGINT, signal.SIGTERM)):
        yield stop


def leave_at_once(code: str | int | None) -> None:
    """End with this exit code where a signal comes from here on: all is said, and only Python has yet to tidy up."""
    for number in SIGNALS:
        signal.signal(number, lambda number, frame: os._exit(code if isinstance(code, int) else 0))


def ignore_from_here_on() -> None:
    """Let no signal end what is but a moment from its end: Python takes its handlers away before that."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)


@contextmanager
def _handled(
    handler: Callable[[int, FrameType | None], None], *, even_ignored: tuple[int, ...] = ()
) -> Iterator[None]:
    """Handle the signals while this lasts, but for those that whoever began us ignores, as nohup does."""
    previous = {
        number: signal.signal(number, handler)
        for number in SIGNALS
        if number in even_ignored or signal.getsignal(number) is not signal.SIG_IGN
    }
    try:
        yield
    finally:
        for number, before in previous.items():
            signal.signal(number, before)
