"""Authority on what no call may ever do, whatever the model thinks: laws that are held against what was observed alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import TypeVar

from agent.chain.events import (
    Authorized,
    Closed,
    Deposited,
    Event,
    MandateCreated,
    Opened,
    Presented,
    Released,
    Withdrawn,
)
from agent.chain.values import Barrier, Mandate, Side

from . import criteria
from .answers import ZERO
from .criteria import LARGEST_BALANCE, SCALE

Balances = Counter[tuple[str, str]]
Holdings = dict[bytes, tuple[str, int]]
T = TypeVar("T")


@dataclass(frozen=True)
class Owed:
    """What is owed at one time.

    Attributes
    ----------
    balances
        The ledger, by account and token.
    holdings
        What each open trade holds: a token, and how much of it.
    """

    balances: Balances
    holdings: Holdings

    def totals(self) -> Counter[str]:
        """How much of each token."""
        totals: Counter[str] = Counter()
        for (_, token), amount in self.balances.items():
            totals[token] += amount
        for token, amount in self.holdings.values():
            totals[token] += amount
        return totals


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
        self._open: dict[bytes, Opened] = {}
        self._used: dict[bytes, int] = {}
        self._bar_time = 0
        for event in events:
            self._learn(event)

    def hold(self, callers: Collection[str], before: Owed, after: Owed, events: Iterable[Event]) -> None:
        """Check one call that was not refused; AssertionError with the law that it broke.

        Parameters
        ----------
        callers
            Who sent it, and who was called back in the middle of it.
        """
        due: Balances = Counter()
        holdings, totals = dict(before.holdings), before.totals()
        for event in events:
            match event:
                case Opened():
                    self._opens(callers, event, due, holdings)
                case Closed():
                    self._closes(callers, event, due, holdings)
                case Released():
                    self._releases(callers, event, due, holdings)
                case Withdrawn(account, token, _, amount):
                    assert account in callers, "somebody withdrew what was another's"
                    due[account, token] -= amount
                    totals[token] -= amount
                case Deposited(account, token, _, amount):
                    due[account, token] += amount
                    totals[token] += amount
                    assert after.balances[account, token] <= LARGEST_BALANCE, "a deposit was too large"
            self._learn(event)
        places = before.balances.keys() | after.balances.keys()
        changes = Counter({place: after.balances[place] - before.balances[place] for place in places})
        assert _without_zeros(changes) == _without_zeros(due), "balances changed otherwise than the events say"
        assert after.holdings == holdings, "a holding came or left without its trade"
        assert _without_zeros(after.totals()) == _without_zeros(totals), "what is owed is not what came and went"

    # ---- of one event

    def _opens(self, callers: Collection[str], event: Opened, due: Balances, holdings: Holdings) -> None:
        mandate = self._mandates[event.id]
        self._of_the_filler(callers, mandate, event)
        assert event.id not in self._open, "two trades of one mandate were open"
        assert self._bar_time > self._used.get(event.id, 0), "a bar was used twice"
        self._of_an_unmoved_price(mandate, event)
        due[mandate.owner, mandate.given_token] -= event.given
        due[event.filler, mandate.given_token] += event.given
        due[event.filler, mandate.taken_token] -= event.taken
        holdings[event.id] = (mandate.taken_token, event.taken)

    def _closes(self, callers: Collection[str], event: Closed, due: Balances, holdings: Holdings) -> None:
        mandate = self._mandates[event.id]
        self._of_the_filler(callers, mandate, event)
        assert event.id in self._open, "a trade was closed that was not open"
        opened = self._open[event.id]
        if event.price == opened.price and event.barrier in (Barrier.TAKE_PROFIT, Barrier.STOP_LOSS):
            assert event.taken >= opened.given, "a barrier closed a trade at an unmoved price, at a loss"
        assert holdings.pop(event.id) == (mandate.taken_token, event.given), "a close gave another holding"
        due[event.filler, mandate.taken_token] += event.given
        due[event.filler, mandate.given_token] -= event.taken
        due[mandate.owner, mandate.given_token] += event.taken

    def _releases(self, callers: Collection[str], event: Released, due: Balances, holdings: Holdings) -> None:
        mandate = self._mandates[event.id]
        assert mandate.owner in callers, "somebody released another's trade"
        assert event.id in self._open, "a trade was released that was not open"
        assert holdings.pop(event.id) == (mandate.taken_token, event.taken), "a release gave another holding"
        due[mandate.owner, mandate.taken_token] += event.taken

    def _of_the_filler(self, callers: Collection[str], mandate: Mandate, event: Opened | Closed) -> None:
        filler = event.filler
        assert filler != mandate.owner, "an owner filled its own trade"
        assert mandate.filler in (ZERO, filler), "another filler traded than the mandate names"
        allowed = any(caller == filler or (filler, caller) in self._authorized for caller in callers)
        assert allowed, "a filler was used without its leave"

    def _of_an_unmoved_price(self, mandate: Mandate, event: Opened) -> None:
        """A fill at the price or worse touches no barrier there; one that is better loses nothing to the worst filler."""
        long, price = mandate.side is Side.LONG, event.price
        ends = criteria.levels(mandate, (event.given, event.taken), opened_at=0)
        if criteria.touched(mandate, ends, price, now=0) is Barrier.NONE:
            return
        better = event.taken * price > event.given * SCALE if long else event.taken * SCALE > event.given * price
        assert better, "a barrier was touched at an unmoved price"
        least = criteria.least_taken(
            event.taken, gives_base=long, price=price, slippage_bps=mandate.max_slippage_bps
        )
        assert least >= event.given, "a barrier would close a trade at an unmoved price, at a loss"

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
                self._open[id] = event
                self._used[id] = self._bar_time
            case Closed(id=id) | Released(id=id):
                del self._open[id]


def _without_zeros(amounts: Counter[T]) -> dict[T, int]:
    return {place: amount for place, amount in amounts.items() if amount}
