"""The sections of the page: what each shows, and one sentence on how to read it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import PurePath

from agent.evaluation.measured import Estimate
from agent.evaluation.page import words
from agent.evaluation.page.axes import around
from agent.evaluation.page.markup import Child, Element, element
from agent.evaluation.page.plots import Line, calibration_plot, equity_plot, fold_plot, key, walk_plot, whisker
from agent.evaluation.page.prices import overview_plot
from agent.evaluation.page.tables import baseline_table, calibration_table, fold_table, model_table, part_table
from agent.evaluation.result import Evaluation, Judged, Verdict

__all__ = ["comparison", "figures", "method", "model_section", "prices", "verdict"]

_SCHEMES = {
    "expanding": "each fold learns from everything before its test, and is then asked about bars it has not seen",
    "rolling": "each fold learns from the same number of bars before its test, and is then asked about bars it has not seen",
    "saved": "the saved models were asked about bars that came after everything they had learned from, as their "
    "manifests say",
}
_ELSEWHERE = (
    "what was trained elsewhere may have learned from the very bars it was asked about: that only its maker knows"
)


def verdict(verdict: Verdict, *, small: bool = False) -> Element:
    """Return the conclusion, in one sentence."""
    look = f"verdict{' found' if verdict.edge else ''}{' small' if small else ''}"
    return element("div", element("p", verdict.reason), class_=look)


def figures(evaluation: Evaluation, model: Judged) -> Element:
    """Return the figures that matter most, each with its interval and what it is to be compared with."""
    overall, scores, luck, trials = model.overall, model.scores, model.luck, evaluation.trials
    tried = words.count(trials.count, "trial")
    alone = "" if luck.p_alone is None else f"; {words.p_value(luck.p_alone)} on its own"
    return element(
        "dl",
        _figure("result after costs", overall.return_bps, words.percent, "of one trade's size", coloured=True),
        _figure("mean of a trade", overall.mean_bps, words.bps, "after costs", coloured=True),
        _figure("Sharpe ratio a year", overall.sharpe, words.signed, "idle days count as zero"),
        _figure(
            "hit rate",
            overall.hit_rate,
            words.share,
            f"base rate {words.share(overall.base_rate)}",
            overall.base_rate,
        ),
        _figure(
            "log loss",
            scores.log_loss,
            lambda value: words.plain(value, 4),
            f"base {words.plain(scores.log_loss_base, 4)}; lower is better",
            scores.log_loss_base,
            better=-1,
        ),
        _told("p-value", words.p_value(luck.p_value), f"of shuffled labels, after {tried}{alone}"),
        _told(
            "deflated Sharpe ratio",
            words.chance_for_edge(luck.deflated_sharpe),
            f"probability that the true ratio is above zero, this being the best of {tried}",
        ),
        _told(
            "probability of overfitting",
            words.chance_of_luck(luck.pbo),
            luck.pbo_untold or "that the best in one half of the time is among the worse in the other",
        ),
        _told(
            "trades",
            words.count(overall.trades),
            f"{words.count(overall.take_profits)} took their profit, {words.count(overall.stop_losses)} were stopped, "
            f"{words.count(overall.horizons)} ran out of time; one was open {words.share(overall.exposure)} of the time",
        ),
        _told(
            "drawdown",
            words.percent(-overall.drawdown_bps),
            "of the highest equity before it",
            look="loss" if overall.drawdown_bps else "",
        ),
        class_="figures",
    )


def _figure(
    name: str,
    estimate: Estimate,
    shown: Callable[[float | None], str],
    note: str,
    reference: float | None = 0.0,
    *,
    better: int = 1,
    coloured: bool = False,
) -> Element:
    between = words.range_of(estimate.interval, shown)
    ends = () if estimate.interval is None else (estimate.interval.low, estimate.interval.high)
    look = "gain" if coloured and (estimate.value or 0) > 0 else "loss" if coloured and estimate.value else ""
    return element(
        "div",
        element("dt", name),
        element("dd", shown(estimate.value), class_=f"value {look}".strip()),
        element(
            "dd", whisker(estimate, around([reference, estimate.value, *ends]), reference=reference, better=better)
        )
        if ends
        else None,
        element("dd", f"95{words.NBSP}%: {between}") if between else None,
        element("dd", note),
    )


def _told(name: str, value: str, note: str, *, look: str = "") -> Element:
    return element(
        "div",
        element("dt", name),
        element("dd", value, class_=f"value {look}".strip()),
        element("dd", note),
    )


def comparison(evaluation: Evaluation) -> Element:
    """Return all models beside each other."""
    ordered = sorted(evaluation.models, key=lambda model: model is not evaluation.leader)
    lines = [Line(model.name, f"m{at % 12}", model.equity) for at, model in enumerate(ordered)]
    return _section(
        f"The {len(ordered)} models",
        _note(
            "All were walked through the same bars. The one with the best Sharpe ratio leads; that it was chosen is paid for by counting every trial."
        ),
        element("figure", equity_plot(evaluation.times, lines[::-1], folds=_folds(evaluation)), key(lines)),
        model_table(ordered, evaluation.leader),
    )


def model_section(evaluation: Evaluation, model: Judged) -> list[Child]:
    """Return everything about one model."""
    return [
        _against_baselines(evaluation, model),
        _spread(model),
        element("h3", "By side"),
        part_table("Trades by side", "side", model.sides),
        element("h3", "By pattern"),
        _note(
            "A trade may show several patterns, and then counts in each. The more rows, the more of them look good by luck."
        ),
        part_table("Trades by pattern", "pattern", model.patterns),
    ]


def _against_baselines(evaluation: Evaluation, model: Judged) -> list[Element]:
    baselines = evaluation.baselines_of(model)
    own = Line(model.name, "m0", model.equity)
    lines = [own, *(Line(each.name, f"b{at}", each.equity) for at, each in enumerate(baselines, start=1))]
    by_luck = [line for line, each in zip(lines[1:], baselines, strict=True) if each is model.random]

    def figure(shown: list[Line]) -> Element:
        spread = model.random.measures.return_bps.interval
        plot = equity_plot(evaluation.times, shown[::-1], folds=_folds(evaluation), spread=spread)
        return element("figure", plot, key(shown))

    return [
        element("h3", "Against doing without a model"),
        _note(
            "Result so far, after costs, in percent of one trade's size, which never grows. The bar at the right edge is "
            "where 95 of 100 random entries ended; dotted uprights divide the folds. On the left, luck alone; on the right, all."
        ),
        element("div", figure([own, *by_luck]), figure(lines), class_="two"),
        baseline_table(model, baselines),
        element(
            "ul",
            [element("li", element("b", each.name), f": {each.meaning}") for each in baselines],
            class_="note",
        ),
    ]


def _spread(model: Judged) -> list[Child]:
    calibrated = bool(model.calibration.bins)
    return [
        element(
            "div",
            element(
                "div",
                element("h3", "Fold by fold"),
                _note("An edge that is there shows in most folds. Hollow: the interval holds zero."),
                element("figure", fold_plot(model.folds)),
            ),
            element(
                "div",
                element("h3", "Calibration"),
                _note(_calibrated(model)),
                element("figure", calibration_plot(model.calibration)) if calibrated else None,
            ),
            class_="two",
        ),
        fold_table(model.folds),
        _folded("The numbers of the calibration plot", calibration_table(model.calibration))
        if calibrated
        else None,
    ]


def _calibrated(model: Judged) -> str:
    if model.calibration.error is None:
        return "There are too few bars with a pattern to draw it."
    return (
        "On the dashed line, what was given 60 % came in 60 of 100; up and down together, at all bars with a pattern. "
        f"The mean distance is {words.plain(100 * model.calibration.error, 1)} points of a hundred. {_brier(model)}"
    )


def _brier(model: Judged) -> str:
    brier, base = model.scores.brier, model.scores.brier_base
    between = words.range_of(brier.interval, lambda value: words.plain(value, 4))
    return (
        f"The Brier score is {words.plain(brier.value, 4)}{f' ({between})' if between else ''}, and "
        f"{words.plain(base, 4)} for always giving the base rates; lower is better."
    )


def prices(evaluation: Evaluation) -> Element:
    """Return the prices with every trade and its barriers, to be looked at closely."""
    leader = evaluation.leader
    verbs = (
        ("previous", "\N{LEFTWARDS ARROW} trade", "previous trade"),
        ("next", "trade \N{RIGHTWARDS ARROW}", "next trade"),
        ("in", "+", "zoom in"),
        ("out", "\N{MINUS SIGN}", "zoom out"),
        ("all", "all", "show everything"),
    )
    options = [
        element("option", model.name, value=str(at), selected=model is leader)
        for at, model in enumerate(evaluation.models)
    ]
    chooser = element("label", "model ", element("select", options)) if len(options) > 1 else None
    hands = [element("button", text, type="button", data_do=verb, aria_label=told) for verb, text, told in verbs]
    return _section(
        "Prices and trades",
        element(
            "div",
            element(
                "div",
                _note(
                    "Drag to move, scroll after a click (or with Ctrl) to zoom; arrows, +, \N{MINUS SIGN}, n and p do the same. A triangle "
                    "is an entry, pointing with its side; boxes reach to the two barriers; below is what trades came to."
                ),
                element("div", hands, chooser, class_="hands"),
                element("output", aria_live="polite"),
                element(
                    "div",
                    element(
                        "canvas",
                        tabindex="0",
                        role="img",
                        aria_label="Prices with the trades; the buttons above step through them.",
                    ),
                    element("div", class_="tip", hidden=True),
                    class_="board",
                ),
                class_="live",
            ),
            element(
                "figure",
                overview_plot(evaluation, leader),
                element(
                    "figcaption",
                    f"Below the prices: what the trades of {leader.name} came to, up for gains, down for losses.",
                ),
                class_="still",
            ),
            id="prices",
        ),
    )


def _how(evaluation: Evaluation) -> str:
    scheme = _SCHEMES.get(evaluation.scheme, evaluation.scheme)
    if not evaluation.elsewhere:
        return scheme
    return _ELSEWHERE if all(model.elsewhere for model in evaluation.models) else f"{scheme}; {_ELSEWHERE}"


def method(evaluation: Evaluation) -> Element:
    """Return how it was measured: the data, the walk, the costs, and what luck was compared with."""
    bars, costs, barriers, trials = evaluation.bars, evaluation.costs, evaluation.barriers, evaluation.trials
    luck, leader = evaluation.leader.luck, evaluation.leader
    spans = [(fold.training, fold.test) for fold in leader.folds]
    rest = f"; then {words.count(evaluation.cooldown, 'bar')} of rest for that side" if evaluation.cooldown else ""
    facts = (
        ("data", bars.source),
        ("market", bars.market or words.DASH),
        ("SHA-256", f"{bars.sha256} of times and prices, as in the manifest of a model trained on just these"),
        (
            "bars",
            f"{words.count(len(bars), 'bar')} of {words.duration(bars.interval)}, {words.minute(bars.first)} to "
            f"{words.minute(bars.last)} UTC"
            + ("; synthetic: generated, not traded on any market" if bars.synthetic else ""),
        ),
        (
            "walk",
            f"{_how(evaluation)}; {words.count(len(evaluation.tests), 'fold')}",
        ),
        (
            "left out",
            f"{words.count(evaluation.gap, 'bar')} between training and test, {evaluation.embargo:,} of them an embargo",
        ),
        (
            "barriers",
            f"take-profit {barriers.take_profit_bps:,} bps, stop-loss {barriers.stop_loss_bps:,} bps, horizon "
            f"{words.count(barriers.horizon, 'bar')}" + rest,
        ),
        (
            "costs",
            f"a spread of {costs.spread_bps:,} bps at either end, and gas of {words.plain(costs.gas_bps)} bps a trade "
            f"({costs.gas_origin})",
        ),
        (
            "luck",
            f"{words.count(luck.draws, 'permutation')} of the labels, in blocks of {words.count(luck.block, 'bar')}",
        ),
        (
            "trials",
            f"{words.count(trials.count, 'trial')} on these bars, {trials.earlier:,} of them before this one, "
            f"{trials.unfinished:,} unfinished; counted in {PurePath(trials.log).name}",
        ),
        ("seed", str(evaluation.seed)),
    )
    return _section(
        "How it was measured",
        element(
            "figure",
            walk_plot(spans, first=bars.first.timestamp(), last=bars.last.timestamp()),
            _walk_key(trained=any(training is not None for training, _ in spans)),
        ),
        element("dl", [(element("dt", name), element("dd", told)) for name, told in facts], class_="facts"),
    )


def _walk_key(*, trained: bool) -> Element:
    def box(look: str, told: str) -> Element:
        square = element(
            "svg", element("rect", width="100%", height="100%", class_=look), class_="box", aria_hidden="true"
        )
        return element("li", square, f" {told}")

    return element(
        "ul", box("training", "learned from") if trained else None, box("test", "tested on"), class_="key"
    )


def _folds(evaluation: Evaluation) -> list[int]:
    return [int(span.first.timestamp()) for span in evaluation.tests[1:]]


def _folded(told: str, *children: Child) -> Element:
    return element("details", element("summary", told), *children)


def _note(text: str) -> Element:
    return element("p", text, class_="note")


def _section(title: str, *children: Child) -> Element:
    return element("section", element("h2", title), *children)
