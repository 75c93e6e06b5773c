"""The same journal in PostgreSQL, against a real server that the tests start on a free loopback port."""

import os
import shutil
import socket
import subprocess
import tempfile
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.desk.entries import Decided, Kind, Outcome, RunEnded, Sent
from agent.desk.journal import GENESIS, Journal, Verified
from agent.desk.place import Place
from agent.desk.store import has_writer
from agent.errors import DeskError

psycopg = pytest.importorskip("psycopg", reason="needs the postgres extra: pip install '.[postgres]'")

START = datetime(2024, 5, 1, 12, tzinfo=UTC)
PASSWORD = "s3/cret"
HOLD = Decided(bar_time=0, action="hold", reason="no pattern", threshold_bps=6_000)
SENT = Sent(purpose="open", transaction=b"\x01" * 32, nonce=7, mandates=[b"\x02" * 32])
OUTCOME = Outcome(transaction=b"\x01" * 32, status=1, block=8, gas_used=96_686, events=[{"given": 10**30}])
ENDED = RunEnded(summary={"nul": "\0", "né": "\ud800", "trades": 1})


def program(name):
    """Return a program of PostgreSQL, newest version first, or None."""
    installed = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda path: int(path.parts[-3]))
    return str(installed[-1]) if installed else shutil.which(name)


@pytest.fixture(scope="module")
def server():
    """A server of our own; its address as keywords of a connection."""
    initdb, pg_ctl = program("initdb"), program("pg_ctl")
    if not (initdb and pg_ctl):
        pytest.skip("PostgreSQL's initdb and pg_ctl are not installed")
    folder = Path(tempfile.mkdtemp())
    user = {}
    if hasattr(os, "geteuid") and os.geteuid() == 0:  # PostgreSQL does not run as the superuser
        user = {"user": "nobody", "cwd": folder}
        shutil.chown(folder, "nobody")
    (folder / "password").write_text(PASSWORD)
    (folder / "password").chmod(0o644)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]

    def run(*command):
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, **user)

    data = str(folder / "data")
    settings = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off"
    secrets = ["-U", "desk", "--auth=scram-sha-256", f"--pwfile={folder / 'password'}"]
    run(initdb, "-D", data, "--no-sync", "-E", "UTF8", "--locale=C", *secrets)
    run(pg_ctl, "-D", data, "-w", "-l", str(folder / "log"), "-o", settings, "start")
    yield {"host": "127.0.0.1", "port": port, "user": "desk", "password": PASSWORD, "dbname": "postgres"}
    run(pg_ctl, "-D", data, "-w", "-m", "immediate", "stop")
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def admin(server):
    with psycopg.connect(**server, autocommit=True) as connection:
        yield connection


@pytest.fixture(scope="module")
def schemas(server, admin):
    """Return a function that makes an empty schema and returns its name and the URL of a journal in it."""
    numbers = count(1)

    def fresh():
        name = f"desk{next(numbers)}"
        admin.execute(f"CREATE SCHEMA {name}")
        return (
            name,
            f"postgresql://desk:s3%2Fcret@127.0.0.1:{server['port']}/postgres?options=-csearch_path%3D{name}",
        )

    return fresh


@pytest.fixture
def place(schemas):
    return schemas()


@pytest.fixture
def url(place):
    return place[1]


def test_it_keeps_the_same_chain_as_a_file(url):
    chains = []
    for where in (url, ":memory:"):
        with Journal.open(where, clock=lambda: START) as journal:
            for entry in (HOLD, HOLD, SENT, OUTCOME, ENDED):
                journal.append(entry)
            chains.append(list(journal.rows()))
            assert journal.verify(expected_head=journal.head) == Verified(5, chains[0][-1].hash)
    assert chains[0] == chains[1]
    assert [row.entry for row in chains[0]] == [HOLD, HOLD, SENT, OUTCOME, ENDED]


def test_rows_are_found_by_kind_by_run_and_behind_a_row(url):
    for _ in range(2):
        with Journal.open(url) as journal:
            journal.append(HOLD)
            journal.append(SENT)
    with Journal.open(url, readonly=True) as reader:
        assert [row.seq for row in reader.rows(Kind.SENT)] == [2, 4]
        assert [row.seq for row in reader.rows(after=3)] == [4]
        assert [row.seq for row in reader.rows(run="run-3")] == [3, 4]


def test_an_urgent_entry_and_all_before_it_are_committed_when_append_returns(place, admin):
    name, url = place
    with Journal.open(url, clock=lambda: START) as journal:
        committed = []
        for entry in (SENT, HOLD, OUTCOME, SENT):
            journal.append(entry)
            committed += admin.execute(f"SELECT count(*) FROM {name}.patternsettle_journal").fetchone()
        assert committed == [1, 1, 1, 4]


def test_a_server_that_would_not_wait_for_the_disk_is_told_to(url):
    with Journal.open(url + "%20-csynchronous_commit%3Doff") as journal:
        assert journal._store._connection.exec_driver_sql("SHOW synchronous_commit").scalar() == "on"


def test_only_one_desk_writes_to_a_journal_and_others_may_look(url, schemas):
    with Journal.open(url) as journal:
        journal.append(SENT)
        with pytest.raises(DeskError, match="Another running desk is writing") as caught:
            Journal.open(url)
        assert "***" in str(caught.value)
        assert "cret" not in str(caught.value) + repr(journal)
        with Journal.open(url, readonly=True) as reader:
            assert reader.verify() == Verified(1, journal.head)
        Journal.open(schemas()[1]).close()
    Journal.open(url).close()


@pytest.mark.parametrize(
    "statement",
    ["UPDATE {} SET payload = '{{}}'", "DELETE FROM {}", "TRUNCATE {}", "INSERT INTO {0} SELECT * FROM {0}"],
)
def test_the_database_itself_refuses_to_change_remove_or_repeat_rows(place, admin, statement):
    name, url = place
    with Journal.open(url) as journal:
        journal.append(SENT)
    with pytest.raises((psycopg.errors.RaiseException, psycopg.errors.UniqueViolation)):
        admin.execute(statement.format(f"{name}.patternsettle_journal"))


def test_a_reader_creates_nothing(place, admin):
    name, url = place
    with pytest.raises(DeskError, match="is not a journal"):
        Journal.open(url, readonly=True)
    assert admin.execute("SELECT count(*) FROM pg_tables WHERE schemaname = %s", [name]).fetchone() == (0,)


def test_other_tables_in_the_schema_are_left_in_peace(place, admin):
    name, url = place
    admin.execute(f"CREATE TABLE {name}.bookmarks (id int)")
    Journal.open(url).close()
    Journal.open(url).close()


def test_a_newer_schema_is_refused(place, admin):
    name, url = place
    Journal.open(url).close()
    admin.execute(f"UPDATE {name}.patternsettle_journal_version SET version = 2")
    with pytest.raises(DeskError, match=r"has schema 2, and this version knows 1\. Upgrade"):
        Journal.open(url)


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("s3%2Fcret", "wr0ng", "cannot be used .*password authentication failed"),
        ("/postgres?", "/nowhere?", "does not exist"),
        ("search_path%3D", "search_path%3Dno", "cannot be used .*no schema has been selected"),
        ("options=", "options=-cdefault_transaction_read_only%3Don%20", "is read only"),
    ],
)
def test_a_database_that_cannot_be_used_is_named_without_its_password(url, old, new, problem):
    with pytest.raises(DeskError, match=problem) as caught:
        Journal.open(url.replace(old, new))
    assert "127.0.0.1" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "cret" not in str(caught.value)
    assert "wr0ng" not in str(caught.value)


def test_a_user_who_may_not_create_tables_is_told(place, admin):
    _, url = place
    admin.execute("CREATE ROLE guest LOGIN PASSWORD 'guest'")
    admin.execute(f"GRANT USAGE ON SCHEMA {place[0]} TO guest")
    with pytest.raises(DeskError, match="does not permit this"):
        Journal.open(url.replace("desk:s3%2Fcret", "guest:guest"))


def test_a_lost_connection_is_told_and_what_was_written_is_there_again(url, admin):
    journal = Journal.open(url, clock=lambda: START)
    journal.append(SENT)
    admin.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'patternsettle'"
    )
    with pytest.raises(DeskError, match="cannot be used"):
        journal.append(SENT)
    with pytest.raises(DeskError, match=r"was lost\. Start the desk again"):
        journal.append(SENT)
    with pytest.raises(DeskError, match="was lost"):
        journal.close()
    with Journal.open(url, clock=lambda: START) as again:
        assert again.append(SENT).seq == 2
        assert again.verify().rows == 2


@pytest.fixture(scope="module")
def tampered(schemas, admin):
    """Return a function that gives a journal of four rows with one statement done to it, triggers silenced."""
    name, url = schemas()
    with Journal.open(url) as journal:
        for entry in (HOLD, SENT, OUTCOME, ENDED):
            journal.append(entry)
        head = journal.head

    def verify(statement, *values):
        admin.execute("BEGIN")
        admin.execute("SET LOCAL session_replication_role = replica")
        admin.execute(f"CREATE TABLE {name}.kept AS TABLE {name}.patternsettle_journal")
        admin.execute(statement.format(f"{name}.patternsettle_journal"), values)
        admin.execute("COMMIT")
        try:
            with Journal.open(url, readonly=True) as reader:
                return reader.verify(expected_head=head)
        finally:
            admin.execute("BEGIN")
            admin.execute("SET LOCAL session_replication_role = replica")
            admin.execute(f"DELETE FROM {name}.patternsettle_journal")
            admin.execute(f"INSERT INTO {name}.patternsettle_journal TABLE {name}.kept")
            admin.execute(f"DROP TABLE {name}.kept")
            admin.execute("COMMIT")

    return verify


@settings(deadline=None, max_examples=30)
@given(
    seq=st.integers(1, 4),
    field=st.sampled_from(["run", "at", "kind", "payload", "previous", "hash"]),
    place=st.integers(1, 500),
    letter=st.characters(codec="utf-8", exclude_characters="\0"),
)
def test_any_changed_character_of_any_field_is_noticed_and_its_row_named(tampered, seq, field, place, letter):
    changed = f"overlay({field} placing %s from least(%s, length({field})))"
    statement = f"UPDATE {{0}} SET {field} = CASE {field} WHEN {changed} THEN 'other' ELSE {changed} END"
    with pytest.raises(DeskError, match=f"was altered: row {seq} "):
        tampered(f"{statement} WHERE seq = %s", letter, place, letter, place, seq)


@pytest.mark.parametrize(
    ("statement", "problem"),
    [
        ("DELETE FROM {} WHERE seq = 2", "row 2 is missing"),
        ("DELETE FROM {} WHERE seq = 4", "ends with row 3"),
        ("UPDATE {} SET seq = -1 WHERE seq = 3", "row 1 is preceded by one numbered -1"),
        (
            "INSERT INTO {0} SELECT 0, run, at, kind, payload, previous, hash FROM {0} WHERE seq = 1",
            "row 1 is preceded",
        ),
    ],
)
def test_rows_removed_moved_or_inserted_are_noticed(tampered, statement, problem):
    with pytest.raises(DeskError, match=problem):
        tampered(statement)
    assert tampered("SELECT").rows == 4


def test_an_empty_journal_has_the_genesis_head(url):
    with Journal.open(url) as journal:
        assert journal.verify() == Verified(0, GENESIS)


def test_a_desk_that_writes_is_noticed_and_one_that_has_ended_is_not(url):
    assert not has_writer(Place.parse(url))
    with Journal.open(url):
        assert has_writer(Place.parse(url))
    assert not has_writer(Place.parse(url))


def test_a_desk_that_writes_elsewhere_is_not_taken_for_one_that_writes_here(schemas):
    (_, one), (_, other) = schemas(), schemas()
    with Journal.open(one):
        assert not has_writer(Place.parse(other))
