"""The authority for naming where a journal lies, and for telling what its database refused, without its secrets."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, quote_plus

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError

from agent.errors import DeskError

__all__ = ["NO_WRITES", "Place"]

MASK = "***"
POSTGRES = "postgresql+psycopg"
_SECRET_OPTIONS = ("password", "sslpassword")
_EXAMPLES = (
    "Give the path of a SQLite file, :memory:, or a URL like postgresql+psycopg://user:password@host/database."
)

_CLOSE_IT = "Close the program that has it open, and try again."
_LOOK_ONLY = "or only look at it (in Python: Journal.open(..., readonly=True))."
_MAKE_ROOM = "Make room, and start again; what was written is safe."
NO_WRITES = "25006"
DAMAGED = "CORRUPT"

# What a driver says, by the heart of SQLite's name for it or by PostgreSQL's SQLSTATE: the problem, and its cure.
_REFUSALS = {
    "NOTADB": ("is not a SQLite database", "Name another file, or a new one."),
    DAMAGED: ("is damaged", "Put back a copy of it, and find out what else that disk lost."),
    "BUSY": ("is locked by another program", _CLOSE_IT),
    "LOCKED": ("is locked by another program", _CLOSE_IT),
    "READONLY": ("is read only", f"Make the file and its folder writable, name another one, {_LOOK_ONLY}"),
    "CANTOPEN": ("cannot be opened", f"Make sure that you may write to its folder and to the file, {_LOOK_ONLY}"),
    "FULL": ("cannot grow: the disk is full", _MAKE_ROOM),
    "53100": ("cannot grow: the disk is full", _MAKE_ROOM),
    NO_WRITES: ("is read only", f"Connect to a server and database that take writes, {_LOOK_ONLY}"),
    "42501": ("does not permit this", "Grant the user the right to create and write tables in the schema."),
}
_OTHERWISE = ("cannot be used", "Check that the database is there, runs, and takes this user and password.")


@dataclass(frozen=True)
class Place:
    """Where a journal lies.

    Attributes
    ----------
    name
        The place as a person may see it, passwords masked.
    path
        The SQLite file, or None.
    url
        The PostgreSQL database, or None. Neither path nor url: memory.
    """

    name: str
    path: Path | None = None
    url: URL | None = field(default=None, repr=False)

    @classmethod
    def parse(cls, url_or_path: str | os.PathLike[str]) -> Place:
        """Return the place that a path, ``:memory:`` or a database URL names.

        Raises
        ------
        DeskError
            Where the text names none, or a database that holds no journals. The message never repeats a password.
        """
        text = os.fspath(url_or_path)
        if "://" not in text:
            return cls._of_file(text)
        url = _parsed(text)
        if url.drivername in ("sqlite", "sqlite+pysqlite") and not url.query:
            return cls._of_file(url.database or ":memory:")
        if url.drivername not in ("postgres", "postgresql", POSTGRES):
            raise DeskError(f"A journal cannot lie in {_masked(url)!r}.", cure=_EXAMPLES)
        url = url.set(drivername=POSTGRES)
        return cls(_masked(url), url=url)

    @classmethod
    def _of_file(cls, text: str) -> Place:
        if text == ":memory:":
            return cls(text)
        path = Path(text)
        try:
            if not text or path.is_dir():
                raise DeskError(f"A journal is a file, and {text!r} is a folder.", cure="Name a file inside it.")
            if not path.parent.is_dir():
                raise DeskError(f"The folder of the journal {text!r} does not exist.", cure="Create it first.")
            return cls(text, path=path.resolve())
        except OSError as error:
            raise DeskError(
                f"The journal {text!r} cannot be reached: {error.strerror}.", cure=_EXAMPLES
            ) from error

    @contextmanager
    def telling(self) -> Iterator[None]:
        """Turn what a database driver raises inside into a `DeskError` that names this place."""
        try:
            yield
        except (DBAPIError, sqlite3.Error) as error:
            raise self._told(error) from error
        except UnicodeDecodeError as error:  # a damaged name of a column, or the message about it
            raise self.refusal(DAMAGED) from error

    def refusal(self, code: str, words: str = "") -> DeskError:
        """Return what to tell where a database refused with this code and, where given, these words."""
        problem, cure = _REFUSALS.get(code, _OTHERWISE)
        return DeskError(f"The journal {self.name} {problem}{f' ({words})' if words else ''}.", cure=cure)

    def _told(self, error: DBAPIError | sqlite3.Error) -> DeskError:
        if isinstance(error, (IntegrityError, sqlite3.IntegrityError)):
            return DeskError(
                f"The journal {self.name} was written by somebody else meanwhile.",
                cure="Let one desk alone write to a journal, check it with verify, and start again.",
            )
        driver = error.orig if isinstance(error, DBAPIError) else error
        code = getattr(driver, "sqlite_errorname", None) or getattr(driver, "sqlstate", None) or ""
        heart = code.split("_")[1] if code.startswith("SQLITE_") else code
        return self.refusal(heart, self._without_secrets(str(driver).strip().partition("\n")[0]))

    def _without_secrets(self, words: str) -> str:
        for secret in _secrets(self.url) if self.url else ():
            for spelling in (secret, quote(secret, safe=""), quote_plus(secret)):
                words = words.replace(spelling, MASK)
        return words


def _parsed(text: str) -> URL:
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        url = None
    # An unescaped "@", "/" or ":" would shift a part of the password into the host or the database's name.
    if url is None or text.count("@") != (url.username is not None):
        raise DeskError(
            "The database URL cannot be read; it is not repeated here, as it may hold a password.",
            cure=f"Write @, : and / inside a user name or a password as %40, %3A and %2F. {_EXAMPLES}",
        )
    return url


def _secrets(url: URL) -> list[str]:
    query = url.normalized_query
    found = [url.password or "", *(value for name in _SECRET_OPTIONS for value in query.get(name, ()))]
    return sorted(filter(None, found), key=len, reverse=True)


def _masked(url: URL) -> str:
    hidden = {name: MASK for name in _SECRET_OPTIONS if name in url.query}
    return url.update_query_dict(hidden).render_as_string(hide_password=True).replace(quote_plus(MASK), MASK)
