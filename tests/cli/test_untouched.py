"""A command that only reads leaves nothing behind: no folder for data, no log of trials, no cache."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ..prefork.forked import MODULE

READING = (
    (),
    ("--help",),
    ("--version",),
    ("models",),
    ("doctor",),
    ("data", "prices.csv"),
    ("check", "tree"),
    ("check", "tree", "--data", "prices.csv"),
    ("evaluate", "--help"),
    ("swap", "--status"),
    ("mandate",),
    ("mandate", "show", "none.json"),
    ("mandate", "check", "none.json"),
)


def what_is_in(folder: Path) -> dict[str, tuple[int, float]]:
    """Each file and folder below a folder, with what would tell that it was written to."""
    return {
        str(path.relative_to(folder)): (path.lstat().st_size, path.lstat().st_mtime) for path in folder.rglob("*")
    }


@pytest.fixture
def home(tmp_path: Path) -> Path:
    made = tmp_path / "home"
    made.mkdir()
    return made


def at_home(home: Path) -> dict[str, str]:
    """Where a person's own things lie, and no log of trials but theirs."""
    return {
        "HOME": str(home),
        "XDG_DATA_HOME": str(home / "data"),
        "XDG_CACHE_HOME": str(home / "cache"),
        "PATTERNSETTLE_TRIALS": "",
        "PYTHONDONTWRITEBYTECODE": "1",
    }


@pytest.mark.parametrize("arguments", READING, ids=" ".join)
def test_a_home_is_as_it_was(arguments, terminal, home):
    terminal.run("data", "--sample", "prices.csv")
    before = what_is_in(terminal.folder)

    ended = terminal.run(*arguments, env=at_home(home))

    assert ended.code in (0, 2), ended.err
    assert what_is_in(home) == {}
    assert what_is_in(terminal.folder) == before


@pytest.mark.skipif(os.geteuid() == 0, reason="this user may write everywhere")
@pytest.mark.parametrize("arguments", [("models",), ("check", "tree"), ("doctor",)], ids=" ".join)
def test_a_home_that_cannot_be_written_to_is_none_of_their_business(arguments, terminal, home):
    home.chmod(0o500)
    assert terminal.run(*arguments, env=at_home(home), program=MODULE).code == 0


def test_a_home_that_is_not_there_is_not_made(terminal, home):
    home.rmdir()
    assert terminal.run("models", env=at_home(home)).code == 0
    assert terminal.run("check", "tree", env=at_home(home)).code == 0
    assert not home.exists()


def test_what_cannot_be_evaluated_is_not_counted(terminal, home):
    refused = terminal.run("evaluate", "tree", "--data", "none.csv", env=at_home(home))
    refused.is_refused("there is no such file")
    assert what_is_in(home) == {}
