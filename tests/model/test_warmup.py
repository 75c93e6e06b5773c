"""One's own features may need many bars, or remember everything: the window they state is what each decision is made from."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.naive_bayes import GaussianNB

from agent.errors import ArtifactError, ModelError
from agent.market.synthetic import planted
from agent.model.alone import differing, told_apart
from agent.model.artifact import load, save
from agent.model.closes import WINDOW
from agent.model.conformity import check_model
from agent.model.signal import inputs_hash_of_bars
from agent.model.splits import purge, split
from agent.model.train import train
from agent.model.warmup import fault_of_window


class Own(GaussianNB):
    feature_names = ("own",)
    window = 20

    def features(self, bars):
        return self.made(pd.Series(bars.close, dtype=float)).fillna(0.0).to_numpy()[:, None]


class RollingMean(Own):
    def made(self, price):
        return price / price.rolling(20).mean() - 1


class RollingDeviation(Own):
    def made(self, price):
        return price.pct_change().rolling(19).std()


class RunningTotals(Own):
    window = 21

    def made(self, price):
        total = price.cumsum()
        return price - (total - total.shift(20)) / 20


class MeanOf200(Own):
    window = 200

    def made(self, price):
        return price / price.rolling(200).mean() - 1


class Exponential(Own):
    """Remembers everything, and says that twenty bars are enough."""

    def made(self, price):
        return price / price.ewm(span=20, adjust=False).mean() - 1


class WarmedUp(Exponential):
    window = 300


class Exact(Exponential):
    window = 60
    exact_window = True


class Convergence(Own):
    """The moving averages' convergence and divergence, as charts draw it."""

    window = 450

    def made(self, price):
        line = price.ewm(span=12, adjust=False).mean() - price.ewm(span=26, adjust=False).mean()
        return (line - line.ewm(span=9, adjust=False).mean()) / price


class HighestEver(Own):
    def made(self, price):
        return price / price.cummax()


class HighestOfTheWindow(HighestEver):
    exact_window = True


class Tomorrow(Own):
    def made(self, price):
        return price.shift(-1) / price


def failures(model: type) -> list[str]:
    return [check.detail for check in check_model(model).failed]


@pytest.mark.parametrize("model", [RollingMean, RollingDeviation, RunningTotals])
def test_sums_over_a_window_pass_though_their_last_digits_depend_on_where_a_series_begins(model):
    assert failures(model) == []


@pytest.mark.parametrize("model", [MeanOf200, WarmedUp, Convergence, Exact])
def test_windows_longer_than_those_of_patterns_pass(model):
    assert failures(model) == []


@pytest.mark.parametrize("model", [MeanOf200, Convergence])
def test_a_decision_is_made_from_the_window_alone_as_in_a_series(model, planted_bars):
    trained = train(planted_bars, factory=model)
    series = trained.predict_series(planted_bars)
    assert trained.window == model.window
    assert not series.up_bps[: model.window - 1].any()
    for bar in range(model.window - 1, len(planted_bars), 211):
        window = planted_bars[bar + 1 - model.window : bar + 1]
        one = trained.predict(window)
        assert (one.patterns, one.up_bps) == (series.patterns[bar], series.up_bps[bar])
        assert one.inputs == inputs_hash_of_bars(window)


def test_a_bar_at_the_far_end_of_the_window_is_hashed_with_the_rest(planted_bars):
    trained = train(planted_bars, factory=MeanOf200)
    window = planted_bars[:200]
    other = replace(window, open=np.concatenate([window.open[:1] - 1, window.open[1:]]))
    assert trained.predict(window).inputs != trained.predict(other).inputs
    with pytest.raises(ValueError, match="a window has 200 bars, not 32"):
        trained.predict(window[:WINDOW])


def test_what_remembers_everything_is_told_so_and_how_long_a_window_would_do(planted_bars):
    with pytest.raises(ModelError, match="it remembers more than its window") as caught:
        train(planted_bars, factory=Exponential)
    assert "future" not in str(caught.value)
    enough = int(re.search(r"State window = (\d+):", str(caught.value))[1])
    assert 180 < enough < 300

    class Longer(Exponential):
        window = enough

    assert train(planted_bars, factory=Longer).window == enough


def test_what_never_forgets_is_offered_a_window_of_its_own(planted_bars):
    with pytest.raises(ModelError, match=r"it remembers everything.*set exact_window = True"):
        train(planted_bars, factory=HighestEver)

    assert train(planted_bars[:1_500], factory=HighestOfTheWindow).reading.exact


def test_what_reads_later_bars_is_told_as_that_and_not_as_memory(planted_bars):
    with pytest.raises(ModelError, match="it knows the future") as caught:
        train(planted_bars, factory=Tomorrow)
    assert "remembers" not in str(caught.value)


def test_an_exact_window_makes_each_row_of_the_bars_before_it_alone(planted_bars):
    trained = train(planted_bars, factory=Exact)
    whole, later = trained.reading.matrix(planted_bars), trained.reading.matrix(planted_bars[1_000:])
    assert whole[1_059:].tolist() == later[59:].tolist()
    assert np.isnan(whole[:59]).all()
    assert fault_of_window(trained.reading, planted_bars, whole) is None


def test_an_exact_window_is_yes_or_no(planted_bars):
    class Perhaps(Exact):
        exact_window = 3

    with pytest.raises(ModelError, match=r"have the exact_window 3\. Set exact_window = True, or leave it out"):
        train(planted_bars, factory=Perhaps)


def test_the_manifest_holds_the_window_and_code_with_another_is_refused(planted_bars, tmp_path, monkeypatch):
    trained = train(planted_bars, factory=MeanOf200)
    assert trained.manifest.as_json()["window"] == 200
    path = save(trained, tmp_path / "long.psm")
    trusted = [f"{MeanOf200.__module__}.MeanOf200"]
    assert load(path, trusted=trusted).window == 200
    monkeypatch.setattr(MeanOf200, "window", 210)
    with pytest.raises(ArtifactError, match="was trained on windows of 200 bars, and its code now reads 210"):
        load(path, trusted=trusted)


def test_a_manifest_of_the_usual_window_says_nothing_of_it(trained):
    assert trained.manifest.window == WINDOW
    assert "window" not in trained.manifest.as_json()


def test_what_is_replayed_is_kept_a_whole_window_away_from_what_was_learned():
    parts = split(planted(2_000, seed=1), replay=300, horizon=12, window=200)
    assert len(parts.gap) == purge(12, 200) == 212
    assert purge(12, 5) == purge(12) == 12 + WINDOW


def test_numbers_that_differ_are_shown_in_as_many_digits_as_it_takes():
    assert told_apart(1.2345678901230, 1.2345678901240) == ("1.234567890123", "1.234567890124")
    assert told_apart(1.5, 2.5) == ("1.5", "2.5")
    assert len(set(told_apart(0.1 + 0.2, 0.3))) == 2


def test_one_tolerance_goes_by_the_size_of_a_column():
    size = np.array([1e9, 1e-3])
    known = np.array([[1e9, 0.0]])
    assert not differing(known + np.array([0.5, 5e-13]), known, size).any()
    assert differing(known + np.array([5.0, 0.0]), known, size).tolist() == [[True, False]]
    assert differing(known + np.array([0.0, 5e-12]), known, size).tolist() == [[False, True]]
    nan = np.array([[np.nan, np.inf]])
    assert not differing(nan, nan, size).any()
    assert differing(known, nan, size).all()
