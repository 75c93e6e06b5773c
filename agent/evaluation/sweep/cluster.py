"""Points tried on a Dask cluster: somebody else's scheduler, and workers that come and go."""

from __future__ import annotations

import asyncio
import logging
import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import CancelledError, ThreadPoolExecutor
from contextlib import ExitStack
from itertools import islice
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

from agent.errors import PatternSettleError, UsageError
from agent.evaluation.sweep.carried import called, opened
from agent.evaluation.sweep.defaults import LEAST_PATIENCE, MOST_PATIENCE, PATIENCE
from agent.evaluation.sweep.engines import Call, Failed, failure
from agent.evaluation.sweep.trying import versions
from agent.extras import install
from agent.model.reasons import reason

if TYPE_CHECKING:
    from distributed import Client, Future

__all__ = ["Cluster", "require_patience"]

T = TypeVar("T")

_LOOK = 1.0  # seconds after which to see whether there are still workers, and how many
_GO_ON = "The same command then does only what is missing."
_LOGGER = logging.getLogger("distributed.client")
_NO_SCHEDULER = (OSError, ValueError, MemoryError)  # of the last, where something else answers


def require_patience(seconds: float) -> None:
    """Refuse a patience that nobody has, or no timer.

    Raises
    ------
    UsageError
        Where it is no number, too short, or longer than a day.
    """
    if not LEAST_PATIENCE <= seconds <= MOST_PATIENCE:
        raise UsageError(
            f"Nothing waits for {seconds:g} seconds.",
            cure=f"Give {LEAST_PATIENCE:g} to {MOST_PATIENCE:,.0f}, a day, with --patience.",
        )


class Cluster:
    """The workers of a Dask scheduler.

    Each of them, and the scheduler, needs this package in the same version; and each worker the modules of the models
    that are swept, installed or in the folder in which it was started.

    Parameters
    ----------
    address
        Of the scheduler, like ``tcp://127.0.0.1:8786``.
    patience
        Seconds to wait for the scheduler to answer, and for a worker to be there.

    Raises
    ------
    UsageError
        Where the patience is none that can be.
    """

    def __init__(self, address: str, *, patience: float = PATIENCE) -> None:
        require_patience(patience)
        self.address, self.patience = address, patience
        self._client: Client | None = None
        self._known = 0
        self._level = logging.NOTSET

    def __enter__(self) -> Cluster:
        """Connect.

        Raises
        ------
        UsageError
            Where Dask is not installed, no scheduler answers, it has no worker, or one has other versions.
        """
        try:
            from distributed import Client
        except ImportError as error:
            raise UsageError(
                "The engine dask needs Dask, which is not installed.",
                cure=f"Run: {install('dask')}.",
            ) from error
        # A client that cannot connect is told of late, and long after by others of its threads: so it is not made.
        with ThreadPoolExecutor(1) as aside:
            aside.submit(asyncio.run, self._require_scheduler()).result()
        # What it would say of a connection that is lost, we do, in one line.
        self._level = _LOGGER.level
        _LOGGER.setLevel(logging.CRITICAL)
        with ExitStack() as undone:
            undone.callback(self._close)
            try:
                self._client = Client(self.address, timeout=self.patience, set_as_default=False)
            except _NO_SCHEDULER as error:
                raise self._no_scheduler() from error
            self._await_worker()
            self._require_same()
            undone.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._close()

    async def _require_scheduler(self) -> None:
        """Ask whoever is at the address what it is."""
        from distributed import Security
        from distributed.comm import connect

        async def identity() -> Any:
            comm = await connect(self.address, timeout=self.patience, **Security().get_connection_args("client"))
            try:
                await comm.write({"op": "identity", "reply": True})
                return await comm.read()
            finally:
                comm.abort()

        try:
            what = (await asyncio.wait_for(identity(), self.patience)).get("type")
        except TypeError as error:
            raise UsageError(
                f"No connection can be made to {self.address}: {reason(error)}.",
                cure="Configure TLS as for any client of Dask, with distributed.comm.tls in its configuration.",
            ) from error
        except _NO_SCHEDULER as error:
            raise self._no_scheduler() from error
        if what != "Scheduler":
            raise self._no_scheduler()

    def _no_scheduler(self) -> UsageError:
        return UsageError(
            f"No Dask scheduler answers at {self.address or 'an empty address'}.",
            cure="Start one with `dask scheduler` and give with --scheduler the address it tells, or wait longer with "
            "--patience.",
        )

    def shared(self, value: T) -> Future:
        """Return a future of the value: workers get it from each other, and it can be had again if they are lost."""
        return self._submit(opened, _bytes_of(value))

    def answers(self, function: Callable[..., T], calls: Iterable[Call]) -> Iterator[tuple[int, T | Failed]]:
        """See `Engine.answers`. A call that several workers were lost with, as many as the scheduler allows, has failed.

        Raises
        ------
        PatternSettleError
            Where the scheduler is lost, or all workers are and none comes.
        """
        numbered = enumerate(calls)
        under_way: dict[Future, int] = {}
        drawn, seen = False, time.monotonic()
        while under_way or not drawn:
            workers = self._workers()
            if workers and not drawn:
                room = workers + 1  # one in hand, so that no worker waits
                for place, call in islice(numbered, max(0, room - len(under_way))):
                    under_way[self._call(function, call)] = place
                drawn = len(under_way) < room
            ended = self._ended(list(under_way)) if under_way else []
            for future in ended:
                yield under_way.pop(future), self._answer(future)
            if workers or ended:
                seen = time.monotonic()
            elif time.monotonic() - seen > self.patience:
                raise self._without_workers()
            elif not under_way:
                time.sleep(_LOOK / 10)

    def _call(self, function: Callable[..., Any], call: Call) -> Future:
        from distributed import Future

        shared = [each for each in call if isinstance(each, Future)]
        own = call[: len(call) - len(shared)]  # what is shared comes last
        return self._submit(called, _bytes_of((function, own)), *shared)

    def _submit(self, function: Callable[..., Any], *arguments: Any) -> Future:
        assert self._client is not None
        with warnings.catch_warnings():
            # A market is as large as it is, and it is sent once.
            warnings.filterwarnings("ignore", "Sending large graph")
            return self._client.submit(function, *arguments, pure=False)

    def _ended(self, futures: list[Future]) -> list[Future]:
        from distributed import wait

        assert self._client is not None
        try:
            with self._client.as_current():
                return list(wait(futures, timeout=_LOOK, return_when="FIRST_COMPLETED").done)
        except TimeoutError:
            return []
        except (OSError, CancelledError) as error:
            raise self._lost() from error

    def _answer(self, future: Future) -> Any:
        from distributed import KilledWorker

        error = future.exception()
        if error is None:
            return future.result()
        if isinstance(error, KilledWorker):
            return Failed("Every worker it was tried on ended, as when memory runs out.")
        if isinstance(error, ModuleNotFoundError) and (error.name or "").split(".")[0] == "agent":
            raise self._unfit("one of its workers", "it lacks patternsettle")
        return failure(error)

    def _workers(self) -> int:
        """Return the number of workers; the last one known where the scheduler is too busy to say."""
        assert self._client is not None
        try:
            self._known = len(self._client.sync(self._client.scheduler.ncores, callback_timeout=_LOOK))
        except OSError as error:
            # A client that has to connect anew has lost all that was under way.
            if not isinstance(error, TimeoutError) or self._client.status != "running":
                raise self._lost() from error
        return self._known

    def _await_worker(self) -> None:
        assert self._client is not None
        try:
            self._client.wait_for_workers(1, timeout=self.patience)
        except TimeoutError as error:
            raise self._without_workers() from error
        except OSError as error:
            raise self._lost() from error
        self._known = 1

    def _require_same(self) -> None:
        """Refuse workers on which the points could come out otherwise."""
        assert self._client is not None
        ours = versions()
        for worker, theirs in self._client.run(versions, on_error="return").items():
            if isinstance(theirs, BaseException):
                raise self._unfit(f"the worker {worker}", f"it lacks patternsettle ({reason(theirs)})")
            for name, version in ours.items():
                if theirs.get(name) != version:
                    raise self._unfit(
                        f"the worker {worker}", f"it has {name} {theirs.get(name)}, and here is {version}"
                    )
        # The scheduler reads every call, too, before it passes it on.
        for _, answer in self.answers(abs, [(0,)]):
            if isinstance(answer, Failed):
                raise self._unfit("its scheduler", f"it could pass nothing on ({answer.reason.rstrip('.')})")

    def _unfit(self, who: str, why: str) -> UsageError:
        return UsageError(
            f"The Dask cluster at {self.address} cannot do this, because of {who}: {' '.join(why.split())}.",
            cure="Install the same versions of everything wherever a scheduler or worker of it runs.",
        )

    def _without_workers(self) -> PatternSettleError:
        return PatternSettleError(
            f"The Dask cluster at {self.address} has had no worker for {self.patience:g} s.",
            cure=f"Start one with `dask worker {self.address}`. {_GO_ON}",
        )

    def _lost(self) -> PatternSettleError:
        return PatternSettleError(
            f"The Dask scheduler at {self.address} has stopped answering.", cure=f"Start it again. {_GO_ON}"
        )

    def _close(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None
        _LOGGER.setLevel(self._level)


def _bytes_of(value: Any) -> bytes:
    import cloudpickle  # comes with Dask

    return cloudpickle.dumps(value)
