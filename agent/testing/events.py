"""Authority on what a contract of a test logged: an event by name and arguments, compared whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from eth_utils import keccak

from agent.chain.decode import is_hashed
from agent.chain.events import Event
from agent.errors import UsageError
from agent.testing.abi import canonical, described


@dataclass(frozen=True, repr=False, eq=False)
class Emitted(Event):
    """An event; equal to another of the same name and the same values.

    Attributes
    ----------
    name
        The event's name.
    args
        Names and values of its arguments, in order; each is also an attribute: ``event.amount``.
    """

    name: str
    args: tuple[tuple[str, Any], ...]

    @property
    def values(self) -> tuple[Any, ...]:
        """The values alone, in order."""
        return tuple(value for _, value in self.args)

    def __getattr__(self, name: str) -> Any:
        for key, value in object.__getattribute__(self, "args"):
            if key == name.removesuffix("_") or key == name:
                return value
        raise AttributeError(f"{self!r} has no argument {name!r}")

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Emitted):
            return NotImplemented
        return (self.name, self.values) == (other.name, other.values)

    def __hash__(self) -> int:
        return hash((self.name, self.values))

    def __repr__(self) -> str:
        return f"{self.name}({', '.join(f'{key}={_shown(value)}' for key, value in self.args)})"


def _shown(value: Any) -> str:
    return "0x" + value.hex() if isinstance(value, bytes) else repr(value)


class EventType:
    """An event of a contract's interface: called, it makes what a receipt would hold.

    >>> receipt.events == [token.Transfer(alice, bob, 5)]
    """

    def __init__(self, entry: Mapping[str, Any]) -> None:
        self._entry = entry

    def __call__(self, *arguments: Any, **named: Any) -> Emitted:
        """Make the event; arguments by place or by name (of a name that Python reserves, with a ``_`` behind it).

        Raises
        ------
        UsageError
            If an argument is missing, or one is given that the event does not have.
        """
        inputs = self._entry["inputs"]
        names = [item["name"] or f"_{place}" for place, item in enumerate(inputs)]
        given = dict(zip(names, arguments, strict=False))
        for key, value in named.items():
            name = key if key in names else key.removesuffix("_")
            if name not in names or name in given:
                raise UsageError(f"{described(self._entry)} has no argument {key!r}, or it was given twice.")
            given[name] = value
        if len(arguments) > len(names) or len(given) < len(names):
            raise UsageError(f"{described(self._entry)} has {len(names)} arguments: an event is compared whole.")
        args = ((name, _logged(item, given[name])) for name, item in zip(names, inputs, strict=True))
        return Emitted(self._entry["name"], tuple(args))

    def __repr__(self) -> str:
        return f"<event {described(self._entry)}>"


def _logged(item: Mapping[str, Any], value: Any) -> Any:
    """The form in which a log holds an argument: of what is indexed and longer than a word, its hash."""
    value = canonical(item, value, of="an event")
    if item["indexed"] and is_hashed(item):
        if item["type"] == "string" and isinstance(value, str):
            return keccak(text=value)
        if item["type"] == "bytes" and isinstance(value, bytes):
            return keccak(value)
    return value
