"""A trained model says of a series what it says of each bar alone."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.ensemble import RandomForestClassifier

from agent.errors import ModelError
from agent.market.synthetic import random_walk
from agent.model.closes import WINDOW, windows
from agent.model.features import FEATURES
from agent.model.patterns import mask_of_window
from agent.model.train import train
from agent.model.trained import TrainedModel, probabilities_bps


class Says(ClassifierMixin, BaseEstimator):
    """Answers a given function of the rows."""

    def __init__(self, answer, classes=(-1, 0, 1)):
        self.answer = answer
        self.classes_ = np.array(classes)

    def predict_proba(self, X):
        return np.asarray(self.answer(X))


ROWS = np.zeros((3, len(FEATURES)), dtype=np.int32)


def said_of_each(model: TrainedModel, closes: np.ndarray) -> list[tuple[int, int, int, int]]:
    alone = [model.predict(window) for window in windows(closes)]
    return [(one.patterns, one.down_bps, one.flat_bps, one.up_bps) for one in alone]


def said_of_all(model: TrainedModel, closes: np.ndarray) -> list[tuple[int, int, int, int]]:
    said = model.predict_series(closes)
    columns = (said.patterns, said.down_bps, said.flat_bps, said.up_bps)
    return list(zip(*(column[WINDOW - 1 :].tolist() for column in columns), strict=True))


@pytest.mark.parametrize("seed", range(3))
def test_a_series_is_judged_exactly_as_one_bar_at_a_time(trained, seed):
    closes = random_walk(600, seed=seed).close
    assert said_of_all(trained, closes) == said_of_each(trained, closes)


def test_so_it_is_by_a_forest_whose_every_answer_is_a_whole_share(planted_bars):
    model = train(planted_bars, factory=lambda: RandomForestClassifier(n_estimators=10, max_depth=3))
    closes = random_walk(100, seed=1).close
    assert said_of_all(model, closes) == said_of_each(model, closes)


def test_a_batch_that_differs_in_the_last_bits_is_asked_again_one_bar_at_a_time():
    edge = 0.2999 + 1e-10 - 1e-10  # just where rounding down decides

    def answer(rows):
        nudge = 0 if len(rows) == 1 else 2e-12
        return [[edge - 1e-10 + nudge, 0.1, 0.6001 + 1e-10 - nudge]] * len(rows)

    alone = probabilities_bps(Says(answer), ROWS[:1])
    assert probabilities_bps(Says(answer), ROWS).tolist() == alone.tolist() * 3


MANY = np.arange(200 * len(FEATURES), dtype=np.int32).reshape(200, -1)


def smoothed(rows):
    shares = rows[:, :1] / MANY.max()
    return np.hstack([shares, 1 - shares, 0 * shares]).cumsum(axis=0) / np.arange(1, len(rows) + 1)[:, np.newaxis]


def only_together(rows):
    if len(rows) == 1:
        raise ValueError("too few")
    return [[0.2, 0.3, 0.5]] * len(rows)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (
            smoothed,
            r"differently alone than in a batch, at \d+ of 60 bars, so it may read the future\. See patternsettle",
        ),
        (
            lambda rows: [[1 / (1 + len(rows)), 0, 0]] * len(rows),
            "differently alone than in a batch, at 60 of 60 bars",
        ),
        (only_together, "answers many bars, but not one alone, as it is asked when it trades: .*: too few"),
    ],
)
def test_a_batch_that_is_answered_otherwise_than_its_rows_is_refused(answer, said):
    with pytest.raises(ModelError, match=said):
        probabilities_bps(Says(answer), MANY)


def test_a_batch_may_differ_as_far_as_sums_in_another_order_do():
    nudged = Says(lambda rows: [[0.25 + 1e-10 * (len(rows) > 1), 0.25, 0.5]] * len(rows))
    assert probabilities_bps(nudged, MANY).tolist() == [[2_500, 2_500, 5_000]] * 200


def test_what_was_read_of_a_row_must_be_what_is_known_without_those_after_it():
    first = Says(lambda rows: np.hstack([rows[:, :1] / MANY.max(), 0 * rows[:, :2]]))
    assert len(probabilities_bps(first, MANY, known=MANY.__getitem__)) == 200
    with pytest.raises(ModelError, match="differently alone than in a batch"):
        probabilities_bps(first, np.roll(MANY, -1, axis=0), known=MANY.__getitem__)


def test_a_forest_on_several_threads_is_not_suspected():
    forest = RandomForestClassifier(n_estimators=3, n_jobs=2, random_state=0).fit(MANY, np.arange(200) % 3 - 1)
    assert len(probabilities_bps(forest, MANY[:10])) == 10


@given(st.integers(0, 10_000), st.integers(0, 10_000))
def test_a_share_that_is_a_whole_number_of_basis_points_is_that_number(down, up):
    shares = [down / 10_000, 0.0, up / 10_000]
    assert probabilities_bps(Says(lambda rows: [shares]), ROWS[:1]).tolist() == [[down, 0, up]]


def test_the_three_shares_never_come_to_more_than_the_whole(trained, planted_bars):
    said = trained.predict_series(planted_bars.close)
    total = said.down_bps + said.flat_bps + said.up_bps
    assert total[WINDOW - 1 :].min() >= 10_000 - 2
    assert total.max() <= 10_000


def test_an_outcome_the_classifier_never_saw_has_no_probability():
    estimator = Says(lambda rows: [[0.25, 0.75]] * len(rows), classes=(-1, 1))
    assert probabilities_bps(estimator, ROWS).tolist() == [[2_500, 0, 7_500]] * 3


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ([[np.nan, 0.5, 0.5]] * 3, "answered nan"),
        ([[1.2, 0.0, 0.0]] * 3, "answered 1.2"),
        ([[-0.1, 0.6, 0.5]] * 3, "answered -0.1"),
        ([["a", "b", "c"]] * 3, "answered a where a probability was expected"),
        ([[{}, 0.5, 0.5]] * 3, "answered {} where"),
        ([[1j, 0.5, 0.5]] * 3, "answered 1j"),
        ([[0.5, 0.5]] * 3, r"shape \(3, 2\) for 3 bars and 3 outcomes"),
    ],
)
def test_what_is_no_probability_is_refused(answer, said):
    with pytest.raises(ModelError, match=said):
        probabilities_bps(Says(lambda rows: answer), ROWS)


def test_a_prediction_names_its_patterns_and_commits_to_its_closes(trained, planted_bars):
    window = planted_bars.close[100 : 100 + WINDOW]
    prediction = trained.predict(window)
    assert prediction.patterns == mask_of_window(window)
    packed = b"".join(int(close).to_bytes(32, "big") for close in window)
    assert prediction.inputs == hashlib.sha256(packed).digest()
    assert trained.predict(window.tolist()) == prediction


def test_bars_without_a_full_window_have_no_pattern_and_no_probability(trained, planted_bars):
    said = trained.predict_series(planted_bars.close[:50])
    for column in (said.patterns, said.down_bps, said.flat_bps, said.up_bps, said.direction):
        assert len(column) == 50
        assert not column[: WINDOW - 1].any()
    assert trained.predict_series(planted_bars.close[:10]).up_bps.tolist() == [0] * 10


@pytest.mark.parametrize("length", [0, WINDOW - 1, WINDOW + 1])
def test_a_window_of_another_length_is_refused(trained, planted_bars, length):
    assert trained.window == WINDOW
    with pytest.raises(ValueError, match=f"a window has {WINDOW} closes"):
        trained.predict(planted_bars.close[:length])


def test_the_future_changes_nothing_said_of_the_past(trained, planted_bars):
    closes = planted_bars.close[:400]
    changed = closes.copy()
    changed[300:] *= 2
    assert said_of_all(trained, changed)[: 300 - WINDOW + 1] == said_of_all(trained, closes[:300])


def test_the_id_commits_to_every_field_of_the_manifest(trained):
    assert trained.id == "0x" + trained.id[2:].lower()
    assert len(trained.id) == 66
    for change in ({"name": "another"}, {"threshold_bps": 1}, {"artifact_sha256": "0" * 64}):
        assert replace(trained.manifest, **change).id != trained.id
