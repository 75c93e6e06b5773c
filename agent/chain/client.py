"""The one place that talks to a chain: every call, every transaction and its receipt pass through here."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Self

from eth_account.signers.local import LocalAccount
from eth_utils import to_checksum_address
from web3 import HTTPProvider
from web3.providers.base import BaseProvider

from agent.chain.answers import Log, Reader, Receipt, Unlocked
from agent.chain.artifact import artifact, artifact_names
from agent.chain.decode import Decoder
from agent.chain.node import Node
from agent.errors import ChainError, Reverted, UsageError
from agent.settings import Settings

_FIRST_POLL_SECONDS, _LONGEST_POLL_SECONDS = 0.005, 1.0
_FEE_BLOCKS = 64  # the base fee can rise by 12.5 % a block; a cap of eight times it outlives a queue of a dozen

Announce = Callable[[str, int], None]


def unannounced(transaction: str, nonce: int) -> None:
    """Announce a transaction to nobody."""


def _bytes(answer: Any) -> bytes:
    if not (isinstance(answer, str) and answer.startswith("0x")):
        raise TypeError("not bytes")
    return bytes.fromhex(answer[2:])


def _list(answer: Any) -> list[Any]:
    if not isinstance(answer, list):
        raise TypeError("not a list")
    return answer


class Chain(Node):
    """A connection to one EVM chain.

    Parameters
    ----------
    provider
        Any synchronous web3 provider.
    settings
        Time limits.
    reader
        Reads errors and events; one that knows the package's own contracts unless another is given.
    on_close
        Called once by `close`, to stop what stands behind the provider.

    Attributes
    ----------
    chain_id, client
        What the node says of itself.
    gas_used
        Gas of all transactions sent through this connection.

    Raises
    ------
    ConnectionFailed
        If no node answers.
    """

    def __init__(
        self,
        provider: BaseProvider,
        *,
        settings: Settings,
        reader: Reader | None = None,
        on_close: Callable[[], None] = lambda: None,
    ) -> None:
        super().__init__(provider, reader or Decoder(artifact(name).abi for name in artifact_names()))
        self._settings = settings
        self._on_close = on_close
        self._sending = threading.Lock()
        self._nonces: dict[str, int] = {}
        self._fee: tuple[int, int] | None = None
        self._sent = 0
        self.gas_used = 0
        self.chain_id = self.quantity("eth_chainId")
        self.client = str(self.request("web3_clientVersion"))

    @classmethod
    def connect(cls, url: str, *, settings: Settings) -> Self:
        """Connect to a node by its HTTP address.

        Raises
        ------
        UsageError
            If the address is not one.
        ConnectionFailed
            If nothing answers there, or something that does not speak JSON-RPC.
        """
        if not url.startswith(("http://", "https://")):
            raise UsageError(f"{url!r} is not an address of a node.", cure="Give one like http://127.0.0.1:8545.")
        provider = HTTPProvider(
            url,
            request_kwargs={"timeout": settings.request_timeout},
            exception_retry_configuration=None,  # a request that failed is told, never repeated in silence
        )
        return cls(provider, settings=settings)

    def close(self) -> None:
        """Let go of the chain; a local one ends."""
        self._on_close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # ---- reading

    def call(
        self, to: str, data: bytes, *, sender: str | None = None, value: int = 0, block: str = "latest"
    ) -> bytes:
        """Call a contract without a transaction; `value` is in wei."""
        transaction = {"to": to, "data": "0x" + data.hex()}
        if sender is not None:
            transaction["from"] = sender
        if value:
            transaction["value"] = hex(value)
        answer = self.request("eth_call", transaction, block)
        with self.reading("eth_call"):
            return _bytes(answer)

    def logs(self, address: str | Sequence[str], *, first: int = 0, last: int | None = None) -> list[Log]:
        """Return the known events of one or more contracts, in order, blocks `first` to `last` inclusive."""
        found = self.request(
            "eth_getLogs",
            {
                "address": address if isinstance(address, str) else list(address),
                "fromBlock": hex(first),
                "toBlock": "latest" if last is None else hex(last),
            },
        )
        with self.reading("eth_getLogs"):
            return list(self._typed(_list(found)))

    @property
    def block_number(self) -> int:
        return self.quantity("eth_blockNumber")

    def time_of(self, block: int | str = "latest") -> int:
        """Timestamp of a block, unix seconds."""
        found = self.request("eth_getBlockByNumber", block if isinstance(block, str) else hex(block), False)
        with self.reading("eth_getBlockByNumber"):
            return int(found["timestamp"], 16)

    def require_contract(self, address: str, *, cure: str) -> None:
        """Raise ChainError where there is no code at an address."""
        if self.request("eth_getCode", address, "latest") in ("0x", "0x0"):
            raise ChainError(f"There is no contract at {address} on this chain.", cure=cure)

    def balance_of(self, address: str) -> int:
        """What an account can pay for gas with, in wei."""
        return self.quantity("eth_getBalance", address, "latest")

    # ---- transactions

    def send(
        self,
        account: LocalAccount | Unlocked,
        to: str | None,
        data: bytes,
        *,
        value: int = 0,
        gas: int | None = None,
        announce: Announce = unannounced,
    ) -> Receipt:
        """Sign a transaction, send it, wait for it, and return its receipt.

        Parameters
        ----------
        account
            Who signs and pays; the node itself signs for an `Unlocked` one.
        to
            The contract, or None to create one.
        data
            Call data, or creation code.
        value
            Wei to hand over.
        gas
            Gas limit. None asks the node for an estimate, which costs a local chain several calls.
        announce
            Called with the transaction's hash and nonce after it is signed and before it is sent.

        Raises
        ------
        Reverted
            If it was mined and reverted, or its estimate reverted.
        ChainError
            If it was not mined in time, or the node refused it.
        """
        with self._sending:
            if gas is None:
                wanted = {"from": account.address, "data": "0x" + data.hex(), "value": hex(value)}
                wanted |= {"to": to} if to else {}
                gas = self.quantity("eth_estimateGas", wanted) * 5 // 4
            nonce = self._nonces.get(account.address)
            if nonce is None:
                nonce = self.quantity("eth_getTransactionCount", account.address, "pending")
            transaction: dict[str, Any] = {
                "chainId": self.chain_id,
                "nonce": nonce,
                "gas": gas,
                "data": data,
                "value": value,
                **self._fees(),
            }
            if to is not None:
                transaction["to"] = to
            with self._forgets_the_nonce_if_it_fails(account.address):
                digest = self._submit(account, transaction, announce)
            self._nonces[account.address] = nonce + 1
            self._sent += 1
        return self._receipt(digest, account.address, to, data)

    def _submit(self, account: LocalAccount | Unlocked, transaction: Mapping[str, Any], announce: Announce) -> str:
        if isinstance(account, Unlocked):
            members = {key: hex(each) for key, each in transaction.items() if isinstance(each, int)}
            members |= {"from": account.address, "data": "0x" + transaction["data"].hex()}
            members |= {"to": transaction["to"]} if "to" in transaction else {}
            return self.request("eth_sendTransaction", members)
        signed = account.sign_transaction(transaction)
        announce("0x" + signed.hash.hex(), transaction["nonce"])
        return self.request("eth_sendRawTransaction", "0x" + signed.raw_transaction.hex())

    def deploy(self, account: LocalAccount, code: bytes) -> str:
        """Create a contract and return its address."""
        receipt = self.send(account, None, code)
        if receipt.contract is None:
            raise ChainError(
                f"The node's receipt of {receipt.transaction} names no contract.", cure="Use another node."
            )
        return receipt.contract

    def _receipt(self, digest: str, sender: str, to: str | None, data: bytes) -> Receipt:
        found = self._wait(digest)
        with self.reading("eth_getTransactionReceipt"):
            block, gas_used, status = (int(found[name], 16) for name in ("blockNumber", "gasUsed", "status"))
        self.gas_used += gas_used
        if status != 1:
            error = self._failure(found, sender, to, data)
            error.mined = (digest, block, gas_used)
            raise error
        created = found.get("contractAddress")
        return Receipt(
            transaction=digest,
            block=block,
            gas_used=gas_used,
            logs=tuple(self._typed(found["logs"])),
            contract=to_checksum_address(created) if created else None,
        )

    def _wait(self, digest: str) -> Mapping[str, Any]:
        deadline = time.monotonic() + self._settings.receipt_timeout
        pause = _FIRST_POLL_SECONDS
        while (found := self.request("eth_getTransactionReceipt", digest)) is None:
            if time.monotonic() > deadline:
                raise ChainError(
                    f"Transaction {digest} was not mined within {self._settings.receipt_timeout:g} s.",
                    cure="It may still be: look it up before sending anything again.",
                )
            time.sleep(pause)
            pause = min(2 * pause, _LONGEST_POLL_SECONDS)
        return found

    def _failure(self, found: Mapping[str, Any], sender: str, to: str | None, data: bytes) -> ChainError:
        """Why a mined transaction failed. Few nodes keep the reason, so the call is made again where it stood."""
        digest, block = found["transactionHash"], int(found["blockNumber"], 16)
        if reason := found.get("revertReason"):
            return self._reader.error(bytes.fromhex(reason[2:]))
        if to is not None:
            try:
                self.call(to, data, sender=sender, block=hex(block - 1))
            except Reverted as error:
                return error
        return ChainError(
            f"Transaction {digest} was mined in block {block} and failed, for a reason the node does not give.",
            cure="It may have run out of gas, or its outcome depends on the block's time.",
        )

    @contextmanager
    def _forgets_the_nonce_if_it_fails(self, address: str) -> Iterator[None]:
        try:
            yield
        except ChainError:
            self._nonces.pop(address, None)
            raise

    def _fees(self) -> dict[str, int]:
        if self._fee is None or self._sent - self._fee[0] >= _FEE_BLOCKS:
            price = self.quantity("eth_gasPrice")
            self._fee = (self._sent, price)
        tip = min(self._fee[1], 10**9)
        return {"maxFeePerGas": 8 * self._fee[1] + tip, "maxPriorityFeePerGas": tip}

    # ---- time and state, on development chains, which let them be set

    def set_next_time(self, timestamp: int) -> None:
        """Give the next block this timestamp (unix seconds)."""
        self.request("evm_setNextBlockTimestamp", hex(timestamp))

    def snapshot(self) -> str:
        """Remember the chain as it is; return the id by which `revert` comes back to it."""
        return self.request("evm_snapshot")

    def revert(self, snapshot: str) -> None:
        """Come back to a snapshot, which is used up by that, together with all that were taken after it.

        Raises
        ------
        ChainError
            If there is no such snapshot (any more).
        """
        if self.request("evm_revert", snapshot) is not True:
            raise ChainError(
                f"The chain has no snapshot {snapshot!r}.", cure="Each can be used once: take another."
            )
        self._nonces.clear()
        self._fee = None

    @contextmanager
    def undone(self) -> Iterator[Self]:
        """Undo, on leaving, all that happens on the chain inside the ``with`` block."""
        snapshot = self.snapshot()
        try:
            yield self
        finally:
            self.revert(snapshot)

    # ---- decoding

    def _typed(self, logs: Sequence[Mapping[str, Any]]) -> Iterator[Log]:
        for log in logs:
            if event := self._reader.event(log):
                yield Log(
                    address=to_checksum_address(log["address"]),
                    event=event,
                    block=int(log["blockNumber"], 16),
                    transaction=log["transactionHash"],
                )
