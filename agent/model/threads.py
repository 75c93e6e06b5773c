"""Threads: why models run on one, and how."""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager
from functools import lru_cache

from threadpoolctl import ThreadpoolController

__all__ = ["one_thread"]


def one_thread() -> AbstractContextManager[object]:
    """Return a context in which numerical libraries use one thread of this process.

    Sums are then taken in one order, whatever the machine is doing. It is quicker, too, for rows as few as there
    are here: on a busy machine the hundred small trees of a boosting wait a hundred times for all threads to
    come together, which takes seconds for what takes one thread a hundredth.
    """
    return _controller(len(sys.modules)).limit(limits=1)


@lru_cache(maxsize=1)
def _controller(modules: int) -> ThreadpoolController:
    # Looking for the libraries takes milliseconds, so it is done anew only where modules came, and maybe one with them.
    return ThreadpoolController()
