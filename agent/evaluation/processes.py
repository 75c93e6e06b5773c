"""In how many processes work is done: in no more than there are cores, or pieces of work."""

from __future__ import annotations

from joblib import cpu_count

__all__ = ["processes"]


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
