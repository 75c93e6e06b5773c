"""`patternsettle demo`, end to end: what it prints, on which bars and chains, and that the same gives the same."""

from __future__ import annotations

import json
import os
import re
from datetime import datetime
from typing import Any

import pytest

KEYS = {
    "data": {"source", "synthetic", "bars", "first", "last"},
    "model": {"id", "name", "artifact_sha256", "trained_until"},
    "chain": {"client", "chain_id", "blocks", "gas_used"},
    "decisions": {"signal", "hold"},
    "books": {"balanced", "rebuilt_from_events", "tokens"},
    "result": {"quote", "buy_and_hold", "random_entry"},
    "gas": {"open", "close"},
    "seconds": {"setup", "train", "replay"},
}
TRADE = {
    "mandate",
    "side",
    "patterns",
    "confidence_bps",
    "opened_at",
    "closed_at",
    "given",
    "taken",
    "returned",
    "barrier",
    "open_tx",
    "close_tx",
}
HASHED = {"mandate", "open_tx", "close_tx"}  # what came before on the chain is in these
ESCAPE = "\x1b"


def trades_of(document: dict[str, Any]) -> list[dict[str, Any]]:
    """The settled trades, less what hashes the chain's own history in."""
    return [{key: trade[key] for key in TRADE - HASHED} for trade in document["trades"]]


class TestOneJsonDocument:
    @pytest.fixture
    def document(self, piped) -> dict[str, Any]:
        return json.loads(piped.out)

    def test_is_all_there_is_on_standard_output(self, piped):
        assert piped.code == 0
        assert piped.out == json.dumps(json.loads(piped.out), indent=2, ensure_ascii=False) + "\n"

    def test_progress_goes_to_standard_error(self, piped):
        said = piped.err.splitlines()
        assert [line.split()[0] for line in said] == ["Training", "Replaying"]
        assert all(line.endswith(" ...") for line in said)

    def test_says_that_the_run_was_not_interrupted(self, document):
        assert document["interrupted"] is False

    def test_has_every_key_that_programs_rely_on(self, document):
        assert {"bars_replayed", "trades", "refused"} <= document.keys()
        assert {key: document[key].keys() & wanted for key, wanted in KEYS.items()} == KEYS
        assert len(document["trades"]) > 1
        assert all(trade.keys() >= TRADE for trade in document["trades"])
        for call in ("open", "close"):
            assert document["gas"][call].keys() == {"n", "min", "median", "max"}

    def test_accounts_for_every_bar(self, document):
        decisions = document["decisions"]
        assert decisions["signal"] + sum(decisions["hold"].values()) == document["bars_replayed"] == 40

    def test_says_that_its_bars_are_synthetic(self, document):
        assert document["data"]["synthetic"] is True
        assert document["data"]["source"].startswith("synthetic ")
        assert document["result"]["verdict"].endswith("The bars are synthetic.")

    def test_gives_times_in_utc_and_in_order(self, document):
        data, model = document["data"], document["model"]
        for trade in document["trades"]:
            moments = [
                data["first"],
                model["trained_until"],
                trade["opened_at"],
                trade["closed_at"],
            ]
            assert moments == sorted(moments)
            assert all(moment.endswith("Z") and datetime.fromisoformat(moment) for moment in moments)

    def test_gives_amounts_as_whole_numbers_in_text(self, document):
        result, trades = document["result"], document["trades"]
        amounts = [trade[key] for trade in trades for key in ("given", "taken", "returned")]
        amounts += [result[key] for key in ("quote", "buy_and_hold", "random_entry")]
        amounts += [each[key] for each in document["books"]["tokens"].values() for key in ("held", "owed")]
        assert all(re.fullmatch(r"-?\d+", amount) for amount in amounts)

    def test_its_books_balance(self, document):
        books = document["books"]
        assert books["balanced"] is books["rebuilt_from_events"] is True
        assert len(books["tokens"]) == 2
        assert all(each["held"] == each["owed"] != "0" for each in books["tokens"].values())

    def test_names_each_barrier_and_side_in_the_projects_words(self, document):
        assert {trade["barrier"] for trade in document["trades"]} <= {"take_profit", "stop_loss", "horizon"}
        assert {trade["side"] for trade in document["trades"]} <= {"long", "short"}
        assert document["gas"]["open"]["n"] <= len(document["trades"]) + len(document["open_trades"])

    def test_is_the_same_for_the_same_seed_and_another_for_another(self, document, command):
        again = json.loads(command("demo", "--json", "--bars", "40").out)
        other = json.loads(command("demo", "--json", "--bars", "40", "--seed", "8").out)
        for key in document.keys() - {"seconds", "journal"}:
            assert again[key] == document[key], key
        assert other["trades"] != document["trades"]


class TestAReaderOfText:
    def test_in_a_pipe_sees_no_escape_codes_no_litter_and_no_line_too_long(self, command, monkeypatch):
        monkeypatch.setenv("TERM", "xterm-256color")
        monkeypatch.setenv("COLORTERM", "truecolor")
        shown = command("demo", "--bars", "30")
        assert shown.code == 0
        assert ESCAPE not in shown.out + shown.err
        lines = shown.out.splitlines()
        assert all(line == line.rstrip() for line in lines)
        assert max(map(len, lines)) <= 80
        assert "SYNTHETIC: generated, not traded on any market" in shown.out

    def test_who_asks_for_no_colour_gets_none_on_a_terminal_either(self, terminal):
        def shown(**asked: str) -> bytes:
            ours, theirs = os.openpty()
            process = terminal.start("models", stdout=theirs, env={"TERM": "xterm-256color", **asked})
            os.close(theirs)
            seen = drained(ours)
            assert process.wait() == 0
            return seen

        assert ESCAPE.encode() in shown()
        assert ESCAPE.encode() not in shown(NO_COLOR="1")

    def test_on_a_terminal_sees_colours_and_a_moving_bar(self, terminal):
        ours, theirs = os.openpty()
        process = terminal.start(
            "demo", "--bars", "5", stdout=theirs, stderr=theirs, env={"TERM": "xterm-256color"}
        )
        os.close(theirs)
        seen = drained(ours)
        assert process.wait() == 0
        assert b"Replaying 5 bars \x1b[" in seen
        assert b"\x1b[1mbooks" in seen


def drained(descriptor: int) -> bytes:
    """Everything that is written to a pseudo-terminal until its other end is closed."""
    seen = b""
    with open(descriptor, "rb", buffering=0) as stream:
        while True:
            try:
                seen += (read := stream.read(65_536))
            except OSError:  # Linux: the other end is closed
                return seen
            if not read:
                return seen


class TestBars:
    def test_a_random_walk_claims_no_edge(self, command):
        document = json.loads(command("demo", "--walk", "--bars", "10", "--json").out)
        assert document["data"]["source"].startswith("synthetic random walk")
        assert document["result"]["edge"] is False
        assert document["result"]["verdict"].startswith("No evidence of an edge")

    def test_real_ones_are_replayed_as_they_are(self, command, shared_file):
        ended = command("demo", "--data", shared_file("eth_usd_1h_coinbase.csv"), "--bars", "10", "--json")
        document = json.loads(ended.out)
        assert document["data"]["synthetic"] is False
        assert document["data"]["source"] == "eth_usd_1h_coinbase.csv"
        assert document["data"]["last"] == "2019-06-04T01:00:00Z"
        assert document["books"]["balanced"] is True
        assert "synthetic" not in document["result"]["verdict"]

    def test_of_a_table_with_several_markets_one_is_named(self, command, shared_file):
        file = shared_file("btc_eth_usdt_5m_wide.csv")
        document = json.loads(command("demo", "--data", file, "--market", "ETH/USDT", "--bars", "5", "--json").out)
        assert document["data"]["market"] == "ETH/USDT"
        assert document["data"]["bars"] == 10_369

    def test_warnings_about_a_file_are_said_on_standard_error(self, command, shared_file):
        ended = command("demo", "--data", shared_file("eur_usd_15m_mt5.csv"), "--bars", "5", "--json")
        json.loads(ended.out)
        assert "warning: Column 'Volume' is 0 in every row" in ended.err


@pytest.fixture(scope="module")
def saved(command_in, price_file, tmp_path_factory):
    """A model that has not seen the last 40 bars of the file of prices."""
    folder = tmp_path_factory.mktemp("models")
    assert command_in(folder, "train", "--data", price_file, "--out", "mine", "--replay", "40").code == 0
    return folder / "mine"


class TestModels:
    def test_a_saved_one_trades_on_what_it_has_not_seen(self, command, saved, price_file):
        document = json.loads(
            command("demo", "--data", price_file, "--model", saved, "--bars", "40", "--json").out
        )
        assert document["model"]["name"] == "mine"
        assert document["bars_replayed"] == 40
        assert document["seconds"]["train"] < 5

    def test_one_trained_on_the_replayed_bars_is_refused(self, command, saved, price_file):
        ended = command("demo", "--data", price_file, "--model", saved, "--bars", "120")
        ended.is_refused("trained on data until", "it would trade on its own past", "--bars")

    def test_one_of_another_interval_is_refused(self, command, saved, shared_file):
        file = shared_file("btc_eth_usdt_5m_wide.csv")
        ended = command("demo", "--data", file, "--market", "ETH/USDT", "--model", saved)
        ended.is_refused("trained on bars of 3600 s", "300 s", "train on these")


class TestNodes:
    @pytest.mark.clients
    def test_another_node_gives_the_same_trades_to_the_smallest_unit_however_often(self, piped, command, anvil):
        here = json.loads(piped.out)
        for _ in range(2):
            there = json.loads(command("demo", "--bars", "40", "--rpc", anvil, "--json").out)
            assert there["chain"]["client"].startswith("anvil/")
            assert there["books"]["balanced"] is True
            assert trades_of(there) == trades_of(here)
            for key in ("decisions", "refused", "bars_replayed"):
                assert there[key] == here[key], key
            counted = {"p_value", "trials", "verdict"}  # each run on a node of one's own is a trial more
            assert {key: value for key, value in there["result"].items() if key not in counted} == {
                key: value for key, value in here["result"].items() if key not in counted
            }
        assert len(here["trades"]) > 1
