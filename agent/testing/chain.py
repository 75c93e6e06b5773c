"""Authority on the chain that tests use: in process, with time travel, impersonation, and failures that name their line."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from eth_account.signers.local import LocalAccount
from eth_utils import is_address, to_canonical_address, to_checksum_address

from agent.chain.answers import Receipt, Unlocked
from agent.chain.client import Announce, Chain, unannounced
from agent.chain.local import LocalChain
from agent.chain.node import RpcFault
from agent.chain.rpc.codec import read_block, read_request
from agent.chain.rpc.evm import Genesis
from agent.chain.rpc.trace import Frame, Rerun
from agent.errors import ChainError, CompilerMissing, OutOfGas, Reverted, UsageError
from agent.settings import DEVELOPMENT_MNEMONIC, Settings
from agent.testing.abi import whole
from agent.testing.accounts import Account, Prank
from agent.testing.failure import Explainer
from agent.testing.known import Abi, Known, Placed
from agent.testing.sources import Sources

START = 1_700_000_000
# What one transaction may use on a public network (EIP-7825). Only what is used is paid.
GAS = 1 << 24
_TIMES = 1 << 64  # as many as the header of a block has room for


class DevChain(Chain):
    """A chain of one's own: any address may send, time is what a test says, and what was done can be undone.

    Parameters
    ----------
    on_receipt
        Called with every receipt, the address sent to (None for a creation) and the data sent.

    Attributes
    ----------
    known
        The contracts on it, as far as they were deployed by name.
    accounts
        Ten funded accounts, the same as anvil's and hardhat's.
    sender
        Who sends what names no sender; the first account unless set.
    """

    def __init__(self, *, on_receipt: Callable[[Receipt, str | None, bytes], None] = lambda *_: None) -> None:
        self.known = Known(self._further_abis)
        self._explainers: dict[Sources, Explainer] = {}
        self._on_receipt = on_receipt
        self._local = LocalChain(Genesis(time=START))
        self._kept: dict[str, tuple[Mapping[str, Placed], Account]] = {}
        self.accounts = tuple(map(Account, self._local.accounts))
        self.sender = self.accounts[0]
        super().__init__(
            self._local.provider(),
            # The local chain funds the development accounts, whatever the environment names.
            settings=Settings(mnemonic=DEVELOPMENT_MNEMONIC),
            reader=self.known,
            on_close=self._local.close,
        )

    # ---- time

    @property
    def now(self) -> int:
        """Timestamp of the last block, unix seconds."""
        return self.time_of()

    def travel(self, seconds: int | None = None, *, to: int | None = None) -> None:
        """Let time pass: mine a block `seconds` after the last one, or at the unix time `to`.

        Raises
        ------
        UsageError
            If not exactly one is given, it is no whole number, or the time would not be later than the last block's or
            more than a block can carry.
        """
        if (seconds is None) == (to is None):
            raise UsageError("travel takes either seconds or to.", cure="chain.travel(3600), say.")
        now = self.now
        then = now + whole(seconds, "seconds") if to is None else to
        if whole(then, "the time", below=_TIMES) <= now:
            raise UsageError(
                f"Time {then} is not later than the last block's, {now}.", cure="Time goes forward only."
            )
        self.set_next_time(then)
        self.mine()

    def mine(self, blocks: int = 1) -> None:
        """Mine empty blocks, a second apart."""
        self.request("anvil_mine", hex(whole(blocks, "blocks")))

    # ---- accounts

    def prank(self, address: str) -> Prank:
        """Return a sender for any address, a contract's too: ``sender=chain.prank(whale)``. It pays no gas.

        Also a context manager: ``with chain.prank(whale): ...``.
        """
        address = getattr(address, "address", address)
        if not is_address(address):
            raise UsageError(f"{address!r} is no address.", cure="Give 0x and 40 hex digits, or a contract.")
        address = to_checksum_address(address)
        self.request("anvil_impersonateAccount", address)
        return Prank(Unlocked(address)).on(self)

    def balance(self, address: str) -> int:
        """Wei that an address owns."""
        return int(self.request("eth_getBalance", getattr(address, "address", address), "latest"), 16)

    def transfer(self, to: str, value: int, *, sender: Account | None = None, data: bytes = b"") -> Receipt:
        """Send wei."""
        return self.send(sender or self.sender, getattr(to, "address", to), data, value=value)

    def storage(self, address: str) -> bytes:
        """Digest of all that a contract stores: two are the same only where every slot is."""
        wanted = to_canonical_address(getattr(address, "address", address))
        return self._local.ask(lambda evm: evm.storage_root(wanted, "latest"))

    # ---- calls and transactions

    def call(
        self, to: str, data: bytes, *, sender: str | None = None, value: int = 0, block: str = "latest"
    ) -> bytes:
        whole(value, "value")
        try:
            return super().call(to, data, sender=sender, value=value, block=block)
        except (Reverted, RpcFault) as error:
            asked = {"to": to, "data": "0x" + data.hex(), "value": hex(value)} | (
                {"from": sender} if sender else {}
            )
            raise self._placeable(_told(error), self._rerun_of_call(asked, block)) from None

    def send(
        self,
        account: LocalAccount | Unlocked | Account,
        to: str | None,
        data: bytes,
        *,
        value: int = 0,
        gas: int | None = None,
        announce: Announce = unannounced,
    ) -> Receipt:
        """Send a transaction as `Chain.send` does, at a gas limit that suffices: one that fails is mined too."""
        whole(value, "value")
        gas = GAS if gas is None else whole(gas, "gas", below=1 << 64)
        signer = account.signer if isinstance(account, Account) else account
        receipt = super().send(signer, to, data, value=value, gas=gas, announce=announce)
        self._on_receipt(receipt, to, data)
        return receipt

    def _failure(self, found: Mapping[str, Any], sender: str, to: str | None, data: bytes) -> ChainError:
        digest = bytes.fromhex(found["transactionHash"][2:])
        mined = self._local.ask(lambda evm: evm.history.transaction(digest))
        failure = mined.mined.failures[mined.index] if mined else None
        if failure is None or failure.is_revert:
            error: ChainError = self.known.error(failure.data if failure else b"")
        elif failure.out_of_gas:
            limit = mined.mined.block.transactions[mined.index].gas
            error = OutOfGas(
                f"The transaction failed: out of gas at its limit, {limit:,}.", cure="Give it more: gas=..."
            )
        else:
            error = ChainError(f"The transaction failed: {failure.problem}.")
        return self._placeable(error, self._local.ask(lambda evm: evm.rerun_of(digest)))

    def _rerun_of_call(self, asked: Mapping[str, str], block: str) -> Rerun:
        request, wanted = read_request(asked), read_block(block)
        return self._local.ask(lambda evm: Rerun(request, evm.header(wanted)))

    def _placeable(self, error: ChainError, rerun: Rerun | None) -> ChainError:
        """The error, which can now tell its place; working that out waits until somebody asks."""
        if rerun is not None:
            error.where = lambda: self._where(rerun)
        return error

    def _where(self, rerun: Rerun) -> str:
        told = (explain(rerun) for explain in self._explainers.values())
        return next(filter(None, told), "")

    def rerun(self, what: Rerun, *, gas: int | None = None, codes: Mapping[bytes, bytes] | None = None) -> Frame:
        """Execute something again and return what happened, even where the chain has gone back since."""
        return self._local.ask(lambda evm: evm.rerun(what, gas=gas or what.request.gas or GAS, codes=codes))

    def consult(self, sources: Sources) -> None:
        """Learn of sources, from which failures get their lines and rare events their names."""
        if sources not in self._explainers:
            self._explainers[sources] = Explainer(sources, self.rerun, self._source_of)

    def _source_of(self, address: bytes) -> str | None:
        placed = self.known.at("0x" + address.hex())
        return placed.artifact.source if placed else None

    def _further_abis(self) -> Iterator[Abi]:
        for sources in self._explainers:
            try:
                yield from sources.further_abis()
            except CompilerMissing:  # what they would name stays unknown, and shows as that
                return

    # ---- going back

    def snapshot(self) -> str:
        snapshot = super().snapshot()
        self._kept[snapshot] = self.known.remember(), self.sender
        return snapshot

    def revert(self, snapshot: str) -> None:
        super().revert(snapshot)
        placed, self.sender = self._kept[snapshot]
        self.known.restore(placed)
        # Those taken later went with it.
        self._kept = {taken: kept for taken, kept in self._kept.items() if int(taken, 16) < int(snapshot, 16)}


def _told(error: ChainError) -> ChainError:
    if isinstance(error, RpcFault) and "out of gas" in error.message.lower():
        return OutOfGas(f"The call {error.message}.", cure="Look for a loop without an end.")
    return error
