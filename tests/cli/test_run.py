"""`patternsettle run`: the desk alone, and the journal that stays."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from agent.cli.run import JOURNAL
from agent.desk.entries import Kind
from agent.desk.journal import Journal

BARS = 24


def test_without_anything_it_says_what_to_give(command):
    command("run").is_refused("nothing to trade on", "--data FILE", "--rpc URL")
    assert list(Path.cwd().iterdir()) == []


@pytest.fixture(scope="module")
def ended_run(command_in, price_file, tmp_path_factory):
    """The folder in which a run was made, and its report."""
    folder = tmp_path_factory.mktemp("ended")
    return folder, json.loads(command_in(folder, *run_on(price_file)).out)


def run_on(file):
    return ("run", "--data", file, "--bars", BARS, "--json")


def test_bars_of_a_file_are_traded_and_journalled_in_the_folder_it_is_run_in(ended_run):
    folder, document = ended_run
    assert document["bars_replayed"] == BARS
    assert document["books"]["balanced"] is True
    assert document["data"]["synthetic"] is False
    assert document["journal"]["place"] == JOURNAL
    with Journal.open(folder / JOURNAL, readonly=True) as journal:
        verified = journal.verify()
        assert (verified.rows, verified.head) == (document["journal"]["rows"], document["journal"]["head"])
        assert sum(row.kind == Kind.DECISION.value for row in journal.rows()) == BARS


def test_a_second_run_goes_on_in_the_same_journal(ended_run, command, price_file):
    folder, first = ended_run
    shutil.copy(folder / JOURNAL, JOURNAL)
    second = json.loads(command(*run_on(price_file)).out)
    assert second["journal"]["rows"] == 2 * first["journal"]["rows"]
    with Journal.open(JOURNAL, readonly=True) as journal:
        assert journal.verify().head == second["journal"]["head"]


def test_the_same_bars_give_the_same_trades_as_in_the_demo(ended_run, command, price_file):
    demo = json.loads(command("demo", "--data", price_file, "--bars", BARS, "--json").out)
    assert demo["trades"] == ended_run[1]["trades"] != []


class TestOnAChainThatReplays:
    def test_the_next_bars_are_traded(self, command, replaying):
        ended = command("run", "--rpc", replaying, "--bars", "2", "--json")
        document = json.loads(ended.out)
        assert document["bars_replayed"] == 2
        assert document["books"]["balanced"] is True
        assert document["data"]["last"] > document["model"]["trained_until"]
        assert [line.split()[0] for line in ended.err.splitlines()] == ["Following", "Training"]

    @pytest.mark.parametrize("name", ["run", "demo"])
    def test_bars_of_ones_own_are_refused(self, name, command, replaying, price_file):
        ended = command(name, "--rpc", replaying, "--data", price_file, "--journal", "own.sqlite")
        ended.is_refused("replays bars of its own", "patternsettle chain")
        assert list(Path.cwd().iterdir()) == []

    def test_a_model_that_has_seen_them_is_refused(self, command, replaying, price_file):
        assert command("train", "--data", price_file, "--out", "later", "--replay", "0").code == 0
        command("run", "--rpc", replaying, "--model", "later").is_refused("trade on its own past")
        assert [each.name for each in Path.cwd().iterdir()] == ["later"]


@pytest.mark.clients
def test_a_node_that_replays_nothing_needs_bars(command, anvil, price_file):
    command("run", "--rpc", anvil, "--journal", ":memory:").is_refused("replays no bars", "--data FILE")
    given = command("run", "--rpc", anvil, "--data", price_file, "--bars", "5", "--json")
    assert json.loads(given.out)["books"]["balanced"] is True
