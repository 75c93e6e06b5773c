"""`patternsettle new-model` writes a model and a test that pass as they stand, and touches nothing that is there."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from agent.extras import install

FILES = ["my_own.py", "test_my_own.py"]  # in alphabetical order


@pytest.fixture
def here(tmp_path: Path) -> Path:
    return tmp_path / "here"


def names(folder: Path) -> list[str]:
    return sorted(item.name for item in folder.iterdir())


def test_what_it_writes_passes_as_it_stands_with_plain_pytest(terminal, command_in):
    assert command_in(terminal.folder, "new-model", "my_own").code == 0
    assert names(terminal.folder) == FILES
    tested = terminal.run("-q", "-p", "no:cacheprovider", program=(sys.executable, "-B", "-m", "pytest"))
    assert "2 passed" in tested.out
    assert tested.code == 0


def test_what_it_writes_is_a_model_to_every_command(command, here, price_file, monkeypatch):
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.setattr(sys, "path", list(sys.path))
    command("new-model", "my_own")
    ended = command("train", "--model", "my_own:make", "--data", price_file, "--out", "my_own.psm", "--json")
    del sys.modules["my_own"]
    assert json.loads(ended.out)["trust"] == []
    assert names(here) == sorted(["my_own.psm", *FILES])


def test_it_says_what_to_do_next(command):
    shown = command("new-model", "my_own").out
    assert shown.startswith("Wrote my_own.py and test_my_own.py.\nNext:\n")
    for line in (
        "pytest test_my_own.py",
        "patternsettle check my_own:make",
        "patternsettle evaluate my_own:make --data FILE",
        "patternsettle train --model my_own:make --data FILE --out my_own.psm",
    ):
        assert f"  {line}\n" in shown


def test_where_pytest_is_missing_it_says_how_to_get_it_first(command, monkeypatch):
    monkeypatch.setitem(sys.modules, "pytest", None)
    assert f"{install('testing')}\n  pytest test_mine.py" in command("new-model", "mine").out


def test_machines_are_told_the_same(command):
    document = json.loads(command("new-model", "my_own", "--json").out)
    assert document["model"] == "my_own:make"
    assert document["files"] == FILES
    assert document["next"][0] == "pytest test_my_own.py"


def test_another_folder_is_made_and_named(command, here):
    shown = command("new-model", "my_own", "--out", "models/mine").out
    assert names(here / "models" / "mine") == FILES
    assert "  cd models/mine\n" in shown


@pytest.mark.parametrize("there", FILES)
def test_nothing_that_is_there_is_overwritten_and_nothing_half_written(command, here, there):
    (here / there).write_text("mine")
    command("new-model", "my_own").is_refused(f"{there} is there already, so it is left alone.")
    assert names(here) == [there]
    assert (here / there).read_text() == "mine"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("my-own", ["is not a name that Python can import", "Take letters, digits and underscores: my_own."]),
        ("2fast", ["is not a name that Python can import", "my_model"]),
        ("class", ["is not a name that Python can import", "class_model"]),
        ("../mine", ["is not a name that Python can import", "mine"]),
        ("mine.py", ["is not a name that Python can import", "mine_py"]),
        ("", ["is not a name that Python can import"]),
        ("forest", ["A model called 'forest' is there already.", "my_forest"]),
        ("json", ["There is a module 'json' already", "my_json"]),
        ("sklearn", ["There is a module 'sklearn' already", "my_sklearn"]),
    ],
)
def test_a_name_that_could_not_be_imported_or_would_hide_another_is_refused(command, here, name, words):
    command("new-model", name).is_refused(*words)
    assert names(here) == []


def test_a_folder_that_cannot_be_written_is_refused(command, here):
    (here / "file").write_text("")
    command("new-model", "my_own", "--out", "file/models").is_refused(
        "file/models is said to lie in what is a file, not a folder."
    )
    assert names(here) == ["file"]
