"""Authority on what a settlement asks and cannot know itself, in the model: prices, signatures, and who vouches."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol

from eth_abi import encode
from eth_utils import keccak

from agent.chain.values import Mandate, Permit, Signal
from agent.desk.signing import sign_mandate, sign_permit, sign_signal
from agent.testing.accounts import Account

from .answers import ZERO, Answer, Refusal

YES = (1).to_bytes(32)
CURVE_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


@dataclass
class Oracle:
    """An oracle that says `price` and `updated_at`, or a dead one, which says nothing.

    Attributes
    ----------
    burns
        Whether it takes all the gas there is before it says nothing.
    """

    price: int
    updated_at: int
    dead: bool = False
    burns: bool = False


class Notary:
    """Makes all signatures and remembers what each says; whatever else looks like one was signed by nobody.

    So what a signature is worth is known without recovering anything from it. A signature says *what* it is of, with all
    that binds it, by name.
    """

    def __init__(self) -> None:
        self._made: dict[bytes, tuple[str, dict[str, Any]]] = {}

    def of_signal(self, key: Account, **what: Any) -> bytes:
        """Sign a signal; arguments as of `sign_signal`."""
        return self._note(key, sign_signal(key, **what), what)

    def of_mandate(self, key: Account, **what: Any) -> bytes:
        """Sign a mandate; arguments as of `sign_mandate`."""
        return self._note(key, sign_mandate(key, **what), what)

    def of_permit(self, key: Account, **what: Any) -> Permit:
        """Sign a permit; arguments as of `sign_permit`."""
        permit = sign_permit(key, **what)
        self._note(key, joined(permit), what)
        return permit

    def knows(self, signature: bytes, signer: str, **what: Any) -> bool:
        """Whether the signer said exactly this."""
        return self._made.get(signature) == (signer, what)

    def _note(self, key: Account, signature: bytes, what: dict[str, Any]) -> bytes:
        self._made[signature] = (key.address, what)
        return signature


def joined(permit: Permit) -> bytes:
    """A permit's signature in one piece."""
    return permit.r + permit.s + bytes([permit.v])


def malleated(signature: bytes) -> bytes:
    """The other signature of the same key over the same message, which every curve point has."""
    r, s, v = signature[:32], int.from_bytes(signature[32:64]), signature[64]
    return r + (CURVE_ORDER - s).to_bytes(32) + bytes([55 - v])


class Source(Protocol):
    """Whoever may vouch for signals.

    Attributes
    ----------
    fails
        Whether it answers nothing at all: a call of it is reverted.
    """

    @property
    def fails(self) -> bool: ...

    def vouches(self, settlement: str, signal: Signal, evidence: bytes) -> bool:
        """What it says to a settlement contract that asks."""
        ...


@dataclass
class PuppetSource:
    """A source that answers the same to everybody who asks once in a call; nothing where it is mute."""

    answer: bytes = b""
    mute: bool = False

    @property
    def fails(self) -> bool:
        return self.mute

    def vouches(self, settlement: str, signal: Signal, evidence: bytes) -> bool:
        return not self.mute and self.answer == YES


@dataclass
class Registry:
    """`AttestedModels`: models, their keys, and who may revoke them."""

    address: str
    chain_id: int
    notary: Notary
    keys: dict[bytes, str] = field(default_factory=dict)
    publishers: dict[bytes, str] = field(default_factory=dict)
    revoked: set[bytes] = field(default_factory=set)

    @property
    def fails(self) -> bool:
        return False

    def model_of(self, model: bytes) -> tuple[str, str, bool]:
        """Key, publisher and whether it was revoked; zeros for a model that nobody registered."""
        return self.keys.get(model, ZERO), self.publishers.get(model, ZERO), model in self.revoked

    def register(self, caller: str, artifact: bytes, key: str) -> Answer:
        if key == ZERO:
            raise Refusal("ZeroKey")
        model = keccak(encode(["address", "address", "bytes32"], [caller, key, artifact]))
        if model in self.publishers:
            raise Refusal("ModelExists", model=model)
        self.keys[model], self.publishers[model] = key, caller
        return Answer((model,))

    def revoke(self, caller: str, model: bytes) -> Answer:
        if self.publishers.get(model) != caller:
            raise Refusal("NotPublisher", model=model, caller=caller)
        self.revoked.add(model)
        return Answer()

    def vouches(self, settlement: str, signal: Signal, evidence: bytes) -> bool:
        key = self.keys.get(signal.model)
        where = {"registry": self.address, "chain_id": self.chain_id, "settlement": settlement}
        return (
            key is not None
            and signal.model not in self.revoked
            and self.notary.knows(evidence, key, signal=signal, **where)
        )


@dataclass
class Signers:
    """Whose signature is whose: an account signs for itself, a contract accepts one key's (ERC-1271) or none.

    Attributes
    ----------
    keys
        Of the contracts that accept a signature, the account that signs for them.
    silent
        The contracts that accept none.
    """

    chain_id: int
    notary: Notary
    keys: dict[str, str]
    silent: frozenset[str]

    def signed(self, settlement: str, mandate: Mandate, signature: bytes) -> bool:
        """Whether a mandate's owner signed it, for one settlement contract on this chain."""
        signer = self.keys.get(mandate.owner, mandate.owner)
        where = {"chain_id": self.chain_id, "settlement": settlement}
        return signer not in self.silent and self.notary.knows(signature, signer, mandate=mandate, **where)
