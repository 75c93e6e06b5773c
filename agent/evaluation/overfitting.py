"""Whether choosing the best of many trials was worth anything: the probability of backtest overfitting."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike

from agent.market.bars import Floats

__all__ = ["Overfitting", "probability_of_overfitting"]

_CHUNK = 1_024  # combinations at a time, so that a thousand trials need megabytes
_ROUNDING = 1e-12  # below it, means and variances of numbers up to one are nothing but rounding


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Overfitting:
    """What combinatorially symmetric cross-validation found.

    Attributes
    ----------
    probability
        How often the trial that was best in one half of the time was among the worse half of the trials in the
        other; None where that cannot be told.
    reason
        Why it cannot be told, in a clause; "" where it can.
    trials
        Number of different trials; those whose returns are the same throughout are one.
    combinations
        In how many ways the time was cut in halves.
    undecided
        In how many of them no single trial was best, so nothing was chosen.
    logits
        ``ln(w / (1 - w))`` of the relative rank w, in the other half, of the trial chosen, for each combination that
        decided; shape (combinations - undecided,). Below 0 the choice was worse than the median trial.
    """

    probability: float | None
    reason: str
    trials: int
    combinations: int
    undecided: int
    logits: Floats


def probability_of_overfitting(returns_matrix: ArrayLike, *, partitions: int = 16) -> Overfitting:
    """Return how often the best trial of one half of the time disappoints in the other half.

    Combinatorially symmetric cross-validation: D. H. Bailey, J. Borwein, M. López de Prado and Q. J. Zhu, *The
    probability of backtest overfitting* (2017). The periods are cut into `partitions` parts in time order; for each
    choice of half of them, the trial with the highest Sharpe ratio there is ranked by its Sharpe ratio among all
    trials in the other half. Trials without any skill give one half; a trial that is best everywhere gives 0.

    Where the paper leaves a choice: equal ratios share their mean rank; a choice exactly at the median counts for
    half, so that one half is the answer to noise for an odd number of trials too; and where several trials are best
    in a half, none of them was chosen, and that combination is left out.

    Parameters
    ----------
    returns_matrix
        Return of each trial in each period, shape (periods, trials), over the same periods for all.
    partitions
        Parts to cut the periods into, even; 16 parts give 12,870 combinations.

    Returns
    -------
    Overfitting
        Its probability is None, with the reason, where fewer than two different trials were made, the periods do not
        suffice, or most combinations were undecided.

    Raises
    ------
    ValueError
        Where a return is not a number, or the parts cannot be halved.
    """
    returns = np.asarray(returns_matrix, dtype=float)
    if returns.ndim != 2 or np.isnan(returns).any():
        raise ValueError("the returns must be numbers of shape (periods, trials)")
    if partitions < 2 or partitions % 2:
        raise ValueError(f"{partitions} parts cannot be cut into two halves")
    different = np.unique(returns, axis=1) if returns.size else returns[:, :0]
    trials = different.shape[1]
    if trials < 2:
        return _untold("nothing was chosen: there is only one trial, or all traded alike", trials)
    if len(returns) < 2 * partitions:
        return _untold(f"{len(returns)} periods are too few for {partitions} parts of at least two", trials)

    halves = np.array(list(combinations(range(partitions), partitions // 2)))
    inside = np.zeros((len(halves), partitions))
    np.put_along_axis(inside, halves, 1, axis=1)
    parts = _Parts.of(different, partitions)
    chunks = np.array_split(inside, -(-len(inside) // _CHUNK))
    ranks = np.concatenate([_ranks(parts.sharpes(chunk), parts.sharpes(1 - chunk)) for chunk in chunks])
    told = ranks[~np.isnan(ranks)]
    undecided = len(ranks) - len(told)
    if 2 * undecided > len(ranks):
        reason = f"no single trial was best in {undecided:,} of {len(ranks):,} halves"
        return _untold(reason, trials, combinations=len(ranks), undecided=undecided)
    relative = told / (trials + 1)
    return Overfitting(
        probability=float(np.mean((relative < 0.5) + 0.5 * (relative == 0.5))),
        reason="",
        trials=trials,
        combinations=len(ranks),
        undecided=undecided,
        logits=np.log(relative / (1 - relative)),
    )


def _untold(reason: str, trials: int, *, combinations: int = 0, undecided: int = 0) -> Overfitting:
    return Overfitting(
        probability=None,
        reason=reason,
        trials=trials,
        combinations=combinations,
        undecided=undecided,
        logits=np.empty(0),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Parts:
    """Of each part of the time: its periods, and the sum and sum of squares of each trial's returns."""

    periods: Floats
    sums: Floats
    squares: Floats

    @classmethod
    def of(cls, returns: Floats, partitions: int) -> _Parts:
        # A Sharpe ratio has no scale. Scaled so that none exceeds one, what never varies is told from rounding.
        largest = np.abs(returns).max(axis=0)
        scaled = returns / np.where(largest > 0, largest, 1)
        parts = np.array_split(scaled, partitions)
        return cls(
            periods=np.array([float(len(part)) for part in parts]),
            sums=np.array([part.sum(axis=0) for part in parts]),
            squares=np.array([(part**2).sum(axis=0) for part in parts]),
        )

    def sharpes(self, chosen: Floats) -> Floats:
        """Return the Sharpe ratio of each trial over the parts chosen: (ways, parts) gives (ways, trials).

        Without any variation it is 0 where nothing was earned, else infinite.
        """
        periods = (chosen @ self.periods)[:, None]
        mean = chosen @ self.sums / periods
        variance = chosen @ self.squares / periods - mean**2
        moving = variance > _ROUNDING
        steady = np.where(np.abs(mean) > _ROUNDING, np.copysign(np.inf, mean), 0.0)
        return np.where(moving, mean / np.sqrt(np.where(moving, variance, 1.0)), steady)


def _ranks(inside: Floats, outside: Floats) -> Floats:
    """Return the rank, from 1 for the worst, that the best of each row of `inside` has in `outside`; nan where none is."""
    best = inside == inside.max(axis=1, keepdims=True)
    single = best.sum(axis=1) == 1
    chosen = np.take_along_axis(outside, inside.argmax(axis=1)[:, None], axis=1)
    rank = (outside < chosen).sum(axis=1) + ((outside == chosen).sum(axis=1) + 1) / 2
    return np.where(single, rank, np.nan)
