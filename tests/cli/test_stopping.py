"""Ctrl-C, or the end that a service manager asks for: once, the report; twice, at once."""

from __future__ import annotations

import json
import signal
import sqlite3
import sys
import threading
import time
from pathlib import Path

import pytest

from agent.cli.stopping import Stopped, stop_in_order, stop_on_interrupt
from agent.desk.journal import Journal

MANY = 2_000  # bars that no machine replays while a test lasts
ENOUGH = 15  # rows in a journal that show a replay to be under way
PROMPT = 15  # seconds, on a machine that has much else to do


LONG = ("demo", "--json", "--bars", str(MANY), "--journal", "journal.sqlite")


def rows_of(journal) -> int:
    if not journal.exists():
        return 0
    connection = sqlite3.connect(f"{journal.as_uri()}?mode=ro", uri=True)
    try:
        return connection.execute("SELECT count(*) FROM patternsettle_journal").fetchone()[0]
    except sqlite3.OperationalError:  # no table yet
        return 0
    finally:
        connection.close()


def is_the_report_of_what_was_done(out: str, journal: Path) -> None:
    document = json.loads(out)
    assert document["interrupted"] is True
    assert 0 < document["bars_replayed"] < MANY
    assert document["books"]["balanced"] is True
    with Journal.open(journal, readonly=True) as kept:
        assert kept.verify().head == document["journal"]["head"]


def test_ctrl_c_ends_with_the_report_of_what_was_done(terminal):
    journal = terminal.folder / "journal.sqlite"
    process = terminal.start(*LONG)
    while not rows_of(journal) >= ENOUGH:
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.05)  # another process: there is nothing to wait on
    asked = time.monotonic()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate()
    assert time.monotonic() - asked < PROMPT
    assert (process.returncode, "Traceback" in err) == (0, False)
    is_the_report_of_what_was_done(out, journal)


def test_the_end_that_a_service_manager_asks_for_does_too(command, signal_us):
    journal, ended = Path.cwd() / "journal.sqlite", threading.Event()

    def ask() -> None:
        while not (rows_of(journal) >= ENOUGH or ended.wait(0.02)):
            pass
        signal_us(signal.SIGTERM)

    asking = threading.Thread(target=ask)
    asking.start()
    report = command(*LONG)
    ended.set()
    asking.join()
    assert report.code == 0
    is_the_report_of_what_was_done(report.out, journal)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
def test_the_first_asks_to_stop_and_the_second_does_not_wait(number):
    before = signal.getsignal(number)
    with stop_on_interrupt() as stop:
        assert not stop.is_set()
        signal.raise_signal(number)
        assert stop.is_set()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(number)
    assert signal.getsignal(number) is before


def children(pid: int) -> set[int]:
    """All processes that a process began, and those began."""
    found: set[int] = set()
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, task.read_text().split()):
            found |= {child, *children(child)}
    return found


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


SLOW = """
import multiprocessing
import os
import time
from pathlib import Path

from sklearn.linear_model import LogisticRegression


class Slow(LogisticRegression):
    def fit(self, X, y):
        if multiprocessing.current_process().name != "MainProcess":
            Path(f"{os.getpid()}.training").touch()
            time.sleep(60)
        return super().fit(X, y)


def make():
    return Slow()
"""


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="needs /proc to tell which processes there are")
@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, 130), (signal.SIGKILL, -9)]
)
def test_whatever_ends_an_evaluation_ends_the_processes_it_began(number, code, terminal):
    (terminal.folder / "slow.py").write_text(SLOW)
    process = terminal.start("evaluate", "slow:make", "--walk", "--jobs", "2", "--bars", "3000")
    while len(list(terminal.folder.glob("*.training"))) < 2:
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.05)
    begun = children(process.pid)
    assert len(begun) >= 2

    process.send_signal(number)

    assert process.wait(timeout=PROMPT) == code
    until = time.monotonic() + PROMPT
    while any(map(alive, begun)) and time.monotonic() < until:
        time.sleep(0.05)
    assert not any(map(alive, begun))
    assert "Traceback" not in process.stderr.read()


@pytest.mark.parametrize("module", ["agent.cli", "typer", "agent.errors"])
def test_ctrl_c_while_it_begins_is_one_line(module, terminal):
    code = f"""
import os, runpy, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)

class Impatient:
    def find_spec(name, *rest):
        if name == {module!r}:
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Impatient)
runpy.run_module("agent", run_name="__main__", alter_sys=True)
"""
    ended = terminal.run("-c", code, program=(sys.executable,))
    assert (ended.code, ended.out, ended.err) == (130, "", "patternsettle: interrupted.\n")


def test_who_began_us_may_have_said_that_a_closing_terminal_is_nothing():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with stop_on_interrupt() as stop, stop_in_order() as asked:
            signal.raise_signal(signal.SIGHUP)
        assert not stop.is_set()
        assert not asked.is_set()
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_command_with_nothing_to_report_ends_with_the_code_of_its_signal(number):
    before = signal.signal(number, signal.SIG_DFL)  # ignored where the tests were begun by nohup
    try:
        with pytest.raises(Stopped) as stopped, stop_in_order() as asked:
            signal.raise_signal(number)
    finally:
        signal.signal(number, before)
    assert stopped.value.code == 128 + number
    assert asked.is_set()


def test_the_exit_codes_are_told(command):
    told = " ".join(command("--help").out.split())
    for code in ("0 done", "1 the books", "2 refused", "130 interrupted", "SIGTERM: 143", "SIGHUP: 129"):
        assert code in told
