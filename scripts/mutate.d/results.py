"""Authority on what is remembered from one run to the next: what became of each mutant, and which test noticed."""

from __future__ import annotations

import json
import threading
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mutants import Mutant
from workspace import Checkout

from agent.chain.cache import cache_dir

__all__ = ["HOWS", "Outcome", "Results"]

# How a mutant can end; the first two are noticed by the tests, the last two cannot be.
HOWS = ("killed", "timeout", "survived", "identical", "invalid")
# Seconds that any test costs, however quick it is.
_START = 0.1


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a mutant.

    Attributes
    ----------
    how
        One of `HOWS`.
    test
        The test that noticed; "" where none did.
    seconds
        What finding out took; 0 where it was remembered.
    """

    how: str
    test: str = ""
    seconds: float = 0.0


class Results:
    """A file to which each result is appended the moment it is known, so that a run may be cut short at any time.

    Parameters
    ----------
    checkout
        On what verdicts rest.
    without
        Names of the contracts whose artifacts a mutant brings itself.
    path
        The file; by default one in the cache, which is outside of every checkout.
    """

    def __init__(self, checkout: Checkout, *, without: tuple[str, ...], path: Path | None = None) -> None:
        self.path = cache_dir() / "mutants" / "results.jsonl" if path is None else path
        self._checkout = checkout
        self._without = without
        self._lock = threading.Lock()
        self._codes: dict[str, str] = {}
        self._verdicts: dict[str, dict[str, Any]] = {}
        self._whole: dict[str, dict[str, Any]] = {}
        self._noticed: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self._seconds: Mapping[str, float] = {}
        if self.path.is_file():
            for line in self.path.read_text(encoding="utf-8", errors="replace").splitlines():
                self._learn(line)

    def code_of(self, text_key: str) -> str | None:
        """What a text was compiled to before: a key of code, "" where solc refused it; None where not known."""
        return self._codes.get(text_key)

    def verdict(self, code: str) -> Outcome | None:
        """What became of code before, if what that rests on is still the same."""
        known = self._verdicts.get(code)
        if known is None or known["proof"] != self._proof(known["test"]):
            return None
        return Outcome(known["how"], known["test"])

    def add(self, mutant: Mutant, text_key: str, code: str, outcome: Outcome) -> None:
        """Remember what became of a mutant."""
        entry = {
            "mutant": mutant.id,
            "text": text_key,
            "code": code,
            "where": mutant.where,
            "line": mutant.line,
            "how": outcome.how,
            "test": outcome.test,
            "seconds": round(outcome.seconds, 2),
            "proof": self._proof(outcome.test),
        }
        self._append(entry)

    def whole_run(self, code: str) -> Mapping[str, float] | None:
        """Seconds of each test in the last run of all of them, if they all passed and nothing has changed since."""
        known = self._whole.get(code)
        if known is None or known["proof"] != self._proof(""):
            return None
        self._seconds = known["tests"]
        return self._seconds

    def add_whole_run(self, code: str, seconds: Mapping[str, float]) -> None:
        """Remember a run of all tests in which all passed."""
        self._seconds = seconds
        self._append({"whole": code, "tests": dict(seconds), "proof": self._proof("")})

    def order(self, mutant: Mutant) -> list[str]:
        """All tests: first those that noticed other mutants of the line, then of the function, then of the contract, most
        often for the time they take; then the quick ones."""
        with self._lock:
            near = [dict(self._noticed[place]) for place in _places(mutant.where, mutant.line)]

        def rank(test: str) -> tuple[float, ...]:
            seconds = self._seconds[test]
            return (*(-noticed.get(test, 0) / (seconds + _START) for noticed in near), seconds)

        return sorted(self._seconds, key=rank)

    def _proof(self, test: str) -> str:
        return self._checkout.proof(test, without=self._without)

    def _append(self, entry: Mapping[str, Any]) -> None:
        line = json.dumps(entry)
        with self._lock:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("a", encoding="utf-8") as file:
                file.write(f"{line}\n")
            self._learn(line)

    def _learn(self, line: str) -> None:
        try:
            entry = json.loads(line)
        except ValueError:  # the last line of a run that was killed
            return
        if "whole" in entry:
            self._whole[entry["whole"]] = entry
            return
        self._codes[entry["text"]] = entry["code"]
        if entry["how"] in ("killed", "timeout", "survived"):
            self._verdicts[entry["code"]] = entry
        if entry["test"]:
            for place in _places(entry["where"], entry["line"]):
                self._noticed[place][entry["test"]] += 1


def _places(where: str, line: int) -> tuple[str, str, str]:
    """Names of the line, the function and the contract."""
    return f"{where}:{line}", where, where.split(".")[0]
