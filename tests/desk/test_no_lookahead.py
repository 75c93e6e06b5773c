"""Nothing of the future is known: what comes after a bar changes nothing of what was done until then."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent.desk.entries import Decided, Entry, RunEnded, RunStarted
from agent.desk.journal import Journal
from agent.desk.report import Report
from agent.desk.session import Run, require_unseen, run_replay
from agent.errors import ModelError, UsageError
from agent.market.bars import Bars
from agent.market.synthetic import random_walk
from agent.model.splits import purge, split
from agent.model.trained import TrainedModel
from agent.settings import Settings

REPLAYED = 24


@pytest.fixture(scope="module")
def start(replayed: Any) -> int:
    return replayed.start


@pytest.fixture(scope="module")
def whole(replayed: Any) -> tuple[Report, list[Entry]]:
    """The run that others are compared with."""
    assert len(replayed.bars) - replayed.start == REPLAYED
    return replayed.report, replayed.entries


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("journals")


def run(
    bars: Bars, start: int, model: TrainedModel, folder: Path, *, limit: int | None = None
) -> tuple[Report, list[Entry]]:
    """Replay bars, so many of them at most; return the report, and everything that was journalled."""
    place, done = folder / f"{len(list(folder.iterdir()))}.sqlite", []
    report = run_replay(
        Run(
            bars=bars,
            start=start,
            model=model,
            settings=Settings(),
            journal=str(place),
            stop=lambda: len(done) == limit,
            on_bar=done.append,
        )
    )
    with Journal.open(place, readonly=True) as journal:
        return report, [row.entry for row in journal.rows()]


def until(entries: Sequence[Entry], closed_at: int) -> list[Entry]:
    """All that was journalled until a bar was decided on, that decision included."""
    decided = next(
        position
        for position, entry in enumerate(entries)
        if isinstance(entry, Decided) and entry.bar_time == closed_at
    )
    return list(entries[: decided + 1])


def with_another_future(bars: Bars, after: int, *, seed: int, quieter: bool) -> Bars:
    """The same bars up to one, and others after it: each moved to another level, some far away, or all standing still."""
    rng = np.random.default_rng(seed)
    columns = {name: getattr(bars, name).copy() for name in ("open", "high", "low", "close")}
    later = slice(after + 1, None)
    shares = rng.integers(5_000, 20_000, size=len(bars) - after - 1)
    for column in columns.values():
        column[later] = bars.close[after] if quieter else column[later] * shares // 10_000
    return replace(bars, **columns)


@settings(max_examples=3, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, REPLAYED - 2), st.integers(0, 2**32 - 1), st.booleans())
def test_whatever_comes_after_a_bar_nothing_journalled_until_then_changes(
    whole: tuple[Report, list[Entry]],
    planted_bars: Bars,
    start: int,
    model: TrainedModel,
    folder: Path,
    after: int,
    seed: int,
    quieter: bool,
) -> None:
    bars = planted_bars[: start + REPLAYED]
    changed = with_another_future(bars, start + after, seed=seed, quieter=quieter)
    # It is given all bars, and traded until the one after which they are others.
    other, entries = run(changed, start, model, folder, limit=after + 1)
    closed_at = bars.closed_at(start + after)
    # Transactions are compared by their hashes: the same bytes were sent, so the same amounts at the same prices.
    assert until(entries, closed_at) == until(whole[1], closed_at)
    assert [trade for trade in other.settled if trade.closed_at < closed_at] == [
        trade for trade in whole[0].settled if trade.closed_at < closed_at
    ]


@pytest.mark.parametrize("count", [5, 14])
def test_the_first_bars_alone_are_replayed_as_they_are_with_others_to_come(
    whole: tuple[Report, list[Entry]],
    planted_bars: Bars,
    start: int,
    model: TrainedModel,
    folder: Path,
    count: int,
) -> None:
    report, entries = run(planted_bars[: start + count], start, model, folder)
    first, *made, last = entries
    assert (type(first), type(last)) == (RunStarted, RunEnded)
    assert made == whole[1][1 : len(made) + 1]
    assert list(report.settled) == list(whole[0].settled)[: len(report.settled)]
    assert report.signals + sum(report.holds.values()) == count


def test_a_decision_is_the_same_however_much_history_lies_before_its_window(
    whole: tuple[Report, list[Entry]], planted_bars: Bars, start: int, model: TrainedModel, folder: Path
) -> None:
    history = model.window - 1
    short = planted_bars[start - history : start + 5]
    _, entries = run(short, history, model, folder)
    decided = [entry for entry in entries if isinstance(entry, Decided)]
    assert decided == [entry for entry in whole[1] if isinstance(entry, Decided)][:5]


def test_a_series_that_is_too_young_for_a_window_is_only_watched(
    planted_bars: Bars, start: int, model: TrainedModel, folder: Path
) -> None:
    report, _ = run(planted_bars[start : start + 2], 0, model, folder)
    assert {str(hold): n for hold, n in report.holds.items()} == {"warming up": 2}


# ---- what a model may have seen


@given(st.integers(60, 400), st.integers(1, 200), st.integers(1, 30))
def test_training_gap_and_replay_are_all_the_bars_once_and_in_this_order(
    length: int, replayed: int, horizon: int
) -> None:
    bars = random_walk(length, seed=1)
    if length <= purge(horizon) + replayed:
        with pytest.raises(ModelError, match=r"nothing is left to train on"):
            split(bars, replay=replayed, horizon=horizon)
        return
    parts = split(bars, replay=replayed, horizon=horizon)
    assert [len(parts.gap), len(parts.replay)] == [purge(horizon), replayed]
    assert np.concatenate([part.time for part in parts]).tolist() == bars.time.tolist()
    # The last label of the training part looks a horizon and a bar ahead, and ends before the replay begins.
    end_of_labels = parts.training.closed_at(len(parts.training) - 1) + (horizon + 1) * bars.interval
    assert end_of_labels <= parts.replay.time[0]


def model_until(model: TrainedModel, moment: int) -> TrainedModel:
    trained_until = datetime.fromtimestamp(moment, UTC)
    manifest = replace(model.manifest, trained_until=trained_until, last=trained_until - timedelta(hours=1))
    return replace(model, manifest=manifest)


def test_a_model_that_knows_the_bars_up_to_the_first_one_replayed_may_trade_on_it(model: TrainedModel) -> None:
    require_unseen(model_until(model, 1_700_000_000), first=1_700_000_000, interval=3_600)


def test_a_model_that_knows_a_bar_that_is_replayed_is_refused_in_one_sentence_with_the_cure(
    model: TrainedModel,
) -> None:
    with pytest.raises(ModelError) as caught:
        require_unseen(model_until(model, 1_700_000_001), first=1_700_000_000, interval=3_600)
    assert "trained on data until 2023-11-14 22:13" in caught.value.problem
    assert "--bars" in caught.value.cure


def test_a_model_of_hourly_bars_is_refused_on_others(model: TrainedModel) -> None:
    with pytest.raises(UsageError, match=r"trained on bars of 3600 s, and these are of 900 s"):
        require_unseen(model_until(model, 0), first=1_700_000_000, interval=900)


def test_a_run_over_what_its_model_was_trained_on_is_refused_before_anything_happens(
    planted_bars: Bars, start: int, model: TrainedModel, settings: Settings
) -> None:
    with pytest.raises(ModelError, match=r"it would trade on its own past"):
        Run(bars=planted_bars, start=start - 60, model=model, settings=settings)


@pytest.mark.parametrize("position", [-1, 2_000])
def test_a_run_that_begins_at_no_bar_is_refused(
    planted_bars: Bars, model: TrainedModel, settings: Settings, position: int
) -> None:
    with pytest.raises(UsageError, match=rf"A replay of 2000 bars cannot begin at bar {position}\."):
        Run(bars=planted_bars, start=position, model=model, settings=settings)


def test_bars_too_short_for_the_blocks_they_take_are_refused(
    planted_bars: Bars, start: int, model: TrainedModel, settings: Settings
) -> None:
    with pytest.raises(UsageError, match=r"Bars of 15 s cannot be replayed"):
        Run(bars=replace(planted_bars, interval=15), start=start, model=model, settings=settings)
