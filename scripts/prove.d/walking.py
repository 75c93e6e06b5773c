"""Authority on the state machine's long run: many walks with seeds of their own, and what they did."""

from __future__ import annotations

import json
import random
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from report import Section, table
from tools import PLACE, Run, run

__all__ = ["gaps", "merge", "walk"]

# So few attempts say nothing; of those to trade, at least such a share settles.
_FEW, _LEAST_SHARE = 20, 0.3

_MACHINE = (
    "tests/contracts/test_machine.py::test_the_contract_and_an_independent_model_of_it_agree_after_every_step"
)
_FULL, _QUICK = 900, 60


def walk(*, quick: bool, jobs: int) -> Section:
    """Let the machine of `tests/contracts/test_machine.py` walk, in so many processes."""
    began = time.monotonic()
    places = [PLACE / "machine" / f"{number}.json" for number in range(jobs)]
    places[0].parent.mkdir(parents=True, exist_ok=True)
    walks = (_QUICK if quick else _FULL) // jobs
    with ThreadPoolExecutor(jobs) as pool:
        ended = list(pool.map(lambda place: _walk(place, walks), places))
    faults = [f"machine: {each.out.strip()[-3_000:]}" for each in ended if each.code]
    counts = [json.loads(place.read_text(encoding="utf-8")) for place in places if place.is_file()]
    if len(counts) < len(places):
        faults.append("machine: it left no counts")
    if not counts:
        return Section("The machine", "It did not run.", tuple(faults), time.monotonic() - began)
    found = merge(counts)
    if not quick:
        faults += gaps(found)
    return Section("The machine", _text(found), tuple(faults), time.monotonic() - began)


def merge(counts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Add up counts of several runs: of the same names, however deep they lie."""
    merged: dict[str, Any] = {}
    for name in dict.fromkeys(name for each in counts for name in each):
        values = [each[name] for each in counts if name in each]
        merged[name] = merge(values) if isinstance(values[0], Mapping) else sum(values)
    return merged


def _walk(place: Path, walks: int) -> Run:
    place.unlink(missing_ok=True)
    began = time.monotonic()
    return run(
        [sys.executable, "-m", "pytest", "-q", "-s", "-p", "no:cacheprovider", _MACHINE],
        progress=lambda: f"{place.stem}: {walks} walks, {time.monotonic() - began:.0f} s so far",
        PATTERNSETTLE_MACHINE_EXAMPLES=str(walks),
        PATTERNSETTLE_MACHINE_SEED=str(random.getrandbits(32)),
        PATTERNSETTLE_MACHINE_STATS=str(place),
    )


def gaps(found: Mapping[str, Any]) -> list[str]:
    """What so many walks should have seen and did not."""
    idle = [action for action, counts in found["actions"].items() if not counts["succeeded"]]
    tried = {action: counts["succeeded"] + counts["failed"] for action, counts in found["actions"].items()}
    poor = [
        action
        for action in ("open", "close")
        if found["actions"][action]["succeeded"] < _LEAST_SHARE * tried[action]
    ]
    seen: Counter[str] = Counter()
    for outcomes in found["fills"].values():
        seen.update(outcomes)
    return [
        *(f"machine: {action} never succeeded" for action in idle),
        *(f"machine: {action} was hardly tried" for action, count in tried.items() if count < _FEW),
        *(f"machine: {action} succeeded in less than {_LEAST_SHARE:.0%} of attempts" for action in poor),
        *(f"machine: no fill came out as: {outcome}" for outcome, count in seen.items() if not count),
        *(
            f"machine: no call was refused with: {name}"
            for name, count in found.get("errors", {}).items()
            if not count
        ),
    ]


def _text(found: Mapping[str, Any]) -> str:
    actions = []
    for action, counts in found["actions"].items():
        tried = counts["succeeded"] + counts["failed"]
        share = f"{counts['succeeded'] / tried:.1%}" if tried else "-"
        actions.append((action, tried, counts["succeeded"], counts["failed"], share))
    ends = list(found["fills"].values())
    outcomes = [(label, *(each[label] for each in ends)) for label in ends[0]]
    return "\n".join(
        (
            f"{found['runs']:,} random walks with seeds of their own, {found['steps']:,} actions; after each, the contract and an",
            "independent model of it agree in every slot. A fill that is refused is no failed call: it has a table of its own.\n",
            table(("action", "tried", "succeeded", "failed", "rate"), actions, numbers=(1, 2, 3, 4)),
            table(("outcome of a fill", *found["fills"]), outcomes, numbers=(1, 2)),
            table(("error of a call", "times"), list(found["errors"].items()), numbers=(1,)),
        )
    )
