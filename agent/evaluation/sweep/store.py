"""Where a sweep keeps its points: a file of JSON lines that is only ever added to, so that nothing is tried twice."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from agent.errors import PatternSettleError, UsageError
from agent.evaluation.sweep.outcome import Outcome
from agent.model.reasons import reason
from agent.nesting import loads

try:
    import fcntl
except ImportError:  # not on Windows, where nothing keeps two sweeps apart
    fcntl = None

__all__ = ["FILE", "Record", "Store"]

FILE = "points.jsonl"
"""What the file in a sweep's folder is called."""

_FORMAT = 1
_ANOTHER = "Name another folder with --out."


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A point that was tried.

    Attributes
    ----------
    key
        Hash of everything its outcome depends on.
    data
        Hash of the bars of its market.
    trial
        Key of its trial, see `agent.evaluation.trials.Trial`; "" where it could not even begin.
    point
        What a person who reads the file should know of it: market, model, parameters, barriers.
    result
        What came of it, or why nothing did, in a sentence.
    """

    key: str
    data: str
    trial: str
    point: Mapping[str, Any]
    result: Outcome | str

    @property
    def outcome(self) -> Outcome | None:
        """What came of it; None where it failed."""
        return self.result if isinstance(self.result, Outcome) else None

    def as_json(self) -> dict[str, Any]:
        """Return the values of its line."""
        document: dict[str, Any] = {"key": self.key, "data": self.data, "trial": self.trial, "point": self.point}
        if isinstance(self.result, Outcome):
            return document | {"state": "done", "outcome": self.result.as_json()}
        return document | {"state": "failed", "reason": self.result}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Record:
        """Return what `as_json` gave; raises what `Outcome.from_json` raises."""
        done = {"done": True, "failed": False}[document["state"]]
        return cls(
            key=str(document["key"]),
            data=str(document["data"]),
            trial=str(document["trial"]),
            point=dict(document["point"]),
            result=Outcome.from_json(document["outcome"]) if done else str(document["reason"]),
        )


class Store:
    """The points of a folder, by their keys; of a point that was tried again, the last time.

    Each is one line, on disk before `add` returns. A process that is killed while it writes leaves at worst the
    beginning of a line, which is taken away when the folder is next opened. While it is open, no other process can open it.

    Parameters
    ----------
    folder
        Is made if it is not there.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self.path = self.folder / FILE
        self._file: IO[bytes] | None = None
        self._records: dict[str, Record] = {}

    def __enter__(self) -> Store:
        """Open it.

        Raises
        ------
        UsageError
            Where the folder cannot be written, another process has it open, or the file is damaged.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._file = self.path.open("ab+", buffering=0)
        except OSError as error:
            raise self._unusable(error) from error
        try:
            self._lock(self._file)
            self._records = {record.key: record for record in self._read(self._file)}
        except PatternSettleError:
            self._file.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        assert self._file is not None
        self._file.close()

    def __len__(self) -> int:
        return len(self._records)

    def __iter__(self) -> Iterator[Record]:
        return iter(self._records.values())

    def get(self, key: str) -> Record | None:
        """Return a point that was tried; None where it was not."""
        return self._records.get(key)

    def add(self, record: Record) -> None:
        """Write a point down, all of it or nothing.

        Raises
        ------
        UsageError
            Where it cannot be written.
        """
        assert self._file is not None
        text = json.dumps(
            {"format": _FORMAT, **record.as_json()}, separators=(",", ":"), default=str, allow_nan=False
        )
        line = f"{text}\n".encode()
        try:
            end = self._file.seek(0, os.SEEK_END)
            if self._file.write(line) != len(line):
                self._file.truncate(end)
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fsync(self._file.fileno())
        except OSError as error:
            raise self._unusable(error) from error
        self._records[record.key] = record

    def _lock(self, file: IO[bytes]) -> None:
        if fcntl is None:
            return
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise UsageError(
                f"Another sweep is at work in {self.folder}.", cure=f"Wait until it has ended. {_ANOTHER}"
            ) from error

    def _read(self, file: IO[bytes]) -> Iterator[Record]:
        file.seek(0)
        lines = file.read().split(b"\n")
        if unfinished := lines.pop():
            file.truncate(file.tell() - len(unfinished))
        for number, line in enumerate(lines, start=1):
            try:
                document = loads(line)
                if document["format"] != _FORMAT:
                    raise ValueError(f"it is not of format {_FORMAT}")
                yield Record.from_json(document)
            except (KeyError, TypeError, ValueError) as error:
                raise UsageError(
                    f"{self.path}, line {number}, is not a point of a sweep: {reason(error)}.",
                    cure=f"Take that line out, and its point is tried again. {_ANOTHER}",
                ) from error

    def _unusable(self, error: OSError) -> UsageError:
        return UsageError(f"The sweep cannot be kept in {self.folder}: {error.strerror or error}.", cure=_ANOTHER)
