"""What blocks, transactions, receipts and logs look like in JSON-RPC."""

from __future__ import annotations

from typing import Any

import rlp
from eth.abc import BlockHeaderAPI, LogAPI, SignedTransactionAPI
from eth_utils import keccak

from agent.chain.rpc.admission import ACCESS_LIST, DYNAMIC_FEE, LEGACY, SET_CODE, type_of
from agent.chain.rpc.codec import data, quantity
from agent.chain.rpc.history import MinedBlock, MinedTransaction

Json = dict[str, Any]

_BLOOM_BYTES = 256


def block_view(mined: MinedBlock, *, full: bool) -> Json:
    """Return a mined block, with whole transactions or with their hashes."""
    transactions: list[Any] = [
        transaction_view(MinedTransaction(mined, index)) if full else data(transaction.hash)
        for index, transaction in enumerate(mined.block.transactions)
    ]
    return _header_view(mined.header) | {
        "hash": data(mined.hash),
        "nonce": data(mined.header.nonce),
        "size": quantity(len(rlp.encode(mined.block))),
        "transactions": transactions,
    }


def pending_view(header: BlockHeaderAPI) -> Json:
    """Return the block to come: no hash yet, and no transactions, which are mined as they arrive."""
    return _header_view(header) | {"hash": None, "nonce": None, "size": quantity(0), "transactions": []}


def _header_view(header: BlockHeaderAPI) -> Json:
    return {
        "number": quantity(header.block_number),
        "parentHash": data(header.parent_hash),
        "sha3Uncles": data(header.uncles_hash),
        "logsBloom": _bloom(header.bloom),
        "transactionsRoot": data(header.transaction_root),
        "stateRoot": data(header.state_root),
        "receiptsRoot": data(header.receipt_root),
        "miner": data(header.coinbase),
        "difficulty": quantity(header.difficulty),
        "totalDifficulty": quantity(0),
        "extraData": data(header.extra_data),
        "gasLimit": quantity(header.gas_limit),
        "gasUsed": quantity(header.gas_used),
        "timestamp": quantity(header.timestamp),
        "mixHash": data(header.mix_hash),
        "baseFeePerGas": quantity(header.base_fee_per_gas),
        "withdrawalsRoot": data(header.withdrawals_root),
        "withdrawals": [],
        "blobGasUsed": quantity(header.blob_gas_used),
        "excessBlobGas": quantity(header.excess_blob_gas),
        "parentBeaconBlockRoot": data(header.parent_beacon_block_root),
        "requestsHash": data(header.requests_hash),
        "uncles": [],
    }


def transaction_view(found: MinedTransaction) -> Json:
    """Return a mined transaction."""
    mined, transaction = found.mined, found.mined.block.transactions[found.index]
    return {
        "type": quantity(type_of(transaction)),
        "hash": data(transaction.hash),
        "nonce": quantity(transaction.nonce),
        "blockHash": data(mined.hash),
        "blockNumber": quantity(mined.number),
        "transactionIndex": quantity(found.index),
        "from": data(transaction.sender),
        "to": data(transaction.to) if transaction.to else None,
        "value": quantity(transaction.value),
        "gas": quantity(transaction.gas),
        "gasPrice": quantity(effective_gas_price(transaction, mined.header)),
        "input": data(transaction.data),
        **_typed_fields(transaction),
        **_signature(transaction),
    }


def _typed_fields(transaction: SignedTransactionAPI) -> Json:
    kind = type_of(transaction)
    fields: Json = {}
    if transaction.chain_id is not None:
        fields["chainId"] = quantity(transaction.chain_id)
    if kind >= ACCESS_LIST:
        fields["accessList"] = [
            {"address": data(address), "storageKeys": [data(slot.to_bytes(32, "big")) for slot in slots]}
            for address, slots in transaction.access_list
        ]
    if kind >= DYNAMIC_FEE:
        fields["maxFeePerGas"] = quantity(transaction.max_fee_per_gas)
        fields["maxPriorityFeePerGas"] = quantity(transaction.max_priority_fee_per_gas)
    if kind == SET_CODE:
        fields["authorizationList"] = [
            {
                "chainId": quantity(entry.chain_id),
                "address": data(entry.address),
                "nonce": quantity(entry.nonce),
                "yParity": quantity(entry.y_parity),
                "r": quantity(entry.r),
                "s": quantity(entry.s),
            }
            for entry in transaction.authorization_list
        ]
    return fields


def _signature(transaction: SignedTransactionAPI) -> Json:
    signature = {"r": quantity(transaction.r), "s": quantity(transaction.s)}
    if type_of(transaction) == LEGACY:
        return signature | {"v": quantity(transaction.v)}
    parity = quantity(transaction.y_parity)
    return signature | {"v": parity, "yParity": parity}


def effective_gas_price(transaction: SignedTransactionAPI, header: BlockHeaderAPI) -> int:
    """Return what a transaction paid, wei per gas (EIP-1559; a legacy one bids its price as both caps)."""
    return min(transaction.max_fee_per_gas, transaction.max_priority_fee_per_gas + header.base_fee_per_gas)


def receipt_view(found: MinedTransaction) -> Json:
    """Return a transaction's receipt."""
    mined, transaction = found.mined, found.mined.block.transactions[found.index]
    receipt = mined.receipts[found.index]
    before = mined.receipts[found.index - 1].gas_used if found.index else 0
    failure = mined.failures[found.index]
    # Named as Hyperledger Besu names it; other nodes keep no reason.
    reason = {"revertReason": data(failure.data)} if failure and failure.is_revert else {}
    return reason | {
        "type": quantity(type_of(transaction)),
        "status": quantity(int.from_bytes(receipt.state_root, "big")),
        "transactionHash": data(transaction.hash),
        "transactionIndex": quantity(found.index),
        "blockHash": data(mined.hash),
        "blockNumber": quantity(mined.number),
        "from": data(transaction.sender),
        "to": data(transaction.to) if transaction.to else None,
        "contractAddress": None if transaction.to else data(created_by(transaction)),
        "cumulativeGasUsed": quantity(receipt.gas_used),
        "gasUsed": quantity(receipt.gas_used - before),
        "effectiveGasPrice": quantity(effective_gas_price(transaction, mined.header)),
        "logsBloom": _bloom(receipt.bloom),
        "logs": log_views(mined, found.index),
    }


def created_by(transaction: SignedTransactionAPI) -> bytes:
    """Return the address of the contract a transaction creates."""
    return keccak(rlp.encode([transaction.sender, transaction.nonce]))[12:]


def log_views(mined: MinedBlock, index: int) -> list[Json]:
    """Return the logs of one transaction of a block; log indices count through the block."""
    first = sum(len(receipt.logs) for receipt in mined.receipts[:index])
    return [_log_view(log, mined, index, first + offset) for offset, log in enumerate(mined.receipts[index].logs)]


def _log_view(log: LogAPI, mined: MinedBlock, index: int, log_index: int) -> Json:
    return {
        "address": data(log.address),
        "topics": [data(topic.to_bytes(32, "big")) for topic in log.topics],
        "data": data(log.data),
        "blockNumber": quantity(mined.number),
        "blockHash": data(mined.hash),
        "blockTimestamp": quantity(mined.time),
        "transactionHash": data(mined.block.transactions[index].hash),
        "transactionIndex": quantity(index),
        "logIndex": quantity(log_index),
        "removed": False,
    }


def _bloom(value: int) -> str:
    return data(value.to_bytes(_BLOOM_BYTES, "big"))
