"""The trial log: every trial is written down before its test windows are opened, and none is ever forgotten.

An append-only file of JSON lines. A trial has two: ``begun``, which says what is about to be tried on which bars,
and ``ended``, with what came of it, period by period. One that never ended counts all the same: somebody may have
seen enough of it to stop it.
"""

from __future__ import annotations

import errno
import hashlib
import json
import math
import os
import sys
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

import numpy as np

from agent.errors import ModelError
from agent.evaluation.fingerprints import Fingerprint, Moves, alike
from agent.evaluation.ground import Periods
from agent.evaluation.statistics import sharpe
from agent.market.bars import Floats

try:
    import fcntl
except ImportError:  # not on Windows, where one write of one line has to do
    fcntl = None

__all__ = ["TRIALS_VARIABLE", "Attempted", "Trial", "TrialLog", "default_log"]

TRIALS_VARIABLE = "PATTERNSETTLE_TRIALS"
"""Names another file for the log."""

_FORMAT = 1
_HEAD = f'{{"format":{_FORMAT},'.encode()


def default_log() -> Path:
    """Return where the log is kept: ``PATTERNSETTLE_TRIALS``, else among the user's own data on this platform."""
    if chosen := os.environ.get(TRIALS_VARIABLE):
        return Path(chosen).expanduser().absolute()
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Application Support"
    else:
        base = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    return base / "patternsettle" / "trials.jsonl"


@dataclass(frozen=True, kw_only=True)
class Trial:
    """What is about to be tried.

    Attributes
    ----------
    model
        As it was asked for.
    params
        Everything that sets this trial apart from others on the same bars: parameters, seed, barriers, costs, windows.
    source, market, interval, bars, first, last
        The series.
    data
        By what the series is known again.
    """

    model: str
    params: Mapping[str, Any]
    source: str
    market: str
    interval: int
    bars: int
    first: str
    last: str
    data: Fingerprint

    @property
    def key(self) -> str:
        """Hash of what is tried, the same when the same is tried again."""
        canonical = json.dumps([self.params, self.interval, self.data.pieces], sort_keys=True, default=str)
        return hashlib.sha256(canonical.encode()).hexdigest()

    def as_json(self) -> dict[str, Any]:
        """Return what the log says of it."""
        told = {field.name: getattr(self, field.name) for field in fields(self) if field.name != "data"}
        return {"key": self.key, **told, **self.data.as_json()}


@dataclass(frozen=True, eq=False)
class Attempted:
    """A trial that was made, as the log tells.

    Attributes
    ----------
    key
        See `Trial`.
    model
        As it was asked for.
    numbers
        Periods it has returns of, see `agent.evaluation.ground.Periods`; None where it never ended.
    returns
        In basis points, one for each of them.
    length
        Seconds of a period.
    """

    key: str
    model: str
    numbers: tuple[int, ...] | None = None
    returns: tuple[float, ...] = ()
    length: int = 0

    def sharpe(self, length: int) -> float:
        """Return its Sharpe ratio over periods of so many seconds; 0 where it never traded.

        Returns grow with the time, and their deviation with its root: A. W. Lo, *The statistics of Sharpe ratios* (2002).
        """
        measured = sharpe(self.returns)
        return 0.0 if measured is None else measured * math.sqrt(length / self.length)

    def over(self, numbers: Sequence[int]) -> Floats | None:
        """Return its returns in some periods; None where it has not all of them."""
        known = dict(zip(self.numbers or (), self.returns, strict=True))
        return np.array([known[n] for n in numbers]) if known.keys() >= set(numbers) else None


class TrialLog:
    """A log of trials.

    Parameters
    ----------
    path
        The file; it is made with the first trial.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)

    def begin(self, trial: Trial) -> str:
        """Write down that a trial begins; return its id.

        Raises
        ------
        ModelError
            Where the log cannot be written: what cannot be counted is not tried.
        """
        id = uuid.uuid4().hex
        self._append({"event": "begun", "id": id, "at": _now(), **trial.as_json()})
        return id

    def end(self, id: str, periods: Periods, returns: Floats) -> None:
        """Write down what came of a trial, in basis points for each period."""
        rounded = [round(value, 4) for value in returns.tolist()]
        self._append(
            {
                "event": "ended",
                "id": id,
                "at": _now(),
                "period_seconds": periods.length,
                "runs": _runs(periods.number.tolist()),
                "returns_bps": rounded,
            }
        )

    def on(self, data: Fingerprint) -> tuple[Attempted, ...]:
        """Return the different trials made on the same data, in the order in which they were begun; see `alike`.

        The same trial made again, with the same outcome, is one; with another outcome, as when the code behind a
        factory's name was changed, it is another. One without an outcome counts unless the same was finished.

        Raises
        ------
        ModelError
            Where the log cannot be read.
        """
        same = _Same(data)
        begun: dict[str, Attempted] = {}
        for line, event in enumerate(self._events(), start=1):
            try:
                if event["event"] == "begun" and same(event["pieces"], event.get("moves", ())):
                    begun[event["id"]] = Attempted(event["key"], event["model"])
                elif event["event"] == "ended" and event["id"] in begun:
                    before = begun[event["id"]]
                    numbers = tuple(n for first, count in event["runs"] for n in range(first, first + count))
                    returns = tuple(map(float, event["returns_bps"]))
                    if len(numbers) != len(returns):
                        raise ValueError("it has not one return for each period")
                    length = int(event["period_seconds"])
                    if length < 1:
                        raise ValueError(f"it has periods of {length} seconds")
                    begun[event["id"]] = Attempted(before.key, before.model, numbers, returns, length)
            except (KeyError, TypeError, ValueError) as error:
                raise self._damaged(line, f"{error}") from error
        finished = {each.key for each in begun.values() if each.numbers is not None}
        different: dict[tuple[str, Any], Attempted] = {}
        for each in begun.values():
            if each.numbers is not None or each.key not in finished:
                different.setdefault((each.key, each.returns), each)
        return tuple(different.values())

    def _events(self) -> Iterator[dict[str, Any]]:
        try:
            self._require_a_file()
            with self.path.open("rb") as file, _locked(file, shared=True):
                lines = file.read().split(b"\n")
        except FileNotFoundError:
            return
        except OSError as error:
            raise self._unusable("read", error) from error
        if not lines[-1] or _is_torn(lines[-1]):
            lines.pop()
        for number, line in enumerate(lines, start=1):
            try:
                event = json.loads(line)
            except ValueError as error:
                raise self._damaged(number, "it is not JSON") from error
            if not isinstance(event, dict) or event.get("format") != _FORMAT:
                raise self._damaged(number, f"it is not of format {_FORMAT}")
            yield event

    def _append(self, event: Mapping[str, Any]) -> None:
        """Append one line, all of it or nothing, and only return when it is on disk."""
        text = json.dumps({"format": _FORMAT, **event}, separators=(",", ":"), default=str, allow_nan=False)
        line = f"{text}\n".encode()
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._require_a_file()
            with self.path.open("ab+", buffering=0) as file, _locked(file):
                end = _mended(file)
                if file.write(line) != len(line):
                    file.truncate(end)
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                os.fsync(file.fileno())
        except OSError as error:
            raise self._unusable("written", error) from error

    def _require_a_file(self) -> None:
        # A device may be read without end, and forgets what is written.
        if self.path.exists() and not self.path.is_file():
            raise OSError(errno.EINVAL, "it is no regular file")

    def _unusable(self, what: str, error: OSError) -> ModelError:
        return ModelError(
            f"the trial log {self.path} cannot be {what}: {error.strerror or error}.",
            cure=f"Make it a file that can, or name another one with --trials or {TRIALS_VARIABLE}.",
        )

    def _damaged(self, line: int, what: str) -> ModelError:
        return ModelError(
            f"the trial log {self.path}, line {line}, is damaged: {what}.",
            cure="Restore the file, or begin another with --trials: only the whole one knows how often bars were tried.",
        )


class _Same:
    """Tells whether what the log says of a series is of the same data; asks once of each, for a sweep writes it often."""

    def __init__(self, data: Fingerprint) -> None:
        self._data = data
        self._known: dict[str, bool] = {}

    def __call__(self, pieces: Sequence[str], moves: Sequence[Sequence[Any]]) -> bool:
        written = json.dumps([pieces, moves])
        if written not in self._known:
            told = map(Moves.from_json, moves)
            self._known[written] = alike(
                self._data, Fingerprint(tuple(pieces), {each.step: each for each in told})
            )
        return self._known[written]


def _runs(numbers: Sequence[int]) -> list[tuple[int, int]]:
    """Return ascending numbers as runs without a gap: the first of each, and how many follow each other."""
    runs: list[tuple[int, int]] = []
    for n in numbers:
        if runs and n == sum(runs[-1]):
            runs[-1] = (runs[-1][0], runs[-1][1] + 1)
        else:
            runs.append((n, 1))
    return runs


def _is_torn(last: bytes) -> bool:
    """Return whether what follows the last end of a line is the beginning of one, as a process leaves it that was killed."""
    if not (last.startswith(_HEAD) or _HEAD.startswith(last)):
        return False
    try:
        json.loads(last)
    except ValueError:
        return True
    return False


def _mended(file: IO[bytes]) -> int:
    """Take away the beginning of a line that a killed process left, or end a line that is whole; return where to write."""
    end = file.seek(0, os.SEEK_END)
    if end == 0:
        return end
    file.seek(end - 1)
    if file.read(1) == b"\n":
        return end
    file.seek(0)
    last = file.read().rsplit(b"\n", 1)[-1]
    if _is_torn(last):
        return file.truncate(end - len(last))
    return end + (file.write(b"\n") or 0)


@contextmanager
def _locked(file: IO[bytes], *, shared: bool = False) -> Iterator[None]:
    """Keep other processes from writing meanwhile; closing the file lets them again."""
    if fcntl is not None:
        fcntl.flock(file, fcntl.LOCK_SH if shared else fcntl.LOCK_EX)
    yield


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
