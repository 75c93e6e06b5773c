"""Rules for settlement: trades opened and closed, in batches, with one thing wrong, and once more."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from agent.chain.events import Closed, Opened
from agent.testing import reverts
from agent.testing.accounts import Account

from . import flaws
from .aims import Aims, Closing, Manner, Opening
from .answers import Refusal
from .draws import (
    AGES,
    ANSWERS,
    ANYBODY,
    KINDNESS,
    MARKET,
    MOMENT,
    PICK,
    PICKS,
    PRICES,
    SIZE,
    TOKEN,
    WORDS,
)
from .steps import pick

MANNER = st.builds(
    Manner,
    hands=PICK,
    size=SIZE,
    kindness=KINDNESS,
    moment=MOMENT,
    refresh=st.sampled_from([True, True, True, False]),
)
PUSH = st.sampled_from(
    ["TAKE_PROFIT", "STOP_LOSS", "HORIZON"] * 3
    + ["NONE", "ALMOST_TAKE_PROFIT", "ALMOST_STOP_LOSS", "ALMOST_HORIZON"]
)
FLAW_AT_OPEN = st.sampled_from(flaws.AT_OPEN)
FLAW_AT_CLOSE = st.sampled_from(flaws.AT_CLOSE)


def has_trades(machine: Aims) -> bool:
    return any(state.trading for state in machine.book.states.values())


class SettlementRules(Aims):
    """The operator, and whoever else, opens and closes."""

    @rule(place=PICK, manner=MANNER)
    def open_one(self, place: int, manner: Manner) -> None:
        self._open(self.opening([place], manner))

    @rule(places=PICKS, manner=MANNER)
    def open_some(self, places: list[int], manner: Manner) -> None:
        self._open(self.opening(places, manner))

    @rule(places=PICKS | st.lists(PICK, min_size=1, max_size=1), manner=MANNER, flaw=FLAW_AT_OPEN)
    def open_some_of_which_the_first_is_flawed(self, places: list[int], manner: Manner, flaw: flaws.Flaw) -> None:
        self._open(flaw(self, self.opening(places, manner)))

    @precondition(has_trades)
    @rule(place=PICK, manner=MANNER, push=PUSH)
    def close_one(self, place: int, manner: Manner, push: str) -> None:
        self._close(self.closing([place], manner, push))

    @precondition(has_trades)
    @rule(places=PICKS, manner=MANNER, push=PUSH)
    def close_some(self, places: list[int], manner: Manner, push: str) -> None:
        self._close(self.closing(places, manner, push))

    @precondition(has_trades)
    @rule(place=PICK, manner=MANNER, push=PUSH, flaw=FLAW_AT_CLOSE)
    def close_a_flawed_one(self, place: int, manner: Manner, push: str, flaw: flaws.Flaw) -> None:
        self._close(flaw(self, self.closing([place], manner, push)))

    @rule(place=PICK, manner=MANNER, push=PUSH)
    def open_and_close_one(self, place: int, manner: Manner, push: str) -> None:
        self._open(self.opening([place], manner))
        if has_trades(self):
            self._close(self.closing([place], manner, push))

    @rule(market=MARKET, price=PRICES, age=AGES, words=WORDS, mute=st.booleans(), place=PICK, manner=MANNER)
    def trade_while_an_oracle_fails(
        self, market: str, price: int, age: int, words: int, mute: bool, place: int, manner: Manner
    ) -> None:
        """Nobody mends the price before the trade."""
        self.upset_oracle(market, price, age, words, mute)
        there = [each for each in self.mandates if each.market == self.stage.markets[market]]
        if there:
            self._open(self.opening([place], replace(manner, refresh=False), there))

    @rule(answer=ANSWERS, mute=st.booleans(), place=PICK, manner=MANNER)
    def trade_while_a_source_changes_its_mind(self, answer: bytes, mute: bool, place: int, manner: Manner) -> None:
        self.upset_source(answer, mute)
        believers = [each for each in self.mandates if each.source == self.stage.source.address]
        if believers:
            self._open(self.opening([place], manner, believers))

    @precondition(lambda self: self.sent)
    @rule(place=PICK, who=st.none() | ANYBODY)
    def send_again(self, place: int, who: str | None) -> None:
        """What was sent before, by whoever sent it or by somebody else."""
        past = pick(self.sent, place)
        self.call(self.people[who] if who else past.caller, past.function, *past.arguments)

    @rule(place=PICK, who=ANYBODY, whom=ANYBODY, token=TOKEN)
    def ask(self, place: int, who: str, whom: str, token: str) -> None:
        """What anybody can look up: of a mandate, of an account, and where a trade ends, if there is one."""
        mandate, settlement = pick(self.mandates, place), self.stage.settlement
        account, other, address = self.people[who].address, self.people[whom].address, self.token(token).address
        assert settlement.state_of(mandate.id) == self.book.state_of(mandate.id)
        assert settlement.trade_of(mandate.id) == self.book.trades.get(mandate.id, (0, 0))
        assert settlement.balance_of(account, address) == self.book.balances[account, address]
        assert settlement.is_authorized(account, other) is self.book.authorized.get((account, other), False)
        assert settlement.call("idOf", mandate) == (mandate.id,)
        assert settlement.call("marketIdOf", mandate.market) == (mandate.market.id,)
        try:
            wanted = self.book.levels_of(mandate)
        except Refusal:
            with reverts("NoOpenTrade", id=mandate.id):
                settlement.barriers_of(mandate)
            self.tally.count("ask", False)
            return
        assert settlement.barriers_of(mandate) == wanted
        self.tally.count("ask", True)

    def _view(self, caller: Account, function: str, *arguments: Any) -> tuple[Any, ...]:
        """What a view says as of the block to come."""
        return self.stage.settlement.call(function, *arguments, sender=caller.address, block="pending")

    def _open(self, offer: Opening) -> None:
        evidence = self.sign(offer.signal) if offer.evidence is None else offer.evidence

        def ask() -> None:
            for fill in offer.fills:
                arguments = (offer.signal, evidence, fill)
                wanted = self.book.reason_to_open(offer.caller.address, *arguments)
                told = self._view(offer.caller, "checkOpen", *arguments)
                assert told == (wanted,), f"checkOpen says {told}, and not {wanted!r}"
            self._without_the_refused(offer, "open", offer.signal, evidence)

        self.call(offer.caller, "open", offer.signal, evidence, list(offer.fills), at=offer.at, ask=ask)

    def _without_the_refused(self, offer: Opening | Closing, function: str, *arguments: Any) -> None:
        """A batch without the fills that it refuses settles all of the others."""
        outcomes = self.book.rehearse(offer.caller.address, function, *arguments, offer.fills).events[
            -len(offer.fills) :
        ]
        settled = [
            fill for fill, event in zip(offer.fills, outcomes, strict=True) if isinstance(event, (Opened, Closed))
        ]
        if 0 < len(settled) < len(offer.fills):
            told = self._view(offer.caller, function, *arguments, settled)
            assert told == (len(settled),), f"{function} settles {told} of the {len(settled)} fills that it would"

    def _close(self, offer: Closing) -> None:
        def ask() -> None:
            for fill in offer.fills:
                wanted = self.book.reason_to_close(offer.caller.address, offer.market, fill)
                told = self._view(offer.caller, "checkClose", offer.market, fill)
                assert told == wanted, f"checkClose says {told}, and not {wanted!r}"
            self._without_the_refused(offer, "close", offer.market)

        self.call(offer.caller, "close", offer.market, list(offer.fills), at=offer.at, ask=ask)
