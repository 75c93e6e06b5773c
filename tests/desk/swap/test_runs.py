"""A swap in the middle of a whole run: real models, examined for real, asked for in each of the ways there are."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agent.desk.entries import Kind
from agent.desk.journal import Journal
from agent.desk.place import Place
from agent.desk.report import Report
from agent.desk.session import Run, run_replay
from agent.desk.swap.mailbox import Mailbox, beside
from agent.desk.swap.planned import Planned
from agent.desk.swap.request import Request, What
from agent.desk.swap.swaps import Swapping
from agent.desk.swap.watch import Watched
from agent.market.bars import Bars
from agent.model.artifact import save
from agent.model.trained import TrainedModel
from agent.settings import Settings

BARS = 10
ASKED_AT = 3
SHADOW = 2
TOLD = ["requested", "checked", "registered", "shadowed", "switched", "offered"]


@pytest.fixture(scope="module")
def eager(model: TrainedModel) -> TrainedModel:
    """The model, which takes every direction for a signal: another artifact, so another model."""
    return replace(model, manifest=replace(model.manifest, name="eager", threshold_bps=1))


@pytest.fixture(scope="module")
def bars(planted_bars: Bars) -> Bars:
    return planted_bars[: len(planted_bars) - 150 + BARS]


def run(bars: Bars, model: TrainedModel, *sources: Any, **options: Any) -> Report:
    swapping = Swapping(sources=sources, shadow=SHADOW)
    start = len(bars) - BARS
    return run_replay(Run(bars=bars, start=start, model=model, settings=Settings(), swapping=swapping, **options))


@pytest.fixture(scope="module")
def swapped(bars: Bars, model: TrainedModel, eager: TrainedModel) -> Report:
    """A run with a planned swap."""
    return run(bars, model, Planned(ASKED_AT, eager))


def test_the_report_tells_of_the_swap_and_of_what_each_model_did(swapped: Report, model: TrainedModel):
    document = swapped.to_json()
    [story] = document["swaps"]
    assert [step["phase"] for step in story["steps"]] == TOLD
    assert (story["request"], story["name"], story["over"]) == ("run-1-planned", "eager", True)
    first, second = document["models"]
    live_first = ASKED_AT + SHADOW
    assert (first["standing"], first["bars"]) == ("kept", {"live": live_first, "kept": BARS - live_first})
    assert (second["standing"], second["bars"]) == ("live", {"live": BARS - live_first, "shadow": SHADOW})
    assert (first["owners"], second["owners"]) == ([2], [1])
    assert document["model"]["name"] == model.manifest.name


def test_every_bar_and_every_trade_is_accounted_for_once(swapped: Report):
    document = swapped.to_json()
    decisions = document["decisions"]
    assert decisions["signal"] + sum(decisions["hold"].values()) == document["bars_replayed"] == BARS
    assert sum(each["trades"] for each in document["models"]) == len(document["trades"]) > 0
    assert sum(each["open_trades"] for each in document["models"]) == len(document["open_trades"])
    assert sum(int(each["result"]) for each in document["models"]) == int(document["result"]["quote"])
    assert document["books"]["balanced"] is True


def test_the_same_run_with_the_same_swap_is_the_same_again(
    swapped: Report, bars: Bars, model: TrainedModel, eager: TrainedModel
):
    again = run(bars, model, Planned(ASKED_AT, eager)).to_json()
    before = swapped.to_json()
    for document in (again, before):
        document.pop("seconds")
        document["journal"].pop("head")
    assert again == before


def test_a_model_that_is_saved_over_the_one_watched_is_swapped_in(
    bars: Bars, model: TrainedModel, eager: TrainedModel, tmp_path: Path
):
    folder = save(model, tmp_path / "model")

    def on_bar(done: int) -> None:
        if done == ASKED_AT:
            save(eager, folder)

    report = run(bars, model, Watched(folder, seen=model.id), on_bar=on_bar)
    [story] = report.swaps
    assert [str(step.phase) for step in story.steps] == TOLD
    assert (story.request, story.model) == ("run-1-watch-1", eager.id)
    assert report.models[1].bars["live"] == BARS - ASKED_AT - SHADOW


def test_requests_left_in_the_folder_of_a_journal_are_granted_in_turn(
    bars: Bars, model: TrainedModel, eager: TrainedModel, tmp_path: Path
):
    journal = tmp_path / "journal.sqlite"
    folder, box = save(eager, tmp_path / "model"), Mailbox(beside(Place.parse(journal)) or tmp_path)
    asked = {
        ASKED_AT: Request(id="r", what=What.SWAP, place=str(folder), expected=eager.id, made_at=1.0),
        ASKED_AT + 1: Request(id="late", what=What.SWAP, place=str(tmp_path / "nothing"), made_at=2.0),
        BARS - 3: Request(id="b", what=What.BACK, made_at=3.0),
        BARS - 2: Request(id="n", what=What.SWAP, place=str(tmp_path / "nothing"), made_at=4.0),
    }

    def on_bar(done: int) -> None:
        if done in asked:
            box.put(asked[done])

    report = run(bars, model, box, on_bar=on_bar, journal=str(journal))
    assert [(story.request, str(story.steps[-1].phase)) for story in report.swaps] == [
        ("r", "offered"),
        ("late", "refused"),
        ("b", "returned"),
        ("n", "refused"),
    ]
    assert "Another swap is under way" in (report.swaps[1].reason or "")
    assert "there is no model at" in (report.swaps[3].reason or "")
    assert [share.standing for share in report.models] == ["live", "resting"]
    assert list(box.folder.iterdir()) == []
    with Journal.open(journal, readonly=True) as kept:
        assert kept.verify().head == report.journal.head
        assert sum(1 for _ in kept.rows(Kind.DECISION)) == BARS
