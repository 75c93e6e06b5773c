"""Authority on what the machine has seen: how often each action and each reason occurred, and whether that is enough."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from agent.chain.artifact import artifact
from agent.chain.values import Reason

# What anybody may do and must not always succeed with; and what nobody can be refused.
REFUSABLE = {
    "ask",
    "call back",
    "cancel",
    "close",
    "create",
    "createFor",
    "deposit",
    "depositWithPermit",
    "open",
    "open with little gas",
    "open within a ramp",
    "register",
    "release",
    "revoke",
    "withdraw",
}
NEVER_REFUSED = {"approve", "authorize", "donate", "everybody could leave", "permit", "quote", "travel", "upset"}
# All that the contract refuses a call with in words of its own.
ERRORS = tuple(sorted(entry["name"] for entry in artifact("ISettlement").abi if entry["type"] == "error"))
# So few attempts say nothing.
FEW = 20
# Of the calls that trade, at least so many do.
LEAST_SHARE = 0.3


class Tally:
    """Counts over all runs."""

    def __init__(self) -> None:
        self.runs = 0
        self.succeeded: Counter[str] = Counter()
        self.failed: Counter[str] = Counter()
        self.reasons: dict[str, Counter[Reason]] = {"open": Counter(), "close": Counter()}
        self.errors: Counter[str] = Counter()

    def count(self, action: str, succeeded: bool) -> None:
        """Note that an action was tried."""
        (self.succeeded if succeeded else self.failed)[action] += 1

    def judged(self, action: str, reason: Reason) -> None:
        """Note what became of one fill."""
        self.reasons[action][reason] += 1

    def refused(self, error: str) -> None:
        """Note what a whole call was refused with."""
        self.errors[error] += 1

    def tried(self, action: str) -> int:
        """How often an action was tried."""
        return self.succeeded[action] + self.failed[action]

    def share(self, action: str) -> float:
        """How often an action succeeded, of all times it was tried."""
        return self.succeeded[action] / max(1, self.tried(action))

    @property
    def steps(self) -> int:
        """How many actions were tried in all."""
        return self.succeeded.total() + self.failed.total()

    # ---- whether it is enough

    def problems(self) -> Iterator[str]:
        """Actions that never came out one of the ways in which they should."""
        for action in sorted(self.succeeded | self.failed):
            if action not in REFUSABLE | NEVER_REFUSED:
                yield f"{action} is an action that nobody listed"
            if self.tried(action) < FEW:
                continue
            if not self.succeeded[action]:
                yield f"{action} never succeeded in {self.failed[action]} attempts"
            if not self.failed[action] and action in REFUSABLE:
                yield f"{action} never failed in {self.succeeded[action]} attempts"

    def gaps(self) -> Iterator[str]:
        """What a long run must have seen beside that."""
        yield from (
            f"{action} was hardly tried" for action in REFUSABLE | NEVER_REFUSED if self.tried(action) < FEW
        )
        for action in ("open", "close"):
            if self.share(action) < LEAST_SHARE:
                yield f"{action} succeeded in only {self.share(action):.1%} of attempts"
        seen = self.reasons["open"] | self.reasons["close"]
        yield from (f"no fill was refused for: {reason.label}" for reason in Reason if not seen[reason])
        yield from (f"no call was refused with: {error}" for error in ERRORS if not self.errors[error])

    # ---- telling

    def lines(self) -> Iterator[str]:
        """Three tables for a person."""
        yield f"{self.runs:,} runs, {self.steps:,} actions"
        yield f"{'action':<22}{'succeeded':>10}{'failed':>10}{'rate':>9}"
        for action in sorted(self.succeeded | self.failed):
            counts = f"{self.succeeded[action]:>10,}{self.failed[action]:>10,}"
            yield f"{action:<22}{counts}{self.share(action):>9.1%}"
        yield f"{'outcome of a fill':<22}{'open':>10}{'close':>10}"
        for reason in Reason:
            label = reason.label if reason else "settled"
            yield f"{label:<22}{self.reasons['open'][reason]:>10,}{self.reasons['close'][reason]:>10,}"
        yield f"{'error of a call':<22}{'times':>10}"
        yield from (f"{error:<22}{self.errors[error]:>10,}" for error in ERRORS)

    def to_json(self) -> dict[str, Any]:
        """The same for a machine."""
        return {
            "runs": self.runs,
            "steps": self.steps,
            "actions": {
                action: {"succeeded": self.succeeded[action], "failed": self.failed[action]}
                for action in sorted(REFUSABLE | NEVER_REFUSED)
            },
            "fills": {
                action: {reason.label if reason else "settled": counts[reason] for reason in Reason}
                for action, counts in self.reasons.items()
            },
            "errors": {error: self.errors[error] for error in ERRORS},
        }

    def write(self, path: Path) -> None:
        """Write the counts to a file."""
        path.write_text(json.dumps(self.to_json(), indent=1) + "\n", encoding="utf-8")
