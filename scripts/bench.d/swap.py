"""Measures how long a swap takes while bars keep coming, whether any bar is missed or late, and what looking for one costs."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import threading
import time
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path

from agent.chain.client import Chain
from agent.chain.rpc.server import RpcServer
from agent.chain.service import ReplayService
from agent.desk.entries import Decided, Phase
from agent.desk.follow import FollowRun, run_follow
from agent.desk.journal import Journal
from agent.desk.swap.mailbox import Mailbox, now
from agent.desk.swap.request import Request, What
from agent.desk.swap.stories import stories_of
from agent.desk.swap.swaps import Swapping
from agent.desk.swap.watch import Watched
from agent.market.bars import Bars
from agent.market.synthetic import planted
from agent.model.artifact import save
from agent.model.train import train
from agent.model.trained import TrainedModel
from agent.settings import Settings

HISTORY = 6_000
ASKED_AFTER = 10  # bars
LOOKS = 2_000


@dataclass(frozen=True)
class Measured:
    """What was measured; times in seconds.

    Attributes
    ----------
    bars_per_second
        How fast bars came.
    bars, decided, late
        How many came, how many were decided on, and of these how many too late to trade on.
    examined, registered, switched
        From the request until the model had passed, was registered, and was live; the last without the shadow's bars.
    look_microseconds
        What one look for requests costs where there are none: a folder, and a model that is watched.
    """

    bars_per_second: float
    bars: int
    decided: int
    late: int
    examined: float
    registered: float
    switched: float
    look_microseconds: float


def main() -> int:
    """Measure, and print it."""
    parser = argparse.ArgumentParser(prog="scripts/bench swap", description=__doc__)
    parser.add_argument("--speed", type=float, default=5.0, help="bars a second (5 unless given)")
    parser.add_argument("--bars", type=int, default=80, help="bars in all (80 unless given)")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    options = parser.parse_args()
    found = measured(options.speed, options.bars)
    if options.json:
        print(json.dumps(asdict(found)))
        return 0
    print(
        f"{found.bars:,} bars, {found.bars_per_second:g} a second: {found.decided:,} decided on, {found.late:,} too late"
    )
    print(f"passed {found.examined:.2f} s after it was asked for, registered after {found.registered:.2f} s")
    print(f"live {found.switched:.3f} s after the last bar in the shadow")
    print(f"looking for requests where there are none: {found.look_microseconds:.0f} microseconds a bar")
    return 0


def measured(speed: float, bars: int) -> Measured:
    """Follow a chain that replays at a speed, and swap the model meanwhile."""
    series = planted(HISTORY + bars, seed=7)
    model = train(series[:HISTORY], seed=7)
    other = replace(model, manifest=replace(model.manifest, name="other", threshold_bps=1))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        save(other, folder / "other")
        journal = followed(series, bars, model, other, folder, speed=speed)
        with Journal.open(journal, readonly=True) as kept:
            entries = [row.entry for row in kept.rows()]
            [story] = stories_of(kept)
        look = looking(folder)
    decided = [entry for entry in entries if type(entry) is Decided]
    at = {step.phase: datetime.fromisoformat(step.at) for step in story.steps}
    asked = at[Phase.REQUESTED]
    return Measured(
        bars_per_second=speed,
        bars=bars,
        decided=len(decided),
        late=sum(entry.reason == "too late" for entry in decided),
        examined=(at[Phase.CHECKED] - asked).total_seconds(),
        registered=(at[Phase.REGISTERED] - asked).total_seconds(),
        switched=(at[Phase.SWITCHED] - at[Phase.SHADOWED]).total_seconds(),
        look_microseconds=look * 1e6,
    )


def followed(
    series: Bars, bars: int, model: TrainedModel, other: TrainedModel, folder: Path, *, speed: float
) -> Path:
    """Follow the last bars of a series as they are replayed; return the journal."""
    service = ReplayService(series, start=len(series) - bars, settings=Settings())
    publishing = threading.Thread(
        target=service.replay, kwargs={"bars_per_second": speed, "stop": threading.Event()}
    )
    box, journal = Mailbox(folder / "requests"), folder / "journal.sqlite"

    def swapping_for(model: TrainedModel) -> Swapping:
        publishing.start()
        return Swapping(sources=[box])

    def on_bar(done: int) -> None:
        if done == ASKED_AFTER:
            place = str(folder / "other")
            box.put(Request(id="bench", what=What.SWAP, place=place, expected=other.id, shadow=5, made_at=now()))

    try:
        with RpcServer(service.local) as server, Chain.connect(server.url, settings=Settings()) as chain:
            run_follow(
                chain,
                FollowRun(
                    model_for=lambda history: model,
                    settings=Settings(),
                    journal=str(journal),
                    on_bar=on_bar,
                    swapping_for=swapping_for,
                ),
            )
    finally:
        publishing.join()
        service.close()
    return journal


def looking(folder: Path) -> float:
    """Seconds that one look for requests takes."""
    sources = [Mailbox(folder / "none"), Watched(folder / "other", seen="")]
    for source in sources:
        list(source.requests(decided=0, busy=False))
    began = time.perf_counter()
    for _ in range(LOOKS):
        for source in sources:
            list(source.requests(decided=0, busy=False))
    return (time.perf_counter() - began) / LOOKS


if __name__ == "__main__":
    sys.exit(main())
