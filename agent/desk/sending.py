"""The order in which a transaction is sent: the journal knows of it before the chain does, and learns what became of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from agent.chain.client import Announce, Receipt
from agent.desk import entries
from agent.desk.journal import Journal
from agent.errors import ChainError


def send(
    journal: Journal, purpose: str, do: Callable[[Announce], Receipt], *, mandates: Sequence[bytes] = ()
) -> Receipt:
    """Send a transaction, journalled first; then journal its outcome.

    Parameters
    ----------
    journal
        Where it is written.
    purpose
        What it is for: ``open``, ``close``, ``register``, ...
    do
        Sends it, and calls what it is given after signing and before sending.
    mandates
        Ids of the mandates it concerns.

    Raises
    ------
    ChainError
        If it failed; where it was mined, that is journalled.
    DeskError
        If the journal cannot take it; then it was not sent.
    """

    def announce(transaction: str, nonce: int) -> None:
        journal.append(
            entries.Sent(purpose=purpose, transaction=transaction, nonce=nonce, mandates=tuple(mandates))
        )

    try:
        receipt = do(announce)
    except ChainError as error:
        if error.mined is not None:
            transaction, block, gas_used = error.mined
            journal.append(
                entries.Outcome(
                    transaction=transaction, status=0, block=block, gas_used=gas_used, revert=str(error)
                )
            )
        raise
    journal.append(
        entries.Outcome(
            transaction=receipt.transaction,
            status=1,
            block=receipt.block,
            gas_used=receipt.gas_used,
            events=receipt.events,
        )
    )
    return receipt
