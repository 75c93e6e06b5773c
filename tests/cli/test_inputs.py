"""`--input`: bars of another market come from a file of their own, and what has no live source is refused by name."""

from __future__ import annotations

import json
import shlex
import sys

import pytest

from agent.market.bars import Bars
from agent.market.synthetic import planted, random_walk

MODULE = '''
import numpy as np
from sklearn.naive_bayes import GaussianNB

from agent.model.inputs import Input


class Beside(GaussianNB):
    """How another market has moved over its last eight bars."""

    feature_names = ("moved",)
    window = 40
    inputs = {"btc": Input(market="BTC/USD")}

    def features(self, bars, btc):
        close = btc.bars.close.astype(float)
        return btc.at(np.append(np.full(8, np.nan), close[8:] / close[:-8])[: len(close)])[:, None]
'''


def written(bars: Bars, path, market: str = ""):
    rows = ["time,open,high,low,close,volume" + (",symbol" if market else "")]
    for place in range(len(bars)):
        bar = bars.bar(place)
        prices = [f"{bars.decimal(price):f}" for price in (bar.open, bar.high, bar.low, bar.close)]
        rows.append(",".join([str(bar.time), *prices, "1", *([market] if market else [])]))
    path.write_text("\n".join(rows) + "\n")
    return path


@pytest.fixture
def files(command, monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.setattr(sys, "path", list(sys.path))
    (tmp_path / "here" / "two_markets.py").write_text(MODULE)
    yield (
        written(planted(1_500, seed=5), tmp_path / "eth.csv"),
        written(random_walk(1_500, seed=6), tmp_path / "btc.csv"),
    )
    sys.modules.pop("two_markets", None)


def test_a_model_of_two_markets_is_checked_trained_and_shown(command, files, tmp_path):
    ours, other = files
    given = ("--data", ours, "--input", f"btc={other}")
    assert command("check", "two_markets:Beside", *given).code == 0
    saved = tmp_path / "both.psm"
    assert command("train", "--model", "two_markets:Beside", *given, "--out", saved, "--replay", 60).code == 0
    trust = ("--trust", "two_markets.Beside")
    shown = command("demo", "--model", saved, *given, "--bars", 30, *trust, "--json")
    assert (shown.code, json.loads(shown.out)["model"]["name"]) == (0, "both")


def test_what_comes_next_names_the_inputs_too_and_works_as_typed(command, files, tmp_path):
    ours, other = files
    given = ("--data", ours, "--input", f"btc={other}")
    saved = tmp_path / "both.psm"
    shown = command("train", "--model", "two_markets:Beside", *given, "--out", saved, "--replay", 60)
    [line] = [line for line in shown.out.partition("Next:")[2].splitlines() if line.strip()]
    program, *typed = shlex.split(line)
    assert program == "patternsettle"
    assert f"btc={other}" in typed
    assert command(*typed, "--json").code == 0


def test_without_its_file_it_is_asked_for(command, files):
    command("evaluate", "two_markets:Beside", "--data", files[0], "--folds", 1).is_refused(
        "reads 'btc', bars of BTC/USD, and was given none", "--input btc=FILE"
    )


def test_a_file_of_another_market_is_not_taken_for_it(command, files, tmp_path):
    doge = written(random_walk(1_500, seed=7), tmp_path / "doge.csv", market="DOGE/USD")
    ended = command(
        "train", "--model", "two_markets:Beside", "--data", files[0], "--input", f"btc={doge}", "--out", "x"
    )
    ended.is_refused("DOGE/USD")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("--input", "btc"), "names no file"),
        (("--input", "btc=https://prices.example/btc.csv"), "is an address, not a file"),
        (("--input", "btc=~nobody-of-this-name/btc.csv"), "is in the home of somebody unknown"),
        (("--input", "gold=gold.csv"), "no input of that name"),
        (("--input", "btc=a.csv", "--input", "btc=b.csv"), "gives one name twice"),
    ],
)
def test_what_is_no_input_is_refused(command, files, given, said):
    command("train", "--model", "two_markets:Beside", "--data", files[0], "--out", "x", *given).is_refused(said)


def test_an_input_without_bars_to_stand_beside_is_refused(command, files):
    given = ("two_markets:Beside", "--input", f"btc={files[1]}")
    command("check", *given).is_refused("--input stands beside a price file")
    command("demo", "--model", *given).is_refused("--input stands beside a price file")


def test_run_refuses_by_name_what_nothing_streams(command, files):
    command("run", "--rpc", "http://127.0.0.1:1", "--model", "two_markets:Beside").is_refused(
        "the input 'btc', bars of BTC/USD, which have no live source"
    )
