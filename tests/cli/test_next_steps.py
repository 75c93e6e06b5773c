"""What a command says can be typed next works as it is typed."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest

from agent.cli.next_steps import on_a_sample, typed


def told(out: str) -> list[list[str]]:
    """The arguments of each command under the last `Next:`."""
    _, _, rest = out.rpartition("Next:\n")
    lines = [shlex.split(line) for line in rest.splitlines()]
    assert lines
    assert all(line[0] == "patternsettle" for line in lines)
    return [line[1:] for line in lines]


@pytest.mark.parametrize(
    "first",
    [
        ("demo", "--bars", "30"),
        ("evaluate", "tree", "--bars", "2500"),
        ("data", "--sample", "prices.csv"),
    ],
    ids=" ".join,
)
def test_each_command_told_can_be_typed(first, command):
    for each in told(command(*first).out):
        assert command(*each).code in (0, 1), each


def test_from_a_file_it_goes_on_with_that_file_read_in_the_same_way(command):
    command("data", "--sample", "prices.csv")
    rows = Path("prices.csv").read_text().replace("time,", "Beginn,", 1)
    Path("my prices.csv").write_text(rows)
    read = ("--data", "my prices.csv", "--columns", "time=Beginn")

    [training] = told(command("evaluate", "tree", *read, "--folds", "2").out)
    trained = command(*training)
    [replaying] = told(trained.out)
    replayed = command(*replaying)

    assert (trained.code, replayed.code) == (0, 0), trained.err + replayed.err
    assert {*read} <= {*training} & {*replaying} & {*told(replayed.out)[0]}


def test_a_model_that_left_nothing_out_is_not_replayed_next(command):
    command("data", "--sample", "prices.csv")
    trained = command("train", "--data", "prices.csv", "--replay", "0", "--out", "all.psm")
    assert told(trained.out) == [["check", "all.psm", "--data", "prices.csv"]]


@pytest.mark.parametrize("first", [("demo", "--bars", "30"), ("data", "--sample", "prices.csv")], ids=" ".join)
def test_machines_get_one_document_and_nothing_after_it(first, command):
    assert json.loads(command(*first, "--json").out)


def test_what_an_option_is_unless_given_is_left_out():
    assert typed("demo", data="a b.csv", stamped="start", columns=None) == "patternsettle demo --data 'a b.csv'"
    assert typed("demo", trust=("a", "b")) == "patternsettle demo --trust a --trust b"
    assert typed("demo", date_order="dmy", bars=0) == "patternsettle demo --date-order dmy --bars 0"


def test_a_sample_that_is_there_is_not_made_again(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert list(on_a_sample("x")) == ["patternsettle data --sample prices.csv", "x"]
    (tmp_path / "prices.csv").touch()
    assert list(on_a_sample("x")) == ["x"]
