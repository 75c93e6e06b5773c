"""What remembers dates is found wherever an edge could be claimed, and what reads the clock honestly is left in peace."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.naive_bayes import GaussianNB

from agent.errors import ModelError
from agent.evaluation.effort import Effort
from agent.evaluation.run import evaluate
from agent.evaluation.trials import TrialLog
from agent.market.synthetic import planted
from agent.model.conformity import check_model
from agent.model.dates import moved, other_prices
from agent.model.train import train

MOVED = "The same prices some weeks later"
OTHERS = "Other prices at the same times"
HOUR = 3_600
SERIES = planted(2_500, seed=11)
LATER = dict(zip(SERIES.time[:-12].tolist(), (SERIES.close[12:] / SERIES.close[:-12]).tolist(), strict=True))


class Own(GaussianNB):
    feature_names = ("own",)
    window = 4

    def features(self, bars):
        return np.asarray(self.made(bars), dtype=float)[:, None]


class Clock(Own):
    """The hour and the day of the week, and how wide the bar was then."""

    feature_names = ("hour", "day", "span")

    def features(self, bars):
        return np.column_stack(
            [bars.time // HOUR % 24, bars.time // (24 * HOUR) % 7, (bars.high - bars.low) / bars.close]
        )


class JoinedByDate(Own):
    """What came, learned beforehand and kept in a table by time."""

    def made(self, bars):
        return [LATER.get(time, 1.0) for time in bars.time.tolist()]


class FewDates(Own):
    """As little as one date out of a hundred."""

    def made(self, bars):
        return [LATER.get(time, 1.0) if time // HOUR % 100 == 0 else 1.0 for time in bars.time.tolist()]


class Timestamp(Own):
    def made(self, bars):
        return bars.time / 1e9


class MonthOfTheYear(Own):
    def made(self, bars):
        return bars.time.astype("datetime64[s]").astype("datetime64[M]").astype(int) % 12


class KeptByTime(Own):
    """Keeps what it has once computed, by time and not by price."""

    kept: dict[int, float] = {}  # noqa: RUF012 - what is shared is the fault

    def made(self, bars):
        span = (bars.high - bars.low) / bars.close
        return [
            self.kept.setdefault(time, one) for time, one in zip(bars.time.tolist(), span.tolist(), strict=True)
        ]


class KeptBySeries(Own):
    """Keeps what it has once computed of a series, known by where that begins and ends."""

    kept: dict[tuple[int, int], np.ndarray] = {}  # noqa: RUF012 - what is shared is the fault

    def made(self, bars):
        return self.kept.setdefault((bars.time[0], bars.time[-1]), (bars.high - bars.low) / bars.close)


class BehindItsFeatures(Own):
    """Reads honestly, and looks the year up when it is asked."""

    def made(self, bars):
        type(self).asked_at = bars.time
        return (bars.high - bars.low) / bars.close

    def predict_proba(self, features):
        share = 0.3 + 0.005 * (type(self).asked_at[-1] // (365 * 24 * HOUR))
        return np.tile([share / 2, 1 - share, share / 2], (len(features), 1))


@pytest.fixture(autouse=True)
def forgotten():
    KeptByTime.kept, KeptBySeries.kept = {}, {}


@pytest.mark.parametrize("model", [JoinedByDate, FewDates, Timestamp, MonthOfTheYear])
def test_a_memory_of_dates_is_refused_before_anything_is_measured(model):
    with pytest.raises(
        ModelError, match=r"the feature 'own' of bar \d+ is .*moved by .* it remembers dates"
    ) as caught:
        train(SERIES, factory=model)
    assert "no more than the hour and the day of the week" in str(caught.value)


def test_what_keeps_answers_by_time_is_refused():
    with pytest.raises(ModelError, match=r"with other prices, is .* it answers by date, not by price"):
        train(SERIES, factory=KeptBySeries)
    with pytest.raises(ModelError, match=r"it remembers dates"):
        train(SERIES, factory=KeptByTime)


def test_the_hour_and_the_day_of_the_week_are_read_honestly():
    result = check_model(Clock, bars=SERIES)
    assert [check.detail for check in result.failed] == []
    assert {check.name[: len(MOVED)] for check in result.checks} >= {MOVED}


@pytest.mark.parametrize(("model", "name"), [(JoinedByDate, MOVED), (KeptByTime, OTHERS), (KeptBySeries, OTHERS)])
def test_the_checks_name_it(model, name):
    failed = {check.name: check.detail for check in check_model(model, bars=SERIES).failed}
    details = [detail for check, detail in failed.items() if check.startswith(name)]
    assert details
    assert "the feature 'own' of bar " in details[0]


@pytest.mark.parametrize("model", [JoinedByDate, BehindItsFeatures])
def test_no_edge_is_claimed_of_it(model, tmp_path):
    log = TrialLog(tmp_path / "trials.jsonl")
    effort = Effort(permutations=19, resamples=20, random_entries=20)
    with pytest.raises(ModelError, match=r"remembers dates|answers by date"):
        evaluate(SERIES, [model], folds=1, log=log, effort=effort)


def test_bars_are_moved_by_whole_weeks_and_get_other_prices_at_the_same_times():
    later, others = moved(SERIES, 2), other_prices(SERIES)
    assert set((later.time - SERIES.time).tolist()) == {14 * 24 * HOUR}
    assert (later.close == SERIES.close).all()
    assert (others.time == SERIES.time).all()
    assert (others.close < SERIES.close).mean() > 0.95
    assert ((others.low <= others.close) & (others.close <= others.high) & (others.low >= 1)).all()
