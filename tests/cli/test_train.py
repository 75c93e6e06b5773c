"""`patternsettle train` saves a model of the first part of a price file, or says in one line why not."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from agent.cli import run_command
from agent.evaluation.fingerprints import fingerprint_of
from agent.evaluation.trials import TrialLog
from agent.market.bars import Bars
from agent.market.synthetic import planted
from agent.model.artifact import load
from agent.model.closes import WINDOW
from agent.model.estimators import resolve
from agent.model.train import train

BARS = 3_000


class Ended(NamedTuple):
    code: int
    out: str
    err: str


@pytest.fixture
def patternsettle(capsys: pytest.CaptureFixture[str]):
    """Return a function that runs the command line in this process."""

    def run(*arguments: object) -> Ended:
        capsys.readouterr()
        code = run_command([str(argument) for argument in arguments])
        return Ended(code, *capsys.readouterr())

    return run


def written(bars: Bars, file: Path) -> Path:
    """Write bars as somebody's price file."""
    lines = ["timestamp,open,high,low,close,volume"]
    for place in range(len(bars)):
        bar = bars.bar(place)
        prices = ",".join(str(bars.decimal(price)) for price in (bar.open, bar.high, bar.low, bar.close))
        lines.append(f"{bar.time},{prices},{bars.volume[place]}")
    file.write_text("\n".join(lines) + "\n")
    return file


@pytest.fixture(scope="module")
def price_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(planted(BARS, seed=2), tmp_path_factory.mktemp("prices") / "prices.csv")


def test_trains_on_the_first_part_and_saves_a_model_that_loads(patternsettle, price_file, tmp_path):
    ended = patternsettle("train", "--data", price_file, "--out", tmp_path / "mine", "--json")
    assert ended.code == 0
    document = json.loads(ended.out)
    model = load(tmp_path / "mine")
    assert document["id"] == model.id
    assert document["name"] == model.manifest.name == "mine"
    assert document["path"] == str(tmp_path / "mine")
    assert document["artifact_sha256"] == model.manifest.artifact_sha256
    assert document["threshold_bps"] == model.threshold_bps
    assert document["barriers"] == {"take_profit_bps": 100, "stop_loss_bps": 100, "horizon": 12, "spread_bps": 5}
    assert document["data"]["source"] == "prices.csv"
    assert document["data"]["bars"] + document["data"]["left_out"] == BARS
    assert document["data"]["left_out"] == 500 + 12 + WINDOW
    assert document["trained_until"] == model.manifest.as_json()["trained_until"]
    assert document["metrics"]["edge"] is True
    assert document["metrics"]["hit_rate"] > document["metrics"]["base_rate"]
    assert document["trust"] == []
    assert document["seconds"] > 0


def test_the_same_command_trains_the_same_model(patternsettle, price_file, tmp_path):
    ids = [
        json.loads(
            patternsettle(
                "train", "--data", price_file, "--out", tmp_path / at / "m", "--seed", seed, "--json"
            ).out
        )["id"]
        for at, seed in (("a", 3), ("b", 3), ("c", 4))
    ]
    assert ids[0] == ids[1] != ids[2]


def test_its_options_reach_the_model(patternsettle, price_file, tmp_path):
    ended = patternsettle(
        *("train", "--data", price_file, "--out", tmp_path / "m", "--json", "--name", "my own", "--replay", 0),
        *("--take-profit", 120, "--stop-loss", 80, "--horizon", 10, "--spread", 3, "--share", 0.1, "--seed", 9),
    )
    document = json.loads(ended.out)
    assert document["name"] == "my own"
    assert document["seed"] == 9
    assert document["data"]["left_out"] == 0
    assert document["data"]["bars"] == BARS
    assert document["barriers"] == {"take_profit_bps": 120, "stop_loss_bps": 80, "horizon": 10, "spread_bps": 3}
    assert document["metrics"]["decisions"] <= 0.1 * document["metrics"]["held_out"]


def test_the_summary_says_what_a_person_should_know(patternsettle, price_file, tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    ended = patternsettle("train", "--data", price_file, "--out", tmp_path / "mine")
    assert ended.code == 0
    for words in (
        load(tmp_path / "mine").id,
        "prices.csv, 2,456 bars",
        "the last 544 bars",
        "profit 100 bps, stop 100 bps, horizon 12 bars, spread 5 bps",
        "took their profit",
        "with sides at random",
        "better than luck explains",
    ):
        assert words in ended.out
    assert "Training on 2,456 bars" in ended.err


def test_a_classifier_of_ones_own_is_trained_and_what_it_takes_to_load_it_is_said(
    patternsettle, price_file, tmp_path, monkeypatch
):
    (tmp_path / "my_trees.py").write_text(
        "from sklearn.ensemble import GradientBoostingClassifier\n"
        "def make():\n    return GradientBoostingClassifier(n_estimators=3)\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setenv("COLUMNS", "200")
    arguments = ("train", "--data", price_file, "--out", "trees", "--model", "my_trees:make")
    assert json.loads(patternsettle(*arguments, "--json").out)["trust"] == ["sklearn.tree._tree.Tree"]
    assert "--trust sklearn.tree._tree.Tree" in patternsettle(*arguments).out


@pytest.mark.parametrize(
    ("model", "said"),
    [
        ("make_pipeline(FunctionTransformer(lambda rows: rows / 2), GaussianNB())", "<lambda>"),
        ("Locked()", "with its lock_ (lock)"),
        ("Own()", "with its own_ (Own): something in it holds itself"),
        ("local()", "no attribute 'Local'"),
    ],
)
def test_what_would_not_load_is_refused_in_one_line_and_nothing_is_written(
    patternsettle, price_file, tmp_path, monkeypatch, model, said
):
    (tmp_path / "unsaved.py").write_text(
        "import threading\n"
        "from sklearn.naive_bayes import GaussianNB\n"
        "from sklearn.pipeline import make_pipeline\n"
        "from sklearn.preprocessing import FunctionTransformer\n"
        "class Locked(GaussianNB):\n"
        "    def fit(self, X, y):\n        self.lock_ = threading.Lock()\n        return super().fit(X, y)\n"
        "class Own(GaussianNB):\n"
        "    def fit(self, X, y):\n        self.own_ = self\n        return super().fit(X, y)\n"
        "def local():\n    class Local(GaussianNB):\n        pass\n    return Local()\n"
        f"def make():\n    return {model}\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.delitem(sys.modules, "unsaved", raising=False)
    ended = patternsettle("train", "--data", price_file, "--out", "mine", "--model", "unsaved:make")
    monkeypatch.delitem(sys.modules, "unsaved", raising=False)
    assert (ended.code, ended.out) == (2, "")
    assert said in ended.err
    assert "Traceback" not in ended.err
    assert [item.name for item in tmp_path.iterdir()] == ["unsaved.py"]


def test_an_onnx_file_is_measured_and_given_its_manifest(patternsettle, price_file, tmp_path, monkeypatch):
    pytest.importorskip("onnxruntime", reason="the extra 'onnx' is not installed")
    pytest.importorskip("skl2onnx", reason="skl2onnx, which makes the file, is not installed")
    from agent.model.onnx_export import exported

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    made = exported(train(planted(BARS, seed=2), factory=resolve("logistic")))
    (tmp_path / "net.onnx").write_bytes(made.estimator.content)
    arguments = ("train", "--data", price_file, "--model", "net.onnx", "--out", "net.onnx")
    document = json.loads(patternsettle(*arguments, "--json").out)
    assert document["trained_elsewhere"] is True
    assert document["trust"] == []
    assert load("net.onnx").id == document["id"] != made.id
    assert sorted(item.name for item in tmp_path.iterdir()) == ["net.json", "net.onnx"]
    shown = patternsettle(*arguments).out
    assert "whether it was trained on them only its maker knows" in shown
    assert "not seen in training" not in shown
    assert "knows everything until" not in " ".join(shown.split())
    assert "better than luck explains" not in shown
    assert "no edge can be told of what may have been trained on these bars" in shown
    assert (document["trained_until"], document["metrics"]["edge"]) == (None, False)
    assert patternsettle("check", "net.onnx", "--data", price_file).code == 0


def test_a_model_that_found_nothing_says_so(patternsettle, tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    file = written(planted(BARS, seed=2, strength=0.5), tmp_path / "prices.csv")
    assert "no edge: luck explains as much" in patternsettle("train", "--data", file, "--out", tmp_path / "m").out
    dummy = ("--model", "sklearn.dummy:DummyClassifier")
    said = patternsettle("train", "--data", file, "--out", tmp_path / "m", *dummy).out
    assert "none: no bar was above the threshold" in said


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([], "There is nothing to train on. Give a price file with --data FILE."),
        (["--data", "no.csv"], "no.csv"),
        (["--data", "{file}", "--replay", "2900"], "Give a longer series"),
        (["--data", "{file}", "--replay", "5000"], "3000 bars do not suffice to replay 5000"),
        (["--data", "{file}", "--replay", "-1"], "--replay"),
        (["--data", "{file}", "--model", "nowhere:make"], "there is no module 'nowhere'"),
        (["--data", "{file}", "--model", "json:loads"], "It is called without arguments."),
        (["--data", "{file}", "--model", "sklearn.svm:LinearSVC"], "has no predict_proba"),
        (["--data", "{file}", "--horizon", "0"], "the barrier horizon is 0"),
        (["--data", "{file}", "--spread", "5000"], "the barrier spread_bps is 5000"),
        (
            ["--data", "{file}", "--spread", "94"],
            "a stop-loss of at least 101 bps, or a spread of at most 93 bps.",
        ),
        (
            ["--data", "{file}", "--take-profit", "10"],
            "a stop-loss of at least 12 bps, or a spread of at most 3 bps.",
        ),
        (["--data", "{file}", "--share", "0"], "a share of 0.0 of the bars cannot trade"),
    ],
)
def test_what_cannot_be_trained_is_refused_in_one_line_and_nothing_is_written(
    patternsettle, price_file, tmp_path, options, said
):
    filled = [option.replace("{file}", str(price_file)) for option in options]
    ended = patternsettle("train", "--out", tmp_path / "model", *filled)
    assert ended.code == 2
    assert ended.out == ""
    assert said in ended.err
    assert ended.err.strip().splitlines()[-1].startswith("patternsettle: ")
    assert "Traceback" not in ended.err
    assert list(tmp_path.iterdir()) == []


def test_a_folder_with_something_else_in_it_is_refused_before_anything_is_read(patternsettle, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    ended = patternsettle("train", "--data", "no.csv", "--out", tmp_path)
    assert (ended.code, ended.out) == (2, "")
    assert "is not a model's folder, so it is left alone" in ended.err
    assert [item.name for item in tmp_path.iterdir()] == ["notes.txt"]


def test_what_training_measures_is_a_trial_on_these_bars_and_the_same_again_is_no_other(
    patternsettle, price_file, tmp_path
):
    log = tmp_path / "trials.jsonl"
    arguments = ("--data", price_file, "--model", "sklearn.naive_bayes:GaussianNB", "--trials", log, "--json")
    for _ in range(2):
        document = json.loads(patternsettle("train", "--out", tmp_path / "m", *arguments).out)
        assert document["trial_log"] == str(log)
    bars = planted(BARS, seed=2)
    [trial] = TrialLog(log).on(fingerprint_of(bars))
    assert (trial.model, trial.numbers) == ("sklearn.naive_bayes:GaussianNB", None)
    patternsettle("train", "--out", tmp_path / "m", *arguments, "--horizon", 10)
    assert len(TrialLog(log).on(fingerprint_of(bars))) == 2


def test_what_cannot_be_counted_is_not_trained(patternsettle, price_file, tmp_path):
    ended = patternsettle("train", "--data", price_file, "--out", tmp_path / "m", "--trials", tmp_path)
    assert (ended.code, ended.out) == (2, "")
    assert "the trial log" in ended.err
    assert list(tmp_path.iterdir()) == []


def test_what_could_not_be_trained_is_not_counted(patternsettle, price_file, tmp_path):
    log = tmp_path / "trials.jsonl"
    for options in (("--share", 0), ("--replay", 2_900), ("--model", "sklearn.svm:LinearSVC")):
        assert (
            patternsettle("train", "--data", price_file, "--out", tmp_path / "m", "--trials", log, *options).code
            == 2
        )
    assert not log.exists()


def test_what_is_odd_about_its_prices_is_repeated_before_it_trains(patternsettle, price_file, tmp_path):
    head, *rows = price_file.read_text().splitlines()
    cells = [row.split(",") for row in rows]
    split = [
        ",".join([time, *(str(float(price) / 10) for price in prices), volume])
        for time, *prices, volume in cells[1_500:]
    ]
    path = tmp_path / "split.csv"
    path.write_text("\n".join([head, *rows[:1_500], *split]))
    ended = patternsettle("train", "--data", path, "--out", tmp_path / "m", "--json")
    assert ended.code == 0
    assert ended.err.startswith("warning: The price breaks at ")
    assert "1/10 of the close before" in ended.err.splitlines()[0]
