"""An evaluation as one JSON document: the leading model's figures at the top level, each model's, and its trades, under ``models``."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from agent.evaluation.measured import Baseline, Calibration, Estimate, Measures, Part, Scores
from agent.evaluation.result import Evaluation, Fold, Judged, Span, Trade
from agent.market.bars import Bars
from agent.market.spread import hidden_spread
from agent.model.fitting import fit_of
from agent.model.patterns import names_of

__all__ = ["document"]


def document(evaluation: Evaluation) -> dict[str, Any]:
    """Return an evaluation as JSON values.

    Shares are of one, results in basis points of a trade's size, an interval is a list of two, a time ISO 8601 in UTC.
    """
    bars, trials = evaluation.bars, evaluation.trials
    return {
        **_judged(evaluation, evaluation.leader),
        "trials": trials.count,
        "trial_log": {"file": trials.log, "earlier": trials.earlier, "unfinished": trials.unfinished},
        "data": {
            "source": bars.source,
            "market": bars.market,
            "synthetic": bars.synthetic,
            "interval_seconds": bars.interval,
            "bars": len(bars),
            "first": _iso(bars.first),
            "last": _iso(bars.last),
        },
        "walk": {
            "scheme": evaluation.scheme,
            "gap": evaluation.gap,
            "embargo": evaluation.embargo,
            "cooldown": evaluation.cooldown,
            "tests": [_span(span) for span in evaluation.tests],
        },
        "barriers": asdict(evaluation.barriers),
        "barrier_fit": fit_of(evaluation.known, evaluation.barriers).as_json(),
        "costs": {**asdict(evaluation.costs), "roll": hidden_spread(bars).as_json(evaluation.costs.spread_bps)},
        "models": [
            {**_judged(evaluation, model), "trade_list": [_trade(trade, bars) for trade in model.trades]}
            for model in evaluation.models
        ],
        "seed": evaluation.seed,
        "seconds": round(evaluation.seconds, 3),
    }


def _judged(evaluation: Evaluation, model: Judged) -> dict[str, Any]:
    luck = model.luck
    return {
        "model": model.name,
        "classifier": model.classifier,
        "saved": model.saved,
        "trained_elsewhere": model.elsewhere,
        "verdict": asdict(model.verdict),
        "p_value": _rounded(luck.p_value),
        "p_value_alone": _rounded(luck.p_alone),
        "permutations": {"draws": luck.draws, "block": luck.block},
        "deflated_sharpe": _rounded(luck.deflated_sharpe),
        "pbo": _rounded(luck.pbo),
        "pbo_untold": luck.pbo_untold,
        **_measures(model.overall),
        **_scores(model.scores),
        "baselines": [_baseline(baseline) for baseline in evaluation.baselines_of(model)],
        "folds": [_fold(fold) for fold in model.folds],
        "sides": [_part(part) for part in model.sides],
        "patterns": [_part(part) for part in model.patterns],
        "calibration": _calibration(model.calibration),
        "seconds": round(model.seconds, 3),
    }


def _measures(measures: Measures) -> dict[str, Any]:
    shown: dict[str, Any] = {}
    for name in Measures.__dataclass_fields__:
        value = getattr(measures, name)
        shown |= _estimate(name, value) if isinstance(value, Estimate) else {name: _rounded(value)}
    return shown


def _scores(scores: Scores) -> dict[str, Any]:
    return {
        "samples": scores.bars,
        **_estimate("log_loss", scores.log_loss),
        "log_loss_base": _rounded(scores.log_loss_base),
        **_estimate("brier", scores.brier),
        "brier_base": _rounded(scores.brier_base),
    }


def _baseline(baseline: Baseline) -> dict[str, Any]:
    return {"name": baseline.name, "meaning": baseline.meaning, **_measures(baseline.measures)}


def _fold(fold: Fold) -> dict[str, Any]:
    return {
        "fold": fold.number,
        "training": None if fold.training is None else _span(fold.training),
        "test": _span(fold.test),
        "threshold_bps": fold.threshold_bps,
        **_measures(fold.measures),
        **_scores(fold.scores),
    }


def _part(part: Part) -> dict[str, Any]:
    return {"name": part.name, "samples": part.samples, **_measures(part.measures)}


def _calibration(calibration: Calibration) -> dict[str, Any]:
    bins = [
        {
            "low": _rounded(each.low),
            "high": _rounded(each.high),
            "predicted": _rounded(each.predicted),
            **_estimate("observed", each.observed),
            "count": each.count,
        }
        for each in calibration.bins
    ]
    return {"error": _rounded(calibration.error), "bins": bins}


def _trade(trade: Trade, bars: Bars) -> dict[str, Any]:
    return {
        "fold": trade.fold,
        "side": "long" if trade.side > 0 else "short",
        "entered": _iso(trade.entered_at),
        "ended": _iso(trade.ended_at),
        "entry": str(bars.decimal(trade.entry)),
        "exit": str(bars.decimal(trade.exit)),
        "barrier": trade.barrier,
        "result_bps": round(trade.result_bps, 4),
        "confidence_bps": trade.confidence_bps,
        "patterns": list(names_of(trade.patterns)),
    }


def _estimate(name: str, estimate: Estimate) -> dict[str, Any]:
    interval = estimate.interval
    return {
        name: _rounded(estimate.value),
        f"{name}_interval": None if interval is None else [_rounded(interval.low), _rounded(interval.high)],
    }


def _span(span: Span) -> dict[str, Any]:
    return {"first": _iso(span.first), "last": _iso(span.last), "bars": len(span)}


def _iso(time: int | datetime) -> str:
    moment = time if isinstance(time, datetime) else datetime.fromtimestamp(time, UTC)
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _rounded(value: float | None) -> float | None:
    return value if value is None or isinstance(value, int) else round(float(value), 6)
