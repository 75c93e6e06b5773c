"""Dates: whether features remember when something was, rather than read what prices do.

Two things must change nothing but what depends on the prices. All times moved by whole weeks: the hour and the day of the
week stay, and a table of dates finds other rows, or none. Other prices at the same times: what keeps its answers by
time gives those of the first prices, and the right ones at times it has not met.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from agent.errors import ModelError
from agent.market.bars import Bars, Floats, Ints
from agent.model.alone import asked_again, differing, told_apart, usual_size
from agent.model.framed import framed
from agent.model.reading import Reading
from agent.model.reasons import Foreign

__all__ = [
    "Shown",
    "fault_of_moves",
    "fault_of_other_prices",
    "moved",
    "other_prices",
    "phrases",
    "require_no_dates",
]

Shown = Callable[[Bars], Floats]

_WEEK = 7 * 24 * 3_600
_MOVES = (1, 523)  # weeks: a step aside, and ten years on, where no table reaches
_ROWS = 300
_FRESH = 1_046  # weeks: to dates that nothing was asked about before
_CURE = "Read prices and volumes, and of the clock no more than the hour and the day of the week, in UTC; keep nothing by time."


def moved(bars: Bars, weeks: int) -> Bars:
    """Return the same bars so many weeks later, and those beside them too."""
    others = tuple((name, moved(other, weeks)) for name, other in bars.beside)
    return replace(bars, time=bars.time + weeks * _WEEK, beside=others)


def other_prices(bars: Bars, *, seed: int = 0) -> Bars:
    """Return bars at the same times with other prices, each bar some two in a hundred lower or not at all, and other volumes."""
    rng = np.random.default_rng(seed)
    share = np.exp(-np.abs(rng.normal(0, 0.02, len(bars))))
    prices = {
        name: np.maximum((getattr(bars, name) * share).astype(np.int64), 1)
        for name in ("open", "high", "low", "close")
    }
    others = tuple((name, other_prices(other, seed=seed + 1)) for name, other in bars.beside)
    return replace(bars, **prices, volume=bars.volume * share[::-1], beside=others)


def phrases(names: Sequence[str]) -> tuple[str, ...]:
    """Return features as a sentence calls them."""
    return tuple(f"the feature {name!r}" for name in names)


def fault_of_moves(shown: Shown, bars: Bars, names: Sequence[str]) -> ModelError | None:
    """Return what depends on the dates of the same prices, or None.

    Parameters
    ----------
    shown
        Returns of each bar of a series what is to be the same, shape (n, len(names)).
    bars
        The series.
    names
        What its columns are called in a sentence.
    """
    usual = shown(bars)
    for weeks in _MOVES:
        if found := _unlike(usual, shown(moved(bars, weeks)), names):
            name, bar, one, other = found
            return ModelError(
                f"{name} of bar {bar} is {one}, and {other} once all times are moved by {weeks:,} "
                f"week{'' if weeks == 1 else 's'} and nothing else: it remembers dates, so it may know what came after "
                "them.",
                cure=_CURE,
            )
    return None


def fault_of_other_prices(shown: Shown, bars: Bars, names: Sequence[str], *, seed: int = 0) -> ModelError | None:
    """Return what is said of other prices at the same times, and not of the same prices at other times, or None.

    Parameters as for `fault_of_moves`; the seed draws the prices.
    """
    shown(bars)  # so that whatever keeps answers by time has met these times
    others = other_prices(bars, seed=seed)
    if found := _unlike(shown(others), shown(moved(others, _FRESH)), names):
        name, bar, one, other = found
        return ModelError(
            f"{name} of bar {bar}, with other prices, is {one} at times it has met before, and {other} when all times are "
            f"moved by {_FRESH:,} weeks: it answers by date, not by price.",
            cure=_CURE,
        )
    return None


def require_no_dates(reading: Reading, bars: Bars, estimator: Any = None) -> None:
    """Refuse features that remember dates, and a classifier that does so behind its features.

    Parameters
    ----------
    reading, bars
        How it reads, and what. The features of this project are told no times: those pass unread.
    estimator
        The fitted classifier; None where there is none yet.

    Raises
    ------
    ModelError
        Where something depends on dates, saying what.
    """
    first = reading.reach - 1
    if not reading.own or len(bars) <= first:
        return
    _require(lambda bars: _read(reading, bars), bars, phrases(reading.names))
    if estimator is not None:
        rows = asked_again(len(bars) - first) + first
        names = [f"the probability of {label}" for label in np.asarray(estimator.classes_).tolist()]
        _require(lambda bars: _asked(reading, estimator, bars, rows), bars, names)


def _require(shown: Shown, bars: Bars, names: Sequence[str]) -> None:
    if fault := fault_of_moves(shown, bars, names) or fault_of_other_prices(shown, bars, names):
        raise fault


def _read(reading: Reading, bars: Bars) -> Floats:
    first = reading.reach - 1
    if reading.exact:  # each row is a call of its own, so not every row is read
        rows = np.random.default_rng(0).permutation(len(bars) - first)[:_ROWS] + first
        return _at(
            rows, np.array([reading.of_last(bars, row) for row in rows.tolist()], dtype=np.float64), len(bars)
        )
    made = np.array(reading.matrix(bars), dtype=np.float64)
    made[:first] = np.nan  # not to be used, so they may be anything
    return made


def _asked(reading: Reading, estimator: Any, bars: Bars, rows: Ints) -> Floats:
    features = (
        np.array([reading.of_last(bars, row) for row in rows.tolist()])
        if reading.exact
        else reading.matrix(bars)[rows]
    )
    with Foreign(f"the model {type(estimator).__name__}"):
        answers = np.asarray(estimator.predict_proba(framed(estimator, features)), dtype=np.float64)
    return _at(rows, answers, len(bars))


def _at(rows: Ints, values: Floats, count: int) -> Floats:
    """Return values in their rows of so many, the other rows unknown."""
    whole = np.full((count, values.shape[1]), np.nan)
    whole[rows] = values
    return whole


def _unlike(usual: Floats, otherwise: Floats, names: Sequence[str]) -> tuple[str, int, str, str] | None:
    """Return the first column that is not the same, the bar where, and how it reads there with and without a change."""
    changed = differing(otherwise, usual, usual_size(usual))
    if not changed.any():
        return None
    bar, column = np.argwhere(changed)[0].tolist()
    return names[column], bar, *told_apart(usual[bar, column], otherwise[bar, column])
