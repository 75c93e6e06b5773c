"""Whether a model that was asked for fits in: at once where the market waits, aside in a process of its own where not.

Aside means that a model that is slow, hangs or crashes takes nothing from the desk that goes on trading meanwhile.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from agent.desk.swap.request import Request
from agent.errors import PatternSettleError, SwapRefused
from agent.model.artifact import load, save
from agent.model.conformity import Check, Conformity, check_model
from agent.model.trained import TrainedModel

LONGEST_SECONDS = 120.0
_OWN_GROUP = {"creationflags": 0x200} if sys.platform == "win32" else {"start_new_session": True}


@dataclass(frozen=True)
class Examined:
    """A model that passed, and how many checks it passed."""

    model: TrainedModel
    checks: int


class Exam(Protocol):
    """An examination under way."""

    def outcome(self) -> Examined | None:
        """Return the model once it has passed, None before.

        Raises
        ------
        SwapRefused
            Where it does not fit in.
        ModelError
            Where it cannot be loaded.
        """

    def end(self) -> None:
        """Stop examining, if that still goes on."""


class Examiner(Protocol):
    """What examines models."""

    def begin(self, request: Request) -> Exam:
        """Begin to examine the model that was asked for."""


class AtOnce:
    """Examines in this process: everything else waits, as it may in a replay."""

    def begin(self, request: Request) -> Exam:
        return _Now(request)


@dataclass(frozen=True)
class _Now:
    request: Request

    def outcome(self) -> Examined:
        model = found(self.request)
        return Examined(model, passed(check_model(model, trusted=self.request.trusted), self.request.place))

    def end(self) -> None:
        """Do nothing: it has ended."""


class Aside:
    """Examines in a process of its own, and loads what has passed in a thread."""

    def begin(self, request: Request) -> Exam:
        return _Aside(request)


class _Aside:
    def __init__(self, request: Request) -> None:
        self._request = request
        with ExitStack() as cleanup:
            place = Path(request.place)
            if request.model is not None:
                place = Path(cleanup.enter_context(tempfile.TemporaryDirectory())) / "model"
                save(request.model, place)
            self._process = _started(place, request.trusted)
            self._cleanup = cleanup.pop_all()
        self._outcome: Examined | PatternSettleError = SwapRefused(
            f"The check of {request.place} ended without a result.", cure="Run patternsettle check on it."
        )
        self._thread = threading.Thread(target=self._wait, daemon=True)
        self._thread.start()

    def outcome(self) -> Examined | None:
        if self._thread.is_alive():
            return None
        if isinstance(self._outcome, PatternSettleError):
            raise self._outcome
        return self._outcome

    def end(self) -> None:
        self._process.kill()
        self._thread.join()
        self._cleanup.close()

    def _wait(self) -> None:
        try:
            self._outcome = self._judged(*self._said())
        except PatternSettleError as error:
            self._outcome = error

    def _said(self) -> tuple[str, str]:
        with self._process:
            try:
                return self._process.communicate(timeout=LONGEST_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                raise SwapRefused(
                    f"The check of {self._request.place} did not end within {LONGEST_SECONDS:g} s.",
                    cure="Find out with patternsettle check what takes so long.",
                ) from None

    def _judged(self, out: str, err: str) -> Examined:
        try:
            document = json.loads(out.splitlines()[-1])  # a model may print what it likes before
        except (ValueError, IndexError):
            last = (err.strip().splitlines() or ["no word"])[-1]
            raise SwapRefused(
                f"The check of {self._request.place} ended with code {self._process.returncode} and without a "
                f"result: {last.rstrip('.')}.",
                cure="Run patternsettle check on it.",
            ) from None
        if "refused" in document:
            raise SwapRefused(document["refused"])
        said = document["conformity"]
        result = Conformity(said["passed"], tuple(Check(**check) for check in said["checks"]))
        checks = passed(result, self._request.place)
        model = found(self._request)
        if model.id != document["model"]:
            raise _changed(self._request.place)
        return Examined(model, checks)


def _started(place: Path, trusted: Sequence[str]) -> subprocess.Popen[str]:
    """Start a process that examines the model in a folder; it finds the same modules as this one."""
    trust = [word for name in trusted for word in ("--trust", name)]
    try:
        return subprocess.Popen(
            # -P: a folder that happens to be the current one must not be taken for one of ours.
            [sys.executable, "-P", "-m", "agent.desk.swap.examiner", str(place), *trust],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            errors="replace",
            env={**os.environ, "PYTHONPATH": os.pathsep.join(path or os.getcwd() for path in sys.path)},
            **_OWN_GROUP,  # Ctrl-C is for the desk, which ends this too
        )
    except OSError as error:
        raise SwapRefused(
            f"No process could be started to check {place}: {error.strerror or error}.", cure="Make room for one."
        ) from error


def found(request: Request) -> TrainedModel:
    """Return the model that was asked for.

    Raises
    ------
    ModelError
        Where it cannot be loaded.
    SwapRefused
        Where another one lies there by now.
    """
    model = request.model or load(request.place, trusted=request.trusted)
    if request.expected not in ("", model.id):
        raise _changed(request.place)
    return model


def passed(result: Conformity, place: str) -> int:
    """Return how many checks a model passed.

    Raises
    ------
    SwapRefused
        Where it failed any, naming each.
    """
    if not result.passed:
        said = "; ".join(f"{check.name.rstrip('.')}: {check.detail.rstrip('.')}" for check in result.failed)
        raise SwapRefused(
            f"{place} fails {len(result.failed)} of {len(result.checks)} checks: {said}.",
            cure="See patternsettle check, and mend the model.",
        )
    return len(result.checks)


def _changed(place: str) -> SwapRefused:
    return SwapRefused(f"The model in {place} was changed after it was asked for.", cure="Ask again.")
