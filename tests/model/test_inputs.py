"""A model may read a higher interval of its market, or another market, as far as those have closed, and no further."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.naive_bayes import GaussianNB

from agent.errors import ModelError
from agent.market.synthetic import planted, random_walk
from agent.model.conformity import check_model
from agent.model.inputs import Input, beside, resampled, with_inputs
from agent.model.train import train

HOUR, DAY = 3_600, 86_400
SERIES = planted(2_500, seed=11)
BITCOIN = random_walk(2_500, seed=3)
BOTH = with_inputs(SERIES, {"btc": BITCOIN})


class Daily(GaussianNB):
    """Where the price stands beside the mean of the last five days that have closed."""

    feature_names = ("above",)
    window = 6 * 24 + 24
    inputs = {"daily": Input(interval=DAY)}  # noqa: RUF012

    def features(self, bars, daily):
        mean = pd.Series(daily.bars.close, dtype=float).rolling(5).mean()
        return (bars.close / daily.at(mean) - 1)[:, None]


class TodaysClose(Daily):
    """Reads the close of a day that goes on, off the bars themselves."""

    def features(self, bars, daily):
        close = pd.Series(bars.close).groupby(bars.time // DAY).transform("last")
        return np.column_stack([bars.close / close])


class Beside(GaussianNB):
    """How the other market has moved, beside this one."""

    feature_names = ("ahead",)
    window = 40
    inputs = {"btc": Input(market="BTC/USD")}  # noqa: RUF012

    def features(self, bars, btc):
        moved = pd.Series(btc.bars.close, dtype=float).pct_change(8).to_numpy()
        return btc.at(moved)[:, None]


class NextOfTheOther(Beside):
    def features(self, bars, btc):
        return btc.at(np.roll(btc.bars.close, -1) / btc.bars.close)[:, None]


def test_a_longer_bar_is_made_of_its_bars_and_known_when_the_last_of_them_has_closed():
    bars = SERIES[5:77]  # from five o'clock of the first day to four o'clock of the fourth
    daily = resampled(bars, DAY)
    assert daily.time.tolist() == [SERIES.time[24], SERIES.time[48]]
    day = SERIES[24:48]
    first = [int(column[0]) for column in (daily.open, daily.high, daily.low, daily.close)]
    assert first == [day.open[0], day.high.max(), day.low.min(), day.close[-1]]
    assert daily.volume[0] == pytest.approx(day.volume.sum())
    last = beside(bars, "daily", Input(interval=DAY)).last
    assert last.tolist() == [-1] * 42 + [0] * 24 + [1] * 6


def test_what_no_input_bar_has_closed_for_is_not_known():
    bars = SERIES[:48]
    known = beside(bars, "daily", Input(interval=DAY))
    assert np.isnan(known.at(known.bars.close)[:23]).all()
    assert (known.at(known.bars.close)[23:47] == known.bars.close[0]).all()


def test_a_slice_holds_of_another_market_what_begins_and_closes_within_it():
    part = BOTH[100:150]
    ((name, other),) = part.beside
    assert (name, other.time.tolist()) == ("btc", part.time.tolist())
    quarter = with_inputs(SERIES[:10], {"btc": random_walk(100, seed=1, interval=900)})[2:4]
    assert quarter.beside[0][1].time.tolist() == [quarter.time[0] + 900 * place for place in range(8)]
    assert BOTH.sha256 != SERIES.sha256 == replace(BOTH, beside=()).sha256


@pytest.mark.parametrize(("model", "bars"), [(Daily, SERIES), (Beside, BOTH)])
def test_models_with_inputs_pass_the_checks(model, bars):
    assert [check.detail for check in check_model(model, bars=bars).failed] == []


@pytest.mark.parametrize(("model", "bars"), [(TodaysClose, SERIES), (NextOfTheOther, BOTH)])
def test_an_input_that_is_read_before_it_has_closed_is_found(model, bars):
    failed = {check.name: check.detail for check in check_model(model, bars=bars).failed}
    assert any("knows the future" in detail for detail in failed.values())
    with pytest.raises(ModelError, match="knows the future"):
        train(bars, factory=model)


def test_a_signals_inputs_are_those_of_the_other_market_too():
    trained = train(BOTH, factory=Beside)
    window = BOTH[200:240]
    other = window.beside[0][1]
    wider = replace(window, beside=(("btc", replace(other, high=other.high + 1)),))
    more = replace(window, beside=(*window.beside, ("eth", other)))
    assert trained.predict(window).inputs != trained.predict(wider).inputs
    assert trained.predict(window).inputs == trained.predict(more).inputs


def test_what_is_not_given_is_asked_for_by_name():
    with pytest.raises(ModelError, match=r"reads 'btc', bars of BTC/USD, and was given none.*--input btc=FILE"):
        train(SERIES, factory=Beside)
    with pytest.raises(ModelError, match=r"cannot be made of bars of 86400 s\. Ask for a multiple"):
        train(planted(2_500, seed=1, interval=DAY), factory=Daily)


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (lambda: Input(), "an input is an interval or a market"),
        (lambda: Input(interval=HOUR, market="BTC/USD"), "an input is an interval or a market"),
        (lambda: Input(interval=5 * DAY), "Give seconds that divide a week"),
        (lambda: with_inputs(SERIES, {"btc": random_walk(50, seed=1, start=0)}), "has no bar between"),
    ],
)
def test_inputs_that_are_none_are_refused(made, said):
    with pytest.raises(ModelError, match=said):
        made()


def test_inputs_are_declared_by_name():
    class Listed(Daily):
        inputs = [Input(interval=DAY)]  # noqa: RUF012

    with pytest.raises(ModelError, match="Declare them by name"):
        train(SERIES, factory=Listed)
