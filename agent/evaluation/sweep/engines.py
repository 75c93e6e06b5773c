"""Where points are tried: what a sweep asks of whoever does the work, this process, and others of this machine."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from types import TracebackType
from typing import Any, Protocol, TypeVar

from joblib.externals.loky import (
    FIRST_COMPLETED,
    BrokenProcessPool,
    Future,
    ProcessPoolExecutor,
    wait,
)

from agent.errors import PatternSettleError
from agent.evaluation.processes import begin, processes
from agent.model.reasons import Attempt, origin, reason

__all__ = ["Call", "Engine", "Failed", "Here", "Processes", "answered", "failure"]

Call = tuple[Any, ...]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Failed:
    """Instead of an answer: what was asked for went wrong.

    Attributes
    ----------
    reason
        Why, in a sentence.
    """

    reason: str


def failure(error: BaseException) -> Failed:
    """Return what an error of a point comes to: one of ours in its own words, any other by its name and origin too.

    A model's code may raise whatever it likes, and so may a fault in this package: the origin tells which it was.
    """
    if isinstance(error, PatternSettleError):
        return Failed(str(error))
    return Failed(f"{type(error).__name__}{origin(error, led=True, besides=__name__)}: {reason(error)}.")


def answered(function: Callable[..., T], *call: Any) -> T | Failed:
    """Make a call and return its answer, or why there is none: told where it is made, since no traceback travels."""
    with Attempt() as attempt:
        return function(*call)
    assert attempt.error is not None
    return failure(attempt.error)


class Engine(Protocol):
    """Whoever does the work of a sweep, while it is open."""

    def shared(self, value: Any) -> Any:
        """Return what to give to many calls in place of a large value, so that it travels once."""

    def answers(self, function: Callable[..., T], calls: Iterable[Call]) -> Iterator[tuple[int, T | Failed]]:
        """Call a function with each of many arguments, and yield the place of each call with its answer, as they come.

        The calls are drawn one by one, each just before somebody is free to answer it. One whose worker is lost
        is made again elsewhere; one that goes wrong is answered with `Failed`, and the others go on.
        """


class Here:
    """This process: nothing has to start or travel, and a debugger sees it all."""

    def __enter__(self) -> Here:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        pass

    def shared(self, value: T) -> T:
        """Return the value itself."""
        return value

    def answers(self, function: Callable[..., T], calls: Iterable[Call]) -> Iterator[tuple[int, T | Failed]]:
        """See `Engine.answers`."""
        for place, call in enumerate(calls):
            yield place, answered(function, *call)


class Processes:
    """Processes of this machine, by joblib's loky.

    Parameters
    ----------
    jobs
        How many; as many as there are cores where that is fewer, or None.
    """

    def __init__(self, jobs: int | None = None) -> None:
        self.jobs = processes(jobs)
        self._pool: ProcessPoolExecutor | None = None

    def __enter__(self) -> Processes:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._end()

    def shared(self, value: T) -> T:
        """Return the value itself: from process to process it travels in milliseconds."""
        return value

    def answers(self, function: Callable[..., T], calls: Iterable[Call]) -> Iterator[tuple[int, T | Failed]]:
        """See `Engine.answers`. A call whose process ended twice, the second time alone in it, has failed."""
        numbered = enumerate(calls)
        under_way: dict[Future, tuple[int, Call]] = {}
        try:
            while True:
                for place, call in islice(numbered, self.jobs - len(under_way)):
                    under_way[self._submit(function, call)] = place, call
                if not under_way:
                    return
                ended = wait(under_way, return_when=FIRST_COMPLETED).done
                if any(_is_lost(future) for future in ended):
                    ended = wait(under_way).done  # with one process, all are lost
                lost = []
                for future in ended:
                    place, call = under_way.pop(future)
                    if _is_lost(future):
                        lost.append((place, call))
                    else:
                        yield place, _answer(future)
                # Nobody knows whose fault it was. Alone, each shows.
                for place, call in sorted(lost, key=lambda each: each[0]):
                    yield place, self._alone(function, call)
        finally:
            for future in under_way:
                future.cancel()

    def _alone(self, function: Callable[..., T], call: Call) -> T | Failed:
        future = self._submit(function, call)
        wait([future])
        if _is_lost(future):
            return Failed("The process it was tried in ended twice, as when memory runs out.")
        return _answer(future)

    def _submit(self, function: Callable[..., Any], call: Call) -> Future:
        if self._pool is not None:
            try:
                return self._pool.submit(answered, function, *call)
            except BrokenProcessPool:
                self._end()
        self._pool = ProcessPoolExecutor(self.jobs, initializer=begin, initargs=(os.getpid(),))
        return self._pool.submit(answered, function, *call)

    def _end(self) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=True, kill_workers=True)
            self._pool = None


def _is_lost(future: Future) -> bool:
    return isinstance(future.exception(), BrokenProcessPool)


def _answer(future: Future) -> Any:
    error = future.exception()
    return future.result() if error is None else failure(error)
