"""Which logs match a question, and what is new since a filter was last asked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from eth.abc import LogAPI

from agent.chain.rpc.codec import (
    BlockId,
    data,
    quantity,
    read_address,
    read_block,
    read_hash,
    read_list,
    read_object,
)
from agent.chain.rpc.errors import bad_params, refused
from agent.chain.rpc.evm import Evm
from agent.chain.rpc.history import MinedBlock
from agent.chain.rpc.views import Json, log_views

_MAX_TOPICS = 4


@dataclass(frozen=True, slots=True)
class Criteria:
    """Which logs are wanted.

    Attributes
    ----------
    first, last
        Blocks, inclusive.
    addresses
        Contracts, any where empty.
    topics
        For each position the accepted topics; any where empty.
    """

    first: BlockId
    last: BlockId
    addresses: frozenset[bytes]
    topics: tuple[frozenset[int], ...]

    def matches(self, log: LogAPI) -> bool:
        """Tell whether a log is wanted, its block aside."""
        if self.addresses and log.address not in self.addresses:
            return False
        if len(self.topics) > len(log.topics):
            return False
        return all(not wanted or topic in wanted for wanted, topic in zip(self.topics, log.topics, strict=False))


def read_criteria(value: Any) -> Criteria:
    """Read a filter object."""
    given = {key: item for key, item in read_object(value, "filter").items() if item is not None}
    first, last = read_block(given.get("fromBlock")), read_block(given.get("toBlock"))
    if "blockHash" in given:
        if "fromBlock" in given or "toBlock" in given:
            raise bad_params("filter has both blockHash and fromBlock or toBlock; give one kind")
        first = last = read_hash(given["blockHash"], "filter.blockHash")
    addresses = given.get("address", [])
    positions = read_list(given.get("topics", []), "filter.topics")
    if len(positions) > _MAX_TOPICS:
        raise bad_params(f"filter.topics has {len(positions)} positions; a log has at most {_MAX_TOPICS}")
    return Criteria(
        first,
        last,
        frozenset(read_address(item) for item in (addresses if isinstance(addresses, list) else [addresses])),
        tuple(_read_position(position) for position in positions),
    )


def _read_position(value: Any) -> frozenset[int]:
    accepted: Sequence[Any] = value if isinstance(value, list) else [value]
    if None in accepted:
        return frozenset()
    return frozenset(int.from_bytes(read_hash(item, "topic"), "big") for item in accepted)


@dataclass(slots=True)
class _Filter:
    kind: Literal["logs", "blocks", "transactions"]
    next_block: int
    criteria: Criteria | None = None


class Logs:
    """Answers questions about logs, and keeps the filters clients have installed.

    Parameters
    ----------
    evm
        The chain asked about.
    """

    def __init__(self, evm: Evm) -> None:
        self._evm = evm
        self._filters: dict[int, _Filter] = {}
        self._installed = 0

    def find(self, criteria: Criteria) -> list[Json]:
        """Return all wanted logs, oldest first; refuse a range that ends before it begins."""
        first, last = criteria.first, criteria.last
        if isinstance(first, bytes) and self._evm.mined(first) is None:
            raise refused("unknown block")
        if isinstance(first, int) and isinstance(last, int) and first > last:
            raise refused("invalid block range params: fromBlock is later than toBlock")
        return self._between(criteria, self._number(first), self._number(last))

    def _between(self, criteria: Criteria, first: int, last: int) -> list[Json]:
        blocks = self._evm.history.between(first, last)
        return [view for mined in blocks for view in _matching(mined, criteria)]

    def _number(self, block: BlockId) -> int:
        if isinstance(block, int):
            return block
        found = self._evm.mined(block)
        return self._evm.head.number + 1 if found is None else found.number

    # ---- filters

    def install(self, kind: Literal["logs", "blocks", "transactions"], criteria: Criteria | None = None) -> str:
        """Install a filter that tells what is new from now on, and return its id."""
        self._installed += 1
        self._filters[self._installed] = _Filter(kind, self._evm.head.number + 1, criteria)
        return quantity(self._installed)

    def uninstall(self, filter_id: int) -> bool:
        """Forget a filter; False where there is none such."""
        return self._filters.pop(filter_id, None) is not None

    def changes(self, filter_id: int) -> list[Any]:
        """Return what was mined since the filter was installed or last asked."""
        found = self._installed_filter(filter_id)
        first, last = found.next_block, self._evm.head.number
        found.next_block = last + 1
        if found.criteria is None:
            blocks = self._evm.history.between(first, last)
            if found.kind == "blocks":
                return [data(mined.hash) for mined in blocks]
            return [data(transaction.hash) for mined in blocks for transaction in mined.block.transactions]
        lower, upper = self._bounds(found.criteria)
        return self._between(found.criteria, max(first, lower), min(last, upper))

    def _bounds(self, criteria: Criteria) -> tuple[int, int]:
        """Return the blocks a log filter was limited to by number; tags mean from now on, without end."""
        first, last = criteria.first, criteria.last
        return (
            first if isinstance(first, int) else 0,
            last if isinstance(last, int) else self._evm.head.number,
        )

    def all(self, filter_id: int) -> list[Json]:
        """Return every log a log filter's criteria want, seen before or not."""
        found = self._installed_filter(filter_id)
        if found.criteria is None:
            raise refused("filter not found: it is not a filter of logs")
        return self.find(found.criteria)

    def rewind(self) -> None:
        """Let filters see anew what is mined after a return to a snapshot."""
        for found in self._filters.values():
            found.next_block = min(found.next_block, self._evm.head.number + 1)

    def _installed_filter(self, filter_id: int) -> _Filter:
        if filter_id not in self._filters:
            raise refused("filter not found")
        return self._filters[filter_id]


def _matching(mined: MinedBlock, criteria: Criteria) -> Iterator[Json]:
    for index, receipt in enumerate(mined.receipts):
        if any(criteria.matches(log) for log in receipt.logs):
            views = log_views(mined, index)
            yield from (view for view, log in zip(views, receipt.logs, strict=True) if criteria.matches(log))
