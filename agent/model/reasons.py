"""Code of others: what it said or raised, made fit to be part of a sentence of ours."""

from __future__ import annotations

from traceback import walk_tb
from types import TracebackType

from agent.errors import ModelError, PatternSettleError

__all__ = ["Attempt", "Foreign", "ending", "origin", "reason"]

_CURE = "Mend that module."
_PACKAGE = __name__.partition(".")[0]


class Attempt:
    """A stretch of code that may fail in any way, and what it failed with.

    Whatever a model raises is evidence against it and no error of ours, whichever type its authors
    chose, and so is that it would end the process; only Ctrl-C passes through. Nothing is lost: it stands
    in `error`, to be told.
    """

    def __init__(self) -> None:
        self.error: Exception | None = None

    def __enter__(self) -> Attempt:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if isinstance(error, SystemExit):
            self.error = ModelError(f"it ended the process{ending(error)}.", cure=_CURE)
            self.error.__cause__ = error
        elif isinstance(error, Exception):
            self.error = error
        return self.error is not None


class Foreign:
    """A stretch of code that belongs to somebody else: whatever it raises is told as a mistake in there, with its place.

    That it would end the process is one, too. Errors of ours pass through, and so does Ctrl-C.

    Parameters
    ----------
    what
        What is called or asked, to begin the sentence with.
    """

    def __init__(self, what: str) -> None:
        self._what = what

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, SystemExit):
            raise ModelError(f"{self._what} ended the process{ending(error)}.", cure=_CURE) from error
        if isinstance(error, Exception) and not isinstance(error, PatternSettleError):
            raise ModelError(
                f"{self._what}: {type(error).__name__}{origin(error)}: {reason(error)}.", cure=_CURE
            ) from error


def ending(end: SystemExit) -> str:
    """Return where and how code would end the process, as `` in mine, line 3: SystemExit 0``."""
    return f"{origin(end)}: SystemExit" + (f" {reason(end)}" if str(end) else "")


def reason(error: BaseException) -> str:
    """Return an error's message on one line and without its full stop; its type where it says nothing."""
    return " ".join(str(error).split()).rstrip(".") or type(error).__name__


def origin(error: BaseException, *, led: bool = False, besides: str = "") -> str:
    """Return the module and line that raised an error, as `` in mine, line 3``; "" where unknown.

    Parameters
    ----------
    error
        What was raised.
    led
        Whether to add the line of this package that led there, if another raised it.
    besides
        A module whose own lines tell nothing.
    """
    frames = [(frame.f_globals.get("__name__", "?"), line) for frame, line in walk_tb(error.__traceback__)]
    places = [(name, line) for name, line in frames if name != besides]
    if not places:
        return ""
    *before, raised = places
    ours = [place for place in before if _is_ours(place)]
    leading = f", from {_told(ours[-1])}" if led and ours and not _is_ours(raised) else ""
    return f" in {_told(raised)}{leading}"


def _is_ours(place: tuple[str, int]) -> bool:
    return place[0].partition(".")[0] == _PACKAGE


def _told(place: tuple[str, int]) -> str:
    name, line = place
    return f"{name}, line {line}"
