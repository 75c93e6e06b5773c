"""A fork of the command is what a fresh start of it is, to whoever looks at it from outside."""

from __future__ import annotations

import os
import signal
import socket
from pathlib import Path

import pytest

from .forked import FORKS, MODULE, Process, fresh, start
from .forking import serve


def ended(process: Process) -> tuple[int | None, str, str]:
    out, err = process.communicate()
    return process.returncode, out, err


@pytest.mark.parametrize("arguments", [["models"], ["data", "prices.csv"]], ids=" ".join)
def test_it_takes_the_same_and_says_the_same_and_ends_the_same(arguments: list[str], tmp_path: Path):
    (tmp_path / "prices.csv").write_text("none")
    around = {"folder": tmp_path, "environment": {**os.environ, "COLUMNS": "50"}}

    assert ended(start(arguments, **around)) == ended(fresh([*MODULE, *arguments], **around))


def test_it_can_be_waited_for_and_killed(tmp_path: Path):
    process = start(["chain", "--port", "0", "--json"], folder=tmp_path, environment=os.environ)
    assert process.stdout.readline().startswith("{")
    assert process.poll() is None

    process.kill()

    assert process.wait(timeout=30) == -signal.SIGKILL
    assert process.communicate() == ("", "")
    process.kill()  # which harms nobody any more


@pytest.mark.skipif(not FORKS, reason="nothing is forked here")
def test_what_forks_ends_with_whom_it_forks_for():
    ours, theirs = socket.socketpair()
    ours.close()
    with theirs:
        serve(theirs)
