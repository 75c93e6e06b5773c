"""What comes from outside, kept from nesting without end: an error, and never the end of the process.

Libraries for the chain raise Python's recursion limit so far that whatever goes through it by recursion would run out of
stack before it noticed. So the depth of JSON is counted first, without recursion; and what goes through objects is given
a limit of its own.
"""

from __future__ import annotations

import inspect
import json
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

DEEPEST = 500  # far more than anybody means, far less than the stack of any thread holds

# Strings are matched whole, so that brackets inside them do not count; one that never ends reaches to the end.
_TOKEN = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[\[\]{}]', re.DOTALL)
_STEP = {"[": 1, "{": 1, "]": -1, "}": -1}


class TooDeepError(ValueError):
    """JSON that is nested more deeply than anybody means."""


def require_shallow(text: str, *, deepest: int = DEEPEST) -> None:
    """Raise `TooDeepError` where JSON text is nested more deeply than `deepest`."""
    depth = 0
    for token in _TOKEN.finditer(text):
        depth += _STEP.get(token[0], 0)
        if depth > deepest:
            raise TooDeepError(f"it is nested more than {deepest} deep")


def loads(text: str | bytes, *, deepest: int = DEEPEST, **options: Any) -> Any:
    """Parse JSON as `json.loads` does, `options` included.

    Raises
    ------
    ValueError
        If it is not JSON in UTF-8; as `TooDeepError` if it is nested more deeply than `deepest`.
    """
    decoded = text.decode("utf-8") if isinstance(text, bytes) else text
    require_shallow(decoded, deepest=deepest)
    return json.loads(decoded, **options)


@contextmanager
def bounded_recursion(calls: int = 1_000) -> Iterator[None]:
    """Let Python raise RecursionError in here after so many calls within each other, whatever its limit is elsewhere."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(min(before, len(inspect.stack(0)) + calls))
    try:
        yield
    finally:
        sys.setrecursionlimit(before)
