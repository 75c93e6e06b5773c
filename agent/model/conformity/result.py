"""What a check came to, and how one is made of code that belongs to somebody else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

from agent.errors import PatternSettleError
from agent.model.reasons import Attempt, reason

__all__ = ["Check", "Conformity", "Finding", "conducted", "told"]


@dataclass(frozen=True, slots=True)
class Check:
    """One thing asked of a model.

    Attributes
    ----------
    name
        What should hold, in one sentence.
    passed
        Whether it does.
    detail
        The evidence, for it or against it.
    """

    name: str
    passed: bool
    detail: str


@dataclass(frozen=True, slots=True)
class Conformity:
    """What all checks of a model came to.

    Attributes
    ----------
    passed
        Whether each of them passed.
    checks
        All that could be asked of this model, in the order in which they were.
    """

    passed: bool
    checks: tuple[Check, ...]

    @property
    def failed(self) -> tuple[Check, ...]:
        """The checks that failed."""
        return tuple(check for check in self.checks if not check.passed)

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {"passed": self.passed, "checks": [asdict(check) for check in self.checks]}


class Finding(NamedTuple):
    """What a check found; with its name it is a `Check`."""

    passed: bool
    detail: str


def told(error: Exception) -> str:
    """Return what was raised as part of a sentence."""
    if isinstance(error, PatternSettleError):
        return error.problem.rstrip(".")
    return f"it raised {type(error).__name__}: {reason(error)}"


def conducted(name: str, test: Callable[[], Finding]) -> Check:
    """Return a check as its test decided it; a test that cannot be finished has failed."""
    with Attempt() as attempt:
        return Check(name, *test())
    assert attempt.error is not None
    return Check(name, False, f"{told(attempt.error)}.")
