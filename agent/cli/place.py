"""The places that a person types, judged before any command sees them: ``~`` is their home, and an address is no file."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial, wraps
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_args, get_origin, get_type_hints

from agent.files import named

__all__ = ["places_judged"]

C = TypeVar("C", bound=Callable[..., Any])

_JOURNAL = "PLACE"
_MAY_BE_PLACES = ("MODEL", "[MODEL]...", _JOURNAL)
"""What text is called on the command line that may be the name of a file, or of something else."""


def places_judged(command: C) -> C:
    """Return a command whose places are judged, wherever one of its options or arguments takes one.

    Raises
    ------
    UsageError
        When it is called, with a name that no file can have.
    """
    judges = {
        name: judge
        for name, hint in get_type_hints(command, include_extras=True).items()
        if (judge := _judge_of(hint)) is not None
    }

    @wraps(command)
    def judged(*given: Any, **options: Any) -> Any:
        bound = inspect.signature(command).bind(*given, **options)
        for name, value in bound.arguments.items():
            if name in judges and value is not None:
                bound.arguments[name] = judges[name](value)
        return command(*bound.args, **bound.kwargs)

    return judged  # type: ignore[return-value]


def _judge_of(hint: Any) -> Callable[[Any], Any] | None:
    if get_origin(hint) is not Annotated:
        return None
    kind, *about = get_args(hint)
    kinds = {kind, *get_args(kind)}
    if Path in kinds:
        return named
    if list[Path] in kinds:
        return lambda values: [named(value) for value in values]
    called = {getattr(each, "metavar", None) for each in about}
    if called.isdisjoint(_MAY_BE_PLACES):
        return None
    text = partial(_text, databases=_JOURNAL in called)
    return lambda value: [text(each) for each in value] if isinstance(value, list) else text(value)


def _text(value: str, *, databases: bool) -> str:
    """Return text that may name a file, with ``~`` for a home; what else it may mean is for the command to say."""
    path = named(value, addresses=databases and "://" in value)
    return str(path) if value.startswith("~") else value  # a name and a path to what is called so are not the same
