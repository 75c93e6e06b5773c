"""Authority on how a test's values become a contract's, and back: accounts, structs, arrays, names."""

from __future__ import annotations

import re
from collections import namedtuple
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import cache
from typing import Any

from eth_abi import decode, encode
from eth_abi.exceptions import DecodingError, EncodingError
from eth_utils import is_address, to_checksum_address
from eth_utils.abi import collapse_if_tuple

from agent.chain.values import Struct
from agent.errors import UsageError

Item = Mapping[str, Any]
"""A parameter, as an ABI describes it: ``name``, ``type``, and ``components`` of a struct."""


def signature(entry: Mapping[str, Any]) -> str:
    """Name and types of a function, event or error: ``transfer(address,uint256)``."""
    return f"{entry['name']}({','.join(map(collapse_if_tuple, entry['inputs']))})"


def described(entry: Mapping[str, Any]) -> str:
    """Like `signature`, with the names of the parameters, for people."""
    return f"{entry.get('name', 'constructor')}({', '.join(_shown(item) for item in entry['inputs'])})"


def _shown(item: Item) -> str:
    kind = str(item.get("internalType", item["type"]))
    kind = re.sub(r"^(contract|struct|enum) ", "", kind)
    return f"{kind} {item['name']}".strip()


# ---- in


def whole(value: Any, what: str, *, below: int = 1 << 256) -> int:
    """Return a number that a chain can hold: an integer, from 0 on.

    Raises
    ------
    UsageError
        If it is anything else.
    """
    if isinstance(value, bool) or not isinstance(value, int):
        raise UsageError(f"{what} is {value!r}.", cure="Give a whole number, as an int.")
    if not 0 <= value < below:
        raise UsageError(f"{what} is {value}.", cure=f"Give a whole number from 0 to {below - 1}.")
    return value


def encoded(entry: Mapping[str, Any], arguments: Sequence[Any]) -> bytes:
    """Encode the arguments of a function or constructor.

    Raises
    ------
    UsageError
        If there are too few or too many, or one is not of its parameter's type.
    """
    inputs = entry["inputs"]
    if len(arguments) != len(inputs):
        count = f"{len(inputs)} argument{'s' * (len(inputs) != 1)}"
        raise UsageError(f"{described(entry)} takes {count}, not {len(arguments)}.")
    values = [canonical(item, value, of=described(entry)) for item, value in zip(inputs, arguments, strict=True)]
    for item, value in zip(inputs, values, strict=True):
        try:
            encode([collapse_if_tuple(item)], [value])
        except (EncodingError, OverflowError, TypeError, ValueError) as error:
            raise UsageError(f"{value!r} is no {_shown(item)} of {described(entry)}: {error}") from None
    return encode([collapse_if_tuple(item) for item in inputs], values)


def canonical(item: Item, value: Any, *, of: str) -> Any:
    """Return a value in the one form that an ABI type has here; whatever cannot be meant is left as it is.

    Addresses are checksummed strings, bytes are bytes, arrays and structs are tuples.
    """
    kind = str(item["type"])
    if kind.endswith("]"):
        inner = {**item, "type": kind[: kind.rindex("[")]}
        if not isinstance(value, Iterable) or isinstance(value, (str, bytes, Mapping)):
            return value
        return tuple(canonical(inner, each, of=of) for each in value)
    if kind == "tuple":
        parts = item["components"]
        values = _members(item, value, of=of)
        return tuple(canonical(part, each, of=of) for part, each in zip(parts, values, strict=True))
    if kind == "address":
        value = getattr(value, "address", value)
        return to_checksum_address(value) if is_address(value) else value
    if kind.startswith("bytes"):
        return _bytes(kind, value)
    return value.value if isinstance(value, Enum) else value


def _bytes(kind: str, value: Any) -> Any:
    if isinstance(value, str) and re.fullmatch(r"0x(?:[0-9a-fA-F]{2})*", value):
        value = bytes.fromhex(value[2:])
    if kind != "bytes" and isinstance(value, (bytes, bytearray)):
        return bytes(value).ljust(int(kind.removeprefix("bytes")), b"\0")
    return value


def _members(item: Item, value: Any, *, of: str) -> Sequence[Any]:
    """A struct's members in order, from a tuple, a dict, or a dataclass."""
    names = [part["name"] for part in item["components"]]
    if isinstance(value, Struct):
        value = value.abi()
    elif is_dataclass(value) and not isinstance(value, type):
        value = {_camel(field.name): getattr(value, field.name) for field in fields(value)}
    if isinstance(value, Mapping):
        if set(value) != set(names):
            raise UsageError(
                f"{_shown(item)} of {of} has the members {', '.join(names)}, not {', '.join(map(str, value))}."
            )
        return [value[name] for name in names]
    if not isinstance(value, Sequence) or isinstance(value, (str, bytes)) or len(value) != len(names):
        raise UsageError(f"{value!r} is no {_shown(item)} of {of}: its members are {', '.join(names)}.")
    return value


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(part.capitalize() for part in rest)


# ---- out


def decoded(entry: Mapping[str, Any], data: bytes) -> Any:
    """Return what a function returned: one value as it is, several as a named tuple, none as None.

    Raises
    ------
    DecodingError
        If the data are not what the ABI says.
    """
    outputs = entry["outputs"]
    values = decode([collapse_if_tuple(item) for item in outputs], data)
    found = [_plain(item, value) for item, value in zip(outputs, values, strict=True)]
    if len(found) < 2:
        return found[0] if found else None
    return _named(tuple(item["name"] for item in outputs))(*found)


def _plain(item: Item, value: Any) -> Any:
    kind = str(item["type"])
    if kind.endswith("]"):
        inner = {**item, "type": kind[: kind.rindex("[")]}
        return [_plain(inner, each) for each in value]
    if kind == "tuple":
        parts = item["components"]
        found = [_plain(part, each) for part, each in zip(parts, value, strict=True)]
        return _named(tuple(part["name"] for part in parts))(*found)
    return to_checksum_address(value) if kind == "address" else value


@cache
def _named(names: tuple[str, ...]) -> Any:
    return namedtuple("Values", names, rename=True)


def same(expected: Any, told: Any) -> bool:
    """Whether a value that a test states is the one that a contract gave: lists for tuples and hex for bytes will do."""
    if isinstance(expected, Struct):
        expected = expected.abi()
    if isinstance(expected, (list, tuple)) and isinstance(told, (list, tuple)):
        return len(expected) == len(told) and all(map(same, expected, told))
    if isinstance(told, bytes) and isinstance(expected, str):
        return _bytes("bytes", expected) == told
    return bool(expected == told)


__all__ = ["DecodingError", "canonical", "decoded", "described", "encoded", "same", "signature"]
