"""What a sweep found: its points, the best first, each corrected for every trial; as values and as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from agent.evaluation.measured import Estimate, Measures
from agent.evaluation.result import Luck, Trials, Verdict
from agent.evaluation.sweep.grid import Point
from agent.evaluation.sweep.outcome import Outcome
from agent.evaluation.sweep.trying import Terms
from agent.market.bars import Bars

__all__ = ["Chosen", "Standing", "Sweep"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Standing:
    """A point among all others.

    Attributes
    ----------
    point, outcome
        Which, and what came of it.
    deflated_sharpe
        Probability that its true Sharpe ratio is above zero, given how many trials it is chosen from; None where it
        never traded.
    luck, verdict
        Its judgement as of a model of an evaluation, after all trials; None for those further down.
    """

    point: Point
    outcome: Outcome
    deflated_sharpe: float | None
    luck: Luck | None = None
    verdict: Verdict | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """Whether choosing among points was worth anything.

    Attributes
    ----------
    points
        How many there were to choose from in the sweep.
    pbo
        Probability of backtest overfitting over all trials that have returns of the periods that these points share;
        None where that cannot be told.
    pbo_untold
        Why it cannot be told, in a clause; "" where it can.
    """

    points: int
    pbo: float | None
    pbo_untold: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sweep:
    """Points tried, and judged together.

    Attributes
    ----------
    markets
        What they were tried on; a point names one by its place.
    terms
        What they share.
    standings
        Every point with an outcome, the best first: those with enough trades to tell, then by deflated Sharpe ratio.
    failed
        Those without one, with the reason, in the order of the grid.
    tried, known
        How many were tried just now, and how many were known before.
    trials
        The count of all trials on these markets.
    chosen, chosen_by_market
        Of all points, and of those of each market.
    folder
        Where all this is kept.
    seconds
        How long it took.
    """

    markets: tuple[Bars, ...]
    terms: Terms
    standings: tuple[Standing, ...]
    failed: tuple[tuple[Point, str], ...]
    tried: int
    known: int
    trials: Trials
    chosen: Chosen
    chosen_by_market: tuple[Chosen, ...]
    folder: str
    seconds: float

    @property
    def best(self) -> Standing:
        """The first point with an edge; without any, the first of all."""
        return next(
            (each for each in self.standings if each.verdict is not None and each.verdict.edge), self.standings[0]
        )

    @property
    def verdict(self) -> Verdict:
        """The best point's, after all trials."""
        verdict = self.best.verdict
        assert verdict is not None
        return verdict

    def as_json(self) -> dict[str, Any]:
        """Return JSON values; shares are of one, results in basis points of a trade's size."""
        best = self.best
        assert best.luck is not None
        return {
            "best": self._standing(best),
            "verdict": asdict(self.verdict),
            "p_value": _rounded(best.luck.p_value),
            "deflated_sharpe": _rounded(best.deflated_sharpe),
            "pbo": _rounded(self.chosen.pbo),
            "pbo_untold": self.chosen.pbo_untold,
            "trials": self.trials.count,
            "trial_log": {
                "file": self.trials.log,
                "earlier": self.trials.earlier,
                "unfinished": self.trials.unfinished,
            },
            "markets": [
                {**_market(bars), **asdict(chosen)}
                for bars, chosen in zip(self.markets, self.chosen_by_market, strict=True)
            ],
            "points": [self._standing(each) for each in self.standings],
            "failed": [{**self._point(point), "reason": reason} for point, reason in self.failed],
            "tried": self.tried,
            "known": self.known,
            "folder": self.folder,
            "walk": {
                "folds": self.terms.folds,
                "scheme": self.terms.scheme,
                "cooldown": self.terms.cooldown,
                "share": self.terms.share,
                "seed": self.terms.seed,
            },
            "seconds": round(self.seconds, 3),
        }

    def _standing(self, each: Standing) -> dict[str, Any]:
        outcome, luck = each.outcome, each.luck
        return {
            **self._point(each.point),
            "classifier": outcome.classifier,
            "deflated_sharpe": _rounded(each.deflated_sharpe),
            "p_value": None if luck is None else _rounded(luck.p_value),
            "p_value_alone": None if luck is None else _rounded(luck.p_alone),
            "verdict": None if each.verdict is None else asdict(each.verdict),
            **_measures(outcome.measures),
            "log_loss": _rounded(outcome.scores.log_loss.value),
            "log_loss_base": _rounded(outcome.scores.log_loss_base),
            "seconds": outcome.seconds,
        }

    def _point(self, point: Point) -> dict[str, Any]:
        bars = self.markets[point.market]
        return {"source": bars.source, "market": bars.market, **point.as_json()}


def _market(bars: Bars) -> dict[str, Any]:
    return {
        "source": bars.source,
        "market": bars.market,
        "synthetic": bars.synthetic,
        "interval_seconds": bars.interval,
        "bars": len(bars),
        "first": f"{bars.first:%Y-%m-%dT%H:%M:%SZ}",
        "last": f"{bars.last:%Y-%m-%dT%H:%M:%SZ}",
    }


def _measures(measures: Measures) -> Mapping[str, Any]:
    shown: dict[str, Any] = {}
    for name in Measures.__dataclass_fields__:
        value = getattr(measures, name)
        if isinstance(value, Estimate):
            between = value.interval
            shown[f"{name}_interval"] = (
                None if between is None else [_rounded(between.low), _rounded(between.high)]
            )
            value = value.value
        shown[name] = _rounded(value)
    return shown


def _rounded(value: float | None) -> float | None:
    return value if value is None or isinstance(value, int) else round(float(value), 6)
