"""An evaluation as a person reads it: what was tried, beside what knowing nothing comes to, and the verdict."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from agent.cli.output import synthetic_note
from agent.cli.tables import NOTHING, figures, lines, sections, told, unbroken
from agent.evaluation import chances
from agent.evaluation.measured import Estimate, Measures, Part
from agent.evaluation.result import Evaluation, Judged, Luck
from agent.market.spread import hidden_spread
from agent.model.fitting import fit_of

_RESULTS = ("gross", "cost", "net bps")


def report(evaluation: Evaluation, *, page: Path | None = None) -> Iterator[RenderableType]:
    """Return the parts of the report, from what was tried to the verdict."""
    yield from (_facts(evaluation), Text(), _by_trade(evaluation))
    yield Text(
        "Results in bps of one trade: gross, less the cost of spread and gas, is net. Below a figure stands where it lies "
        "in 95 of 100.",
        "dim",
    )
    yield from (Text(), _altogether(evaluation))
    yield Text(
        "Of the stake of one trade, which never grows: whoever loses a stake and stakes another has lost more than 100 %. "
        "A drawdown is measured from the highest value of a purse that began as one stake.",
        "dim",
    )
    yield Text()
    leader = evaluation.leader
    if len(evaluation.models) > 1:
        yield Text(f"{leader.name}, the one in the lead", style="bold")
    yield from (
        _folds(leader),
        Text(),
        _fold_results(leader),
        Text(),
        _parts(leader),
        Text(),
        _calibration(leader),
        Text(),
    )
    yield _verdicts(evaluation)
    if page is not None:
        yield from (Text(), sections([("page", Text(str(page)))]))


def _facts(evaluation: Evaluation) -> Table:
    fit = fit_of(evaluation.known, evaluation.barriers)
    bars, barriers, costs, trials = evaluation.bars, evaluation.barriers, evaluation.costs, evaluation.trials
    first, last = evaluation.tests[0].first, evaluation.tests[-1].last
    how = {
        "expanding": "each by a model trained on all bars before it",
        "rolling": "each by a model trained on as many bars before it",
        "saved": "by a model trained before them, as its manifest says",
    }[evaluation.scheme]
    if evaluation.elsewhere:
        alone = all(model.elsewhere for model in evaluation.models)
        how = f"{'by a model trained' if alone else f'{how}, or'} elsewhere, on bars that only its maker knows"
    market = f"{bars.market}, " if bars.market else ""
    rows: list[tuple[str, RenderableType]] = [
        (
            "data",
            lines(
                Text(bars.source),
                Text.from_markup(synthetic_note(bars.synthetic)),
                Text(f"{market}{len(bars):,} bars, {bars.first:%Y-%m-%d %H:%M} .. {bars.last:%Y-%m-%d %H:%M} UTC"),
            ),
        ),
        (
            "tested",
            lines(
                Text(
                    f"{first:%Y-%m-%d %H:%M} .. {last:%Y-%m-%d %H:%M} UTC, {len(evaluation.tests)} folds, {how},"
                ),
                Text(f"with {evaluation.gap} bars between left out, {evaluation.embargo} of them as an embargo"),
            ),
        ),
        (
            "trades",
            lines(
                Text(
                    f"profit {barriers.take_profit_bps} bps, stop {barriers.stop_loss_bps} bps, horizon "
                    f"{barriers.horizon} bars, one at a time of each side"
                    + (f", {evaluation.cooldown} bars apart" if evaluation.cooldown else "")
                ),
                Text(fit.told, style="yellow"),
                Text(
                    f"spread {costs.spread_bps} bps at the entry and at the exit, gas {costs.gas_bps:g} bps a trade"
                ),
                Text(f"({costs.gas_origin})", style="dim"),
                Text(hidden_spread(bars).told(costs.spread_bps)),
            ),
        ),
        (
            "trials",
            lines(
                Text(
                    f"{trials.count:,} on these bars, {trials.earlier:,} of them before{_unfinished(trials.unfinished)}"
                ),
                Text(trials.log, style="dim"),
            ),
        ),
    ]
    return sections(rows)


def _unfinished(count: int) -> str:
    return f", {count:,} without an outcome" if count else ""


def _contenders(evaluation: Evaluation) -> Iterator[tuple[Text, Measures]]:
    """Return models and baselines, in the order of the tables that compare them."""
    for model in evaluation.models:
        yield Text(model.name, style="bold"), model.overall
    for baseline in evaluation.baselines:
        yield Text(baseline.name), baseline.measures
    for model in evaluation.models:
        name = Text(model.random.name)
        if len(evaluation.models) > 1:
            name.append(f"\nas {model.name}", style="dim")
        yield name, model.random.measures


def _by_trade(evaluation: Evaluation) -> RenderableType:
    table = figures("", "trades", "hit rate", "base", *_RESULTS, "factor")
    for name, measures in _contenders(evaluation):
        table.add_row(
            name,
            f"{measures.trades:,}",
            _with_interval(measures.hit_rate, _percent, end=_hundredth),
            told(measures.base_rate, _percent),
            *_results(measures),
            told(measures.profit_factor.value, lambda value: f"{value:.2f}"),
        )
    return unbroken(table)


def _results(measures: Measures) -> Iterator[RenderableType]:
    """Return what a trade came to, as `_RESULTS` names it."""
    yield told(measures.gross_bps, _signed)
    yield told(measures.cost_bps, lambda value: f"{value:,.1f}")
    yield _with_interval(measures.mean_bps, _signed, coloured=True)


def _altogether(evaluation: Evaluation) -> RenderableType:
    of_stake = (f"{each},\nof stake" for each in ("gross", "cost", "net", "drawdown"))
    table = figures("", *of_stake, "exposed", "Sharpe")
    for name, measures in _contenders(evaluation):
        table.add_row(
            name,
            told(measures.gross_return_bps, _part_of_stake),
            told(measures.cost_return_bps, lambda value: f"{value / 100:,.1f}%"),
            told(measures.return_bps.value, _part_of_stake),
            f"{measures.drawdown_bps / 100:,.1f}%",
            _percent(measures.exposure),
            _with_interval(measures.sharpe, lambda value: f"{value:+.2f}"),
        )
    return unbroken(table)


def _folds(model: Judged) -> RenderableType:
    table = figures("fold", "trained on", "tested from", "signals from", "trades", "hit rate", "base", "log loss")
    for fold in model.folds:
        trained = NOTHING if fold.training is None else f"{len(fold.training):,}"
        table.add_row(
            str(fold.number + 1),
            trained,
            f"{fold.test.first:%Y-%m-%d}",
            f"{fold.threshold_bps / 100:.1f}%",
            f"{fold.measures.trades:,}",
            _with_interval(fold.measures.hit_rate, _percent, end=_hundredth),
            told(fold.measures.base_rate, _percent),
            told(fold.scores.log_loss.value, lambda value: f"{value:.4f}"),
        )
    return unbroken(table)


def _fold_results(model: Judged) -> RenderableType:
    table = figures("fold", *_RESULTS, "factor", "Sharpe")
    for fold in model.folds:
        table.add_row(
            str(fold.number + 1),
            *_results(fold.measures),
            told(fold.measures.profit_factor.value, lambda value: f"{value:.2f}"),
            told(fold.measures.sharpe.value, lambda value: f"{value:+.2f}"),
        )
    return unbroken(table)


def _parts(model: Judged) -> RenderableType:
    table = figures("", "bars", "trades", "hit rate", "base", "gross", "cost", "net bps", "factor")
    for part in (*model.sides, *model.patterns):
        table.add_row(*_part(part))
    return unbroken(table)


def _part(part: Part) -> Iterator[RenderableType]:
    measures = part.measures
    yield Text(part.name)
    yield f"{part.samples:,}"
    yield f"{measures.trades:,}"
    yield told(measures.hit_rate.value, _percent)
    yield told(measures.base_rate, _percent)
    yield told(measures.gross_bps, _signed)
    yield told(measures.cost_bps, lambda value: f"{value:,.1f}")
    yield told(measures.mean_bps.value, _signed)
    yield told(measures.profit_factor.value, lambda value: f"{value:.2f}")


def _calibration(model: Judged) -> Table:
    scores = model.scores
    rows: list[tuple[str, RenderableType]] = [
        ("log loss", Text(_scored(scores.log_loss, scores.log_loss_base))),
        ("Brier score", Text(_scored(scores.brier, scores.brier_base))),
    ]
    if model.calibration.bins:
        table = figures("given", "came", "cases")
        for each in model.calibration.bins:
            table.add_row(
                _percent(each.predicted),
                _with_interval(each.observed, _percent, end=_hundredth, one_line=True),
                f"{each.count:,}",
            )
        off = f"off by {_percent(model.calibration.error or 0.0)} on average"
        rows.append(
            ("calibration", Group(Text(f"probabilities of up and of down beside what came, {off}"), table))
        )
    return sections(rows)


def _scored(score: Estimate, base: float | None) -> str:
    if score.value is None or base is None:
        return "nothing to score"
    between = f" ({score.interval.low:.4f} .. {score.interval.high:.4f})" if score.interval else ""
    return f"{score.value:.4f}{between}, and {base:.4f} for always giving the base rates"


def _verdicts(evaluation: Evaluation) -> Table:
    rows: list[tuple[str, RenderableType]] = []
    leader = evaluation.leader
    for model in sorted(evaluation.models, key=lambda each: each is not leader):
        luck = model.luck
        label = "luck" if len(evaluation.models) == 1 else model.name
        rows.append(
            (
                label,
                lines(
                    Text(_chance(luck)),
                    Text(model.verdict.reason, style="bold green" if model.verdict.edge else "bold yellow"),
                ),
            )
        )
    overfit = leader.luck.pbo_untold or f"{chances.of_luck(leader.luck.pbo)}, of all trials on these bars"
    return sections([("overfitting", Text(overfit)), *rows])


def _chance(luck: Luck) -> str:
    """Say what luck is judged by; "" where nothing was traded."""
    if luck.p_alone is None:
        return ""
    shuffles = (
        f"{chances.named_p(luck.p_alone)} alone: {luck.draws:,} shuffles of the labels in blocks of {luck.block}"
    )
    return f"{shuffles}; deflated Sharpe ratio {told(luck.deflated_sharpe, chances.for_edge)}"


def _percent(value: float) -> str:
    return f"{value:.1%}"


def _signed(value: float) -> str:
    return f"{value:+,.1f}"


def _part_of_stake(bps: float) -> str:
    return f"{bps / 100:+,.1f}%"


def _hundredth(value: float) -> str:
    return f"{100 * value:.1f}"


def _with_interval(
    estimate: Estimate,
    shown: Callable[[float], str],
    *,
    end: Callable[[float], str] | None = None,
    coloured: bool = False,
    one_line: bool = False,
) -> Text:
    """Return a value with its interval below; green only where all of it is above zero, red where all is below."""
    if estimate.value is None:
        return Text(NOTHING)
    low, high = (estimate.interval.low, estimate.interval.high) if estimate.interval else (None, None)
    style = ""
    if coloured and low is not None and high is not None:
        style = "green" if low > 0 else "red" if high < 0 else ""
    text = Text(shown(estimate.value), style=style)
    if low is not None and high is not None:
        end = end or shown
        text.append(f"{' ' if one_line else chr(10)}{end(low)} .. {end(high)}", style="dim")
    return text
