"""What trades and probabilities came to, each figure with its interval."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agent.evaluation.effort import Effort
from agent.evaluation.ground import Ground, Periods
from agent.evaluation.measured import Bin, Calibration, Estimate, Interval, Measures, Part, Scores
from agent.evaluation.result import Span
from agent.evaluation.statistics import bootstrap_interval, sharpe, wilson
from agent.evaluation.trading import Traded, gross_bps, held, marked
from agent.market.bars import Floats, Ints
from agent.model.labels import Barrier
from agent.model.patterns import PATTERNS
from agent.model.signal import Predictions

__all__ = [
    "Answers",
    "Stretch",
    "apart",
    "calibration_of",
    "drawdown_bps",
    "measures_of",
    "parts_of",
    "profit_factor",
    "scores_of",
    "stretch_of",
    "yearly_sharpe",
]

_BPS = 10_000
_BINS = 10
_FEWEST_IN_BIN = 20
# Probabilities are whole basis points, so what was called impossible counts as half of one.
_LEAST = 0.5 / _BPS


@dataclass(frozen=True, slots=True, eq=False)
class Stretch:
    """Test windows that are measured together, and what is asked of them again and again.

    Attributes
    ----------
    ground
        The series.
    tests
        The windows, next to each other.
    folds
        Their numbers.
    periods
        The periods of their bars.
    effort
        How often chance is asked.
    base
        For each side, share of trades at every tradable bar with a pattern that take their profit, by fold.
    """

    ground: Ground
    tests: tuple[Span, ...]
    folds: tuple[int, ...]
    periods: Periods
    effort: Effort
    base: dict[int, Floats]

    @property
    def start(self) -> int:
        return self.tests[0].start

    @property
    def stop(self) -> int:
        return self.tests[-1].stop

    def cut(self, per_bar: NDArray) -> NDArray:
        """Return what is given per bar of the series for the bars of the windows alone."""
        return per_bar[self.start : self.stop]

    def samples(self, chosen: int = 0) -> Ints:
        """Return the tradable bars with a pattern, or with one of those chosen by a mask."""
        places = np.concatenate([self.ground.samples(test) for test in self.tests])
        return places[(self.ground.masks[places] & np.uint32(chosen)) != 0] if chosen else places


def stretch_of(ground: Ground, tests: Sequence[Span], *, folds: Sequence[int], effort: Effort) -> Stretch:
    """Return test windows with their periods and base rates."""
    base = {side: np.zeros(max(folds) + 1) for side in (1, -1)}
    for fold, test in zip(folds, tests, strict=True):
        places = ground.samples(test)
        for side, rates in base.items():
            rates[fold] = ground.won(side)[places].mean() if len(places) else 0.0
    periods = ground.periods(tests[0].start, tests[-1].stop)
    return Stretch(ground, tuple(tests), tuple(folds), periods, effort, base)


def measures_of(stretch: Stretch, trades: Traded, *, rng: np.random.Generator) -> Measures:
    """Measure trades of a stretch.

    The intervals of what is told by trade are drawn from the trades in their order, the interval of the Sharpe ratio
    from the periods, both in blocks; that of a hit rate is Wilson's.
    """
    gains = stretch.cut(marked(stretch.ground, trades))
    per_period = stretch.periods.summed(gains)
    results = trades.result_bps
    n = len(trades)
    won = int(np.count_nonzero(trades.barrier == Barrier.TAKE_PROFIT))
    mean = _estimated(stretch, results, _mean, rng)
    base = np.array(
        [stretch.base[side][fold] for side, fold in zip(trades.side.tolist(), trades.fold.tolist(), strict=True)]
    )
    return Measures(
        trades=n,
        take_profits=won,
        stop_losses=int(np.count_nonzero(trades.barrier == Barrier.STOP_LOSS)),
        horizons=int(np.count_nonzero(trades.barrier == Barrier.HORIZON)),
        hit_rate=Estimate(won / n, Interval(*wilson(won, n))) if n else Estimate(None),
        base_rate=float(base.mean()) if n else None,
        mean_bps=mean,
        return_bps=Estimate(
            float(results.sum()),
            Interval(mean.interval.low * n, mean.interval.high * n) if mean.interval else None,
        ),
        profit_factor=_estimated(stretch, results, profit_factor, rng),
        drawdown_bps=drawdown_bps(gains),
        exposure=float(stretch.cut(held(stretch.ground, trades)).mean()),
        sharpe=yearly_sharpe(stretch, per_period, rng=rng),
        **apart(gross_bps(stretch.ground, trades), results),
    )


def apart(gross: Floats, net: Floats) -> dict[str, float | None]:
    """Return what trades came to before costs, and what costs took: the mean and the sum, as `Measures` calls them."""
    before, after = float(gross.sum()), float(net.sum())
    n = len(gross)
    return {
        "gross_bps": before / n if n else None,
        "cost_bps": (before - after) / n if n else None,
        "gross_return_bps": before,
        "cost_return_bps": before - after,
    }


def yearly_sharpe(stretch: Stretch, returns: Floats, *, rng: np.random.Generator) -> Estimate:
    """Return the Sharpe ratio of a stretch's periods, annualised, with its interval."""
    scale = math.sqrt(stretch.periods.a_year)

    def annual(drawn: Floats) -> float | None:
        ratio = sharpe(drawn)
        return None if ratio is None else ratio * scale

    return _estimated(stretch, returns, annual, rng)


def profit_factor(results: Floats) -> float | None:
    """Return what the winners gained for each unit that the losers lost; None where nobody lost."""
    lost = -float(results[results < 0].sum())
    return float(results[results > 0].sum()) / lost if lost else None


def drawdown_bps(gains: Floats) -> float:
    """Return the deepest fall below the highest equity until then, in basis points of that.

    The equity begins as the size of one trade. More than 10,000 is possible: each trade is of full size, whatever the
    ones before it lost.
    """
    equity = _BPS + np.cumsum(gains)
    highest = np.maximum.accumulate(np.maximum(equity, _BPS))
    return float(((highest - equity) / highest).max(initial=0.0) * _BPS)


def parts_of(
    stretch: Stretch, trades: Traded, *, rng: np.random.Generator
) -> tuple[tuple[Part, ...], tuple[Part, ...]]:
    """Return the trades by side, and by pattern, those patterns left out that never came."""
    sides = tuple(
        Part(name, len(stretch.samples()), measures_of(stretch, trades.where(trades.side == side), rng=rng))
        for name, side in (("long", 1), ("short", -1))
    )
    patterns = []
    masks = stretch.ground.masks[trades.decided]
    for pattern in PATTERNS:
        bit = 1 << pattern.bit
        if samples := len(stretch.samples(bit)):
            some = trades.where((masks & np.uint32(bit)) != 0)
            patterns.append(Part(pattern.name, samples, measures_of(stretch, some, rng=rng)))
    return sides, tuple(patterns)


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """What a model said of the samples of a stretch, and what came.

    Attributes
    ----------
    places
        Positions of the bars, shape (n,).
    given
        Probability of down, flat and up, shape (n, 3).
    came
        0 down, 1 flat, 2 up, shape (n,).
    base
        Shares of the three in the training part of each bar's fold, shape (n, 3).
    """

    places: Ints
    given: Floats
    came: Ints
    base: Floats

    @staticmethod
    def of(ground: Ground, places: Ints, said: Predictions, base: Floats) -> Answers:
        """Return the answers for some bars of one fold.

        Parameters
        ----------
        ground
            The series.
        places
            Positions of the bars.
        said
            What the model said of just these bars.
        base
            Shares in the training part, shape (3,).
        """
        given = np.column_stack([said.down_bps, said.flat_bps, said.up_bps]) / _BPS
        came = ground.outcomes.label[places].astype(np.int64) + 1
        return Answers(places, given, came, np.tile(base, (len(places), 1)))

    @staticmethod
    def joined(parts: Sequence[Answers]) -> Answers:
        """Return the answers of several folds."""
        return Answers(
            *(np.concatenate([getattr(part, name) for part in parts]) for name in Answers.__dataclass_fields__)
        )


def scores_of(stretch: Stretch, answers: Answers, *, rng: np.random.Generator) -> Scores:
    """Return what the probabilities were worth; the intervals are drawn from whole periods, in blocks."""
    n = len(answers.places)
    return Scores(
        bars=n,
        log_loss=_by_period(stretch, answers.places, _log_losses(answers.given, answers.came), rng),
        log_loss_base=float(_log_losses(answers.base, answers.came).mean()) if n else None,
        brier=_by_period(stretch, answers.places, _briers(answers.given, answers.came), rng),
        brier_base=float(_briers(answers.base, answers.came).mean()) if n else None,
    )


def calibration_of(stretch: Stretch, answers: Answers, *, rng: np.random.Generator) -> Calibration:
    """Return how often what was given some probability came: of up and of down together, in bins of equal numbers."""
    places = np.tile(answers.places, 2)
    given = np.concatenate([answers.given[:, 2], answers.given[:, 0]])
    came = np.concatenate([answers.came == 2, answers.came == 0]).astype(np.float64)
    bins = min(_BINS, len(given) // _FEWEST_IN_BIN)
    if not bins:
        return Calibration((), None)
    # What was given the same probability stays together.
    edges = np.unique(np.quantile(given, np.linspace(0, 1, bins + 1)[1:-1], method="higher"))
    place = np.searchsorted(edges, given, side="right")
    made, off = [], 0.0
    for inside in (place == number for number in np.unique(place).tolist()):
        predicted, count = given[inside], int(inside.sum())
        observed = _by_period(stretch, places[inside], came[inside], rng)
        made.append(
            Bin(
                low=float(predicted.min()),
                high=float(predicted.max()),
                predicted=float(predicted.mean()),
                observed=observed,
                count=count,
            )
        )
        off += abs(float(predicted.sum() - came[inside].sum()))
    return Calibration(tuple(made), off / len(given))


def _log_losses(given: Floats, came: Ints) -> Floats:
    return -np.log(np.maximum(given[np.arange(len(came)), came], _LEAST))


def _briers(given: Floats, came: Ints) -> Floats:
    return ((given - np.eye(3)[came]) ** 2).sum(axis=1)


def _by_period(stretch: Stretch, places: Ints, values: Floats, rng: np.random.Generator) -> Estimate:
    """Return the mean of what is told by bar, with an interval drawn from whole periods."""
    if not len(values):
        return Estimate(None)
    period = stretch.periods.place[places - stretch.start]
    n = len(stretch.periods.number)
    table = np.column_stack([np.bincount(period, weights=values, minlength=n), np.bincount(period, minlength=n)])
    table = table[table[:, 1] > 0]
    interval = bootstrap_interval(table, _ratio, block=_block(len(table)), draws=stretch.effort.resamples, rng=rng)
    return Estimate(float(values.mean()), None if interval is None else Interval(*interval))


def _block(n: int) -> int:
    """Return the mean length of a block, of the order that P. Hall, J. L. Horowitz and B.-Y. Jing (1995) found best."""
    return max(1, round(n ** (1 / 3)))


def _ratio(table: Floats) -> float:
    total, count = table.sum(axis=0)
    return float(total / count)


def _mean(values: Floats) -> float | None:
    return float(values.mean()) if len(values) else None


def _estimated(
    stretch: Stretch, values: Floats, statistic: Callable[[Floats], float | None], rng: np.random.Generator
) -> Estimate:
    value = statistic(values)
    if value is None:
        return Estimate(None)
    interval = bootstrap_interval(
        values, statistic, block=_block(len(values)), draws=stretch.effort.resamples, rng=rng
    )
    return Estimate(value, None if interval is None else Interval(*interval))
