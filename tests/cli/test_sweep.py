"""`patternsettle sweep` tries every combination, shows the best, and goes on wherever it was stopped."""

from __future__ import annotations

import json
import shutil
import signal
import sys
from pathlib import Path

import pytest

from agent.cli import sweeping
from agent.evaluation.sweep.store import Store

TREE = "sklearn.tree:DecisionTreeClassifier"
HELD = """
import signal
import time
from pathlib import Path

from sklearn.naive_bayes import GaussianNB


class Held(GaussianNB):
    def __init__(self, part=0, var_smoothing=1e-9):
        super().__init__(var_smoothing=var_smoothing)
        self.part = part

    def fit(self, X, y, sample_weight=None):
        if self.part == 3 and Path("interrupt").exists():
            signal.raise_signal(signal.SIGINT)  # as if somebody pressed Ctrl-C now
        if self.part == 3 and Path("hold").exists():
            print("held", flush=True)
            time.sleep(60)
        return super().fit(X, y, sample_weight)
"""
BESIDE = """
import numpy as np
from sklearn.naive_bayes import GaussianNB


class Beside(GaussianNB):
    def __init__(self, share=0.0):
        super().__init__()
        self.share = share

    def predict_proba(self, X):
        said = super().predict_proba(X)
        return (1 - self.share) * said + self.share * np.roll(said, 1, axis=0)
"""
PARTS = 4


@pytest.fixture
def sweep(command):
    """Run the command with a log of its own, in this process."""

    def run(*arguments: object):
        return command("sweep", *arguments, "--trials", "trials.jsonl", "--jobs", 1)

    return run


@pytest.fixture(scope="module")
def small(price_file):
    """A sweep of four points."""
    points = ("--model", TREE, "--set", f"{TREE}.max_depth=2,4", "--horizon", "6,12")
    return (*points, "--data", price_file, "--folds", 2, "--out", "kept")


@pytest.fixture(scope="module")
def first(command_in, small, tmp_path_factory):
    """The folder in which it was made, and what it showed."""
    folder = tmp_path_factory.mktemp("first")
    return folder, command_in(folder, "sweep", *small, "--trials", "trials.jsonl", "--jobs", 1)


@pytest.fixture
def known(first, tmp_path):
    """A folder of one's own where all of it is known already."""
    shutil.copytree(first[0], tmp_path / "here", dirs_exist_ok=True)


def test_the_report_says_what_was_tried_and_ends_in_a_verdict(first):
    _, shown = first
    assert (shown.code, shown.err) == (0, "Evaluating 4 points ...\n")
    words = " ".join(shown.out.split())
    assert "eth_usd_1h.csv" in words
    assert "4, of which 4 were tried now and 0 known before kept in kept" in words
    assert "4 on these bars, 0 of them before" in words
    # Words are folded to fit, and no figure is.
    assert max(map(len, shown.out.splitlines())) <= 80
    folded = shown.out.replace(" ", "").replace("\n", "")
    for depth in (2, 4):
        assert folded.count(f"max_depth={depth}") >= 2
    for horizon in (6, 12):
        assert sum(f" 100/100/{horizon} " in line for line in shown.out.splitlines()) >= 2
    assert "gross cost net bps" in words
    assert "dge: p = " in words
    assert "after 4 trials" in words


def test_the_same_command_tries_nothing_again_and_machines_get_one_document(sweep, known, small):
    again = json.loads(sweep(*small, "--json").out)
    assert (again["tried"], again["known"], again["trials"]) == (0, 4, 4)
    assert len(again["points"]) == 4
    assert again["best"]["verdict"] == again["verdict"]
    assert again["points"][0]["p_value"] is not None
    wider = json.loads(sweep(*small, "--take-profit", "100,150", "--top", 3, "--json").out)
    assert (wider["tried"], wider["known"], wider["trials"]) == (4, 4, 8)
    assert [point["p_value"] is None for point in wider["points"]] == [False] * 3 + [True] * 5


def test_a_point_that_fails_is_shown_with_its_reason_and_the_others_stand(sweep, known, small):
    shown = sweep(*small, "--set", f"{TREE}.min_samples_leaf=1,-1")
    assert shown.code == 0
    words = " ".join(shown.out.split())
    assert "8, of which 4 were tried now and 4 known before, 4 failed" in words
    assert "max_depth=2, min_samples_leaf=-1) on eth_usd_1h.csv, 100/100/6, and 1 more trained on" in words
    assert "The 'min_samples_leaf' parameter of DecisionTreeClassifier must be" in words
    document = json.loads(sweep(*small, "--set", f"{TREE}.min_samples_leaf=1,-1", "--retry", "--json").out)
    assert (document["tried"], len(document["failed"]), document["trial_log"]["unfinished"]) == (4, 4, 4)


def test_a_point_whose_model_reads_the_rows_beside_each_has_failed(sweep, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    (tmp_path / "here" / "beside.py").write_text(BESIDE)
    swept = ("--model", "beside:Beside", "--set", "beside:Beside.share=0.0,0.5", "--bars", 1_500, "--folds", 1)
    document = json.loads(sweep(*swept, "--out", "kept", "--json").out)
    assert document["tried"] == 2
    (failed,) = document["failed"]
    assert "share=0.5" in json.dumps(failed).replace('": ', "=")
    assert "answers differently alone than in a batch" in json.dumps(failed)


def test_several_models_and_markets_are_tried_with_each_other(sweep, price_file, tmp_path):
    other = tmp_path / "other.csv"
    rows = Path(price_file).read_text().splitlines()
    other.write_text("\n".join(rows[:1_401]) + "\n")
    files = ("--data", price_file, "--data", other)
    shown = sweep("--model", TREE, "--model", "tree", *files, "--bars", 1_300, "--folds", 2, "--out", "kept")
    assert shown.code == 0
    lines = [line.strip() for line in shown.out.splitlines()]
    # Below the model of each point stands its market.
    assert [lines.count(file) for file in ("eth_usd_1h.csv", "other.csv")] == [2, 2]
    assert sum(line.split()[:1] == ["tree"] for line in lines) == 2


def test_the_same_bars_twice_are_refused(sweep, price_file, tmp_path):
    (tmp_path / "copy.csv").write_bytes(Path(price_file).read_bytes())
    refused = sweep("--model", TREE, "--data", price_file, "--data", tmp_path / "copy.csv", "--out", "kept")
    refused.is_refused("eth_usd_1h.csv and copy.csv are the same bars", "Leave one of them out")


def test_one_point_is_called_one(sweep, known, small):
    shown = sweep(*small, "--sample", 1)
    assert (shown.code, shown.err) == (0, "Evaluating 1 point ...\n")


def test_a_cooldown_without_end_is_refused(sweep, small):
    sweep(*small, "--cooldown", "999999999999999999999").is_refused("--cooldown", "100000")


def test_a_sample_is_drawn_by_the_seed(sweep, small):
    chosen = [json.loads(sweep(*small, "--sample", 2, "--json").out) for _ in range(2)]
    assert [each["tried"] for each in chosen] == [2, 0]
    assert len(chosen[0]["points"]) == 2


def test_in_a_random_walk_there_is_nothing_to_find(sweep):
    shown = sweep("--model", TREE, "--walk", "--bars", 1_500, "--folds", 2, "--horizon", "6,12", "--out", "kept")
    assert "SYNTHETIC: generated, not traded on any market" in shown.out
    assert "No evidence of an edge: " in " ".join(shown.out.split())


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], ["There is no model to sweep.", "--model tree"]),
        (["--model", "tre"], ["there is no model called 'tre'", "Did you mean 'tree'?"]),
        (["--model", "./somewhere"], ["./somewhere is a path, as of a saved model", "patternsettle evaluate"]),
        (["--model", "tree", "--model", "tree"], ["The model tree is asked for twice."]),
        (
            ["--model", "tree", "--set", "tree.max_dept=3"],
            ["has no parameter 'max_dept'", "Did you mean 'max_depth'?"],
        ),
        (["--model", "tree", "--set", "max_depth=3"], ["names no model of the sweep", "Begin it with tree."]),
        (["--model", "tree", "--set", "tree.max_depth"], ["gives no values", "boosting.max_depth=3,5,7"]),
        (["--model", "tree", "--set", "tree.max_depth="], ["gives no values"]),
        (["--model", "tree", "--set", "tree.max_depth=3,3"], ["is asked for twice"]),
        (
            ["--model", "tree", "--set", "tree.max_depth=3", "--set", "tree.estimator__max_depth=4"],
            ["estimator__max_depth of tree is set twice", "one --set"],
        ),
        (["--model", "tree", "--set", "tree.random_state=1,2"], ["--seed"]),
        (["--model", "tree", "--horizon", "6,x"], ["--horizon 6,x is no list of whole numbers", "--horizon 100"]),
        (["--model", "tree", "--take-profit", "100,0"], ["take_profit_bps is 0"]),
        (
            ["--model", "tree", "--stop-loss", "50", "--spread", 60],
            ["no room for a spread of 60 bps", "at least 67 bps", "at most 43 bps"],
        ),
        (["--model", "tree", "--share", 0], ["A share of 0.0 of the bars cannot trade"]),
        (["--model", "tree", "--folds", 40], ["the one point cannot be tried", "--folds"]),
        (["--model", "tree", "--gas", -1], ["gas cannot cost -1.0 bps"]),
        (["--model", "tree", "--market", "ETH/USD"], ["--market chooses from a file"]),
        (["--model", "tree", "--data", "x.csv", "--walk"], ["--walk makes bars and --data reads them."]),
        (["--model", "tree", "--data", "x.csv"], ["x.csv"]),
        (["--model", "tree", "--sample", 0], ["--sample"]),
        (["--model", "tree", "--engine", "spark"], ["--engine"]),
        (["--model", "tree", "--engine", "dask"], ["--engine dask needs a scheduler", "--scheduler"]),
        (["--model", "tree", "--patience", "inf"], ["Nothing waits for inf seconds.", "--patience"]),
        (["--model", "tree", "--patience", "nan"], ["Nothing waits for nan seconds.", "--patience"]),
        (["--model", "tree", "--patience", 86_401], ["Nothing waits for 86401 seconds.", "86,400, a day"]),
        (["--model", "tree", "--patience", 0], ["Nothing waits for 0 seconds.", "0.1"]),
        (
            ["--model", "tree", "--scheduler", "tcp://127.0.0.1:1"],
            ["--scheduler is of a Dask cluster", "--engine dask"],
        ),
        (
            ["--model", "tree", "--engine", "dask", "--scheduler", "tcp://127.0.0.1:1"],
            ["--jobs counts processes of this machine"],
        ),
    ],
    ids=lambda value: " ".join(map(str, value)),
)
def test_what_cannot_be_swept_is_refused_and_nothing_is_written(sweep, tmp_path, arguments, words):
    sweep(*arguments, "--bars", 1_500, "--out", "kept").is_refused(*words)
    assert not any((tmp_path / "here").iterdir())


def test_a_sweep_of_few_points_starts_few_processes_however_many_are_asked_for(command, small, monkeypatch):
    engines = []
    monkeypatch.setattr(sweeping, "sweep", lambda plan, *, engine, **options: engines.append(engine) or 1 / 0)
    with pytest.raises(ZeroDivisionError):
        command("sweep", *small, "--sample", 1, "--trials", "trials.jsonl", "--jobs", 100_000)
    assert [engine.jobs for engine in engines] == [1]


def test_a_folder_where_nothing_can_be_kept_is_refused(sweep, tmp_path):
    (tmp_path / "here" / "file").write_text("")
    sweep("--model", TREE, "--bars", 1_500, "--folds", 2, "--out", "file").is_refused(
        "cannot be kept in file", "--out"
    )


def test_a_folder_in_which_another_sweep_is_at_work_is_refused(sweep, tmp_path):
    with Store(tmp_path / "here" / "kept"):
        sweep("--model", TREE, "--bars", 1_500, "--folds", 2, "--out", "kept").is_refused(
            "Another sweep is at work"
        )


def test_a_scheduler_that_is_not_there_is_refused_in_time(command, tmp_path):
    pytest.importorskip("distributed", reason="Dask is not installed: pip install '.[dask]'")
    cluster = ("--engine", "dask", "--scheduler", "tcp://127.0.0.1:1", "--patience", 0.3)
    refused = command("sweep", "--model", "tree", "--bars", 1_500, "--folds", 2, "--out", "kept", *cluster)
    refused.is_refused("No Dask scheduler answers at tcp://127.0.0.1:1.", "`dask scheduler`", "--patience")
    assert not any((tmp_path / "here").iterdir())


def test_without_dask_it_is_said_how_to_get_it(command, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    cluster = ("--engine", "dask", "--scheduler", "tcp://127.0.0.1:1")
    refused = command("sweep", "--model", "tree", "--bars", 1_500, "--folds", 2, "--out", "kept", *cluster)
    refused.is_refused("pip install ", "[dask]")


@pytest.fixture
def held(terminal):
    """A function that starts a sweep of four points, and returns when it is held up in the third."""
    (terminal.folder / "holding.py").write_text(HELD)
    (terminal.folder / "hold").touch()

    def start(*jobs: str):
        process = terminal.start(*arguments(), *jobs)
        assert "held\n" in iter(process.stderr.readline, "")
        return process

    def arguments() -> tuple[str, ...]:
        parts = ",".join(map(str, range(1, PARTS + 1)))
        swept = (
            "--model",
            "holding:Held",
            "--set",
            f"holding:Held.part={parts}",
            "--bars",
            "1500",
            "--folds",
            "2",
        )
        return ("sweep", *swept, "--out", "kept", "--trials", "trials.jsonl", "--json")

    start.arguments = arguments
    return start


def kept(folder: Path) -> list[str]:
    """The keys of all lines of a store."""
    return [json.loads(line)["key"] for line in (folder / "kept" / "points.jsonl").read_text().splitlines()]


def test_stopped_or_killed_in_the_middle_it_goes_on_and_does_nothing_twice(terminal, held, command, monkeypatch):
    monkeypatch.chdir(terminal.folder)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    interrupt = terminal.folder / "interrupt"
    interrupt.touch()
    stopped = command(*held.arguments(), "--jobs", "1")
    interrupt.unlink()
    assert len(kept(terminal.folder)) == 2
    assert stopped.code == 130
    assert stopped.err.splitlines()[-1] == (
        "patternsettle: interrupted. 2 of 4 points are in kept; the same command does the others."
    )
    assert "Traceback" not in stopped.err

    process = held("--jobs", "2")
    process.kill()
    # Its output only ends when its processes have ended, too, of which one would go on for a minute.
    assert terminal.ended(process).code == -signal.SIGKILL
    known = len(kept(terminal.folder))
    assert known in (2, 3)

    (terminal.folder / "hold").unlink()
    document = json.loads(command(*held.arguments(), "--jobs", "1").out)
    assert (document["tried"], document["known"], document["failed"]) == (PARTS - known, known, [])
    assert len(set(kept(terminal.folder))) == len(kept(terminal.folder)) == PARTS
    assert (document["trials"], document["trial_log"]["unfinished"]) == (PARTS, 0)
