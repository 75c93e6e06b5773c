"""What the tests of the command line stand on: processes that end with their test, and what every refusal has in common."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from functools import partial
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from agent.chain.rpc.server import RpcServer
from agent.chain.service import ReplayService
from agent.cli import run_command
from agent.evaluation.trials import TRIALS_VARIABLE
from agent.market.bars import Bars
from agent.market.synthetic import planted
from agent.settings import Settings

from ..prefork.forked import MODULE, Process, fresh, start

PATIENCE = 120  # seconds after which a process counts as hung
SHARED = Path(__file__).parents[3] / "shared" / "data"
CLIENTS = Path(__file__).parents[1] / "clients"
PROGRESS = ("Training on ", "Evaluating ", "Replaying ", "Following the chain", "Deploying to ")
OF_THIS_SHELL = ("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "SOLC_BINARY")


@dataclass(frozen=True)
class Ended:
    """What a command left behind."""

    code: int
    out: str
    err: str

    def is_refused(self, *words: str) -> None:
        """Require one line that says what is wrong, exit code 2, and no traceback."""
        said = [line for line in self.err.splitlines() if not line.startswith(PROGRESS)]
        assert len(said) == 1, self.err
        assert said[0].startswith("patternsettle: ")
        assert said[0].endswith((".", "?"))
        assert "Traceback" not in self.err
        for word in words:
            assert word in said[0]
        assert self.out == ""
        assert self.code == 2


class Terminal:
    """A terminal in an empty folder: it starts commands there, and ends what still runs when the test does."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._started: list[tuple[Process, threading.Timer]] = []

    def start(
        self,
        *arguments: str,
        program: tuple[str, ...] = (),
        env: Mapping[str, str] | None = None,
        **streams: int,
    ) -> Process:
        """Start a command, or in place of ours a program that begins anew."""
        begin = fresh if program else start
        process = begin(
            [*program, *arguments], folder=self.folder, environment=environment() | dict(env or {}), **streams
        )
        watchdog = threading.Timer(PATIENCE, process.kill)
        watchdog.daemon = True
        watchdog.start()
        self._started.append((process, watchdog))
        return process

    def run(self, *arguments: str, **options: Any) -> Ended:
        return self.ended(self.start(*arguments, **options))

    @staticmethod
    def ended(process: Process) -> Ended:
        out, err = process.communicate()
        return Ended(process.returncode, out, err)

    def close(self) -> None:
        for process, watchdog in self._started:
            watchdog.cancel()
            process.kill()
            process.wait()
            for stream in (process.stdout, process.stderr):
                if stream is not None:
                    stream.close()


@pytest.fixture(scope="session", autouse=True)
def trial_log(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Count trials in a log of the tests' own, never in that of whoever runs them."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setenv(TRIALS_VARIABLE, str(tmp_path_factory.mktemp("trials") / "trials.jsonl"))
        yield


def environment() -> dict[str, str]:
    """This process's environment, less what would change how a command looks or behaves; the log of trials stays ours."""
    return {
        name: value
        for name, value in os.environ.items()
        if name not in OF_THIS_SHELL and (name == TRIALS_VARIABLE or not name.startswith("PATTERNSETTLE_"))
    }


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    folder = tmp_path / "terminal"
    folder.mkdir()
    made = Terminal(folder)
    yield made
    made.close()


@pytest.fixture(scope="module")
def shared_terminal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Terminal]:
    """A terminal that the tests of a module look at after what was done in it."""
    made = Terminal(tmp_path_factory.mktemp("terminal"))
    yield made
    made.close()


@pytest.fixture(scope="session")
def piped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ended]:
    """The demo as a program sees it that reads its output from a pipe."""
    made = Terminal(tmp_path_factory.mktemp("piped"))
    try:
        yield made.run("demo", "--json", "--bars", "40", program=MODULE)
    finally:
        made.close()


@pytest.fixture
def command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Ended]:
    """Run a command in this process, in an empty folder: its imports are there already."""
    for name in os.environ.keys() - environment().keys():
        monkeypatch.delenv(name)
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "path", list(sys.path))  # to which a command may add the folder

    def run(*arguments: object) -> Ended:
        capsys.readouterr()
        code = run_command([str(argument) for argument in arguments])
        said = capsys.readouterr()
        return Ended(code, said.out, said.err)

    return run


@pytest.fixture
def signal_us() -> Iterator[Callable[[signal.Signals], None]]:
    """Signal this process, in which a command runs; one that comes when the command has ended does no harm."""
    before = {number: signal.signal(number, lambda *_: None) for number in (signal.SIGINT, signal.SIGTERM)}
    yield lambda number: os.kill(os.getpid(), number)
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture(scope="session")
def command_in() -> Callable[..., Ended]:
    """Run a command in this process, in a folder that several tests look at afterwards."""

    def run(folder: Path, *arguments: object) -> Ended:
        out, err = StringIO(), StringIO()
        with pytest.MonkeyPatch.context() as monkeypatch, redirect_stdout(out), redirect_stderr(err):
            for name in os.environ.keys() - environment().keys():
                monkeypatch.delenv(name)
            monkeypatch.chdir(folder)
            monkeypatch.setattr(sys, "path", list(sys.path))
            code = run_command([str(argument) for argument in arguments])
        return Ended(code, out.getvalue(), err.getvalue())

    return run


@pytest.fixture(scope="session")
def series() -> Bars:
    return planted(1_500, seed=11)


@pytest.fixture(scope="session")
def price_file(series: Bars, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Prices in a file, as anybody might have them."""
    path = tmp_path_factory.mktemp("prices") / "eth_usd_1h.csv"
    rows = ["time,open,high,low,close,volume"]
    for index in range(len(series)):
        bar = series.bar(index)
        prices = (series.decimal(price) for price in (bar.open, bar.high, bar.low, bar.close))
        rows.append(",".join([str(bar.time), *(f"{price:f}" for price in prices), f"{series.volume[index]:.3f}"]))
    path.write_text("\n".join(rows) + "\n")
    return path


@contextmanager
def _replayed(series: Bars, *, bars_per_second: float) -> Iterator[str]:
    service = ReplayService(series, start=1_000, settings=Settings())
    stop = threading.Event()
    publishing = threading.Thread(target=service.replay, kwargs={"bars_per_second": bars_per_second, "stop": stop})
    try:
        with RpcServer(service.local) as server:
            publishing.start()
            yield server.url
    finally:
        stop.set()
        publishing.join()
        service.close()


@pytest.fixture(scope="session")
def replayed(series: Bars) -> Callable[..., AbstractContextManager[str]]:
    """Replay the last bars of the series on a chain in this process, for as long as a `with` lasts that takes its address."""
    return partial(_replayed, series)


@pytest.fixture(scope="class")
def replaying(replayed: Callable[..., AbstractContextManager[str]]) -> Iterator[str]:
    """The address of such a chain; for no longer than a class, because it has much to do, whether or not anybody looks."""
    with replayed(bars_per_second=5) as url:
        yield url


@pytest.fixture(scope="session")
def shared_file() -> Callable[[str], Path]:
    """Return a real price file by its name."""

    def find(name: str) -> Path:
        if not SHARED.is_dir():
            pytest.skip("the folder ../shared/data with real price files is not here")
        return SHARED / name

    return find


@pytest.fixture(scope="session")
def anvil() -> Iterator[str]:
    """The address of an anvil that runs on a free port."""
    packaged = CLIENTS / "node_modules" / "@foundry-rs" / "anvil-linux-amd64" / "bin" / "anvil"
    program = packaged if packaged.is_file() else shutil.which("anvil")
    if program is None:
        why = "foundry's anvil is neither in tests/clients/node_modules nor on PATH; scripts/test installs it"
        if os.environ.get("PATTERNSETTLE_REQUIRE_CLIENTS") == "1":
            pytest.fail(why)
        pytest.skip(why)
    # A shell between us ends it when our end of the pipe closes: even where this process is killed, and no `finally` runs.
    ends_with_us = '"$@" & exec >/dev/null; cat; kill $!; wait'
    command = ["sh", "-c", ends_with_us, "sh", str(program), "--port", "0"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            listening = next(line for line in process.stdout if line.startswith("Listening on "))
            # Its log of requests must be read, or it waits for room in the pipe; ends with the process.
            threading.Thread(target=process.stdout.read).start()
            yield f"http://{listening.removeprefix('Listening on ').strip()}"
        finally:
            process.stdin.close()
            process.wait()
