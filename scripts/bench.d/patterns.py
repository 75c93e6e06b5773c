"""Time of the patterns and features over a long series, beside the same patterns written plainly in pandas."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd

from agent.market.synthetic import random_walk
from agent.model.closes import WINDOW
from agent.model.features import feature_matrix
from agent.model.patterns import PATTERNS, pattern_masks

BARS = 1_000_000
ROUNDS = 3


@dataclass(frozen=True)
class Timing:
    """Seconds, each the best of some rounds.

    Attributes
    ----------
    bars
        Length of the series.
    patterns, features
        What this project takes for all patterns, and for all features (patterns included).
    pandas
        What the same patterns take as rolling windows of pandas.
    ratio
        How many times as long pandas takes.
    """

    bars: int
    patterns: float
    features: float
    pandas: float
    ratio: float


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, and fail if the two formulations disagree anywhere."""
    parser = argparse.ArgumentParser(prog="scripts/bench patterns", description=__doc__)
    parser.add_argument("--bars", type=int, default=BARS, help="length of the series")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    chosen = parser.parse_args(arguments)
    closes = random_walk(chosen.bars, seed=1).close
    if not np.array_equal(pattern_masks(closes), in_pandas(closes)):
        print("The patterns differ from their formulation in pandas.", file=sys.stderr)
        return 1
    patterns = seconds(lambda: pattern_masks(closes))
    features = seconds(lambda: feature_matrix(closes))
    pandas = seconds(lambda: in_pandas(closes))
    timing = Timing(
        chosen.bars, round(patterns, 4), round(features, 4), round(pandas, 4), round(pandas / patterns, 1)
    )
    if chosen.json:
        print(json.dumps(asdict(timing), indent=2))
    else:
        print(f"{timing.bars:,} bars, {len(PATTERNS)} patterns")
        print(f"patterns  {timing.patterns:8.3f} s")
        print(f"features  {timing.features:8.3f} s  (patterns included)")
        print(f"pandas    {timing.pandas:8.3f} s  the same patterns, {timing.ratio} times as long")
    return 0


def seconds(run: Callable[[], object]) -> float:
    """Return the shortest of some rounds."""
    taken = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        run()
        taken.append(time.perf_counter() - began)
    return min(taken)


def in_pandas(closes: np.ndarray) -> np.ndarray:
    """Return the masks as somebody would write the definitions down with rolling windows."""
    close = pd.Series(closes)

    def lag(k: int) -> pd.Series:
        return close.shift(k)

    def highest(i: int, j: int) -> pd.Series:
        return close.shift(i).rolling(j - i + 1).max()

    def lowest(i: int, j: int) -> pd.Series:
        return close.shift(i).rolling(j - i + 1).min()

    def total(i: int, j: int) -> pd.Series:
        return close.shift(i).rolling(j - i + 1).sum()

    low_before, low_after, neck = lowest(13, 24), lowest(1, 6), highest(7, 12)
    bottom = 4 * (low_before - low_after).abs() <= neck - np.maximum(low_before, low_after)
    high_before, high_after, waist = highest(13, 24), highest(1, 6), lowest(7, 12)
    top = 4 * (high_before - high_after).abs() <= np.minimum(high_before, high_after) - waist
    quiet = highest(1, 8) - lowest(1, 8)
    squeezed = 3 * quiet <= highest(9, 31) - lowest(9, 31)
    rises, falls = close > lag(1), close < lag(1)
    found = {
        "breakout_up": close > highest(1, 20),
        "breakout_down": close < lowest(1, 20),
        "double_bottom": (close > neck) & (lag(1) <= neck) & (highest(25, 31) > neck) & bottom,
        "double_top": (close < waist) & (lag(1) >= waist) & (lowest(25, 31) < waist) & top,
        "run_up": rises & (lag(1) > lag(2)) & (lag(2) > lag(3)) & (lag(3) <= lag(4)),
        "run_down": falls & (lag(1) < lag(2)) & (lag(2) < lag(3)) & (lag(3) >= lag(4)),
        "cross_up": (4 * total(0, 4) > total(0, 19)) & (4 * total(1, 5) <= total(1, 20)),
        "cross_down": (4 * total(0, 4) < total(0, 19)) & (4 * total(1, 5) >= total(1, 20)),
        "pullback_up": (3 * total(1, 10) > total(1, 30))
        & (30 * lag(1) > total(1, 30))
        & (lag(3) > lag(2))
        & (lag(2) > lag(1))
        & rises,
        "pullback_down": (3 * total(1, 10) < total(1, 30))
        & (30 * lag(1) < total(1, 30))
        & (lag(3) < lag(2))
        & (lag(2) < lag(1))
        & falls,
        "squeeze_up": squeezed & (close - highest(1, 8) > quiet),
        "squeeze_down": squeezed & (lowest(1, 8) - close > quiet),
    }
    masks = np.zeros(len(close), dtype=np.uint32)
    for pattern in PATTERNS:
        masks |= found[pattern.name].to_numpy().astype(np.uint32) << np.uint32(pattern.bit)
    masks[: WINDOW - 1] = 0
    return masks


if __name__ == "__main__":
    sys.exit(main())
