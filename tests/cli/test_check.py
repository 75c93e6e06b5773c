"""`patternsettle check` says whether a model fits in, one sentence for each check, and exits with 1 where one fails."""

from __future__ import annotations

import json
import sys

import pytest
from sklearn.ensemble import GradientBoostingClassifier

from agent.market.synthetic import planted
from agent.model.artifact import save
from agent.model.train import train

BATCH = '''
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline


class OfTheBatch(TransformerMixin, BaseEstimator):
    """Scales rows by the rows they come with."""

    def fit(self, X, y=None):
        self.n_features_in_ = X.shape[1]
        return self

    def transform(self, X):
        return X / (abs(X).max(axis=0) + 1)


def make():
    return make_pipeline(OfTheBatch(), GaussianNB(var_smoothing=1.0))
'''

OWN = '''
import numpy as np
from sklearn.naive_bayes import GaussianNB


class Own(GaussianNB):
    """Brings its own features, one of which is tomorrow's move."""

    feature_names = ("move", "tomorrow")

    def features(self, bars):
        move = (bars.close - bars.open) / bars.open
        return np.column_stack([move, np.append(move[1:], 0)])
'''


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    return save(train(planted(1_500, seed=3)), tmp_path_factory.mktemp("models") / "mine")


@pytest.fixture
def module(command, monkeypatch, tmp_path):
    """Return a function that puts a module where the command is run."""
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.setattr(sys, "path", list(sys.path))

    def write(name: str, text: str) -> None:
        (tmp_path / "here" / f"{name}.py").write_text(text)

    return write


@pytest.fixture(scope="module")
def ended(command_in, saved, tmp_path_factory):
    """A check of a saved model, as a person reads it."""
    return command_in(tmp_path_factory.mktemp("checked"), "check", saved)


def test_a_saved_model_that_fits_in_passes_and_the_exit_code_is_0(ended):
    assert ended.code == 0
    assert ended.out.count("✓") == 16
    assert "✗" not in ended.out
    assert ended.out.endswith("It fits in: all 16 checks passed.\n")
    assert "(p50)" in ended.out


def test_the_document_is_the_same_for_machines_and_nothing_else_is_on_standard_output(command, saved, ended):
    document = json.loads(command("check", saved, "--json").out)
    assert set(document) == {"passed", "checks"}
    assert document["passed"] is True
    assert [set(check) for check in document["checks"]] == [{"name", "passed", "detail"}] * 16
    text = " ".join(ended.out.split())
    assert [check["name"] for check in document["checks"] if check["name"] not in text] == []


def test_what_is_examined_on_synthetic_bars_says_so(command, saved, ended, price_file):
    assert "SYNTHETIC" in ended.out
    shown = command("check", saved, "--data", price_file).out
    assert "examined on 800 bars of eth_usd_1h.csv" in shown
    assert "SYNTHETIC" not in shown


def test_a_factory_is_trained_first(command, price_file):
    ended = command("check", "sklearn.naive_bayes:GaussianNB", "--data", price_file)
    assert ended.code == 0
    assert "Training on eth_usd_1h.csv" in ended.err
    assert "examined on 500 bars of eth_usd_1h.csv" in ended.out


def test_the_seed_reaches_whatever_is_drawn(command):
    model = ("check", "sklearn.dummy:DummyClassifier")
    assert "seed 7," in command(*model).out
    assert "seed 3," in command(*model, "--seed", 3).out


def test_a_model_that_looks_ahead_fails_and_the_exit_code_is_1(command, module):
    module("of_the_batch", BATCH)
    ended = command("check", "of_the_batch:make")
    assert ended.code == 1
    assert ended.out.count("✗") == 4
    assert "training it was refused: the model Pipeline answers differently" in " ".join(ended.out.split())
    assert "✗ One row at a time has the answers of the batch." in ended.out
    assert "knows the future" in ended.out
    assert "step 'ofthebatch'" in " ".join(ended.out.split())
    assert ended.out.endswith("It does not fit in: 4 of 16 checks failed.\n")
    assert "Traceback" not in ended.err


def test_the_feature_that_looks_ahead_is_named_to_machines_too(command, module):
    module("own_features", OWN)
    ended = command("check", "own_features:Own", "--json")
    assert ended.code == 1
    document = json.loads(ended.out)
    assert document["passed"] is False
    wrong = [check for check in document["checks"] if not check["passed"]]
    assert [check["name"].split(" of ")[0] for check in wrong] == [
        "The features",
        "The features",
        "The probabilities",
        "The probabilities",
    ]
    assert wrong[0]["detail"].startswith("'tomorrow' knows the future: bar ")


def test_a_saved_model_may_need_types_to_be_trusted(command, tmp_path):
    made = train(planted(1_500, seed=3), factory=lambda: GradientBoostingClassifier(n_estimators=3))
    path = save(made, tmp_path / "boosted")
    command("check", path).is_refused("--trust sklearn.tree._tree.Tree")
    assert command("check", path, "--trust", "sklearn.tree._tree.Tree").code == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], ["MODEL"]),
        (["nowhere"], ["there is no model called 'nowhere'", "saved ones by their path"]),
        (["./nowhere"], ["there is no model at nowhere"]),
        (["nowhere:make"], ["there is no module 'nowhere'"]),
        (["sklearn.naive_bayes:Gaussian"], ["Did you mean 'GaussianNB'?"]),
        (["sklearn.svm:LinearSVC"], ["has no predict_proba"]),
        (["json:loads"], ["It is called without arguments."]),
        (["sklearn.naive_bayes:GaussianNB", "--trust", "x.Y"], ["--trust is about a saved model"]),
        (["sklearn.naive_bayes:GaussianNB", "--market", "ETH/USD"], ["--market chooses from a file"]),
        (["sklearn.naive_bayes:GaussianNB", "--data", "no.csv"], ["no.csv"]),
        (["sklearn.naive_bayes:GaussianNB", "--seed", "-1"], ["--seed"]),
        (["two", "models"], ["models"]),
    ],
    ids=" ".join,
)
def test_what_cannot_be_examined_is_refused(command, arguments, words):
    command("check", *arguments).is_refused(*words)


def test_too_few_bars_are_refused(command, tmp_path):
    lines = [f"{1_700_006_400 + 3_600 * n},{100 + n % 7},{110},{90},{100 + (n + 1) % 7},1" for n in range(300)]
    file = tmp_path / "short.csv"
    file.write_text("\n".join(["time,open,high,low,close,volume", *lines]) + "\n")
    command("check", "sklearn.naive_bayes:GaussianNB", "--data", file).is_refused("300 bars are too few", "1000")


def test_real_bars_serve_as_well(command, saved, shared_file):
    ended = command("check", saved, "--data", shared_file("eth_usd_1h_kraken.csv"), "--json")
    assert ended.code == 0
    assert json.loads(ended.out)["passed"] is True


def test_a_model_that_is_none_is_refused_before_the_file_is_read(command, module):
    module("my_makers", "from sklearn.naive_bayes import GaussianNB\n\n\ndef make():\n    return GaussianNB()\n")
    for model, said in (
        ("my_makers:xyzzy", "my_makers has no 'xyzzy'. It has: make."),
        ("sklearn.svm:LinearSVC", "has no predict_proba"),
        ("./nowhere", "there is no model at nowhere"),
    ):
        ended = command("check", model, "--data", "no.csv")
        ended.is_refused(said)
        assert len(ended.err.splitlines()) == 1


@pytest.mark.parametrize(
    "arguments",
    [("check",), ("evaluate",), ("train", "--out", "m", "--model"), ("sweep", "--out", "s", "--model")],
)
@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("importing_fails", "x = no_such_name\n", "NameError in importing_fails, line 1"),
        (
            "making_fails",
            "def make():\n    raise RuntimeError('boom')\n",
            "RuntimeError in making_fails, line 2: boom. Mend",
        ),
        (
            "importing_ends",
            "import sys\nsys.exit(0)\n",
            "ended the process in importing_ends, line 2: SystemExit 0. Mend",
        ),
        (
            "making_ends",
            "def make():\n    raise SystemExit\n",
            "ended the process in making_ends, line 2: SystemExit. Mend",
        ),
    ],
)
def test_a_mistake_in_a_module_of_ones_own_is_one_line_in_every_command(
    command, module, price_file, arguments, name, text, said
):
    module(name, text)
    sys.modules.pop(name, None)
    data = ("--data", price_file) if arguments[0] == "train" else ()
    command(*arguments, f"{name}:make", *data).is_refused(said)


ENDS = """
import sys

from sklearn.naive_bayes import GaussianNB


class Ends(GaussianNB):
    def predict_proba(self, X):
        sys.exit(0)


class Unsaved(GaussianNB):
    def __getstate__(self):
        sys.exit(0)
"""


def test_a_model_that_would_end_the_process_fails_and_the_exit_code_is_1(command, module):
    module("ends_it", ENDS)
    ended = command("check", "ends_it:Ends")
    assert ended.code == 1
    assert "it ended the process in ends_it, line 9: SystemExit 0." in ended.out
    assert "ended the process" in ended.out.split("Its features match its manifest.")[1]


def test_code_that_ends_the_process_where_none_is_expected_is_one_line(command, module, price_file):
    module("ends_it", ENDS)
    command("train", "--data", price_file, "--out", "m", "--model", "ends_it:Unsaved").is_refused(
        "the classifier Unsaved cannot be saved: it ended the process in ends_it, line 14: SystemExit 0."
    )
