"""In how many processes work is done, and how each of them ends: at the latest with the one that began it."""

from __future__ import annotations

import os
import signal
import threading
import time

from joblib import cpu_count

__all__ = ["begin", "processes"]

_LOOK = 0.5  # seconds


def processes(wanted: int | None, *, pieces: int | None = None) -> int:
    """Return how many processes to do work in.

    Parameters
    ----------
    wanted
        At most so many; None for as many as there are cores. More than those would only get in each other's way.
    pieces
        Of work; None where nobody knows yet.
    """
    return max(1, min(each for each in (wanted, pieces, cpu_count()) if each is not None))


def begin(beginner: int) -> None:
    """Begin a process that works for another: it leaves Ctrl-C to that, and ends when it does, even where that was killed.

    Parameters
    ----------
    beginner
        Number of the process that began this one.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(beginner,), daemon=True).start()


def _end_with(beginner: int) -> None:
    while os.getppid() == beginner:
        time.sleep(_LOOK)
    os._exit(1)
