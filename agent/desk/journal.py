"""The authority for the agent's own record: append-only, hash-chained, and written before anything is sent.

Each row carries the hash of the one before, so nothing inside can be altered, removed, inserted or reordered
unnoticed: ``hash = sha256(canonical JSON of [seq, run, at, kind, payload, previous])``, the payload as text,
``previous`` of row 1 being 64 zeros. Rows taken off the end leave a chain that fits; only somebody who kept a later
hash (a *head*) can tell.

What is durable when
--------------------
When `Journal.append` returns from an urgent entry (a run's start and end, a signal, a transaction about to be sent),
that entry and all before it are on disk. Entries that nothing irrevocable follows (holds, refusals, outcomes) share a
commit: one is committed at once if the last commit is `linger` or longer ago, otherwise with the next urgent entry,
`flush`, read or `close`. A killed process can therefore lose the very last of them, never one before an urgent entry,
and never their order.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Self

from agent.desk.canon import canonical, iso
from agent.desk.entries import Entry, Kind, decode
from agent.desk.place import Place
from agent.desk.store import Store, Values, open_store
from agent.errors import DeskError

__all__ = ["GENESIS", "Journal", "Row", "Verified"]

GENESIS = "0" * 64


def utc_now() -> datetime:
    """Return the time of this machine's clock, UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the journal, exactly as it is stored and hashed.

    Attributes
    ----------
    seq
        Number of the row, from 1, without gaps.
    run
        Name of the run that wrote it.
    at
        When it was appended by the journal's clock, ISO 8601, UTC, to the microsecond.
    kind, payload
        The entry: its kind, and its canonical JSON.
    previous, hash
        Hash of the row before, and of this row; 64 hexadecimal digits.
    """

    seq: int
    run: str
    at: str
    kind: str
    payload: str
    previous: str
    hash: str

    @property
    def values(self) -> Values:
        """The row's fields in order, as the database takes them."""
        return (self.seq, self.run, self.at, self.kind, self.payload, self.previous, self.hash)

    @property
    def time(self) -> datetime:
        """When it was appended, as an aware time."""
        return datetime.fromisoformat(self.at)

    @property
    def entry(self) -> Entry:
        """The entry as it was appended."""
        return decode(self.kind, self.payload)

    def fault(self, *, seq: int, previous: str) -> str | None:
        """Return why this is not row `seq` behind the hash `previous`, or None where it is."""
        if self.seq != seq:
            return "is missing" if self.seq > seq else f"is preceded by one numbered {self.seq}"
        if not all(isinstance(value, str) for value in self.values[1:]):
            return "holds something that is no text"
        if self.hash != _hash(self.values[:-1]):
            return "does not fit its hash"
        return None if self.previous == previous else "does not follow the row before it"


def _hash(content: Values) -> str:
    return hashlib.sha256(canonical(content).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Verified:
    """A journal whose every row fits: how many there are, and the hash of the last (`GENESIS` without any)."""

    rows: int
    head: str


class Journal:
    """The agent's record of every decision and every transaction.

    Open it with `Journal.open` and use it in a ``with`` statement. Threads may share it; rows get their order from
    `append`.

    Attributes
    ----------
    name
        Where it lies, without secrets.
    run
        Name of the run that this object writes.
    """

    def __init__(self, store: Store, *, run: str | None, clock: Callable[[], datetime], linger: timedelta) -> None:
        self.name = store.place.name
        self._store: Store | None = store
        self._clock = clock
        self._linger = linger
        self._lock = threading.RLock()
        self._pending: list[Row] = []
        self._committed_at: datetime | None = None
        self._in_doubt = False
        self._stored = self._end()
        self.run = run or f"run-{self._stored[0] + 1}"

    @classmethod
    def open(
        cls,
        url_or_path: str | os.PathLike[str],
        *,
        run: str | None = None,
        clock: Callable[[], datetime] = utc_now,
        readonly: bool = False,
        linger: timedelta = timedelta(seconds=1),
    ) -> Journal:
        """Open a journal, made new where there is none yet.

        Parameters
        ----------
        url_or_path
            Path of a SQLite file, ``:memory:``, or ``postgresql+psycopg://user:password@host/database``.
        run
            Name of the run; by default named after the row it will start with, so that no two are alike.
        clock
            Tells the time of each row; must be aware of its time zone.
        readonly
            True opens an existing journal to look only, also while a desk writes to it.
        linger
            How long an entry that nothing follows may wait for company before it is committed.

        Raises
        ------
        DeskError
            Where the place cannot be opened, is no journal, is read only, is written by another running desk, has a
            newer schema, or ends in a row that does not fit. Passwords are masked.
        """
        if run is not None and not (run and run.isprintable()):
            raise DeskError(
                f"A run cannot be named {run!r}.", cure="Use letters, digits and the like on one line."
            )
        store = open_store(Place.parse(url_or_path), readonly=readonly)
        try:
            return cls(store, run=run, clock=clock, linger=linger)
        except BaseException:
            store.close()
            raise

    @property
    def head(self) -> str:
        """Hash of the last row, appended or found; keep it elsewhere to notice rows missing at the end."""
        return self._tip()[1]

    @property
    def last(self) -> int:
        """Number of the last row, appended or found; 0 without any."""
        return self._tip()[0]

    def append(self, entry: Entry) -> Row:
        """Add an entry at the end; when this returns, an urgent entry and all before it are durable.

        Raises
        ------
        DeskError
            Where it could not be made durable. The row keeps its place and is tried again with the next commit;
            whatever was to follow the entry must not be done.
        """
        with self._lock:
            self._writable()
            now = self._clock()
            if now.tzinfo is None:
                raise ValueError("the journal's clock must be aware of its time zone")
            seq, head = self._tip()
            content = (seq + 1, self.run, iso(now), entry.kind.value, entry.payload(), head)
            row = Row(*content, hash=_hash(content))
            self._pending.append(row)
            # A clock set back makes the age negative, and must not make rows wait for it to catch up.
            waited = self._committed_at is None or not timedelta(0) <= now - self._committed_at < self._linger
            if entry.urgent or waited:
                self.flush()
                self._committed_at = now
            return row

    def flush(self) -> None:
        """Make every entry so far durable. Call it before waiting for the next bar."""
        with self._lock:
            if not self._pending:
                return
            store = self._writable()
            if self._in_doubt:
                self._settle_doubt()
            self._in_doubt = True
            if self._pending:
                store.insert([row.values for row in self._pending])
                self._stored = self._tip()
                self._pending.clear()
            self._in_doubt = False

    def rows(
        self, kind: Kind | str | None = None, after: int | None = None, *, run: str | None = None
    ) -> Iterator[Row]:
        """Yield the rows in order, entries not yet committed included (they are committed first).

        Parameters
        ----------
        kind
            Only rows of this kind.
        after
            Only rows behind the row of this number.
        run
            Only rows of this run.
        """
        kind = None if kind is None else Kind(kind).value
        while page := self._page(kind, after, run):
            yield from page
            after = page[-1].seq

    def verify(self, *, expected_head: str | None = None) -> Verified:
        """Check every row against the chain.

        Parameters
        ----------
        expected_head
            A hash known from before (`head`, `Verified.head`): the row that carries it must still be there.

        Raises
        ------
        DeskError
            Naming the first row that was altered, removed, inserted or moved; or where the expected head is gone,
            so that rows were taken off the end or all were written anew.
        """
        count, head = 0, GENESIS
        met = expected_head in (None, GENESIS)
        for row in self.rows():
            if fault := row.fault(seq=count + 1, previous=head):
                raise self._altered(count + 1, fault)
            count, head = row.seq, row.hash
            met = met or head == expected_head
        if not met:
            raise DeskError(
                f"The journal {self.name} ends with row {count}, and no row has the hash {expected_head}.",
                cure="Rows were removed from its end or written anew: use the copy that this hash was taken from.",
            )
        return Verified(count, head)

    def close(self) -> None:
        """Make every entry durable and let go of the journal. Closing twice is closing once."""
        with self._lock:
            if (store := self._store) is None:
                return
            try:
                self.flush()
            finally:
                self._store = None
                store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Journal {self.name} run={self.run!r} rows={self._tip()[0]}{'' if self._store else ' closed'}>"

    def _opened(self) -> Store:
        if self._store is None:
            raise DeskError(f"The journal {self.name} is closed.", cure="Open it again with Journal.open.")
        return self._store

    def _writable(self) -> Store:
        store = self._opened()
        if store.readonly:
            raise DeskError(
                f"The journal {self.name} was opened to look only.", cure="Open it without readonly=True to write."
            )
        return store

    def _page(self, kind: str | None, after: int | None, run: str | None) -> list[Row]:
        with self._lock:
            self.flush()
            return [Row(*values) for values in self._opened().page(after=after, kind=kind, run=run)]

    def _tip(self) -> tuple[int, str]:
        """Return number and hash of the last row appended, or else of the last one stored."""
        return (self._pending[-1].seq, self._pending[-1].hash) if self._pending else self._stored

    def _end(self) -> tuple[int, str]:
        """Ask for number and hash of the last row stored; a writer must not carry on from one that does not fit."""
        store = self._opened()
        if (values := store.last()) is None:
            return 0, GENESIS
        row = Row(*values)
        if not store.readonly and (fault := row.fault(seq=row.seq, previous=row.previous)):
            raise self._altered(row.seq, fault)
        return row.seq, row.hash

    def _settle_doubt(self) -> None:
        """Ask the database how far a commit got that was interrupted, and forget the rows it has."""
        end = self._end()
        stored = [row for row in self._pending if row.seq <= end[0]]
        if stored and (stored[-1].seq, stored[-1].hash) != end:
            raise DeskError(
                f"The journal {self.name} was written by somebody else meanwhile.",
                cure="Let one desk alone write to a journal, check it with verify, and start again.",
            )
        self._stored = end
        del self._pending[: len(stored)]

    def _altered(self, seq: int, fault: str) -> DeskError:
        return DeskError(
            f"The journal {self.name} was altered: row {seq} {fault}.",
            cure="Trust only the rows before it, and go back to a copy from before the change.",
        )
