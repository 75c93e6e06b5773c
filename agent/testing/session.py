"""Authority on the test session that is running: how whatever is no fixture reaches its workbench."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from agent.errors import UsageError

if TYPE_CHECKING:
    from agent.testing.workbench import Workbench

# A stack, because a test may run another session inside its own.
_OPENERS: list[Callable[[], Workbench]] = []


def begin(opener: Callable[[], Workbench]) -> None:
    """A session begins; `opener` makes its workbench when first called, and returns the same from then on."""
    _OPENERS.append(opener)


def end(opener: Callable[[], Workbench]) -> None:
    """The session ends."""
    _OPENERS.remove(opener)


def workbench() -> Workbench:
    """The workbench of the running session.

    Raises
    ------
    UsageError
        Outside of pytest.
    """
    if not _OPENERS:
        raise UsageError(
            "No test session is running.", cure="Run this with pytest, its patternsettle plugin enabled."
        )
    return _OPENERS[-1]()
