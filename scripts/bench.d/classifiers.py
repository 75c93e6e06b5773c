"""Tries every classifier of scikit-learn and three boosters by the commands, and writes what became of each as a table."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import sklearn
from classifying.made import BOOSTERS, KINDS, installed
from classifying.table import read, written
from classifying.tried import in_words, tried

import agent.cli.running  # noqa: F401 - imported once, before each process is forked
from agent.market.bars import Bars
from agent.market.synthetic import planted

TABLE = Path(__file__).parents[2] / "docs" / "classifiers.md"
BARS = 2_000
SECONDS = 120


def main(arguments: list[str] | None = None) -> int:
    """Try them, one after the other, and write the table after each."""
    parser = argparse.ArgumentParser(prog="scripts/bench classifiers", description=__doc__)
    parser.add_argument("--only", nargs="+", metavar="NAME", choices=[*KINDS, *BOOSTERS], help="try these alone")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="how long each may take")
    parser.add_argument("--table", type=Path, default=TABLE, help="the file to write")
    options = parser.parse_args(arguments)
    rows, now = read(options.table), {}
    for name in options.only or (*KINDS, *BOOSTERS):
        if not installed(name):
            print(f"{name}: {BOOSTERS[name]} is not installed, so its row stays as it is")
            continue
        with tempfile.TemporaryDirectory() as folder:
            prices = Path(folder) / "prices.csv"
            prices.write_text(csv_of(planted(BARS, seed=3)))
            (Path(folder) / "own").mkdir()
            now[name] = rows[name] = tried(name, prices, Path(folder) / "own", seconds=options.seconds)
        print(now[name], flush=True)
        ordered = sorted(rows.values(), key=lambda row: (row.name in BOOSTERS, row.name))
        options.table.write_text(written(ordered, version=sklearn.__version__))
    return 0 if in_words(list(now.values())) else 1


def csv_of(bars: Bars) -> str:
    """Return bars as a price file."""
    lines = ["time,open,high,low,close,volume"]
    for place in range(len(bars)):
        bar = bars.bar(place)
        prices = (str(bars.decimal(price)) for price in (bar.open, bar.high, bar.low, bar.close))
        lines.append(",".join([str(bar.time), *prices, str(bars.volume[place])]))
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
