"""Measures how quickly a price file is read and checked, beside pandas alone reading the same text without any check."""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from agent.market.read import load

ROUNDS = 9


def main() -> int:
    """Print the medians and their ratio."""
    parser = argparse.ArgumentParser(prog="scripts/bench read", description=__doc__)
    parser.add_argument("file", type=Path, help="price file in CSV")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    options = parser.parse_args()
    bars = len(load(options.file).bars)
    ours = median(lambda: load(options.file))
    pandas = median(lambda: pd.read_csv(options.file, header=None, skiprows=2, dtype_backend="numpy_nullable"))
    if options.json:
        print(json.dumps({"bars": bars, "seconds": ours, "pandas_seconds": pandas, "ratio": ours / pandas}))
    else:
        print(f"{options.file.name}: {bars:,} bars read and checked in {ours:.3f} s, the median of {ROUNDS}")
        print(f"pandas.read_csv alone, nothing checked: {pandas:.3f} s; {ours / pandas:.1f} times as long here")
    return 0


def median(run: Callable[[], object]) -> float:
    """Seconds that one call takes, the median of some."""
    taken = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        run()
        taken.append(time.perf_counter() - began)
    return statistics.median(taken)


if __name__ == "__main__":
    sys.exit(main())
