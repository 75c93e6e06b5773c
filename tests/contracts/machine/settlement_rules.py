"""Rules for settlement: trades opened and closed, in batches, with one thing wrong, and once more."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from agent.chain.events import Closed, Opened
from agent.chain.values import Fill, Mandate, Reason, Side
from agent.testing import reverts
from agent.testing.accounts import Account

from . import criteria, flaws
from .aims import Aims, Closing, Manner, Opening
from .answers import Refusal
from .draws import (
    AGES,
    ANSWERS,
    ANYBODY,
    BURNS,
    KINDNESS,
    LEAVING,
    LITTLE_GAS,
    MARKET,
    MOMENT,
    MUTE,
    PICK,
    PICKS,
    PRICES,
    SIZE,
    TOKEN,
    TURNS,
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
PUPPET_MARKET = st.sampled_from(["puppet", "hostile"])
PUPPET = st.sampled_from(["source", "other source"])
GAS = st.sampled_from([None, LITTLE_GAS])
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
        self._open_there(market, place, manner)

    @rule(market=PUPPET_MARKET, place=PICK, manner=MANNER)
    def trade_while_an_oracle_takes_all_the_gas(self, market: str, place: int, manner: Manner) -> None:
        """It holds up its own market, and nobody who leaves it."""
        self.oracle_burns(market)
        self._open_there(market, place, manner)
        trading = [each for each in self._of_the_market(market) if each.id in self.book.holdings]
        if trading:
            mandate = pick(trading, place)
            caller = self.people["operator"]
            fill = self.closing_fill(mandate, caller, manner)
            self._close(Closing(caller, mandate.market, (fill,), self.book.now + 1))

    def _of_the_market(self, market: str) -> list[Mandate]:
        return [each for each in self.mandates if each.market == self.stage.markets[market]]

    def _open_there(self, market: str, place: int, manner: Manner) -> None:
        if there := self._of_the_market(market):
            self._open(self.opening([place], replace(manner, refresh=False), there))

    @rule(name=PUPPET, answer=ANSWERS, mute=MUTE, burns=BURNS, place=PICK, manner=MANNER, gas=GAS)
    def trade_while_a_source_changes_its_mind(
        self, name: str, answer: bytes, mute: bool, burns: bool, place: int, manner: Manner, gas: int | None
    ) -> None:
        """With enough gas for it to fail by itself, or too little to tell."""
        self.upset_source(name, answer, mute)
        if burns:
            self.source_burns(name)
        believers = [each for each in self.mandates if each.source == self.stage.sources[name].address]
        if believers:
            self._open(self.opening([place], manner, believers), gas)

    @rule(turns=TURNS, name=PUPPET, answer=ANSWERS, mute=MUTE, place=PICK, manner=MANNER)
    def open_while_sources_take_turns(
        self, turns: tuple[str, ...], name: str, answer: bytes, mute: bool, place: int, manner: Manner
    ) -> None:
        """Each is asked once, and would say otherwise if it were asked again."""
        self.upset_source(name, answer, mute)
        self._open(self.opening_by_turns(place, manner, turns))

    @precondition(has_trades)
    @rule(place=PICK, how=LEAVING, who=ANYBODY)
    def release(self, place: int, how: str, who: str) -> None:
        """An owner ends a trade, whatever the world is like; or somebody tries what cannot be."""
        trading = [each for each in self.mandates if each.id in self.book.holdings]
        idle = [each for each in self.mandates if each.id not in self.book.holdings]
        mandate = pick((idle if how == "no trade" else trading) or self.mandates, place)
        owner = self.named(mandate.owner)
        if how == "unknown":
            mandate = replace(mandate, salt=flaws.ELSEWHERE)
        if how == "the oracle is dead":
            self.upset_oracle(self.market_of(mandate), 0, 0, 0, True)
        if how == "nothing is left":
            balance = self.book.balances[owner.address, mandate.taken_token]
            self.call(owner, "withdraw", mandate.taken_token, balance, owner.address)
        self.call(self.people[who] if how == "a stranger" else owner, "release", mandate)

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

    def _view_is_refused(self, refusal: Refusal, caller: Account, function: str, *arguments: Any) -> None:
        with reverts(refusal.name, **refusal.arguments):
            self._view(caller, function, *arguments)

    def _open(self, offer: Opening, gas: int | None = None) -> None:
        evidence = self.sign(offer.signal) if offer.evidence is None else offer.evidence

        def ask() -> None:
            for fill in offer.fills:
                arguments = (offer.signal, evidence, fill)
                try:
                    wanted = self.book.reason_to_open(offer.caller.address, *arguments)
                except Refusal as refusal:
                    self._view_is_refused(refusal, offer.caller, "checkOpen", *arguments)
                    return
                told = self._view(offer.caller, "checkOpen", *arguments)
                assert told == (wanted,), f"checkOpen says {told}, and not {wanted!r}"
                self._count_the_ramp(fill, offer.signal.bar_time, wanted)
            if gas is None:
                self._without_the_refused(offer, "open", offer.signal, evidence)

        self.call(offer.caller, "open", offer.signal, evidence, list(offer.fills), at=offer.at, ask=ask, gas=gas)

    def _count_the_ramp(self, fill: Fill, bar_time: int, reason: Reason) -> None:
        """What is offered before the ramp is over; it fails where only that is in the way."""
        mandate = fill.mandate
        if reason not in (Reason.NONE, Reason.SLIPPAGE):
            return
        if criteria.slippage_at(mandate, bar_time, self.book.now) == mandate.max_slippage_bps:
            return
        at_last = criteria.least_taken(
            fill.given,
            gives_base=mandate.side is Side.SHORT,
            price=self.book.oracles[mandate.market.oracle].price,
            slippage_bps=mandate.max_slippage_bps,
        )
        if fill.taken >= at_last:
            self.tally.count("open within a ramp", reason is Reason.NONE)

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
                try:
                    wanted = self.book.reason_to_close(offer.caller.address, offer.market, fill)
                except Refusal as refusal:
                    self._view_is_refused(refusal, offer.caller, "checkClose", offer.market, fill)
                    return
                told = self._view(offer.caller, "checkClose", offer.market, fill)
                assert told == wanted, f"checkClose says {told}, and not {wanted!r}"
            self._without_the_refused(offer, "close", offer.market)

        self.call(offer.caller, "close", offer.market, list(offer.fills), at=offer.at, ask=ask)
