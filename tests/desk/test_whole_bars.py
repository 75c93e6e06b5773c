"""A model that reads whole bars is told them by the desk, each window and nothing after it, wherever bars come from."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import pytest
from sklearn.naive_bayes import GaussianNB

from agent.chain.client import Chain
from agent.chain.rpc.server import RpcServer
from agent.chain.service import ReplayService
from agent.desk.decision import Hold
from agent.desk.entries import Decided
from agent.desk.follow import Follower
from agent.market.bars import Bars
from agent.model.closes import WINDOW
from agent.model.train import train
from agent.model.trained import TrainedModel
from agent.settings import Settings


class Traded(GaussianNB):
    """Reads how wide a bar was, and how much was traded in it."""

    feature_names = ("span", "volume")
    window = 1
    longest: ClassVar[int] = 0

    def features(self, bars: Bars) -> np.ndarray:
        Traded.longest = max(Traded.longest, len(bars))
        return np.column_stack([(bars.high - bars.low) * 10_000 // bars.close, np.floor(bars.volume)])


@pytest.fixture(scope="module")
def reader(planted_bars: Bars) -> TrainedModel:
    return train(planted_bars[:1_000], factory=Traded)


def test_it_decides_on_the_bars_of_its_window(room: Any, reader: TrainedModel, planted_bars: Bars) -> None:
    known = planted_bars[:1_200]
    Traded.longest = 0
    decision = room.desk(reader).consider(known, room.closed_at)
    assert decision.prediction == reader.predict(known[-WINDOW:])
    assert Traded.longest == WINDOW


def test_before_it_has_a_window_it_is_not_asked(room: Any, reader: TrainedModel, planted_bars: Bars) -> None:
    assert room.desk(reader).consider(planted_bars[: WINDOW - 1], room.closed_at).hold is Hold.WARMING_UP


def test_a_model_that_reads_closes_decides_the_same_on_bars(
    room: Any, model: TrainedModel, planted_bars: Bars
) -> None:
    known = planted_bars[:1_200]
    by_bars, by_closes = (room.desk(model).consider(each, room.closed_at) for each in (known, known.close))
    assert by_bars == by_closes


def test_in_a_replay_each_decision_is_what_it_says_of_the_whole_series(
    room: Any, reader: TrainedModel, planted_bars: Bars
) -> None:
    bars = planted_bars[1_300:1_360]
    room.replay(room.desk(reader), bars, start=WINDOW)
    said = reader.predict_series(bars)
    decided = room.entries(Decided)
    assert len(decided) == len(bars) - WINDOW
    for entry, bar in zip(decided, range(WINDOW, len(bars)), strict=True):
        told = {"down": said.down_bps[bar], "flat": said.flat_bps[bar], "up": said.up_bps[bar]}
        assert entry.probabilities_bps == told


def test_a_chain_that_replays_tells_the_volume_too(planted_bars: Bars, settings: Settings) -> None:
    service = ReplayService(planted_bars[:80], start=50, settings=settings)
    try:
        with RpcServer(service.local) as server, Chain.connect(server.url, settings=settings) as chain:
            told = Follower(chain).news().bars
    finally:
        service.close()
    assert told.volume.tolist() == planted_bars.volume[:50].tolist()
    assert told.volume.any()
