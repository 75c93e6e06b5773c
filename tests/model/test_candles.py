"""Candlesticks and volume from TA-Lib: the same read from one window as from a whole series, and the model that reads them."""

from __future__ import annotations

import sys
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.tree import DecisionTreeClassifier

from agent.errors import ModelError
from agent.market.bars import Bars
from agent.market.synthetic import planted, random_walk
from agent.model import candles as module
from agent.model.artifact import load, save
from agent.model.candles import CANDLE_FEATURES, CANDLESTICKS, VOLUMES, CandleClassifier, candle_matrix
from agent.model.closes import LIMIT, WINDOW
from agent.model.conformity import check_model
from agent.model.estimators import resolve
from agent.model.features import FEATURES, feature_matrix
from agent.model.train import train

talib = pytest.importorskip("talib", reason="the extra 'ta' is not installed")

FIRST_VOLUME = CANDLE_FEATURES.index(VOLUMES[0])


@pytest.fixture(scope="module")
def bars() -> Bars:
    return planted(1_500, seed=21)


@pytest.fixture(scope="module")
def model(bars):
    return train(bars, factory=resolve("candles"), name="candles")


def test_every_candlestick_of_talib_is_read_and_no_other():
    assert [f"CDL{name}" for name in CANDLESTICKS] == talib.get_function_groups()["Pattern Recognition"]


def test_the_features_of_closes_come_first_and_are_what_they_always_are(bars):
    assert CANDLE_FEATURES[: len(FEATURES)] == FEATURES
    assert (candle_matrix(bars)[:, : len(FEATURES)] == feature_matrix(bars.close)).all()


def test_a_candlestick_is_what_talib_finds(bars):
    prices = [price.astype(np.float64) for price in (bars.open, bars.high, bars.low, bars.close)]
    made = candle_matrix(bars)
    for name in ("ENGULFING", "DOJI", "HAMMER", "HARAMI"):
        column = CANDLE_FEATURES.index(f"candle_{name.lower()}")
        assert made[WINDOW - 1 :, column].tolist() == getattr(talib, f"CDL{name}")(*prices)[WINDOW - 1 :].tolist()
        assert made[:, column].any()


def test_the_volumes_are_what_their_names_say(bars):
    relative, flow, chaikin, balance = candle_matrix(bars)[:, FIRST_VOLUME:].T / 1e6
    at, volume = 700, bars.volume
    assert relative[at] == pytest.approx(volume[at] / volume[at - 20 : at].mean(), rel=1e-4)
    typical = (bars.high + bars.low + bars.close)[at - 14 : at + 1] / 3
    moved = np.sign(np.diff(typical)) * typical[1:] * volume[at - 13 : at + 1]
    assert flow[at] == pytest.approx(moved[moved > 0].sum() / np.abs(moved).sum(), rel=1e-4)
    last = slice(at - 19, at + 1)
    place = (2 * bars.close[last] - bars.high[last] - bars.low[last]) / (bars.high[last] - bars.low[last])
    assert chaikin[at] == pytest.approx((place * volume[last]).sum() / volume[last].sum(), abs=1e-4)
    signs = np.sign(np.diff(bars.close[at - 31 : at + 1]))
    traded = volume[at - 31 : at + 1]
    assert balance[at] == pytest.approx((signs * traded[1:]).sum() / traded.sum(), abs=1e-4)


@given(
    seed=st.integers(0, 2**32 - 1),
    start=st.integers(0, 100),
    scale=st.sampled_from([1, 10**3, 10**6]),
    quiet=st.sampled_from([0.0, 0.5, 1.0]),
)
@settings(max_examples=25, deadline=None)
def test_read_from_its_window_a_bar_is_what_it_is_in_any_series(seed, start, scale, quiet):
    rng = np.random.default_rng(seed)
    walk = random_walk(160, seed=seed)
    # Prices of few digits are often equal, and volumes often none: the cases on which a comparison tips.
    prices = {
        name: np.maximum(getattr(walk, name) // (10**6 * scale), 1) for name in ("open", "high", "low", "close")
    }
    volume = np.where(rng.random(160) < quiet, 0.0, rng.lognormal(3, 2, 160))
    bars = replace(walk, **prices, volume=volume)
    whole, later = candle_matrix(bars), candle_matrix(bars[start:])
    assert (whole[start + WINDOW - 1 :] == later[WINDOW - 1 :]).all()
    for bar in rng.integers(WINDOW - 1, 160, 3).tolist():
        alone = candle_matrix(bars[bar - WINDOW + 1 : bar + 1])
        assert (alone[-1] == whole[bar]).all()
        assert not alone[:-1].any()
    assert np.abs(whole).max() <= LIMIT


def test_a_series_shorter_than_a_window_has_nothing_but_zeros(bars):
    assert candle_matrix(bars[: WINDOW - 1]).shape == (WINDOW - 1, len(CANDLE_FEATURES))
    assert not candle_matrix(bars[: WINDOW - 1]).any()


def test_where_nothing_was_traded_the_volumes_are_zero_and_the_rest_is_not(bars):
    made = candle_matrix(replace(bars, volume=np.zeros(len(bars))))
    assert not made[:, FIRST_VOLUME:].any()
    assert made[:, :FIRST_VOLUME].any()


def test_prices_that_talib_cannot_compute_with_exactly_are_refused(bars):
    huge = {name: getattr(bars, name) * 2**12 for name in ("open", "high", "low", "close")}
    with pytest.raises(ModelError, match=r"beyond the 281474976710656 up to which TA-Lib computes exactly\. Give"):
        candle_matrix(replace(bars, **huge))


def test_the_model_reads_whole_bars_and_its_manifest_says_which_features(model):
    assert model.reads_bars
    assert model.manifest.features == CANDLE_FEATURES
    assert model.manifest.classifier == "agent.model.candles.CandleClassifier"


def test_the_model_is_loaded_without_any_trust(model, bars, tmp_path):
    again = load(save(model, tmp_path / "candles.psm"))
    assert again.id == model.id
    assert again.predict_series(bars).up_bps.tolist() == model.predict_series(bars).up_bps.tolist()


def test_a_model_of_these_features_passes_every_check_there_is(bars):
    small = CandleClassifier(DecisionTreeClassifier(max_depth=3, random_state=0), gap=44)
    result = check_model(train(bars, factory=lambda: small), bars=planted(300, seed=22))
    assert [check.detail for check in result.failed] == []
    assert len(result.checks) == 16


def test_another_volume_is_another_answer_somewhere(model, bars):
    busier = replace(bars, volume=bars.volume * np.linspace(1, 50, len(bars)))
    one, other = model.predict_series(bars), model.predict_series(busier)
    assert one.patterns.tolist() == other.patterns.tolist()
    assert one.up_bps.tolist() != other.up_bps.tolist()
    window = slice(200, 200 + WINDOW)
    assert model.predict(bars[window]).inputs != model.predict(busier[window]).inputs


class TestWithoutTalib:
    @pytest.fixture(autouse=True)
    def gone(self, monkeypatch):
        monkeypatch.setitem(sys.modules, "talib", None)
        module._talib.cache_clear()
        yield
        module._talib.cache_clear()

    def test_the_model_cannot_be_made_and_says_what_to_install(self):
        with pytest.raises(ModelError, match=r"TA-Lib, which is not installed\. Run: pip install '\S+\[ta\]'"):
            resolve("candles")()

    def test_a_saved_one_cannot_be_loaded_and_says_the_same(self, model, tmp_path):
        path = save(model, tmp_path / "candles")
        with pytest.raises(ModelError, match=r"Run: pip install '\S+\[ta\]'"):
            load(path)
