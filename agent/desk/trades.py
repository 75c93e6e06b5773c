"""What a desk remembers of its trades, and the counts that a report is made from."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from agent.chain.values import PRICE_SCALE, Barrier, Fill, Levels, Reason, Side
from agent.desk.decision import Decision, Hold, Standing


@dataclass(frozen=True)
class OpenTrade:
    """A trade that waits for a barrier.

    Attributes
    ----------
    fill
        Mandate, filler and amounts at the open, in smallest units.
    decision
        Why it was opened.
    opened_at
        Unix seconds, UTC, in the time of the data.
    price
        The oracle's at the open, scaled by 1e36.
    transaction
        Hash of the transaction that opened it.
    levels
        Where it ends, as the contract says.
    """

    fill: Fill
    decision: Decision
    opened_at: int
    price: int
    transaction: str
    levels: Levels

    @property
    def side(self) -> Side:
        return self.fill.mandate.side

    @property
    def worth(self) -> int:
        """What was given, in the quote token's smallest unit at the price of the open, rounded down."""
        given = self.fill.given
        return given if self.side is Side.LONG else given * self.price // PRICE_SCALE


@dataclass(frozen=True)
class SettledTrade:
    """A trade that has ended.

    Attributes
    ----------
    opening
        How it began.
    returned
        What the owner got back at the close, in the smallest unit of the token given at the open.
    closed_at
        Unix seconds, UTC, in the time of the data.
    price
        The oracle's at the close, scaled by 1e36.
    barrier
        The barrier that ended it, as the contract says.
    transaction
        Hash of the transaction that closed it.
    """

    opening: OpenTrade
    returned: int
    closed_at: int
    price: int
    barrier: Barrier
    transaction: str

    @property
    def profit(self) -> int:
        """Gain or loss in the smallest unit of the token given."""
        return self.returned - self.opening.fill.given

    @property
    def profit_in_quote(self) -> int:
        """Gain or loss in the quote token's smallest unit; that of a Short is priced at its close, rounded down."""
        if self.opening.side is Side.LONG:
            return self.profit
        return self.profit * self.price // PRICE_SCALE


@dataclass(frozen=True)
class ReleasedTrade:
    """A trade that its owner ended: what it had taken is the owner's. It has no result.

    Attributes
    ----------
    opening
        How it began.
    released_at
        Unix seconds, UTC, in the time of the data.
    transaction
        Hash of the transaction that released it.
    """

    opening: OpenTrade
    released_at: int
    transaction: str


@dataclass
class Tally:
    """Everything done so far, in order; grows, and is never rewritten.

    Attributes
    ----------
    signals, holds
        Decisions of the live model, one a bar.
    bars
        Decisions of each model by its id and what it was to the run.
    refused, settled, released, open_gas, close_gas
        Of all models together.
    """

    signals: int = 0
    holds: Counter[Hold] = field(default_factory=Counter)
    bars: Counter[tuple[bytes, Standing]] = field(default_factory=Counter)
    refused: Counter[Reason] = field(default_factory=Counter)
    settled: list[SettledTrade] = field(default_factory=list)
    released: list[ReleasedTrade] = field(default_factory=list)
    open_gas: list[int] = field(default_factory=list)
    close_gas: list[int] = field(default_factory=list)

    def count(self, decision: Decision, model: bytes, standing: Standing) -> None:
        """Count a decision."""
        self.bars[model, standing] += 1
        if standing is not Standing.LIVE:
            return
        if decision.hold is None:
            self.signals += 1
        else:
            self.holds[decision.hold] += 1
