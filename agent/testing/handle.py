"""Authority on contracts as tests use them: functions, overloads and events as attributes, by the contract's own names."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import Any

from eth_abi.exceptions import DecodingError

from agent.chain.answers import Receipt
from agent.chain.artifact import Artifact
from agent.errors import ChainError, UsageError
from agent.testing import abi
from agent.testing.accounts import Account
from agent.testing.chain import DevChain
from agent.testing.events import EventType

Entry = Mapping[str, Any]


class Handle:
    """A contract on a chain; its functions and events are attributes.

    >>> token = deploy("Token", "Name", 18)
    >>> token.transfer(bob, 5, sender=alice).events == [token.Transfer(alice, bob, 5)]
    >>> token.balanceOf(bob)
    5
    >>> token["mint(address,uint256)"](bob, 5)

    It stands wherever an address does, and equals its address.

    Attributes
    ----------
    address
        Where it is, checksummed.
    """

    address: str

    def __init__(self, chain: DevChain, address: str, compiled: Artifact) -> None:
        self.address = address
        self._chain = chain
        self._artifact = compiled
        self._entries = [entry for entry in compiled.abi if entry["type"] in ("function", "event")]

    def __getattr__(self, name: str) -> Any:
        __tracebackhide__ = True
        entries = self.__dict__.get("_entries")
        if entries is None or name.startswith("__"):
            raise AttributeError(name)
        found = [entry for entry in entries if entry["name"] == name]
        if not found:
            near = difflib.get_close_matches(name, dir(self), n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise AttributeError(f"{self._artifact.name} has no function or event {name}{hint}")
        functions = [entry for entry in found if entry["type"] == "function"]
        return Function(self, functions) if functions else _event(found, name)

    def __getitem__(self, signature: str) -> Any:
        """A function or event by its whole signature, ``mint(address,uint256)``: for overloads, and odd names."""
        wanted = signature.replace(" ", "")
        for entry in self._entries:
            if abi.signature(entry) == wanted:
                return Function(self, [entry]) if entry["type"] == "function" else EventType(entry)
        alike = [entry for entry in self._entries if entry["name"] == wanted.partition("(")[0]]
        raise UsageError(
            f"{self._artifact.name} has no {wanted}.",
            cure=f"It has {', '.join(map(abi.signature, alike or self._entries))}.",
        )

    def __dir__(self) -> list[str]:
        return sorted({"address", *(entry["name"] for entry in self._entries)})

    def __eq__(self, other: object) -> bool:
        if isinstance(other, (Handle, str)):
            return self.address == getattr(other, "address", other)
        return NotImplemented

    def __hash__(self) -> int:
        return hash(self.address)

    def __repr__(self) -> str:
        return f"<{self._artifact.name} {self.address}>"


def _event(entries: Sequence[Entry], name: str) -> EventType:
    if len(entries) > 1:
        raise AttributeError(
            f"there are several events {name}: take one of {', '.join(map(abi.signature, entries))} by contract[...]"
        )
    return EventType(entries[0])


class Function:
    """A function of a contract, bound to it. Called, a view answers and any other sends a transaction."""

    def __init__(self, contract: Handle, entries: Sequence[Entry]) -> None:
        self._contract = contract
        self._entries = entries

    def __call__(
        self,
        *arguments: Any,
        sender: Account | None = None,
        value: int = 0,
        gas: int | None = None,
        block: int | str = "latest",
    ) -> Any:
        """Call the function.

        Parameters
        ----------
        arguments
            Accounts and contracts stand for their addresses; structs are tuples, dicts or dataclasses.
        sender
            Who calls; the chain's `sender` unless given.
        value
            Wei to hand over.
        gas
            Gas limit of a transaction.
        block
            The block after which a view is asked.

        Returns
        -------
        Any
            Of a view, what it returns: one value as it is, several as a named tuple. Of any other, the receipt.

        Raises
        ------
        UsageError
            If the arguments do not fit, before anything is sent.
        Reverted, OutOfGas, ChainError
            If the contract refuses.
        """
        entry, data = self._encoded(arguments)
        if entry["stateMutability"] in ("view", "pure"):
            return self._ask(entry, data, sender, value, block)
        return self._send(data, sender, value, gas)

    def call(
        self, *arguments: Any, sender: Account | None = None, value: int = 0, block: int | str = "latest"
    ) -> Any:
        """Return what the function would return, without a transaction."""
        entry, data = self._encoded(arguments)
        return self._ask(entry, data, sender, value, block)

    def transact(
        self, *arguments: Any, sender: Account | None = None, value: int = 0, gas: int | None = None
    ) -> Receipt:
        """Send a transaction, even to a view."""
        return self._send(self._encoded(arguments)[1], sender, value, gas)

    def encode(self, *arguments: Any) -> bytes:
        """Return the call data."""
        return self._encoded(arguments)[1]

    def _ask(self, entry: Entry, data: bytes, sender: Account | None, value: int, block: int | str) -> Any:
        chain, to = self._contract._chain, self._contract.address
        asked = hex(block) if isinstance(block, int) else block
        answer = chain.call(to, data, sender=str(sender or chain.sender), value=value, block=asked)
        try:
            return abi.decoded(entry, answer)
        except DecodingError:
            raise ChainError(
                f"{self._contract!r} answered {abi.signature(entry)} with {'0x' + answer.hex() if answer else 'nothing'}.",
                cure="Is that contract there? What a snapshot undid is gone." if not answer else "",
            ) from None

    def _send(self, data: bytes, sender: Account | None, value: int, gas: int | None) -> Receipt:
        chain, to = self._contract._chain, self._contract.address
        if chain.known.at(to) is None:
            raise ChainError(
                f"{self._contract!r} is not on the chain.", cure="What a snapshot undid is gone: deploy it again."
            )
        return chain.send(sender or chain.sender, to, data, value=value, gas=gas)

    def _encoded(self, arguments: Sequence[Any]) -> tuple[Entry, bytes]:
        """The overload meant, and its call data."""
        entries = [entry for entry in self._entries if len(entry["inputs"]) == len(arguments)]
        entries = entries or list(self._entries)
        fitting: list[tuple[Entry, bytes]] = []
        for entry in entries:
            try:
                fitting.append((entry, abi.encoded(entry, arguments)))
            except UsageError:
                if len(entries) == 1:
                    raise
        if len(fitting) != 1:
            known = ", ".join(map(abi.described, self._entries))
            if not fitting:
                raise UsageError(f"None of {known} takes the arguments {arguments!r}.")
            raise UsageError(
                f"Several of {known} take the arguments {arguments!r}.",
                cure=f"Name one by its signature: contract[{abi.signature(fitting[0][0])!r}](...).",
            )
        entry, body = fitting[0]
        selector = bytes.fromhex(self._contract._artifact.method_identifiers[abi.signature(entry)])
        return entry, selector + body

    def __repr__(self) -> str:
        return f"<{self._contract._artifact.name}.{' or '.join(map(abi.described, self._entries))}>"
