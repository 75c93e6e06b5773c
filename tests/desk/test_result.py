"""The result: what came of it, beside what needs no model; and no edge is claimed that luck explains."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.chain.values import BPS, PRICE_SCALE, Barrier, Fill, Levels, Side
from agent.desk.decision import Decision
from agent.desk.loop import Terms
from agent.desk.quotes import quote_close, quote_open
from agent.desk.result import DRAWS, FEWEST_SIGNALS, Result, result_of
from agent.desk.session import Run, run_replay
from agent.desk.trades import OpenTrade, SettledTrade
from agent.market.bars import Bars
from agent.market.spread import HiddenSpread
from agent.market.synthetic import planted, random_walk
from agent.model import labels
from agent.model.labels import Barriers, triple_barrier
from agent.model.splits import split
from agent.model.train import train
from agent.settings import Settings

UNIT = 10**8
FACTOR = 10**16
SIZE = 1_000 * 10**6
BARRIERS = Barriers()
TERMS = Terms(size=SIZE, spread_bps=BARRIERS.spread_bps, validity=3_600)

Trades = list[SettledTrade]
Settles = Callable[..., Trades]


@pytest.fixture(scope="session")
def settles(mandate_on_paper: Callable[..., Any]) -> Settles:
    """Makes the trades of signals at given bars, as the contract would settle them."""

    def settled(bars: Bars, signals: Sequence[tuple[int, Side]], *, owners: int = 1) -> Trades:
        outcomes = triple_barrier(bars, BARRIERS)
        made = []
        for place, side in signals:
            exits = outcomes.long if side is Side.LONG else outcomes.short
            if exits.barrier[place] == labels.Barrier.UNKNOWN:
                continue
            price, left = int(bars.open[place + 1]) * FACTOR, int(exits.price[place]) * FACTOR
            for owner in range(owners):
                mandate = mandate_on_paper(side, salt=owner)
                fill = quote_open(mandate, "0x" + "f" * 40, size=SIZE, price=price, spread_bps=TERMS.spread_bps)
                back = quote_close(mandate, fill.filler, taken=fill.taken, price=left, spread_bps=TERMS.spread_bps)
                opening = OpenTrade(
                    fill,
                    Decision(bars.closed_at(place), side, None, None),
                    bars.closed_at(place),
                    price,
                    "0x",
                    Levels(0, 0, 0),
                )
                barrier = Barrier(int(exits.barrier[place]))
                ended = int(bars.time[exits.index[place]])
                made.append(SettledTrade(opening, back.taken, ended, left, barrier, "0x"))
        return made

    return settled


def judged(trades: Trades, bars: Bars, *, owners: int = 1, seed: int = 0) -> Result:
    return result_of(
        trades, bars, start=0, stop=len(bars), barriers=BARRIERS, terms=TERMS, owners=owners, seed=seed
    )


def steady(n: int, bps: int) -> Bars:
    """Bars that move by the same share each, without wicks and without gaps."""
    opens = np.rint(2_000 * UNIT * (1 + bps / BPS) ** np.arange(n)).astype(np.int64)
    closes = np.append(opens[1:], opens[-1])
    high, low = np.maximum(opens, closes), np.minimum(opens, closes)
    time = 1_704_067_200 + 3_600 * np.arange(n)
    return Bars(time, opens, high, low, closes, np.zeros(n), interval=3_600, synthetic=True)


def among(barriers: Barriers, trades: Trades, bars: Bars, others: Any) -> Result:
    """The result of trades some of which are of other models, whose barriers are named."""
    return result_of(
        trades, bars, start=0, stop=len(bars), barriers=barriers, terms=TERMS, owners=1, seed=0, others=others
    )


# ---- the sums


def test_the_result_is_the_sum_of_what_owners_gained_and_lost(settles: Settles) -> None:
    bars = random_walk(300, seed=1)
    trades = settles(bars, [(place, Side(place % 2)) for place in range(10, 250, 20)])
    assert judged(trades, bars).quote == sum(trade.profit_in_quote for trade in trades) != 0


def test_a_loss_is_shown_as_a_loss(settles: Settles) -> None:
    bars = steady(60, 40)
    result = judged(settles(bars, [(5, Side.SHORT), (20, Side.SHORT)]), bars)
    # Two stops of 1 %, and the spread at both ends of each.
    assert -2 * SIZE * 120 // BPS < result.quote < -2 * SIZE * 100 // BPS
    assert not result.edge
    assert result.verdict.startswith("No evidence of an edge")


def test_trading_nothing_comes_to_nothing(settles: Settles) -> None:
    bars = random_walk(50, seed=1)
    result = judged([], bars)
    assert (result.quote, result.random_entry, result.p_value, result.signals) == (0, None, None, 0)
    assert result.verdict == "No evidence of an edge: no trade was settled."


def test_buying_and_holding_pays_the_spread_twice() -> None:
    bars = steady(60, 0)
    paid = judged([], bars).buy_and_hold
    assert paid == SIZE * (BPS - 5) // (BPS + 5) - SIZE < 0


@given(st.integers(-50, 50), st.integers(1, 3), st.integers(2, 60))
def test_buying_and_holding_is_from_the_first_open_to_the_last_close_once_for_each_owner(
    bps: int, owners: int, n: int
) -> None:
    bars = steady(n, bps)
    exact = owners * SIZE * (bars.close[-1] / bars.open[0] * (BPS - 5) / (BPS + 5) - 1)
    assert judged([], bars, owners=owners).buy_and_hold == pytest.approx(exact, abs=owners + 1)


def test_only_what_was_replayed_is_bought_and_held() -> None:
    bars = steady(60, 40)
    part = result_of([], bars, start=20, stop=30, barriers=BARRIERS, terms=TERMS, owners=1, seed=0)
    assert part == judged([], bars[20:30])


def test_no_bars_replayed_are_no_result() -> None:
    bars = steady(10, 40)
    result = result_of([], bars, start=10, stop=10, barriers=BARRIERS, terms=TERMS, owners=1, seed=0)
    assert (result.quote, result.buy_and_hold, result.random_entry) == (0, 0, None)


# ---- against random entries


def test_random_entries_are_the_same_for_the_same_seed(settles: Settles) -> None:
    bars = random_walk(300, seed=1)
    trades = settles(bars, [(place, Side.LONG) for place in range(10, 250, 20)])
    assert judged(trades, bars, seed=5) == judged(trades, bars, seed=5)


def test_the_mean_of_random_entries_is_that_of_all_entries_of_the_same_sides(settles: Settles) -> None:
    bars = random_walk(400, seed=2)
    outcomes = triple_barrier(bars, BARRIERS)
    trades = settles(bars, [(20, Side.LONG), (40, Side.LONG), (60, Side.SHORT)])
    expected = (2 * np.nanmean(outcomes.long.result_bps) + np.nanmean(outcomes.short.result_bps)) * SIZE / BPS
    error = 3 * SIZE * 110 / BPS / DRAWS**0.5
    assert judged(trades, bars).random_entry == pytest.approx(expected, abs=3 * error)


def test_a_p_value_is_the_share_of_draws_that_did_as_well_counting_the_real_one_in(settles: Settles) -> None:
    bars = random_walk(400, seed=3)
    outcomes = triple_barrier(bars, BARRIERS)
    [place] = [int(np.nanargmax(outcomes.long.result_bps))]
    best = float(np.nanmax(outcomes.long.result_bps))
    share = np.mean(outcomes.long.result_bps[~np.isnan(outcomes.long.result_bps)] > best - 0.5)
    p_value = judged(settles(bars, [(place, Side.LONG)]), bars).p_value
    assert p_value is not None
    assert p_value == pytest.approx(share, abs=5 * (share * (1 - share) / DRAWS) ** 0.5 + 1 / DRAWS)
    assert round(p_value * (DRAWS + 1)) == pytest.approx(p_value * (DRAWS + 1))


def test_a_p_value_is_never_zero(settles: Settles) -> None:
    bars = planted(1_500, seed=4, strength=1.0)
    outcomes = triple_barrier(bars, BARRIERS)
    winners = [(int(place), Side.LONG) for place in np.flatnonzero(outcomes.long.barrier == 1)[::15]]
    result = judged(settles(bars, winners), bars)
    assert len(winners) >= 30
    assert result.p_value == 1 / (1 + DRAWS)


@pytest.mark.parametrize("side", Side)
def test_where_every_entry_comes_to_the_same_none_is_better_than_another(settles: Settles, side: Side) -> None:
    """In a market that only rises, or only falls, timing is worth nothing; and rounding is not timing."""
    bars = steady(300, 40 if side is Side.LONG else -40)
    trades = settles(bars, [(place, side) for place in range(5, 280, 9)])
    result = judged(trades, bars)
    assert all(trade.barrier is Barrier.TAKE_PROFIT for trade in trades)
    assert (result.quote > 0, result.p_value, result.edge) == (True, 1.0, False)


def test_several_owners_on_one_signal_are_no_more_evidence(settles: Settles) -> None:
    bars = random_walk(600, seed=5)
    outcomes = triple_barrier(bars, BARRIERS)
    places = [(int(place), Side.LONG) for place in np.flatnonzero(outcomes.long.barrier == 1)[:180:20]]
    one, three = (judged(settles(bars, places, owners=n), bars) for n in (1, 3))
    assert len(places) == FEWEST_SIGNALS - 1
    assert (three.signals, three.p_value) == (one.signals, one.p_value)
    assert three.quote == 3 * one.quote
    assert three.p_value is not None
    assert three.p_value < 0.01
    assert not three.edge
    assert "too few signals to tell" in three.verdict


def test_trades_that_settled_on_bars_too_few_to_draw_from_are_no_evidence(settles: Settles) -> None:
    bars = steady(60, 40)
    trades = settles(bars, [(5, Side.LONG)])
    result = result_of(trades, bars, start=5, stop=6, barriers=BARRIERS, terms=TERMS, owners=1, seed=0)
    assert (result.signals, result.p_value, result.edge) == (1, None, False)
    assert result.verdict == "No evidence of an edge: too few bars to draw random entries from."


# ---- the verdict

LUCKY = Result(quote=10**6, buy_and_hold=0, random_entry=0, p_value=0.0005, signals=30)


@pytest.mark.parametrize(
    ("result", "edge", "said"),
    [
        (
            LUCKY,
            True,
            "Better than random entries on this data: p < 0.001 after 1 trial against random entries, 30 signals.",
        ),
        (replace(LUCKY, p_value=0.009), True, "p = 0.009"),
        (replace(LUCKY, p_value=0.01), False, "No evidence of an edge: p = 0.010"),
        (
            replace(LUCKY, p_value=0.014),
            False,
            "p = 0.014 after 1 trial against random entries, 30 signals; below 0.01 is asked.",
        ),
        (replace(LUCKY, p_value=0.002, trials=4), True, "p = 0.008 after 4 trials"),
        (replace(LUCKY, p_value=0.002, trials=6), False, "p = 0.012 after 6 trials"),
        (replace(LUCKY, hidden=HiddenSpread(30.0, True), spread_bps=15), True, "Better than random entries"),
        (replace(LUCKY, hidden=HiddenSpread(30.0, False), spread_bps=5), True, "Better than random entries"),
        (replace(LUCKY, hidden=HiddenSpread(30.0, True), spread_bps=5), False, "more than the 10 bps charged."),
        (replace(LUCKY, signals=FEWEST_SIGNALS - 1), False, "too few signals to tell"),
        (replace(LUCKY, signals=FEWEST_SIGNALS), True, "Better than random entries"),
        (replace(LUCKY, quote=0), False, "No evidence of an edge"),
        (replace(LUCKY, quote=-1), False, "it lost less than random entries would have, but it lost"),
    ],
)
def test_an_edge_is_claimed_of_many_signals_that_gained_and_were_unlikely_to(
    result: Result, edge: bool, said: str
) -> None:
    assert result.edge is edge
    assert said in result.verdict


# ---- all of it


def test_on_random_walks_an_edge_is_claimed_as_rarely_as_the_significance_asked_for(settles: Settles) -> None:
    """A model without skill trades on 40 walks, each time as often as in a long replay: at 1 %, one claim is bad luck."""
    claimed = 0
    for seed in range(40):
        bars = random_walk(400, seed=seed)
        rng = np.random.default_rng(seed)
        signals = [(place, Side(int(rng.integers(2)))) for place in range(5, 380, 8)]
        claimed += judged(settles(bars, signals), bars).edge
    assert claimed <= 1


def test_an_edge_can_be_claimed_on_what_is_followed_as_planted(settles: Settles) -> None:
    """Not everything is called luck: whoever knows the planted patterns is told so."""
    for seed in range(5):
        bars = planted(1_200, seed=seed, strength=0.95)
        moved = np.diff(bars.close) / bars.close[:-1]
        far = np.flatnonzero(np.abs(moved) > 0.008) + 1
        signals = [(int(place), Side.LONG if moved[place - 1] > 0 else Side.SHORT) for place in far]
        result = judged(settles(bars, signals), bars)
        assert result.edge, (seed, result)


@pytest.mark.parametrize("seed", [11, 25])
def test_a_whole_run_on_a_random_walk_claims_no_edge(settings: Settings, seed: int) -> None:
    bars = random_walk(1_300, seed=seed)
    model = train(split(bars, replay=24, horizon=12).training, seed=seed)
    report = run_replay(Run(bars=bars, start=len(bars) - 24, model=model, settings=settings))
    assert report.settled
    assert report.books.balanced
    assert not report.result.edge
    assert report.verdict.startswith("No evidence of an edge")
    assert report.verdict.endswith("The bars are synthetic.")


def test_the_profit_of_a_short_is_worth_what_it_is_at_its_close(settles: Settles) -> None:
    bars = steady(60, -40)
    [trade] = settles(bars, [(5, Side.SHORT)])
    assert trade.profit > 0
    assert trade.profit_in_quote == trade.profit * trade.price // PRICE_SCALE


@given(st.integers(-(10**24), 10**24), st.integers(10**20, 10**32))
def test_a_shorts_result_in_quote_is_rounded_down(mandate_on_paper: Any, gained: int, price: int) -> None:
    given_ = 10**25
    fill = Fill(mandate_on_paper(Side.SHORT), "0x" + "f" * 40, given_, 1)
    opening = OpenTrade(fill, Decision(0, Side.SHORT, None, None), 0, price, "0x", Levels(0, 0, 0))
    trade = SettledTrade(opening, given_ + gained, 0, price, Barrier.HORIZON, "0x")
    assert trade.profit_in_quote * PRICE_SCALE <= trade.profit * price < (trade.profit_in_quote + 1) * PRICE_SCALE


# ---- several models


def test_random_entries_end_at_the_barriers_of_the_model_whose_trades_they_stand_beside(settles: Settles) -> None:
    bars = random_walk(300, seed=4)
    trades = settles(bars, [(place, Side.LONG) for place in range(10, 200, 20)])
    near = Barriers(take_profit_bps=30, stop_loss_bps=30, horizon=4)
    model = trades[0].opening.fill.mandate.model
    assert among(BARRIERS, trades, bars, {model: near}) == among(near, trades, bars, {})
    assert among(BARRIERS, trades, bars, {}).random_entry != among(near, trades, bars, {}).random_entry


def test_two_models_on_one_bar_are_more_evidence_only_where_their_trades_end_elsewhere(settles: Settles) -> None:
    bars = random_walk(300, seed=4)
    [one] = settles(bars, [(20, Side.LONG)])
    fill = one.opening.fill
    mandate = replace(fill.mandate, model=b"\x22" * 32)
    other = replace(one, opening=replace(one.opening, fill=replace(fill, mandate=mandate)))
    near = Barriers(take_profit_bps=30, stop_loss_bps=30, horizon=4)
    assert among(BARRIERS, [one, other], bars, {}).signals == 1
    assert among(BARRIERS, [one, other], bars, {mandate.model: near}).signals == 2


def test_random_entries_are_of_the_same_worth_as_the_trades_they_stand_beside(settles: Settles) -> None:
    """A mandate may not allow the desk's size: what is traded then weighs as much as it was."""
    bars = random_walk(300, seed=4)
    trades = settles(bars, [(place, side) for place in range(10, 200, 20) for side in Side])

    def twice(trade: SettledTrade) -> SettledTrade:
        fill = trade.opening.fill
        larger = replace(fill, given=2 * fill.given, taken=2 * fill.taken)
        return replace(trade, opening=replace(trade.opening, fill=larger), returned=2 * trade.returned)

    single, double = (
        among(BARRIERS, trades, bars, {}),
        among(BARRIERS, [twice(trade) for trade in trades], bars, {}),
    )
    assert single.random_entry is not None
    assert double.random_entry == pytest.approx(2 * single.random_entry, abs=2)
    assert double.quote == pytest.approx(2 * single.quote, abs=2 * len(trades))
    assert double.p_value == pytest.approx(single.p_value)
