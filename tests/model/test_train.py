"""Training learns from the bars given and from nothing else, and says honestly what it was worth."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime
from functools import cache
from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import RandomForestClassifier

from agent.errors import ArtifactError, ModelError
from agent.market.bars import Bars
from agent.market.synthetic import planted, random_walk
from agent.model.features import FEATURES, feature_matrix
from agent.model.labels import Barriers, triple_barrier
from agent.model.patterns import PATTERNS, pattern_masks
from agent.model.splits import purge, split
from agent.model.train import FEWEST_SAMPLES, train
from agent.model.trained import TrainedModel

SEEDS = range(3)


@cache
def replayed(strength: float, seed: int) -> tuple[TrainedModel, np.ndarray, np.ndarray]:
    """Train on 5,000 bars and return the model, with the confidence (in shares) and success of each signal on the 500 after."""
    bars = planted(5_544, seed=seed, strength=strength)
    model = train(split(bars, replay=500, horizon=12).training, seed=seed)
    said, came = model.predict_series(bars.close), triple_barrier(bars)
    signals = (said.patterns != 0) & (said.direction != 0) & (said.confidence_bps >= model.threshold_bps)
    signals[:-500] = False
    signals &= came.known
    return model, said.confidence_bps[signals] / 10_000, (said.direction == came.label)[signals]


class TestOnARandomWalk:
    @pytest.mark.parametrize("seed", SEEDS)
    def test_no_edge_is_claimed(self, seed):
        metrics = train(random_walk(2_500, seed=seed), seed=seed).manifest.metrics
        assert not metrics.edge
        if metrics.decisions > 50:
            assert abs(metrics.hit_rate - metrics.base_rate) < 0.15
        assert metrics.log_loss > metrics.log_loss_base - 0.01

    @pytest.mark.parametrize("seed", SEEDS)
    def test_nor_on_planted_patterns_that_are_followed_half_of_the_time(self, seed):
        assert not train(planted(2_500, seed=seed, strength=0.5), seed=seed).manifest.metrics.edge


class TestOnPlantedPatterns:
    @pytest.mark.parametrize("seed", SEEDS)
    def test_they_are_found_well_above_the_base_rate(self, seed):
        metrics = replayed(0.9, seed)[0].manifest.metrics
        assert metrics.edge
        assert metrics.hit_rate > metrics.base_rate + 0.15
        assert metrics.hit_rate > metrics.shuffled_rate + 0.15
        assert metrics.log_loss < metrics.log_loss_base - 0.005

    def test_signals_on_bars_never_seen_are_about_as_often_right_as_their_confidence_says(self):
        _, confidences, hits = zip(*(replayed(0.9, seed) for seed in SEEDS), strict=True)
        for confidence in confidences:
            assert 20 <= len(confidence) <= 120
        assert np.concatenate(hits).mean() > 0.65
        assert abs(np.concatenate(hits).mean() - np.concatenate(confidences).mean()) < 0.06

    def test_the_stronger_they_are_the_more_sure_the_model_is(self):
        weak, strong = (np.concatenate([replayed(s, seed)[1] for seed in SEEDS]).mean() for s in (0.6, 0.9))
        assert strong > weak + 0.1


def test_real_bars_are_learned_from_and_what_that_is_worth_is_what_it_is(real_bars):
    training = split(real_bars[-6_000:], replay=500, horizon=12).training
    metrics = train(training, seed=1).manifest.metrics
    assert metrics.samples > 2_000
    assert metrics.decisions > 50
    assert 0.2 < metrics.hit_rate < 0.7


class TestTheSameTraining:
    def test_gives_the_same_id_in_another_process_whatever_its_threads_and_hash_seed(self, planted_bars, trained):
        script = (
            "from agent.market.synthetic import planted; from agent.model.train import train;"
            "print(train(planted(2_500, seed=11), name='for tests', seed=5).id)"
        )
        environment = {**os.environ, "PYTHONHASHSEED": "77", "OMP_NUM_THREADS": "1"}
        other = subprocess.run(
            [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True
        )
        assert other.stdout.strip() == trained.id

    def test_of_a_classifier_that_draws_numbers_depends_on_the_seed_alone(self, planted_bars):
        def forest() -> RandomForestClassifier:
            return RandomForestClassifier(n_estimators=5)

        one, same, other = (train(planted_bars, factory=forest, seed=seed).manifest for seed in (1, 1, 2))
        assert one.artifact_sha256 == same.artifact_sha256
        assert one.artifact_sha256 != other.artifact_sha256

    def test_of_other_bars_or_barriers_gives_another_id(self, planted_bars, trained):
        other_barriers = train(planted_bars, barriers=Barriers(horizon=8), name="for tests", seed=5)
        other_bars = train(planted_bars[:-1], name="for tests", seed=5)
        assert len({trained.id, other_barriers.id, other_bars.id}) == 3


class TestTheManifest:
    def test_says_what_the_model_was_trained_on(self, planted_bars, trained):
        manifest = trained.manifest
        assert manifest.features == FEATURES
        assert manifest.patterns == tuple(pattern.name for pattern in PATTERNS)
        assert manifest.barriers == Barriers()
        assert manifest.synthetic
        assert manifest.source == planted_bars.source
        assert (manifest.bars, manifest.interval) == (2_500, 3_600)
        assert (manifest.first, manifest.last) == (planted_bars.first, planted_bars.last)
        assert manifest.trained_until == datetime.fromtimestamp(planted_bars.closed_at(2_499), UTC)

    def test_has_a_threshold_above_the_base_rates_that_a_fifth_of_the_bars_pass(self, trained):
        metrics = trained.manifest.metrics
        assert trained.threshold_bps > 10_000 * max(metrics.base_up, metrics.base_down)
        assert 0.1 < metrics.decisions / metrics.held_out <= 0.2

    def test_has_another_threshold_where_another_share_may_trade(self, planted_bars, trained):
        assert train(planted_bars, seed=5, trade_share=0.05).threshold_bps > trained.threshold_bps


class Watched(DummyClassifier):
    """Notes what it is given to learn from and to judge."""

    seen = SimpleNamespace(fitted=[], asked=[])

    def fit(self, X, y):
        Watched.seen.fitted.append((np.array(X), np.array(y)))
        return super().fit(X, y)

    def predict_proba(self, X):
        Watched.seen.asked.append(np.array(X))
        return super().predict_proba(X)


class TestWhatIsLearnedFrom:
    @pytest.fixture
    def seen(self, planted_bars: Bars) -> SimpleNamespace:
        Watched.seen = SimpleNamespace(fitted=[], asked=[])
        train(planted_bars, factory=Watched)
        return Watched.seen

    def test_is_every_bar_with_a_pattern_and_a_known_outcome_and_no_other(self, planted_bars, seen):
        features, labels = seen.fitted[1]
        outcomes = triple_barrier(planted_bars)
        rows = (pattern_masks(planted_bars.close) != 0) & outcomes.known
        assert (features == feature_matrix(planted_bars.close)[rows]).all()
        assert labels.tolist() == outcomes.label[rows].tolist()

    def test_is_at_first_only_what_lies_a_gap_before_what_is_measured_on(self, planted_bars, seen):
        matrix = feature_matrix(planted_bars.close)
        places = np.flatnonzero((pattern_masks(planted_bars.close) != 0) & triple_barrier(planted_bars).known)
        earlier, later = len(seen.fitted[0][0]), len(seen.asked[0])
        assert (seen.fitted[0][0] == matrix[places[:earlier]]).all()
        assert (seen.asked[0] == matrix[places[-later:]]).all()
        assert places[-later] - places[earlier - 1] > purge(Barriers().horizon)
        assert 0.2 < later / len(places) < 0.25


class Unsure(DummyClassifier):
    def predict_proba(self, X):
        return np.full((len(X), len(self.classes_)), np.nan)


class Broken(DummyClassifier):
    def fit(self, X, y):
        raise ValueError("cannot\nlearn this")


class TestIsRefused:
    def test_with_too_few_bars_and_how_many_it_takes(self):
        with pytest.raises(
            ModelError, match=r"400 bars have \d+ patterns .* Give a longer series: 200 are needed"
        ):
            train(random_walk(400, seed=1))

    def test_with_too_few_to_measure_on(self):
        bars = random_walk(700, seed=1)
        assert np.count_nonzero(pattern_masks(bars.close)) > FEWEST_SAMPLES
        with pytest.raises(ModelError, match=r"to train on some and measure on the rest"):
            train(bars, barriers=Barriers(horizon=120))

    def test_with_a_single_outcome(self):
        bars = random_walk(2_000, seed=1, volatility_bps=1)
        with pytest.raises(
            ModelError, match=r"patterns led to nothing, .* Choose barriers nearer to what the price"
        ):
            train(bars, barriers=Barriers(take_profit_bps=900, stop_loss_bps=900))

    def test_with_a_classifier_that_answers_what_is_no_probability(self, planted_bars):
        with pytest.raises(ModelError, match=r"answered nan where a probability was expected"):
            train(planted_bars, factory=Unsure)

    def test_with_a_classifier_that_cannot_learn(self, planted_bars):
        with pytest.raises(ModelError, match=r"the classifier Broken could not be trained: cannot learn this\."):
            train(planted_bars, factory=Broken)

    def test_with_a_classifier_that_cannot_be_saved(self, planted_bars):
        class Unsavable(DummyClassifier):
            def fit(self, X, y):
                self.file_ = (number for number in range(3))
                return super().fit(X, y)

        with pytest.raises(
            ArtifactError, match=r"the classifier Unsavable cannot be saved with its file_ .*generator"
        ):
            train(planted_bars, factory=Unsavable)

    @pytest.mark.parametrize("share", [0, -0.1, 1.1, float("nan")])
    def test_with_a_share_that_is_none(self, planted_bars, share):
        with pytest.raises(ModelError, match=r"cannot trade\. Give one above 0, up to 1"):
            train(planted_bars, trade_share=share)


def test_a_model_that_only_knows_the_base_rates_never_trades(planted_bars):
    model = train(planted_bars, factory=lambda: DummyClassifier(strategy="prior"))
    said = model.predict_series(planted_bars.close)
    assert not ((said.direction != 0) & (said.confidence_bps >= model.threshold_bps)).any()
    assert model.manifest.metrics.hit_rate is None


class Mistaken(DummyClassifier):
    """Fails as somebody's own model may: in the way its name says."""

    def fit(self, X, y):
        raise RuntimeError("boom")


class MistakenAnswer(DummyClassifier):
    def predict_proba(self, X):
        return {}["boom"]


@pytest.mark.parametrize(
    ("factory", "said"),
    [
        (Mistaken, rf"^the classifier Mistaken: RuntimeError in {__name__}, line \d+: boom\. Mend that module\.$"),
        (
            MistakenAnswer,
            rf"^the model MistakenAnswer: KeyError in {__name__}, line \d+: 'boom'\. Mend that module\.$",
        ),
    ],
)
def test_a_mistake_in_a_classifier_of_ones_own_is_told_with_its_line(planted_bars, factory, said):
    with pytest.raises(ModelError, match=said):
        train(planted_bars, factory=factory)


def test_whoever_counts_is_told_once_and_only_of_what_is_then_measured(planted_bars):
    seen = []
    with pytest.raises(ModelError):
        train(planted_bars[:300], before_measuring=lambda: seen.append("too few"))
    with pytest.raises(ModelError, match="boom"):
        train(planted_bars, factory=Mistaken, before_measuring=lambda: seen.append("begun"))
    assert seen == ["begun"]
