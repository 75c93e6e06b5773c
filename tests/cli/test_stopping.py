"""Ctrl-C, or the end that a service manager asks for: once, the report; twice, at once."""

from __future__ import annotations

import json
import signal
import sqlite3
import threading
import time
from pathlib import Path

import pytest

from agent.cli.stopping import stop_on_interrupt
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
