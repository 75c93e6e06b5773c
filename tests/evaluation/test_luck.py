"""Luck is called luck: shuffled labels do as well as what knows nothing, and every trial raises the bar."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binomtest

from agent.evaluation.effort import Effort
from agent.evaluation.luck import (
    DEFLATED,
    FEWEST_TRADES,
    OVERFITTED,
    SIGNIFICANT,
    judge,
    luck_of,
    overfitting,
    shuffled,
)
from agent.evaluation.measured import Estimate, Measures
from agent.evaluation.overfitting import probability_of_overfitting
from agent.evaluation.result import Luck
from agent.evaluation.trading import Decisions, Traded, traded
from agent.evaluation.trials import Attempted
from agent.market.spread import HiddenSpread
from agent.market.synthetic import planted, random_walk
from agent.model.patterns import PATTERNS

RNG = np.random.default_rng
PERIODS = tuple(range(100))
DAY = 86_400


def trades_on(stretch, sides_of) -> Traded:
    """What becomes of deciding, at every bar with a pattern, for the side that a function of their places gives."""
    parts = []
    for fold, test in zip(stretch.folds, stretch.tests, strict=True):
        places = stretch.ground.samples(test)
        sides = sides_of(places).astype(np.int8)
        chosen = Decisions(
            places[sides != 0], sides[sides != 0], np.zeros(int((sides != 0).sum()), dtype=np.int64)
        )
        parts.append(traded(stretch.ground, chosen, test, fold=fold))
    return Traded.joined(parts)


def clairvoyant(stretch, places):
    """Say what comes, at every tenth bar."""
    return np.where(places % 10 == 0, stretch.ground.outcomes.label[places], 0)


def test_what_knows_nothing_is_significant_as_rarely_as_promised(ground, stretch):
    values = []
    for seed in range(100):
        there = stretch(ground(random_walk(1_100, seed=seed)), folds=2)
        rng = RNG(seed)
        # Sides that stay for a while: what is forgotten where labels are shuffled one by one.
        clumped = trades_on(
            there, lambda places, rng=rng: np.repeat(rng.choice([1, -1], len(places)), 10)[: len(places)]
        )
        values += shuffled(there, [clumped], draws=99, rng=rng)
    for level in (0.05, 0.2, 0.5):
        assert binomtest(sum(value <= level for value in values), len(values), level).pvalue > 0.001


def test_what_knows_the_future_is_found(ground, stretch):
    there = stretch(ground(random_walk(2_000, seed=1)))
    knowing = trades_on(there, lambda places: clairvoyant(there, places))
    assert shuffled(there, [knowing], draws=199, rng=RNG(0)) == [1 / 200]


def test_a_market_that_only_rises_is_no_knowledge(ground, stretch):
    walk = random_walk(2_000, seed=3)
    slope = np.exp(np.arange(2_000) * 0.002)
    rising = replace(
        walk, **{name: (getattr(walk, name) * slope).astype(np.int64) for name in ("open", "high", "low", "close")}
    )
    there = stretch(ground(rising))
    long = trades_on(there, np.ones_like)
    assert long.result_bps.mean() > 10
    [p_value] = shuffled(there, [long], draws=199, rng=RNG(0))
    assert p_value > 0.2


def test_to_know_when_it_is_calm_is_no_knowledge_of_direction(ground, stretch):
    walk = random_walk(4_000, seed=3)
    # Wicks three times as long in every other stretch of 100 bars: there, both sides are stopped out.
    wild = np.arange(4_000) // 100 % 2 == 1
    above, below = walk.high - np.maximum(walk.open, walk.close), np.minimum(walk.open, walk.close) - walk.low
    there = stretch(ground(replace(walk, high=walk.high + 2 * wild * above, low=walk.low - 2 * wild * below)))
    sides = RNG(1).choice([1, -1], 4_000)
    everywhere = trades_on(there, lambda places: sides[places])
    calm = trades_on(there, lambda places: np.where(wild[places], 0, sides[places]))
    assert calm.result_bps.mean() > everywhere.result_bps.mean() + 5
    [p_value] = shuffled(there, [calm], draws=199, rng=RNG(0))
    assert p_value > 0.2


def test_planted_patterns_are_found_by_trading_them(ground, stretch):
    there = stretch(ground(planted(2_500, seed=4)))
    names = {pattern.name: np.uint32(1 << pattern.bit) for pattern in PATTERNS}
    masks = there.ground.masks

    def squeezed(places):
        up, down = ((masks[places] & names[name]) != 0 for name in ("squeeze_up", "squeeze_down"))
        return up.astype(int) - down.astype(int)

    right, wrong = trades_on(there, squeezed), trades_on(there, lambda places: -squeezed(places))
    assert shuffled(there, [right, wrong], draws=199, rng=RNG(0)) == [1 / 200, 1.0]


def test_models_are_judged_by_the_same_draws_whoever_stands_beside_them(ground, stretch):
    there = stretch(ground(random_walk(2_000, seed=1)))
    one = trades_on(there, lambda places: places % 3 - 1)
    other = trades_on(there, lambda places: places % 2)
    together = shuffled(there, [one, other], draws=50, rng=RNG(7))
    assert together == [shuffled(there, [each], draws=50, rng=RNG(7))[0] for each in (one, other)]


def test_without_trades_there_is_no_p_value(ground, stretch):
    there = stretch(ground(random_walk(2_000, seed=1)))
    assert shuffled(there, [trades_on(there, np.zeros_like)], draws=9, rng=RNG(0)) == [None]


def attempts(*returns: np.ndarray, unfinished: int = 0) -> tuple[Attempted, ...]:
    made = [Attempted(str(n), "mine", PERIODS, tuple(each), DAY) for n, each in enumerate(returns)]
    return (*made, *(Attempted(f"unfinished {n}", "mine") for n in range(unfinished)))


def luck(returns: np.ndarray, of: tuple[Attempted, ...], *, p_alone: float | None = 0.01) -> Luck:
    overfit = probability_of_overfitting(np.empty((0, 0)))
    return luck_of(returns, length=DAY, p_alone=p_alone, attempts=of, overfit=overfit, draws=99, block=26)


def test_the_best_of_many_trials_pays_for_all_of_them():
    mine = RNG(0).normal(0.3, 1, 100)
    alone = luck(mine, attempts(mine))
    others = [RNG(seed).normal(0, 1, 100) for seed in range(1, 12)]
    after = luck(mine, attempts(mine, *others))
    assert alone.p_value == pytest.approx(0.01)
    assert after.p_value == pytest.approx(1 - 0.99**12)
    assert after.p_alone == alone.p_alone
    assert after.deflated_sharpe < alone.deflated_sharpe


def test_a_trial_without_an_outcome_is_paid_for_too():
    mine = RNG(0).normal(0.3, 1, 100)
    other = RNG(1).normal(0, 1, 100)
    finished, begun = luck(mine, attempts(mine, other)), luck(mine, attempts(mine, other, unfinished=5))
    assert begun.p_value > finished.p_value
    assert begun.deflated_sharpe < finished.deflated_sharpe


def test_though_no_other_came_to_an_end():
    mine = RNG(0).normal(0.1, 1, 100)
    told = [luck(mine, attempts(mine, unfinished=n)).deflated_sharpe for n in (0, 1, 11, 99)]
    assert told == sorted(told, reverse=True)
    assert told[0] > DEFLATED > told[1]
    assert told[-1] < 0.5


def test_trials_over_periods_of_other_lengths_are_compared_over_the_same():
    mine = RNG(0).normal(0.3, 1, 100)
    other = RNG(1).normal(-0.05, 1, 2_400)
    hours = Attempted("hours", "theirs", tuple(range(2_400)), tuple(other), DAY // 24)
    days = Attempted("days", "theirs", PERIODS, tuple(other.reshape(100, 24).sum(axis=1)), DAY)
    by_hours, by_days = (luck(mine, (*attempts(mine), each)).deflated_sharpe for each in (hours, days))
    assert by_hours == pytest.approx(by_days, abs=0.02)
    assert by_hours < luck(mine, (*attempts(mine), replace(hours, length=DAY))).deflated_sharpe - 0.05


def test_how_many_trials_gained_is_told_and_one_without_an_outcome_did_not():
    mine, other = np.arange(1.0, 101.0), -np.arange(1.0, 101.0)
    assert luck(mine, attempts(mine, mine * 2 + 1, other, unfinished=1)).gained == 0.5


def test_more_trials_are_shuffled_more_often_so_that_an_edge_can_still_be_told():
    for trials in (1, 12, 100, 10_000):
        draws = Effort().permutations_for(trials)
        assert draws >= 2_000
        assert 1 - (1 - 1 / (1 + draws)) ** trials < SIGNIFICANT


def test_overfitting_is_told_over_the_trials_that_have_all_periods():
    rng = RNG(0)
    of = attempts(*(rng.normal(0, 1, 100) for _ in range(6)), unfinished=2)
    short = Attempted("short", "mine", PERIODS[:50], (0.0,) * 50, DAY)
    matrix = np.column_stack([each.returns for each in of[:6]])
    told = overfitting((*of, short), PERIODS)
    assert told.probability == probability_of_overfitting(matrix).probability
    assert told.trials == 6
    assert overfitting(of[6:], PERIODS).probability is None


def measures(*, trades: int = 100, mean: float | None = 5.0) -> Measures:
    value = Estimate(mean)
    return Measures(
        trades=trades,
        take_profits=0,
        stop_losses=0,
        horizons=0,
        hit_rate=value,
        base_rate=0.4,
        mean_bps=value,
        return_bps=value,
        profit_factor=value,
        drawdown_bps=0.0,
        exposure=0.0,
        sharpe=value,
    )


def found(
    p_value: float | None = 0.001, deflated: float | None = 0.99, *, pbo: float | None = None, gained: float = 0.0
) -> Luck:
    return Luck(
        p_value=p_value,
        p_alone=p_value,
        draws=2_000,
        block=26,
        deflated_sharpe=deflated,
        pbo=pbo,
        pbo_untold="",
        gained=gained,
    )


@pytest.mark.parametrize(
    ("overall", "of", "trials", "reason"),
    [
        (
            measures(),
            found(),
            4,
            "Evidence of an edge: p = 0.001 after 4 trials, and a deflated Sharpe ratio of 0.990.",
        ),
        (measures(), found(0.41), 12, "No evidence of an edge: p = 0.410 after 12 trials; below 0.05 is asked."),
        (measures(), found(0.41), 1, "No evidence of an edge: p = 0.410 after 1 trial; below 0.05 is asked."),
        (
            measures(trades=0, mean=None),
            found(None),
            2,
            "No evidence of an edge: nothing was traded, after 2 trials.",
        ),
        (
            measures(trades=29),
            found(0.0001),
            1,
            "No evidence of an edge: 29 trades are too few to tell (p < 0.001 after 1 trial); 30 are asked.",
        ),
        (
            measures(mean=-3.2),
            found(0.01),
            1,
            "No evidence of an edge: it tells the direction better than chance (p = 0.010 after 1 trial), but it lost "
            "3.2 bps a trade after costs.",
        ),
        (
            measures(),
            found(0.02, 0.8),
            4,
            "No evidence of an edge: p = 0.020 after 4 trials, but the deflated Sharpe ratio is 0.800; 0.95 is asked.",
        ),
        (
            measures(),
            found(pbo=0.1239),
            4,
            "Evidence of an edge: p = 0.001 after 4 trials, a deflated Sharpe ratio of 0.990, and a probability of "
            "overfitting of 0.124.",
        ),
        (
            measures(),
            found(pbo=0.61, gained=0.75),
            4,
            "Evidence of an edge: p = 0.001 after 4 trials, a deflated Sharpe ratio of 0.990, and a probability of "
            "overfitting of 0.610, where most trials gained.",
        ),
        (
            measures(),
            found(pbo=0.61, gained=0.5),
            4,
            "No evidence of an edge: p = 0.001 after 4 trials, but the probability of overfitting is 0.610; below "
            "0.5 is asked unless most trials gain.",
        ),
        (measures(), found(None), 1, "No evidence of an edge: too few bars to shuffle labels, after 1 trial."),
    ],
)
def test_the_verdict_is_one_sentence_with_its_reason(overall, of, trials, reason):
    verdict = judge(overall, of, trials=trials)
    assert verdict.reason == reason
    assert verdict.edge == reason.startswith("Evidence")


def test_an_edge_begins_where_it_is_said_to():
    assert judge(measures(trades=FEWEST_TRADES), found(SIGNIFICANT - 1e-9, DEFLATED), trials=1).edge
    assert not judge(measures(trades=FEWEST_TRADES - 1), found(SIGNIFICANT - 1e-9, DEFLATED), trials=1).edge
    assert not judge(measures(), found(SIGNIFICANT, DEFLATED), trials=1).edge
    assert not judge(measures(), found(0.01, DEFLATED - 1e-9), trials=1).edge
    assert not judge(measures(mean=0.0), found(), trials=1).edge
    assert judge(measures(), found(pbo=OVERFITTED - 1e-9), trials=2).edge
    assert not judge(measures(), found(pbo=OVERFITTED), trials=2).edge


def test_there_is_no_edge_while_prices_hide_a_larger_spread_than_is_charged():
    hidden = HiddenSpread(38.2, certain=True)
    verdict = judge(measures(), found(), trials=1, hidden=hidden, spread_bps=5)
    assert not verdict.edge
    assert verdict.reason == (
        "No evidence of an edge: p = 0.001 after 1 trial, but the prices bounce between bid and ask 38.2 bps apart "
        "(Roll's estimate), more than the 10 bps charged."
    )
    assert judge(measures(), found(), trials=1, hidden=hidden, spread_bps=20).edge
    assert judge(measures(), found(), trials=1, hidden=HiddenSpread(38.2, certain=False), spread_bps=5).edge
    # What is missing anyway is told first.
    assert "below 0.05 is asked" in judge(measures(), found(0.2), trials=1, hidden=hidden, spread_bps=5).reason


def test_what_was_found_in_synthetic_bars_says_so():
    assert judge(measures(), found(), trials=1, synthetic=True).reason.endswith(" The bars are synthetic.")


def test_of_what_was_trained_elsewhere_no_edge_is_told_however_well_it_does():
    assert judge(measures(), found(), trials=1).edge
    verdict = judge(measures(), found(), trials=1, elsewhere=True)
    assert not verdict.edge
    assert verdict.reason.startswith("No edge can be told: p ")
    assert verdict.reason.endswith("but whether it was trained on these bars only its maker knows.")
    worse = judge(measures(trades=0), found(), trials=1, elsewhere=True)
    assert worse == judge(measures(trades=0), found(), trials=1)
