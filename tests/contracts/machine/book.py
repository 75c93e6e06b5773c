"""Authority on the settlement contract in the model: its ledger, its mandates and every call, told from `ISettlement.sol`.

It shares no code with what it is a model of. What a call is expected to do is known before the call is made: its answer
and its events, or the error it is refused with; of each fill, the reason.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from agent.chain.events import (
    Authorized,
    Closed,
    Deposited,
    Event,
    MandateCancelled,
    MandateCreated,
    Opened,
    Presented,
    Refused,
    Released,
    Withdrawn,
)
from agent.chain.values import Barrier, Fill, Levels, Mandate, MandateState, Market, Permit, Reason, Signal

from . import criteria
from .answers import ZERO, Answer, Refusal
from .outside import Oracle, Signers, Source
from .tokens import Token

UNKNOWN = MandateState(0, 0, False, False, 0)


@dataclass
class Book:
    """What the settlement contract holds and knows.

    Attributes
    ----------
    address
        The contract's own.
    tokens, oracles, sources
        Everything it may ask, by address.
    signers
        Who signed what.
    now
        Timestamp of the block in which the next call is made.
    balances
        The ledger, by account and token.
    trades
        What each mandate's last trade gave and took.
    holdings
        What each open trade holds: a token, and how much of it.
    """

    address: str
    tokens: dict[str, Token]
    oracles: dict[str, Oracle]
    sources: dict[str, Source]
    signers: Signers
    now: int = 0
    balances: Counter[tuple[str, str]] = field(default_factory=Counter)
    authorized: dict[tuple[str, str], bool] = field(default_factory=dict)
    states: dict[bytes, MandateState] = field(default_factory=dict)
    trades: dict[bytes, tuple[int, int]] = field(default_factory=dict)
    holdings: dict[bytes, tuple[str, int]] = field(default_factory=dict)
    _log: list[Event] = field(default_factory=list)
    _heard: dict[str, bool] = field(default_factory=dict)
    _busy: bool = False
    _short: bool = False

    def call(self, caller: str, function: str, *arguments: Any, short: bool = False) -> Answer:
        """Make a call: the function by its name in Solidity. Where it is refused, nothing of it remains.

        Parameters
        ----------
        short
            Whether its gas, which suffices for the contract itself, does not let it pass 2,000,000 on to a source.
        """
        kept = self._remember()
        self._log, self._heard, self._short = [], {}, short
        try:
            values = self._run(caller, function, *arguments)
        except Refusal:
            self._restore(kept)
            raise
        finally:
            self._busy = self._short = False
        return Answer(values, tuple(self._log))

    def rehearse(self, caller: str, function: str, *arguments: Any) -> Answer:
        """What a call would answer; nothing of it remains."""
        kept = self._remember()
        answer = self.call(caller, function, *arguments)
        self._restore(kept)
        return answer

    def reenter(self, caller: str, function: str, *arguments: Any) -> bool:
        """Call from inside another call; return whether it succeeded. Where it did not, nothing of it remains."""
        kept, logged = self._remember(), len(self._log)
        try:
            self._run(caller, function, *arguments)
        except Refusal:
            self._restore(kept)
            del self._log[logged:]
            return False
        return True

    # ---- the ledger

    def deposit(self, caller: str, token: str, amount: int, on_behalf: str) -> tuple[int]:
        self._enter()
        if on_behalf == ZERO:
            raise Refusal("ZeroAddress")
        return self._deposit(token, amount, caller, on_behalf)

    def deposit_with_permit(
        self, caller: str, token: str, amount: int, owner: str, deadline: int, v: int, r: bytes, s: bytes
    ) -> tuple[int]:
        self._enter()
        if token not in self.tokens:
            raise Refusal("")
        held = self.tokens[token]
        permit = Permit(amount=amount, deadline=deadline, v=v, r=r, s=s)
        used = held.permit(self.signers, owner, self.address, permit, now=self.now)
        # The owner's own allowance is its own to use; anybody else acts on the permit alone.
        if not used and caller != owner:
            raise Refusal("PermitRefused", token=token, owner=owner)
        return self._deposit(token, amount, owner, owner)

    def withdraw(self, caller: str, token: str, amount: int, receiver: str) -> tuple[()]:
        self._enter()
        if receiver == ZERO:
            raise Refusal("ZeroAddress")
        balance = self.balances[caller, token]
        if balance < amount:
            raise Refusal("InsufficientBalance", account=caller, token=token, balance=balance, amount=amount)
        if token not in self.tokens:
            raise Refusal("SafeERC20FailedOperation", token=token)
        held = self.tokens[token]
        self.balances[caller, token] -= amount
        self._log.append(Withdrawn(caller, token, receiver, amount))
        self._moved(held, held.transfer(self.address, receiver, amount))
        self._busy = False
        return ()

    def authorize(self, caller: str, operator: str, allowed: bool) -> tuple[()]:
        self.authorized[caller, operator] = allowed
        self._log.append(Authorized(caller, operator, allowed))
        return ()

    # ---- mandates

    def create(self, caller: str, mandate: Mandate) -> tuple[bytes]:
        self._only_its_owner(mandate, caller)
        return self._lodge(mandate)

    def create_for(self, caller: str, mandate: Mandate, signature: bytes) -> tuple[bytes]:
        if not self.signers.signed(self.address, mandate, signature):
            raise Refusal("InvalidSignature", owner=mandate.owner)
        return self._lodge(mandate)

    def cancel(self, caller: str, mandates: Sequence[Mandate]) -> tuple[()]:
        for mandate in mandates:
            self._only_its_owner(mandate, caller)
            self.states[mandate.id] = replace(self.state_of(mandate.id), cancelled=True)
            self._log.append(MandateCancelled(mandate.id))
        return ()

    def release(self, caller: str, mandate: Mandate) -> tuple[int]:
        self._only_its_owner(mandate, caller)
        if mandate.id not in self.holdings:
            raise Refusal("NoOpenTrade", id=mandate.id)
        token, amount = self.holdings.pop(mandate.id)
        self.balances[caller, token] += amount
        self.states[mandate.id] = replace(self.states[mandate.id], changed_at=self.now, trading=False)
        self._log.append(Released(mandate.id, amount))
        return (amount,)

    def state_of(self, mandate_id: bytes) -> MandateState:
        return self.states.get(mandate_id, UNKNOWN)

    def levels_of(self, mandate: Mandate) -> Levels:
        """Where the open trade ends."""
        state = self.state_of(mandate.id)
        if not state.trading:
            raise Refusal("NoOpenTrade", id=mandate.id)
        return criteria.levels(mandate, self.trades[mandate.id], state.changed_at)

    def owed(self, token: str) -> int:
        """What is owed of a token: to everybody, and by the trades that hold it."""
        ledger = sum(amount for (_, of), amount in self.balances.items() if of == token)
        return ledger + sum(amount for of, amount in self.holdings.values() if of == token)

    # ---- settlement

    def open(self, caller: str, signal: Signal, evidence: bytes, fills: Sequence[Fill]) -> tuple[int]:
        self._log.append(Presented(signal.model, signal.market, signal))
        opened = 0
        for fill in fills:
            mandate, reason = fill.mandate, self._reason_to_open(caller, signal, evidence, fill)
            if reason is not Reason.NONE:
                self._log.append(Refused(mandate.id, reason))
                continue
            opened += 1
            self.balances[mandate.owner, mandate.given_token] -= fill.given
            self._move_filler(fill, mandate.given_token, mandate.taken_token)
            self.trades[mandate.id] = (fill.given, fill.taken)
            self.holdings[mandate.id] = (mandate.taken_token, fill.taken)
            self.states[mandate.id] = replace(
                self.states[mandate.id], usable_from=signal.bar_time + 1, changed_at=self.now, trading=True
            )
            self._log.append(Opened(mandate.id, fill.filler, fill.given, fill.taken, self._price(mandate.market)))
        return (opened,)

    def close(self, caller: str, market: Market, fills: Sequence[Fill]) -> tuple[int]:
        closed = 0
        for fill in fills:
            mandate = fill.mandate
            reason, barrier = self.reason_to_close(caller, market, fill)
            if reason is not Reason.NONE:
                self._log.append(Refused(mandate.id, reason))
                continue
            closed += 1
            del self.holdings[mandate.id]
            self._move_filler(fill, mandate.taken_token, mandate.given_token)
            self.balances[mandate.owner, mandate.given_token] += fill.taken
            state = self.states[mandate.id]
            drawdown = max(0, state.drawdown + self.trades[mandate.id][0] - fill.taken)
            self.states[mandate.id] = replace(state, changed_at=self.now, trading=False, drawdown=drawdown)
            price = self._price(mandate.market)
            self._log.append(Closed(mandate.id, fill.filler, fill.given, fill.taken, price, barrier))
        return (closed,)

    def reason_to_open(self, caller: str, signal: Signal, evidence: bytes, fill: Fill) -> Reason:
        """Why this fill would not open now, in a call of its own, NONE where it would; raises what `checkOpen` is refused with."""
        self._heard = {}
        return self._reason_to_open(caller, signal, evidence, fill)

    def _reason_to_open(self, caller: str, signal: Signal, evidence: bytes, fill: Fill) -> Reason:
        mandate, now = fill.mandate, self.now
        return (
            criteria.of_the_mandate(mandate, self.state_of(mandate.id), signal.bar_time, now)
            or criteria.of_the_signal(mandate, signal, now)
            or self._of_the_source(mandate, signal, evidence)
            or self._of_the_price(mandate)
            or criteria.of_the_bounds(mandate, self._price(mandate.market))
            or criteria.of_the_amounts(mandate, fill.given, fill.taken)
            or self._of_the_fill(
                caller,
                fill,
                gives=mandate.given_token,
                takes=mandate.taken_token,
                slippage_bps=criteria.slippage_at(mandate, signal.bar_time, now),
            )
            or criteria.first(
                (Reason.OWNER_BALANCE, self.balances[mandate.owner, mandate.given_token] < fill.given)
            )
        )

    def reason_to_close(self, caller: str, market: Market, fill: Fill) -> tuple[Reason, Barrier]:
        """Why this fill would not close now, NONE where it would; and the barrier, where it comes to that."""
        mandate, state = fill.mandate, self.state_of(fill.mandate.id)
        reason = criteria.first(
            (Reason.UNKNOWN_MANDATE, state.usable_from == 0),
            (Reason.WRONG_MARKET, mandate.market != market),
            (Reason.NO_TRADE, not state.trading),
        ) or self._of_the_price(mandate)
        if reason is not Reason.NONE:
            return reason, Barrier.NONE
        barrier = criteria.touched(mandate, self.levels_of(mandate), self._price(market), self.now)
        reason = criteria.first(
            (Reason.NO_BARRIER, barrier is Barrier.NONE),
            (Reason.AMOUNT_MISMATCH, fill.given != self.trades[mandate.id][1]),
        )
        return reason or self._of_the_fill(
            caller,
            fill,
            gives=mandate.taken_token,
            takes=mandate.given_token,
            slippage_bps=mandate.max_slippage_bps,
        ), barrier

    def _of_the_price(self, mandate: Mandate) -> Reason:
        oracle = self.oracles.get(mandate.market.oracle)
        if oracle is not None and oracle.burns:
            raise Refusal("TooLittleGas")
        return criteria.of_the_price(mandate, oracle, self.now)

    def _of_the_source(self, mandate: Mandate, signal: Signal, evidence: bytes) -> Reason:
        """What its source said when it was asked in this call, or says now."""
        if mandate.source not in self._heard:
            source = self.sources.get(mandate.source)
            # With more gas it might have answered.
            if self._short and source is not None and source.fails:
                raise Refusal("TooLittleGas")
            self._heard[mandate.source] = source is not None and source.vouches(self.address, signal, evidence)
        return Reason.NONE if self._heard[mandate.source] else Reason.NOT_VOUCHED

    def _of_the_fill(self, caller: str, fill: Fill, *, gives: str, takes: str, slippage_bps: int) -> Reason:
        mandate, filler = fill.mandate, fill.filler
        least = criteria.least_taken(
            fill.given,
            gives_base=gives == mandate.market.base,
            price=self._price(mandate.market),
            slippage_bps=slippage_bps,
        )
        return criteria.first(
            (Reason.SLIPPAGE, fill.taken < least),
            (Reason.WRONG_FILLER, mandate.filler not in (ZERO, filler)),
            (Reason.SELF_FILL, filler == mandate.owner),
            (Reason.FILLER_NOT_AUTHORIZED, not self.may_fill(caller, filler)),
            (Reason.FILLER_BALANCE, self.balances[filler, takes] < fill.taken),
        )

    def may_fill(self, caller: str, filler: str) -> bool:
        """Whether the caller may use the filler's balance."""
        return caller == filler or self.authorized.get((filler, caller), False)

    # ---- what calls are made of

    def _deposit(self, token: str, amount: int, payer: str, account: str) -> tuple[int]:
        if token not in self.tokens:
            raise Refusal("")
        held = self.tokens[token]
        before = held.told(self.address)
        self._moved(held, held.transfer_from(self.address, payer, self.address, amount))
        credited = min(amount, held.told(self.address) - before)
        balance = self.balances[account, token] + credited
        if balance > criteria.LARGEST_BALANCE:
            raise Refusal("BalanceTooLarge", account=account, token=token, balance=min(balance, 2**256 - 1))
        self.balances[account, token] = balance
        self._log.append(Deposited(account, token, payer, credited))
        self._busy = False
        return (credited,)

    def _lodge(self, mandate: Mandate) -> tuple[bytes]:
        if name := criteria.contradiction(mandate, self.now):
            raise Refusal("InvalidMandate", field=name)
        state = self.state_of(mandate.id)
        if state.usable_from:
            raise Refusal("MandateExists", id=mandate.id)
        if state.cancelled:
            raise Refusal("MandateIsCancelled", id=mandate.id)
        # A bar that closes in this very second was not known before the mandate was there.
        self.states[mandate.id] = replace(state, usable_from=self.now)
        self._log.append(MandateCreated(mandate.id, mandate.owner, mandate))
        return (mandate.id,)

    def _run(self, caller: str, function: str, *arguments: Any) -> tuple[Any, ...]:
        return getattr(self, _SNAKE.get(function, function))(caller, *arguments)

    def _enter(self) -> None:
        if self._busy:
            raise Refusal("ReentrancyGuardReentrantCall")
        self._busy = True

    def _moved(self, token: Token, answer: bool) -> None:
        if not answer:
            raise Refusal("SafeERC20FailedOperation", token=token.address)

    def _price(self, market: Market) -> int:
        return self.oracles[market.oracle].price

    def _move_filler(self, fill: Fill, give: str, take: str) -> None:
        """The filler receives what is given, and pays what is taken."""
        self.balances[fill.filler, give] += fill.given
        self.balances[fill.filler, take] -= fill.taken

    def _only_its_owner(self, mandate: Mandate, caller: str) -> None:
        if mandate.owner != caller:
            raise Refusal("NotOwner", owner=mandate.owner, caller=caller)

    def _remember(self) -> tuple[Any, ...]:
        books = [each.copy() for each in (self.balances, self.authorized, self.states, self.trades, self.holdings)]
        return books, {address: token.remember() for address, token in self.tokens.items()}

    def _restore(self, kept: tuple[Any, ...]) -> None:
        (self.balances, self.authorized, self.states, self.trades, self.holdings), tokens = kept
        for address, token in tokens.items():
            self.tokens[address].restore(token)


_SNAKE = {"createFor": "create_for", "depositWithPermit": "deposit_with_permit"}
