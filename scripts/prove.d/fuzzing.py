"""Authority on what forge is asked: fuzz tests and invariants over the committed bytecode, and how often each action succeeds."""

from __future__ import annotations

import json
import random
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from report import Section, table
from tools import PLACE, for_foundry, forge, run

from agent.chain.values import Reason

__all__ = ["Walks", "fuzz", "gaps", "read_walks"]

_STATISTICS = PLACE / "forge" / "statistics.jsonl"


@dataclass(frozen=True)
class Walks:
    """What the handlers of the invariants did, over all walks.

    Attributes
    ----------
    count
        How many walks there were.
    actions
        How often each action was tried, and how often it came to what it was tried for.
    refusals
        How many fills were refused for each reason.
    """

    count: int
    actions: Mapping[str, tuple[int, int]]
    refusals: Mapping[Reason, int]


def fuzz(*, quick: bool, jobs: int) -> Section:
    """Run all of tests/forge/test."""
    began = time.monotonic()
    _STATISTICS.parent.mkdir(parents=True, exist_ok=True)
    _STATISTICS.unlink(missing_ok=True)
    foundry = for_foundry("quick" if quick else "default")
    seed = f"0x{random.getrandbits(64):x}"
    ended = run(
        [forge(), "test", "--json", "--threads", str(jobs), "--fuzz-seed", seed],
        progress=lambda: f"{len(_lines()):,} walks",
        **foundry,
        HANDLER_STATISTICS=str(_STATISTICS),
    )
    try:
        tests = list(_tests(json.loads(ended.out)))
    except ValueError:
        problem = f"forge: {(ended.err or ended.out).strip()[-2_000:]}"
        return Section("Forge", "It did not run.", (problem,), time.monotonic() - began)
    walks = read_walks(_lines())
    faults = [
        f"forge: {name}: {each.get('reason') or each['status']} (--fuzz-seed {seed})"
        for name, each in tests
        if each["status"] != "Success"
    ]
    if not tests or not walks.count:
        faults.append("forge: nothing ran")
    if not quick:
        faults += gaps(walks)
    return Section("Forge", _text(tests, walks, seed), tuple(faults), time.monotonic() - began)


def read_walks(lines: Iterable[str]) -> Walks:
    """Add up the lines that a handler leaves, one at the end of each walk."""
    tried: Counter[str] = Counter()
    done: Counter[str] = Counter()
    refused: Counter[Reason] = Counter()
    count = 0
    for line in lines:
        walk = json.loads(line)
        count += 1
        for action, (attempts, successes) in walk["actions"].items():
            tried[action] += attempts
            done[action] += successes
        refused.update({Reason(place): number for place, number in enumerate(walk["refusals"])})
    return Walks(count, {action: (tried[action], done[action]) for action in sorted(tried)}, refused)


def _lines() -> list[str]:
    return _STATISTICS.read_text(encoding="utf-8").splitlines() if _STATISTICS.is_file() else []


def gaps(walks: Walks) -> list[str]:
    """What so many walks should have seen and did not."""
    idle = [f"forge: {action} never succeeded" for action, (_, done) in walks.actions.items() if not done]
    unseen = [reason for reason in Reason if reason is not Reason.NONE and not walks.refusals[reason]]
    return idle + [f"forge: no fill was refused for: {reason.label}" for reason in unseen]


def _tests(suites: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for suite, found in sorted(suites.items()):
        for name, each in sorted(found["test_results"].items()):
            yield f"{suite.split(':')[-1]}.{name.split('(')[0]}", each


def _text(tests: list[tuple[str, Mapping[str, Any]]], walks: Walks, seed: str) -> str:
    rows = []
    for name, each in tests:
        kind, figures = next(iter(each["kind"].items()))
        volume = (
            f"{figures['runs']:,} walks, {figures['calls']:,} steps"
            if kind == "Invariant"
            else f"{figures['runs']:,} inputs"
        )
        rows.append((f"`{name}`", volume, "holds" if each["status"] == "Success" else "FAILS"))
    actions = [(action, tried, f"{done / tried:.1%}") for action, (tried, done) in walks.actions.items()]
    refusals = [(reason.label, walks.refusals[reason]) for reason in Reason if reason is not Reason.NONE]
    return "\n".join(
        (
            f"Random input and random walks over the committed bytecode, with the seed {seed}. After each step of a walk the contract,",
            "a model of it in Solidity, and the state that the events alone tell are the same; what is held of each token is what balances and",
            "open trades come to; and everybody could end their trades and leave with all they have.\n",
            table(("test", "volume", ""), rows),
            f'What was done in the {walks.count:,} walks; "in vain" succeeded where the contract refused it, and a batch where it settled any fill:\n',
            table(("action", "tried", "succeeded"), actions, numbers=(1, 2)),
            "Fills that were refused in them, by the contract's reason:\n",
            table(("reason", "fills"), refusals, numbers=(1,)),
        )
    )
