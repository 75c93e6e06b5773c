"""Authority on which contracts a test knows: what lies at which address, and what their errors, events and calls mean."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from eth_utils import to_checksum_address

from agent.chain.artifact import Artifact, artifact, artifact_names
from agent.chain.decode import Decoder
from agent.chain.events import Event
from agent.errors import Reverted
from agent.testing.events import Emitted

Abi = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Placed:
    """A contract at an address.

    Attributes
    ----------
    artifact
        What it was compiled to.
    event
        Reads its logs.
    functions
        Its functions' names by selector.
    """

    artifact: Artifact
    event: Callable[[Mapping[str, Any]], Event | None]
    functions: Mapping[bytes, str] = field(repr=False)


class Known:
    """The contracts of a chain, as far as a test has told.

    A log is read by the ABI of the contract that wrote it. Where that one is not known (a contract made it, say),
    the ABI of any contract deployed will do, then the package's own, then those of all that the sources define.

    Parameters
    ----------
    further
        ABIs to be tried last; asked for only when all others have failed.
    """

    def __init__(self, further: Callable[[], Iterable[Abi]] = tuple) -> None:
        packaged = tuple(map(artifact, artifact_names()))
        self._ours = Decoder(each.abi for each in packaged)
        self._further = further
        self._artifacts = {f"{each.source}:{each.name}": each for each in packaged}
        self._decoders: dict[str, Decoder] = {}
        self._placed: dict[str, Placed] = {}

    # ---- what lies where

    def place(self, address: str, compiled: Artifact, *, ours: bool = False) -> None:
        """Learn that a contract lies at an address; `ours` reads its events as the package's own types."""
        decoder = self._decoder(compiled)
        self._placed[to_checksum_address(address)] = Placed(
            compiled,
            self._ours.event if ours else lambda log: _emitted(decoder, log),
            {bytes.fromhex(each): name for name, each in compiled.method_identifiers.items()},
        )

    def at(self, address: str) -> Placed | None:
        """The contract at an address."""
        return self._placed.get(to_checksum_address(address))

    def learn(self, compiled: Artifact) -> None:
        """Learn a contract's errors and events."""
        self._decoder(compiled)

    def remember(self) -> Mapping[str, Placed]:
        """What lies where, to be given to `restore` when the chain goes back."""
        return dict(self._placed)

    def restore(self, placed: Mapping[str, Placed]) -> None:
        """Forget what was placed since."""
        self._placed = dict(placed)

    def called(self, address: str | None, data: bytes) -> str | None:
        """Contract and function of a call, ``Token.transfer(address,uint256)``; None where not known."""
        placed = self.at(address) if address else None
        if placed is None:
            return None
        selector = bytes(data[:4])
        return (
            f"{placed.artifact.name}.{placed.functions.get(selector, 'receive()' if not data else 'fallback()')}"
        )

    def created(self, code: bytes) -> str | None:
        """The creation of a contract, ``Token.constructor``, by the code sent; None where not known."""
        known = (each for each in self._artifacts.values() if each.bytecode and code.startswith(each.bytecode))
        return next((f"{each.name}.constructor" for each in known), None)

    # ---- what chains answer

    def error(self, data: bytes) -> Reverted:
        """Return what revert data says, in the names of whichever contract has such an error."""
        error = self._ours.error(data)
        if error.name != "Unknown":
            return error
        for decoder in chain(self._decoders.values(), self._others()):
            if (error := decoder.error(data)).name != "Unknown":
                break
        return error

    def event(self, log: Mapping[str, Any]) -> Event:
        """Return a log as an event; one that nobody knows is named ``?``."""
        placed = self.at(log["address"])
        if placed and (event := placed.event(log)):
            return event
        for decoder in self._decoders.values():
            if event := _emitted(decoder, log):
                return event
        if event := self._ours.event(log):
            return event
        for decoder in self._others():
            if event := _emitted(decoder, log):
                return event
        return Emitted("?", (("topics", tuple(log["topics"])), ("data", log["data"])))

    def _decoder(self, compiled: Artifact) -> Decoder:
        key = f"{compiled.source}:{compiled.name}"
        if key not in self._decoders:
            self._artifacts[key], self._decoders[key] = compiled, Decoder([compiled.abi])
        return self._decoders[key]

    def _others(self) -> Iterator[Decoder]:
        return (Decoder([abi]) for abi in self._further())


def _emitted(decoder: Decoder, log: Mapping[str, Any]) -> Emitted | None:
    named = decoder.named(log)
    return None if named is None else Emitted(named[0], tuple(named[1].items()))
