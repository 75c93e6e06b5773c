"""Starts of ``python -m agent`` that need not import: what a command imports takes longer than most of what tests ask for.

Each is a process like any other, with arguments, a folder, an environment and pipes or terminals of its own, and signals
reach it; but it is forked from a process that has imported everything, of which each of pytest's processes has one.
"""

from __future__ import annotations

import atexit
import json
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TextIO

from .forking import NUMBER

PIPE = subprocess.PIPE
FORKING = Path(__file__).with_name("forking.py")
MODULE = (sys.executable, "-m", "agent")
FORKS = sys.platform == "linux"  # macOS does, too, but not safely after such imports


class Forked:
    """A command that was forked: as much of `subprocess.Popen` as tests ask for."""

    def __init__(self, told: socket.socket, stdout: TextIO | None, stderr: TextIO | None) -> None:
        self.stdout, self.stderr = stdout, stderr
        self.returncode: int | None = None
        self._told = told
        self.pid = self._number()

    def poll(self) -> int | None:
        with suppress(subprocess.TimeoutExpired):
            self.wait(timeout=0)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        if self.returncode is None:
            if not select.select([self._told], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired(f"process {self.pid}", timeout or 0)
            self.returncode = self._number()
            self._told.close()
        return self.returncode

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """Read both streams, at once, for the command waits while one is full; and wait for its end."""
        with ThreadPoolExecutor() as readers:
            out, err = readers.map(_rest, (self.stdout, self.stderr), timeout=timeout)
        self.wait(timeout)
        return out, err

    def send_signal(self, number: int) -> None:
        if self.returncode is None:  # and so its pid is no other's yet
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def _number(self) -> int:
        [number] = NUMBER.unpack(self._told.recv(NUMBER.size, socket.MSG_WAITALL))
        return number


Process = Forked | subprocess.Popen[str]


def start(
    arguments: Sequence[str],
    *,
    folder: Path,
    environment: Mapping[str, str],
    stdout: int = PIPE,
    stderr: int = PIPE,
) -> Process:
    """Start ``python -m agent`` with nothing to read, and pipes or descriptors to write to.

    What Python takes from the environment when it begins, as PYTHONIOENCODING, a fork does not see.
    """
    if not FORKS:
        return fresh([*MODULE, *arguments], folder=folder, environment=environment, stdout=stdout, stderr=stderr)
    request = {"arguments": list(arguments), "folder": str(folder), "environment": dict(environment)}
    told, theirs = socket.socketpair()
    (stdout, out), (stderr, err) = _ends(stdout), _ends(stderr)
    given = [os.open(os.devnull, os.O_RDONLY), stdout, stderr, theirs.detach()]
    socket.send_fds(_forking(), [b"\n"], given)
    for descriptor in given:
        os.close(descriptor)
    told.sendall(f"{json.dumps(request)}\n".encode())
    return Forked(told, out, err)


def fresh(
    command: Sequence[str], *, folder: Path, environment: Mapping[str, str], stdout: int = PIPE, stderr: int = PIPE
) -> subprocess.Popen[str]:
    """Start a program in the same way, but anew: one of which it matters how it begins, or another one."""
    return subprocess.Popen(
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=stderr,
        encoding="utf-8",
    )


def _rest(stream: TextIO | None) -> str:
    """What can still be read of a stream; it is closed then."""
    if stream is None:
        return ""
    with stream:
        return stream.read()


def _ends(stream: int) -> tuple[int, TextIO | None]:
    """What a command gets for a stream, and what is read here of it."""
    if stream != subprocess.PIPE:
        return os.dup(stream), None
    ours, theirs = os.pipe()
    return theirs, open(ours, encoding="utf-8")


@cache
def _forking() -> socket.socket:
    """The socket of this process's program that forks; it ends when this process does."""
    ours, theirs = socket.socketpair()
    with theirs:
        number = theirs.fileno()
        program = subprocess.Popen(
            [sys.executable, FORKING, str(number)],
            pass_fds=[number],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )

    def end() -> None:
        ours.close()
        program.wait()

    atexit.register(end)
    return ours
