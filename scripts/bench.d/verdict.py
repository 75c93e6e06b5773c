"""How often the verdict is right: on random walks, in which nothing is to be found, and on planted patterns."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from joblib import Parallel, delayed
from scipy.stats import binomtest

from agent.evaluation.run import evaluate
from agent.evaluation.trials import TrialLog
from agent.market.synthetic import STRENGTH, planted, random_walk

RUNS = 100
BARS = 4_000
FOLDS = 5


@dataclass(frozen=True)
class Rate:
    """How many of some series a verdict found an edge in, and between which shares the true one lies with 95 %.

    Attributes
    ----------
    bars
        What kind of bars.
    edges, runs
        In how many, of how many.
    low, high
        Of the share: Clopper and Pearson's exact interval.
    """

    bars: str
    edges: int
    runs: int
    low: float
    high: float


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="scripts/bench verdict", description=__doc__)
    parser.add_argument("--runs", type=int, default=RUNS, help="series of each kind")
    parser.add_argument("--bars", type=int, default=BARS, help="length of each")
    parser.add_argument("--folds", type=int, default=FOLDS, help="test windows of each")
    parser.add_argument("--models", nargs="+", default=["logistic"], help="tried side by side on each")
    parser.add_argument("--jobs", type=int, default=-1, help="processes")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    chosen = parser.parse_args(arguments)
    began = time.monotonic()
    rates = list(measured(chosen))
    seconds = round(time.monotonic() - began, 1)
    if chosen.json:
        print(json.dumps({"rates": [asdict(rate) for rate in rates], "seconds": seconds}, indent=2))
        return
    for rate in rates:
        between = f"{rate.low:.1%} .. {rate.high:.1%}"
        print(f"{rate.bars:40}{rate.edges:>5} edges in {rate.runs} series, {between} with 95 %")
    print(f"{seconds} s for {', '.join(chosen.models)} on {chosen.bars:,} bars in {chosen.folds} folds")


def measured(chosen: argparse.Namespace) -> Iterator[Rate]:
    """Return the rates, one kind of bars after another."""
    for kind, strength in (("random walk", None), (f"planted, strength {STRENGTH:g}", STRENGTH)):
        found = Parallel(n_jobs=chosen.jobs)(
            delayed(edge)(seed, strength, chosen.bars, chosen.folds, chosen.models) for seed in range(chosen.runs)
        )
        between = binomtest(sum(found), len(found)).proportion_ci(method="exact")
        yield Rate(kind, sum(found), len(found), round(float(between.low), 4), round(float(between.high), 4))


def edge(seed: int, strength: float | None, n: int, folds: int, models: Sequence[str]) -> bool:
    """Return whether there is evidence of an edge in one series, as if nothing had been tried on it before."""
    bars = random_walk(n, seed=seed) if strength is None else planted(n, seed=seed, strength=strength)
    with tempfile.TemporaryDirectory() as folder:
        return evaluate(bars, models, folds=folds, log=TrialLog(Path(folder) / "trials.jsonl")).verdict.edge


if __name__ == "__main__":
    sys.exit(main())
