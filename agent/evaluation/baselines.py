"""What knowing nothing comes to: on the same bars, with the same barriers and costs, in the same measures."""

from __future__ import annotations

import math

import numpy as np

from agent.evaluation.measured import Baseline, Estimate, Interval, Measures
from agent.evaluation.measures import Stretch, apart, drawdown_bps, measures_of, profit_factor, yearly_sharpe
from agent.evaluation.statistics import sharpe
from agent.evaluation.trading import Decisions, Traded, gross_bps, held, marked, traded
from agent.market.bars import Floats, Ints
from agent.model.labels import Barrier
from agent.model.patterns import PATTERNS

__all__ = ["always_long", "buy_and_hold", "patterns_alone", "random_entries"]

_BPS = 10_000
_TAIL = 0.025


def always_long(stretch: Stretch, *, rng: np.random.Generator) -> Baseline:
    """Return what one long trade after another comes to."""
    places = np.concatenate([stretch.ground.tradable(test) for test in stretch.tests])
    return _traded(
        stretch,
        _sided(places, np.ones(len(places), dtype=np.int8)),
        name="always long",
        meaning="One long trade after another, each entered as soon as the one before has ended.",
        rng=rng,
    )


def patterns_alone(stretch: Stretch, *, rng: np.random.Generator) -> Baseline:
    """Return what trading every pattern in the direction of tradition comes to."""
    places = stretch.samples()
    masks = stretch.ground.masks[places]
    leaning = sum(
        pattern.direction * ((masks >> np.uint32(pattern.bit)) & 1).astype(np.int64) for pattern in PATTERNS
    )
    sides = np.sign(leaning).astype(np.int8)
    return _traded(
        stretch,
        _sided(places[sides != 0], sides[sides != 0]),
        name="patterns alone",
        meaning="Every pattern is traded to the side that tradition expects, most patterns first, without any model.",
        rng=rng,
    )


def _sided(places: Ints, sides: np.ndarray) -> Decisions:
    return Decisions(places, sides, np.zeros(len(places), dtype=np.int64))


def _traded(
    stretch: Stretch, decisions: Decisions, *, name: str, meaning: str, rng: np.random.Generator
) -> Baseline:
    trades = Traded.joined(
        [
            traded(stretch.ground, decisions, test, fold=fold)
            for fold, test in zip(stretch.folds, stretch.tests, strict=True)
        ]
    )
    gains = stretch.cut(marked(stretch.ground, trades))
    return Baseline(
        name=name,
        meaning=meaning,
        measures=measures_of(stretch, trades, rng=rng),
        equity=np.cumsum(stretch.periods.summed(gains)),
    )


def buy_and_hold(stretch: Stretch, *, rng: np.random.Generator) -> Baseline:
    """Return what buying the size of one trade at the first open tested comes to, sold at the last close."""
    ground = stretch.ground
    bars, costs = ground.bars, ground.costs
    spread = costs.spread_bps / _BPS
    entry = float(bars.open[stretch.start]) * (1 + spread)
    worth = bars.close[stretch.start : stretch.stop] / entry * _BPS
    worth[-1] *= 1 - spread
    worth -= costs.gas_bps
    gains = np.diff(worth, prepend=float(_BPS))
    equity = np.cumsum(stretch.periods.summed(gains))
    before = _BPS + np.concatenate(([0.0], equity[:-1]))
    result = float(equity[-1])
    gross = (float(bars.close[stretch.stop - 1]) / float(bars.open[stretch.start]) - 1) * _BPS
    return Baseline(
        name="buy and hold",
        meaning="One trade's size is bought at the first open and sold at the last close.",
        measures=Measures(
            trades=1,
            take_profits=0,
            stop_losses=0,
            horizons=0,
            hit_rate=Estimate(None),
            base_rate=None,
            mean_bps=Estimate(result),
            return_bps=Estimate(result),
            profit_factor=Estimate(None),
            drawdown_bps=drawdown_bps(gains),
            exposure=1.0,
            # What is held grows and shrinks, so each period's gain is one on what was held at its beginning.
            sharpe=yearly_sharpe(stretch, np.diff(equity, prepend=0.0) / before, rng=rng),
            **apart(np.array([gross]), np.array([result])),
        ),
        equity=equity,
    )


def random_entries(stretch: Stretch, trades: Traded, *, rng: np.random.Generator) -> Baseline:
    """Return what as many trades come to, as many of each side in each fold, entered at random bars of that fold.

    Each draw pays the costs of every trade; unlike a mandate's, its trades may overlap.
    """
    draws = stretch.effort.random_entries if len(trades) else 1
    figures, barriers, equity = [], np.zeros(len(Barrier)), np.zeros(len(stretch.periods.number))
    for _ in range(draws):
        drawn = _at_random(stretch, trades, rng)
        gains = stretch.cut(marked(stretch.ground, drawn))
        per_period = stretch.periods.summed(gains)
        figures.append(_figures(stretch, drawn, gains, per_period))
        barriers += np.bincount(drawn.barrier, minlength=len(Barrier)) / draws
        equity += np.cumsum(per_period) / draws
    hit_rate, mean, total, factor, drawdown, exposure, ratio, gross = map(_over_draws, np.array(figures).T)
    profits, stops, horizons = (
        round(barriers[each]) for each in (Barrier.TAKE_PROFIT, Barrier.STOP_LOSS, Barrier.HORIZON)
    )
    return Baseline(
        name="random entries",
        meaning=f"As many trades of each side in each fold, entered at random: the mean of {draws} draws.",
        measures=Measures(
            trades=len(trades),
            take_profits=profits,
            stop_losses=stops,
            horizons=horizons,
            hit_rate=hit_rate,
            base_rate=None,
            mean_bps=mean,
            return_bps=total,
            profit_factor=factor,
            drawdown_bps=drawdown.value or 0.0,
            exposure=exposure.value or 0.0,
            sharpe=ratio,
            **_costs_of_draws(gross.value, mean.value, len(trades)),
        ),
        equity=equity,
    )


def _at_random(stretch: Stretch, trades: Traded, rng: np.random.Generator) -> Traded:
    parts = []
    for fold, test in zip(stretch.folds, stretch.tests, strict=True):
        places = stretch.ground.tradable(test)
        for side in (1, -1):
            count = int(np.count_nonzero((trades.fold == fold) & (trades.side == side)))
            exits, drawn = stretch.ground.exits(side), rng.choice(places, count)
            parts.append(
                Traded(
                    fold=np.full(count, fold),
                    decided=drawn,
                    side=np.full(count, side, dtype=np.int8),
                    confidence_bps=np.zeros(count, dtype=np.int64),
                    ended=exits.index[drawn],
                    barrier=exits.barrier[drawn],
                    price=exits.price[drawn],
                    result_bps=stretch.ground.result(side)[drawn],
                )
            )
    return Traded.joined(parts)


def _figures(stretch: Stretch, drawn: Traded, gains: Floats, per_period: Floats) -> tuple[float | None, ...]:
    """Return the figures of one draw; None becomes nan."""
    results, ratio = drawn.result_bps, sharpe(per_period)
    return (
        float(np.mean(drawn.barrier == Barrier.TAKE_PROFIT)) if len(drawn) else None,
        float(results.mean()) if len(drawn) else None,
        float(results.sum()),
        profit_factor(results),
        drawdown_bps(gains),
        float(stretch.cut(held(stretch.ground, drawn)).mean()),
        None if ratio is None else ratio * math.sqrt(stretch.periods.a_year),
        float(gross_bps(stretch.ground, drawn).mean()) if len(drawn) else None,
    )


def _costs_of_draws(gross: float | None, net: float | None, n: int) -> dict[str, float | None]:
    """Return the mean before costs and what these took, of all draws together."""
    return apart(np.full(n, gross or 0.0), np.full(n, net or 0.0))


def _over_draws(figures: np.ndarray) -> Estimate:
    """Return the mean of all draws and between what most of them lie; nothing where a draw has no such figure."""
    values = figures.astype(np.float64)
    if np.isnan(values).any():
        return Estimate(None)
    low, high = np.quantile(values, [_TAIL, 1 - _TAIL])
    return Estimate(float(values.mean()), Interval(float(low), float(high)))
