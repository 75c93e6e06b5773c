"""Warm-up: whether features are read from their window alone, and how long a window would have to be if not.

A decision is made from one window; a series is read at once. Both must give the same features. Where they do not, either
later bars are read, or earlier ones than the window holds: an exponential mean remembers everything, and has forgotten
what lies far enough back.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from agent.errors import ModelError
from agent.market.bars import Bars, Floats, Ints
from agent.model.alone import asked_again, differing, told_apart, usual_size
from agent.model.reading import LONGEST, Reading

__all__ = ["fault_of_window", "require_window"]

_LOOKED_INTO = 8  # places that are read again and again to tell why they differ
_MARGIN = 1.1  # more bars than these places took to forget, for there are others


def require_window(reading: Reading, bars: Bars, features: NDArray[Any]) -> None:
    """Refuse features of a series that differ from those which single decisions would be made on.

    Parameters
    ----------
    reading, bars
        How it reads, and what.
    features
        What it read, shape (n, k).

    Raises
    ------
    ModelError
        Where they are read from bars outside their windows, saying which, and what to do.
    """
    if fault := fault_of_window(reading, bars, features):
        raise fault


def fault_of_window(reading: Reading, bars: Bars, features: NDArray[Any], *, seed: int = 0) -> ModelError | None:
    """Return what is wrong with features of a series, as `require_window` raises it, or None; rows are drawn by the seed."""
    if not reading.own or reading.exact or len(bars) < reading.reach:
        return None
    together = np.asarray(features, dtype=np.float64)
    size = usual_size(together[reading.reach - 1 :])
    places = asked_again(len(bars) - reading.reach + 1, seed=seed) + reading.reach - 1
    alone = np.array([_read(reading, bars, place, reading.window) for place in places.tolist()])
    strayed = differing(alone, together[places], size)
    if not strayed.any():
        return None
    row, column = np.argwhere(strayed)[0].tolist()
    looked_into = places[strayed[:, column]][:_LOOKED_INTO]
    for place in looked_into.tolist():
        known = _read(reading, bars, place, place + 1)
        if differing(known, together[place], size)[column]:
            return _ahead(reading.names[column], place, known[column], together[place, column])
    found = _enough(reading, bars, together, size, np.sort(places[strayed.any(axis=1)])[-_LOOKED_INTO:])
    told = told_apart(alone[row, column], together[places[row], column])
    return _remembers(reading, reading.names[column], int(places[row]), told, found)


def _ahead(name: str, place: int, known: float, later: float) -> ModelError:
    then, now = told_apart(known, later)
    return ModelError(
        f"the feature {name!r} of bar {place} is {then} when that bar has just closed, and {now} once later ones are known: "
        "it knows the future.",
        cure="Read each row from its own bar and those before it; patternsettle check tells how far ahead it reads.",
    )


def _remembers(reading: Reading, name: str, place: int, told: tuple[str, str], found: int | None) -> ModelError:
    one, other = told
    problem = (
        f"the feature {name!r} of bar {place} is {one} read from the {reading.window} bars up to it, and {other} read from all "
        "before it: it remembers"
    )
    if found is None:
        return ModelError(
            f"{problem} everything, or counts from where the bars begin.",
            cure="State as window how many bars are to warm it up, and set exact_window = True: every row is then read "
            "from those alone.",
        )
    return ModelError(
        f"{problem} more than its window.",
        cure=f"State window = {found}: of what lies further back it keeps nothing that counts. Or set exact_window = True, "
        "and every row is read from its window alone.",
    )


def _enough(reading: Reading, bars: Bars, together: Floats, size: Floats, places: Ints) -> int | None:
    """Return a window from which the features at these places are the same as from all bars; None where none is found."""
    longest = min(
        LONGEST, (int(places[-1]) + 1) // 2
    )  # only where at least as many bars are left out does it tell
    short, long = reading.window, reading.window
    while not _same(reading, bars, together, size, places, long):
        if long >= longest:
            return None
        short, long = long, min(2 * long, longest)
    while long - short > max(1, short // 20):
        middle = (short + long) // 2
        if _same(reading, bars, together, size, places, middle):
            long = middle
        else:
            short = middle
    return min(LONGEST, -(-round(long * _MARGIN) // 10) * 10)


def _same(reading: Reading, bars: Bars, together: Floats, size: Floats, places: Ints, window: int) -> bool:
    telling = [place for place in places.tolist() if place + 1 >= 2 * window]
    return bool(telling) and not any(
        differing(_read(reading, bars, place, window), together[place], size).any() for place in telling
    )


def _read(reading: Reading, bars: Bars, place: int, window: int) -> Floats:
    return np.asarray(reading.matrix(bars[place + 1 - window : place + 1])[-1], dtype=np.float64)
