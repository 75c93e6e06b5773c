"""The one place that reads what a chain answers: revert data into errors, logs into events."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from eth_abi import decode
from eth_abi.exceptions import DecodingError
from eth_utils import keccak, to_checksum_address
from eth_utils.abi import collapse_if_tuple
from hexbytes import HexBytes

from agent.chain.events import Event, typed
from agent.errors import Reverted

# https://docs.soliditylang.org/en/latest/control-structures.html#panic-via-assert-and-error-via-require
PANICS = {
    0x01: "assertion failed",
    0x11: "arithmetic overflow or underflow",
    0x12: "division by zero",
    0x21: "value outside an enum",
    0x22: "damaged storage encoding",
    0x31: "pop from an empty array",
    0x32: "index out of bounds",
    0x41: "out of memory",
    0x51: "call to an uninitialised function",
}
_ERROR, _PANIC = keccak(text="Error(string)")[:4], keccak(text="Panic(uint256)")[:4]


@dataclass(frozen=True)
class _Shape:
    """Name and parameters of an event or error."""

    name: str
    inputs: tuple[Mapping[str, Any], ...]

    @property
    def signature(self) -> str:
        return f"{self.name}({','.join(collapse_if_tuple(item) for item in self.inputs)})"


class Decoder:
    """Knows the events and errors of a set of ABIs.

    Parameters
    ----------
    abis
        The ABIs of all contracts whose logs and reverts may be met. Entries that occur twice must be equal.
    """

    def __init__(self, abis: Iterable[Sequence[Mapping[str, Any]]]) -> None:
        self._events: dict[bytes, _Shape] = {}
        self._errors: dict[bytes, _Shape] = {}
        for entry in (entry for abi in abis for entry in abi):
            if entry["type"] not in ("event", "error"):
                continue
            shape = _Shape(entry["name"], tuple(entry["inputs"]))
            digest = keccak(text=shape.signature)
            if entry["type"] == "event":
                self._events[digest] = shape
            else:
                self._errors[digest[:4]] = shape

    def error(self, data: bytes) -> Reverted:
        """Return what revert data says, in the names of the contract."""
        selector, body = data[:4], data[4:]
        try:
            if selector == _ERROR:
                return Reverted("Error", {"message": decode(["string"], body)[0]}, data=data)
            if selector == _PANIC:
                code = decode(["uint256"], body)[0]
                return Reverted("Panic", {"code": code, "meaning": PANICS.get(code, "unknown")}, data=data)
            if shape := self._errors.get(selector):
                values = decode([collapse_if_tuple(item) for item in shape.inputs], body)
                return Reverted(shape.name, _named(shape.inputs, values), data=data)
        except DecodingError:
            return Reverted("Undecodable", {"data": "0x" + data.hex()}, data=data)
        return Reverted("Unknown" if data else "", {"data": "0x" + data.hex()} if data else None, data=data)

    def event(self, log: Mapping[str, Any]) -> Event | None:
        """Return a log as a typed event, or None where it is of a contract that is not known."""
        named = self.named(log)
        return None if named is None else typed(*named)

    def named(self, log: Mapping[str, Any]) -> tuple[str, dict[str, Any]] | None:
        """Return a log as its event's name and arguments; None as `event`.

        Of an indexed argument that is longer than a word, a log holds the hash alone, and so does the answer.
        """
        topics = [bytes(HexBytes(topic)) for topic in log["topics"]]
        shape = self._events.get(topics[0]) if topics else None
        if shape is None or len(topics) - 1 != sum(item["indexed"] for item in shape.inputs):
            return None
        plain = [item for item in shape.inputs if not item["indexed"]]
        values = iter(decode([collapse_if_tuple(item) for item in plain], bytes(HexBytes(log["data"]))))
        rest = iter(topics[1:])
        ordered = [_topic(item, next(rest)) if item["indexed"] else next(values) for item in shape.inputs]
        return shape.name, _named(shape.inputs, ordered)


def is_hashed(item: Mapping[str, Any]) -> bool:
    """Whether a log holds only the hash of such an argument, where it is indexed."""
    return item["type"] in ("string", "bytes") or item["type"].startswith("tuple") or item["type"].endswith("]")


def _topic(item: Mapping[str, Any], topic: bytes) -> Any:
    return topic if is_hashed(item) else decode([item["type"]], topic)[0]


def _named(inputs: Sequence[Mapping[str, Any]], values: Iterable[Any]) -> dict[str, Any]:
    """Values by the names of their parameters; one without a name goes by its place."""
    places = enumerate(zip(inputs, values, strict=True))
    return {item["name"] or f"_{place}": _plain(item, value) for place, (item, value) in places}


def _plain(item: Mapping[str, Any], value: Any) -> Any:
    """Give addresses the one spelling that the whole project uses: checksummed."""
    kind = item["type"]
    if item.get("indexed") and is_hashed(item):
        return value
    if kind.endswith("]"):
        inner = {**item, "type": kind[: kind.rindex("[")]}
        return tuple(_plain(inner, each) for each in value)
    if kind == "address":
        return to_checksum_address(value)
    if kind == "tuple":
        return tuple(_plain(part, each) for part, each in zip(item["components"], value, strict=True))
    return value
