"""Rules for what is outside of the contract: time, prices, models, and what stops behaving."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import rule

from agent.chain.contracts import Contract
from agent.chain.values import Mandate
from agent.testing.accounts import Account

from .answers import ZERO, Answer
from .criteria import LARGEST_BALANCE
from .draws import ANYBODY, CALL_BACK, JUMP, MARKET, MILLION, MOOD, PICK, SHRINKAGE, TRADER
from .outside import PuppetSource
from .stage import PRICE, priced
from .steps import Call, Steps, pick
from .tokens import UNLIMITED, Mood

# The feed counts in 8 decimals of whole tokens of 18 and 6 decimals.
FEED_UNIT = 10 ** (36 + 6 - 18 - 8)
USUAL_PRICES = (PRICE // 3, 3 * PRICE)


class WorldRules(Steps):
    """Time passes, prices jump, oracles die, sources fall silent, tokens change their ways."""

    @rule(seconds=st.sampled_from([1, 60, 600, 3_600, 90_000]))
    def travel(self, seconds: int) -> None:
        self.chain.travel(to=self.book.now + seconds)
        self.book.now += seconds
        self.tally.count("travel", True)

    @rule(market=MARKET, jump=JUMP)
    def price_jumps(self, market: str, jump: int) -> None:
        least, most = USUAL_PRICES
        self.quote(market, min(most, max(least, self.oracle(market).price * jump // MILLION)))

    def upset_oracle(self, market: str, price: int, age: int, words: int, mute: bool) -> None:
        """Let it revert, say too little, have no price or one beyond all bounds, or say a time of its own."""
        if market == "feed":
            self.quote(market, 0)
        else:
            self._puppet_says(market, "upset", price, self.book.now + 1 - age, words=words, mute=mute)

    def quote(self, market: str, price: int, *, at: int | None = None, ahead: bool = False) -> None:
        """Publish a price, as of the second in which that is done; a feed's is a multiple of its unit.

        A puppet may date it a second ahead: it is then valid to the second in which the next call is made.
        """
        if market != "feed":
            now = max(at or 0, self.book.now + 1)
            self._puppet_says(market, "quote", price, now + ahead, at=now)
            return
        oracle, answer = self.oracle(market), price // FEED_UNIT

        def published() -> Answer:
            oracle.price, oracle.updated_at = answer * FEED_UNIT, self.book.now
            return Answer()

        self._silently("quote", self.stage.feed, "push", (answer,), published, at=at)

    def _puppet_says(
        self,
        market: str,
        action: str,
        price: int,
        updated_at: int,
        *,
        words: int = 2,
        mute: bool = False,
        at: int | None = None,
    ) -> None:
        oracle = self.oracle(market)
        contract = self._oracle_of(market)

        def said() -> Answer:
            oracle.price, oracle.updated_at = price, updated_at
            oracle.dead, oracle.burns = mute or words < 2, False
            return Answer()

        answer = priced(price, updated_at)[: 32 * words]
        self._silently(action, contract, "say", (answer, mute), said, at=at)

    def _oracle_of(self, market: str) -> Contract:
        puppet: Contract = self.stage.oracle if market == "puppet" else self.stage.other_oracle
        return puppet

    def oracle_burns(self, market: str) -> None:
        """Let it take all the gas there is, until it is told what to say."""
        oracle = self.oracle(market)

        def burning() -> Answer:
            oracle.dead = oracle.burns = True
            return Answer()

        self._silently("upset", self._oracle_of(market), "burn", (), burning)

    def source_burns(self, name: str) -> None:
        """Let it take all the gas that it is given, until it is told what to say."""
        contract = self.stage.sources[name]
        source = self.book.sources[contract.address]
        assert isinstance(source, PuppetSource)

        def burning() -> Answer:
            source.mute = True
            return Answer()

        self._silently("upset", contract, "burn", (), burning)

    def upset_source(self, name: str, answer: bytes, mute: bool) -> None:
        """Let it say yes, no, something else, too much, too little, or nothing."""
        contract = self.stage.sources[name]
        source = self.book.sources[contract.address]
        assert isinstance(source, PuppetSource)

        def said() -> Answer:
            source.answer, source.mute = answer, mute
            return Answer()

        self._silently("upset", contract, "say", (answer, mute), said)

    @rule(mood=MOOD, whom=ANYBODY | st.just("contract"), again=CALL_BACK, who=TRADER, part=SHRINKAGE, place=PICK)
    def token_changes_its_ways(self, mood: Mood, whom: str, again: str, who: str, part: int, place: int) -> None:
        """It takes a fee, gives more, answers false, lies, shuns, calls back, or invents; and shrinks where it is held."""
        token, itself = self.token("chameleon"), self.people["chameleon"]
        shunned = self.book.address if whom == "contract" else self.people[whom].address
        inner = {
            "deposit": (token.address, 10**6, itself.address),
            "withdraw": (token.address, 10**6, itself.address),
            "authorize": (self.people["stranger"].address, bool(place % 2)),
            "cancel": ([pick(self.mandates, place), pick(self.mandates, place // 7)],),
            "release": (self._trade_of(itself, place),),
        }[again]
        data = self.stage.settlement.encode(again, *inner)

        def changed() -> Answer:
            token.mood, token.shunned = mood, shunned
            token.call_back = lambda: self._called_back(again, inner)
            return Answer()

        arguments = (mood, shunned, self.book.address, data)
        self._silently("upset", self.stage.chameleon, "become", arguments, changed)
        self._shrinks(part)
        person, other = self.people[who], self.people["filler"]
        amount = self._room(person, place) if mood is Mood.INVENTS else 10**9 + 99
        self.call(person, "deposit", token.address, amount, person.address)
        self.call(other, "withdraw", token.address, amount, other.address)
        permit = self.permit(person, "chameleon", amount)
        rest = (permit.deadline, permit.v, permit.r, permit.s)
        self.call(person, "depositWithPermit", token.address, amount, person.address, *rest)

    def _room(self, person: Account, place: int) -> int:
        """What lifts a balance of the token to the most that there may be; a unit more; as much as can be said."""
        room = max(0, LARGEST_BALANCE - self.book.balances[person.address, self.token("chameleon").address])
        return pick([room, room + 1, UNLIMITED, 10**30], place)

    def _trade_of(self, owner: Account, place: int) -> Mandate:
        """A mandate of an owner that has a trade open, if there is one."""
        own = [each for each in self.mandates if each.owner == owner.address and each.id in self.book.holdings]
        return pick(own or self.mandates, place)

    def _shrinks(self, part: int) -> None:
        """What the contract holds of the token becomes less by itself."""
        token = self.token("chameleon")
        amount = token.balances[self.book.address] * part // MILLION

        def shrunk() -> Answer:
            token.balances[self.book.address] -= amount
            return Answer()

        self._silently("upset", self.stage.chameleon, "shrink", (self.book.address, amount), shrunk)

    def _called_back(self, function: str, arguments: tuple[Any, ...]) -> None:
        succeeded = self.book.reenter(self.people["chameleon"].address, function, *arguments)
        self.tally.count("call back", succeeded)

    @rule(who=ANYBODY, artifact=st.sampled_from([b"\x12" * 32, b"\x14" * 32, b"\x15" * 32]), keyless=st.booleans())
    def register(self, who: str, artifact: bytes, keyless: bool) -> None:
        """Anybody registers a model; the first of these artifacts is registered by one of them already."""
        person, operator = self.people[who], self.people["operator"]
        key = ZERO if keyless and artifact != b"\x12" * 32 else operator.address

        def registered() -> Answer:
            answer = self.registry.register(person.address, artifact, key)
            self.keys[answer.values[0]] = operator
            return answer

        self.perform(Call("register", self.stage.registry, person, "register", (artifact, key)), registered)

    @rule(who=ANYBODY, place=PICK, own=st.booleans())
    def revoke(self, who: str, place: int, own: bool) -> None:
        """Its publisher revokes a model, mostly one of those that nobody's mandate names; or a stranger tries."""
        model = pick(list(self.registry.publishers), place)
        if own and model not in {mandate.model for mandate in self.mandates}:
            person = self.named(self.registry.publishers[model])
        else:
            person = self.people[who]

        def revoked() -> Answer:
            return self.registry.revoke(person.address, model)

        self.perform(Call("revoke", self.stage.registry, person, "revoke", (model,)), revoked)

    def _silently(
        self,
        action: str,
        contract: Contract,
        function: str,
        arguments: tuple[Any, ...],
        predict: Callable[[], Answer],
        *,
        at: int | None = None,
    ) -> None:
        self.perform(Call(action, contract, self.people["publisher"], function, arguments), predict, at=at)
