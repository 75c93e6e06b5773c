"""`patternsettle evaluate` tells whether a model is any good, as text, as JSON and as a page, and keeps count."""

from __future__ import annotations

import json
import os
import sys
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import pytest

import agent.evaluation.run
from agent.cli import run_command
from agent.market.synthetic import planted
from agent.model.artifact import save
from agent.model.train import train

BAYES = "sklearn.naive_bayes:GaussianNB"


@pytest.fixture
def evaluate(command):
    """Run the command with a log of its own, in this process."""

    def run(*arguments: object):
        return command("evaluate", *arguments, "--trials", "trials.jsonl", "--jobs", 1)

    return run


@pytest.fixture(scope="module")
def saved(series, tmp_path_factory):
    return save(train(series[:1_000]), tmp_path_factory.mktemp("models") / "mine")


def test_the_report_says_what_was_tried_and_ends_in_a_verdict(evaluate, price_file):
    shown = evaluate(BAYES, "--data", price_file, "--folds", 3)
    assert shown.code == 0
    assert shown.err == f"Evaluating {BAYES} on 1,500 bars in 3 folds ...\n"
    words = " ".join(shown.out.split())
    assert "eth_usd_1h.csv" in words
    assert (
        "each by a model trained on all bars before it, with 56 bars between left out, 12 of them as an embargo"
        in words
    )
    assert "spread 5 bps at the entry and at the exit, gas 3.27 bps a trade" in words
    assert "(91,920 gas to open and 71,526 to close, at 1 gwei" in words
    assert "1 on these bars, 0 of them before" in words
    for row in (
        "sklearn",
        "always long",
        "buy and hold",
        "patterns alone",
        "random entries",
        "long",
        "short",
        "breakout_up",
    ):
        assert any(line.startswith(row) for line in shown.out.splitlines()), row
    assert "dge: p = " in words.splitlines()[-1]
    assert "after 1 trial" in words


@pytest.fixture(scope="module")
def told(price_file, tmp_path_factory):
    """The document and the page of one evaluation."""
    folder = tmp_path_factory.mktemp("told")
    page, log = folder / "page.html", folder / "trials.jsonl"
    options = ("--folds", "2", "--jobs", "1", "--json", "--html", str(page), "--trials", str(log))
    with redirect_stdout(StringIO()) as out:
        assert run_command(["evaluate", BAYES, "--data", str(price_file), *options]) == 0
    assert {item.name for item in folder.iterdir()} == {"page.html", "trials.jsonl"}
    return json.loads(out.getvalue()), page.read_text("utf-8")


def test_machines_get_one_document_and_nothing_else(told):
    document, _ = told
    assert {"folds", "trades", "hit_rate", "base_rate", "p_value", "deflated_sharpe"} <= document.keys()
    assert {"pbo", "trials", "verdict", "baselines", "models", "data", "costs"} <= document.keys()
    assert len(document["folds"]) == 2
    assert document["trials"] == 1
    assert document["data"]["bars"] == 1_500
    assert document["data"]["synthetic"] is False
    assert document["verdict"]["reason"].split(":")[0] in ("No evidence of an edge", "Evidence of an edge")


def test_the_page_is_one_file_that_says_the_same(told):
    document, page = told
    assert document["verdict"]["reason"] in page
    assert "://" not in page.replace("http://www.w3.org/", "")


def test_several_models_are_compared_however_they_are_named(evaluate, price_file, monkeypatch):
    monkeypatch.setenv("COLUMNS", "160")
    shown = evaluate(
        "logistic", "--model", "tree", "--model", BAYES, "--data", price_file, "--folds", 1, "--html", "p.html"
    )
    assert "p.html" in shown.out.partition("Next:")[0].splitlines()[-1]
    for name in ("logistic", "tree", BAYES):
        assert any(line.startswith(name) for line in shown.out.splitlines())
        assert f"as {name}" in shown.out
    assert "3 on these bars, 0 of them before" in shown.out
    assert "the one in the lead" in shown.out


def test_trials_are_counted_from_one_run_to_the_next(evaluate, price_file):
    def trials(*arguments):
        return json.loads(evaluate(BAYES, "--data", price_file, "--folds", 1, "--json", *arguments).out)["trials"]

    assert [trials(), trials("--seed", 1), trials("--seed", 1)] == [1, 2, 2]


def test_without_another_place_the_log_is_the_users_own(command, monkeypatch, tmp_path, price_file):
    monkeypatch.delenv("PATTERNSETTLE_TRIALS")
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "own"))
    shown = command("evaluate", BAYES, "--data", price_file, "--folds", 1, "--jobs", 1, "--json")
    log = json.loads(shown.out)["trial_log"]["file"]
    assert log == str(tmp_path / "own" / "patternsettle" / "trials.jsonl")


def test_without_a_file_the_bars_are_synthetic_and_it_is_said(evaluate):
    shown = evaluate(BAYES, "--bars", 1_500, "--folds", 2)
    assert "SYNTHETIC: generated, not traded on any market" in shown.out
    assert "planted patterns (seed 7" in shown.out
    assert "The bars are synthetic." in " ".join(shown.out.split())


def test_in_a_random_walk_there_is_nothing_to_find(evaluate):
    document = json.loads(evaluate("logistic", "--walk", "--bars", 3_000, "--folds", 3, "--json").out)
    assert document["data"]["source"].startswith("synthetic random walk")
    assert document["verdict"]["edge"] is False


def test_what_was_planted_is_found(evaluate):
    words = " ".join(evaluate("logistic", "--bars", 3_000, "--folds", 3, "--seed", 3).out.split())
    assert planted(10, seed=3).source in words
    assert "Evidence of an edge: p < 0.001 after 1 trial" in words
    # 0.99978: the same wherever it stands, and never more than it is.
    assert words.count("deflated Sharpe ratio 0.999 ") == words.count("deflated Sharpe ratio of 0.999.") == 1


def test_a_saved_model_is_tried_on_later_bars_alone(evaluate, saved, price_file, series):
    document = json.loads(evaluate(saved, "--data", price_file, "--folds", 2, "--json").out)
    assert document["models"][0]["saved"] is True
    assert document["walk"]["scheme"] == "saved"
    tested = sum(window["bars"] for window in document["walk"]["tests"])
    assert tested == 1_500 - 1_000 - document["walk"]["gap"]


def test_options_reach_the_evaluation(evaluate, price_file, series):
    options = ("--rolling", "--cooldown", 2, "--gas", 1.5, "--spread", 8, "--take-profit", 120, "--folds", 2)
    document = json.loads(evaluate(BAYES, "--data", price_file, "--bars", 1_400, *options, "--json").out)
    assert document["data"]["bars"] == 1_400
    assert document["data"]["last"] == f"{series.last:%Y-%m-%dT%H:%M:%SZ}"
    assert document["walk"]["scheme"] == "rolling"
    assert document["walk"]["cooldown"] == 2
    charged = {name: document["costs"][name] for name in ("spread_bps", "gas_bps", "gas_origin")}
    assert charged == {"spread_bps": 8, "gas_bps": 1.5, "gas_origin": "as asked for"}
    assert document["barriers"] == {"take_profit_bps": 120, "stop_loss_bps": 100, "horizon": 12, "spread_bps": 8}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], ["There is no model to evaluate.", "patternsettle evaluate logistic"]),
        (["logistc"], ["there is no model called 'logistc'", "Did you mean 'logistic'?"]),
        (["./nowhere"], ["there is no model at"]),
        ([BAYES, "--folds", 0], ["--folds"]),
        ([BAYES, "--folds", 40], ["are needed", "--folds"]),
        ([BAYES, "--cooldown", "999999999999999999999"], ["--cooldown", "100000"]),
        ([BAYES, "--cooldown", 2 * 10**15], ["--cooldown", "100000"]),
        ([BAYES, "--gas", -1], ["gas cannot cost -1.0 bps"]),
        ([BAYES, "--spread", 94], ["no room for a spread of 94 bps", "a spread of at most 93 bps"]),
        ([BAYES, "--share", 0], ["A share of 0.0 of the bars cannot trade"]),
        ([BAYES, "--html", "no/folder/page.html"], ["The page no/folder/page.html cannot be written."]),
        ([BAYES, "--html", "."], ["cannot be written"]),
        ([BAYES, "--walk", "--data", "x.csv"], ["--walk makes bars and --data reads them."]),
        ([BAYES, "--market", "ETH/USD"], ["--market chooses from a file"]),
        ([BAYES, "--data", "no.csv"], ["no.csv"]),
        ([BAYES, "--bars", 500], ["are needed"]),
        ([BAYES, "--bars", 2_000_000], ["2,000,000 synthetic bars"]),
        ([BAYES, "--trust", "x.Y"], ["--trust is about a saved model, and there is none."]),
        (["sklearn.svm:LinearSVC"], ["has no predict_proba"]),
    ],
    ids=lambda value: " ".join(map(str, value)),
)
def test_what_cannot_be_evaluated_is_refused_and_nothing_is_written(evaluate, tmp_path, arguments, words):
    evaluate(*arguments).is_refused(*words)
    assert not any((tmp_path / "here").iterdir())


def test_a_page_takes_the_place_of_no_file_that_is_used(evaluate, saved, price_file, tmp_path):
    prices = tmp_path / "here" / "prices.csv"
    prices.write_bytes(price_file.read_bytes())
    os.symlink("prices.csv", "link")
    for page in ("prices.csv", "link"):
        evaluate(BAYES, "--data", prices, "--html", page).is_refused(page, "that is the file of prices")
    evaluate(BAYES, "--data", prices, "--html", "trials.jsonl").is_refused("that is the log of trials")
    manifest = saved / "manifest.json"
    evaluate(saved, "--data", prices, "--html", manifest).is_refused("manifest.json exists and is not a page")
    assert prices.read_bytes() == price_file.read_bytes()
    assert {item.name for item in Path().iterdir()} == {"prices.csv", "link"}


def test_a_page_takes_the_place_of_no_other_file_and_that_is_said_before_anything_is_read(evaluate):
    Path("notes").write_text("mine")
    os.mkfifo("pipe")
    evaluate(BAYES, "--data", "no.csv", "--html", "notes").is_refused(
        "notes exists and is not a page of patternsettle"
    )
    evaluate(BAYES, "--data", "no.csv", "--html", "pipe").is_refused("that is no regular file")


def test_an_earlier_page_may_be_written_again(evaluate):
    beginning = '<!DOCTYPE html>\n<html lang="en"><head><meta name="generator" content="patternsettle">'
    Path("page.html").write_text(beginning)
    evaluate(BAYES, "--data", "no.csv", "--html", "page.html").is_refused("no.csv")


def test_no_more_processes_are_started_than_there_is_work(command, price_file, monkeypatch):
    started = []
    monkeypatch.setattr(
        agent.evaluation.run, "Parallel", lambda n_jobs, **options: started.append(n_jobs) or 1 / 0
    )
    with pytest.raises(ZeroDivisionError):
        command(
            "evaluate", BAYES, "--data", price_file, "--folds", 1, "--jobs", 100_000, "--trials", "trials.jsonl"
        )
    assert started == [1]


def test_more_bars_than_a_file_has_are_refused(evaluate, price_file):
    evaluate(BAYES, "--data", price_file, "--bars", 1_501).is_refused(
        "eth_usd_1h.csv has 1,500 bars, and --bars asks for 1,501."
    )


def test_a_saved_model_that_knows_all_bars_is_refused(evaluate, series, price_file, tmp_path):
    knowing = save(train(series), tmp_path / "knowing")
    evaluate(knowing, "--data", price_file).is_refused("the model knows everything until", "none is left")


def test_a_log_that_is_damaged_is_refused(evaluate, price_file, tmp_path):
    (tmp_path / "here" / "trials.jsonl").write_text("not a trial\n")
    evaluate(BAYES, "--data", price_file).is_refused("trials.jsonl, line 1, is damaged")


def test_real_bars_serve_as_well(evaluate, shared_file):
    file = shared_file("eth_usd_1h_kraken.csv")
    shown = evaluate("logistic", "--data", file, "--bars", 4_000, "--folds", 2, "--json")
    document = json.loads(shown.out)
    assert shown.code == 0
    assert document["data"]["synthetic"] is False
    assert document["trades"] > 0


def test_an_evaluation_that_is_interrupted_says_so_and_its_trial_counts(evaluate, monkeypatch):
    Path("stopped.py").write_text(
        "import signal\n"
        "from sklearn.naive_bayes import GaussianNB\n\n\n"
        "class Stopped(GaussianNB):\n"
        "    def fit(self, X, y, sample_weight=None):\n"
        "        signal.raise_signal(signal.SIGINT)  # as if somebody pressed Ctrl-C now\n"
    )
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.setattr(sys, "path", list(sys.path))
    ended = evaluate("stopped:Stopped", "--bars", 1_500, "--folds", 2)
    del sys.modules["stopped"]
    assert ended.code == 130
    assert ended.out == ""
    assert ended.err.splitlines()[-1].startswith("patternsettle: interrupted.")
    again = json.loads(evaluate(BAYES, "--bars", 1_500, "--folds", 2, "--json").out)
    assert (again["trials"], again["trial_log"]["unfinished"]) == (2, 1)


def test_a_log_that_a_killed_process_left_goes_on(evaluate, price_file, tmp_path):
    (tmp_path / "here" / "trials.jsonl").write_text('{"format":1,"event":"beg')
    shown = evaluate(BAYES, "--data", price_file, "--folds", 1)
    assert "1 on these bars, 0 of them before" in shown.out
    assert shown.err == f"Evaluating {BAYES} on 1,500 bars in 1 fold ...\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((BAYES, "--share", "nan"), "A share of nan of the bars cannot trade."),
        ((BAYES, "--gas", "nan"), "gas cannot cost nan bps"),
        (("logistc",), "Did you mean 'logistic'?"),
        ((BAYES, "./nowhere"), "there is no model at nowhere"),
        (("sklearn.svm:LinearSVC",), "has no predict_proba"),
    ],
)
def test_nonsense_is_refused_before_the_file_is_read(evaluate, arguments, said):
    ended = evaluate(*arguments, "--data", "no.csv")
    ended.is_refused(said)
    assert len(ended.err.splitlines()) == 1


def test_more_folds_than_the_bars_can_be_cut_into_are_refused_before_anything_is_said(evaluate, price_file):
    ended = evaluate(BAYES, "--data", price_file, "--folds", 500)
    ended.is_refused("--folds")
    assert "Evaluating" not in ended.err


FOREIGN = """
import numpy as np
from sklearn.naive_bayes import GaussianNB


class Smooths(GaussianNB):
    def predict_proba(self, X):
        said = super().predict_proba(X)
        return (np.roll(said, 1, axis=0) + said + np.roll(said, -1, axis=0)) / 3


class Words(GaussianNB):
    def predict_proba(self, X):
        return [["a", "b", "c"]] * len(X)
"""


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (
            "Smooths",
            "the model Smooths answers differently alone than in a batch, at ",
        ),
        ("Words", "the model answered a where a probability was expected."),
    ],
)
def test_a_model_whose_answers_cannot_be_judged_is_refused(evaluate, tmp_path, monkeypatch, model, said):
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    (tmp_path / "here" / "foreign.py").write_text(FOREIGN)
    evaluate(f"foreign:{model}", "--walk", "--bars", 1_500, "--folds", 1).is_refused(f"foreign:{model}", said)


def test_what_is_odd_about_its_prices_is_repeated_before_the_verdict(evaluate, price_file, tmp_path):
    head, *rows = price_file.read_text().splitlines()
    path = tmp_path / "close.csv"
    path.write_text("\n".join([head.replace("time", "Zeit"), *rows, "Downloaded from somewhere, as of today"]))
    shown = evaluate(BAYES, "--data", path, "--folds", 3, "--columns", "time=Zeit", "--stamped", "close")
    assert shown.code == 0
    first, second, *_ = shown.err.splitlines()
    assert first.startswith("warning: A note below the last bar was left out")
    assert "each was moved back by 3,600 s" in second


@pytest.mark.parametrize("columns", ["80", "100", "0", ""])
def test_the_report_fits_eighty_columns_whatever_the_models_are_called(evaluate, price_file, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", columns)
    shown = evaluate(BAYES, "tree", "--data", price_file, "--folds", 2)
    assert shown.code == 0
    report, _, to_type = shown.out.partition("Next:")  # a command stands on one line, so that it can be copied
    assert to_type
    assert max(map(len, report.splitlines())) <= (int(columns or 80) or 80)
    # Words are folded, and no figure is.
    assert "\u2026" not in shown.out
    assert BAYES in shown.out.replace("\n", "").replace(" ", "") or "GaussianNB" in shown.out


def test_a_figure_stands_whole_where_there_is_hardly_any_room(evaluate, price_file, monkeypatch):
    monkeypatch.setenv("COLUMNS", "30")
    narrow = evaluate(BAYES, "--data", price_file, "--folds", 1).out.split()
    monkeypatch.setenv("COLUMNS", "200")
    wide = evaluate(BAYES, "--data", price_file, "--folds", 1).out.split()
    figures = [word for word in wide if word.startswith(("+", "-")) and word.endswith("%")]
    assert len(figures) > 8
    assert not [figure for figure in figures if figure not in narrow]


def test_gross_cost_and_unit_stand_beside_every_net_figure(evaluate, price_file):
    words = " ".join(evaluate(BAYES, "--data", price_file, "--folds", 2).out.split())
    assert words.count("gross cost net bps") == 3
    assert "of stake of stake of stake of stake" in words
    assert "Of the stake of one trade, which never grows" in words
    assert "no bid-ask bounce (Roll's estimate)" in words or "bounce between bid and ask" in words


def test_machines_get_gross_and_cost_and_the_hidden_spread(told):
    document, _ = told
    for part in (document, *document["baselines"], *document["folds"], *document["sides"], *document["patterns"]):
        if part["trades"]:
            assert part["gross_bps"] - part["cost_bps"] == pytest.approx(part["mean_bps"], abs=1e-5)
        assert part["gross_return_bps"] - part["cost_return_bps"] == pytest.approx(part["return_bps"], abs=1e-5)
    assert document["costs"]["roll"].keys() == {"spread_bps", "beyond_chance", "charged_bps", "larger"}
    assert document["costs"]["roll"]["charged_bps"] == 2 * document["costs"]["spread_bps"]
