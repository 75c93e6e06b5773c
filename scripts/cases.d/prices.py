"""Compares what the reader makes of price files with what is right: read right, read aloud, or refused in words."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table
from rich.text import Text

from agent.errors import PatternSettleError
from agent.market.read import Loaded, load

FOLDER = Path(__file__).parents[3] / "shared" / "cases" / "prices"
FIELDS = ("open", "high", "low", "close")
NEITHER = frozenset({"README.md", "expected.json"})

# What the README of the cases asks for where a refusal or a warning is right, and `expected.json` does not say so.
REFUSED = {
    "lean_quote.csv": "bid and ask",
    "roll.csv": "several markets",
    "incomplete_dup_last.csv": "the last candle stands twice, once before it had closed",
    "tz_est.csv": "EST may mean",
}
WARNED = {"pence100x.csv": "The price breaks at", "mixed_interval.csv": "The interval changes at"}
UNCLOSED = frozenset(
    {"okx_unconfirmed.json", "oanda.json"}
)  # the last bar is expected, and says that it has not closed
MOVED = {"av_intraday.json": 4 * 3600}  # expected as if its zone, US/Eastern, were UTC


@dataclass(frozen=True)
class Outcome:
    """What became of one file.

    Attributes
    ----------
    file
        Its name.
    right
        Whether it was read as it should be, or refused as it should be; None where nothing says what is right.
    what
        What was done with it, in words.
    """

    file: str
    right: bool | None
    what: str


def main() -> int:
    """Print what became of each file; the exit code is 1 where one was read wrongly, or refused without need."""
    parser = argparse.ArgumentParser(prog="scripts/cases", description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", default=FOLDER, help="price files and their expected.json")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    options = parser.parse_args()
    if not options.folder.is_dir():
        print(f"error: there is no folder {options.folder}. Name one that holds price files.", file=sys.stderr)
        return 2
    outcomes = judged(options.folder)
    if options.json:
        print(json.dumps([vars(outcome) for outcome in outcomes], indent=1))
    else:
        Console().print(_table(outcomes))
    return int(any(outcome.right is False for outcome in outcomes))


def judged(folder: Path) -> list[Outcome]:
    """Return what becomes of each price file of a folder."""
    listed = folder / "expected.json"
    expected = json.loads(listed.read_text()) if listed.is_file() else {}
    files = sorted(path for path in folder.iterdir() if path.is_file() and path.name not in NEITHER)
    return [judge(path, expected.get(path.name)) for path in files]


def judge(path: Path, expected: Mapping[str, Any] | None) -> Outcome:
    """Return what becomes of one file.

    Parameters
    ----------
    path
        The file.
    expected
        What is right: `time`, `open`, ..., `volume`, oldest first, and the `options` to give; None where nothing says.
    """
    name = path.name
    try:
        loaded = load(path, **dict((expected or {}).get("options", {})))
    except PatternSettleError as refusal:
        words = str(refusal).replace(f"{path.parent}/", "")
        right = REFUSED[name] in words if name in REFUSED else (None if expected is None else False)
        return Outcome(name, right, f"refused: {words}")
    warnings = loaded.report.warnings
    said = f" ({' '.join(warnings)})" if warnings else ""
    if name in REFUSED:
        return Outcome(name, False, f"read, and should be refused{said}")
    if expected is None:
        told = any(WARNED[name] in warning for warning in warnings) if name in WARNED else None
        return Outcome(name, told, f"read: {len(loaded.bars):,} bars{said}")
    wrong = differences(loaded, expected, left_out=int(name in UNCLOSED), moved=MOVED.get(name, 0))
    return Outcome(name, not wrong, f"read{', but wrong: ' + ', '.join(wrong) if wrong else ' right'}{said}")


def differences(loaded: Loaded, expected: Mapping[str, Any], *, left_out: int, moved: int) -> list[str]:
    """Return the fields that are not as they should be."""
    bars = loaded.bars
    kept = len(expected["time"]) - left_out
    if len(bars) != kept:
        return [f"{len(bars):,} bars, not {kept:,}"]
    wrong = [] if bars.time.tolist() == [time + moved for time in expected["time"][:kept]] else ["time"]
    scale = 10.0**-bars.decimals
    read = {**{field: getattr(bars, field) * scale for field in FIELDS}, "volume": bars.volume}
    return wrong + [
        field
        for field, values in read.items()
        if not np.allclose(values, expected[field][:kept], rtol=1e-9, atol=1e-9)
    ]


def _table(outcomes: list[Outcome]) -> Table:
    right = sum(outcome.right is True for outcome in outcomes)
    wrong = sum(outcome.right is False for outcome in outcomes)
    table = Table(
        title=f"{right} right, {wrong} wrong, {len(outcomes) - right - wrong} of which nothing says", box=None
    )
    table.add_column("file", no_wrap=True)
    table.add_column("")
    table.add_column("what became of it", overflow="fold")
    marks = {True: Text("right", style="green"), False: Text("WRONG", style="bold red"), None: Text("?")}
    for outcome in outcomes:
        table.add_row(outcome.file, marks[outcome.right], Text(outcome.what))
    return table


if __name__ == "__main__":
    sys.exit(main())
