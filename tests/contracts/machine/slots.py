"""Authority on where the settlement contract stores what the model knows, so that one hash compares every slot of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache

import rlp
from eth_abi import encode
from eth_utils import keccak
from trie import HexaryTrie

from agent.chain.values import MandateState

from .book import Book

Read = Callable[[int], int]
MAPPINGS = 8  # more than the contract has


@dataclass(frozen=True)
class Places:
    """The slots of the contract's mappings."""

    balances: int
    authorized: int
    states: int
    trades: int

    @classmethod
    def found(cls, book: Book, read: Read) -> Places:
        """Look for them in a contract that stores something in each."""
        pairs, mandate = next(pair for pair, amount in book.balances.items() if amount), next(iter(book.trades))
        leave = next(pair for pair, allowed in book.authorized.items() if allowed)
        return cls(
            balances=_place(read, lambda place: _of_pair(place, *pairs), book.balances[pairs]),
            authorized=_place(read, lambda place: _of_pair(place, *leave), 1),
            states=_place(read, lambda place: _of_id(place, mandate), _packed(book.states[mandate])),
            trades=_place(read, lambda place: _of_id(place, mandate), _pair(*book.trades[mandate])),
        )

    def slots(self, book: Book) -> Iterator[tuple[int, int]]:
        """Every slot and its value, as the contract should store what the model knows."""
        for (account, token), amount in book.balances.items():
            yield _of_pair(self.balances, account, token), amount
        for (account, operator), allowed in book.authorized.items():
            yield _of_pair(self.authorized, account, operator), int(allowed)
        for mandate, state in book.states.items():
            yield _of_id(self.states, mandate), _packed(state)
        for mandate, trade in book.trades.items():
            yield _of_id(self.trades, mandate), _pair(*trade)


class Storage:
    """The contract's storage as the model would have it."""

    def __init__(self, places: Places) -> None:
        self._places = places
        self._stored: dict[int, int] = {}
        self._trie = HexaryTrie({}, prune=True)

    def root(self, book: Book) -> bytes:
        """The root of the storage of a contract that knows what the model knows, and nothing else."""
        wanted = {slot: value for slot, value in self._places.slots(book) if value}
        for slot, value in wanted.items() - self._stored.items():
            self._trie[_key(slot)] = rlp.encode(value)
        for slot in self._stored.keys() - wanted.keys():
            del self._trie[_key(slot)]
        self._stored = wanted
        return self._trie.root_hash


def _place(read: Read, slot: Callable[[int], int], value: int) -> int:
    (found,) = (place for place in range(MAPPINGS) if read(slot(place)) == value)
    return found


# ---- as the Solidity compiler lays things out


@cache
def _of_pair(place: int, outer: str, inner: str) -> int:
    return _slot(
        keccak(encode(["address", "bytes32"], [inner, keccak(encode(["address", "uint256"], [outer, place]))]))
    )


@cache
def _of_id(place: int, mandate: bytes) -> int:
    return _slot(keccak(encode(["bytes32", "uint256"], [mandate, place])))


def _packed(state: MandateState) -> int:
    parts = (
        (state.usable_from, 40),
        (state.changed_at, 40),
        (state.trading, 8),
        (state.cancelled, 8),
        (state.drawdown, 160),
    )
    return _joined(parts)


def _pair(given: int, taken: int) -> int:
    return _joined(((given, 128), (taken, 128)))


def _joined(parts: tuple[tuple[int, int], ...]) -> int:
    """Values side by side in one slot, the first lowest, each with its number of bits."""
    whole, shift = 0, 0
    for value, bits in parts:
        whole |= (value % 2**bits) << shift
        shift += bits
    return whole


def _slot(digest: bytes) -> int:
    return int.from_bytes(digest)


def _key(slot: int) -> bytes:
    return keccak(slot.to_bytes(32))
