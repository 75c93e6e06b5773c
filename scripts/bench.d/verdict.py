"""How often the verdict is right: on random walks, in which nothing is to be found, and on planted patterns."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from joblib import Parallel, delayed
from scipy.stats import binomtest
from walks.kinds import WALKS

from agent.evaluation.run import evaluate
from agent.evaluation.trials import TrialLog
from agent.market.bars import Bars
from agent.market.synthetic import planted

COUNT = 100
BARS = 4_000
FOLDS = 5
STRENGTH = 0.8
PLANTED = "planted"
MOST_FALSE = 0.03
LEAST_FOUND = 0.95


@dataclass(frozen=True)
class Rate:
    """How many of some series a verdict found an edge in, and between which shares the true one lies with 95 %.

    Attributes
    ----------
    bars
        What kind of bars.
    edges, series
        In how many, of how many.
    low, high
        Of the share: Clopper and Pearson's exact interval.
    asked
        What is promised of the share: at most this for a walk, at least this where patterns are planted.
    kept
        Whether it is.
    """

    bars: str
    edges: int
    series: int
    low: float
    high: float
    asked: float
    kept: bool


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="scripts/bench verdict", description=__doc__)
    kinds = (*WALKS, PLANTED)
    parser.add_argument("--count", type=int, default=COUNT, help="series of each kind")
    parser.add_argument("--seed", type=int, default=0, help="of the first series of each kind; the others follow")
    parser.add_argument("--kinds", nargs="+", default=kinds, choices=kinds, help="of bars")
    parser.add_argument("--bars", type=int, default=BARS, help="length of each series")
    parser.add_argument("--folds", type=int, default=FOLDS, help="test windows of each")
    parser.add_argument("--models", nargs="+", default=["logistic"], help="tried side by side on each")
    parser.add_argument("--jobs", type=int, default=-1, help="processes")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    chosen = parser.parse_args(arguments)
    began = time.monotonic()
    rates = []
    for rate in measured(chosen):
        rates.append(rate)
        if not chosen.json:
            print(_line(rate), flush=True)
    seconds = round(time.monotonic() - began, 1)
    if chosen.json:
        print(json.dumps({"rates": [asdict(rate) for rate in rates], "seconds": seconds}, indent=2))
    else:
        print(f"{seconds} s for {', '.join(chosen.models)} on {chosen.bars:,} bars in {chosen.folds} folds")


def _line(rate: Rate) -> str:
    asked = f"{'at least' if rate.bars == PLANTED else 'at most'} {rate.asked:.0%}"
    between = f"{rate.low:.1%} .. {rate.high:.1%}"
    return (
        f"{rate.bars:10}{rate.edges:>4} of {rate.series:<4}{between:>16}  {asked}{'' if rate.kept else ': MISSED'}"
    )


def measured(chosen: argparse.Namespace) -> Iterator[Rate]:
    """Return the rates, one kind of bars after another."""
    for kind in chosen.kinds:
        seeds = range(chosen.seed, chosen.seed + chosen.count)
        found = Parallel(n_jobs=chosen.jobs)(
            delayed(edge)(kind, seed, chosen.bars, chosen.folds, chosen.models) for seed in seeds
        )
        yield _rate(kind, sum(found), len(found))


def _rate(kind: str, edges: int, series: int) -> Rate:
    between = binomtest(edges, series).proportion_ci(method="exact")
    asked = LEAST_FOUND if kind == PLANTED else MOST_FALSE
    share = edges / series
    return Rate(
        bars=kind,
        edges=edges,
        series=series,
        low=round(float(between.low), 4),
        high=round(float(between.high), 4),
        asked=asked,
        kept=share >= asked if kind == PLANTED else share <= asked,
    )


def edge(kind: str, seed: int, n: int, folds: int, models: Sequence[str]) -> bool:
    """Return whether there is evidence of an edge in one series, as if nothing had been tried on it before."""
    with tempfile.TemporaryDirectory() as folder:
        log = TrialLog(Path(folder) / "trials.jsonl")
        return evaluate(_maker(kind)(n, seed), models, folds=folds, log=log).verdict.edge


def _maker(kind: str) -> Callable[[int, int], Bars]:
    return WALKS[kind] if kind != PLANTED else lambda n, seed: planted(n, seed=seed, strength=STRENGTH)


if __name__ == "__main__":
    sys.exit(main())
