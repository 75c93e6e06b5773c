"""What the contract logged, typed: one frozen dataclass an event, compared whole."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from agent.chain.values import Barrier, Mandate, Reason, Side, Signal, struct_from


@dataclass(frozen=True)
class Event:
    """Base of all typed events."""


@dataclass(frozen=True)
class Deposited(Event):
    """Tokens were credited to an account."""

    account: str
    token: str
    payer: str
    amount: int


@dataclass(frozen=True)
class Withdrawn(Event):
    """Tokens left an account's ledger balance."""

    account: str
    token: str
    receiver: str
    amount: int


@dataclass(frozen=True)
class Authorized(Event):
    """An account allowed an operator to use its balance as a filler, or no longer does."""

    account: str
    operator: str
    allowed: bool


@dataclass(frozen=True)
class MandateCreated(Event):
    """A mandate was created."""

    id: bytes
    owner: str
    mandate: Mandate


@dataclass(frozen=True)
class MandateCancelled(Event):
    """A mandate was cancelled."""

    id: bytes


@dataclass(frozen=True)
class Presented(Event):
    """A signal was presented; what follows in the same transaction is its outcome.

    The contract logs the signal's members one by one.
    """

    model: bytes
    market: bytes
    signal: Signal


@dataclass(frozen=True)
class Opened(Event):
    """A trade was opened; amounts seen from the owner, price scaled by 1e36."""

    id: bytes
    filler: str
    given: int
    taken: int
    price: int


@dataclass(frozen=True)
class Closed(Event):
    """A trade was closed; amounts seen from the owner, price scaled by 1e36."""

    id: bytes
    filler: str
    given: int
    taken: int
    price: int
    barrier: Barrier


@dataclass(frozen=True)
class Released(Event):
    """An owner ended its open trade; what the trade had taken is in its ledger balance."""

    id: bytes
    taken: int


@dataclass(frozen=True)
class Refused(Event):
    """A fill did not qualify."""

    id: bytes
    reason: Reason


@dataclass(frozen=True)
class Other(Event):
    """An event of a contract beside the settlement, by name and arguments."""

    name: str
    args: tuple[tuple[str, Any], ...]


TYPED: dict[str, type[Event]] = {
    cls.__name__: cls
    for cls in (
        Deposited,
        Withdrawn,
        Authorized,
        MandateCreated,
        MandateCancelled,
        Presented,
        Opened,
        Closed,
        Released,
        Refused,
    )
}


def typed(name: str, args: dict[str, Any]) -> Event:
    """Return the event of this name with its arguments in their own types."""
    cls = TYPED.get(name)
    if cls is None:
        return Other(name, tuple(args.items()))
    values = {key: _value(key, value) for key, value in args.items()}
    if cls is Presented:
        signal = Signal(*values.values())
        return Presented(signal.model, signal.market, signal)
    return cls(**values)


def _value(key: str, value: Any) -> Any:
    match key:
        case "mandate":
            return struct_from(Mandate, value)
        case "side":
            return Side(value)
        case "barrier":
            return Barrier(value)
        case "reason":
            return Reason(value)
        case _:
            return value
