"""Labels tell how a trade would have ended, by the rules the contract closes trades by."""

from __future__ import annotations

import re
from fractions import Fraction
from math import ceil, floor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.errors import ModelError
from agent.market.bars import Bars
from agent.model.labels import (
    DRIFT_BPS,
    Barrier,
    Barriers,
    Exits,
    least_barrier_bps,
    most_slippage_bps,
    triple_barrier,
)

PLAIN = Barriers(take_profit_bps=100, stop_loss_bps=100, horizon=3, spread_bps=0)
FLAT = (1_000, 1_000, 1_000, 1_000)


def outcome_of_a_trade(bars: Bars, at: int, barriers: Barriers, direction: int) -> tuple[int, int, int]:
    """Walk one trade bar by bar in exact fractions: the plain reading of the rules. (barrier, index, price)"""
    if at + 1 >= len(bars):
        return (0, -1, 0)
    part = Fraction(1, 10_000)
    against = ceil if direction > 0 else floor
    entry = against(int(bars.open[at + 1]) * (1 + direction * barriers.spread_bps * part))
    profit = entry * (1 + direction * barriers.take_profit_bps * part)
    loss = entry * (1 - direction * barriers.stop_loss_bps * part)
    # The price of a barrier is the nearest whole one that has reached it.
    profit = ceil(profit) if direction > 0 else floor(profit)
    loss = floor(loss) if direction > 0 else ceil(loss)

    def at_profit(price: int) -> bool:
        return price >= profit if direction > 0 else price <= profit

    def at_loss(price: int) -> bool:
        return price <= loss if direction > 0 else price >= loss

    ends = int(bars.time[at + 1]) + barriers.horizon * bars.interval
    for j in range(at + 1, len(bars)):
        bar = bars.bar(j)
        if at_loss(bar.open):
            return (Barrier.STOP_LOSS, j, bar.open)
        if at_profit(bar.open):
            return (Barrier.TAKE_PROFIT, j, bar.open)
        if bar.time >= ends:
            return (Barrier.HORIZON, j, bar.open)
        if at_loss(bar.low if direction > 0 else bar.high):
            return (Barrier.STOP_LOSS, j, loss)
        if at_profit(bar.high if direction > 0 else bar.low):
            return (Barrier.TAKE_PROFIT, j, profit)
    return (0, -1, 0)


def as_tuples(exits: Exits) -> list[tuple[int, int, int]]:
    return list(zip(exits.barrier.tolist(), exits.index.tolist(), exits.price.tolist(), strict=True))


@st.composite
def series(draw: st.DrawFn) -> Bars:
    """Lively bars around a base price, some of them missing."""
    n = draw(st.integers(1, 30))
    base = draw(st.sampled_from([20, 1_000, 10**6, 2 * 10**11]))
    prices = st.integers(base - base // 25, base + base // 25)
    rows = []
    for _ in range(n):
        corners = sorted(draw(st.lists(prices, min_size=4, max_size=4)))
        inner = draw(st.permutations(corners[1:3]))
        rows.append((inner[0], corners[3], corners[0], inner[1]))
    steps = draw(st.lists(st.sampled_from([1, 1, 1, 2, 5]), min_size=n, max_size=n))
    opens, highs, lows, closes = (np.array(column, dtype=np.int64) for column in zip(*rows, strict=True))
    return Bars(
        time=60 * np.cumsum(np.array(steps, dtype=np.int64)),
        open=opens,
        high=highs,
        low=lows,
        close=closes,
        volume=np.ones(n),
        interval=60,
    )


@st.composite
def barriers(draw: st.DrawFn) -> Barriers:
    spread = draw(st.integers(0, 30))
    least = least_barrier_bps(spread + DRIFT_BPS)
    return Barriers(
        take_profit_bps=draw(st.integers(least, 400)),
        stop_loss_bps=draw(st.integers(least, 400)),
        horizon=draw(st.integers(1, 8)),
        spread_bps=spread,
    )


@given(series(), barriers())
def test_every_trade_ends_as_a_walk_from_bar_to_bar_says(bars, barriers):
    outcomes = triple_barrier(bars, barriers)
    for exits, direction in ((outcomes.long, 1), (outcomes.short, -1)):
        expected = [outcome_of_a_trade(bars, at, barriers, direction) for at in range(len(bars))]
        assert as_tuples(exits) == expected


@given(series(), barriers())
def test_the_label_is_the_side_that_took_its_profit_first(bars, barriers):
    outcomes = triple_barrier(bars, barriers)
    for at in range(len(bars)):
        long, short = (outcome_of_a_trade(bars, at, barriers, direction) for direction in (1, -1))
        assert outcomes.known[at] == (0 not in (long[0], short[0]))
        took = {side: exits[1] for side, exits in ((1, long), (-1, short)) if exits[0] == Barrier.TAKE_PROFIT}
        first = [side for side, index in took.items() if index == min(took.values())]
        expected = first[0] if outcomes.known[at] and len(first) == 1 else 0
        assert outcomes.label[at] == expected


@given(series(), barriers())
def test_the_result_is_what_is_left_after_the_spread_at_both_ends(bars, barriers):
    outcomes = triple_barrier(bars, barriers)
    for exits, direction in ((outcomes.long, 1), (outcomes.short, -1)):
        for at, (barrier, _, price) in enumerate(as_tuples(exits)):
            if barrier == Barrier.UNKNOWN:
                assert np.isnan(exits.result_bps[at])
                continue
            against = (ceil, floor) if direction > 0 else (floor, ceil)
            spread = Fraction(barriers.spread_bps, 10_000)
            entry = against[0](int(bars.open[at + 1]) * (1 + direction * spread))
            left = against[1](price * (1 - direction * spread))
            assert exits.result_bps[at] == pytest.approx(
                float(direction * (left - entry) * 10_000 / Fraction(entry))
            )


@given(series(), barriers(), st.integers(1, 30))
def test_nothing_before_the_entry_decides_how_a_trade_ends(bars, barriers, cut):
    cut = min(cut, len(bars))
    whole, rest = triple_barrier(bars, barriers), triple_barrier(bars[cut - 1 :], barriers)
    assert whole.label[cut - 1 :].tolist() == rest.label.tolist()
    assert whole.known[cut - 1 :].tolist() == rest.known.tolist()


class TestALongTrade:
    def exits(self, bars_of, *rows, barriers=PLAIN):
        return as_tuples(triple_barrier(bars_of([FLAT, *rows]), barriers).long)[0]

    def test_takes_its_profit_at_the_barriers_own_price_inside_a_bar(self, bars_of):
        assert self.exits(bars_of, (1_000, 1_020, 995, 1_000)) == (Barrier.TAKE_PROFIT, 1, 1_010)

    def test_is_stopped_before_it_takes_its_profit_where_a_bar_reaches_both(self, bars_of):
        assert self.exits(bars_of, (1_000, 1_020, 985, 1_000)) == (Barrier.STOP_LOSS, 1, 990)

    def test_is_stopped_at_the_open_that_leaps_over_the_barrier(self, bars_of):
        assert self.exits(bars_of, FLAT, (950, 960, 940, 950)) == (Barrier.STOP_LOSS, 2, 950)

    def test_takes_its_profit_at_the_open_that_leaps_over_the_barrier(self, bars_of):
        assert self.exits(bars_of, FLAT, (1_050, 1_060, 900, 950)) == (Barrier.TAKE_PROFIT, 2, 1_050)

    def test_ends_at_the_open_after_its_horizon(self, bars_of):
        rows = [FLAT, FLAT, FLAT, (1_005, 1_100, 900, 1_000)]
        assert self.exits(bars_of, *rows) == (Barrier.HORIZON, 4, 1_005)

    def test_is_reported_as_stopped_where_that_open_is_at_the_stop_too(self, bars_of):
        rows = [FLAT, FLAT, FLAT, (990, 1_100, 900, 1_000)]
        assert self.exits(bars_of, *rows) == (Barrier.STOP_LOSS, 4, 990)

    def test_has_no_known_end_where_the_data_ends_first(self, bars_of):
        assert self.exits(bars_of, FLAT, FLAT, FLAT) == (Barrier.UNKNOWN, -1, 0)

    def test_pays_the_spread_as_it_enters(self, bars_of):
        wide = Barriers(take_profit_bps=100, stop_loss_bps=100, horizon=3, spread_bps=50)
        # Entered at 1,005, so the profit is at 1,015.05: 1,016 is the first whole price there.
        assert self.exits(bars_of, (1_000, 1_015, 1_000, 1_000), (1_000, 1_016, 1_000, 1_000), barriers=wide) == (
            Barrier.TAKE_PROFIT,
            2,
            1_016,
        )


def test_the_horizon_is_a_time_so_a_missing_bar_does_not_lengthen_it(bars_of):
    bars = bars_of([FLAT] * 8)
    gapped = Bars(
        time=np.array([0, 3_600, 7_200, 18_000, 21_600, 25_200, 28_800, 32_400]),
        open=bars.open,
        high=bars.high,
        low=bars.low,
        close=bars.close,
        volume=bars.volume,
        interval=3_600,
    )
    # Entered at 3,600 for three hours: the first bar from 14,400 on is the one at 18,000.
    assert triple_barrier(gapped, PLAIN).long.index[0] == 3
    assert triple_barrier(bars, PLAIN).long.index[0] == 4


def test_a_bar_that_gives_both_sides_their_profit_is_no_direction(bars_of):
    far_stops = Barriers(take_profit_bps=100, stop_loss_bps=900, horizon=3, spread_bps=0)
    outcomes = triple_barrier(bars_of([FLAT, (1_000, 1_020, 980, 1_000)]), far_stops)
    assert outcomes.long.barrier[0] == outcomes.short.barrier[0] == Barrier.TAKE_PROFIT
    assert outcomes.known[0]
    assert outcomes.label[0] == 0


@pytest.mark.parametrize("n", [1, 2])
def test_too_few_bars_have_no_known_outcome(bars_of, n):
    outcomes = triple_barrier(bars_of([FLAT] * n))
    assert not outcomes.known.any()
    assert outcomes.label.tolist() == [0] * n


def test_prices_at_the_edge_of_64_bits_do_not_overflow(bars_of):
    price = 2**60
    bars = bars_of([(price, price, price, price), (price, price + price // 50, price, price)])
    exits = triple_barrier(bars, Barriers(spread_bps=93))
    assert as_tuples(exits.long)[0] == outcome_of_a_trade(bars, 0, Barriers(spread_bps=93), 1)
    assert as_tuples(exits.short)[0] == outcome_of_a_trade(bars, 0, Barriers(spread_bps=93), -1)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"take_profit_bps": 0}, "take_profit_bps is 0. Give a whole number from 1 to 9999"),
        ({"stop_loss_bps": 10_000}, "stop_loss_bps is 10000. Give a whole number from 1 to 9999"),
        ({"horizon": 0}, "horizon is 0. Give a whole number from 1"),
        ({"horizon": 1.5}, "horizon is 1.5. Give a whole number"),
        ({"spread_bps": 4_995}, "spread_bps is 4995. Give a whole number from 0 to 4994"),
        ({"spread_bps": -1}, "spread_bps is -1. Give a whole number from 0 to 4994"),
    ],
)
def test_barriers_that_cannot_be_meant_are_refused(wrong, said):
    with pytest.raises(ModelError, match=said):
        Barriers(**wrong)


# ---- room between the barriers and what a fill may cost

CRITERIA = Path(__file__).parents[2] / "contracts" / "libraries" / "Criteria.sol"
DISTANCES = st.integers(1, 9_999)


def sound(slippage: int, *distances: int) -> bool:
    """Whether the contract lodges a mandate of such slippage and barriers, by the words of its interface."""
    return all((10_000 - slippage) * (10_000 + distance) >= 100_010_000 for distance in distances)


def test_the_contract_asks_for_what_is_asked_for_here():
    [least] = re.findall(r"SOUND = ([\d_]+);", CRITERIA.read_text(encoding="utf-8"))
    assert int(least) == 100_010_000


@given(DISTANCES, DISTANCES)
def test_the_most_slippage_is_sound_and_a_basis_point_more_is_not(profit, stop):
    most = most_slippage_bps(profit, stop)
    assert 0 <= most < min(profit, stop)
    assert sound(most, profit, stop)
    assert not sound(most + 1, profit, stop)


@given(st.integers(0, 9_998))
def test_the_nearest_barrier_is_sound_and_a_basis_point_nearer_is_not(slippage):
    least = least_barrier_bps(slippage)
    assert sound(slippage, least)
    assert not sound(slippage, least - 1)


@given(DISTANCES, DISTANCES, st.integers(0, 4_994))
def test_barriers_are_refused_exactly_where_spread_and_drift_would_reach_one_of_them(profit, stop, spread):
    values = {"take_profit_bps": profit, "stop_loss_bps": stop, "spread_bps": spread}
    if sound(spread + DRIFT_BPS, profit, stop):
        assert Barriers(**values).most_slippage_bps >= spread + DRIFT_BPS
        return
    with pytest.raises(ModelError, match="leave no room for") as caught:
        Barriers(**values)
    numbers = [int(number) for number in re.findall(r"\d+", caught.value.cure)]
    nearer = min(max(profit, numbers[0]), 9_999), min(max(stop, numbers[0]), 9_999)
    assert Barriers(**values | {"take_profit_bps": nearer[0], "stop_loss_bps": nearer[1]})
    for narrower in numbers[1:]:
        assert Barriers(**values | {"spread_bps": narrower})


def test_what_leaves_no_room_says_what_would():
    with pytest.raises(ModelError) as caught:
        Barriers(take_profit_bps=100, stop_loss_bps=50, spread_bps=46)
    assert str(caught.value) == (
        "a take-profit of 100 bps and a stop-loss of 50 bps leave no room for a spread of 46 bps and a drift of 5 bps. "
        "Give a take-profit and a stop-loss of at least 53 bps, or a spread of at most 43 bps."
    )
    with pytest.raises(ModelError, match=r"at least 7 bps\.$"):
        Barriers(take_profit_bps=5, stop_loss_bps=5, spread_bps=0)
