"""The folder through which other processes ask something of a running desk: one file a request, whole or not there.

A request is written beside its place and moved there in one step, and taken by renaming it. So either the desk has it or
whoever asked has taken it back, never both and never half. A request that was left behind by a run that ended is told of
and not granted.
"""

from __future__ import annotations

import json
import os
import stat
import time
from collections.abc import Iterator
from pathlib import Path

from agent.desk.place import Place
from agent.desk.swap.request import Request, Unfit
from agent.errors import DeskError
from agent.model.reasons import reason
from agent.nesting import loads

_READY, _TAKEN, _UNREADY = ".json", ".taken", ".new"
_LARGEST = 65_536  # bytes


def beside(journal: Place) -> Path | None:
    """Return the folder that belongs to a journal; None for one that is no file."""
    return None if journal.path is None else journal.path.with_name(f"{journal.path.name}-swap")


class Mailbox:
    """A folder of requests.

    Parameters
    ----------
    folder
        Where it is; made when the first request is put there.
    since
        When the run began that reads it, unix seconds: older requests were made to another run.
    """

    def __init__(self, folder: Path, *, since: float = 0.0) -> None:
        self.folder = folder
        self._since = since
        self._unreadable = False
        self._stuck: set[str] = set()

    def put(self, request: Request) -> None:
        """Leave a request.

        Raises
        ------
        DeskError
            Where the folder cannot be written to.
        """
        unready = self.folder / f"{request.id}{_UNREADY}"
        try:
            self.folder.mkdir(mode=0o700, exist_ok=True)
            unready.write_text(json.dumps(request.to_json()), encoding="utf-8")
            os.replace(unready, self._ready(request))
        except OSError as error:
            raise DeskError(
                f"The request cannot be left in {self.folder}: {_why(error)}.",
                cure="Run this as the user that runs the desk, or make the folder writable.",
            ) from error

    def withdraw(self, request: Request) -> bool:
        """Take a request back; False where the desk has it already."""
        try:
            self._ready(request).unlink()
        except FileNotFoundError:
            return False
        return True

    def requests(self, *, decided: int, busy: bool) -> Iterator[Request | Unfit]:
        """Yield the requests in the order in which they were made; as in `Source.requests`."""
        try:
            names = sorted(os.listdir(self.folder))
        except FileNotFoundError:
            return
        except OSError as error:
            if not self._unreadable:  # told once, not at every bar
                self._unreadable = True
                yield Unfit("mailbox", f"The folder {self.folder} cannot be read: {_why(error)}.")
            return
        self._stuck.intersection_update(names)
        for name in names:
            path = self.folder / name
            if path.suffix in (_READY, _TAKEN) and name not in self._stuck:
                yield from self._given(path)

    def _given(self, path: Path) -> Iterator[Request | Unfit]:
        """Take one request and yield it; what can be neither taken nor removed is told once, and left where it is."""
        taken = path.with_suffix(_TAKEN)
        if path != taken:
            try:
                path.rename(taken)
            except FileNotFoundError:
                return  # taken back
            except OSError as error:
                self._stuck.add(path.name)
                yield Unfit(
                    _id(path),
                    f"The request {_named(path)} cannot be taken: {_why(error)}. Remove it, and ask again.",
                )
                return
        yield self._read(taken, whole=path != taken)
        try:
            taken.unlink(missing_ok=True)
        except OSError as error:
            self._stuck.add(taken.name)
            yield Unfit(
                "mailbox", f"{_named(taken)} in {self.folder} cannot be removed: {_why(error)}. Remove it by hand."
            )

    def _ready(self, request: Request) -> Path:
        # Sorted by name, requests stand in the order in which they were made.
        return self.folder / f"{round(request.made_at * 1e6):020d}-{request.id}{_READY}"

    def _read(self, path: Path, *, whole: bool) -> Request | Unfit:
        try:
            found = path.lstat()
            if not stat.S_ISREG(found.st_mode) or found.st_size > _LARGEST:
                raise ValueError("it is not a small plain file")
            if hasattr(os, "geteuid") and found.st_uid != os.geteuid():
                raise ValueError("it was left by another user than the one who runs the desk")
            if not whole:
                return Unfit(_id(path), "It was being taken when the run before ended: ask again.")
            request = Request.from_json(loads(path.read_bytes()))
        except (OSError, ValueError) as error:
            return Unfit(
                _id(path),
                f"The request {_named(path)} cannot be read: {reason(error)}. Ask with patternsettle swap.",
            )
        if request.made_at < self._since:
            return Unfit(request.id, "It was made before this run began: ask again.")
        return request


def _id(path: Path) -> str:
    stem = _named(path.with_suffix(""))
    return stem.partition("-")[2] or stem


def _named(path: Path) -> str:
    """Return the name of a file; what is no text in it is replaced, for nobody could print it."""
    return os.fsencode(path.name).decode("utf-8", "replace")


def _why(error: OSError) -> str:
    return error.strerror or str(error)


def now() -> float:
    """Unix seconds by this machine's clock, to the microsecond, as requests are dated."""
    return round(time.time(), 6)
