"""No command and no option without a word on what it does."""

from __future__ import annotations

from typing import Any

import pytest
import typer

from agent.cli import app

GROUP = typer.main.get_command(app)
GROUPS = {name: command for name, command in GROUP.commands.items() if hasattr(command, "commands")}
# Those of a group by two words, as they are typed.
COMMANDS = {name: command for name, command in GROUP.commands.items() if name not in GROUPS} | {
    f"{name} {own}": command for name, group in GROUPS.items() for own, command in group.commands.items()
}


def options() -> list[Any]:
    """Every option and argument of every command, as a test's parameter."""
    return [
        pytest.param(each, id=f"{name} {max(each.opts, key=len)}")
        for name, command in {"patternsettle": GROUP, **GROUPS, **COMMANDS}.items()
        for each in command.get_params(typer.Context(command))
    ]


def sentence(text: str | None) -> bool:
    return bool(text) and text[0].isupper() and text.rstrip("]").rstrip().endswith(".")


@pytest.mark.parametrize("name", [*GROUPS, *COMMANDS])
def test_every_command_says_what_it_does(name):
    assert sentence({**GROUPS, **COMMANDS}[name].help)


@pytest.mark.parametrize("option", options())
def test_every_option_says_what_it_does(option):
    assert sentence(getattr(option, "help", None))


def test_the_commands_that_are_promised_are_there():
    assert {"demo", "run", "train", "data", "chain", "deploy", "doctor", "mandate new"} <= set(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_speaks_to_machines_too(name):
    assert "--json" in {opt for each in COMMANDS[name].params for opt in each.opts}


def test_no_text_is_wider_than_a_terminal(command):
    for name in ("", *GROUPS, *COMMANDS):
        shown = command(*name.split(), "--help").out
        assert max(len(line) for line in shown.splitlines()) <= 80, name
