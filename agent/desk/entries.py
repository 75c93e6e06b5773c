"""The authority for what the journal can say: one frozen value per kind of entry."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, ClassVar, Self

from agent.desk.canon import (
    Bps,
    BpsByName,
    Events,
    Flag,
    Form,
    Hex,
    Hexes,
    Object,
    Text,
    Texts,
    Time,
    Whole,
    canonical,
    forms,
)
from agent.desk.decision import Standing
from agent.errors import DeskError

__all__ = [
    "Action",
    "Decided",
    "DecidedBeside",
    "Entry",
    "Kind",
    "Outcome",
    "Phase",
    "Refusal",
    "RunEnded",
    "RunStarted",
    "Sent",
    "Swap",
    "decode",
]


class Kind(StrEnum):
    """The kinds of entries, as the journal stores them."""

    RUN_STARTED = "run_started"
    DECISION = "decision"
    DECISION_BESIDE = "decision_beside"
    SENT = "sent"
    OUTCOME = "outcome"
    REFUSAL = "refusal"
    SWAP = "swap"
    RUN_ENDED = "run_ended"


class Action(StrEnum):
    """What a decision is: a signal, or a hold."""

    SIGNAL = "signal"
    HOLD = "hold"


class Phase(StrEnum):
    """How far a request about the model of a running desk has come."""

    REQUESTED = "requested"
    REFUSED = "refused"
    CHECKED = "checked"
    REGISTERED = "registered"
    SHADOWED = "shadowed"
    SWITCHED = "switched"
    OFFERED = "offered"
    AGREED = "agreed"
    MOVED = "moved"
    RETURNED = "returned"
    REVOKED = "revoked"
    WITHDRAWN = "withdrawn"
    UNFINISHED = "unfinished"
    LAPSED = "lapsed"


@dataclass(frozen=True)
class Entry:
    """Base of all entries. Values are checked and brought to their one form when an entry is made."""

    kind: ClassVar[Kind]

    def __post_init__(self) -> None:
        for name, form in forms(type(self)).items():
            try:
                value = form.check(getattr(self, name))
            except (TypeError, ValueError) as error:
                raise type(error)(f"{type(self).__name__}.{name}: {error}") from error
            object.__setattr__(self, name, value)

    @property
    def urgent(self) -> bool:
        """True where something irrevocable may follow, so that the entry must be durable first."""
        return True

    def payload(self) -> str:
        """Return the entry as canonical JSON."""
        return canonical({name: form.write(getattr(self, name)) for name, form in forms(type(self)).items()})


@dataclass(frozen=True, kw_only=True)
class RunStarted(Entry):
    """A run of the desk began.

    Attributes
    ----------
    settings
        The run's options by name. Written as they are given: leave secrets out.
    model
        Id of the model, the hash of its artifact.
    patterns
        Names of the model's patterns, in the order of the bits of a mask.
    source, data_sha256, synthetic
        Where the bars come from, the hash of the file where there is one, and whether they were generated.
    chain_id, contract
        The chain, and the address of the settlement contract on it.
    """

    kind: ClassVar[Kind] = Kind.RUN_STARTED
    settings: Object
    model: Hex
    patterns: Texts = ()
    source: Text
    data_sha256: Hex | None = None
    synthetic: Flag
    chain_id: Whole
    contract: Hex


@dataclass(frozen=True, kw_only=True)
class Decided(Entry):
    """What the agent concluded at one bar: the record of a decision.

    Attributes
    ----------
    bar_time
        When the bar closed, unix seconds, UTC, in the time of the data.
    action, reason
        A signal, without a reason; or a hold, with the reason it is one.
    side, patterns, confidence_bps
        As far as the agent got: the side (``long``), the mask of the patterns found, the confidence in bps.
    probabilities_bps
        Calibrated probability of each class by its name, in bps; empty where the model was not asked.
    inputs
        Hash of the features the model read.
    threshold_bps
        The confidence a signal needs, in bps.
    """

    kind: ClassVar[Kind] = Kind.DECISION
    bar_time: Time
    action: Annotated[Action, Form(Action, read=Action)]
    reason: Text | None = None
    side: Text | None = None
    patterns: Whole = 0
    confidence_bps: Bps | None = None
    probabilities_bps: BpsByName = field(default_factory=dict)
    inputs: Hex | None = None
    threshold_bps: Bps

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.action is Action.HOLD and not self.reason:
            raise ValueError("a hold needs its reason")
        if self.action is Action.SIGNAL and (self.reason or None in (self.side, self.confidence_bps, self.inputs)):
            raise ValueError("a signal needs its side, confidence and inputs, and has no reason")

    @property
    def urgent(self) -> bool:
        """True for a signal: a transaction follows. Nothing follows a hold."""
        return self.action is Action.SIGNAL


@dataclass(frozen=True, kw_only=True)
class DecidedBeside(Decided):
    """What another model than the live one concluded at a bar; fields as in `Decided`, and these.

    Attributes
    ----------
    model
        The id under which that model is registered on chain.
    standing
        What it is to the run: ``kept`` on for owners who stayed with it, or a ``shadow`` that nobody follows.
    """

    kind: ClassVar[Kind] = Kind.DECISION_BESIDE
    model: Hex
    standing: Annotated[Standing, Form(Standing, read=Standing)]

    @property
    def urgent(self) -> bool:
        """True where a transaction may follow."""
        return self.action is Action.SIGNAL and self.standing is not Standing.SHADOW

    @classmethod
    def of(cls, said: Decided, *, model: bytes, standing: Standing) -> Self:
        """Return what a model concluded as the entry of one that is not live."""
        return cls(**{name: getattr(said, name) for name in forms(Decided)}, model=model, standing=standing)


@dataclass(frozen=True, kw_only=True)
class Sent(Entry):
    """A transaction is about to be sent. Written first, so it says *may have been sent*; its outcome says more.

    Attributes
    ----------
    purpose
        What it is for: ``open``, ``close``, ``deposit``, ...
    transaction
        Hash of the signed transaction.
    nonce
        Its sender's nonce.
    mandates
        Ids of the mandates it concerns.
    """

    kind: ClassVar[Kind] = Kind.SENT
    purpose: Text
    transaction: Hex
    nonce: Whole
    mandates: Hexes = ()


@dataclass(frozen=True, kw_only=True)
class Outcome(Entry):
    """What became of a transaction. The chain can tell it again, so it may wait for the next commit.

    Attributes
    ----------
    transaction
        Hash of the transaction.
    status
        1 where it succeeded, 0 where it reverted.
    block, gas_used
        Number of its block, and the gas it used.
    events
        The decoded events as plain JSON, each with its name under ``event``; typed events may be given as they are.
    revert
        The contract's name for the refusal, where it reverted.
    """

    kind: ClassVar[Kind] = Kind.OUTCOME
    transaction: Hex
    status: Whole
    block: Whole
    gas_used: Whole
    events: Events = ()
    revert: Text | None = None

    urgent: ClassVar[bool] = False


@dataclass(frozen=True, kw_only=True)
class Refusal(Entry):
    """A mandate under which a signal was not, or will not be, traded, and the contract's reason in words."""

    kind: ClassVar[Kind] = Kind.REFUSAL
    mandate: Hex
    bar_time: Time
    reason: Text

    urgent: ClassVar[bool] = False


@dataclass(frozen=True, kw_only=True)
class Swap(Entry):
    """A step in answer to a request about the model of a running desk.

    Attributes
    ----------
    request
        Name of the request; all its steps carry it.
    phase
        Which step.
    model
        Hash of the artifact of the model that was asked for, once it is known.
    bar_time
        When the last bar closed that was decided on before this step; None before the first.
    reason
        Why, where the request was refused, withdrawn or left unfinished, or has lapsed.
    facts
        What there is to know of this step, by name.
    """

    kind: ClassVar[Kind] = Kind.SWAP
    request: Text
    phase: Annotated[Phase, Form(Phase, read=Phase)]
    model: Hex | None = None
    bar_time: Time | None = None
    reason: Text | None = None
    facts: Object = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class RunEnded(Entry):
    """A run of the desk ended by itself or by its user, with the summary it reported."""

    kind: ClassVar[Kind] = Kind.RUN_ENDED
    summary: Object


_KINDS: dict[Kind, type[Entry]] = {
    cls.kind: cls for cls in (RunStarted, Decided, DecidedBeside, Sent, Outcome, Refusal, Swap, RunEnded)
}


def decode(kind: str, payload: str) -> Entry:
    """Return the entry of a stored kind and payload, the inverse of `Entry.payload`.

    Raises
    ------
    DeskError
        Where no entry of this version writes such a payload.
    """
    try:
        cls = _KINDS[Kind(kind)]
        values = json.loads(payload)
        wanted = forms(cls)
        if values.keys() != wanted.keys():
            raise ValueError(f"fields {sorted(values.keys() ^ wanted.keys())} do not fit")
        return cls(**{name: form.read(values[name]) for name, form in wanted.items()})
    except (ValueError, TypeError, AttributeError) as error:
        raise DeskError(
            f"A journal row of kind {kind!r} cannot be read: {error}.",
            cure="Check the journal with verify, and read it with the version that wrote it.",
        ) from error
