"""Every command that looks at a result counts it as a trial on its bars, and none that only reads does."""

from __future__ import annotations

import json

import pytest

from agent.evaluation.fingerprints import fingerprint_of
from agent.evaluation.trials import TrialLog

BAYES = "sklearn.naive_bayes:GaussianNB"
TREE = "sklearn.tree:DecisionTreeClassifier"
REPLAY = ("--bars", 60, "--trials", "log")


@pytest.fixture
def count(tmp_path, series):
    """Return a function that counts the trials on the series so far."""
    return lambda: len(TrialLog(tmp_path / "here" / "log").on(fingerprint_of(series)))


def told(command, *arguments) -> dict:
    ended = command(*arguments, "--json")
    assert ended.code == 0, ended.err
    return json.loads(ended.out)["result"]


def test_a_demo_of_ones_own_bars_or_model_is_a_trial_and_the_same_again_is_not(command, price_file, count):
    first = told(command, "demo", "--data", price_file, "--model", BAYES, *REPLAY)
    assert (first["trials"], count()) == (1, 1)
    again = told(command, "demo", "--data", price_file, "--model", BAYES, *REPLAY)
    assert (again["trials"], count()) == (1, 1)
    other = told(command, "demo", "--data", price_file, "--model", TREE, *REPLAY)
    assert (other["trials"], count()) == (2, 2)
    assert "after 2 trials" in other["verdict"] or "no trade was settled" in other["verdict"]
    if other["p_value_alone"] is not None:
        assert other["p_value"] == pytest.approx(1 - (1 - other["p_value_alone"]) ** 2)


def test_a_run_on_a_file_is_a_trial_and_so_is_each_model_that_is_swapped_in(command, price_file, count):
    assert told(command, "run", "--data", price_file, "--journal", ":memory:", *REPLAY)["trials"] == 1
    swapped = ("--swap-at", 20, "--swap-to", BAYES, "--shadow-bars", 5)
    assert told(command, "demo", "--data", price_file, "--model", TREE, *swapped, *REPLAY)["trials"] == 3
    assert count() == 3


def test_what_was_trained_and_evaluated_before_is_paid_for_by_a_demo(command, price_file, count):
    assert command("train", "--data", price_file, "--model", BAYES, "--out", "m", "--trials", "log").code == 0
    evaluated = command(
        "evaluate", BAYES, "--data", price_file, "--folds", 1, "--jobs", 1, "--trials", "log", "--json"
    )
    assert json.loads(evaluated.out)["trials"] == 2
    assert told(command, "demo", "--data", price_file, "--model", TREE, *REPLAY)["trials"] == count() == 3


def test_the_demonstration_as_it_comes_is_no_trial_and_leaves_no_log(command, tmp_path):
    assert told(command, "demo", *REPLAY)["trials"] == 1
    assert not (tmp_path / "here" / "log").exists()
    assert told(command, "demo", "--model", BAYES, *REPLAY)["trials"] == 1
    assert (tmp_path / "here" / "log").exists()


def test_what_cannot_be_counted_is_not_replayed(command, price_file, tmp_path):
    (tmp_path / "here" / "log").mkdir()
    command("demo", "--data", price_file, *REPLAY).is_refused("the trial log", "--trials")


@pytest.mark.parametrize("arguments", [("data",), ("check", BAYES, "--data")])
def test_what_only_reads_leaves_no_log(command, price_file, tmp_path, monkeypatch, arguments):
    monkeypatch.setenv("PATTERNSETTLE_TRIALS", str(tmp_path / "here" / "log"))
    command(*arguments, price_file)
    assert not (tmp_path / "here" / "log").exists()
