"""What takes long says how far it is and how long it may still take; what is quick says once what it does."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from agent.cli import progress
from agent.cli.progress import step


@pytest.fixture
def pass_by(monkeypatch: pytest.MonkeyPatch):
    """Let seconds pass."""
    now = [0.0]
    monkeypatch.setattr(progress, "time", SimpleNamespace(monotonic=lambda: now[0]))

    def let(seconds: float) -> None:
        now[0] += seconds

    return let


def test_what_is_quick_says_once_what_it_does(pass_by, capsys):
    with step("Evaluating mine", total=4) as advance:
        for done in range(1, 5):
            pass_by(5)
            advance(done)
    assert capsys.readouterr().err == "Evaluating mine ...\n"


def test_what_takes_long_says_how_long_it_may_still_take(pass_by, capsys):
    with step("Evaluating mine", total=4) as advance:
        for done in range(1, 5):
            pass_by(3_000)
            advance(done)
    assert capsys.readouterr().err.splitlines() == [
        "Evaluating mine ...",
        "Evaluating mine ... 1 of 4, about 2.5 h left",
        "Evaluating mine ... 2 of 4, about 1.7 h left",
        "Evaluating mine ... 3 of 4, about 50 min left",
    ]


def test_where_nobody_knows_how_much_there_is_it_says_how_much_is_done(pass_by, capsys):
    with step("Following the chain") as advance:
        pass_by(40)
        advance(1_000)
    assert capsys.readouterr().err.splitlines()[-1] == "Following the chain ... 1,000 bars"


def test_before_anything_is_done_nothing_is_foretold(pass_by, capsys):
    with step("Evaluating mine", total=4) as advance:
        pass_by(40)
        advance(0)
    assert capsys.readouterr().err.splitlines()[-1] == "Evaluating mine ... 0 of 4"
