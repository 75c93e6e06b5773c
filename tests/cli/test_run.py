"""`patternsettle run`: the desk alone, and the journal that stays."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from agent.cli.run import JOURNAL
from agent.desk.entries import Kind
from agent.desk.journal import Journal


def test_without_anything_it_says_what_to_give(command):
    command("run").is_refused("nothing to trade on", "--data FILE", "--rpc URL")
    assert list(Path.cwd().iterdir()) == []


def test_bars_of_a_file_are_traded_and_journalled_in_the_folder_it_is_run_in(command, price_file):
    document = json.loads(command("run", "--data", price_file, "--bars", "60", "--json").out)
    assert document["bars_replayed"] == 60
    assert document["books"]["balanced"] is True
    assert document["data"]["synthetic"] is False
    assert document["journal"]["place"] == JOURNAL
    with Journal.open(JOURNAL, readonly=True) as journal:
        verified = journal.verify()
        assert (verified.rows, verified.head) == (document["journal"]["rows"], document["journal"]["head"])
        assert sum(row.kind == Kind.DECISION.value for row in journal.rows()) == 60


def test_a_second_run_goes_on_in_the_same_journal(command, price_file):
    first, second = (
        json.loads(command("run", "--data", price_file, "--bars", "30", "--json").out)["journal"] for _ in range(2)
    )
    assert second["rows"] == 2 * first["rows"]
    with Journal.open(JOURNAL, readonly=True) as journal:
        assert journal.verify().head == second["head"]


def test_the_same_bars_give_the_same_trades_as_in_the_demo(command, price_file):
    documents = [
        json.loads(command(name, "--data", price_file, "--bars", "80", "--journal", ":memory:", "--json").out)
        for name in ("run", "demo")
    ]
    assert documents[0]["trades"] == documents[1]["trades"] != []


class TestOnAChainThatReplays:
    def test_the_next_bars_are_traded(self, command, replaying):
        ended = command("run", "--rpc", replaying, "--bars", "5", "--json")
        document = json.loads(ended.out)
        assert document["bars_replayed"] == 5
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
    given = command("run", "--rpc", anvil, "--data", price_file, "--bars", "20", "--json")
    assert json.loads(given.out)["books"]["balanced"] is True
