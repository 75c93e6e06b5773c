"""Barriers that do not fit the bars are told, with those that would; and nothing that comes later has a say in them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from agent.market.bars import Bars
from agent.market.read import load
from agent.market.synthetic import START, planted, random_walk
from agent.model.fitting import MOST_FLAT, MOST_SPANNING, fit_of, fitted, options_of
from agent.model.labels import DEFAULT_BARRIERS, DRIFT_BPS, Barriers

REAL = Path(__file__).parents[3] / "shared" / "data"


def walk(volatility_bps: float, *, n: int = 1_500, seed: int = 0) -> Bars:
    """Return a walk of twelve ticks a bar, as lively as asked for."""
    steps = np.random.default_rng(seed).normal(0, volatility_bps / 1e4 / np.sqrt(12), n * 12)
    prices = np.rint(2e11 * np.exp(np.cumsum(steps))).astype(np.int64).reshape(n, 12)
    opens = np.concatenate([prices[:1, 0], prices[:-1, -1]])
    return Bars(
        time=START + 3_600 * np.arange(n, dtype=np.int64),
        open=opens,
        high=np.maximum(opens, prices.max(axis=1)),
        low=np.minimum(opens, prices.min(axis=1)),
        close=prices[:, -1].copy(),
        volume=np.ones(n),
        interval=3_600,
    )


@pytest.mark.parametrize("bars", [random_walk(1_500, seed=1), planted(1_500, seed=1), walk(60)])
def test_the_usual_barriers_fit_hours_of_a_lively_market(bars):
    fit = fit_of(bars, DEFAULT_BARRIERS)
    assert fit.fits
    assert fit.told == ""
    assert fitted(bars, DEFAULT_BARRIERS) is DEFAULT_BARRIERS


def test_barriers_too_near_for_days_are_told_with_those_that_would_fit():
    days = walk(450)
    fit = fit_of(days, DEFAULT_BARRIERS)
    assert fit.spanning > 0.3
    assert fit.better is not None
    assert fit.better.take_profit_bps > 500
    assert fit.told == (
        f"These barriers do not fit these bars ({fit.spanning:.1%} of the bars span both barriers): "
        f"{options_of(fit.better)} would."
    )


def test_barriers_too_far_for_a_quiet_market_are_told_with_those_that_would_fit():
    fit = fit_of(walk(5), DEFAULT_BARRIERS)
    assert fit.flat > 0.99
    assert fit.better is not None
    assert fit.better.take_profit_bps < 50
    assert "reach neither barrier first" in fit.told


@pytest.mark.parametrize("volatility", [2, 5, 15, 150, 450, 1_000])
@pytest.mark.parametrize("spread", [0, 5, 20])
def test_what_is_proposed_fits_and_leaves_room_for_the_spread(volatility, spread):
    asked = Barriers(spread_bps=spread)
    fit = fit_of(walk(volatility), asked)
    if fit.better is not None:
        again = fit_of(walk(volatility), fit.better)
        assert again.fits
        assert again.spanning <= MOST_SPANNING
        assert again.flat <= MOST_FLAT
        assert fit.better.spread_bps == spread
        assert fit.better.most_slippage_bps >= spread + DRIFT_BPS
    else:
        assert fit.fits or volatility <= 5


def test_nothing_that_comes_later_has_a_say():
    known = walk(450)
    later = walk(5, seed=1)
    lively = np.concatenate([known.close, later.close])
    whole = replace(
        known,
        time=START + 3_600 * np.arange(len(lively), dtype=np.int64),
        **{
            name: np.concatenate([getattr(known, name), getattr(later, name)])
            for name in ("open", "high", "low", "close")
        },
        volume=np.ones(len(lively)),
    )
    assert fit_of(whole[: len(known)], DEFAULT_BARRIERS) == fit_of(known, DEFAULT_BARRIERS)
    assert fit_of(whole, DEFAULT_BARRIERS) != fit_of(known, DEFAULT_BARRIERS)


def test_of_a_price_that_stands_still_nothing_is_proposed():
    still = replace(walk(60), **dict.fromkeys(("open", "high", "low", "close"), np.full(1_500, 10**9)))
    fit = fit_of(still, DEFAULT_BARRIERS)
    assert (fit.flat, fit.better) == (1.0, None)
    assert fit.told.endswith("reach neither barrier first).")


def test_of_few_bars_nothing_is_said():
    assert fit_of(walk(450, n=80), DEFAULT_BARRIERS).told == ""


@pytest.mark.skipif(
    not REAL.is_dir(), reason="the real price files (../shared/data beside the project) are not here"
)
def test_quiet_quarters_of_an_hour_of_a_currency_get_barriers_of_their_own():
    fit = fit_of(load(REAL / "eur_usd_15m_mt5.csv").bars, DEFAULT_BARRIERS)
    assert fit.flat > 0.99
    assert fit.better is not None
