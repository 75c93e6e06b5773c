"""Command lines that nobody would type: every command and option there is, with values that none of them expects."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import typer

from agent.cli import app

__all__ = ["PREPARED", "Line", "every_command", "lines"]

NUMBERS = (
    *("0", "1", "2", "-1", "-0", "07", "+3", "1_000", "1e3", "0x10", "½", "٣", "1,5", ""),
    *("nan", "inf", "-inf", "1e-320", "1e308", "1e309", "-1e-320", "0.999999999999999999999", "1e-7"),
    *("32767", "65535", "65536", "2147483648", "4294967295", "9223372036854775808", "9" * 30, "9" * 5_000),
)
PREPARED = (
    "prices.csv",
    "short.csv",
    "empty.csv",
    "binary.csv",
    "model.psm",
    "folder",
    "loop",
    "dangling",
    "pipe",
)
"""What lies in the folder that a line is typed in."""

PLACES = (
    *PREPARED,
    *("new", "new.psm", "new.onnx", "new.html", "new.csv", "a/new/one", "prices.csv/inside", "../beside"),
    *("", " ", ".", "..", "/", "-", "--", "~nobody-at-all/x", "x" * 300, "x/" * 2_100, "é" * 130),
    *(
        "/dev/zero",
        "/dev/urandom",
        "/dev/full",
        "/dev/null",
        "/dev/stdin",
        "/dev/stdout",
        "/dev/tty",
        "/proc/self/mem",
    ),
    *(
        "https://127.0.0.1:1/prices.csv",
        "file:///etc/hostname",
        "s3://bucket/key",
        "http://",
        "http://[::1",
        ":memory:",
    ),
    *(
        "postgresql://user:secret@127.0.0.1:1/base",
        "sqlite:///new.sqlite",
        "C:\\prices.csv",
        "prices.csv\n",
        "\udcff\udcfe",
    ),
)
TEXT = (
    *(
        "",
        " ",
        "\t",
        "a\nb",
        "\x1b[31mred",
        "\u202eabc",
        "💥",
        "\udcff",
        "x" * 5_000,
        "'",
        '"',
        "$(id)",
        "%s%n",
        "{}",
        "[/]",
    ),
    *(
        "logistic",
        "tree",
        "nowhere:make",
        "os:getcwd",
        "agent.cli:main",
        "agent.model.estimators:tree",
        ":",
        "a:b:c",
    ),
    *(
        "0x",
        "0x00",
        "0x" + "0" * 40,
        "0x" + "f" * 64,
        "http://127.0.0.1:1",
        "127.0.0.1:1",
        "ftp://x",
        "time=a,open=b",
    ),
    *(
        "12h",
        "-5m",
        "1e400d",
        "2030-01-31",
        "9999-12-31T23:59Z",
        "0001-01-01",
        "long",
        "none",
        "=",
        "tree.max_depth=1,2",
    ),
)
_SEVERAL = 3


@dataclass(frozen=True)
class Line:
    """One command line.

    Attributes
    ----------
    command
        The command's words, ``("mandate", "new")``.
    arguments
        All that is typed after the program's name.
    """

    command: tuple[str, ...]
    arguments: tuple[str, ...]


def lines(seed: int) -> Iterator[Line]:
    """Yield command lines without end, the same for the same seed; at first each command and each of its options in turn."""
    rng = random.Random(seed)
    commands = every_command()
    every = [(words, command, each) for words, command in commands for each in [None, *command.params]]
    rng.shuffle(every)
    for words, command, one in every:
        yield _line(rng, words, command, one)
    while True:
        yield _line(rng, *rng.choice(commands), None)


def every_command() -> list[tuple[tuple[str, ...], Any]]:
    """Return all commands there are, each with its words."""
    return list(_commands(typer.main.get_command(app), ()))


def _commands(command: Any, words: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    yield words, command
    for name, own in getattr(command, "commands", {}).items():
        yield from _commands(own, (*words, name))


def _line(rng: random.Random, words: tuple[str, ...], command: Any, one: Any) -> Line:
    """Return a command with what it needs, some option of which the line is about, and a few others.

    Half of the lines are hostile in that one option alone: what is refused at once never gets far.
    """
    chosen = [each for each in command.params if each.required and rng.random() < 0.9]
    chosen += [
        each for each in command.params if "--data" in each.opts and each not in chosen and rng.random() < 0.6
    ]
    others = [each for each in command.params if each not in chosen and each is not one and not each.is_eager]
    chosen += rng.sample(others, min(len(others), rng.randrange(_SEVERAL)))
    chosen += [one] if one is not None and one not in chosen else []
    rng.shuffle(chosen)
    mild = rng.random() < 0.5
    typed = [word for each in chosen for word in _typed(rng, each, mild=mild and each is not one)]
    return Line(words, (*words, *typed))


def _typed(rng: random.Random, parameter: Any, *, mild: bool) -> list[str]:
    if getattr(parameter, "is_flag", False):
        return [parameter.opts[0]]
    value = _meant(rng, parameter) if mild else _value(rng, parameter)
    if not parameter.opts[0].startswith("-"):
        return [value]
    name = max(parameter.opts, key=len)
    return [f"{name}={value}"] if rng.random() < 0.3 else [name, value]


def _meant(rng: random.Random, parameter: Any) -> str:
    """Return a value that somebody may mean."""
    kind, name = parameter.type_descriptor.annotation, max(parameter.opts, key=len).lstrip("-")
    if get_origin(kind) is Literal:
        return str(rng.choice(get_args(kind)))
    if kind in (int, float):
        return rng.choice(("1", "2", "5", "50"))
    if name in ("model", "models", "swap-to"):
        return rng.choice(("tree", "model.psm"))
    if Path in (kind, *get_args(kind)):
        return "prices.csv" if name in ("data", "file") else "new"
    return rng.choice(TEXT)


def _value(rng: random.Random, parameter: Any) -> str:
    """Return a value that the parameter may nearly mean, mostly; sometimes any."""
    if rng.random() < 0.15:
        return rng.choice((*NUMBERS, *PLACES, *TEXT))
    kind = parameter.type_descriptor.annotation
    if get_origin(kind) is Literal:
        return rng.choice([*get_args(kind), "", "Refuse"])
    if kind in (int, float):
        return rng.choice(NUMBERS)
    if Path in (kind, *get_args(kind)):
        return rng.choice(PLACES)
    return rng.choice(rng.choice((NUMBERS, PLACES, TEXT)))
