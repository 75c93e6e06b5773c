"""The open trades of a desk, kept up with what the contract logs: anybody may close them, and their owners release them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from agent.chain.answers import Log, Receipt
from agent.chain.events import Closed, Opened, Released
from agent.chain.values import Fill, Levels
from agent.desk import entries
from agent.desk.decision import Decision
from agent.desk.journal import Journal
from agent.desk.trades import OpenTrade, ReleasedTrade, SettledTrade, Tally
from agent.desk.venue import Venue
from agent.errors import DeskError, Reverted


class Tracking:
    """Which trades of a desk are open, and how the others ended.

    All it knows it takes from the contract's events, in their order: so what happened to a trade is never mistaken for what
    happened to the next one of the same mandate.

    Parameters
    ----------
    venue, journal, tally, shift
        The desk's.

    Attributes
    ----------
    open
        Open trades by mandate id.
    """

    def __init__(self, venue: Venue, journal: Journal, tally: Tally, *, shift: int) -> None:
        self._venue = venue
        self._journal = journal
        self._tally = tally
        self._shift = shift
        self._looked = 0  # number of the last block whose events are known here
        self.open: dict[bytes, OpenTrade] = {}

    def look(self) -> None:
        """Take in what others did to the open trades since the last look."""
        if self.open:
            self._take_in(self._venue.block())

    def opened(self, receipt: Receipt, fills: Mapping[bytes, Fill], decision: Decision) -> None:
        """Take in a transaction of the desk's own that opens trades: fills by mandate id, and why."""
        if not self.open:
            self._looked = receipt.block - 1  # what came before cannot have ended a trade
        self._take_in(receipt.block, receipt, fills, decision)

    def closed(self, receipt: Receipt) -> None:
        """Take in a transaction of the desk's own that closes trades."""
        self._take_in(receipt.block, receipt)

    def require_told(self, mandate_id: bytes) -> None:
        """Look again, since the contract says that a trade has ended; raise where its events do not tell how."""
        self.look()
        if mandate_id in self.open:
            raise DeskError(
                f"The trade of mandate 0x{mandate_id.hex()} has ended, and no event says how.",
                cure="Do not trade on with this node: its events are not complete.",
            )

    def _take_in(
        self,
        block: int,
        own: Receipt | None = None,
        fills: Mapping[bytes, Fill] | None = None,
        decision: Decision | None = None,
    ) -> None:
        if block <= self._looked:
            return
        logs = self._venue.events(block, after=self._looked)
        if own is not None:
            _require_all(own, logs)
        for log in logs:
            ours = own is not None and log.transaction == own.transaction
            match log.event:
                case Opened() as event if ours and fills is not None and decision is not None:
                    self.open[event.id] = self._trade(event, fills[event.id], decision, log)
                case Closed() | Released() as event if event.id in self.open:
                    if not ours:
                        self._journal_others(log)
                    self._end(event, log)
        self._looked = block

    def _trade(self, event: Opened, fill: Fill, decision: Decision, log: Log) -> OpenTrade:
        try:
            levels = self._venue.levels(fill.mandate, log.block)
        except Reverted:  # it ended in the block in which it was opened, as a later event says
            levels = Levels(0, 0, 0)
        return OpenTrade(
            fill=fill,
            decision=decision,
            opened_at=self._time_of(log),
            price=event.price,
            transaction=log.transaction,
            levels=levels,
        )

    def _end(self, event: Closed | Released, log: Log) -> None:
        opening = self.open.pop(event.id)
        time = self._time_of(log)
        match event:
            case Released():
                self._tally.released.append(ReleasedTrade(opening, time, log.transaction))
            case Closed():
                self._tally.settled.append(
                    SettledTrade(opening, event.taken, time, event.price, event.barrier, log.transaction)
                )

    def _journal_others(self, log: Log) -> None:
        """Journal how somebody else ended a trade."""
        events: tuple[Any, ...] = (log.event,)
        self._journal.append(
            entries.Outcome(
                transaction=log.transaction,
                status=1,
                block=log.block,
                gas_used=0,  # none of the desk's
                events=events,
            )
        )

    def _time_of(self, log: Log) -> int:
        return self._venue.time_of(log.block) - self._shift


def _require_all(own: Receipt, logs: Sequence[Log]) -> None:
    if not set(own.logs) <= set(logs):
        raise DeskError(
            f"The node mined the transaction {own.transaction}, and does not tell what it logged.",
            cure="Do not trade on with this node: its events are not complete.",
        )
