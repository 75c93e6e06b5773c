"""A Dask cluster, a real one on loopback: the same points as here, even where a worker goes in the middle."""

from __future__ import annotations

import json
import multiprocessing
import os
import runpy
import socket
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from multiprocessing.context import ForkServerProcess
from pathlib import Path

import pytest

from agent.errors import PatternSettleError, UsageError
from agent.evaluation.sweep import trying
from agent.evaluation.sweep.cluster import Cluster
from agent.evaluation.sweep.engines import Failed
from agent.extras import install

Client = pytest.importorskip("distributed", reason="Dask is not installed: pip install '.[dask]'").Client

START = 30.0  # seconds that a process may take to begin, on a machine that has much else to do


# What a worker of Dask imports takes longer than all it does here: one process imports it, and the others are forks of that.
FORKS = multiprocessing.get_context("forkserver")
IMPORTED = ("distributed", "agent.evaluation.sweep.trying")


class Local:
    """A scheduler and its workers, each a process that ends with the test."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.workers: list[ForkServerProcess] = []
        self._begin()

    def _begin(self) -> None:
        told = self._folder / "scheduler.json"
        told.unlink(missing_ok=True)
        self.scheduler = self._start("scheduler", "--port", "0", "--scheduler-file", str(told))
        wait_for(lambda: told.exists() and told.read_text().endswith("}"))
        self.address = json.loads(told.read_text())["address"]

    def with_workers(self, count: int) -> list[ForkServerProcess]:
        """Return so many workers that the scheduler knows; those that were left by others before, if there are."""
        if not self.scheduler.is_alive():
            self.close()
            self._begin()
        self.workers = [each for each in self.workers if each.is_alive()]
        while len(self.workers) < count:
            self.workers.append(self._start("worker", self.address, "--nthreads", "1", "--no-nanny"))
        while len(self.workers) > count:
            end(self.workers.pop())
        with Client(self.address, set_as_default=False) as client:
            wait_for(lambda: len(client.scheduler_info(n_workers=-1)["workers"]) == count)
        return [*self.workers]

    def _start(self, what: str, *arguments: str) -> ForkServerProcess:
        """Run what ``dask scheduler`` and ``dask worker`` run."""
        module = f"distributed.cli.dask_{what}"
        options = ["--host", "127.0.0.1", "--no-dashboard"]
        if what == "worker":
            options += ["--local-directory", str(self._folder)]
        process = FORKS.Process(target=runpy.run_module, args=(module,), kwargs={"run_name": "__main__"})
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sys, "argv", [module, *arguments, *options])  # a fork is given it
            process.start()
        return process

    def close(self) -> None:
        for process in (*self.workers, self.scheduler):
            end(process)
        self.workers.clear()


def end(process: ForkServerProcess) -> None:
    process.kill()
    process.join()


def wait_for(condition: Callable[[], bool]) -> None:
    """Wait until something is so in another process."""
    deadline = time.monotonic() + START
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.fixture(scope="module")
def local(tmp_path_factory) -> Iterator[Local]:
    FORKS.set_forkserver_preload(IMPORTED)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES", "1")
        made = Local(tmp_path_factory.mktemp("cluster"))
    yield made
    made.close()


def test_with_a_worker_that_stops_half_way_nothing_is_lost_or_done_twice(
    local, plan, swept, whole, timeless, lines, tmp_path
):
    doomed, other = local.with_workers(2)

    def on_progress(done: int, total: int) -> None:
        if done == 2:
            doomed.kill()

    with Cluster(local.address, patience=START) as engine:
        found = swept(plan(), engine=engine, on_progress=on_progress)
    doomed.join()
    assert doomed.exitcode != 0
    assert other.is_alive()
    assert timeless(found) == timeless(whole)
    assert Counter(line["key"] for line in lines(tmp_path / "sweep")) == {each.key: 1 for each in plan().points}
    events = Counter(line["event"] for line in lines(tmp_path / "trials.jsonl"))
    assert events == {"begun": 6, "ended": 6}


def test_what_goes_wrong_is_told_and_the_others_go_on(local, plan, swept):
    local.with_workers(1)
    failing = plan(horizon=(12,), max_depth=(3, -1))
    with Cluster(local.address, patience=START) as engine:
        assert swept(failing, engine=engine).failed == swept(failing, folder="here").failed


def test_a_worker_with_other_versions_is_refused(local, monkeypatch):
    local.with_workers(1)
    monkeypatch.setattr(trying, "__version__", "9.9")
    with (
        pytest.raises(UsageError, match=r"the worker tcp://\S+: it has patternsettle .* and here is 9\.9"),
        Cluster(local.address, patience=START),
    ):
        pass


def test_a_call_that_ends_every_worker_has_failed_and_without_workers_nothing_goes_on(local):
    local.with_workers(2)

    def deadly(n: int) -> int:
        os._exit(n)

    with Cluster(local.address, patience=START) as engine:
        [(place, answer)] = engine.answers(deadly, [(1,)])
        assert (place, answer) == (0, Failed("Every worker it was tried on ended, as when memory runs out."))
        engine.patience = 0.2
        with pytest.raises(PatternSettleError, match=r"has had no worker for 0\.2 s") as stopped:
            list(engine.answers(pow, [(2, 2)]))
    assert "The same command then does only what is missing." in stopped.value.cure


def test_a_cluster_without_workers_is_refused(local):
    local.with_workers(0)
    with (
        pytest.raises(PatternSettleError, match=r"has had no worker for 0\.5 s"),
        Cluster(local.address, patience=0.5),
    ):
        pass


@pytest.mark.parametrize(
    "address",
    ["", "nonsense", "http://127.0.0.1:8786", "tcp://127.0.0.1", "tcp://127.0.0.1:1", "no.such.invalid:1"],
)
def test_where_no_scheduler_answers_it_is_told_in_time(address):
    with (
        pytest.raises(UsageError, match="No Dask scheduler answers at") as refused,
        Cluster(address, patience=0.3),
    ):
        pass
    assert "`dask scheduler`" in refused.value.cure


def test_an_address_that_needs_what_dask_was_not_told_is_refused():
    with (
        pytest.raises(UsageError, match=r"No connection can be made to tls://\S+: TLS expects") as refused,
        Cluster("tls://127.0.0.1:1", patience=0.3),
    ):
        pass
    assert "distributed.comm.tls" in refused.value.cure


def test_something_else_that_answers_is_no_scheduler():
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            with server.accept()[0] as connection:
                connection.recv(100)
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        threading.Thread(target=answer, daemon=True).start()
        address = f"127.0.0.1:{server.getsockname()[1]}"
        with pytest.raises(UsageError, match="No Dask scheduler answers at"), Cluster(address, patience=0.5):
            pass


def test_without_dask_it_is_said_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(UsageError, match="needs Dask") as refused, Cluster("127.0.0.1:8786"):
        pass
    assert refused.value.cure == f"Run: {install('dask')}."


def test_a_scheduler_that_goes_is_told_and_the_sweep_goes_on_later(local, plan, swept):
    local.with_workers(1)

    def on_progress(done: int, total: int) -> None:
        if done == 1:
            end(local.scheduler)

    with (
        Cluster(local.address, patience=START) as engine,
        pytest.raises(PatternSettleError, match="has stopped answering"),
    ):
        swept(plan(), engine=engine, on_progress=on_progress)
    assert swept(plan()).known >= 1
