"""Authority on what the events alone tell: balances, leave, mandates and trades, rebuilt from nothing but the log."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from agent.chain.events import (
    Authorized,
    Closed,
    Deposited,
    Event,
    MandateCancelled,
    MandateCreated,
    Opened,
    Presented,
    Withdrawn,
)
from agent.chain.values import Mandate, MandateState

UNKNOWN = MandateState(0, 0, False, False, 0)


class Rebuilt:
    """The state that a list of events tells: written from the interface's words, apart from any other rebuild."""

    def __init__(self) -> None:
        self.balances: Counter[tuple[str, str]] = Counter()
        self.authorized: dict[tuple[str, str], bool] = {}
        self.mandates: dict[bytes, Mandate] = {}
        self.states: dict[bytes, MandateState] = {}
        self.trades: dict[bytes, tuple[int, int]] = {}
        self._bar_time = 0

    def owed(self, token: str) -> int:
        """What the ledger owes of a token, to everybody."""
        return sum(amount for (_, of), amount in self.balances.items() if of == token)

    def apply(self, event: Event, time: int) -> None:
        """Take in the next event, logged in a block of this time."""
        match event:
            case Deposited(account, token, _, amount):
                self.balances[account, token] += amount
            case Withdrawn(account, token, _, amount):
                self.balances[account, token] -= amount
            case Authorized(account, operator, allowed):
                self.authorized[account, operator] = allowed
            case MandateCreated(id, _, mandate):
                self.mandates[id] = mandate
                self.states[id] = replace(UNKNOWN, used_until=time - 1)
            case MandateCancelled(id):
                self.states[id] = replace(self.states.get(id, UNKNOWN), cancelled=True)
            case Presented(_, _, signal):
                self._bar_time = signal.bar_time
            case Opened(id, filler, given, taken, _):
                mandate = self.mandates[id]
                self._swap(mandate.owner, filler, given, taken, mandate.given_token, mandate.taken_token)
                self.trades[id] = (given, taken)
                self.states[id] = replace(
                    self.states[id], used_until=self._bar_time, changed_at=time, trading=True
                )
            case Closed(id, filler, given, taken, _, _):
                mandate = self.mandates[id]
                self._swap(mandate.owner, filler, given, taken, mandate.taken_token, mandate.given_token)
                loss = self.states[id].net_loss + self.trades[id][0] - taken
                self.states[id] = replace(self.states[id], changed_at=time, trading=False, net_loss=loss)

    def _swap(self, owner: str, filler: str, given: int, taken: int, give: str, take: str) -> None:
        self.balances[owner, give] -= given
        self.balances[filler, give] += given
        self.balances[filler, take] -= taken
        self.balances[owner, take] += taken
