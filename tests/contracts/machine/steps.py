"""Authority on one step of the machine: predicted by the model, asked, sent, and everything compared afterwards."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from agent.chain.answers import Receipt
from agent.chain.contracts import Contract
from agent.chain.events import Closed, Event, MandateCreated, Opened, Refused, Withdrawn
from agent.chain.values import Mandate, Permit, Reason, Signal
from agent.errors import Reverted
from agent.testing.accounts import Account
from agent.testing.machine import ChainStateMachine

from .answers import Answer, Refusal
from .book import UNKNOWN
from .laws import Laws, Owed
from .outside import Oracle
from .replay import Rebuilt
from .slots import Storage
from .stage import Stage
from .tally import Tally
from .tokens import Token

T = TypeVar("T")


@dataclass(frozen=True)
class Call:
    """A transaction to a contract.

    Attributes
    ----------
    action
        What it is counted as.
    gas
        Its limit; None for one that always suffices.
    """

    action: str
    contract: Contract
    caller: Account
    function: str
    arguments: tuple[Any, ...]
    gas: int | None = None

    def send(self) -> Receipt:
        """Send it."""
        return self.contract.send(self.caller, self.function, *self.arguments, gas=self.gas)


class Steps(ChainStateMachine):
    """What every rule stands on.

    Parameters
    ----------
    stage
        What is on the chain.
    tally
        Where to count.
    """

    def __init__(self, stage: Stage, tally: Tally) -> None:
        super().__init__()
        self.stage, self.tally = stage, tally
        self.people = stage.people
        self.book, self.registry, self.notary = stage.model()
        self.keys = dict(stage.models)
        self.rebuilt, self.laws = Rebuilt(), Laws(event for event, _ in stage.past)
        for event, time in stage.past:
            self.rebuilt.apply(event, time)
        self.mandates: list[Mandate] = [stage.first]
        self.sent: list[Call] = []
        # Tokens that the contract holds and owes to nobody.
        self.given_away: Counter[str] = Counter()
        self.evidence: list[bytes] = [b""]
        self._digests = stage.digests()
        self._storage = Storage(stage.places)
        tally.runs += 1

    # ---- one step

    def call(
        self,
        caller: Account,
        function: str,
        *arguments: Any,
        at: int | None = None,
        ask: Callable[[], None] = lambda: None,
        gas: int | None = None,
    ) -> bool:
        """Call the settlement contract; return whether it was not refused.

        Parameters
        ----------
        gas
            Where it is given, too little to pass 2,000,000 on, and enough for all else.
        """
        action = function if gas is None else f"{function} with little gas"
        call = Call(action, self.stage.settlement, caller, function, arguments, gas)
        if gas is None:
            self.sent.append(call)
        short = gas is not None

        def predict() -> Answer:
            return self.book.call(caller.address, function, *arguments, short=short)

        return self.perform(call, predict, at=at, ask=ask)

    def perform(
        self,
        call: Call,
        predict: Callable[[], Answer],
        *,
        at: int | None = None,
        ask: Callable[[], None] = lambda: None,
    ) -> bool:
        """Call any contract, as predicted; return whether it was not refused.

        Parameters
        ----------
        predict
            Does to the model what the call is expected to do to the chain; raises `Refusal` where that is nothing.
        at
            Timestamp of the call's block; the next second unless given.
        ask
            Asks views, as of the same block and before anything changes.
        """
        self.book.now = max(at or 0, self.book.now + 1)
        self.chain.set_next_time(self.book.now)
        ask()
        before = self._owed()
        try:
            answer = predict()
        except Refusal as refusal:
            self._is_refused(call, refusal)
            self.tally.count(call.action, False)
            self.tally.refused(refusal.name)
            return False
        events = self._is_answered(call, answer)
        self._audit()
        if call.contract is self.stage.settlement:
            self.laws.hold(self._callers(call), before, self._owed(), events)
        self._count(call, events)
        return True

    def _callers(self, call: Call) -> set[str]:
        """Who sent it, and the token that may have called in the middle of it."""
        calls_back = call.function in ("deposit", "depositWithPermit", "withdraw")
        return {call.caller.address} | ({self.people["chameleon"].address} if calls_back else set())

    def _owed(self) -> Owed:
        return Owed(self.book.balances.copy(), self.book.holdings.copy())

    def _count(self, call: Call, events: Sequence[Event]) -> None:
        """One that settles fills has succeeded where it settled one."""
        settled = any(isinstance(each, (Opened, Closed)) for each in events)
        self.tally.count(call.action, settled or call.action not in ("open", "close"))
        for event in events:
            if isinstance(event, (Opened, Closed, Refused)):
                self.tally.judged(call.function, getattr(event, "reason", Reason.NONE))

    def _is_refused(self, call: Call, refusal: Refusal) -> None:
        wanted = (refusal.name, refusal.arguments)
        try:
            call.send()
        except Reverted as error:
            told = (error.name, error.args_by_name)
            assert told == wanted, f"{call.function} was refused with {told}, and not with {wanted}"
        else:
            raise AssertionError(f"{call.function} was not refused with {wanted}")
        assert self.stage.digests() == self._digests, f"{call.function} was refused, and something changed"

    def _is_answered(self, call: Call, answer: Answer) -> list[Event]:
        if call.contract is self.stage.settlement:
            sender = call.caller.address
            told = call.contract.call(call.function, *call.arguments, sender=sender, block="pending")
            assert told == answer.values, f"{call.function} answered {told}, and not {answer.values}"
        receipt = call.send()
        events = [log.event for log in receipt.logs if log.address == self.stage.settlement.address]
        assert events == list(answer.events), f"{call.function} logged {events}, and not {answer.events}"
        for event in events:
            self.rebuilt.apply(event, self.book.now)
            if isinstance(event, MandateCreated):
                self.mandates.append(event.mandate)
            if isinstance(event, Withdrawn) and event.receiver == self.book.address:
                self.given_away[event.token] += event.amount
        return events

    # ---- everything compared

    def _audit(self) -> None:
        """The chain holds what the model says, and what the events say."""
        digests = self.stage.digests()
        changed = {name for name, digest in digests.items() if digest != self._digests[name]}
        self._digests = digests
        if digests["settlement"] != self._storage.root(self.book):
            self._audit_settlement()
            raise AssertionError("the contract stores what no view shows")
        for name in changed & self.stage.tokens.keys():
            self._audit_token(name)
        if "registry" in changed:
            for model in self.registry.publishers:
                told, wanted = self.stage.registry.model_of(model), self.registry.model_of(model)
                assert told == wanted, f"the registry holds {told}, and not {wanted}"
        book, rebuilt = self.book, self.rebuilt
        trading = {id: book.trades[id][1] for id, state in book.states.items() if state.trading}
        assert trading == {id: amount for id, (_, amount) in book.holdings.items()}, (
            "an open trade does not hold what it took"
        )
        for address in (self.stage.desk.at.base, self.stage.desk.at.quote):
            held, owed = book.tokens[address].balances[book.address], book.owed(address)
            assert held == owed + self.given_away[address], "the contract does not hold what it owes"
        _same("the events tell of the ledger", rebuilt.balances, book.balances, 0)
        _same("the events tell of leave", rebuilt.authorized, book.authorized, False)
        _same("the events tell of mandates", rebuilt.states, book.states, UNKNOWN)
        _same("the events tell of trades", rebuilt.trades, book.trades, (0, 0))
        _same("the events tell of holdings", rebuilt.holdings, book.holdings, None)

    def _audit_settlement(self) -> None:
        book, stage = self.book, self.stage
        _same("the ledger", stage.balances(), book.balances, 0)
        _same("leave", stage.authorizations(), book.authorized, False)
        states, trades = stage.mandates(list(book.states))
        _same("mandates", states, book.states, UNKNOWN)
        _same("trades", trades, book.trades, (0, 0))

    def _audit_token(self, name: str) -> None:
        model = self.token(name)
        balances, allowances = self.stage.wallets(name)
        told = {holder: model.told(holder) for holder in model.balances.keys() | model.invented.keys()}
        _same(f"wallets of {name}", balances, told, 0)
        _same(f"allowances of {name}", allowances, model.allowances, 0)

    # ---- what rules choose from

    def token(self, name: str) -> Token:
        """The model of a token of the stage."""
        return self.book.tokens[self.stage.tokens[name].address]

    def oracle(self, market: str) -> Oracle:
        """The model of a market's oracle."""
        return self.book.oracles[self.stage.markets[market].oracle]

    def market_of(self, mandate: Mandate) -> str:
        """The name of a mandate's market."""
        return next(name for name, market in self.stage.markets.items() if market == mandate.market)

    def named(self, address: str) -> Account:
        """Who it is."""
        return next(each for each in self.people.values() if each.address == address)

    def sign(self, signal: Signal, key: Account | None = None, **domain: Any) -> bytes:
        """Evidence of a signal; where nothing else is said, what its model's key signs for this contract."""
        where = {
            "registry": self.registry.address,
            "chain_id": self.chain.chain_id,
            "settlement": self.book.address,
        }
        signer = key or self.keys.get(signal.model, self.stage.desk.key)
        signed = self.notary.of_signal(signer, signal=signal, **(where | domain))
        self.evidence.append(signed)
        return signed

    def permit(
        self, owner: Account, token: str, amount: int, *, signer: Account | None = None, **terms: Any
    ) -> Permit:
        """A permit for the contract to take an owner's tokens; any of its terms may be another."""
        held = self.token(token)
        sound = {
            "token": held.address,
            "name": held.title,
            "chain_id": self.chain.chain_id,
            "spender": self.book.address,
            "nonce": held.nonces[owner.address],
            "deadline": self.book.now + 600,
        }
        return self.notary.of_permit(signer or owner, amount=amount, **(sound | terms))


def pick(options: Sequence[T], place: int) -> T:
    """One of the options, by any number."""
    return options[place % len(options)]


def _same(what: str, told: dict[Any, Any], wanted: dict[Any, Any], nothing: Any) -> None:
    """Compare two tables; what a table does not mention is `nothing`."""
    differing = {
        key: (told.get(key, nothing), wanted.get(key, nothing))
        for key in told.keys() | wanted.keys()
        if told.get(key, nothing) != wanted.get(key, nothing)
    }
    assert not differing, f"{what}: told and wanted differ at {differing}"
