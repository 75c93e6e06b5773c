"""How sure a figure is: intervals, permutation tests and the Sharpe ratio's own statistics.

Where many ways were tried, the best of them looks good by luck alone; `deflated_sharpe` says how good, and
`agent.evaluation.overfitting` whether choosing the best was worth anything.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from arch.bootstrap import StationaryBootstrap, optimal_block_length
from numpy.typing import ArrayLike, NDArray
from scipy.stats import binomtest, kurtosis, norm, skew

from agent.errors import ModelError
from agent.market.bars import Floats
from agent.model.threads import one_thread

__all__ = [
    "block_length",
    "block_shuffle",
    "bootstrap_interval",
    "deflated_sharpe",
    "expected_maximum_sharpe",
    "permutation_p_value",
    "probabilistic_sharpe",
    "sharpe",
    "sharpe_confidence",
    "sharpe_error",
    "wilson",
]

_SAME = 1e-12  # of numbers up to one: what lies closer differs by rounding alone
_FEWEST = 10  # values below which a series says nothing of its own spread or memory


def permutation_p_value(observed: float, shuffled: ArrayLike) -> float:
    """Return how often chance did at least as well, the observation itself counted in.

    ``(1 + #{shuffled >= observed}) / (1 + draws)``, so never zero: B. Phipson and G. K. Smyth, *Permutation
    p-values should never be zero* (2010).

    Parameters
    ----------
    observed
        What was measured; more is better.
    shuffled
        The same measured under the null hypothesis, shape (draws,), at least one.

    Raises
    ------
    ValueError
        Where there is no draw, or a value is not a number.
    """
    draws = np.asarray(shuffled, dtype=float)
    if draws.ndim != 1 or not len(draws) or np.isnan(draws).any() or math.isnan(observed):
        raise ValueError("a permutation test needs one number observed and at least one drawn")
    return (1 + int(np.count_nonzero(draws >= observed))) / (1 + len(draws))


def block_shuffle(labels: NDArray, *, block: int, rng: np.random.Generator) -> NDArray:
    """Return the labels in another order, in which neighbours stay neighbours within blocks.

    Labels of bars less than a horizon apart describe the same stretch of prices. Shuffling them one by one
    would break that and make any model look better than chance; whole blocks keep it. The series is closed to a
    ring and cut at a random place, so that the seams differ from draw to draw, then dealt out in blocks of
    `block` labels, the last with what remains added: H. R. Künsch, *The jackknife and the bootstrap for general
    stationary observations* (1989), drawn without replacement.

    Parameters
    ----------
    labels
        Labels in time order, shape (n,) or (n, ...).
    block
        Labels in a block: at least the horizon, so that only a label at a seam has a strange neighbour.
    rng
        Where the order comes from.

    Raises
    ------
    ModelError
        Where there are fewer than two blocks, so nothing to shuffle.
    """
    if block < 1:
        raise ValueError(f"a block has at least one label, not {block}")
    blocks = len(labels) // block
    if blocks < 2:
        raise ModelError(
            f"{len(labels)} labels make fewer than two blocks of {block}, so they cannot be shuffled.",
            cure="Give a longer series, or barriers with a shorter horizon.",
        )
    ring = np.roll(np.arange(len(labels)), -int(rng.integers(len(labels))))
    pieces = np.split(ring, block * np.arange(1, blocks))
    return labels[np.concatenate([pieces[place] for place in rng.permutation(blocks)])]


def wilson(successes: int, n: int, *, level: float = 0.95) -> tuple[float, float]:
    """Return the confidence interval of a share: E. B. Wilson (1927), as scipy computes it.

    Without a single observation the share may be anything: 0 to 1.
    """
    if n == 0:
        return 0.0, 1.0
    interval = binomtest(successes, n).proportion_ci(level, method="wilson")
    return float(interval.low), float(interval.high)


def block_length(values: ArrayLike) -> float:
    """Return the mean block length at which a stationary bootstrap keeps a series' dependence.

    D. N. Politis and H. White, *Automatic block-length selection for the dependent bootstrap* (2004), with the
    correction of A. Patton, Politis and White (2009), as arch computes it. At least 1; and 1 for a series too
    short (below 10 values) or too even to be judged.
    """
    series = np.asarray(values, dtype=float)
    if len(series) < _FEWEST or np.ptp(series) == 0:
        return 1.0
    # One thread: hundreds of short products, and handing each to all cores takes seconds. And arch divides by sums of
    # squares that are nothing where a series begins or ends flat; a correlation without end is then taken for high.
    with one_thread(), np.errstate(divide="ignore", invalid="ignore"):
        length = float(optimal_block_length(series)["stationary"].iloc[0])
    return max(1.0, length) if math.isfinite(length) else 1.0


def bootstrap_interval(
    values: ArrayLike,
    statistic: Callable[[NDArray], float | None],
    *,
    block: float | None,
    draws: int = 1_000,
    level: float = 0.95,
    rng: np.random.Generator,
) -> tuple[float, float] | None:
    """Return the percentile interval of a statistic of a series whose neighbours may depend on each other.

    The stationary bootstrap of D. N. Politis and J. P. Romano (1994), drawn by arch: blocks of random length,
    the series closed to a ring.

    Parameters
    ----------
    values
        The series in time order, shape (n,) or (n, columns): rows stay together.
    statistic
        What is wanted of it; gets an array of the same shape.
    block
        Mean length of a block, at least 1, rounded; None to choose it from the series (its first column), see
        `block_length`.
    draws, level
        How many series to draw, and the share of them that lie within the interval.
    rng
        Where they come from.

    Returns
    -------
    tuple or None
        None where there is no honest interval: of fewer than 10 values, of values that are all the same (five trades
        that all took their profit do not say that the sixth must), and where the statistic could not be told (None
        or nan) of any one draw.
    """
    series = np.asarray(values, dtype=float)
    if len(series) < _FEWEST or not np.ptp(series, axis=0).any():
        return None
    length = block_length(series if series.ndim == 1 else series[:, 0]) if block is None else block
    if length < 1:
        raise ValueError(f"a block has at least one value, not {length}")

    def measured(drawn: NDArray) -> float:
        value = statistic(drawn)
        return math.nan if value is None else float(value)

    drawn = StationaryBootstrap(round(length), series, seed=rng).apply(measured, draws)[:, 0]
    if np.isnan(drawn).any():
        return None
    tail = (1 - level) / 2
    # Values that occurred, not points between them: a profit factor may well be infinite.
    low = np.quantile(drawn, tail, method="lower")
    return float(low), float(np.quantile(drawn, 1 - tail, method="higher"))


def sharpe(returns: ArrayLike) -> float | None:
    """Return the Sharpe ratio of a period: mean over standard deviation (of a sample, n - 1) of the returns.

    Parameters
    ----------
    returns
        Return of each period over cash, shape (n,). Multiply by the root of the periods in a year to annualise.

    Returns
    -------
    float or None
        None where there are fewer than two returns, or all are the same: then there is no risk to compare with.
    """
    series = _scaled(returns)
    if len(series) < 2 or np.ptp(series) < _SAME:
        return None
    return float(series.mean() / series.std(ddof=1))


def _scaled(returns: ArrayLike) -> Floats:
    """Return returns of which the largest is 1: a Sharpe ratio has no scale, and neither have skewness and kurtosis."""
    series = np.asarray(returns, dtype=float)
    largest = np.abs(series).max(initial=0.0)
    return series / largest if largest > 0 else series


def sharpe_error(sharpe: float, *, periods: int, skewness: float = 0.0, kurtosis: float = 3.0) -> float:
    """Return the standard error of a Sharpe ratio measured over independent periods.

    ``sqrt((1 - skewness * SR + (kurtosis - 1) / 4 * SR**2) / (periods - 1))``: E. Mertens (2002) for returns of
    any distribution; A. W. Lo, *The statistics of Sharpe ratios* (2002) for normal ones, which are the defaults.
    With ``periods - 1``, as D. H. Bailey and M. López de Prado, *The Sharpe ratio efficient frontier* (2012).

    Parameters
    ----------
    sharpe
        Per period.
    periods
        How many it was measured over, at least 2.
    skewness, kurtosis
        Of the returns; the kurtosis of a normal distribution is 3.
    """
    variance = 1 - skewness * sharpe + (kurtosis - 1) / 4 * sharpe**2
    return math.sqrt(max(0.0, variance) / (periods - 1))  # it cannot be negative, but rounding can


def sharpe_confidence(
    sharpe: float, *, benchmark: float = 0.0, periods: int, skewness: float = 0.0, kurtosis: float = 3.0
) -> float:
    """Return the probability that the true Sharpe ratio exceeds a benchmark, given its moments.

    The probabilistic Sharpe ratio: Bailey and López de Prado (2012). Parameters as in `sharpe_error`.
    """
    error = sharpe_error(sharpe, periods=periods, skewness=skewness, kurtosis=kurtosis)
    if error == 0:
        return 0.5 + 0.5 * float(np.sign(sharpe - benchmark))
    return float(norm.cdf((sharpe - benchmark) / error))


def probabilistic_sharpe(returns: ArrayLike, *, benchmark: float = 0.0) -> float | None:
    """Return the probability that the true Sharpe ratio of a period exceeds a benchmark.

    Parameters
    ----------
    returns
        As in `sharpe`.
    benchmark
        Per period, too.

    Returns
    -------
    float or None
        None where `sharpe` is.
    """
    measured = sharpe(returns)
    if measured is None:
        return None
    series = _scaled(returns)
    return sharpe_confidence(
        measured,
        benchmark=benchmark,
        periods=len(series),
        skewness=float(skew(series)),
        kurtosis=float(kurtosis(series, fisher=False)),
    )


def expected_maximum_sharpe(variance: float, trials: float) -> float:
    """Return the Sharpe ratio to expect of the best of many trials, none of which is worth anything.

    ``sqrt(variance) * ((1 - g) * Z(1 - 1 / N) + g * Z(1 - 1 / (N * e)))``, with Euler's constant g and the normal
    quantile Z: the False Strategy theorem, D. H. Bailey and M. López de Prado, *The deflated Sharpe ratio* (2014).
    Nothing is chosen from a single trial, so it is 0 there, and never below.

    Parameters
    ----------
    variance
        Of the Sharpe ratios of the trials.
    trials
        How many independent ones, at least 1; not necessarily whole.
    """
    if trials < 1 or variance < 0:
        raise ValueError(f"the best of {trials} trials with a variance of {variance} cannot be expected")
    if trials == 1:
        return 0.0
    best = (1 - np.euler_gamma) * norm.ppf(1 - 1 / trials) + np.euler_gamma * norm.ppf(1 - 1 / (trials * math.e))
    return math.sqrt(variance) * max(0.0, float(best))


def deflated_sharpe(
    returns: ArrayLike, *, trial_sharpes: Sequence[float], effective_trials: float | None = None
) -> float | None:
    """Return the probability that a chosen trial's true Sharpe ratio exceeds what luck gives the best of all trials.

    `probabilistic_sharpe` against `expected_maximum_sharpe`: Bailey and López de Prado (2014). From 0.95 on, the
    choice is commonly held to be more than luck.

    Parameters
    ----------
    returns
        Of the trial chosen, as in `sharpe`.
    trial_sharpes
        The Sharpe ratio of every trial made, the chosen one included, of the same period as the returns. A trial
        that never traded counts as well: give 0.
    effective_trials
        How many independent trials they amount to; all of them by default, which is the strict assumption. Where that
        is more than there are ratios, nobody knows those of the others: of each is assumed that it varies as noise
        does over as many periods, with ``1 / (periods - 1)``, or as the known ones do if they vary more.

    Returns
    -------
    float or None
        None where `sharpe` is. With a single trial it is the probabilistic Sharpe ratio.

    Raises
    ------
    ValueError
        Where there is no trial.
    """
    if not len(trial_sharpes):
        raise ValueError("a deflated Sharpe ratio needs the Sharpe ratios of all trials, the chosen one included")
    if sharpe(returns) is None:
        return None
    known = len(trial_sharpes)
    variance = float(np.var(trial_sharpes, ddof=1)) if known > 1 else 0.0
    trials = known if effective_trials is None else effective_trials
    if trials > known:
        noise = sharpe_error(0.0, periods=np.size(returns)) ** 2
        variance = ((known - 1) * variance + (trials - known) * max(variance, noise)) / (trials - 1)
    return probabilistic_sharpe(returns, benchmark=expected_maximum_sharpe(variance, trials))
