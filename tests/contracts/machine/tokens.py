"""Authority on tokens in the model: an ERC-20 as the standard has it, with permits, and one that changes its ways."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import IntEnum
from typing import Self

from agent.chain.values import Permit

from .answers import ZERO, Refusal
from .outside import Signers, joined

UNLIMITED = 2**256 - 1


class Mood(IntEnum):
    """The ways of a `ChameleonToken`, in the order of its enum."""

    HONEST = 0
    TAKES_FEE = 1
    GIVES_MORE = 2
    ANSWERS_FALSE = 3
    LIES = 4
    SHUNS = 5
    CALLS_BACK = 6
    INVENTS = 7


@dataclass
class Token:
    """What everyone holds of a token outside of the ledger, and lets whom take.

    Attributes
    ----------
    title
        Its name, which permits are bound to.
    invented
        What it says of holders beside their balances, and nobody can move.
    call_back
        What it does in the middle of a transfer, where it calls back.
    """

    address: str
    title: str
    balances: Counter[str] = field(default_factory=Counter)
    allowances: Counter[tuple[str, str]] = field(default_factory=Counter)
    nonces: Counter[str] = field(default_factory=Counter)
    invented: Counter[str] = field(default_factory=Counter)
    mood: Mood = Mood.HONEST
    shunned: str = ZERO
    call_back: Callable[[], None] = lambda: None

    def remember(self) -> Self:
        """A copy of what may change in a call."""
        return replace(
            self,
            balances=self.balances.copy(),
            allowances=self.allowances.copy(),
            nonces=self.nonces.copy(),
            invented=self.invented.copy(),
        )

    def restore(self, kept: Self) -> None:
        """Undo what a call did."""
        self.balances, self.allowances = kept.balances, kept.allowances
        self.nonces, self.invented = kept.nonces, kept.invented

    def told(self, holder: str) -> int:
        """What it says that somebody holds."""
        return min(UNLIMITED, self.balances[holder] + self.invented[holder])

    def transfer(self, sender: str, to: str, amount: int) -> bool:
        """Move the sender's own."""
        if self.mood in (Mood.ANSWERS_FALSE, Mood.LIES):
            return self.mood is Mood.LIES
        self._move(sender, to, amount)
        return True

    def transfer_from(self, spender: str, holder: str, to: str, amount: int) -> bool:
        """Move what the holder lets the spender take."""
        if self.mood in (Mood.ANSWERS_FALSE, Mood.LIES):
            return self.mood is Mood.LIES
        if self.mood is Mood.INVENTS:
            self.invented[to] = min(UNLIMITED, self.invented[to] + amount)
            return True
        allowance = self.allowances[holder, spender]
        if allowance < amount:
            raise Refusal("ERC20InsufficientAllowance", spender=spender, allowance=allowance, needed=amount)
        if allowance != UNLIMITED:
            self.allowances[holder, spender] -= amount
        self._move(holder, to, amount)
        return True

    def approve(self, holder: str, spender: str, amount: int) -> None:
        """Let the spender take so much from now on."""
        self.allowances[holder, spender] = amount

    def permit(self, signers: Signers, owner: str, spender: str, permit: Permit, *, now: int) -> bool:
        """Let the spender take so much from now on, if the owner signed for it; return whether it did."""
        what = {
            "token": self.address,
            "name": self.title,
            "chain_id": signers.chain_id,
            "spender": spender,
            "amount": permit.amount,
            "nonce": self.nonces[owner],
            "deadline": permit.deadline,
        }
        if now > permit.deadline or not signers.notary.knows(joined(permit), owner, **what):
            return False
        self.nonces[owner] += 1
        self.approve(owner, spender, permit.amount)
        return True

    def _move(self, sender: str, to: str, amount: int) -> None:
        if to == ZERO:
            raise Refusal("ERC20InvalidReceiver", receiver=ZERO)
        if self.mood is Mood.SHUNS and self.shunned in (sender, to):
            raise Refusal("Shunned", account=self.shunned)
        balance = self.balances[sender]
        if balance < amount:
            raise Refusal("ERC20InsufficientBalance", sender=sender, balance=balance, needed=amount)
        self.balances[sender] -= amount
        self.balances[to] += amount
        if self.mood is Mood.TAKES_FEE:
            self.balances[to] -= amount // 100
        if self.mood is Mood.GIVES_MORE:
            self.balances[to] += 7
        if self.mood is Mood.CALLS_BACK:
            self.call_back()
