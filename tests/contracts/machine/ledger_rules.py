"""Rules for the ledger: tokens in and out, and leave to use them."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from agent.chain.contracts import TokenContract
from agent.chain.values import Permit

from .answers import ZERO, Answer
from .draws import (
    ANYBODY,
    DEPOSITED,
    DEPOSITOR,
    FOR_WHOM,
    HONEST_TOKEN,
    MILLION,
    PART,
    PART_OR_MORE,
    PERMIT_TRICK,
    PERMITTED,
    RECEIVER,
    TOKEN,
    TRADER,
)
from .outside import joined, malleated
from .steps import Call, Steps
from .tokens import UNLIMITED, Mood


class LedgerRules(Steps):
    """Everybody deposits, withdraws, and lets others act."""

    all_could_leave = False

    @rule(who=DEPOSITOR, token=DEPOSITED, part=PART_OR_MORE, for_whom=FOR_WHOM)
    def deposit(self, who: str, token: str, part: int, for_whom: str | None) -> None:
        """What there is in the wallet, or more; of an address that is no token; without leave; for the zero address."""
        payer = self.people[who]
        address, amount = self.people["stranger"].address, part
        if token != "none":
            address = self.token(token).address
            amount = self.token(token).balances[payer.address] * part // MILLION
        account = ZERO if for_whom == "nobody" else self.people[for_whom or who].address
        self.call(payer, "deposit", address, amount, account)

    @rule(
        who=DEPOSITOR,
        by=st.none() | ANYBODY,
        token=PERMITTED,
        part=PART_OR_MORE,
        wait=st.sampled_from([600, 600, 1, 0, -1]),
        trick=PERMIT_TRICK,
    )
    def deposit_with_permit(self, who: str, by: str | None, token: str, part: int, wait: int, trick: str) -> None:
        """Sent by the owner or by anybody, in time or late; used up by somebody else before; or not signed like that."""
        owner, sender = self.people[who], self.people[by or who]
        if token == "none":
            nothing = (0, owner.address, 0, 0, b"\0" * 32, b"\0" * 32)
            self.call(sender, "depositWithPermit", owner.address, *nothing)
            return
        held = self.token(token)
        amount = min(held.balances[owner.address] * part // MILLION, UNLIMITED)
        signer = self.people["stranger"] if trick == "strangers" or who == "wallet" else owner
        permit = self.permit(
            owner,
            token,
            amount + (trick == "another amount"),
            signer=signer,
            chain_id=self.chain.chain_id + (trick == "another chain"),
            spender=self.people["operator"].address if trick == "another spender" else self.book.address,
            nonce=held.nonces[owner.address] + (trick == "another nonce"),
            deadline=self.book.now + 1 + wait + (trick == "used up"),
        )
        if trick == "malleated":
            other = malleated(joined(permit))
            permit = replace(permit, r=other[:32], s=other[32:64], v=other[64])
        if trick == "used up" and signer is owner:
            self._use_up(token, owner.address, permit)
        rest = (permit.deadline, permit.v, permit.r, permit.s)
        self.call(sender, "depositWithPermit", held.address, amount, owner.address, *rest)

    def _use_up(self, token: str, owner: str, permit: Permit) -> None:
        """A permit is public once it is sent: anybody may hand it to the token first."""
        held = self.token(token)
        arguments = (owner, self.book.address, permit.amount, permit.deadline, permit.v, permit.r, permit.s)

        def permitted() -> Answer:
            assert held.permit(self.book.signers, owner, self.book.address, permit, now=self.book.now)
            return Answer()

        contract = self.stage.tokens[token]
        self.perform(Call("permit", contract, self.people["stranger"], "permit", arguments), permitted)

    @rule(who=ANYBODY, token=TOKEN, part=PART_OR_MORE, receiver=RECEIVER)
    def withdraw(self, who: str, token: str, part: int, receiver: str | None) -> None:
        """Of what is in the ledger, or more; to the contract itself; to the zero address. Leaves most of the wealth where it can be traded."""
        person, held = self.people[who], self.token(token)
        balance = self.book.balances[person.address, held.address]
        amount = balance * part // MILLION if part > MILLION else balance * part // MILLION // 10
        nobodys = {"contract": self.book.address, "nobody": ZERO}
        to = nobodys[receiver] if receiver in nobodys else self.people[receiver or who].address
        self.call(person, "withdraw", held.address, amount, to)

    @rule(who=ANYBODY, operator=ANYBODY, allowed=st.sampled_from([True, True, True, False]))
    def authorize(self, who: str, operator: str, allowed: bool) -> None:
        self.call(self.people[who], "authorize", self.people[operator].address, allowed)

    @rule(who=TRADER, token=TOKEN, amount=st.sampled_from([0, 10**6, UNLIMITED, UNLIMITED]))
    def approve(self, who: str, token: str, amount: int) -> None:
        """Let the settlement contract take tokens from a wallet, or no longer."""
        person, model = self.people[who], self.token(token)

        def approved() -> Answer:
            model.approve(person.address, self.book.address, amount)
            return Answer()

        contract = self.stage.tokens[token]
        self.perform(Call("approve", contract, person, "approve", (self.book.address, amount)), approved)

    @rule(who=TRADER, token=HONEST_TOKEN, part=PART)
    def donate(self, who: str, token: str, part: int) -> None:
        """Tokens that come without a deposit are held, and owed to nobody."""
        person, model = self.people[who], self.token(token)
        amount = model.balances[person.address] * part // MILLION // 100

        def given() -> Answer:
            model.transfer(person.address, self.book.address, amount)
            self.given_away[model.address] += amount
            return Answer()

        contract = self.stage.tokens[token]
        self.perform(Call("donate", contract, person, "transfer", (self.book.address, amount)), given)

    @precondition(lambda self: not self.all_could_leave)
    @rule()
    def everybody_could_leave(self) -> None:
        """Whatever is broken, each can release all trades and withdraw all there is of tokens that behave; then nothing is owed."""
        with self.chain.undone():
            self._break_everything()
            balances = self._released()
            for token in ("base", "quote"):
                address = self.token(token).address
                for person in self.people.values():
                    if balance := balances[person.address, address]:
                        self.stage.settlement.send(person, "withdraw", address, balance, person.address)
                contract: TokenContract = self.stage.tokens[token]
                assert contract.balance_of(self.book.address) == self.given_away[address]
        self.all_could_leave = True
        self.tally.count("everybody could leave", True)

    def _released(self) -> Counter[tuple[str, str]]:
        """End every open trade; return what the ledger owes everybody then."""
        balances = self.book.balances.copy()
        for mandate in self.mandates:
            if mandate.id in self.book.holdings:
                token, amount = self.book.holdings[mandate.id]
                self.stage.settlement.release(self.named(mandate.owner), mandate)
                balances[mandate.owner, token] += amount
        return balances

    def _break_everything(self) -> None:
        """Dead oracles, mute sources, models revoked, mandates cancelled, a token that shuns the contract."""
        stage, someone = self.stage, self.people["publisher"]
        stage.oracle.send(someone, "burn")
        for puppet in (stage.other_oracle, stage.source, stage.other_source):
            puppet.send(someone, "say", b"", True)
        stage.feed.push(someone, 0)
        stage.chameleon.send(someone, "become", Mood.SHUNS, self.book.address, ZERO, b"")
        for model, publisher in self.registry.publishers.items():
            stage.registry.revoke(self.named(publisher), model)
        for mandate in self.mandates:
            stage.settlement.cancel(self.named(mandate.owner), mandate)
