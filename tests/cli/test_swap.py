"""`patternsettle swap`, while a desk runs in another process: what it says, what it waits for, and what a kill leaves behind."""

from __future__ import annotations

import io
import json
import threading
import time
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from agent.cli import run_command
from agent.desk.entries import Kind
from agent.desk.journal import Journal
from agent.desk.place import Place
from agent.desk.store import has_writer
from agent.market.bars import Bars
from agent.model.artifact import save
from agent.model.train import train

SPEED = 2  # bars a second
PATIENCE = 60.0
WAITS = "Waiting for the desk ..."


@dataclass(frozen=True)
class Said:
    """What a command in this process said."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        return json.loads(self.out)


def say(*arguments: object) -> Said:
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = run_command([str(argument) for argument in arguments])
    return Said(code, out.getvalue(), err.getvalue())


def until(what: Callable[[], object], process: Any) -> None:
    deadline = time.monotonic() + PATIENCE
    while not what():
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < deadline
        time.sleep(0.05)  # another process: there is nothing to wait on


@dataclass(frozen=True)
class Lived:
    """What was said while a desk ran, was killed, and ran again."""

    folder: Path
    said: dict[str, Said]
    again: dict[str, Any]


@pytest.fixture(scope="module")
def lived(series: Bars, replayed: Any, shared_terminal: Any) -> Lived:
    """Swap, agree, go back, swap again; kill the desk while it shadows; start another on the same journal."""
    folder, said = shared_terminal.folder, {}
    journal, second = folder / "journal.sqlite", folder / "second"
    first = train(series[:950], seed=1, name="first")
    save(first, folder / "first")
    save(replace(first, manifest=replace(first.manifest, name="second", threshold_bps=1)), second)
    asked = ("--journal", journal)
    said["too early"] = say("swap", second, *asked)
    with replayed(bars_per_second=SPEED) as url:
        desk = shared_terminal.start("run", "--rpc", url, "--model", "first", "--journal", journal.name)
        until(lambda: journal.exists() and has_writer(Place.parse(journal)), desk)
        said["swap"] = say("swap", second, *asked, "--shadow-bars", "2", "--wait", "--json")
        said["status"] = say("swap", "--status", "--json", *asked)
        said["agree"] = say("swap", "--agree", "2", "--json", *asked)
        said["back"] = say("swap", "--back", *asked)
        said["shadow"] = say("swap", second, "--shadow-bars", "10000", "--json", *asked)
        said["second request"] = say("swap", second, *asked)
        said["shadowing"] = say("swap", "--status", *asked)
        desk.kill()
        desk.wait()
        said["killed"] = say("swap", "--status", *asked)
        said["too late"] = say("swap", "--back", *asked)
        again = say("run", "--rpc", url, "--model", folder / "first", "--bars", "1", "--json", *asked)
    assert again.code == 0, again.err
    return Lived(folder, said, again.document)


def phases(story: dict[str, Any]) -> list[str]:
    return [step["phase"] for step in story["steps"]]


class TestADeskThatRuns:
    def test_takes_the_new_model_and_tells_each_step(self, lived: Lived):
        said = lived.said["swap"]
        assert said.code == 0
        assert said.err.splitlines() == [WAITS]
        story = json.loads(said.out)
        assert phases(story)[:5] == ["requested", "checked", "registered", "shadowed", "switched"]
        assert story["steps"][3]["bars"] >= 2
        assert story["steps"][4]["moved"] == [1]
        assert (story["name"], story["over"]) == ("second", True)

    def test_misses_no_bar_meanwhile(self, lived: Lived):
        with Journal.open(lived.folder / "journal.sqlite", readonly=True) as journal:
            run = next(iter(journal.rows())).run
            decided = [row.entry for row in journal.rows(Kind.DECISION, run=run)]
            assert journal.verify().rows > len(decided)
        closed = [entry.bar_time for entry in decided]
        assert closed == list(range(closed[0], closed[-1] + 1, 3_600))

    def test_shows_how_things_stand(self, lived: Lived):
        document = lived.said["status"].document
        story = lived.said["swap"].document
        assert document["running"] is True
        assert document["live"] == story["model"]
        assert phases(document["swaps"][0])[-1] == "offered"

    def test_moves_an_owner_who_agrees(self, lived: Lived):
        story = lived.said["agree"].document
        assert phases(story) == ["requested", "moved"]
        assert story["steps"][1]["owners"] == [2]

    def test_goes_back_with_one_command(self, lived: Lived):
        said = lived.said["back"]
        assert said.code == 0
        assert "first is the live model, from the next bar on" in said.out

    def test_tells_whoever_asks_why_it_does_not_do_it(self, lived: Lived):
        said = lived.said["second request"]
        assert (said.code, said.out) == (2, "")
        [waits, refused] = said.err.splitlines()
        assert waits == WAITS
        assert refused.startswith("patternsettle: The desk did not do it: Another swap is under way, to ")

    def test_does_not_keep_who_asks_waiting_for_the_shadow(self, lived: Lived):
        story = lived.said["shadow"].document
        assert phases(story) == ["requested", "checked", "registered"]
        assert "in the shadow: " in lived.said["shadowing"].out


class TestADeskThatWasKilled:
    def test_is_shown_as_it_stood(self, lived: Lived):
        out = lived.said["killed"].out
        assert "not running" in out
        assert "not done: the run has ended" in out
        assert max(map(len, out.splitlines())) <= 80

    def test_is_asked_for_nothing_any_more(self, lived: Lived):
        for name in ("too early", "too late"):
            said = lived.said[name]
            assert said.code == 2
            assert said.err.count("\n") == 1
        assert "No desk is running with the journal" in lived.said["too late"].err

    def test_begins_clean_again_and_says_what_was_left_undone(self, lived: Lived):
        [story] = lived.again["swaps"]
        assert phases(story) == ["unfinished"]
        assert "begins anew: ask again" in story["steps"][0]["reason"]
        assert story["steps"][0]["place"] == "second"
        assert lived.again["model"]["name"] == "first"
        assert lived.again["books"]["balanced"] is True

    def test_leaves_no_request_behind(self, lived: Lived):
        assert list((lived.folder / "journal.sqlite-swap").iterdir()) == []


class TestWhatIsAskedFor:
    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            ([], ("nothing to ask the desk for", "--status")),
            (["model", "--back"], ("several things at once",)),
            (["--status", "--agree", "2"], ("several things at once",)),
            (["--revoke", "--agree", "2"], ("--revoke", "--back")),
            (["--back", "--shadow-bars", "3"], ("--shadow-bars is about a model",)),
            (["--back", "--wait"], ("--wait is about a model",)),
            (["--agree", "1", "--trust", "a.Type"], ("--trust is about a model",)),
            (["--back", "--journal", ":memory:"], ("in memory", "--journal")),
            (["--back", "--journal", "postgresql://host/database"], ("--requests FOLDER", "patternsettle run")),
            (["--back"], ("No desk is running", "patternsettle run")),
            (["--status"], ("There is no journal at", "patternsettle.sqlite")),
        ],
    )
    def test_is_refused_in_one_line_where_it_cannot_be_meant(
        self, arguments: list[str], words: tuple[str, ...], command: Any
    ):
        command("swap", *arguments).is_refused(*words)
        assert list(Path.cwd().iterdir()) == []

    def test_is_refused_by_the_words_of_whoever_loads_the_model(self, command: Any, price_file: Path):
        with Journal.open("journal.sqlite"):  # as a desk that runs
            ended = command("swap", price_file, "--journal", "journal.sqlite")
        ended.is_refused("eth_usd_1h.csv is a file of prices by its name, not a model")


class TestADeskThatEndsBeforeItTakesARequest:
    def test_gives_it_back(self, command: Any, tmp_path: Path):
        journal = Journal.open("journal.sqlite")  # a desk that runs, and never looks
        ending = threading.Timer(0.3, journal.close)
        ending.start()
        ended = command("swap", "--back", "--journal", "journal.sqlite")
        ending.join()
        assert ended.code == 2
        assert "The desk has ended, and the request was taken back." in ended.err
        assert list(Path("journal.sqlite-swap").iterdir()) == []


class TestOptionsOfARun:
    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            (["run", "--data", "p.csv", "--watch"], ("--watch looks at a saved model", "--model")),
            (["demo", "--swap-to", "tree"], ("--swap-at",)),
            (["demo", "--bars", "10", "--swap-at", "10"], ("after 10 bars, and 10 are replayed",)),
        ],
    )
    def test_that_contradict_each_other_are_refused(
        self, arguments: list[str], words: tuple[str, ...], command: Any
    ):
        command(*arguments).is_refused(*words)

    def test_plan_no_swap_on_a_chain_that_goes_on_by_itself(self, command: Any, replaying: str):
        command("demo", "--rpc", replaying, "--swap-at", "3").is_refused("goes on by itself", "patternsettle swap")


def test_a_swap_in_the_middle_of_a_demo_is_in_its_report(command: Any):
    ended = command("demo", "--bars", "24", "--swap-at", "8", "--swap-to", "tree", "--shadow-bars", "8")
    assert ended.code == 0
    shown = " ".join(ended.out.split())
    assert "swap Swap to tree" in shown
    assert "fits in: all " in shown
    assert "heard for 8 bars, and agreed with the live model on " in shown
    assert "live from the next bar on; owner 1 moved" in shown
    assert "owner 2 did not agree, stays, and is offered it: take-profit 1.00 %" in shown
    assert "bars: live 16, kept 8" in shown
    assert "bars: live 8, shadow 8" in shown
    assert max(len(line) for line in ended.out.splitlines()) <= 80
