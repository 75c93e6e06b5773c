"""Every trial is counted, whoever makes it and however it ends."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from agent.errors import ModelError
from agent.evaluation.fingerprints import Fingerprint, fingerprint_of
from agent.evaluation.ground import Periods
from agent.evaluation.trials import TRIALS_VARIABLE, Attempted, Trial, TrialLog, default_log
from agent.market.synthetic import random_walk

DATA = Fingerprint(("a", "b", "c"), {})
PERIODS = Periods(np.array([0, 0, 1, 2]), np.array([5, 6, 9]), 86_400, 365.25)


def trial(data: Fingerprint = DATA, **params: object) -> Trial:
    return Trial(
        model="mine",
        params=params,
        source="a file",
        market="ETH/USD",
        interval=3_600,
        bars=1_000,
        first="2024-01-01",
        last="2024-02-01",
        data=data,
    )


def made(log: TrialLog, returns: list[float] | None, data: Fingerprint = DATA, **params: object) -> None:
    id = log.begin(trial(data, **params))
    if returns is not None:
        log.end(id, PERIODS, np.array(returns))


def test_a_trial_is_on_disk_before_its_test_window_is_opened(log):
    id = log.begin(trial(seed=1))
    begun = json.loads(log.path.read_text())
    assert (begun["event"], begun["id"], begun["model"]) == ("begun", id, "mine")
    [attempted] = log.on(DATA)
    assert attempted.numbers is None


def test_what_came_of_it_is_told_by_period_and_missing_periods_stay_missing(log):
    made(log, [1.5, -2.25, 0.0], seed=1)
    [attempted] = log.on(DATA)
    assert attempted.numbers == (5, 6, 9)
    assert attempted.returns == (1.5, -2.25, 0.0)
    assert attempted.over([6, 9]).tolist() == [-2.25, 0.0]
    assert attempted.over([6, 7]) is None
    assert attempted.sharpe(86_400) == pytest.approx(np.mean([1.5, -2.25, 0]) / np.std([1.5, -2.25, 0], ddof=1))


def test_its_sharpe_ratio_is_told_over_periods_of_any_length(log):
    hours = np.random.default_rng(0).normal(1, 3, size=(100_000, 24))
    by_day, by_hour = (
        Attempted("k", "mine", tuple(range(len(each))), tuple(each), length)
        for each, length in ((hours.sum(axis=1), 86_400), (hours.ravel(), 3_600))
    )
    assert by_hour.sharpe(86_400) == pytest.approx(by_day.sharpe(86_400), rel=0.01)
    assert by_day.sharpe(3_600) == pytest.approx(by_hour.sharpe(3_600), rel=0.01)


def test_each_different_trial_counts_and_the_same_one_again_does_not(log):
    made(log, [1, 2, 3], seed=1)
    made(log, [3, 2, 1], seed=2)
    made(log, [1, 2, 3], seed=1)
    assert len(log.on(DATA)) == 2


def test_the_same_name_with_another_outcome_is_another_trial(log):
    made(log, [1, 2, 3], code="mine:make")
    made(log, [1, 2, 4], code="mine:make")
    assert len(log.on(DATA)) == 2


def test_one_that_was_interrupted_counts_until_the_same_is_finished(log):
    made(log, [1, 2, 3], seed=1)
    made(log, None, seed=2)
    made(log, None, seed=2)
    assert [each.numbers is None for each in log.on(DATA)] == [False, True]
    made(log, [0, 0, 0], seed=2)
    assert [each.numbers is None for each in log.on(DATA)] == [False, False]
    assert log.on(DATA)[1].sharpe(86_400) == 0


def test_trials_on_other_bars_do_not_count_and_those_that_share_some_do(log):
    made(log, [1, 2, 3], Fingerprint(("x", "y"), {}), seed=1)
    made(log, [1, 2, 3], Fingerprint(("c", "d"), {}), seed=2)
    assert len(log.on(DATA)) == 1
    assert len(log.on(Fingerprint(("z",), {}))) == 0


@pytest.mark.parametrize("moves", [1, ["x"], [[3600, 5, 9, "00"]], [[3600, "a", 2, "00"]]])
def test_moves_that_cannot_be_read_are_damage(log, moves):
    made(log, [1, 2, 3], seed=1)
    log.path.write_text(log.path.read_text().replace('"moves":[]', f'"moves":{json.dumps(moves)}'))
    with pytest.raises(ModelError, match="line 1, is damaged"):
        log.on(DATA)


def test_a_log_of_before_prices_were_known_by_their_moves_is_read(log):
    bars = random_walk(1_000, seed=1)
    made(log, [1, 2, 3], fingerprint_of(bars), seed=1)
    lines = [json.loads(line) for line in log.path.read_text().splitlines()]
    lines[0].pop("moves")
    log.path.write_text("".join(f"{json.dumps(line)}\n" for line in lines).replace('{"format": 1', '{"format":1'))
    assert len(log.on(fingerprint_of(bars))) == 1
    assert log.on(fingerprint_of(random_walk(1_000, seed=2))) == ()


def test_trials_on_the_same_prices_written_otherwise_count(log):
    bars = random_walk(1_000, seed=1)
    made(log, [1, 2, 3], fingerprint_of(bars), seed=1)
    tenfold = replace(bars, **{name: getattr(bars, name) * 10 for name in ("open", "high", "low", "close")})
    [attempted] = log.on(fingerprint_of(tenfold))
    assert attempted.returns == (1, 2, 3)


def test_many_at_once_lose_nothing(log):
    def twenty(worker: int) -> None:
        for number in range(20):
            made(TrialLog(log.path), [worker, number, 0], worker=worker, number=number)

    with ThreadPoolExecutor(3) as workers:
        list(workers.map(twenty, range(3)))
    assert len(log.path.read_text().splitlines()) == 120
    assert len(log.on(DATA)) == 60
    assert all(each.numbers is not None for each in log.on(DATA))


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ('{"format":1,"event":"beg', "it is not JSON"),
        ("[]", "it is not of format 1"),
        ('{"format":2}', "it is not of format 1"),
        ('{"format":1,"event":"begun"}', "pieces"),
    ],
)
def test_a_damaged_log_is_refused_with_its_line(log, line, why):
    made(log, [1, 2, 3], seed=1)
    with log.path.open("a") as file:
        file.write(line + "\n")
    with pytest.raises(ModelError, match=rf"trials.jsonl, line 3, is damaged: .*{why}"):
        log.on(DATA)


@pytest.mark.parametrize("left", [1, 12, 40, -2])
def test_the_beginning_of_a_line_that_a_killed_process_left_is_taken_away(log, left):
    made(log, [1, 2, 3], seed=1)
    whole = log.path.read_bytes()
    made(log, None, seed=2)
    line = log.path.read_bytes()[len(whole) :]
    log.path.write_bytes(whole + line[:left])
    assert len(log.on(DATA)) == 1
    assert log.path.read_bytes() == whole + line[:left]
    made(log, None, seed=3)
    assert len(log.on(DATA)) == 2
    assert log.path.read_bytes().startswith(whole)
    assert [json.loads(each)["params"] for each in log.path.read_bytes()[len(whole) :].splitlines()] == [
        {"seed": 3}
    ]


def test_a_last_line_that_is_whole_counts_though_its_end_was_cut_off(log):
    made(log, None, seed=1)
    log.path.write_bytes(log.path.read_bytes().rstrip(b"\n"))
    assert len(log.on(DATA)) == 1
    made(log, None, seed=2)
    assert len(log.on(DATA)) == 2


def test_a_file_that_is_no_log_loses_nothing(log):
    log.path.write_text("a letter, without an end of line")
    with pytest.raises(ModelError, match="line 1, is damaged"):
        log.on(DATA)
    log.begin(trial())
    assert log.path.read_text().startswith("a letter, without an end of line\n")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no device that reads without an end")
def test_what_is_no_file_is_refused_before_it_is_read():
    for what, use in (("read", lambda log: log.on(DATA)), ("written", lambda log: log.begin(trial()))):
        with pytest.raises(ModelError, match=f"cannot be {what}: it is no regular file") as refused:
            use(TrialLog("/dev/full"))
        assert "--trials" in refused.value.cure


@pytest.mark.parametrize("length", ["0", "-1", "null"])
def test_periods_without_a_length_are_damage(log, length):
    made(log, [1, 2, 3], seed=1)
    log.path.write_text(log.path.read_text().replace('"period_seconds":86400', f'"period_seconds":{length}'))
    with pytest.raises(ModelError, match="line 2, is damaged"):
        log.on(DATA)


def test_returns_without_their_periods_are_damage(log):
    made(log, [1, 2, 3], seed=1)
    log.path.write_text(log.path.read_text().replace('"returns_bps":[1,2,3]', '"returns_bps":[1,2]'))
    with pytest.raises(ModelError, match="line 2, is damaged: it has not one return for each period"):
        log.on(DATA)


def test_where_there_is_no_log_nothing_was_tried(log):
    assert log.on(DATA) == ()
    assert not log.path.exists()


def test_what_cannot_be_counted_is_not_tried(tmp_path):
    (tmp_path / "file").write_text("")
    for place in (tmp_path, tmp_path / "file" / "trials.jsonl"):
        with pytest.raises(ModelError, match="cannot be written") as refused:
            TrialLog(place).begin(trial())
        assert "--trials" in refused.value.cure
    with pytest.raises(ModelError, match="cannot be read"):
        TrialLog(tmp_path).on(DATA)


def test_the_log_is_the_users_own_unless_another_is_named(monkeypatch, tmp_path):
    monkeypatch.delenv(TRIALS_VARIABLE, raising=False)
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert default_log() == tmp_path / "patternsettle" / "trials.jsonl"
    monkeypatch.setenv(TRIALS_VARIABLE, str(tmp_path / "other.jsonl"))
    assert default_log() == tmp_path / "other.jsonl"
