"""Every JSON-RPC method the node answers out of the box, by name."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from eth_abi.exceptions import EncodingError
from eth_account.messages import encode_defunct, encode_typed_data

from agent import __version__
from agent.chain.rpc import fees, logs
from agent.chain.rpc.codec import (
    data,
    quantity,
    read_address,
    read_block,
    read_data,
    read_flag,
    read_hash,
    read_list,
    read_object,
    read_quantity,
    read_request,
)
from agent.chain.rpc.errors import bad_params
from agent.chain.rpc.evm import Evm
from agent.chain.rpc.history import MinedBlock
from agent.chain.rpc.views import block_view, pending_view, receipt_view, transaction_view

Function = Callable[..., Any]

CLIENT_VERSION = f"patternsettle/{__version__}/eth-tester"

_MAX_MINED_AT_ONCE = 10_000


def methods(evm: Evm) -> dict[str, Function]:
    """Return the functions that answer each method, on one chain."""
    asked = logs.Logs(evm)
    parts = (Blocks(evm), Accounts(evm), Transactions(evm, asked), Development(evm, asked))
    return {name: function for part in parts for name, function in part.methods().items()}


class Blocks:
    """The chain and its blocks, receipts and fees."""

    def __init__(self, evm: Evm) -> None:
        self._evm = evm

    def methods(self) -> dict[str, Function]:
        return {
            "web3_clientVersion": lambda: CLIENT_VERSION,
            "net_version": lambda: str(self._evm.genesis.chain_id),
            "net_listening": lambda: True,
            "net_peerCount": lambda: quantity(0),
            "eth_chainId": lambda: quantity(self._evm.genesis.chain_id),
            "eth_syncing": lambda: False,
            "eth_blockNumber": lambda: quantity(self._evm.head.number),
            "eth_getBlockByNumber": self.by_number,
            "eth_getBlockByHash": self.by_hash,
            "eth_getTransactionByHash": self.transaction,
            "eth_getTransactionReceipt": self.receipt,
            "eth_getBlockReceipts": self.receipts,
            "eth_gasPrice": lambda: quantity(self._evm.base_fee + self._evm.tip),
            "eth_maxPriorityFeePerGas": lambda: quantity(self._evm.tip),
            "eth_feeHistory": self.fee_history,
        }

    def by_number(self, block: Any, full: Any = False) -> Any:
        wanted, whole = read_block(block), read_flag(full, "full")
        if wanted == "pending":
            return pending_view(self._evm.next_header())
        return self._view(self._evm.mined(wanted), whole)

    def by_hash(self, block_hash: Any, full: Any = False) -> Any:
        whole = read_flag(full, "full")
        return self._view(self._evm.mined(read_hash(block_hash)), whole)

    @staticmethod
    def _view(mined: MinedBlock | None, full: bool) -> Any:
        return None if mined is None else block_view(mined, full=full)

    def transaction(self, transaction_hash: Any) -> Any:
        found = self._evm.history.transaction(read_hash(transaction_hash))
        return None if found is None else transaction_view(found)

    def receipt(self, transaction_hash: Any) -> Any:
        found = self._evm.history.transaction(read_hash(transaction_hash))
        return None if found is None else receipt_view(found)

    def receipts(self, block: Any) -> Any:
        mined = self._evm.mined(read_block(block))
        if mined is None:
            return None
        hashes = [transaction.hash for transaction in mined.block.transactions]
        return [receipt_view(found) for each in hashes if (found := self._evm.history.transaction(each))]

    def fee_history(self, count: Any, newest: Any, percentiles: Any = None) -> Any:
        wanted = read_list([] if percentiles is None else percentiles, "rewardPercentiles")
        return fees.fee_history(self._evm, read_quantity(count, "blockCount"), read_block(newest), wanted)


class Accounts:
    """Balances, code, storage and nonces after a block; signatures of the unlocked accounts."""

    def __init__(self, evm: Evm) -> None:
        self._evm = evm

    def methods(self) -> dict[str, Function]:
        return {
            "eth_accounts": lambda: [data(address) for address in self._evm.addresses],
            "eth_getBalance": self.balance,
            "eth_getCode": self.code,
            "eth_getStorageAt": self.storage,
            "eth_getTransactionCount": self.nonce,
            "eth_sign": self.sign,
            "personal_sign": lambda message, address: self.sign(address, message),
            "eth_signTypedData": self.sign_typed,
            "eth_signTypedData_v4": self.sign_typed,
        }

    def balance(self, address: Any, block: Any = "latest") -> str:
        wanted = read_address(address)
        return quantity(self._evm.state(read_block(block)).get_balance(wanted))

    def code(self, address: Any, block: Any = "latest") -> str:
        wanted = read_address(address)
        return data(self._evm.state(read_block(block)).get_code(wanted))

    def storage(self, address: Any, slot: Any, block: Any = "latest") -> str:
        wanted, position = read_address(address), read_quantity(slot, "slot")
        return data(self._evm.state(read_block(block)).get_storage(wanted, position).to_bytes(32, "big"))

    def nonce(self, address: Any, block: Any = "latest") -> str:
        wanted = read_address(address)
        return quantity(self._evm.state(read_block(block)).get_nonce(wanted))

    def sign(self, address: Any, message: Any) -> str:
        account, signed = self._evm.account(read_address(address)), encode_defunct(read_data(message, "message"))
        return data(account.sign_message(signed).signature)

    def sign_typed(self, address: Any, typed: Any) -> str:
        account = self._evm.account(read_address(address))
        try:
            # Wallets are given the message as an object by some libraries, and as its JSON text by others.
            wanted = read_object(json.loads(typed) if isinstance(typed, str) else typed, "typed data")
            message = encode_typed_data(full_message=dict(wanted))
        except (ValueError, TypeError, KeyError, AttributeError, EncodingError) as error:
            raise bad_params(f"typed data cannot be encoded (EIP-712): {error}") from error
        return data(account.sign_message(message).signature)


class Transactions:
    """Calls, estimates and transactions; logs and filters."""

    def __init__(self, evm: Evm, asked: logs.Logs) -> None:
        self._evm = evm
        self._logs = asked

    def methods(self) -> dict[str, Function]:
        return {
            "eth_call": self.call,
            "eth_estimateGas": self.estimate,
            "eth_sendRawTransaction": self.send_raw,
            "eth_sendTransaction": self.send,
            "eth_getLogs": self.find_logs,
            "eth_newFilter": self.new_filter,
            "eth_newBlockFilter": lambda: self._logs.install("blocks"),
            "eth_newPendingTransactionFilter": lambda: self._logs.install("transactions"),
            "eth_uninstallFilter": lambda id_: self._logs.uninstall(read_quantity(id_, "filter id")),
            "eth_getFilterChanges": lambda id_: self._logs.changes(read_quantity(id_, "filter id")),
            "eth_getFilterLogs": lambda id_: self._logs.all(read_quantity(id_, "filter id")),
        }

    def call(self, transaction: Any, block: Any = "latest") -> str:
        return data(self._evm.call(read_request(transaction), read_block(block)))

    def estimate(self, transaction: Any, block: Any = "pending") -> str:
        return quantity(self._evm.estimate(read_request(transaction), read_block(block)))

    def send_raw(self, encoded: Any) -> str:
        return data(self._evm.send_raw(read_data(encoded, "transaction")))

    def send(self, transaction: Any) -> str:
        return data(self._evm.send_request(read_request(transaction)))

    def find_logs(self, criteria: Any) -> Any:
        return self._logs.find(logs.read_criteria(criteria))

    def new_filter(self, criteria: Any) -> str:
        return self._logs.install("logs", logs.read_criteria(criteria))


class Development:
    """Time, mining and snapshots: what only a chain of one's own can do, named as anvil and hardhat name it."""

    def __init__(self, evm: Evm, asked: logs.Logs) -> None:
        self._evm = evm
        self._logs = asked
        self._increased = 0

    def methods(self) -> dict[str, Function]:
        return {
            "evm_setNextBlockTimestamp": self.set_next_time,
            "evm_increaseTime": self.increase_time,
            "evm_mine": self.mine,
            "anvil_mine": self.mine_many,
            "hardhat_mine": self.mine_many,
            "anvil_impersonateAccount": self.impersonate,
            "hardhat_impersonateAccount": self.impersonate,
            "anvil_stopImpersonatingAccount": self.stop_impersonating,
            "hardhat_stopImpersonatingAccount": self.stop_impersonating,
            "evm_snapshot": lambda: quantity(self._evm.snapshot()),
            "evm_revert": self.revert,
        }

    def set_next_time(self, timestamp: Any) -> None:
        self._evm.set_next_time(read_quantity(timestamp, "timestamp"))

    def increase_time(self, seconds: Any) -> int:
        added = read_quantity(seconds, "seconds")
        self._evm.increase_time(added)
        self._increased += added
        return self._increased

    def mine(self, timestamp: Any = None) -> str:
        wanted = timestamp.get("timestamp") if isinstance(timestamp, dict) else timestamp
        if wanted is not None:
            self.set_next_time(wanted)
        self._evm.mine()
        return quantity(0)

    def mine_many(self, count: Any = "0x1", interval: Any = "0x1") -> None:
        blocks, seconds = read_quantity(count, "blocks"), read_quantity(interval, "interval")
        if blocks > _MAX_MINED_AT_ONCE:
            raise bad_params(f"{blocks} blocks at once are too many; mine at most {_MAX_MINED_AT_ONCE}")
        for mined in range(blocks):
            if mined and seconds > 1:
                self._evm.set_next_time(self._evm.head.time + seconds)
            self._evm.mine()

    def impersonate(self, address: Any) -> None:
        self._evm.impersonate(read_address(address))

    def stop_impersonating(self, address: Any) -> None:
        self._evm.impersonate(read_address(address), stop=True)

    def revert(self, snapshot_id: Any) -> bool:
        found = self._evm.revert(read_quantity(snapshot_id, "snapshot id"))
        self._logs.rewind()
        return found
