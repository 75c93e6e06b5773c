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
    Released,
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
        self.holdings: dict[bytes, tuple[str, int]] = {}
        self._bar_time = 0

    def owed(self, token: str) -> int:
        """What is owed of a token: to everybody, and by the trades that hold it."""
        ledger = sum(amount for (_, of), amount in self.balances.items() if of == token)
        return ledger + sum(amount for of, amount in self.holdings.values() if of == token)

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
                self.states[id] = replace(UNKNOWN, usable_from=time)
            case MandateCancelled(id):
                self.states[id] = replace(self.states.get(id, UNKNOWN), cancelled=True)
            case Presented(_, _, signal):
                self._bar_time = signal.bar_time
            case Opened(id, filler, given, taken, _):
                mandate = self.mandates[id]
                self.balances[mandate.owner, mandate.given_token] -= given
                self._trades(filler, (mandate.given_token, given), (mandate.taken_token, taken))
                self.trades[id] = (given, taken)
                self.holdings[id] = (mandate.taken_token, taken)
                self.states[id] = replace(
                    self.states[id], usable_from=self._bar_time + 1, changed_at=time, trading=True
                )
            case Closed(id, filler, given, taken, _, _):
                token = self.mandates[id].given_token
                self._trades(filler, self._ended(id, time), (token, taken))
                self.balances[self.mandates[id].owner, token] += taken
                lost = self.states[id].drawdown + self.trades[id][0] - taken
                self.states[id] = replace(self.states[id], drawdown=max(lost, 0))
            case Released(id, _):
                token, amount = self._ended(id, time)
                self.balances[self.mandates[id].owner, token] += amount

    def _trades(self, filler: str, receives: tuple[str, int], pays: tuple[str, int]) -> None:
        for (token, amount), sign in ((receives, 1), (pays, -1)):
            self.balances[filler, token] += sign * amount

    def _ended(self, id: bytes, time: int) -> tuple[str, int]:
        """A trade is over; return what it held."""
        self.states[id] = replace(self.states[id], changed_at=time, trading=False)
        return self.holdings.pop(id)
