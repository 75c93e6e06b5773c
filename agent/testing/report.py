"""Authority on how a failure is shown: the traceback ends in the test, and below it stands the contract's line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import agent
from agent.errors import ChainError, PatternSettleError

_OURS = str(Path(agent.__file__).parent)


def tell(error: BaseException, *, whole: bool) -> None:
    """Add to an error, and to those behind it, what a reader wants to know; `whole` leaves tracebacks as they are."""
    for each in _all(error):
        if isinstance(each, ChainError) and each.where is not None:
            find, each.where = each.where, None
            try:
                where = find()
            except ChainError as problem:
                where = f"(Its Solidity line cannot be told: {problem})"
            if where:
                each.add_note(where)
        if isinstance(each, PatternSettleError) and not whole:
            _end_in_the_test(each)


def _all(error: BaseException | None) -> Iterator[BaseException]:
    """The error, its causes, and the members of groups; each once."""
    seen: set[int] = set()
    waiting = [error]
    while waiting:
        each = waiting.pop()
        if each is None or id(each) in seen:
            continue
        seen.add(id(each))
        yield each
        waiting += [each.__cause__, each.__context__]
        if isinstance(each, BaseExceptionGroup):
            waiting += each.exceptions


def _end_in_the_test(error: BaseException) -> None:
    """Cut off what the traceback shows of this package behind the last line that is not in it."""
    last, trace = None, error.__traceback__
    while trace is not None:
        if not trace.tb_frame.f_code.co_filename.startswith(_OURS):
            last = trace
        trace = trace.tb_next
    if last is not None:
        last.tb_next = None
