"""What the tests of the conformity suite share: one check alone, and ways to look into a result."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from agent.model.conformity import Check, Conformity
from agent.model.conformity.result import Finding
from agent.model.conformity.subject import Subject, subject_of


@pytest.fixture(scope="session")
def found() -> Callable[..., Finding]:
    """Return a function that makes one check alone of a model."""

    def make(check: Callable[[Subject], Finding], model: object, **options: object) -> Finding:
        return check(subject_of(model, bars=None, seed=0, **options))

    return make


@pytest.fixture(scope="session")
def one() -> Callable[[Conformity, str], Check]:
    """Return a function that finds the check of a result whose name begins so."""

    def pick(result: Conformity, beginning: str) -> Check:
        return next(check for check in result.checks if check.name.startswith(beginning))

    return pick


@pytest.fixture(scope="session")
def failed(one: Callable[[Conformity, str], Check]) -> Callable[..., list[Check]]:
    """Return a function that requires that these checks failed, and no others, and returns them."""

    def require(result: Conformity, *beginnings: str) -> list[Check]:
        assert not result.passed
        assert [check.name for check in result.failed if not check.name.startswith(beginnings)] == []
        checks = [one(result, beginning) for beginning in beginnings]
        assert not any(check.passed for check in checks)
        return checks

    return require
