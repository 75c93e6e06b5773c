"""The narrow door between the desk and whatever settles: what a desk may ask of a chain, and nothing more."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

from eth_account.signers.local import LocalAccount

from agent.chain.answers import Log, Receipt
from agent.chain.client import Announce, Chain
from agent.chain.contracts import OracleContract, SettlementContract, TokenContract
from agent.chain.deploy import Deployment
from agent.chain.values import (
    Barrier,
    Fill,
    Levels,
    Mandate,
    MandateState,
    Market,
    Price,
    Reason,
    Signal,
    struct_from,
)


class Venue(Protocol):
    """Where trades settle. Every rule is the venue's; a desk only asks."""

    @property
    def market(self) -> Market:
        """The market that is traded."""

    def price(self) -> Price:
        """What the oracle says now."""

    def check_open(self, signal: Signal, evidence: bytes, fill: Fill) -> Reason:
        """What `open` would say to this fill."""

    def open(self, signal: Signal, evidence: bytes, fills: Sequence[Fill], *, announce: Announce) -> Receipt:
        """Open what qualifies."""

    def check_close(self, fill: Fill) -> tuple[Reason, Barrier]:
        """What `close` would say to this fill."""

    def close(self, fills: Sequence[Fill], *, announce: Announce) -> Receipt:
        """Close what qualifies."""

    def levels(self, mandate: Mandate, block: int) -> Levels:
        """Where the trade ends that the mandate had open after a block."""

    def block(self) -> int:
        """Number of the last block."""

    def now(self) -> int:
        """Timestamp of the last block, unix seconds."""

    def time_of(self, block: int) -> int:
        """Timestamp of a block, unix seconds."""

    def events(self, block: int, *, after: int | None = None) -> list[Log]:
        """All events since the contracts were deployed, or `after` a block, up to a block, in order."""

    def balance_of(self, account: str, token: str, block: int) -> int:
        """What the ledger said an account held after a block, in smallest units."""

    def holding(self, mandate: Mandate, block: int) -> int:
        """What the mandate's open trade held after a block, in smallest units of what it took; zero where none was open."""

    def held(self, token: str, block: int) -> int:
        """What the settlement contract really held of a token after a block, in smallest units."""


@dataclass(frozen=True)
class ContractVenue:
    """The settlement contract on an EVM chain.

    Attributes
    ----------
    chain, deployment
        Where it is.
    operator
        Who sends; fillers have authorised it.
    before_send
        Called before each transaction: a replay sets the chain's clock there.
    """

    chain: Chain
    deployment: Deployment
    operator: LocalAccount
    before_send: Callable[[], None] = lambda: None

    @property
    def market(self) -> Market:
        return self.deployment.market

    @cached_property
    def _settlement(self) -> SettlementContract:
        return SettlementContract(self.chain, self.deployment.settlement)

    @cached_property
    def _oracle(self) -> OracleContract:
        return OracleContract(self.chain, self.deployment.oracle)

    def price(self) -> Price:
        return self._oracle.price()

    def check_open(self, signal: Signal, evidence: bytes, fill: Fill) -> Reason:
        return self._settlement.check_open(self.operator.address, signal, evidence, fill)

    def open(self, signal: Signal, evidence: bytes, fills: Sequence[Fill], *, announce: Announce) -> Receipt:
        self.before_send()
        return self._settlement.open(self.operator, signal, evidence, fills, announce=announce)

    def check_close(self, fill: Fill) -> tuple[Reason, Barrier]:
        return self._settlement.check_close(self.operator.address, self.market, fill)

    def close(self, fills: Sequence[Fill], *, announce: Announce) -> Receipt:
        self.before_send()
        return self._settlement.close(self.operator, self.market, fills, announce=announce)

    def levels(self, mandate: Mandate, block: int) -> Levels:
        return Levels(*self._settlement.call("barriersOf", mandate, block=hex(block)))

    def block(self) -> int:
        return self.chain.block_number

    def now(self) -> int:
        return self.chain.time_of()

    def time_of(self, block: int) -> int:
        return self.chain.time_of(block)

    def events(self, block: int, *, after: int | None = None) -> list[Log]:
        first = self.deployment.block if after is None else after + 1
        return self.chain.logs(self.deployment.settlement, first=first, last=block)

    def balance_of(self, account: str, token: str, block: int) -> int:
        return self._settlement.call("balanceOf", account, token, block=hex(block))[0]

    def holding(self, mandate: Mandate, block: int) -> int:
        state, (_, taken) = (
            self._settlement.call(name, mandate.id, block=hex(block))[0] for name in ("stateOf", "tradeOf")
        )
        return int(taken) if struct_from(MandateState, state).trading else 0

    def held(self, token: str, block: int) -> int:
        held = TokenContract(self.chain, token).call("balanceOf", self.deployment.settlement, block=hex(block))
        return held[0]
