"""Plots as SVG without a script: they stretch to any width while their text keeps its size, and are printed as they are.

Places are percentages, so that only lines are stretched; colours come from the style sheet, for light and dark.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from agent.evaluation.measured import Bin, Calibration, Estimate, Interval
from agent.evaluation.page import words
from agent.evaluation.page.axes import Scale, Tick, around, thinned, time_ticks, value_ticks
from agent.evaluation.page.markup import Child, Element, element
from agent.evaluation.result import Fold, Span
from agent.market.bars import Floats, Ints

__all__ = [
    "Line",
    "boxes",
    "calibration_plot",
    "equity_plot",
    "fold_plot",
    "frame",
    "key",
    "path",
    "stretched",
    "upright",
    "walk_plot",
    "whisker",
]

_FULL = 1_000  # units of a stretched drawing, each way


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """One line of a plot.

    Attributes
    ----------
    name
        What it shows.
    look
        Class of the style sheet.
    values
        Its values, shape (n,).
    """

    name: str
    look: str
    values: Floats


def equity_plot(
    times: Ints, lines: Sequence[Line], *, folds: Sequence[int], spread: Interval | None = None
) -> Element:
    """Return results so far over time, in percent of one trade's size.

    Parameters
    ----------
    times
        Unix seconds, shape (n,).
    lines
        Results in basis points at those times; later ones lie above earlier ones.
    folds
        Unix seconds at which folds begin.
    spread
        Where random entries ended, in basis points: drawn at the right edge.
    """
    first, last = (float(times[0]), float(times[-1])) if len(times) else (0.0, 1.0)
    x = Scale(first, max(last, first + 1))
    ends = [] if spread is None else [spread.low / 100, spread.high / 100]
    extremes = [
        end for line in lines if len(line.values) for end in (line.values.min() / 100, line.values.max() / 100)
    ]
    y = around([0.0, *ends, *extremes], least=0.1)
    drawn = []
    for line in lines:
        kept = thinned(line.values)
        drawn.append(path(x.at(times[kept]), y.at(line.values[kept] / 100), class_=f"line {line.look}"))
    marks: list[Child] = [upright(float(x.at(time)), class_="fold") for time in folds if first < time < last]
    marks += [_level(float(y.at(0)), class_="zero"), stretched(*drawn)]
    if ends:
        marks.append(upright(1.0, *(float(at) for at in y.at(ends)), class_="spread"))
    ended = "; ".join(f"{line.name} ended at {words.percent(_last(line.values))}" for line in reversed(lines))
    return frame(
        f"Result so far over time, in percent of one trade's size: {ended}.",
        *marks,
        x=time_ticks(first, last),
        y=[Tick(float(y.at(value)), f"{words.signed(value, _digits(y))} %") for value in value_ticks(y)],
        class_="wide",
    )


def key(lines: Sequence[Line]) -> Element:
    """Return what each line of an equity plot is, and where it ended."""
    return element(
        "ul",
        [
            element(
                "li",
                element(
                    "svg",
                    element("line", x1="0", x2="100%", y1="50%", y2="50%", class_=f"line {line.look}"),
                    class_="swatch",
                    aria_hidden="true",
                ),
                element("span", line.name),
                " ",
                element("b", words.percent(_last(line.values))),
            )
            for line in lines
        ],
        class_="key",
    )


def calibration_plot(calibration: Calibration) -> Element:
    """Return how often came what was given a probability, beside the diagonal on which both are the same."""
    bins = calibration.bins
    seen = [at for each in bins for at in (each.predicted, each.observed.value, *_ends(each.observed))]
    scale = around(seen, least=0.1)
    scale = Scale(max(0.0, scale.low), min(1.0, scale.high))
    ticks = [Tick(float(scale.at(value)), words.share(value, 0)) for value in value_ticks(scale, about=6)]
    return frame(
        f"Calibration: {len(bins)} groups of bars by the probability given, and how often it came; see the table below.",
        element("line", x1="0", y1="100%", x2="100%", y2="0", class_="diagonal"),
        [_bin(each, scale) for each in bins if each.observed.value is not None],
        x=ticks,
        y=ticks,
        x_title="probability given",
        y_title="how often it came",
        class_="square",
    )


def _bin(each: Bin, scale: Scale) -> Element:
    at, came = float(scale.at(each.predicted)), float(scale.at(each.observed.value))
    low, high = (float(scale.at(end)) for end in _ends(each.observed) or (each.observed.value,) * 2)
    told = f"given {words.share(each.predicted)}, came {words.share(each.observed.value)} of {each.count:,}"
    return element(
        "g",
        element("title", told),
        upright(at, low, high, class_="whisker"),
        element("circle", cx=_percent(at), cy=_percent(1 - came), r=4.5, class_="dot"),
    )


def fold_plot(folds: Sequence[Fold]) -> Element:
    """Return the mean result of a trade in each fold, with its interval."""
    means = [fold.measures.mean_bps for fold in folds]
    y = around([0.0, *(at for mean in means for at in (mean.value, *_ends(mean)))], least=1.0)
    places = [(number + 0.5) / len(folds) for number in range(len(folds))]
    marks: list[Child] = [_level(float(y.at(0)), class_="zero")]
    for fold, at in zip(folds, places, strict=True):
        mean = fold.measures.mean_bps
        if mean.value is None:
            continue
        ends = _ends(mean)
        told = f"fold {fold.number + 1}: {words.bps(mean.value)} a trade, {words.count(fold.measures.trades, 'trade')}"
        marks.append(
            element(
                "g",
                element("title", told),
                upright(at, *(float(y.at(end)) for end in ends), class_="whisker") if ends else None,
                element(
                    "circle",
                    cx=_percent(at),
                    cy=_percent(1 - float(y.at(mean.value))),
                    r=5,
                    class_=_dot(mean, 0.0),
                ),
            )
        )
    step = -(-len(folds) // 12)
    return frame(
        f"Mean result of a trade in each of {len(folds)} folds, in basis points; see the table below.",
        *marks,
        x=[
            Tick(at, str(fold.number + 1))
            for fold, at in zip(folds, places, strict=True)
            if fold.number % step == 0
        ],
        y=[
            Tick(float(y.at(value)), words.signed(value, 0 if y.high - y.low > 8 else 1))
            for value in value_ticks(y)
        ],
        x_title="fold",
        y_title="bps a trade",
    )


def whisker(estimate: Estimate, scale: Scale, *, reference: float | None = 0.0, better: int = 1) -> Element:
    """Return a value and its interval as a dot on a line, beside a reference; what they are stands beside it in words.

    Parameters
    ----------
    estimate
        The value. Its dot is hollow where the interval holds the reference.
    scale
        Where it is drawn on: the same for all that are to be compared.
    reference
        Drawn as an upright line; None for none.
    better
        1 where more is better than the reference, -1 where less is.
    """
    marks: list[Child] = []
    if reference is not None:
        marks.append(upright(float(scale.at(reference)), class_="reference"))
    if estimate.value is not None:
        ends = [_percent(float(scale.at(end))) for end in _ends(estimate)]
        if ends:
            marks.append(element("line", x1=ends[0], x2=ends[1], y1="50%", y2="50%", class_="whisker"))
        look = _dot(estimate, reference, better)
        marks.append(element("circle", cx=_percent(float(scale.at(estimate.value))), cy="50%", r=4, class_=look))
    return element("svg", marks, class_="whisk", aria_hidden="true")


def walk_plot(spans: Sequence[tuple[Span | None, Span]], *, first: float, last: float) -> Element:
    """Return which bars each fold learned from and which it was tested on, over time."""
    x = Scale(first, max(last, first + 1))
    rows = []
    for number, (training, test) in enumerate(spans):
        top, height = _percent((number + 0.2) / len(spans)), _percent(0.6 / len(spans))
        for span, look in ((training, "training"), (test, "test")):
            if span is not None:
                begin, end = (float(at) for at in x.at([span.first.timestamp(), span.last.timestamp()]))
                width = _percent(max(end - begin, 0.002))
                rows.append(element("rect", x=_percent(begin), y=top, width=width, height=height, class_=look))
    step = -(-len(spans) // 8)
    labels = [Tick(1 - (number + 0.5) / len(spans), str(number + 1)) for number in range(0, len(spans), step)]
    return frame(
        f"The walk: {len(spans)} folds, each tested on bars later than those it learned from.",
        *rows,
        x=time_ticks(first, last),
        y=labels,
        y_title="fold",
        class_="walk",
    )


def frame(
    told: str,
    *marks: Child,
    x: Sequence[Tick],
    y: Sequence[Tick],
    x_title: str = "",
    y_title: str = "",
    class_: str = "",
) -> Element:
    """Return a plot: its axes, and what is drawn between them.

    Parameters
    ----------
    told
        What it shows, for those who cannot see it.
    marks
        What is drawn, lowest first.
    x, y
        The ticks, from the left and from below.
    x_title, y_title
        What the axes are.
    class_
        Class of the style sheet: its shape.
    """
    axes: list[Child] = []
    for tick in y:
        axes.append(_level(tick.at, class_="grid"))
        axes.append(
            element("text", tick.label, x="0", dx=-8, y=_percent(1 - tick.at), dy="0.32em", class_="tick left")
        )
    for tick in x:
        axes.append(element("text", tick.label, x=_percent(tick.at), y="100%", dy="1.5em", class_="tick below"))
    if x_title:
        axes.append(element("text", x_title, x="100%", y="100%", dy="2.9em", class_="axis right"))
    if y_title:
        axes.append(element("text", y_title, x="0", dx=-8, y="0", dy="-0.9em", class_="axis"))
    svg = element("svg", axes, *marks, role="img", aria_label=told)
    return element("div", svg, class_=f"plot {class_}")


def stretched(*marks: Child) -> Element:
    """Return a drawing of 1,000 by 1,000 units that is stretched to the whole plot."""
    box = f"0 0 {_FULL} {_FULL}"
    return element("svg", *marks, viewBox=box, preserveAspectRatio="none", width="100%", height="100%")


def path(x: ArrayLike, y: ArrayLike, *, class_: str, closed: bool = False) -> Element:
    """Return a line through places from 0 to 1, inside of `stretched`."""
    points = np.column_stack([np.asarray(x) * _FULL, (1 - np.asarray(y)) * _FULL])
    shown = "L".join(f"{across:.1f} {down:.1f}" for across, down in points.tolist())
    return element("path", d=f"M{shown}{'Z' if closed else ''}" if len(points) else None, class_=class_)


def boxes(left: Floats, right: Floats, foot: float, tops: Floats, *, class_: str) -> Element:
    """Return upright boxes from one foot to their tops, places from 0 to 1, inside of `stretched`."""
    low = f"{(1 - foot) * _FULL:.1f}"
    edges = (np.column_stack([left, 1 - tops, right]) * _FULL).tolist()
    shown = "".join(f"M{a:.1f} {low}V{top:.1f}H{b:.1f}V{low}Z" for a, top, b in edges)
    return element("path", d=shown, class_=class_)


def upright(at: float, low: float = 0.0, high: float = 1.0, *, class_: str) -> Element:
    """Return an upright line of a plot, all places from 0 to 1."""
    return element(
        "line", x1=_percent(at), x2=_percent(at), y1=_percent(1 - low), y2=_percent(1 - high), class_=class_
    )


def _level(at: float, *, class_: str) -> Element:
    return element("line", x1="0", x2="100%", y1=_percent(1 - at), y2=_percent(1 - at), class_=class_)


def _percent(at: float) -> str:
    return f"{100 * at:.2f}%"


def _ends(estimate: Estimate) -> tuple[float, ...]:
    return () if estimate.interval is None else (estimate.interval.low, estimate.interval.high)


def _dot(estimate: Estimate, reference: float | None, better: int = 1) -> str:
    """Return the look of a value: which side of the reference, and whether its interval leaves a doubt."""
    if reference is None or estimate.value is None:
        return "dot"
    ends = _ends(estimate)
    doubt = not ends or ends[0] <= reference <= ends[1]
    side = "gain" if (estimate.value - reference) * better > 0 else "loss"
    return f"dot {side}{' doubt' if doubt else ''}"


def _last(values: Floats) -> float | None:
    return float(values[-1]) if len(values) else None


def _digits(scale: Scale) -> int:
    extent = scale.high - scale.low
    return 0 if extent > 8 else 1 if extent > 0.8 else 2
