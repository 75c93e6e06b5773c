"""What the journal promises: order, durability before anything is sent, one writer, and readers beside it."""

import hashlib
import json
import sqlite3
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta

import pytest

import agent.desk.store as stores
from agent.desk.entries import Decided, Kind, Outcome, RunEnded, Sent
from agent.desk.journal import GENESIS, Journal, Verified
from agent.desk.place import Place
from agent.errors import DeskError

START = datetime(2024, 5, 1, 12, tzinfo=UTC)


class Clock:
    """A clock that stands until it is told to move."""

    def __init__(self):
        self.now = START

    def __call__(self):
        return self.now

    def tick(self, **by):
        self.now += timedelta(**by)


def hold(bar=0):
    return Decided(bar_time=bar * 3_600, action="hold", reason="no pattern", threshold_bps=6_000)


def signal(bar=0):
    return Decided(
        bar_time=bar * 3_600,
        action="signal",
        side="long",
        patterns=1,
        confidence_bps=6_500,
        inputs=b"\x01" * 32,
        threshold_bps=6_000,
    )


def sent(nonce=0):
    return Sent(purpose="open", transaction=b"\x02" * 32, nonce=nonce, mandates=[b"\x03" * 32])


def outcome(block=1):
    return Outcome(transaction=b"\x02" * 32, status=1, block=block, gas_used=96_686)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def file(tmp_path):
    return tmp_path / "journal.sqlite"


@pytest.fixture(params=["file", "memory"])
def journal(request, file, clock):
    with Journal.open(file if request.param == "file" else ":memory:", clock=clock) as opened:
        yield opened


def seen_by_others(file):
    """How many rows another process would find now."""
    with Journal.open(file, readonly=True) as reader:
        return len(list(reader.rows()))


def test_a_new_journal_is_empty_and_verifies(journal):
    assert list(journal.rows()) == []
    assert journal.head == GENESIS
    assert journal.verify() == Verified(0, GENESIS)


def test_rows_come_back_in_order_as_they_were_appended(journal, clock):
    entries = [signal(1), sent(), outcome(), hold(2), hold(3), RunEnded(summary={"trades": 1})]
    appended = []
    for entry in entries:
        appended.append(journal.append(entry))
        clock.tick(milliseconds=10)
    assert list(journal.rows()) == appended
    assert [row.entry for row in journal.rows()] == entries
    assert [row.seq for row in appended] == [1, 2, 3, 4, 5, 6]
    assert [row.time for row in appended] == [START + timedelta(milliseconds=10 * n) for n in range(6)]
    assert journal.verify() == Verified(6, appended[-1].hash)


def test_each_row_carries_the_hash_of_the_one_before_over_everything_it_says(journal):
    first, second = journal.append(signal()), journal.append(hold())
    assert (first.previous, second.previous, journal.head) == (GENESIS, first.hash, second.hash)
    content = [2, "run-1", "2024-05-01T12:00:00.000000Z", "decision", hold().payload(), first.hash]
    text = json.dumps(content, separators=(",", ":"), ensure_ascii=False)
    assert second.hash == hashlib.sha256(text.encode()).hexdigest()


def test_the_same_entries_at_the_same_times_give_the_same_chain(clock):
    heads = set()
    for _ in range(2):
        with Journal.open(":memory:", run="a", clock=clock) as journal:
            journal.append(hold())
            heads.add(journal.append(signal()).hash)
    assert len(heads) == 1


def test_rows_are_found_by_kind_by_run_and_behind_a_row(file, clock):
    with Journal.open(file, clock=clock) as journal:
        for entry in (hold(1), signal(2), sent(), outcome()):
            journal.append(entry)
    with Journal.open(file, clock=clock) as journal:
        journal.append(hold(3))
        assert [row.seq for row in journal.rows(Kind.DECISION)] == [1, 2, 5]
        assert [row.seq for row in journal.rows("sent")] == [3]
        assert [row.seq for row in journal.rows(after=3)] == [4, 5]
        assert [row.seq for row in journal.rows(Kind.DECISION, after=1)] == [2, 5]
        assert [row.seq for row in journal.rows(run=journal.run)] == [5]


def test_rows_reach_past_one_page_and_past_rows_appended_meanwhile(journal):
    for bar in range(stores.PAGE + 1):
        journal.append(hold(bar))
    reading = journal.rows()
    next(reading)
    journal.append(hold(7))
    assert [row.seq for row in reading] == list(range(2, stores.PAGE + 3))


def test_a_journal_opened_again_carries_on_the_chain(file, clock):
    with Journal.open(file, clock=clock) as journal:
        last = journal.append(hold())
    with Journal.open(file, clock=clock) as journal:
        row = journal.append(hold())
        assert (row.seq, row.previous) == (2, last.hash)
        assert (last.run, row.run) == ("run-1", "run-2")
        assert journal.verify(expected_head=last.hash).rows == 2


def test_a_run_may_be_named_and_resumed(file, clock):
    for _ in range(2):
        with Journal.open(file, run="overnight", clock=clock) as journal:
            journal.append(signal())
    with Journal.open(file, readonly=True) as reader:
        assert [row.seq for row in reader.rows(run="overnight")] == [1, 2]


@pytest.mark.parametrize("entry", [signal(), sent(), RunEnded(summary={})], ids=lambda entry: entry.kind.value)
def test_an_urgent_entry_and_all_before_it_are_committed_when_append_returns(file, clock, entry):
    with Journal.open(file, clock=clock) as journal:
        journal.append(signal())
        journal.append(hold())
        journal.append(outcome())
        assert seen_by_others(file) == 1
        journal.append(entry)
        assert seen_by_others(file) == 4


def test_a_hold_shares_a_commit_only_within_the_linger(file, clock):
    with Journal.open(file, clock=clock, linger=timedelta(seconds=2)) as journal:
        journal.append(hold(1))
        assert seen_by_others(file) == 1
        clock.tick(seconds=1.9)
        journal.append(hold(2))
        assert seen_by_others(file) == 1
        clock.tick(seconds=0.1)
        journal.append(hold(3))
        assert seen_by_others(file) == 3


def test_a_clock_set_back_does_not_hold_rows_back(file, clock):
    with Journal.open(file, clock=clock) as journal:
        journal.append(hold(1))
        clock.tick(hours=-1)
        journal.append(hold(2))
        assert seen_by_others(file) == 2


@pytest.mark.parametrize("how", ["flush", "rows", "verify", "close"])
def test_what_waits_is_committed_by_flush_by_reading_and_by_closing(file, clock, how):
    with Journal.open(file, clock=clock) as journal:
        journal.append(signal())
        journal.append(hold())
        {"rows": lambda: list(journal.rows())}.get(how, getattr(journal, how))()
        assert seen_by_others(file) == 2


def test_a_commit_waits_for_the_disk(file):
    with Journal.open(file) as journal:
        journal.append(signal())
        connection = journal._store._connection.connection.driver_connection
        full = 2
        assert connection.execute("PRAGMA synchronous").fetchone() == (full,)


CHILD = """
import sys
from agent.desk.entries import Decided, RunEnded
from agent.desk.journal import Journal
hold = Decided(bar_time=0, action="hold", reason="no pattern", threshold_bps=6_000)
with Journal.open(sys.argv[1]) as journal:
    for _ in range(3):
        journal.append(hold)
    print(journal.append(RunEnded(summary={})).seq, flush=True)
    journal.append(hold)
    sys.stdin.read()
"""


@pytest.fixture
def other_desk(file):
    """Another process that writes to the journal: three holds, an urgent entry, then a hold that waits."""
    with subprocess.Popen(
        [sys.executable, "-c", CHILD, file], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == "4\n"
        yield process
        process.kill()


def test_a_killed_desk_leaves_all_up_to_its_last_urgent_entry_and_no_lock(file, other_desk):
    other_desk.kill()
    other_desk.wait()
    with Journal.open(file) as journal:
        assert [row.kind for row in journal.rows()] == ["decision"] * 3 + ["run_ended"]
        assert journal.append(hold()).seq == 5
        assert journal.verify().rows == 5


def test_only_one_desk_writes_to_a_journal_and_others_may_look(file, other_desk):
    with pytest.raises(DeskError, match=r"Another running desk is writing to .*readonly=True"):
        Journal.open(file)
    assert seen_by_others(file) == 4


def test_two_desks_in_one_process_exclude_each_other_too(file, tmp_path):
    link = tmp_path / "link.sqlite"
    with Journal.open(file):
        link.symlink_to(file)
        for path in (file, link, f"sqlite:///{file}"):
            with pytest.raises(DeskError, match="Another running desk"):
                Journal.open(path)
    Journal.open(file).close()


def test_at_rest_a_journal_is_one_plain_file_and_an_empty_lock(file, tmp_path):
    with Journal.open(file) as journal:
        journal.append(signal())
    assert {path.name: path.stat().st_size > 0 for path in tmp_path.iterdir()} == {
        "journal.sqlite": True,
        "journal.sqlite-lock": False,
    }


def test_a_desk_that_ends_while_somebody_reads_loses_nothing(file):
    with Journal.open(file) as journal:
        journal.append(signal())
        reader = Journal.open(file, readonly=True)
        journal.append(signal())
    with reader:
        assert reader.verify().rows == 2
    with Journal.open(file) as journal:
        assert journal.verify().rows == 2


def test_even_without_the_lock_two_desks_cannot_fork_the_chain(file, clock):
    first = Journal.open(file, clock=clock)
    first.append(signal(1))
    file.with_name("journal.sqlite-lock").unlink()
    with Journal.open(file, clock=clock) as second:
        second.append(signal(2))
    for _ in range(2):
        with pytest.raises(DeskError, match="written by somebody else meanwhile"):
            first.append(sent())
    with pytest.raises(DeskError, match="written by somebody else meanwhile"):
        first.close()
    with Journal.open(file) as journal:
        assert [row.entry for row in journal.rows()] == [signal(1), signal(2)]
        assert journal.verify().rows == 2


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE patternsettle_journal SET payload = '{}' WHERE seq = 1",
        "DELETE FROM patternsettle_journal WHERE seq = 2",
        "REPLACE INTO patternsettle_journal SELECT * FROM patternsettle_journal WHERE seq = 1",
        "INSERT INTO patternsettle_journal SELECT 9, run, at, kind, payload, previous, hash FROM patternsettle_journal",
    ],
)
def test_the_database_itself_refuses_to_change_remove_or_insert_rows(file, statement):
    with Journal.open(file) as journal:
        journal.append(signal(1))
        journal.append(signal(2))
    connection = sqlite3.connect(file)
    with pytest.raises(sqlite3.IntegrityError, match=r"append-only|only at its end"):
        connection.execute(statement)
    connection.close()


def test_an_append_that_could_not_commit_is_told_and_tried_again_in_order(file, clock, monkeypatch):
    monkeypatch.setattr(stores, "BUSY_SECONDS", 0)
    with Journal.open(file, clock=clock) as journal:
        journal.append(signal(1))
        other = sqlite3.connect(file, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(DeskError, match="is locked by another program"):
            journal.append(signal(2))
        other.close()
        journal.append(signal(3))
        assert [row.entry.bar_time for row in journal.rows()] == [3_600, 7_200, 10_800]
        assert journal.verify().rows == 3


class Interrupted:
    """A store whose next commit is broken off, before or after it reached the database."""

    def __init__(self, store):
        self.store, self.interrupt = store, None

    def __getattr__(self, name):
        return getattr(self.store, name)

    def insert(self, rows):
        when, self.interrupt = self.interrupt, None
        if when == "before":
            raise KeyboardInterrupt
        self.store.insert(rows)
        if when == "after":
            raise KeyboardInterrupt


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_commit_broken_off_by_ctrl_c_neither_loses_nor_repeats_a_row(file, clock, when):
    store = Interrupted(stores.open_store(Place.parse(file)))
    with Journal(store, run=None, clock=clock, linger=timedelta(seconds=1)) as journal:
        journal.append(signal(1))
        store.interrupt = when
        with pytest.raises(KeyboardInterrupt):
            journal.append(signal(2))
        journal.append(RunEnded(summary={}))
        assert [row.kind for row in journal.rows()] == ["decision", "decision", "run_ended"]
        assert journal.verify().rows == 3


def test_threads_may_share_a_journal(journal):
    def write():
        for nonce in range(20):
            journal.append(sent(nonce))
            journal.append(hold())

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert journal.verify().rows == 160


def test_a_closed_journal_says_so(file):
    journal = Journal.open(file)
    journal.close()
    journal.close()
    assert repr(journal) == f"<Journal {file} run='run-1' rows=0 closed>"
    for use in (lambda: journal.append(hold()), lambda: list(journal.rows()), journal.verify):
        with pytest.raises(DeskError, match="is closed"):
            use()


def test_a_journal_opened_to_look_takes_no_entry(file):
    Journal.open(file).close()
    with Journal.open(file, readonly=True) as reader, pytest.raises(DeskError, match="opened to look only"):
        reader.append(hold())


def test_a_clock_without_a_time_zone_is_refused():
    with (
        Journal.open(":memory:", clock=lambda: START.replace(tzinfo=None)) as journal,
        pytest.raises(ValueError, match="aware of its time zone"),
    ):
        journal.append(hold())
