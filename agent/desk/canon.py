"""The authority for canonical JSON: how every value of a journal entry is checked, written and read.

Canonical JSON has its keys sorted, no spaces and no other freedom, so that equal values are equal bytes. Times are
ISO 8601 in UTC; small whole numbers (bps, nonces, blocks, gas) are numbers; what may exceed 2**53 - 1, and every
integer inside an event, is a decimal string; hashes and ids are ``0x`` and hexadecimal digits.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum, StrEnum
from functools import cache
from numbers import Integral
from operator import index
from os import PathLike
from types import NoneType
from typing import Annotated, Any, NamedTuple, get_args, get_type_hints

LARGEST_SAFE = 2**53 - 1  # beyond it, a reader of JSON that keeps numbers as doubles would round
_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def canonical(value: Any) -> str:
    """Return plain JSON data as canonical JSON: sorted keys, no spaces, encodable as UTF-8, no NaN."""
    text = _ENCODER.encode(value)
    # A lone surrogate (from a file name that is no UTF-8) has no UTF-8; its JSON escape says the same.
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode("utf-8")


def iso(time: int | datetime) -> str:
    """Return unix seconds, or an aware time to the microsecond, as ISO 8601 in UTC with a ``Z``."""
    if isinstance(time, datetime):
        return time.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    return datetime.fromtimestamp(time, UTC).isoformat().replace("+00:00", "Z")


def plain(value: Any, *, exact: bool = False) -> Any:
    """Return any value of this project as plain JSON data.

    Dataclasses become objects, bytes ``0x...``, members of an enum their name in words (``low confidence``), times
    ISO 8601, decimals strings, integers beyond 2**53 - 1 decimal strings.

    Parameters
    ----------
    value
        The value; mappings need text for keys.
    exact
        True writes every integer as a decimal string and refuses floats: for what may be money.

    Raises
    ------
    TypeError
        For a value that has no JSON form here, a float where money may be, or one that is not finite.
    """
    match value:
        case None | bool():
            return value
        case str() | Enum():
            return _text(value)
        case Integral():
            number = int(value)
            return str(number) if exact or abs(number) > LARGEST_SAFE else number
        case float() if not exact and math.isfinite(value):
            return float(value)
        case Decimal():
            return str(value)
        case bytes():
            return "0x" + bytes(value).hex()
        case datetime():
            return iso(value)
        case PathLike():
            return str(value)
        case Mapping():
            return {_text(key): plain(inner, exact=exact) for key, inner in value.items()}
        case Sequence():
            return [plain(inner, exact=exact) for inner in value]
    if is_dataclass(value) and not isinstance(value, type):
        return {part.name: plain(getattr(value, part.name), exact=exact) for part in fields(value)}
    raise TypeError(f"{value!r} of type {type(value).__name__} cannot be written to the journal")


class Form(NamedTuple):
    """How one field is checked when an entry is made, written to JSON and read from it."""

    check: Callable[[Any], Any]
    write: Callable[[Any], Any] = lambda value: value
    read: Callable[[Any], Any] = lambda value: value


def _text(value: Any) -> str:
    match value:
        case StrEnum():
            return value.value
        case Enum():
            return value.name.lower().replace("_", " ")
        case str():
            return str(value)
    raise TypeError(f"expected text, not {value!r}")


def _hexadecimal(value: Any) -> str:
    return "0x" + bytes(value).hex() if isinstance(value, bytes) else _text(value)


def _whole(value: Any) -> int:
    number = int(index(value))
    if not 0 <= number <= LARGEST_SAFE:
        raise ValueError(f"{number} is not within 0 and 2**53 - 1")
    return number


def _bps(value: Any) -> int:
    number = int(index(value))
    if not 0 <= number <= 10_000:
        raise ValueError(f"{number} is not within 0 and 10000 bps")
    return number


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError(f"expected True or False, not {value!r}")
    return value


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise TypeError(f"expected a mapping of names to values, not {value!r}")
    return plain(value)


def _events(values: Any) -> tuple[dict[str, Any], ...]:
    return tuple(
        plain(value, exact=True)
        if isinstance(value, Mapping)
        else {"event": type(value).__name__} | plain(value, exact=True)
        for value in values
    )


def _seconds(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp())


def _each(check: Callable[[Any], str]) -> Form:
    """Return the form of a list of such texts; a single text is not taken for a list of letters."""

    def checked(values: Any) -> tuple[str, ...]:
        if isinstance(values, str | bytes):
            raise TypeError(f"expected a list, not {values!r}")
        return tuple(map(check, values))

    return Form(checked, list, tuple)


def _shares(value: Any) -> dict[str, int]:
    return {_text(name): _bps(share) for name, share in value.items()}


# What a field of an entry may be: a type, and the form it takes.
Text = Annotated[str, Form(_text)]
Hex = Annotated[str, Form(_hexadecimal)]
Whole = Annotated[int, Form(_whole)]
Bps = Annotated[int, Form(_bps)]
Flag = Annotated[bool, Form(_flag)]
Time = Annotated[int, Form(_whole, iso, _seconds)]
Object = Annotated[dict[str, Any], Form(_object)]
BpsByName = Annotated[dict[str, int], Form(_shares)]
Texts = Annotated[tuple[str, ...], _each(_text)]
Hexes = Annotated[tuple[str, ...], _each(_hexadecimal)]
Events = Annotated[tuple[dict[str, Any], ...], Form(_events, list, tuple)]


@cache
def forms(cls: type) -> dict[str, Form]:
    """Return the form of each field of a dataclass, by the field's name and in its order."""
    return {name: _form(hint) for name, hint in get_type_hints(cls, include_extras=True).items() if _form(hint)}


def _form(hint: Any) -> Form | None:
    parts = get_args(hint)
    if NoneType in parts:
        inner = _form(parts[0])
        return Form(*(lambda value, do=do: None if value is None else do(value) for do in inner))
    return next((part for part in parts if isinstance(part, Form)), None)
