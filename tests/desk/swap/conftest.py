"""What the tests of swapping stand on: a run in a room, models that say what they are told, and requests at given bars."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

import numpy as np
import pytest

from agent.chain.events import Opened, Presented
from agent.chain.values import Side
from agent.desk.entries import Decided, DecidedBeside, Phase, Swap
from agent.desk.floor import STANDING_BPS, floor_of, started, terms_of
from agent.desk.journal import Journal
from agent.desk.replay import replay
from agent.desk.stage import TEMPERS, Stage
from agent.desk.swap.examine import Exam, Examined
from agent.desk.swap.ground import Ground
from agent.desk.swap.request import Request, What
from agent.desk.swap.stories import Story, stories_of
from agent.desk.swap.swaps import Swapping, Swaps
from agent.market.bars import Bars
from agent.model.manifest import Manifest
from agent.model.signal import Prediction, inputs_hash
from agent.model.trained import TrainedModel
from agent.settings import Settings

START = 1_704_067_200
UNIT = 10**8
HOUR = 3_600

Says = Callable[[int], str]


@dataclass(frozen=True)
class Telling:
    """A model with a manifest that says what a test tells it, given the number of the bar since the start."""

    says: Says
    manifest: Manifest
    window: int = 1
    reads_bars: bool = False

    @property
    def id(self) -> str:
        return self.manifest.id

    @property
    def threshold_bps(self) -> int:
        return self.manifest.threshold_bps

    def predict(self, window: np.ndarray) -> Prediction:
        said = self.says(int(window[-1]))
        shares = {"up": (1_000, 1_000, 8_000), "down": (8_000, 1_000, 1_000)}.get(said, (1_000, 8_000, 1_000))
        return Prediction(0 if said == "nothing" else 1, *shares, inputs_hash([int(window[-1])]))


class Agenda:
    """A source that asks for something once so many bars were decided on."""

    def __init__(self, *items: tuple[int, Request]) -> None:
        self._items = sorted(items, key=lambda item: item[0])

    def requests(self, *, decided: int, busy: bool) -> Iterator[Request]:
        while self._items and self._items[0][0] <= decided:
            yield self._items.pop(0)[1]


class Accepting:
    """An examiner that passes whatever it is given, after so many looks; the real ones have tests of their own."""

    def __init__(self, looks: int = 0) -> None:
        self.looks = looks
        self.ended = 0

    def begin(self, request: Request) -> Exam:
        examiner, looks = self, self.looks

        class Passing:
            def outcome(self) -> Examined | None:
                nonlocal looks
                looks -= 1
                return Examined(request.model, 14) if looks < 0 else None

            def end(self) -> None:
                examiner.ended += 1

        return Passing()


class Hall:
    """A run in a room: its desks, and what is asked of it about its model."""

    def __init__(self, room: Any, model: Any, *sources: Any, shadow: int = 3, **options: Any) -> None:
        self.room, self.model = room, model
        self.journal: Journal = options.pop("journal", room.journal)
        examiner = options.pop("examiner", Accepting())
        market_waits = options.pop("market_waits", True)
        stage = Stage(
            room.model_id,
            tuple(
                room.mandate(side, owner=number, temper=temper, barriers=model.manifest.barriers)
                for number, temper in enumerate(TEMPERS)
                for side in Side
            ),
        )
        self.venue = room.venue()
        self.floor = floor_of(
            self.venue,
            model,
            stage,
            room.people,
            self.journal,
            terms_of(model, HOUR),
            first_block=room.chain.block_number,
        )
        self.desks = self.floor.desks
        self.ground = Ground.of(self.floor, settings=Settings(), interval=HOUR, drift_bps=STANDING_BPS)
        self.swaps = Swaps(
            desks=self.desks,
            ground=self.ground,
            journal=self.journal,
            swapping=Swapping(sources=sources, shadow=shadow),
            examiner=examiner,
            market_waits=market_waits,
        )

    def run(self, bars: Bars, *, start: int = 1) -> None:
        """Replay the bars to the end."""
        started(self.floor, bars, {})
        with self.swaps:
            self.swaps.begin()
            replay(self.desks, bars, self.room.publisher, start=start, between=self.swaps.between)
            self.swaps.end()

    def entries(self, kind: type = object) -> list[Any]:
        return [row.entry for row in self.journal.rows(run=self.journal.run) if isinstance(row.entry, kind)]

    def stories(self) -> dict[str, Story]:
        return {story.request: story for story in stories_of(self.journal, run=self.journal.run)}

    def phases(self, request: str) -> list[str]:
        return [str(step.phase) for step in self.stories()[request].steps]

    def told(self, phase: Phase) -> list[Swap]:
        return [entry for entry in self.entries(Swap) if entry.phase is phase]

    def presented(self) -> list[tuple[bytes, int, list[bytes]]]:
        """Each signal that was presented, as (model, bar time, ids of the mandates it opened a trade for)."""
        found: list[tuple[bytes, int, list[bytes]]] = []
        for log in self.venue.events(self.venue.block()):
            if isinstance(log.event, Presented):
                found.append((log.event.model, log.event.signal.bar_time, []))
            elif isinstance(log.event, Opened):
                found[-1][2].append(log.event.id)
        return found

    def decided(self) -> list[int]:
        """When the bars closed that the live models decided on."""
        return [entry.bar_time for entry in self.entries() if type(entry) is Decided]

    def beside(self, standing: str) -> list[DecidedBeside]:
        return [entry for entry in self.entries(DecidedBeside) if entry.standing == standing]


@pytest.fixture(scope="session")
def telling(model: TrainedModel) -> Callable[..., Telling]:
    """Makes models by name that say what a function of the close says; trained before the bars of these tests begin."""

    def made(name: str, says: Says | str, **changes: Any) -> Telling:
        manifest = replace(
            model.manifest,
            name=name,
            threshold_bps=5_000,
            trained_until=datetime.fromtimestamp(START, UTC),
            **changes,
        )
        return Telling((lambda close: says) if isinstance(says, str) else says, manifest)

    return made


@pytest.fixture(scope="session")
def asking() -> Callable[..., Request]:
    """Makes requests: for a model where one is given, else as told."""

    def made(request: str, model: Any = None, **options: Any) -> Request:
        if model is not None:
            options = {"place": model.manifest.name, "model": model, "expected": model.id} | options
        return Request(id=request, what=options.pop("what", What.SWAP), **options)

    return made


@pytest.fixture(scope="session")
def flat_bars(bars_of: Callable[..., Bars]) -> Callable[[int], Bars]:
    """Makes bars on which a trade ends by its horizon alone, each with another close."""

    def made(n: int) -> Bars:
        rows = [(2_000 + i / 100, 2_000.5 + i / 100, 1_999.5 + i / 100, 2_000 + i / 100) for i in range(n)]
        return bars_of(rows)

    return made


@pytest.fixture(scope="session")
def moving_bars(bars_of: Callable[..., Bars]) -> Callable[[Sequence[float]], Bars]:
    """Makes bars from the closes given, each opening at the close before; a move of 1 % and more meets a barrier."""

    def made(closes: Sequence[float]) -> Bars:
        opens = [closes[0], *closes[:-1]]
        rows = [
            (first, max(first, last), min(first, last), last) for first, last in zip(opens, closes, strict=True)
        ]
        return bars_of(rows)

    return made


@pytest.fixture
def hall(room: Any) -> Callable[..., Hall]:
    """Opens a hall in the test's room."""
    return partial(Hall, room)


@pytest.fixture(scope="class")
def shared_hall(another_room: Callable[[], Any]) -> Iterator[Callable[..., Hall]]:
    """Opens a hall in a room that the tests of a class look at after its run."""
    with another_room() as room:
        yield partial(Hall, room)


@pytest.fixture(scope="session")
def agenda() -> type[Agenda]:
    return Agenda


@pytest.fixture(scope="session")
def accepting() -> type[Accepting]:
    return Accepting


@pytest.fixture(scope="session")
def hall_of() -> type[Hall]:
    """Opens a hall in a room that is given."""
    return Hall
