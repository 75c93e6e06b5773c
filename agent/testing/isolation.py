"""Authority on what a test leaves behind: nothing. A snapshot is taken before each, and before each example of hypothesis."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from agent.testing.chain import DevChain


class Isolation:
    """Undoes what each test did to the chain.

    What fixtures of a wider scope deploy stays: they are set up before the snapshot, which is taken when the first
    fixture of the function's own scope is. Without a chain, nothing happens.
    """

    def __init__(self) -> None:
        self.chain: DevChain | None = None
        self._item: pytest.Item | None = None
        self._due = False
        self._snapshot: str | None = None

    @property
    def is_open(self) -> bool:
        """Whether a test is running whose doings will be undone."""
        return self._snapshot is not None

    def begin(self, item: pytest.Item) -> None:
        """Turn to a test."""
        self._item, self._due, self._snapshot = item, False, None

    def use(self, chain: DevChain) -> None:
        """Learn of the session's chain; it may come into being in the middle of a test."""
        self.chain = chain
        if self._due:
            self.open()

    def open(self) -> None:
        """Take the test's snapshot, unless that is done."""
        self._due = True
        if self.chain is None or self._item is None or self.is_open:
            return
        self._snapshot = self.chain.snapshot()
        # Finalizers run last to first: this one after those of all the test's own fixtures.
        self._item.addfinalizer(self._undo)

    def _undo(self) -> None:
        snapshot, self._snapshot = self._snapshot, None
        if self.chain is not None and snapshot is not None:
            self.chain.revert(snapshot)

    @contextmanager
    def examples(self, item: pytest.Item) -> Iterator[None]:
        """Isolate each example of a ``@given`` test while it runs.

        Hypothesis lets plugins replace a test's `inner_test`; that is put back, as parametrized tests share it.
        """
        handle = getattr(getattr(item, "obj", None), "hypothesis", None)
        if self.chain is None or not hasattr(handle, "inner_test"):
            yield
            return
        inner = handle.inner_test
        handle.inner_test = _isolated(inner, self.chain)
        try:
            yield
        finally:
            handle.inner_test = inner


def _isolated(inner: Callable[..., Any], chain: DevChain) -> Callable[..., Any]:
    @functools.wraps(inner)
    def example(*arguments: Any, **named: Any) -> Any:
        __tracebackhide__ = True
        with chain.undone():
            return inner(*arguments, **named)

    return example
