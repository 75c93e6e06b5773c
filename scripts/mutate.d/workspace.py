"""Authority on where a mutant meets the tests: a copy of what they need of the checkout, which itself is never touched."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from agent.chain.artifact import Artifact
from agent.errors import ChainError

__all__ = ["Checkout", "Run", "Stopped", "Workspace"]

TESTS = "tests/contracts"
# What these hold is not what a contract does: its gas, what is written about it, and what the README shows.
NO_KILLERS = ("test_gas.py", "test_invariants_document.py", "test_natspec.py", "test_readme_example.py")
# Beside the top of the package: what the contract tests and the plugin import. A copy has nothing else, so that what
# a result depends on is all told by `Checkout.proof`.
ROOMS = ("chain", "testing")
_SINGLE_FILES = ("pyproject.toml", "tests/conftest.py", "agent/desk/__init__.py", "agent/desk/signing.py")
_ARTIFACTS = "agent/chain/artifacts"
# More walks of the machine than on any day: as many as hypothesis makes before it varies its own, the same for each mutant.
_MORE_WALKS = {"PATTERNSETTLE_MACHINE_EXAMPLES": "9", "PATTERNSETTLE_MACHINE_SEED": "0"}
_PASSED, _FAILED, _INTERRUPTED = "0", "1", "2"


class Stopped(Exception):
    """The run was ended because nobody waits for it any more."""


@dataclass(frozen=True)
class Run:
    """One run of the tests.

    Attributes
    ----------
    failed
        The tests that failed, in the order of their failing.
    seconds
        What each took.
    timed_out
        Whether the run was ended because it took too long.
    """

    failed: tuple[str, ...]
    seconds: Mapping[str, float]
    timed_out: bool = False


class Checkout:
    """The files of a checkout that a copy needs.

    Parameters
    ----------
    root
        Where it is.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    @property
    def contracts(self) -> Path:
        """The folder of the sources."""
        return self.root / "contracts"

    def copy_to(self, folder: Path) -> None:
        """Put a copy into an empty folder; the packages of the contracts are shared."""
        skip = shutil.ignore_patterns("node_modules", "__pycache__", ".*")
        shutil.copytree(self.contracts, folder / "contracts", ignore=skip)
        (folder / "contracts" / "node_modules").symlink_to(self.contracts / "node_modules")
        for path in self._files:
            target = folder / path.relative_to(self.root)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)

    def proof(self, test: str = "", *, without: Iterable[str] = ()) -> str:
        """A hash of what a verdict rests on besides the contracts' code.

        Parameters
        ----------
        test
            The test that failed: then other files with tests do not matter. "" where none did, and all matter.
        without
            Names of the contracts whose artifacts the mutant brings itself.
        """
        own = {f"{_ARTIFACTS}/{name}.json" for name in without}
        digest = hashlib.sha256(sys.version.encode())
        for name, content in self._contents.items():
            is_tests = name.startswith(TESTS) and Path(name).name.startswith("test_")
            if name in own or (test and is_tests and not test.startswith(f"{name}::")):
                continue
            digest.update(f"{name}\0{content}\0".encode())
        return digest.hexdigest()

    @cached_property
    def _files(self) -> tuple[Path, ...]:
        package = self.root / "agent"
        found = [*package.glob("*.py"), *(self.root / name for name in _SINGLE_FILES)]
        for folder in (*(package / room for room in ROOMS), self.root / TESTS):
            found += (path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
        return tuple(sorted(path for path in found if path.name not in NO_KILLERS))

    @cached_property
    def _contents(self) -> dict[str, str]:
        return {
            path.relative_to(self.root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in self._files
        }


class Workspace:
    """A copy of a checkout into which one mutant at a time is put.

    Parameters
    ----------
    checkout
        What to copy.
    folder
        Where to; must not exist.
    cache
        Folder for what the tests compile.
    """

    def __init__(self, checkout: Checkout, folder: Path, *, cache: Path) -> None:
        self._checkout = checkout
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self._busy = threading.Lock()
        self._stopped = False
        folder.mkdir(parents=True)
        checkout.copy_to(folder)
        kept = {name: value for name, value in os.environ.items() if name != "PYTEST_ADDOPTS"}
        self._environment = kept | _MORE_WALKS | {"PYTHONPATH": str(folder), "PATTERNSETTLE_CACHE": str(cache)}

    def run(
        self,
        texts: Mapping[str, bytes],
        artifacts: Iterable[Artifact],
        *,
        order: Sequence[str],
        limit: float | None,
        whole: bool = False,
    ) -> Run:
        """Run the tests against contracts.

        Parameters
        ----------
        texts
            The sources that differ from the checkout's, by name.
        artifacts
            What all of them were compiled to.
        order
            Names of tests, the first to run first.
        limit
            Seconds after which the run is ended; None for no limit.
        whole
            Whether to go on after a failure.

        Raises
        ------
        Stopped
            If `stop` was called.
        ChainError
            If the tests did not run at all.
        """
        with self._busy:
            for each in artifacts:
                content = json.dumps(each.to_json())
                (self._folder / _ARTIFACTS / f"{each.name}.json").write_text(content, encoding="utf-8")
            for name, text in texts.items():
                (self._folder / "contracts" / name).write_bytes(text)
            try:
                return self._answer(order, limit, whole)
            finally:
                for name in texts:
                    shutil.copyfile(self._checkout.contracts / name, self._folder / "contracts" / name)

    def stop(self) -> None:
        """End what is going on, and let nothing begin any more."""
        self._stopped = True
        if (process := self._process) is not None:
            _kill(process)
        with self._busy:
            self._end()

    def _answer(self, order: Sequence[str], limit: float | None, whole: bool) -> Run:
        answer, log = self._folder / "answer.json", self._folder / "log.txt"
        answer.unlink(missing_ok=True)
        process = self._begin()
        assert process.stdin is not None
        assert process.stdout is not None
        wish = {"arguments": [TESTS], "order": list(order), "whole": whole}
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write(f"{json.dumps(wish)}\n".encode())
            process.stdin.flush()
        if not select.select([process.stdout], [], [], limit)[0]:
            self._end()
            return Run((), {}, timed_out=True)
        code = process.stdout.readline().decode().strip()
        if self._stopped:
            raise Stopped
        read: dict[str, Any] = json.loads(answer.read_text(encoding="utf-8")) if answer.is_file() else {}
        if not read or code not in (_PASSED, _FAILED, _INTERRUPTED) or (code == _PASSED) == bool(read["failed"]):
            told = log.read_text(encoding="utf-8", errors="replace").strip().splitlines() if log.is_file() else []
            raise ChainError(
                f"The contract tests did not run (exit code {code or 'unknown'}): {' '.join(told[-3:])}",
                cure=f"Run `pytest {TESTS}` and mend what it tells.",
            )
        return Run(tuple(read["failed"]), read["seconds"])

    def _begin(self) -> subprocess.Popen[bytes]:
        """The process that runs the tests; a new one where there is none."""
        if self._stopped:
            raise Stopped
        if self._process is not None:
            return self._process
        # -P: the folder of this tool is none of the tests' business.
        self._process = subprocess.Popen(
            [sys.executable, "-P", str(Path(__file__).with_name("suite.py"))],
            cwd=self._folder,
            env=self._environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        if self._stopped:
            _kill(self._process)
        return self._process

    def _end(self) -> None:
        """End the process that runs the tests, and all that it started."""
        process, self._process = self._process, None
        if process is not None:
            _kill(process)
            process.communicate()


def _kill(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
