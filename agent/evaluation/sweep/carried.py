"""How a call travels through a cluster: as bytes that only its worker opens, so that a scheduler loads nothing heavy."""

from __future__ import annotations

import pickle
from typing import Any

from threadpoolctl import threadpool_limits

__all__ = ["called", "opened"]


def opened(value: bytes) -> Any:
    """Return what was carried."""
    return pickle.loads(value)


def called(call: bytes, *arguments: Any) -> Any:
    """Make a call that was carried, as a function with its first arguments; the others come after them."""
    # For good, unlike the limits further in: a worker with several threads has one setting for all of them.
    threadpool_limits(limits=1)
    function, first = pickle.loads(call)
    from agent.evaluation.sweep.engines import answered  # a scheduler only reads the name of this function

    return answered(function, *first, *arguments)
