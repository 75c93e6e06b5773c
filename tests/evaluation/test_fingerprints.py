"""A series is known again by what its prices did, however they are written; and no other series is taken for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from agent.evaluation.fingerprints import Fingerprint, Moves, alike, fingerprint_of, pieces_of
from agent.market.bars import Bars
from agent.market.read import load
from agent.market.synthetic import planted, random_walk

PRICES = ("open", "high", "low", "close")
REAL = Path(__file__).parents[3] / "shared" / "data"


def prices(bars: Bars, change: Callable[[np.ndarray], np.ndarray]) -> Bars:
    return replace(bars, **{name: np.maximum(1, change(getattr(bars, name))) for name in PRICES})


def chosen(bars: Bars, kept: np.ndarray) -> Bars:
    return replace(bars, **{name: getattr(bars, name)[kept] for name in ("time", *PRICES, "volume")})


def longer(bars: Bars, times: int) -> Bars:
    """Return bars of a longer interval, whole ones that begin where its multiples do."""
    interval = bars.interval * times
    number = bars.time // interval
    starts = np.flatnonzero(np.diff(number, prepend=-1))
    ends = np.append(starts[1:], len(bars)) - 1
    return Bars(
        time=number[starts] * interval,
        open=bars.open[starts],
        high=np.maximum.reduceat(bars.high, starts),
        low=np.minimum.reduceat(bars.low, starts),
        close=bars.close[ends],
        volume=np.add.reduceat(bars.volume, starts),
        interval=interval,
    )


def without_one_in(bars: Bars, n: int, *, seed: int = 0) -> Bars:
    return chosen(bars, np.random.default_rng(seed).random(len(bars)) >= 1 / n)


CHANGES: dict[str, Callable[[Bars], Bars]] = {
    "rounded to whole units": lambda bars: prices(bars, lambda each: np.rint(each / 1e8).astype(np.int64) * 10**8),
    "of four digits": lambda bars: prices(bars, lambda each: each // 10**8 * 10**8),
    "ten times as high": lambda bars: prices(bars, lambda each: each * 10),
    "in another currency": lambda bars: prices(bars, lambda each: each * 137 // 149),
    "upside down, as an inverse quote": lambda bars: prices(bars, lambda each: 9 * 10**18 // each),
    "adjusted for a split": lambda bars: prices(
        bars, lambda each: np.where(np.arange(len(each)) < len(each) // 2, each // 4, each)
    ),
    "with one bar in forty missing": lambda bars: without_one_in(bars, 40),
    "with one bar in ten missing": lambda bars: without_one_in(bars, 10),
    "of four hours": lambda bars: longer(bars, 4),
    "of days": lambda bars: longer(bars, 24),
    "of three hours": lambda bars: longer(bars, 3),
    "an hour later": lambda bars: replace(bars, time=bars.time + 3_600),
    "seven hours and some minutes earlier": lambda bars: replace(bars, time=bars.time - 26_000),
    "fifty-two weeks later": lambda bars: replace(bars, time=bars.time + 52 * 604_800),
    "in local time with a summer time": lambda bars: replace(
        bars, time=bars.time + np.where(np.arange(len(bars)) > len(bars) * 0.7, 3_600, 0)
    ),
    "cut, shifted and rounded": lambda bars: prices(
        replace(bars[500:], time=bars.time[500:] + 5_400), lambda each: each // 10**8 * 10**8
    ),
    "with a little noise": lambda bars: prices(
        bars, lambda each: each + (each * np.random.default_rng(1).normal(0, 3e-4, len(each))).astype(np.int64)
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_the_same_prices_are_known_again(change):
    bars = planted(3_000, seed=3)
    one, other = fingerprint_of(bars), fingerprint_of(CHANGES[change](bars))
    assert alike(one, other)
    assert alike(other, one)
    # And none of this makes another series of it.
    assert not alike(other, fingerprint_of(planted(3_000, seed=4)))


def test_different_walks_at_the_same_times_are_not_the_same():
    prints = [fingerprint_of(random_walk(600 + 200 * seed, seed=seed)) for seed in range(24)]
    assert not [(a, b) for a, b in combinations(range(24), 2) if alike(prints[a], prints[b])]


def test_two_markets_that_only_rise_are_not_the_same():
    rising = [
        prices(random_walk(2_000, seed=seed), lambda each: each + np.arange(len(each)) * 10**10) for seed in (1, 2)
    ]
    assert np.mean(np.diff(rising[0].close) > 0) > 0.95
    assert not alike(*map(fingerprint_of, rising))
    straight = [prices(walk, lambda each: (1 + np.arange(len(each))) * 10**8) for walk in rising]
    assert not alike(fingerprint_of(straight[0]), fingerprint_of(rising[1]))


def test_markets_that_move_together_are_not_the_same():
    rng = np.random.default_rng(0)
    common = rng.normal(size=5_000)
    made = []
    for _ in range(2):
        steps = 0.93 * common + np.sqrt(1 - 0.93**2) * rng.normal(size=5_000)
        walk = random_walk(5_000, seed=1)
        made.append(
            prices(walk, lambda each, steps=steps: (2e11 * np.exp(np.cumsum(steps) * 0.006)).astype(np.int64))
        )
    assert not alike(*map(fingerprint_of, made))


@pytest.mark.skipif(
    not REAL.is_dir(), reason="the real price files (../shared/data beside the project) are not here"
)
def test_real_markets_are_told_apart_and_one_market_at_two_exchanges_is_one():
    ether, elsewhere, bitcoin = (
        fingerprint_of(load(REAL / name).bars)
        for name in ("eth_usd_1h_kraken.csv", "eth_usd_1h_coinbase.csv", "btc_usdt_1h_binance.csv")
    )
    both = [
        fingerprint_of(load(REAL / "btc_eth_usdt_5m_wide.csv", market=market).bars)
        for market in ("BTC/USDT", "ETH/USDT")
    ]
    assert not alike(ether, bitcoin)
    assert not alike(bitcoin, elsewhere)
    assert not alike(*both)
    assert alike(ether, elsewhere)


def test_moves_come_back_from_the_log_as_they_were():
    for seed, n in enumerate((101, 102, 103, 104)):
        [moves, *_] = fingerprint_of(random_walk(n, seed=seed)).moves.values()
        back = Moves.from_json(moves.as_json())
        assert (back.step, back.first) == (moves.step, moves.first)
        assert back.signs.tolist() == moves.signs.tolist()


def test_what_is_too_short_is_known_by_its_digits_alone():
    short = random_walk(90, seed=1)
    assert fingerprint_of(short).moves == {}
    assert alike(fingerprint_of(short), fingerprint_of(short))
    assert not alike(fingerprint_of(short), Fingerprint(("x",), {}))


def test_a_series_is_known_again_when_it_is_cut_or_grows():
    whole = random_walk(3_000, seed=1)
    pieces = pieces_of(whole)
    assert set(pieces_of(whole[:2_000])) < set(pieces)
    assert set(pieces_of(whole[700:])) < set(pieces)
    assert not set(pieces_of(random_walk(3_000, seed=2))) & set(pieces)
    assert pieces_of(whole[:100])


def test_it_is_known_again_with_fewer_digits():
    whole = random_walk(1_000, seed=1)
    columns = {name: getattr(whole, name) // 10**6 * 10**6 for name in ("open", "high", "low", "close")}
    rounded = replace(whole, **columns)
    fewer = replace(whole, decimals=2, **{name: prices // 10**6 for name, prices in columns.items()})
    assert pieces_of(rounded) == pieces_of(fewer) != pieces_of(whole)
