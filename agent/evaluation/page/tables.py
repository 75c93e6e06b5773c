"""The tables of the page: every number that a plot shows, in words, with its interval below it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from agent.evaluation.measured import Baseline, Bin, Calibration, Estimate, Measures, Part, Scores
from agent.evaluation.page import words
from agent.evaluation.page.axes import Scale, around
from agent.evaluation.page.markup import Child, Element, element
from agent.evaluation.page.plots import whisker
from agent.evaluation.result import Fold, Judged

__all__ = ["baseline_table", "calibration_table", "fold_table", "model_table", "part_table"]

_RESULTS = ("hit rate", "mean of a trade", "", "return", "Sharpe a year")


def model_table(models: Sequence[Judged], leader: Judged) -> Element:
    """Return all models that were tried, one a row."""
    head = ("model", "edge", "p", "deflated Sharpe", "log loss", "trades", *_RESULTS)
    scale = _means(model.overall for model in models)
    rows = [
        element(
            "tr",
            element("th", model.name, scope="row"),
            _cell("yes" if model.verdict.edge else "no"),
            _cell(words.p_value(model.luck.p_value)),
            _cell(words.chance_for_edge(model.luck.deflated_sharpe)),
            _scored(model.scores),
            _cell(words.count(model.overall.trades)),
            _results(model.overall, scale),
            class_="own" if model is leader else None,
        )
        for model in models
    ]
    return _table("The models, all on the same bars", head, rows)


def baseline_table(model: Judged, baselines: Sequence[Baseline]) -> Element:
    """Return a model above what needs no model."""
    head = ("", "trades", *_RESULTS, "profit factor", "drawdown", "exposed")
    of_all = [(model.name, "", model.overall), *((each.name, each.meaning, each.measures) for each in baselines)]
    scale = _means(measures for _, _, measures in of_all)
    rows = [
        element(
            "tr",
            element("th", name, scope="row", title=meaning or None),
            _cell(words.count(measures.trades)),
            _results(measures, scale),
            _estimate(measures.profit_factor, words.plain),
            _cell(words.percent(-measures.drawdown_bps)),
            _cell(words.share(measures.exposure)),
            class_=None if meaning else "own",
        )
        for name, meaning, measures in of_all
    ]
    return _table(f"{model.name} and the baselines", head, rows)


def part_table(told: str, first: str, parts: Sequence[Part]) -> Element:
    """Return some of the trades by what they have in common, one group a row."""
    head = (first, "bars", "trades", "hit rate", "mean of a trade", "", "return", "profit factor")
    scale = _means(part.measures for part in parts)
    rows = [
        element(
            "tr",
            element("th", part.name, scope="row"),
            _cell(words.count(part.samples)),
            _cell(words.count(part.measures.trades)),
            _hit_rate(part.measures),
            _estimate(part.measures.mean_bps, words.bps, coloured=True),
            _whisker(part.measures.mean_bps, scale),
            _estimate(part.measures.return_bps, words.percent, coloured=True),
            _estimate(part.measures.profit_factor, words.plain),
        )
        for part in parts
    ]
    return _table(told, head, rows)


def fold_table(folds: Sequence[Fold]) -> Element:
    """Return the folds in time order."""
    head = ("fold", "tested from", "confidence from", "log loss", "trades", *_RESULTS)
    scale = _means(fold.measures for fold in folds)
    rows = [
        element(
            "tr",
            element("th", str(fold.number + 1), scope="row"),
            _cell(f"{fold.test.first:%Y-%m-%d}"),
            _cell(words.share(fold.threshold_bps / 10_000)),
            _scored(fold.scores),
            _cell(words.count(fold.measures.trades)),
            _results(fold.measures, scale),
        )
        for fold in folds
    ]
    return _table("The folds, in time order", head, rows)


def calibration_table(calibration: Calibration) -> Element:
    """Return the groups of a calibration curve."""
    head = ("probability given", "mean", "came", "bars", "came more often")
    rows = [
        element(
            "tr",
            element("th", f"{words.share(each.low)} to {words.share(each.high)}", scope="row"),
            _cell(words.share(each.predicted)),
            _estimate(each.observed, words.share),
            _cell(words.count(each.count)),
            _cell(_apart(each)),
        )
        for each in calibration.bins
    ]
    return _table("Probabilities given, and what came", head, rows)


def _apart(each: Bin) -> str:
    if each.observed.value is None:
        return words.DASH
    return f"{words.signed(100 * (each.observed.value - each.predicted), 1)}{words.NBSP}points"


def _results(measures: Measures, scale: Scale) -> list[Element]:
    """Return the cells of `_RESULTS`."""
    return [
        _hit_rate(measures),
        _estimate(measures.mean_bps, words.bps, coloured=True),
        _whisker(measures.mean_bps, scale),
        _estimate(measures.return_bps, words.percent, coloured=True),
        _estimate(measures.sharpe, words.signed),
    ]


def _scored(scores: Scores) -> Element:
    base = "" if scores.log_loss_base is None else f"base {words.plain(scores.log_loss_base, 4)}"
    return element("td", words.plain(scores.log_loss.value, 4), element("small", base) if base else None)


def _hit_rate(measures: Measures) -> Element:
    cell = _estimate(measures.hit_rate, words.share)
    if measures.base_rate is not None:
        cell.append(element("small", f"base {words.share(measures.base_rate)}"))
    return cell


def _means(measures: Iterable[Measures]) -> Scale:
    """Return a scale that holds the intervals of all mean results, and zero."""
    intervals = [each.mean_bps.interval for each in measures if each.mean_bps.interval is not None]
    return around([0.0, *(end for interval in intervals for end in (interval.low, interval.high))], least=1.0)


def _estimate(estimate: Estimate, shown: Callable[[float | None], str], *, coloured: bool = False) -> Element:
    below = words.range_of(estimate.interval, shown)
    look = None
    if coloured and estimate.value:
        look = "gain" if estimate.value > 0 else "loss"
    return element(
        "td", element("span", shown(estimate.value), class_=look), element("small", below) if below else None
    )


def _whisker(estimate: Estimate, scale: Scale) -> Element:
    return element("td", whisker(estimate, scale) if estimate.interval else None, class_="whisk-cell")


def _cell(text: str) -> Element:
    return element("td", text)


def _table(told: str, head: Sequence[str], rows: Sequence[Child]) -> Element:
    columns = element("tr", [element("th", name, scope="col") if name else element("td") for name in head])
    table = element("table", element("thead", columns), element("tbody", rows), aria_label=told)
    return element("div", table, class_="scroll", tabindex="0", role="region", aria_label=told)
