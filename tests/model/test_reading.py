"""A model may bring its own features: it is then told whole bars, of its window and no others, and is saved with what it reads."""

from __future__ import annotations

import hashlib
import struct
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from agent.errors import ArtifactError, ModelError
from agent.model.artifact import load, save
from agent.model.closes import WINDOW
from agent.model.conformity import check_model
from agent.model.estimators import resolve
from agent.model.features import FEATURES, fingerprint
from agent.model.reading import reading_of
from agent.model.signal import inputs_hash, inputs_hash_of_bars
from agent.model.train import train

MODULE = '''
import numpy as np
from sklearn.naive_bayes import GaussianNB


class Spans(GaussianNB):
    """Reads how wide the last bars were, and how much was traded."""

    feature_names = ("span", "volume")
    window = 4

    def features(self, bars):
        span = (bars.high - bars.low) * 10_000 // bars.close
        return np.column_stack([span, np.convolve(np.log1p(bars.volume), np.ones(4) / 4)[: len(bars)]])


class Longer(Spans):
    """Needs more bars than it says."""

    def features(self, bars):
        mean = np.array([bars.close[max(0, place - 15) : place + 1].mean() for place in range(len(bars))])
        return np.column_stack([bars.close / mean, bars.high / bars.low])


class Examined(GaussianNB):
    """Does not say how many bars it needs."""

    feature_names = ("move",)

    def features(self, bars):
        return ((bars.close - bars.open) / bars.open)[:, None]


class Shapeless(Spans):
    def features(self, bars):
        return (bars.high - bars.low).astype(float)


class Unknown(Spans):
    def features(self, bars):
        return np.column_stack([bars.high / bars.low, np.where(np.arange(len(bars)) == 100, np.nan, 1.0)])


class Broken(Spans):
    def features(self, bars):
        return bars.nothing_of_the_kind


class Endless(Spans):
    window = 5_001


class Tomorrow(Spans):
    def features(self, bars):
        return np.column_stack([np.roll(bars.close, -1) / bars.close, bars.volume])


class Ends(Spans):
    def features(self, bars):
        raise SystemExit(3)


class Windowless(Spans):
    window = None
'''


@pytest.fixture(scope="module")
def spans(tmp_path_factory) -> Path:
    """A module of one's own with models that bring their features."""
    folder = tmp_path_factory.mktemp("own")
    (folder / "own_spans.py").write_text(MODULE)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "path", [*sys.path, str(folder)])
        patch.setattr(sys, "dont_write_bytecode", True)
        yield folder
    sys.modules.pop("own_spans", None)


@pytest.fixture(scope="module")
def model(spans, planted_bars):
    return train(planted_bars, factory=resolve("own_spans:Spans"), name="spans")


def test_the_manifest_names_what_it_reads_and_commits_to_what_that_computes(model):
    assert model.manifest.features == ("span", "volume")
    assert model.manifest.fingerprint == model.reading.fingerprint() != fingerprint()
    assert model.reads_bars


def test_a_model_that_brings_nothing_reads_the_features_of_this_project(trained):
    reading = reading_of(trained.estimator)
    assert (reading.names, reading.own) == (FEATURES, False)
    assert reading.fingerprint() == fingerprint() == trained.manifest.fingerprint
    assert not trained.reads_bars


def test_it_decides_on_one_window_as_in_the_whole_series(model, planted_bars):
    series = model.predict_series(planted_bars)
    for bar in range(WINDOW - 1, len(planted_bars), 211):
        one = model.predict(planted_bars[bar - WINDOW + 1 : bar + 1])
        assert (one.patterns, one.down_bps, one.flat_bps, one.up_bps) == (
            series.patterns[bar],
            series.down_bps[bar],
            series.flat_bps[bar],
            series.up_bps[bar],
        )


def test_a_series_shorter_than_a_window_is_said_nothing_of(model, planted_bars):
    said = model.predict_series(planted_bars[: WINDOW - 1])
    assert len(said.up_bps) == WINDOW - 1
    assert not said.up_bps.any()
    assert not said.patterns.any()


def test_the_same_closes_in_other_bars_are_other_inputs(model, planted_bars):
    window = planted_bars[100 : 100 + WINDOW]
    wider = replace(window, high=window.high * 2)
    assert model.predict(window).inputs != model.predict(wider).inputs
    assert model.predict(window).patterns == model.predict(wider).patterns


def test_a_model_that_reads_closes_takes_bars_too_and_says_the_same(trained, planted_bars):
    window = planted_bars[100 : 100 + WINDOW]
    assert trained.predict(window) == trained.predict(window.close)
    assert trained.predict(window).inputs == inputs_hash(window.close.tolist())
    one, other = trained.predict_series(planted_bars), trained.predict_series(planted_bars.close)
    assert one.up_bps.tolist() == other.up_bps.tolist()


def test_the_hash_of_its_inputs_is_that_of_every_number_of_every_bar(bars_of):
    bars = bars_of([(10, 12, 9, 11), (11, 13, 10, 12)])
    data = b"".join(
        b"".join(value.to_bytes(32, "big") for value in row) + struct.pack(">d", 1.0)
        for row in ((0, 10, 12, 9, 11), (3_600, 11, 13, 10, 12))
    )
    assert inputs_hash_of_bars(bars) == hashlib.sha256(data).digest()


def test_given_closes_alone_it_refuses(model, planted_bars):
    for ask in (model.predict, model.predict_series):
        with pytest.raises(ModelError, match=r"reads whole bars, and was given closes\. Give it the bars"):
            ask(planted_bars.close[:WINDOW])
    with pytest.raises(ValueError, match="a window has 32 bars, not 31"):
        model.predict(planted_bars[: WINDOW - 1])


def test_it_is_saved_with_what_it_reads_and_loaded_where_that_is_the_same(model, tmp_path, planted_bars):
    trusted = ["own_spans.Spans"]
    again = load(save(model, tmp_path / "spans.psm"), trusted=trusted)
    assert again.id == model.id
    assert again.predict_series(planted_bars).up_bps.tolist() == model.predict_series(planted_bars).up_bps.tolist()


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("feature_names", ("width", "volume"), r"trained on other features: it has also span; it lacks width"),
        ("feature_names", ("volume", "span"), r"the same ones in another order"),
        (
            "features",
            lambda self, bars: np.ones((len(bars), 2)),
            r"of the same names that computed something else",
        ),
        ("window", None, r"brings its own features, and has no window"),
    ],
)
def test_where_it_reads_something_else_by_now_it_is_refused(model, tmp_path, monkeypatch, name, value, said):
    path = save(model, tmp_path / "spans")
    monkeypatch.setattr(sys.modules["own_spans"].Spans, name, value)
    with pytest.raises(ArtifactError, match=said):
        load(path, trusted=["own_spans.Spans"])


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Shapeless", r"the features of 2500 bars have the shape \(2500,\), and 2 names"),
        ("Unknown", r"the feature 'volume' is not finite at bar 100 of 2500\. Make it finite wherever 32 bars"),
        ("Broken", r"the features of 2500 bars cannot be had: .*nothing_of_the_kind"),
        ("Endless", r"the features of Endless need 5001 bars\. State a whole number from 1 to 5,000"),
        (
            "Windowless",
            r"Windowless brings its own features, and has no window\. Give it feature_names, and as window",
        ),
        (
            "Tomorrow",
            r"the feature 'span' of bar \d+ is .* when that bar has just closed, and .* it knows the future",
        ),
        ("Ends", r"the features of \d+ bars ended the process in own_spans, line \d+: SystemExit 3"),
    ],
)
def test_features_that_cannot_be_read_so_are_refused_in_training(spans, planted_bars, name, said):
    with pytest.raises(ModelError, match=said):
        train(planted_bars, factory=resolve(f"own_spans:{name}"))


def test_the_checks_pass_it_with_its_manifest(spans):
    result = check_model("own_spans:Spans")
    assert [check.detail for check in result.failed] == []
    assert "its manifest" in " ".join(check.name for check in result.checks)


def test_the_checks_find_out_that_it_reads_more_bars_than_it_says(spans):
    result = check_model("own_spans:Longer")
    assert [check.name for check in result.failed] == ["Its features match its manifest."]
    detail = result.failed[0].detail
    assert "the feature 'span' of bar " in detail
    assert "read from the 4 bars up to it" in detail
    assert "it remembers more than its window" in detail


def test_one_without_a_window_is_examined_and_no_more(spans, planted_bars):
    assert check_model("own_spans:Examined").passed
    with pytest.raises(ModelError, match="has no window"):
        train(planted_bars, factory=resolve("own_spans:Examined"))
