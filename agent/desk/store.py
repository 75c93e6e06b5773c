"""The authority for where a journal's rows lie: SQLite or PostgreSQL, one writer, nothing ever changed or removed.

It knows SQL, locks and drivers; what a row means is the journal's business.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import (
    DDL,
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    Engine,
    Integer,
    MetaData,
    NullPool,
    Table,
    Text,
    create_engine,
    event,
    func,
    insert,
    inspect,
    select,
    text,
)

from agent.desk.place import NO_WRITES, Place
from agent.errors import DeskError
from agent.extras import install

__all__ = ["SCHEMA", "Store", "Values", "has_writer", "open_store"]

SCHEMA = 1
BUSY_SECONDS = 5.0
LOCK_SECONDS = 0.2  # somebody who only asks whether there is a writer holds the lock for less
CONNECT_SECONDS = 10
PAGE = 1_000

Values = tuple[Any, ...]  # one row: seq, run, at, kind, payload, previous, hash

_TABLES = MetaData()
ROWS = Table(
    "patternsettle_journal",
    _TABLES,
    Column("seq", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False),
    *(Column(name, Text, nullable=False) for name in ("run", "at", "kind", "payload", "previous", "hash")),
)
VERSION = Table("patternsettle_journal_version", _TABLES, Column("version", Integer, nullable=False))
_COLUMNS = tuple(column.name for column in ROWS.columns)

# REPLACE removes a row without asking a DELETE trigger, so an INSERT is held to the end of the journal, too.
_APPEND_ONLY = {
    "sqlite": (
        """CREATE TRIGGER patternsettle_journal_update BEFORE UPDATE ON patternsettle_journal
        BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END""",
        """CREATE TRIGGER patternsettle_journal_delete BEFORE DELETE ON patternsettle_journal
        BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END""",
        """CREATE TRIGGER patternsettle_journal_insert BEFORE INSERT ON patternsettle_journal
        WHEN NEW.seq IS NOT (SELECT coalesce(max(seq), 0) + 1 FROM patternsettle_journal)
        BEGIN SELECT RAISE(ABORT, 'the journal grows only at its end'); END""",
    ),
    "postgresql": (
        """CREATE FUNCTION patternsettle_journal_refuse() RETURNS trigger LANGUAGE plpgsql
        AS 'BEGIN RAISE EXCEPTION ''the journal is append-only''; END'""",
        """CREATE TRIGGER patternsettle_journal_append_only BEFORE UPDATE OR DELETE OR TRUNCATE
        ON patternsettle_journal FOR EACH STATEMENT EXECUTE FUNCTION patternsettle_journal_refuse()""",
    ),
}
# PostgreSQL shows the key of an advisory lock in two halves.
_HELD = """SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 1
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND ((classid::bigint << 32) | objid::bigint) = :key)"""

for _dialect, _statements in _APPEND_ONLY.items():
    for _statement in _statements:
        event.listen(ROWS, "after_create", DDL(_statement).execute_if(dialect=_dialect))


class Store:
    """An open journal database. One object, one connection; not to be used by two threads at once.

    Made by `open_store`. Every method raises `DeskError` where the database refuses.
    """

    def __init__(self, place: Place, connection: Connection, cleanup: ExitStack, *, readonly: bool) -> None:
        self.place = place
        self.readonly = readonly
        self._connection = connection
        self._cleanup = cleanup

    def insert(self, rows: Sequence[Values]) -> None:
        """Add rows at the end, all or none, and return when they are durable."""
        with self._transaction() as connection:
            connection.execute(insert(ROWS), [dict(zip(_COLUMNS, row, strict=True)) for row in rows])

    def page(self, *, after: int | None, kind: str | None, run: str | None) -> list[Values]:
        """Return up to `PAGE` rows behind row `after` in ascending order, of one kind or run where given."""
        query = select(ROWS).order_by(ROWS.c.seq).limit(PAGE)
        for column, wanted in ((ROWS.c.kind, kind), (ROWS.c.run, run)):
            query = query if wanted is None else query.where(column == wanted)
        query = query if after is None else query.where(ROWS.c.seq > after)
        with self._transaction() as connection:
            return [tuple(row) for row in connection.execute(query)]

    def last(self) -> Values | None:
        """Return the row with the highest number, or None where there is none."""
        with self._transaction() as connection:
            row = connection.execute(select(ROWS).order_by(ROWS.c.seq.desc()).limit(1)).first()
            return None if row is None else tuple(row)

    def close(self) -> None:
        """Give up the lock and the connection. What was inserted stays."""
        with self.place.telling():
            self._cleanup.close()

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        # SQLAlchemy would connect again by itself, but the new session would not hold the writer's lock.
        if self._connection.invalidated:
            raise DeskError(
                f"The connection to the journal {self.place.name} was lost.",
                cure="Start the desk again; what was written is safe.",
            )
        with self.place.telling(), self._connection.begin():
            yield self._connection


def open_store(place: Place, *, readonly: bool = False) -> Store:
    """Open the database of a journal, made new where there is none yet.

    Parameters
    ----------
    place
        Where it lies.
    readonly
        True opens an existing journal to look only: nothing is created, changed or locked.

    Raises
    ------
    DeskError
        Where there is no such database, it is no journal, is read only, has another writer, or a newer schema.
    """
    if readonly and not (place.url or (place.path and place.path.exists())):
        raise DeskError(f"There is no journal at {place.name}.", cure="Name the file that a run has written.")
    with place.telling(), ExitStack() as cleanup:
        connection = cleanup.enter_context(_engine(place, readonly=readonly).connect())
        # First only look: a file that is no journal is left exactly as it was, without a lock file beside it.
        known = _is_journal(place, connection)
        if readonly and not known:
            raise _no_journal(place)
        if not readonly:
            _become_writer(place, connection, cleanup)
        return Store(place, connection, cleanup.pop_all(), readonly=readonly)


def _engine(place: Place, *, readonly: bool) -> Engine:
    options: dict[str, Any] = {"poolclass": NullPool, "hide_parameters": True}
    if place.url is None:
        return _sqlite_engine(place, readonly=readonly, **options)
    asked = {} if "connect_timeout" in place.url.query else {"connect_timeout": CONNECT_SECONDS}
    try:
        engine = create_engine(place.url, connect_args={"application_name": "patternsettle"} | asked, **options)
    except ImportError as error:
        raise DeskError(
            f"The journal {place.name} needs the PostgreSQL driver psycopg, which is not installed.",
            cure=f"Install it with: {install('postgres')}",
        ) from error
    return engine.execution_options(postgresql_readonly=True) if readonly else engine


def _sqlite_engine(place: Place, *, readonly: bool, **options: Any) -> Engine:
    address = f"{place.path.as_uri()}?mode={'ro' if readonly else 'rwc'}" if place.path else ":memory:"

    def connect() -> sqlite3.Connection:
        connection = sqlite3.connect(
            address, uri=True, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        # A byte that is no UTF-8 is for verify to name, not for the driver to fail on.
        connection.text_factory = lambda raw: raw.decode("utf-8", "surrogateescape")
        return connection

    engine = create_engine("sqlite://", creator=connect, **options)
    # The driver begins a transaction late or, around CREATE, not at all; so it is told to leave that to us.
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
    return engine


def _is_journal(place: Place, connection: Connection) -> bool:
    """Return True for a journal of this schema, False for a place where one may be made; refuse all else."""
    with connection.begin():
        names = set(inspect(connection).get_table_names())
        if not names & _TABLES.tables.keys() and (place.url or not names):
            return False
        if not names >= _TABLES.tables.keys():
            raise _no_journal(place)
        match connection.scalars(select(VERSION.c.version)).all():
            case [version] if version == SCHEMA:
                return True
            case [int(version)] if version > SCHEMA:
                raise DeskError(
                    f"The journal {place.name} has schema {version}, and this version knows {SCHEMA}.",
                    cure="Upgrade patternsettle, or name another journal.",
                )
    raise _no_journal(place)


def _no_journal(place: Place) -> DeskError:
    return DeskError(f"{place.name} is not a journal.", cure="Name another place, or a new one.")


def _become_writer(place: Place, connection: Connection, cleanup: ExitStack) -> None:
    """Take the one writer's lock, see to durable commits, and create the tables where there are none."""
    if place.path:
        _lock_file(place, cleanup)
        _write_ahead(connection, cleanup)
    elif place.url:
        _lock_schema(place, connection)
    if not _is_journal(place, connection):
        with connection.begin():
            _TABLES.create_all(connection)
            connection.execute(insert(VERSION), {"version": SCHEMA})


def _lock_file(place: Place, cleanup: ExitStack) -> None:
    """Hold a lock on a file beside the journal, which the operating system frees however the process ends.

    SQLite's own lock on the journal would be let go at every commit, or would shut readers out. The lock file stays
    behind, empty: to remove a lock file is how two writers come to hold "the" lock.
    """
    lock = cleanup.enter_context(
        closing(
            sqlite3.connect(
                f"{place.path}-lock", timeout=LOCK_SECONDS, isolation_level=None, check_same_thread=False
            )
        )
    )
    try:
        lock.execute("BEGIN EXCLUSIVE")
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
            raise
        raise _another_desk(place) from error


def _write_ahead(connection: Connection, cleanup: ExitStack) -> None:
    """One flush to disk a commit, and readers while the desk writes; at rest the journal is one plain file again."""
    driver = connection.connection.driver_connection

    def settle() -> None:
        driver.execute("PRAGMA busy_timeout = 0")
        try:
            driver.execute("PRAGMA journal_mode = DELETE")
        except sqlite3.OperationalError as error:
            # A reader has it open: the log beside the file stays, complete, and the next desk takes it in.
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                raise

    driver.execute("PRAGMA journal_mode = WAL")
    driver.execute("PRAGMA synchronous = FULL")
    cleanup.callback(settle)


def _lock_schema(place: Place, connection: Connection) -> None:
    """Hold a lock on the schema as long as the session lives, and have commits wait for the disk."""
    with connection.begin():
        if connection.scalar(select(func.current_setting("transaction_read_only"))) == "on":
            raise place.refusal(NO_WRITES)
        if not connection.scalar(select(func.pg_try_advisory_lock(_schema_key()))):
            raise _another_desk(place)
        if connection.scalar(select(func.current_setting("synchronous_commit"))) == "off":
            connection.execute(select(func.set_config("synchronous_commit", "on", False)))


def _schema_key() -> ColumnElement[int]:
    return func.hashtextextended(func.concat("patternsettle journal ", func.current_schema()), 0)


def has_writer(place: Place) -> bool:
    """Whether a desk writes to a journal now, in this process or another; False where there is no such journal.

    Raises
    ------
    DeskError
        Where that cannot be found out.
    """
    with place.telling():
        if place.path:
            return _is_locked(Path(f"{place.path}-lock"))
        if place.url:
            with _engine(place, readonly=True).connect() as connection, connection.begin():
                return bool(connection.scalar(text(_HELD), {"key": connection.scalar(select(_schema_key()))}))
    return False


def _is_locked(lock: Path) -> bool:
    if not lock.exists():
        return False
    with closing(sqlite3.connect(f"{lock.as_uri()}?mode=ro", uri=True, timeout=0)) as connection:
        try:
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                raise
            return True
    return False


def _another_desk(place: Place) -> DeskError:
    return DeskError(
        f"Another running desk is writing to the journal {place.name}.",
        cure="Wait for it or stop it, name another journal, or only look at this one (in Python: Journal.open(..., readonly=True)).",
    )
