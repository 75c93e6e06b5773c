"""What came of it, and what would have come of doing otherwise: the result, beside two baselines that need no model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from agent.chain.values import BPS, Side
from agent.desk.loop import Terms
from agent.desk.trades import SettledTrade
from agent.market.bars import Bars
from agent.market.spread import HiddenSpread, hidden_spread
from agent.model.labels import Barriers, Exits, triple_barrier

DRAWS = 2_000
SIGNIFICANT = 0.01
FEWEST_SIGNALS = 10
TIE_BPS = 0.5  # of a trade's worth: prices are rounded to units of at most a tenth of it


@dataclass(frozen=True)
class Result:
    """Profit or loss in the quote token's smallest unit, after the spread at both ends of each trade.

    Attributes
    ----------
    quote
        Of the settled trades, together.
    buy_and_hold
        Of buying at the first replayed open and selling at the last close, once the size of a trade for each owner.
    random_entry
        Mean over many draws of the same trades entered at random bars of the same replay and ended at the same
        barriers, each of the same worth; trades of one signal are moved together. None where no trade could have ended.
    p_value
        Share of those draws that did at least as well, counting the real one in: (1 + better) / (1 + draws), after
        Phipson and Smyth, *Permutation p-values should never be zero* (2010). A draw behind by less than `TIE_BPS` of
        what was traded did as well: what lies between is rounding. None where nothing can be drawn.
    signals
        How many signals the settled trades came from. Several owners may trade on one, and that is no more evidence; nor
        is it where two models say the same of one bar and end its trades at the same barriers.
    trials
        How many were made on these bars, this one counted in. Whoever counts them sets it.
    hidden
        The spread that the prices hide; None where nobody looked.
    spread_bps
        What is charged at either end of a trade.
    """

    quote: int
    buy_and_hold: int
    random_entry: int | None
    p_value: float | None
    signals: int
    trials: int = 1
    hidden: HiddenSpread | None = None
    spread_bps: int = 0

    @property
    def p_after(self) -> float | None:
        """The p-value after all trials: ``1 - (1 - p_value) ** trials`` (Šidák)."""
        return None if self.p_value is None else 1 - (1 - self.p_value) ** self.trials

    @property
    def bounces(self) -> bool:
        """Whether the prices hide a larger spread than is charged, so that what comes back by itself may look like a gain."""
        return self.hidden is not None and self.hidden.exceeds(self.spread_bps)

    @property
    def edge(self) -> bool:
        """Whether the result can be told from luck."""
        return (
            self.p_after is not None
            and self.p_after < SIGNIFICANT
            and self.signals >= FEWEST_SIGNALS
            and self.quote > 0
            and not self.bounces
        )

    @property
    def verdict(self) -> str:
        """The result in one sentence, with its reason."""
        if self.signals == 0:
            return "No evidence of an edge: no trade was settled."
        if self.p_after is None:
            return "No evidence of an edge: too few bars to draw random entries from."
        p = "p < 0.001" if self.p_after < 0.001 else f"p = {self.p_after:.3f}"
        reason = f"{p} after {_some(self.trials, 'trial')} against random entries, {_some(self.signals, 'signal')}"
        if self.edge:
            return f"Better than random entries on this data: {reason}."
        if self.signals < FEWEST_SIGNALS:
            return f"No evidence of an edge: too few signals to tell ({reason}; {FEWEST_SIGNALS} are asked)."
        if self.p_after >= SIGNIFICANT:
            return f"No evidence of an edge: {reason}; below {SIGNIFICANT} is asked."
        if self.quote <= 0:
            return f"No evidence of an edge: it lost less than random entries would have, but it lost ({reason})."
        assert self.hidden is not None
        return f"No evidence of an edge: {reason}, but {self.hidden.told(self.spread_bps)}."


def _some(count: int, one: str) -> str:
    return f"{count:,} {one}{'' if count == 1 else 's'}"


def result_of(
    settled: Sequence[SettledTrade],
    bars: Bars,
    *,
    start: int,
    stop: int,
    barriers: Barriers,
    terms: Terms,
    owners: int,
    seed: int,
    others: Mapping[bytes, Barriers] | None = None,
) -> Result:
    """Judge the settled trades of a replay of the bars `start` to `stop`.

    Parameters
    ----------
    settled
        The trades, as the contract settled them.
    bars, start, stop
        What was replayed.
    barriers, terms
        How trades end, the size that buying and holding is counted in, and the spread.
    owners
        Among how many owners the size of buy-and-hold is counted.
    seed
        Of the random entries.
    others
        How the trades of further models end, by the model's id: `barriers` is for all that are not named here.
    """
    ends = others or {}
    quote = sum(trade.profit_in_quote for trade in settled)
    replayed = bars[start:stop]
    signals: Counter[tuple[Barriers, Side, int]] = Counter()
    for trade in settled:
        opening = trade.opening
        ending = ends.get(opening.fill.mandate.model, barriers)
        signals[ending, opening.side, opening.decision.closed_at] += opening.worth
    draws = _random_entries(replayed, signals, seed=seed)
    as_well = quote - signals.total() * TIE_BPS / BPS
    return Result(
        quote=quote,
        buy_and_hold=_buy_and_hold(replayed, size=terms.size * owners, spread_bps=terms.spread_bps),
        random_entry=None if draws is None else round(float(draws.mean())),
        p_value=None if draws is None else (1 + int((draws >= as_well).sum())) / (1 + len(draws)),
        signals=len(signals),
        hidden=hidden_spread(bars[:stop]),
        spread_bps=terms.spread_bps,
    )


def _buy_and_hold(bars: Bars, *, size: int, spread_bps: int) -> int:
    if not len(bars):
        return 0
    first, last = int(bars.open[0]), int(bars.close[-1])
    return size * last * (BPS - spread_bps) // (first * (BPS + spread_bps)) - size


def _random_entries(bars: Bars, signals: Counter[tuple[Barriers, Side, int]], *, seed: int) -> np.ndarray | None:
    """Total results of `DRAWS` draws, shape (DRAWS,), in smallest units of quote; None where there is nothing to draw.

    `signals` has what the trades of each were worth together, in smallest units of quote.
    """
    if not signals or len(bars) < 2:
        return None
    rng = np.random.default_rng(seed)
    total = np.zeros(DRAWS)
    for barriers in dict.fromkeys(barriers for barriers, _, _ in signals):
        outcomes = triple_barrier(bars, barriers)
        for side, exits in ((Side.LONG, outcomes.long), (Side.SHORT, outcomes.short)):
            worths = [worth for (ends, of, _), worth in signals.items() if (ends, of) == (barriers, side)]
            ended = _ended(exits)
            if worths and not len(ended):
                return None
            for worth in worths:  # one signal at a time: all of a long replay's at once would take gigabytes
                total += worth * rng.choice(ended, size=DRAWS)
    return total / BPS


def _ended(exits: Exits) -> np.ndarray:
    return exits.result_bps[~np.isnan(exits.result_bps)]
