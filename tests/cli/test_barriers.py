"""Barriers that do not fit the bars are told wherever a model is made or tried, with the options that would fit."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

BAYES = "sklearn.naive_bayes:GaussianNB"
TICKS = 12


@pytest.fixture(scope="module")
def prices(tmp_path_factory):
    """Return a function that writes a walk of an interval and a liveliness."""

    def write(name: str, *, interval: str, volatility_bps: float, n: int = 1_400, last: float = 1.0) -> Path:
        """Write bars, the last 300 of them as many times as lively as `last` says."""
        scale = np.repeat(np.where(np.arange(n) < n - 300, 1.0, last), TICKS)
        steps = np.random.default_rng(3).normal(0, volatility_bps / 1e4 / np.sqrt(TICKS), n * TICKS) * scale
        ticks = 2_000 * np.exp(np.cumsum(steps)).reshape(n, TICKS)
        times = np.datetime64("2015-01-01T00:00:00") + np.timedelta64(1, interval) * np.arange(n)
        path = tmp_path_factory.mktemp("prices") / name
        lines, before = ["time,open,high,low,close"], 2_000.0
        for time, each in zip(times, ticks, strict=True):
            shown = (before, max(before, each.max()), min(before, each.min()), each[-1])
            lines.append(f"{str(time).replace('T', ' ')}," + ",".join(f"{price:.6f}" for price in shown))
            before = each[-1]
        path.write_text("\n".join(lines) + "\n")
        return path

    return write


@pytest.fixture(scope="module")
def days(prices):
    return prices("days.csv", interval="D", volatility_bps=350)


@pytest.fixture(scope="module")
def quiet(prices):
    return prices("quiet.csv", interval="h", volatility_bps=5)


def better(document) -> dict[str, int]:
    fit = document["barrier_fit"]
    assert fit["fits"] is False
    return fit["better"]


def test_training_on_days_says_which_barriers_would_fit_and_those_are_taken_as_pasted(command, days):
    made = command("train", "--data", days, "--model", BAYES, "--out", "one", "--replay", 200, "--json")
    asked = better(json.loads(made.out))
    options = (
        "--take-profit",
        asked["take_profit_bps"],
        "--stop-loss",
        asked["stop_loss_bps"],
        "--horizon",
        asked["horizon"],
    )
    assert " ".join(map(str, options)) in made.err
    assert "span both barriers" in made.err
    again = command("train", "--data", days, "--model", BAYES, "--out", "two", "--replay", 200, "--json", *options)
    assert "do not fit" not in again.err
    assert json.loads(again.out)["barrier_fit"]["fits"] is True


def test_training_where_nothing_ever_happens_says_so_before_it_is_refused(command, quiet):
    refused = command("train", "--data", quiet, "--model", BAYES, "--out", "one", "--replay", 200)
    assert refused.code == 2
    assert "reach neither barrier first): --take-profit" in refused.err


def test_an_evaluation_says_so_in_one_sentence(command, days):
    options = ("--data", days, "--folds", 1, "--jobs", 1, "--trials", "log")
    shown = " ".join(command("evaluate", BAYES, *options).out.split())
    assert "These barriers do not fit these bars (" in shown
    assert "span both barriers): --take-profit " in shown
    document = json.loads(command("evaluate", BAYES, *options, "--json").out)
    assert f"--take-profit {better(document)['take_profit_bps']} " in shown


def test_hours_of_a_lively_market_are_told_nothing(command, price_file):
    shown = command("evaluate", BAYES, "--data", price_file, "--folds", 1, "--jobs", 1, "--trials", "log")
    assert "do not fit" not in shown.out + shown.err


def test_the_demo_takes_barriers_that_fit_and_says_it(command, days):
    shown = command("demo", "--data", days, "--model", BAYES, "--bars", 150, "--json")
    assert shown.code == 0, shown.err
    [said] = [line for line in shown.err.splitlines() if "do not fit" in line]
    assert said.endswith(" would. They are taken.")
    assert int(said.split("--take-profit ")[1].split()[0]) > 500


def test_what_is_replayed_has_no_say_in_the_barriers_of_the_demo(command, prices):
    said = []
    for last in (1.0, 4.0):
        file = prices(f"last{last}.csv", interval="D", volatility_bps=350, last=last)
        shown = command("demo", "--data", file, "--model", BAYES, "--bars", 290, "--json")
        said += [line for line in shown.err.splitlines() if "do not fit" in line]
    assert len(said) == 2
    assert said[0] == said[1]
