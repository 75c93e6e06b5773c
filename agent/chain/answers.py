"""What passes between a chain and whoever talks to it: accounts it signs for, what it logs, and receipts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from agent.chain.events import Event
from agent.errors import Reverted


class Reader(Protocol):
    """What reads what a chain answers: a `Decoder`, or another that knows more contracts."""

    def error(self, data: bytes) -> Reverted:
        """Return what revert data says."""

    def event(self, log: Mapping[str, Any]) -> Event | None:
        """Return a log as an event, or None to leave it out."""


@dataclass(frozen=True)
class Unlocked:
    """An account for which the node accepts transactions that nobody signed: its own, or one it impersonates."""

    address: str


@dataclass(frozen=True)
class Log:
    """A typed event and where it stands."""

    address: str
    event: Event
    block: int
    transaction: str


@dataclass(frozen=True)
class Receipt:
    """A mined transaction that did not revert.

    Attributes
    ----------
    transaction
        Its hash, 0x and 64 hex digits.
    block
        Number of its block.
    gas_used
        Gas it used.
    logs
        What it logged, in order, as far as the contracts are known.
    contract
        Address of the contract it created, or None.
    """

    transaction: str
    block: int
    gas_used: int
    logs: tuple[Log, ...]
    contract: str | None

    @property
    def events(self) -> list[Event]:
        """The typed events alone, in order."""
        return [log.event for log in self.logs]
