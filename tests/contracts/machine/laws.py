"""Authority on what no call may ever do, whatever the model thinks: laws that are held against what was observed alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from agent.chain.events import Authorized, Closed, Event, MandateCreated, Opened, Presented, Withdrawn
from agent.chain.values import Mandate

Balances = Counter[tuple[str, str]]


class Laws:
    """Watches the ledger and the log, call by call.

    Parameters
    ----------
    events
        What was logged before.
    """

    def __init__(self, events: Iterable[Event]) -> None:
        self._mandates: dict[bytes, Mandate] = {}
        self._authorized: set[tuple[str, str]] = set()
        self._trading: set[bytes] = set()
        self._used: dict[bytes, int] = {}
        self._bar_time = 0
        for event in events:
            self._learn(event)

    def hold(self, caller: str, before: Balances, after: Balances, events: Iterable[Event]) -> None:
        """Check one call that was not refused; AssertionError with the law that it broke."""
        owed: Balances = Counter()
        settled = False
        for event in events:
            match event:
                case Opened() | Closed():
                    settled = True
                    self._settle(caller, event, owed)
                case Withdrawn(account, token, _, amount):
                    assert account == caller, "somebody withdrew what was another's"
                    owed[account, token] -= amount
            self._learn(event)
        changes = {place: change for place in before | after if (change := after[place] - before[place])}
        assert all(change >= owed[place] for place, change in changes.items()), (
            "a balance fell further than it may"
        )
        if settled:
            due = {place: change for place, change in owed.items() if change}
            assert changes == due, "a settlement changed other balances, or by other amounts, than its fills say"

    def _settle(self, caller: str, event: Opened | Closed, owed: Balances) -> None:
        mandate, filler = self._mandates[event.id], event.filler
        assert filler != mandate.owner, "an owner filled its own trade"
        assert caller == filler or (filler, caller) in self._authorized, "a filler was used without its leave"
        if isinstance(event, Opened):
            assert event.id not in self._trading, "two trades of one mandate were open"
            assert self._bar_time > self._used.get(event.id, 0), "a bar was used twice"
            give, take = mandate.given_token, mandate.taken_token
        else:
            assert event.id in self._trading, "a trade was closed that was not open"
            give, take = mandate.taken_token, mandate.given_token
        for account, sign in ((mandate.owner, 1), (filler, -1)):
            owed[account, give] -= sign * event.given
            owed[account, take] += sign * event.taken

    def _learn(self, event: Event) -> None:
        match event:
            case MandateCreated(id, _, mandate):
                assert id not in self._mandates, "a mandate was created twice"
                self._mandates[id] = mandate
            case Authorized(account, operator, allowed):
                (self._authorized.add if allowed else self._authorized.discard)((account, operator))
            case Presented(_, _, signal):
                self._bar_time = signal.bar_time
            case Opened(id=id):
                self._trading.add(id)
                self._used[id] = self._bar_time
            case Closed(id=id):
                self._trading.remove(id)
