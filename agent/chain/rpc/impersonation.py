"""Transactions that no key signed: how a chain of one's own runs them, in the name of any address and free of charge."""

from __future__ import annotations

from typing import Self

from eth.abc import SignedTransactionAPI, TransactionContextAPI
from eth.vm.forks.london.transactions import DynamicFeeTransaction, UnsignedDynamicFeeTransaction
from eth.vm.forks.prague import PragueState, PragueVM
from eth.vm.forks.prague.transactions import PragueTypedTransaction

from agent.chain.rpc.admission import DYNAMIC_FEE


class ClaimedTransaction(PragueTypedTransaction):
    """A transaction whose sender is claimed, where others prove theirs by a signature.

    In place of the signature it carries the sender's address, so that no two senders' transactions have one hash.
    """

    @classmethod
    def of(cls, unsigned: UnsignedDynamicFeeTransaction, sender: bytes) -> Self:
        """Return the transaction as `sender` would send it."""
        members = {name: getattr(unsigned, name) for name, _ in unsigned._meta.fields}
        claim = int.from_bytes(sender, "big")
        return cls(DYNAMIC_FEE, DynamicFeeTransaction(**members, y_parity=0, r=claim, s=1))

    def get_sender(self) -> bytes:
        """Return the claimed sender."""
        return self.r.to_bytes(20, "big")

    def check_signature_validity(self) -> None:
        """Find nothing wrong: there is no signature."""


class _State(PragueState):
    """Prague's rules, except that claimed transactions pay no fee: most addresses own no ether to pay it with."""

    def validate_transaction(self, transaction: SignedTransactionAPI) -> None:
        # What admission checks is all that a claimed transaction must be; this one asks for the fee besides.
        if not is_claimed(transaction):
            super().validate_transaction(transaction)

    def get_gas_price(self, transaction: SignedTransactionAPI) -> int:
        return 0 if is_claimed(transaction) else super().get_gas_price(transaction)

    def get_tip(self, transaction: SignedTransactionAPI) -> int:
        return 0 if is_claimed(transaction) else super().get_tip(transaction)

    def get_transaction_context(self, transaction: SignedTransactionAPI) -> TransactionContextAPI:
        if not is_claimed(transaction):
            return super().get_transaction_context(transaction)
        return self.get_transaction_context_class()(gas_price=0, origin=transaction.sender)


class LenientVM(PragueVM):
    """Prague's rules, and claimed transactions besides."""

    _state_class = _State


def is_claimed(transaction: SignedTransactionAPI) -> bool:
    """Whether the transaction's sender is claimed only."""
    return isinstance(transaction, ClaimedTransaction)
