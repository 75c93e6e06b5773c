"""The chain itself: genesis, state, execution, mining, time and snapshots, on eth-tester's py-evm backend.

eth-tester supplies the genesis state and the chain's rules. Its front end (validation, normalisation and filters over
Python values) is left out: the node speaks JSON-RPC, and that layer takes longer than the EVM itself.

Block time
----------
A block carries the time set by `set_next_time`, else what `BlockClock` says. Execution sees the header of the block
it runs on: against ``latest`` that is the last mined block, its number and its timestamp; against ``pending`` it is the
block to come, one number higher, at the very time the next transaction will be mined with.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import rlp
from eth.abc import BlockHeaderAPI, ComputationAPI, SignedTransactionAPI, StateAPI
from eth.constants import BLANK_ROOT_HASH
from eth.exceptions import OutOfGas, Revert, VMError
from eth.rlp.accounts import Account as StateAccount
from eth.vm.spoof import SpoofTransaction
from eth_account import Account
from eth_account.signers.local import LocalAccount
from eth_keys.datatypes import PrivateKey
from eth_tester.backends.pyevm import PyEVMBackend
from eth_utils import ValidationError, keccak
from trie import HexaryTrie

from agent.chain.rpc import admission
from agent.chain.rpc.clock import BlockClock
from agent.chain.rpc.codec import BlockId, Request
from agent.chain.rpc.errors import bad_params, refused, reverted
from agent.chain.rpc.history import History, MinedBlock
from agent.chain.rpc.impersonation import ClaimedTransaction, LenientVM, is_claimed
from agent.chain.rpc.trace import Frame, Rerun, failure_of, traced_state
from agent.errors import ChainError

MNEMONIC = "test test test test test test test test test test test junk"
HD_PATH = "m/44'/60'/0'/0"

_TIP = 10**9
_CALL_STIPEND = 2_300
_ESTIMATE_TOLERANCE = 0.015  # of the estimate; the same that geth allows itself
_MAX_TIME = (1 << 64) - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Genesis:
    """How a chain begins.

    Attributes
    ----------
    time
        Timestamp of block 0 in unix seconds; None for the present.
    accounts
        How many accounts of the mnemonic are funded and unlocked.
    balance
        Wei each of them has.
    chain_id, gas_limit
        As anvil and hardhat have them, so that gas prices and signatures come out the same.
    """

    time: int | None = None
    accounts: int = 10
    balance: int = 10_000 * 10**18
    chain_id: int = 31337
    gas_limit: int = 30_000_000

    def __post_init__(self) -> None:
        if self.time is not None and not 0 <= self.time <= _MAX_TIME:
            raise ChainError(
                f"No block can carry the time {self.time}.", cure=f"Give unix seconds, 0 to {_MAX_TIME}."
            )


@dataclass(frozen=True, slots=True)
class _Snapshot:
    number: int
    clock: BlockClock


class Evm:
    """One chain, Prague rules, one block for each transaction. Not thread-safe.

    Parameters
    ----------
    genesis
        How it begins.
    now
        Source of the present time; see `BlockClock`.
    """

    def __init__(self, genesis: Genesis, *, now: Callable[[], float] | None = None) -> None:
        self.genesis = genesis
        self._clock = BlockClock(now)
        if now is not None and genesis.time is not None:
            self._clock = replace(self._clock, offset=genesis.time - int(now()))
        parameters = PyEVMBackend.generate_genesis_params(
            {
                "timestamp": int(time.time()) if genesis.time is None else genesis.time,
                "gas_limit": genesis.gas_limit,
            }
        )
        backend = PyEVMBackend.from_mnemonic(
            MNEMONIC,
            num_accounts=genesis.accounts,
            hd_path=HD_PATH,
            genesis_parameters=parameters,
            genesis_state_overrides={"balance": genesis.balance},
        )
        # eth-tester has no setting for the chain id; py-evm's chains are configured by class.
        chain_class = type(backend.chain).configure(chain_id=genesis.chain_id, vm_configuration=((0, LenientVM),))
        self._chain = chain_class(backend.chain.chaindb.db)
        self._builder = self._chain.get_transaction_builder()
        self._keys: dict[bytes, PrivateKey] = {
            key.public_key.to_canonical_address(): key for key in backend.account_keys
        }
        self._impersonated: frozenset[bytes] = frozenset()
        self.history = History(MinedBlock(self._chain.get_canonical_block_by_number(0)))
        self._snapshots: dict[int, _Snapshot] = {}
        self._taken = 0

    # ---- accounts and blocks

    @property
    def addresses(self) -> list[bytes]:
        """Addresses of the unlocked accounts."""
        return list(self._keys)

    def account(self, address: bytes) -> LocalAccount:
        """Return an unlocked account; refuse any other."""
        return Account.from_key(self._key(address).to_bytes())

    def _key(self, address: bytes) -> PrivateKey:
        if address not in self._keys:
            raise refused(f"unknown account 0x{address.hex()}: sign with its key and send the transaction raw")
        return self._keys[address]

    def impersonate(self, address: bytes, *, stop: bool = False) -> None:
        """Accept, or no longer, what `send_request` sends in the name of an address without its key."""
        self._impersonated = self._impersonated - {address} if stop else self._impersonated | {address}

    @property
    def head(self) -> MinedBlock:
        return self.history.head

    def mined(self, block: BlockId) -> MinedBlock | None:
        """Find a mined block; None where there is none such (yet), or where the pending one is meant."""
        if isinstance(block, bytes):
            return self.history.by_hash(block)
        if isinstance(block, int):
            return self.history.at(block)
        if block == "pending":
            return None
        return self.history.at(0) if block == "earliest" else self.head

    def header(self, block: BlockId) -> BlockHeaderAPI:
        """Return the header of a block, the pending one included; refuse one that does not exist."""
        if block == "pending":
            return self.next_header()
        found = self.mined(block)
        if found is None:
            raise refused("header not found")
        return found.header

    def next_header(self) -> BlockHeaderAPI:
        """Return the header of the block to come, on the state of the head."""
        return self._chain.create_header_from_parent(
            self.head.header, timestamp=self._clock.next(self.head.time), mix_hash=keccak(self.head.hash)
        )

    def state(self, block: BlockId) -> StateAPI:
        """Return the state after a block."""
        return self._chain.get_vm(at_header=self.header(block)).state

    def storage_root(self, address: bytes, block: BlockId) -> bytes:
        """Return the root of all that an account stores after a block; the same only where every slot is."""
        trie = HexaryTrie(self._chain.chaindb.db, self.header(block).state_root)
        encoded = trie.get(keccak(address))
        return rlp.decode(encoded, sedes=StateAccount).storage_root if encoded else BLANK_ROOT_HASH

    # ---- fees

    @property
    def tip(self) -> int:
        """Priority fee this node suggests, wei per gas."""
        return _TIP

    @property
    def base_fee(self) -> int:
        """Base fee of the block to come, wei per gas."""
        return self.next_header().base_fee_per_gas

    # ---- execution without a transaction

    def call(self, request: Request, block: BlockId) -> bytes:
        """Run a call on a block and return its output; nothing is kept."""
        header = self.header(block)
        gas = min(request.gas or header.gas_limit, header.gas_limit)
        computation = self._run(request, header, gas)
        _raise_if_failed(computation)
        return computation.output

    def estimate(self, request: Request, block: BlockId) -> int:
        """Return a gas limit that suffices for a transaction, as small as the rule for calls (EIP-150) lets it be."""
        header = self.header(block)
        limit = min(request.gas or header.gas_limit, header.gas_limit)
        computation = self._run(request, header, limit)
        if computation.is_error and isinstance(computation.error, OutOfGas):
            raise refused(f"gas required exceeds allowance ({limit})")
        _raise_if_failed(computation)
        _, transaction = self._spoofed(request, header, limit)
        used = max(admission.least_gas(transaction), limit - computation.get_gas_remaining())
        if not self._run(request, header, used).is_error:
            return used
        return self._search(request, header, used, limit)

    def _search(self, request: Request, header: BlockHeaderAPI, low: int, high: int) -> int:
        """Halve the range between a limit that fails and one that suffices."""
        guess = min((low + _CALL_STIPEND) * 64 // 63, high)
        while high - low > 1 and (high - low) / high > _ESTIMATE_TOLERANCE:
            if self._run(request, header, guess).is_error:
                low = guess
            else:
                high = guess
            guess = (low + high) // 2
        return high

    def _run(self, request: Request, header: BlockHeaderAPI, gas: int) -> ComputationAPI:
        """Execute a request free of charge; the state it writes is thrown away."""
        state, transaction = self._spoofed(request, header, gas)
        admission.refuse_unaffordable_value(request.value, state.get_balance(request.sender), request.sender)
        admission.refuse_gas(transaction, header)
        admission.refuse_code_size(transaction)
        return state.costless_execute_transaction(transaction)

    def rerun_of(self, transaction_hash: bytes) -> Rerun | None:
        """What `rerun` takes to execute a mined transaction again; None where that cannot be done."""
        found = self.history.transaction(transaction_hash)
        parent = self.history.at(found.mined.number - 1) if found else None
        return Rerun.of(found.mined, parent) if found and parent else None

    def rerun(self, what: Rerun, *, gas: int, codes: Mapping[bytes, bytes] | None = None) -> Frame:
        """Execute something again, free of charge, and return what happened; nothing is kept.

        Parameters
        ----------
        what
            From `rerun_of`, or a call with its block's header.
        gas
            Gas limit, which may be more than a block's.
        codes
            Code that takes the place of what lies at an address.
        """
        state = traced_state(self._chain, what.header.copy(base_fee_per_gas=0), codes or {})
        return Frame.of(state.costless_execute_transaction(self._unsigned(what.request, state, gas)))

    def _spoofed(self, request: Request, header: BlockHeaderAPI, gas: int) -> tuple[StateAPI, SpoofTransaction]:
        state = self._chain.get_vm(at_header=header.copy(base_fee_per_gas=0)).state
        return state, self._unsigned(request, state, gas)

    def _unsigned(self, request: Request, state: StateAPI, gas: int) -> SpoofTransaction:
        unsigned = self._builder.new_unsigned_access_list_transaction(
            chain_id=self.genesis.chain_id,
            nonce=state.get_nonce(request.sender),
            gas_price=request.gas_price or request.max_fee or 0,
            gas=gas,
            to=request.to,
            value=request.value,
            data=request.data,
            access_list=request.access_list or (),
        )
        return SpoofTransaction(unsigned, from_=request.sender)

    # ---- transactions

    def send(self, transaction: SignedTransactionAPI) -> bytes:
        """Mine a signed transaction in a block of its own and return its hash.

        One that reverts or runs out of gas is mined too, with status 0.

        Raises
        ------
        RpcError
            If it is not valid as the next transaction of its sender.
        """
        header = self.next_header()
        state = self._chain.get_vm(at_header=header).state
        admission.refuse_invalid(transaction, header, state, self.genesis.chain_id, free=is_claimed(transaction))
        self._mine(header, (transaction,))
        return transaction.hash

    def send_raw(self, encoded: bytes) -> bytes:
        """Mine a transaction as a wallet encodes it."""
        return self.send(admission.decoded(encoded, self._builder))

    def send_request(self, request: Request) -> bytes:
        """Fill in what a request leaves open, sign it with the sender's unlocked key, and mine it."""
        claimed = request.sender in self._impersonated
        key = None if claimed else self._key(request.sender)
        if request.chain_id not in (None, self.genesis.chain_id):
            raise bad_params(f"chainId does not match: have {request.chain_id}, want {self.genesis.chain_id}")
        nonce = self.state("pending").get_nonce(request.sender) if request.nonce is None else request.nonce
        gas = self.estimate(request, "pending") if request.gas is None else request.gas
        common = {"nonce": nonce, "gas": gas, "to": request.to, "value": request.value, "data": request.data}
        typed = common | {"chain_id": self.genesis.chain_id, "access_list": request.access_list or ()}
        if request.gas_price is None or key is None:
            tip = _TIP if request.max_priority_fee is None else request.max_priority_fee
            if request.max_priority_fee is None and request.max_fee is not None:
                tip = min(tip, request.max_fee)
            cap = 2 * self.base_fee + tip if request.max_fee is None else request.max_fee
            unsigned = self._builder.new_unsigned_dynamic_fee_transaction(
                **typed, max_fee_per_gas=cap, max_priority_fee_per_gas=tip
            )
        elif request.access_list is not None:
            unsigned = self._builder.new_unsigned_access_list_transaction(**typed, gas_price=request.gas_price)
        else:
            unsigned = self._builder.create_unsigned_transaction(**common, gas_price=request.gas_price)
        if key is None:
            return self.send(ClaimedTransaction.of(unsigned, request.sender))
        # By way of its encoding, because py-evm signs into the class of an older fork, which a block cannot hold.
        return self.send_raw(unsigned.as_signed_transaction(key, chain_id=self.genesis.chain_id).encode())

    def mine(self) -> None:
        """Mine an empty block."""
        self._mine(self.next_header(), ())

    def _mine(self, header: BlockHeaderAPI, transactions: tuple[SignedTransactionAPI, ...]) -> None:
        self._chain.header = header
        try:
            result, receipts, computations = self._chain.mine_all(transactions)
        except ValidationError as error:
            raise refused(f"invalid transaction: {error}") from error
        failures = tuple(map(failure_of, computations))
        self.history.append(MinedBlock(result.imported_block, tuple(receipts), failures))
        self._clock = self._clock.mined(header.timestamp)

    # ---- time and snapshots

    def set_next_time(self, timestamp: int) -> None:
        """Give the next block this timestamp, unix seconds."""
        if not self.head.time < timestamp <= _MAX_TIME:
            raise bad_params(f"timestamp {timestamp} is not later than the latest block's, {self.head.time}")
        self._clock = self._clock.set(timestamp)

    def increase_time(self, seconds: int) -> None:
        """Move the next block and those after it further on."""
        clock = self._clock.increase(seconds, self.head.time)
        if clock.next(self.head.time) > _MAX_TIME:
            raise bad_params(f"{seconds} seconds lead beyond the last time a block can carry")
        self._clock = clock

    def snapshot(self) -> int:
        """Remember the present state and time; return the id to come back by."""
        taken, self._taken = self._taken, self._taken + 1
        self._snapshots[taken] = _Snapshot(self.head.number, self._clock)
        return taken

    def revert(self, snapshot_id: int) -> bool:
        """Return to a snapshot, which is used up with all taken after it; False where there is no such snapshot."""
        if (snapshot := self._snapshots.get(snapshot_id)) is None:
            return False
        self._snapshots = {taken: kept for taken, kept in self._snapshots.items() if taken < snapshot_id}
        self.history.forget_after(snapshot.number)
        self._clock = snapshot.clock
        return True


def _raise_if_failed(computation: ComputationAPI) -> None:
    if not computation.is_error:
        return
    error: VMError = computation.error
    if isinstance(error, Revert):
        raise reverted(computation.output)
    words = str(error) or type(error).__name__
    raise refused(words[0].lower() + words[1:])
