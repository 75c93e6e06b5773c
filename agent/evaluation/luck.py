"""Whether luck explains a result as well: the permutation test, the count of trials, and the verdict."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from agent.evaluation import chances
from agent.evaluation.measured import Measures
from agent.evaluation.measures import Stretch
from agent.evaluation.overfitting import Overfitting, probability_of_overfitting
from agent.evaluation.result import Luck, Verdict
from agent.evaluation.statistics import block_shuffle, deflated_sharpe, permutation_p_value
from agent.evaluation.trading import Traded
from agent.evaluation.trials import Attempted
from agent.market.bars import Floats, Ints
from agent.market.spread import HiddenSpread

__all__ = [
    "DEFLATED",
    "FEWEST_TRADES",
    "OVERFITTED",
    "SIGNIFICANT",
    "block_of",
    "judge",
    "luck_of",
    "overfitting",
    "shuffled",
]

SIGNIFICANT = 0.05
"""Largest p-value, after all trials, that is called an edge."""

DEFLATED = 0.95
"""Least deflated Sharpe ratio that is."""

OVERFITTED = 0.5
"""Probability of overfitting from which on nothing is, unless most trials gained."""

FEWEST_TRADES = 30
"""Trades below which nothing is."""

_DIGITS = 9  # sums of the same results in another order differ after more


def block_of(horizon: int) -> int:
    """Return the labels in a block: so many that labels of two blocks only overlap at the seam."""
    return 2 * (horizon + 1)


def shuffled(
    stretch: Stretch, trades: Sequence[Traded], *, draws: int, rng: np.random.Generator
) -> list[float | None]:
    """Return, for the trades of each model, the p-value of a permutation test with block-shuffled labels.

    The null hypothesis: what a model decides at a bar says nothing about where the price goes from there. The label of
    a bar is half of what a long trade from it would have gained more than a short one; a trade to its side earns that,
    a trade to the other side loses it. (What both sides lose alike, costs and bars that reach both barriers, is in no
    label: to know when to stay out of that is no knowledge of direction.) Labels are dealt out anew to the bars
    with a pattern, in blocks, within each fold, and the trades are given those that then stand at their bars. Times,
    sides and number of the trades stay, and so does everything that the fold as a whole did: that a market only rose
    is no knowledge either. Whole blocks keep the dependence of overlapping labels.

    The statistic is the mean of what the trades earn so, over its standard error. Studentised, the test stays valid
    where the labels a model chose vary more or less than those it did not, as in lively hours: A. Janssen,
    *Studentized permutation tests for non-i.i.d. hypotheses* (1997); E. Chung and J. P. Romano, *Exact and
    asymptotically robust permutation tests* (2013). Models are not fitted again: each was fitted before the
    labels that are shuffled, on other bars, so its decisions are what they are under the null hypothesis, too.

    Parameters
    ----------
    stretch
        The test windows.
    trades
        Of each model; all get the same draws.
    draws
        How often to shuffle.
    rng
        Where the shuffles come from.

    Returns
    -------
    list of float or None
        None where a model made no trade, or a fold has too few bars with a pattern to be shuffled.
    """
    ground = stretch.ground
    block = block_of(ground.barriers.horizon)
    samples = [ground.samples(test) for test in stretch.tests]
    came = [(ground.result(1)[places] - ground.result(-1)[places]) / 2 for places in samples]
    if any(len(labels) < 2 * block for labels in came):
        return [None] * len(trades)
    by_model = [
        [
            _given(places, each.where(each.fold == fold))
            for fold, places in zip(stretch.folds, samples, strict=True)
        ]
        for each in trades
    ]

    def statistics(drawn: Sequence[Floats]) -> list[float]:
        earned = (
            [labels[rows] * sides for labels, (rows, sides) in zip(drawn, given, strict=True)]
            for given in by_model
        )
        return [_studentised(np.concatenate(each)) for each in earned]

    observed = statistics(came)
    chance = np.array(
        [statistics([block_shuffle(labels, block=block, rng=rng) for labels in came]) for _ in range(draws)]
    )
    return [
        permutation_p_value(observed[model], chance[:, model]) if len(each) else None
        for model, each in enumerate(trades)
    ]


def _given(places: Ints, trades: Traded) -> tuple[Ints, Ints]:
    """Return which label each trade has, and its side."""
    return np.searchsorted(places, trades.decided), trades.side.astype(np.int64)


def _studentised(earned: Floats) -> float:
    if len(earned) < 2:
        return float(earned.sum())
    error = earned.std(ddof=1) / np.sqrt(len(earned))
    mean = earned.mean()
    if error == 0:
        return float(np.sign(mean) * np.inf) if mean else 0.0
    return round(float(mean / error), _DIGITS)


def overfitting(attempts: Sequence[Attempted], numbers: Sequence[int]) -> Overfitting:
    """Return the probability of backtest overfitting over all trials that were made on all of these periods."""
    known = [returns for each in attempts if (returns := each.over(numbers)) is not None]
    matrix = np.column_stack(known) if known else np.empty((len(numbers), 0))
    return probability_of_overfitting(matrix)


def luck_of(
    returns: Floats,
    *,
    length: int,
    p_alone: float | None,
    attempts: Sequence[Attempted],
    overfit: Overfitting,
    draws: int,
    block: int,
) -> Luck:
    """Correct what one model shows for all trials made.

    Parameters
    ----------
    returns
        Of each period, in basis points.
    length
        Seconds of a period.
    p_alone
        As `shuffled` returned it.
    attempts
        All trials on these bars, this one among them.
    overfit
        As `overfitting` returned it.
    draws, block
        What the permutation test was made with.
    """
    trials = len(attempts)
    sharpes = [each.sharpe(length) for each in attempts if each.numbers is not None]
    return Luck(
        p_value=None if p_alone is None else float(-np.expm1(trials * np.log1p(-p_alone))) if p_alone < 1 else 1.0,
        p_alone=p_alone,
        draws=draws,
        block=block,
        deflated_sharpe=deflated_sharpe(returns, trial_sharpes=sharpes, effective_trials=trials),
        pbo=overfit.probability,
        pbo_untold=overfit.reason,
        gained=sum(ratio > 0 for ratio in sharpes) / trials,
    )


def judge(
    overall: Measures,
    luck: Luck,
    *,
    trials: int,
    synthetic: bool = False,
    elsewhere: bool = False,
    hidden: HiddenSpread | None = None,
    spread_bps: int = 0,
) -> Verdict:
    """Return the conclusion, in one sentence.

    There is evidence of an edge only where all of this holds: `FEWEST_TRADES` or more were made, they gained after all
    costs, shuffled labels do as well less often than `SIGNIFICANT` after all trials, the Sharpe ratio is above what
    the best of as many trials shows by luck with a probability of `DEFLATED`, and the probability of overfitting, if it
    can be told, is below `OVERFITTED`. That probability compares the best with the median trial, so it says nothing
    against any where the median trial gained as well: of trials that are equally good, the best in one half of the time is
    below the median in the other as often as not.

    Nor is there one while the spread that is `hidden` in the prices exceeds what a round trip at `spread_bps` is charged: what
    comes back from the bid to the ask can be foretold, and nobody gains it.

    Of a model that was trained `elsewhere` no edge can be told, however well it does: it may have learned these very bars.
    """
    tried = f"{trials} {'trial' if trials == 1 else 'trials'}"
    of = " The bars are synthetic." if synthetic else ""
    missing = _missing(overall, luck, tried)
    if not missing and hidden is not None and hidden.exceeds(spread_bps):
        missing = f"{_p(luck.p_value)} after {tried}, but {hidden.told(spread_bps)}"
    if missing:
        return Verdict(False, f"No evidence of an edge: {missing}.{of}")
    if elsewhere:
        why = "whether it was trained on these bars only its maker knows"
        return Verdict(False, f"No edge can be told: {_p(luck.p_value)} after {tried}, but {why}.{of}")
    found = f"{_p(luck.p_value)} after {tried}"
    ratio = f"a deflated Sharpe ratio of {_deflated(luck)}"
    if luck.pbo is None:
        return Verdict(True, f"Evidence of an edge: {found}, and {ratio}.{of}")
    overfitted = chances.of_luck(luck.pbo)
    typical = ", where most trials gained" if luck.pbo >= OVERFITTED else ""
    return Verdict(
        True,
        f"Evidence of an edge: {found}, {ratio}, and a probability of overfitting of {overfitted}{typical}.{of}",
    )


def _missing(overall: Measures, luck: Luck, tried: str) -> str:
    """Return the first thing that is missing to an edge, in a clause; "" where nothing is."""
    mean = overall.mean_bps.value
    if not overall.trades or mean is None:
        return f"nothing was traded, after {tried}"
    after = f"{_p(luck.p_value)} after {tried}"
    if overall.trades < FEWEST_TRADES:
        return f"{overall.trades} {'trade is' if overall.trades == 1 else 'trades are'} too few to tell ({after}); {FEWEST_TRADES} are asked"
    if luck.p_value is None:
        return f"too few bars to shuffle labels, after {tried}"
    if luck.p_value >= SIGNIFICANT:
        return f"{after}; below {SIGNIFICANT} is asked"
    if mean <= 0:
        return (
            f"it tells the direction better than chance ({after}), but it lost {-mean:.1f} bps a trade after costs"
        )
    if luck.deflated_sharpe is None or luck.deflated_sharpe < DEFLATED:
        return f"{after}, but the deflated Sharpe ratio is {_deflated(luck)}; {DEFLATED} is asked"
    if luck.pbo is not None and luck.pbo >= OVERFITTED and luck.gained <= 0.5:
        return (
            f"{after}, but the probability of overfitting is {chances.of_luck(luck.pbo)}; below {OVERFITTED} is asked "
            "unless most trials gain"
        )
    return ""


def _deflated(luck: Luck) -> str:
    return "untold" if luck.deflated_sharpe is None else chances.for_edge(luck.deflated_sharpe)


def _p(p: float | None) -> str:
    return "p is untold" if p is None else chances.named_p(p)
