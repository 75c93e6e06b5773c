"""What can be measured of a model and its trades: values with their intervals."""

from __future__ import annotations

from dataclasses import dataclass

from agent.market.bars import Floats

__all__ = ["Baseline", "Bin", "Calibration", "Estimate", "Interval", "Measures", "Part", "Scores"]


@dataclass(frozen=True, slots=True)
class Interval:
    """Where a value lies with a probability of 95 %, as resampling tells."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Estimate:
    """A measured value, and how sure one may be of it.

    Attributes
    ----------
    value
        As it happened; None where nothing was there to measure, like the hit rate of no trades.
    interval
        None where there is too little to tell.
    """

    value: float | None
    interval: Interval | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Measures:
    """What some trades came to. All results are after costs, in basis points of one trade's size, which never grows.

    Attributes
    ----------
    trades
        How many.
    take_profits, stop_losses, horizons
        How many of them ended at each barrier.
    hit_rate
        Share that took their profit.
    base_rate
        Share that trades of the same sides, entered at every bar with a pattern of the same folds, would have had.
    mean_bps, return_bps
        Mean result of a trade, and the sum of all.
    gross_bps, cost_bps
        What the mean was before costs, and what spread and gas took of it; None without trades, and in figures that an
        earlier version kept.
    gross_return_bps, cost_return_bps
        The same of the sum.
    profit_factor
        What the winners gained for each unit that the losers lost; no value where nobody lost.
    drawdown_bps
        Deepest fall of the equity, which begins as the size of one trade, below its highest point until then, as a part of that.
    exposure
        Share of the bars with at least one open trade.
    sharpe
        Sharpe ratio a year, of the results marked to market in periods of 24 bars; idle periods count as zero.
    """

    trades: int
    take_profits: int
    stop_losses: int
    horizons: int
    hit_rate: Estimate
    base_rate: float | None
    mean_bps: Estimate
    return_bps: Estimate
    profit_factor: Estimate
    drawdown_bps: float
    exposure: float
    sharpe: Estimate
    gross_bps: float | None = None
    cost_bps: float | None = None
    gross_return_bps: float | None = None
    cost_return_bps: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """What the probabilities were worth at all bars with a pattern, traded or not.

    Attributes
    ----------
    bars
        How many bars that is.
    log_loss, brier
        Mean of ``-ln`` of the probability given to what happened, and mean squared distance between the three
        probabilities and what happened, summed over the outcomes. Lower is better.
    log_loss_base, brier_base
        The same for always giving the shares of the outcomes in the training part.
    """

    bars: int
    log_loss: Estimate
    log_loss_base: float | None
    brier: Estimate
    brier_base: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Bin:
    """One point of a calibration curve: cases with about the same probability.

    Attributes
    ----------
    low, high
        Least and greatest probability in it.
    predicted
        Their mean.
    observed
        How often it came, with its interval.
    count
        Number of cases.
    """

    low: float
    high: float
    predicted: float
    observed: Estimate
    count: int


@dataclass(frozen=True, slots=True)
class Calibration:
    """Whether what was given 60 % comes in 60 of 100: of up and of down together, at all bars with a pattern.

    Attributes
    ----------
    bins
        About equally many cases each, by ascending probability.
    error
        Mean distance between predicted and observed, weighted by the cases; None without bins.
    """

    bins: tuple[Bin, ...]
    error: float | None


@dataclass(frozen=True, slots=True)
class Part:
    """Some of the trades, by side or by pattern; one trade may show several patterns.

    Attributes
    ----------
    name
        ``long``, ``short``, or a pattern's name.
    samples
        Bars of the test windows with this pattern; for a side, with any.
    measures
        What those trades came to.
    """

    name: str
    samples: int
    measures: Measures


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Baseline:
    """What knowing nothing would have come to, on the same bars with the same barriers and costs.

    Attributes
    ----------
    name
        ``always long``, ``buy and hold``, ``random entries`` or ``patterns alone``.
    meaning
        What it does, in one sentence.
    measures
        What came of it. Of random entries: the mean of all draws, the intervals from 2.5 % to 97.5 % of them.
    equity
        Result so far in basis points at each of the evaluation's `times`, shape (periods,).
    """

    name: str
    meaning: str
    measures: Measures
    equity: Floats
