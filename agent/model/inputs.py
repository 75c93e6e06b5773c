"""Inputs: what a model reads beside the bars it decides on, a higher interval of them or another market, as far as it has closed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from agent.errors import ModelError
from agent.market.bars import Bars, Floats, Ints

__all__ = ["Beside", "Input", "beside", "inputs_of", "reads_beside", "resampled", "with_inputs"]

_WEEK = 7 * 24 * 3_600


@dataclass(frozen=True, slots=True)
class Input:
    """What a model reads beside its bars: one of the two.

    Attributes
    ----------
    interval
        Seconds of a longer bar of the same market, made of the bars themselves: a multiple of theirs that divides a week.
    market
        Name of another market, whose bars come from a file of their own.
    """

    interval: int | None = None
    market: str = ""

    def __post_init__(self) -> None:
        if (self.interval is None) == (not self.market):
            raise ModelError(
                "an input is an interval or a market.", cure="Give Input(interval=SECONDS) or Input(market=NAME)."
            )
        if self.interval is not None and (
            type(self.interval) is not int or self.interval < 1 or _WEEK % self.interval
        ):
            raise ModelError(
                f"an input has an interval of {self.interval!r} s.",
                cure="Give seconds that divide a week, so that its bars begin at the same hours in each.",
            )


@dataclass(frozen=True, slots=True, eq=False)
class Beside:
    """An input, as far as it is known from a series of bars.

    Attributes
    ----------
    bars
        Its bars that have closed, and lie wholly within the series.
    last
        For each bar of the series, the place in `bars` of the last one closed when that bar closes; -1 where none has.
        Shape (n,).
    """

    bars: Bars
    last: Ints

    def at(self, values: Any) -> Floats:
        """Return, for each bar of the series, what belongs to the last input bar closed by then; nan where there is none.

        Parameters
        ----------
        values
            One number for each of `bars`.
        """
        known = np.append(np.asarray(values, dtype=np.float64), np.nan)  # -1 is the nan
        made: Floats = known[self.last]
        return made


def beside(bars: Bars, name: str, asked: Input) -> Beside:
    """Return an input of a series of bars.

    Raises
    ------
    ModelError
        Where the bars are no part of its interval, or no bars of its market were given.
    """
    if asked.interval is not None:
        if asked.interval % bars.interval or asked.interval <= bars.interval:
            raise ModelError(
                f"the input {name!r} has bars of {asked.interval} s, and they cannot be made of bars of {bars.interval} s.",
                cure="Ask for a multiple of the bars' own interval.",
            )
        other = resampled(bars, asked.interval)
    else:
        found = dict(bars.beside).get(name)
        if found is None:
            raise ModelError(
                f"the model reads {name!r}, bars of {asked.market}, and was given none.",
                cure=f"Give them with --input {name}=FILE.",
            )
        other = found
    closes = bars.time + bars.interval
    return Beside(other, np.searchsorted(other.time + other.interval, closes, "right") - 1)


def reads_beside(read: Callable[..., Any], inputs: tuple[tuple[str, Input], ...]) -> Callable[[Bars], Any]:
    """Return what reads bars with these inputs beside them, given as keywords."""
    if not inputs:
        return read
    return lambda bars: read(bars, **{name: beside(bars, name, each) for name, each in inputs})


def resampled(bars: Bars, interval: int) -> Bars:
    """Return the longer bars that a series makes: those that have closed by its end, and began within it."""
    starts = bars.time - bars.time % interval
    firsts = np.flatnonzero(np.diff(starts, prepend=starts[:1] - 1))
    lasts = np.append(firsts[1:], len(bars)) - 1
    made = replace(
        bars,
        time=starts[firsts],
        open=bars.open[firsts],
        high=np.maximum.reduceat(bars.high, firsts) if len(bars) else bars.high,
        low=np.minimum.reduceat(bars.low, firsts) if len(bars) else bars.low,
        close=bars.close[lasts],
        volume=np.add.reduceat(bars.volume, firsts) if len(bars) else bars.volume,
        interval=interval,
        beside=(),
    )
    if not len(bars):
        return made
    whole = (made.time >= bars.time[0]) & (made.time + interval <= bars.closed_at(len(bars) - 1))
    first = int(whole.argmax()) if whole.any() else len(made)
    return made[first : first + int(whole.sum())]


def inputs_of(estimator: Any) -> tuple[tuple[str, Input], ...]:
    """Return the inputs that a classifier declares as its `inputs`, none where it has none.

    Raises
    ------
    ModelError
        Where they are not inputs by name.
    """
    declared = getattr(estimator, "inputs", {})
    if not isinstance(declared, Mapping) or not all(
        isinstance(name, str) and name.isidentifier() and isinstance(each, Input)
        for name, each in declared.items()
    ):
        raise ModelError(
            f"the inputs of {type(estimator).__name__} are {declared!r}.",
            cure='Declare them by name: inputs = {"daily": Input(interval=86_400)}.',
        )
    return tuple(declared.items())


def with_inputs(bars: Bars, others: Mapping[str, Bars]) -> Bars:
    """Return a series with bars of other markets beside it: only those that lie within it are kept.

    Raises
    ------
    ModelError
        Where a market has no bar in that time.
    """
    whole = replace(bars, beside=tuple(others.items()))[:]
    for name, other in whole.beside:
        if not len(other):
            raise ModelError(
                f"the input {name!r}, of {others[name].source}, has no bar between {bars.first:%Y-%m-%d %H:%M} and "
                f"{bars.last:%Y-%m-%d %H:%M} UTC.",
                cure="Give bars of the same time.",
            )
    return whole
