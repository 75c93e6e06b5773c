"""A swap on a chain that waits for nobody: bars come as fast as they can, and each has its one decision."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agent.chain.client import Chain
from agent.chain.events import Opened, Presented
from agent.chain.rpc.server import RpcServer
from agent.chain.service import ReplayService
from agent.desk import follow
from agent.desk.entries import Decided, DecidedBeside
from agent.desk.follow import FollowRun, run_follow
from agent.desk.journal import Journal
from agent.desk.swap.request import What
from agent.desk.swap.swaps import Swapping
from agent.market.bars import Bars
from agent.model.trained import TrainedModel
from agent.settings import Settings

Make = Callable[..., Any]

REPLAYED = 12
FULL_SPEED = 1_000.0


@pytest.fixture
def bars(planted_bars: Bars) -> Bars:
    return planted_bars[: len(planted_bars) - 150 + REPLAYED]


def test_no_bar_is_missed_and_nothing_is_sent_twice_while_bars_come_as_fast_as_they_can(
    bars: Bars,
    model: TrainedModel,
    agenda: Make,
    asking: Make,
    accepting: Make,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(follow, "POLL_SECONDS", 0)
    monkeypatch.setattr(follow, "Aside", lambda: accepting(looks=2))
    eager = replace(model, manifest=replace(model.manifest, name="eager", threshold_bps=1))
    asked = agenda(
        (1, asking("r", eager, shadow=2)),
        (5, asking("a", what=What.AGREE, agreed=("2",))),
        (7, asking("b", what=What.BACK)),
        (9, asking("again", eager, shadow=1)),
    )
    start, place = len(bars) - REPLAYED, tmp_path / "journal.sqlite"
    service = ReplayService(bars, start=start, settings=Settings())
    publishing = threading.Thread(
        target=service.replay, kwargs={"bars_per_second": FULL_SPEED, "stop": threading.Event()}
    )

    def swapping_for(model: TrainedModel) -> Swapping:
        publishing.start()  # the desk is seated: from here on prices move
        return Swapping(sources=[asked])

    try:
        with RpcServer(service.local) as server, Chain.connect(server.url, settings=Settings()) as chain:
            report = run_follow(
                chain,
                FollowRun(
                    model_for=lambda history: model,
                    settings=Settings(),
                    journal=str(place),
                    swapping_for=swapping_for,
                ),
            )
            at = service.facts.deployment
            events = [log.event for log in chain.logs(at.settlement, first=at.block)]
    finally:
        publishing.join()
        service.close()
    with Journal.open(place, readonly=True) as journal:
        entries = [row.entry for row in journal.rows()]
        journal.verify()
    decided = [entry.bar_time for entry in entries if type(entry) is Decided]
    assert decided == [bars.closed_at(index) for index in range(start, len(bars))]
    beside = Counter((entry.model, entry.bar_time) for entry in entries if isinstance(entry, DecidedBeside))
    assert max(beside.values()) == 1
    presented = Counter((each.model, each.signal.bar_time) for each in events if isinstance(each, Presented))
    assert max(presented.values(), default=1) == 1
    assert sum(isinstance(each, Opened) for each in events) == len(report.settled) + len(report.still_open)
    assert sum(share.settled for share in report.models) == len(report.settled)
    assert [story.request for story in report.swaps] == ["r", "a", "b", "again"]
    assert all(story.over for story in report.swaps)
    assert report.books.balanced
