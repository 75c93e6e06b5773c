"""Bars a second of all features over a long series, beside as many indicators of TA-Lib and the same features in pandas."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import numpy as np
from others import NO_TALIB, as_talib_takes_them, features_in_pandas, indicators, talib_here
from timing import in_turns

from agent.market.synthetic import random_walk
from agent.model.features import FEATURES, feature_matrix
from agent.model.threads import one_thread

BARS = 1_000_000
ROUNDS = 15
COMPARED = 50_000

OURS, TALIB, PANDAS = "ours", "TA-Lib", "pandas"


@dataclass(frozen=True)
class Speed:
    """How quickly somebody describes every bar of a series, on one thread.

    Attributes
    ----------
    who
        Whose functions.
    columns
        How many numbers of each bar.
    seconds
        The shortest of the rounds.
    bars_per_second
        At that pace.
    note
        What is computed, or why nothing was.
    """

    who: str
    columns: int
    seconds: float | None
    bars_per_second: int | None
    note: str


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, and fail if the features are not those of the plain formulation in pandas."""
    parser = argparse.ArgumentParser(prog="scripts/bench features", description=__doc__)
    parser.add_argument("--bars", type=int, default=BARS, help="length of the series")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="rounds to take the shortest of")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    chosen = parser.parse_args(arguments)
    bars = random_walk(chosen.bars, seed=1)
    if not agree(bars.close[:COMPARED]):
        print("The features differ from their formulation in pandas.", file=sys.stderr)
        return 1
    talib = talib_here()
    contenders: dict[str, Callable[[int], object]] = {OURS: lambda turn: feature_matrix(bars.close)}
    if talib is not None:
        prices = as_talib_takes_them(bars)
        contenders[TALIB] = lambda turn: indicators(talib, prices)
    contenders[PANDAS] = lambda turn: features_in_pandas(bars.close)
    with one_thread():
        taken = in_turns(contenders, rounds=chosen.rounds)
    speeds = [
        speed(OURS, taken, chosen.bars, "integers, in the order a model reads them, row by row"),
        speed(TALIB, taken, chosen.bars, "for each feature the nearest indicator it has" if talib else NO_TALIB),
        speed(PANDAS, taken, chosen.bars, "the same features with rolling windows"),
    ]
    if chosen.json:
        print(json.dumps({"bars": chosen.bars, "speeds": [asdict(each) for each in speeds]}, indent=2))
        return 0
    print(
        f"{chosen.bars:,} bars, {len(FEATURES)} columns, the best of {chosen.rounds} rounds in turns, on one thread"
    )
    for each in speeds:
        pace = f"{each.seconds:8.3f} s{each.bars_per_second:>13,} bars/s" if each.seconds else f"{'-':>10}{'':20}"
        print(f"{each.who:8}{pace}  {each.note}")
    return 0


def agree(closes: np.ndarray) -> bool:
    """Whether both formulations say the same, but for floats that fell one beside the integer they meant."""
    apart = np.abs(feature_matrix(closes) - features_in_pandas(closes))
    return bool(apart.max() <= 1 and (apart > 0).mean() < 1e-4)


def speed(who: str, taken: dict[str, list[float]], bars: int, note: str) -> Speed:
    """Return somebody's speed, or the row of one who is not here."""
    if who not in taken:
        return Speed(who, len(FEATURES), None, None, note)
    shortest = taken[who][0]
    return Speed(who, len(FEATURES), round(shortest, 6), round(bars / shortest), note)


if __name__ == "__main__":
    sys.exit(main())
