"""Ctrl-C, or the end that a service manager asks for: once, the report; twice, at once."""

from __future__ import annotations

import json
import signal
import sqlite3
import time

import pytest

from agent.cli.stopping import stop_on_interrupt
from agent.desk.journal import Journal

MANY = 20_000  # bars that no machine replays while a test lasts
ENOUGH = 15  # rows in a journal that show a replay to be under way
PROMPT = 15  # seconds, on a machine that has much else to do


@pytest.fixture
def replaying(terminal):
    """A demo in the middle of a long replay, and its journal."""
    journal = terminal.folder / "journal.sqlite"
    process = terminal.start("demo", "--json", "--bars", str(MANY), "--journal", journal.name)
    while not rows_of(journal) >= ENOUGH:
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.05)  # another process: there is nothing to wait on
    return process, journal


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


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
def test_once_ends_with_the_report_of_what_was_done(number, replaying):
    process, journal = replaying
    asked = time.monotonic()
    process.send_signal(number)
    out, err = process.communicate()
    assert time.monotonic() - asked < PROMPT
    assert (process.returncode, "Traceback" in err) == (0, False)
    document = json.loads(out)
    assert document["interrupted"] is True
    assert 0 < document["bars_replayed"] < MANY
    assert document["books"]["balanced"] is True
    with Journal.open(journal, readonly=True) as kept:
        assert kept.verify().head == document["journal"]["head"]


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


def test_an_ended_run_is_reported_as_complete(piped):
    assert json.loads(piped.out)["interrupted"] is False
