"""What gas cost in recent blocks, as ``eth_feeHistory`` tells it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from agent.chain.rpc.codec import BlockId, quantity, shown
from agent.chain.rpc.errors import bad_params, refused
from agent.chain.rpc.evm import Evm
from agent.chain.rpc.history import MinedBlock
from agent.chain.rpc.views import Json, effective_gas_price

_MAX_BLOCKS = 1024


def fee_history(evm: Evm, count: int, newest: BlockId, percentiles: Sequence[Any]) -> Json:
    """Return base fees, how full blocks were, and the tips they paid.

    Parameters
    ----------
    evm
        The chain.
    count
        How many blocks, at most 1024.
    newest
        The last of them; the pending one counts as the latest.
    percentiles
        Which tips of each block are wanted, 0 to 100 ascending, weighted by gas.

    Raises
    ------
    RpcError
        If there is no such block, or the count or the percentiles are out of range.
    """
    if not 1 <= count <= _MAX_BLOCKS:
        raise bad_params(f"blockCount must be 1 to {_MAX_BLOCKS}, not {count}")
    wanted = [_percentile(value) for value in percentiles]
    if wanted != sorted(wanted):
        raise bad_params("rewardPercentiles must ascend")
    last = evm.mined("latest" if newest == "pending" else newest)
    if last is None:
        raise refused("header not found")
    blocks = evm.history.between(last.number - count + 1, last.number)
    after = evm.history.at(last.number + 1)
    next_header = evm.next_header() if after is None else after.header
    headers = [mined.header for mined in blocks]
    answer: Json = {
        "oldestBlock": quantity(blocks[0].number),
        "baseFeePerGas": [quantity(header.base_fee_per_gas) for header in (*headers, next_header)],
        "gasUsedRatio": [header.gas_used / header.gas_limit for header in headers],
        "baseFeePerBlobGas": [quantity(1)] * (len(headers) + 1),
        "blobGasUsedRatio": [0.0] * len(headers),
    }
    return answer | {"reward": [_rewards(mined, wanted) for mined in blocks]} if wanted else answer


def _percentile(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 100:
        raise bad_params(f"rewardPercentiles must be numbers from 0 to 100, not {shown(value)}")
    return float(value)


def _rewards(mined: MinedBlock, percentiles: Sequence[float]) -> list[str]:
    """Return the tip paid at each percentile of the block's gas."""
    base_fee, before = mined.header.base_fee_per_gas, 0
    paid: list[tuple[int, int]] = []
    for transaction, receipt in zip(mined.block.transactions, mined.receipts, strict=True):
        paid.append((effective_gas_price(transaction, mined.header) - base_fee, receipt.gas_used - before))
        before = receipt.gas_used
    paid.sort()
    return [quantity(_at_share(paid, mined.header.gas_used * percentile / 100)) for percentile in percentiles]


def _at_share(paid: Sequence[tuple[int, int]], gas: float) -> int:
    reached = 0
    for tip, used in paid:
        reached += used
        if reached >= gas:
            return tip
    return 0
