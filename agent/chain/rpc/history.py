"""What was mined: every block with its receipts, found by number, by hash, or by a transaction's hash."""

from __future__ import annotations

from dataclasses import dataclass

from eth.abc import BlockAPI, BlockHeaderAPI, ReceiptAPI


@dataclass(frozen=True, slots=True)
class Failure:
    """Why an execution failed.

    Attributes
    ----------
    problem
        The EVM's words for it; ``revert`` where the contract itself said no.
    data
        What the contract said then, its revert data.
    out_of_gas
        Whether it failed for want of gas.
    """

    problem: str
    data: bytes
    out_of_gas: bool

    @property
    def is_revert(self) -> bool:
        return self.problem == "revert"


@dataclass(frozen=True, slots=True)
class MinedBlock:
    """A block and what its transactions left behind: one receipt each, and a failure where one failed."""

    block: BlockAPI
    receipts: tuple[ReceiptAPI, ...] = ()
    failures: tuple[Failure | None, ...] = ()

    @property
    def header(self) -> BlockHeaderAPI:
        return self.block.header

    @property
    def number(self) -> int:
        return self.block.header.block_number

    @property
    def hash(self) -> bytes:
        return self.block.header.hash

    @property
    def time(self) -> int:
        """Timestamp in unix seconds."""
        return self.block.header.timestamp


@dataclass(frozen=True, slots=True)
class MinedTransaction:
    """A transaction, by its place in a block."""

    mined: MinedBlock
    index: int


class History:
    """The chain's blocks from genesis on, without gaps and without forks."""

    def __init__(self, genesis: MinedBlock) -> None:
        self._blocks: list[MinedBlock] = []
        self._numbers: dict[bytes, int] = {}
        self._transactions: dict[bytes, MinedTransaction] = {}
        self.append(genesis)

    @property
    def head(self) -> MinedBlock:
        return self._blocks[-1]

    def append(self, mined: MinedBlock) -> None:
        """Add the block that follows the head."""
        self._numbers[mined.hash] = len(self._blocks)
        for index, transaction in enumerate(mined.block.transactions):
            self._transactions[transaction.hash] = MinedTransaction(mined, index)
        self._blocks.append(mined)

    def forget_after(self, number: int) -> None:
        """Drop every block later than `number`, as if it had never been mined."""
        for mined in self._blocks[number + 1 :]:
            del self._numbers[mined.hash]
            for transaction in mined.block.transactions:
                del self._transactions[transaction.hash]
        del self._blocks[number + 1 :]

    def at(self, number: int) -> MinedBlock | None:
        """Find a block by number."""
        return self._blocks[number] if 0 <= number < len(self._blocks) else None

    def between(self, first: int, last: int) -> list[MinedBlock]:
        """Return the blocks `first` to `last` inclusive, as far as they exist."""
        return self._blocks[max(first, 0) : max(last + 1, 0)]

    def by_hash(self, block_hash: bytes) -> MinedBlock | None:
        """Find a block by its hash."""
        number = self._numbers.get(block_hash)
        return None if number is None else self._blocks[number]

    def transaction(self, transaction_hash: bytes) -> MinedTransaction | None:
        """Find a transaction by its hash."""
        return self._transactions.get(transaction_hash)
