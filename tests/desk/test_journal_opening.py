"""Where a journal can lie, and what is said, without a secret, about each place where it cannot."""

import os
import shutil
import sqlite3
import sys
import tempfile
import threading
import traceback
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.desk.entries import RunEnded
from agent.desk.journal import Journal
from agent.desk.place import Place
from agent.desk.store import has_writer
from agent.errors import DeskError
from agent.extras import install

PORT_WITHOUT_SERVER = 1


def refusal(url_or_path, **options):
    """Open what cannot be opened, and return the one line that a person reads."""
    with pytest.raises(DeskError) as caught:
        Journal.open(url_or_path, **options).close()
    assert caught.value.problem
    assert caught.value.cure
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.fixture
def file(tmp_path):
    return tmp_path / "journal.sqlite"


@pytest.fixture
def written(file):
    with Journal.open(file) as journal:
        journal.append(RunEnded(summary={}))
    return file


@pytest.mark.parametrize("name", ["journal.sqlite", "with space & 100% #1?.db", "zurück.sqlite"])
@pytest.mark.parametrize("form", [str, Path, lambda path: f"sqlite:///{path}"], ids=["text", "path", "url"])
def test_a_path_is_a_sqlite_file_whatever_it_is_called(tmp_path, name, form):
    place = tmp_path / name
    if form not in (str, Path) and ("?" in name or "%" in name):
        place = tmp_path / "plain"
    with Journal.open(form(place)) as journal:
        journal.append(RunEnded(summary={}))
    with Journal.open(place, readonly=True) as journal:
        assert journal.verify().rows == 1


@pytest.mark.parametrize("memory", [":memory:", "sqlite://", "sqlite:///:memory:"])
def test_memory_leaves_no_file(tmp_path, monkeypatch, memory):
    monkeypatch.chdir(tmp_path)
    with Journal.open(memory) as journal:
        journal.append(RunEnded(summary={}))
        assert repr(journal) == "<Journal :memory: run='run-1' rows=1>"
    assert list(tmp_path.iterdir()) == []


def test_a_folder_is_refused(tmp_path):
    assert "is a folder" in refusal(tmp_path)


def test_a_path_in_a_folder_that_does_not_exist_is_refused(tmp_path):
    assert "does not exist. Create it first." in refusal(tmp_path / "none" / "journal.sqlite")


def test_an_empty_path_is_refused():
    assert "Name a file" in refusal("")


def test_looking_at_a_journal_that_is_not_there_creates_nothing(file):
    assert "There is no journal at" in refusal(file, readonly=True)
    assert "There is no journal at" in refusal(":memory:", readonly=True)
    assert not file.exists()


def test_an_empty_file_becomes_a_journal_but_not_by_looking(file):
    file.touch()
    assert "is not a journal" in refusal(file, readonly=True)
    with Journal.open(file) as journal:
        assert journal.append(RunEnded(summary={})).seq == 1


def test_a_file_that_is_no_database_is_refused_and_left_alone(file):
    file.write_text("time,open,high,low,close\n" * 100)
    before = file.read_bytes()
    assert "is not a SQLite database" in refusal(file)
    assert file.read_bytes() == before
    assert [path.name for path in file.parent.iterdir()] == [file.name]


@pytest.mark.parametrize("table", ["bookmarks", "patternsettle_journal", "patternsettle_journal_version"])
def test_a_database_that_is_no_journal_is_refused_and_left_alone(file, table):
    connection = sqlite3.connect(file)
    connection.execute(f"CREATE TABLE {table} (version INTEGER)")
    connection.close()
    before = file.read_bytes()
    assert "is not a journal. Name another place" in refusal(file)
    assert file.read_bytes() == before
    assert [path.name for path in file.parent.iterdir()] == [file.name]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (
            "UPDATE patternsettle_journal_version SET version = 2",
            "has schema 2, and this version knows 1. Upgrade",
        ),
        ("UPDATE patternsettle_journal_version SET version = 0", "is not a journal"),
        ("UPDATE patternsettle_journal_version SET version = 'one'", "is not a journal"),
        ("DELETE FROM patternsettle_journal_version", "is not a journal"),
        ("INSERT INTO patternsettle_journal_version VALUES (1)", "is not a journal"),
        ("ALTER TABLE patternsettle_journal RENAME COLUMN payload TO load", "cannot be used"),
    ],
)
def test_a_journal_of_another_schema_is_refused(written, change, problem):
    connection = sqlite3.connect(written, isolation_level=None)
    connection.execute(change)
    connection.close()
    assert problem in refusal(written)


def test_a_journal_whose_last_row_does_not_fit_is_not_carried_on_but_may_be_looked_at(written):
    connection = sqlite3.connect(written, isolation_level=None)
    connection.execute("DROP TRIGGER patternsettle_journal_update")
    connection.execute("UPDATE patternsettle_journal SET kind = 'sent'")
    connection.close()
    assert "was altered: row 1 does not fit its hash" in refusal(written)
    with Journal.open(written, readonly=True) as journal, pytest.raises(DeskError, match="row 1"):
        journal.verify()


@pytest.fixture
def protected(written, request):
    """A journal that may only be read, in a folder of the given mode, met by a user without special rights."""
    folder = Path(tempfile.mkdtemp())
    file = folder / "journal.sqlite"
    shutil.copy(written, file)
    file.chmod(0o444)
    folder.chmod(request.param)
    user = os.geteuid()
    if user == 0:  # nothing is read only to the superuser
        os.seteuid(65534)
    yield file
    os.seteuid(user)
    folder.chmod(0o755)
    shutil.rmtree(folder)


may_enter = pytest.mark.parametrize("protected", [0o555], indirect=True)
may_write = pytest.mark.parametrize("protected", [0o777], indirect=True)
may_nothing = pytest.mark.parametrize("protected", [0o000], indirect=True)


@may_write
def test_a_read_only_file_is_refused_with_the_way_to_look_at_it(protected):
    message = refusal(protected)
    assert "is read only" in message
    assert "readonly=True" in message
    with Journal.open(protected, readonly=True) as journal:
        assert journal.verify().rows == 1


@may_enter
def test_a_journal_in_a_read_only_folder_is_refused_but_may_be_looked_at(protected):
    assert "cannot be opened" in refusal(protected)
    with Journal.open(protected, readonly=True) as journal:
        assert journal.verify().rows == 1


@may_nothing
def test_a_folder_that_cannot_be_entered_is_refused(protected):
    assert "cannot be reached: Permission denied" in refusal(protected)


@pytest.mark.parametrize(
    "url",
    [
        "mysql://user:s3cret@host/db",
        "postgresql+psycopg2://user:s3cret@host/db",
        "postgresql+asyncpg://user:s3cret@host/db",
        "oracle://host?password=s3cret",
        "sqlite+aiosqlite:///journal.sqlite",
        "sqlite:///journal.sqlite?mode=ro&password=s3cret",
        "https://user:s3cret@host/journal.sqlite",
    ],
)
def test_a_database_that_holds_no_journals_is_refused(url):
    message = refusal(url)
    assert "A journal cannot lie in" in message
    assert "postgresql+psycopg://" in message
    assert "s3cret" not in message


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://user:s3@cret@host/db",
        "postgresql://us/er:s3cret@host/db",
        "postgresql://user:s3cret@host:port/db",
        "postgresql://host:s3cret/db",
        "://user:s3cret@host",
    ],
)
def test_a_url_that_cannot_be_read_is_refused_without_repeating_any_of_it(url):
    message = refusal(url)
    assert "cannot be read" in message
    assert "s3" not in message
    assert "cret" not in message


@pytest.mark.parametrize(
    "url", ["user:s3%2Fcret@{}", "user@{}?password=s3%2Fcret", "user@{}?sslpassword=s3%2Fcret"]
)
def test_no_repr_and_no_error_shows_a_password(url):
    pytest.importorskip("psycopg", reason="needs the postgres extra")
    url = "postgresql://" + url.format(f"127.0.0.1:{PORT_WITHOUT_SERVER}/db")
    place = Place.parse(url)
    assert "***" in place.name
    with pytest.raises(DeskError, match=r"cannot be used .*refused") as caught:
        Journal.open(url)
    for text in (repr(place), str(caught.value), "".join(traceback.format_exception(caught.value))):
        assert "127.0.0.1" in text
        assert "s3/cret" not in text
        assert "s3%2Fcret" not in text


@given(*[st.text(st.characters(codec="utf-8"), max_size=5)] * 2)
def test_whatever_stands_around_it_a_typed_password_is_not_shown(before, after):
    try:
        shown = repr(Place.parse(f"postgresql://user:{before}s3cret{after}@host/db"))
    except DeskError as error:
        shown = repr(error) + str(error)
    assert "s3cret" not in shown


def test_a_desk_that_writes_is_noticed_and_one_that_has_ended_is_not(file):
    assert not has_writer(Place.parse(file))
    with Journal.open(file):
        assert has_writer(Place.parse(file))
        with Journal.open(file, readonly=True):
            assert has_writer(Place.parse(file))
    assert not has_writer(Place.parse(file))
    assert not has_writer(Place.parse(":memory:"))


def test_asking_whether_there_is_a_writer_keeps_none_out(file, written):
    lock = sqlite3.connect(f"{file}-lock", isolation_level=None, check_same_thread=False)
    lock.execute("BEGIN")
    lock.execute("SELECT count(*) FROM sqlite_master")  # as somebody who asks, for a moment
    ended = threading.Timer(0.05, lock.close)
    ended.start()
    with Journal.open(file):
        assert has_writer(Place.parse(file))
    ended.join()


@pytest.mark.parametrize("run", ["", "two\nlines", "\0", "\udcff"])
def test_a_run_is_named_by_one_line_of_text(run):
    assert "A run cannot be named" in refusal(":memory:", run=run)


def test_a_missing_driver_is_named_with_the_extra_that_brings_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "psycopg", None)
    message = refusal("postgresql://user:s3cret@host/db")
    assert "psycopg, which is not installed" in message
    assert install("postgres") in message
    assert "s3cret" not in message
