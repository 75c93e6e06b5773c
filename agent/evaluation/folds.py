"""The walk: which bars are trained on and which are tested on, in time order, with nothing known twice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from typing import Literal

import numpy as np

from agent.errors import ModelError
from agent.evaluation.result import Span
from agent.market.bars import Bars
from agent.model.closes import WINDOW
from agent.model.splits import purge
from agent.model.train import FEWEST_SAMPLES

__all__ = ["Scheme", "Step", "embargo", "gap", "later_than", "span_of", "walk"]

Scheme = Literal["expanding", "rolling"]

_ONLY_TRAINED = 1 / 3
_BARS_A_SAMPLE = 5 / 2  # about, on hourly and shorter bars
_FEWEST_HORIZONS = 12  # a window of fewer holds too few labels that do not overlap to be shuffled


@dataclass(frozen=True, slots=True)
class Step:
    """One fold: what is learned from, None where the model comes fitted, and what is then traded on."""

    training: Span | None
    test: Span


def embargo(horizon: int) -> int:
    """Return how many bars are left out beyond those that a label or a window reaches over: a horizon."""
    return horizon


def gap(horizon: int, window: int = WINDOW) -> int:
    """Return how many bars lie between training and test, where a model reads `window` bars of each.

    `purge` of them, so that no window and no label reaches from one into the other, and the embargo.
    M. López de Prado, *Advances in Financial Machine Learning* (2018), chapter 7.
    """
    return purge(horizon, window) + embargo(horizon)


def span_of(bars: Bars, start: int, stop: int) -> Span:
    """Return a stretch of a series with its times."""
    first, last = (datetime.fromtimestamp(int(bars.time[place]), UTC) for place in (start, stop - 1))
    return Span(start, stop, first, last)


def walk(
    bars: Bars,
    *,
    folds: int,
    horizon: int,
    window: int = WINDOW,
    scheme: Scheme = "expanding",
    since: datetime | None = None,
) -> tuple[Step, ...]:
    """Cut a series into steps, each training on the past alone and testing on what follows.

    The first third, or as much as a model needs at least, is only trained on. The rest is cut into windows of equal length, and each is tested on
    once, by a model that knows nothing of it, nor of the `gap` before it.

    Parameters
    ----------
    bars
        The whole series.
    folds
        Number of test windows.
    horizon
        Horizon of the labels in bars.
    window
        How many bars the model reads of each bar, itself included; of several models, the most.
    scheme
        ``expanding``: train on everything before. ``rolling``: on as many bars as the first fold does.
    since
        A moment before which nothing may be tested: another model on trial knows what came until then. The
        test windows then share what lies later.

    Raises
    ------
    ModelError
        Where the series is too short for as many folds.
    """
    left_out = gap(horizon, window)
    if since is None:
        least = round(FEWEST_SAMPLES * _BARS_A_SAMPLE) + purge(horizon, window) + left_out
        edges = _edges(min(max(round(len(bars) * _ONLY_TRAINED), least), len(bars)), len(bars), folds)
    else:
        windows = later_than(bars, since, folds=folds, horizon=horizon, window=window)
        edges = [*(window.start for window in windows), len(bars)]
    first = edges[0] - left_out
    _require_windows(len(bars), edges, first, horizon)
    return tuple(
        Step(
            span_of(bars, start - left_out - first if scheme == "rolling" else 0, start - left_out),
            span_of(bars, start, stop),
        )
        for start, stop in pairwise(edges)
    )


def later_than(bars: Bars, known: datetime, *, folds: int, horizon: int, window: int = WINDOW) -> tuple[Span, ...]:
    """Return consecutive test windows of the bars that came after everything a model knows, and after the `gap`.

    Parameters
    ----------
    bars, folds, horizon, window
        As for `walk`.
    known
        When the last bar closed that the model was trained on.

    Raises
    ------
    ModelError
        Where no bars are later, or too few.
    """
    start = int(np.searchsorted(bars.time, int(known.timestamp()))) + gap(horizon, window)
    if start >= len(bars):
        raise ModelError(
            f"the model knows everything until {known:%Y-%m-%d %H:%M} UTC, and of {len(bars)} bars, the last of "
            f"{bars.last:%Y-%m-%d %H:%M}, none is left after that and a gap of {gap(horizon, window)}.",
            cure="Give later bars, or train it again with --replay leaving out more of the end.",
        )
    edges = _edges(start, len(bars), folds)
    _require_windows(len(bars), edges, 1, horizon)
    return tuple(span_of(bars, a, b) for a, b in pairwise(edges))


def _edges(start: int, stop: int, windows: int) -> list[int]:
    return np.linspace(start, stop, windows + 1).round().astype(int).tolist()


def _require_windows(n: int, edges: Sequence[int], training: int, horizon: int) -> None:
    fewest = _FEWEST_HORIZONS * (horizon + 1)
    shortest = min(b - a for a, b in pairwise(edges))
    folds = len(edges) - 1
    if shortest < fewest or training < 1:
        raise ModelError(
            f"{n} bars, in {folds} test windows, leave {shortest} for the shortest, and {fewest} are needed "
            f"with a horizon of {horizon} bars.",
            cure="Give a longer series, or ask for fewer folds with --folds.",
        )
