"""`--input`: bars of other markets, put beside those of `--data` for the models that read them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agent.cli.options import load_bars
from agent.cli.progress import warn
from agent.errors import UsageError
from agent.files import named

if TYPE_CHECKING:
    from agent.market.bars import Bars

__all__ = ["InputOption", "markets_of", "require_live", "with_given"]

InputOption = Annotated[
    list[str] | None,
    typer.Option(
        "--input",
        metavar="NAME=FILE",
        help="Price file of another market, which the model reads as NAME; can be repeated.",
        show_default=False,
    ),
]


def with_given(
    bars: Bars, given: Sequence[str] | None, models: Sequence[str], *, seed: int, trusted: Sequence[str] = ()
) -> Bars:
    """Return bars with those of the files that `--input` names beside them.

    Raises
    ------
    UsageError
        Where an option names no file, the same name twice, or one that no model reads.
    DataError
        Where a file cannot be read safely, or does not hold the market that the model asks for.
    ModelError
        Where a model is none, or a file holds nothing of the same time.
    """
    if not given:
        return bars
    from agent.model.inputs import with_inputs

    asked = markets_of(models, seed=seed, trusted=trusted)
    files = dict(_parsed(each) for each in given)
    if len(files) < len(given):
        raise UsageError("--input gives one name twice.", cure="Give each input one file.")
    for name in files:
        if name not in asked:
            reads = ", ".join(f"{known} ({market})" for known, market in asked.items())
            raise UsageError(
                f"--input {name}: {' and '.join(models)} read{'s' if len(models) == 1 else ''} no input of that name.",
                cure=f"There is {reads}." if reads else "Leave it out.",
            )
    others = {}
    for name, file in files.items():
        loaded = load_bars(file, market=asked[name])
        warn(loaded)
        others[name] = loaded.bars
    return with_inputs(bars, others)


def markets_of(models: Sequence[str], *, seed: int, trusted: Sequence[str] = ()) -> dict[str, str]:
    """Return the other markets that models read, by the name they are read under.

    Raises
    ------
    UsageError
        Where two models read two markets under one name.
    """
    from agent.evaluation.contenders import contender_of

    found: dict[str, str] = {}
    for model in models:
        for name, market in contender_of(model, trusted=trusted).reading(seed=seed).markets:
            if found.setdefault(name, market) != market:
                raise UsageError(
                    f"two models read two markets as {name!r}: {found[name]} and {market}.",
                    cure="Try them one after the other.",
                )
    return found


def require_live(model: str, *, seed: int, trusted: Sequence[str] = ()) -> None:
    """Refuse a model that reads what nothing streams.

    Raises
    ------
    UsageError
        Naming the input.
    """
    for name, market in markets_of([model], seed=seed, trusted=trusted).items():
        raise UsageError(
            f"{model} reads the input {name!r}, bars of {market}, which have no live source: a chain streams one market.",
            cure="Try it with patternsettle demo --data FILE --input NAME=FILE, or run a model that reads one market.",
        )


def _parsed(given: str) -> tuple[str, Path]:
    name, equals, file = given.partition("=")
    if not (name and equals and file):
        raise UsageError(
            f"--input {given} names no file.", cure="Write it as NAME=FILE, for example --input btc=btc.csv."
        )
    return name, named(file)
