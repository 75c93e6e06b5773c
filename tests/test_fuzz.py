"""Some of the hostile command lines of scripts/fuzz: each ends by itself or when asked to, in words, and touches nothing else."""

from __future__ import annotations

import sys
import time
from itertools import islice
from pathlib import Path

import pytest
import typer

from agent.cli import app

SCRIPTS = Path(__file__).parents[1] / "scripts" / "fuzz.d"
CASES = 25
SEED = 9

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="pipes and links as POSIX has them")


@pytest.fixture(scope="module")
def fuzz():
    """The modules of scripts/fuzz."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "path", [str(SCRIPTS), *sys.path])
        import fuzz
        import lines

        yield fuzz
        del sys.modules["fuzz"], sys.modules["lines"], lines


def test_hostile_command_lines_end_in_words(fuzz, tmp_path, monkeypatch):
    monkeypatch.setattr(fuzz, "WHILE", 1.0)
    found = [fault for _, fault in fuzz.faults(SEED, CASES, until=time.monotonic() + 600, root=tmp_path) if fault]
    assert [str(fault) for fault in found] == []


def test_every_command_and_each_of_its_options_has_its_turn(fuzz):
    options = [(words, each) for words, command in fuzz.every_command() for each in command.params]
    typed = {
        (line.command, word.partition("=")[0])
        for line in islice(fuzz.lines(0), len(options) + 100)
        for word in line.arguments
    }
    named = {(words, max(each.opts, key=len)) for words, each in options if each.opts[0].startswith("-")}
    assert len(named) > 150
    assert named <= typed
    assert {words[0] for words, _ in options if words} == set(typer.main.get_command(app).commands)


def test_the_same_seed_types_the_same(fuzz):
    first, again, other = (list(islice(fuzz.lines(seed), 50)) for seed in (1, 1, 2))
    assert first == again
    assert first != other


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("raise RuntimeError('x')", "It shows a traceback."),
        ("raise SystemExit(3)", "Its exit code is 3."),
        ("print('no', file=sys.stderr); raise SystemExit(2)", "does not say so in its last line"),
        ("open(os.environ['HOME'] + '/left', 'w').close()", "It left home/left."),
        ("open(os.environ['TMPDIR'] + '/left', 'w').close()", "It left tmp/left."),
    ],
    ids=["traceback", "code", "no words", "home", "temporary"],
)
def test_what_does_not_end_as_it_should_is_noticed(code, why, fuzz, tmp_path, monkeypatch):
    from .prefork.forked import fresh

    def other(arguments, **options):
        return fresh([sys.executable, "-c", f"import os, sys\n{code}"], **options)

    monkeypatch.setattr(fuzz, "start", other)
    fault = fuzz.tried(fuzz.Line(("models",), ("models",)), tmp_path / "one")
    assert fault is not None
    assert why in str(fault)
