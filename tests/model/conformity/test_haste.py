"""A slow model is asked less, never nothing, and is told so; a fast one is asked all."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.naive_bayes import GaussianNB

from agent.model import haste
from agent.model.conformity import check_model, latency
from agent.model.haste import in_haste, in_time, one_in, thinned

TWO_SECONDS = 2.0
FIVE_MINUTES = 300


class Clock:
    """A clock that only a slow model moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(haste, "time", SimpleNamespace(monotonic=made))
    monkeypatch.setattr(latency, "time", SimpleNamespace(perf_counter=made))
    return made


def slow_for(clock: Clock, seconds: float) -> GaussianNB:
    class Slow(GaussianNB):
        def predict_proba(self, X):
            clock.now += seconds
            return super().predict_proba(X)

    return Slow()


def test_a_model_of_two_seconds_an_answer_is_checked_in_the_time_that_is_told(clock):
    result = check_model(slow_for(clock, TWO_SECONDS))

    assert clock.now < FIVE_MINUTES
    assert "about one in 9 of the bars" in result.checks[-1].detail


def test_a_fast_model_is_asked_about_all_and_nothing_is_said(clock):
    result = check_model(slow_for(clock, 0.001))
    assert "one in" not in result.checks[-1].detail
    assert any("60 rows of" in check.detail for check in result.checks)


def test_a_slow_model_that_is_wrong_is_found_out_all_the_same(clock):
    class Strays(GaussianNB):
        def predict_proba(self, X):
            clock.now += TWO_SECONDS
            said = super().predict_proba(X)
            return said if len(X) > 1 else said[:, ::-1]

    failed = [check.name for check in check_model(Strays()).failed]
    assert "One row at a time has the answers of the batch." in failed


@pytest.mark.parametrize("seconds", [0.0, 0.01, 2.0, 1e6])
def test_however_slow_some_places_are_left_and_the_last_among_them(seconds):
    places = np.arange(100)
    with in_haste(seconds):
        left = thinned(places)
    assert 3 <= len(left) <= 100
    assert left[-1] == 99
    assert (np.diff(left) > 0).all()
    assert one_in() == 1


def test_places_are_yielded_while_there_is_time_and_three_at_least(clock):
    def ask(seconds: float) -> int:
        asked = 0
        for _ in in_time(np.arange(60)):
            clock.now += seconds
            asked += 1
        return asked

    assert [ask(0.0), ask(1.0), ask(1_000.0)] == [60, 11, 3]
