"""Time of training a model, of asking it about one bar and about many, and of saving and loading it."""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from agent.market.synthetic import planted
from agent.model.artifact import load, save
from agent.model.closes import windows
from agent.model.labels import triple_barrier
from agent.model.train import train

BARS = 6_000
ASKED = 500
ROUNDS = 5


@dataclass(frozen=True)
class Timing:
    """Milliseconds, each the median of some rounds.

    Attributes
    ----------
    bars
        Length of the series trained on.
    labels
        Labelling every bar of it.
    train
        Training, labels and features included.
    predict
        One bar.
    predict_series
        Every bar of the series at once.
    save, load
        To and from a folder.
    """

    bars: int
    labels: float
    train: float
    predict: float
    predict_series: float
    save: float
    load: float


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="scripts/bench model", description=__doc__)
    parser.add_argument("--bars", type=int, default=BARS, help="length of the series to train on")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    chosen = parser.parse_args(arguments)
    bars = planted(chosen.bars, seed=1)
    model = train(bars)
    asked = iter(windows(bars.close)[:ASKED])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model"
        timing = Timing(
            bars=len(bars),
            labels=milliseconds(lambda: triple_barrier(bars)),
            train=milliseconds(lambda: train(bars)),
            predict=milliseconds(lambda: model.predict(next(asked)), rounds=ASKED),
            predict_series=milliseconds(lambda: model.predict_series(bars.close)),
            save=milliseconds(lambda: save(model, path)),
            load=milliseconds(lambda: load(path)),
        )
    if chosen.json:
        print(json.dumps(asdict(timing), indent=2))
        return
    for name, value in asdict(timing).items():
        print(f"{name:16}{value:>10,}" + ("" if name == "bars" else " ms"))


def milliseconds(run: Callable[[], object], *, rounds: int = ROUNDS) -> float:
    """Return the median time of some rounds."""
    taken = []
    for _ in range(rounds):
        began = time.perf_counter()
        run()
        taken.append(time.perf_counter() - began)
    return round(statistics.median(taken) * 1_000, 3)


if __name__ == "__main__":
    sys.exit(main())
