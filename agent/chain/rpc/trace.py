"""Running something again to see where it failed: every contract entered, every instruction taken, nothing kept."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Self

from eth.abc import (
    BlockHeaderAPI,
    ComputationAPI,
    MessageAPI,
    StateAPI,
    TransactionContextAPI,
)
from eth.chains.base import MiningChain
from eth.exceptions import OutOfGas, Revert
from eth.vm.code_stream import CodeStream

from agent.chain.rpc.admission import ACCESS_LIST, SET_CODE, type_of
from agent.chain.rpc.codec import Request
from agent.chain.rpc.history import Failure, MinedBlock

# Of a frame only its last steps matter, and a loop that burns all gas takes millions.
_STEPS_KEPT = 50_000


@dataclass(frozen=True)
class Frame:
    """One contract's part in an execution.

    Attributes
    ----------
    address
        Whose code ran, 20 bytes; of a creation, the address the contract would have had.
    code
        The code that ran; of a creation, with the constructor's arguments behind it.
    creates
        Whether it was a creation.
    data
        What it was called with.
    steps
        Program counters of its last instructions, in the order they were executed.
    failure
        Why it failed; None where it did not.
    calls
        The contracts it entered, in order.
    """

    address: bytes
    code: bytes
    creates: bool
    data: bytes
    steps: tuple[int, ...]
    failure: Failure | None
    calls: tuple[Frame, ...]

    @classmethod
    def of(cls, computation: ComputationAPI) -> Self:
        """Read a computation that `traced_state` recorded."""
        message = computation.msg
        return cls(
            address=message.storage_address if message.is_create else message.code_address,
            code=message.code,
            creates=message.is_create,
            data=message.data,
            steps=tuple(computation.code.steps),
            failure=failure_of(computation),
            calls=tuple(map(cls.of, computation.children)),
        )

    def walk(self) -> Iterator[Self]:
        """This frame and all within it."""
        yield self
        for call in self.calls:
            yield from call.walk()


def failure_of(computation: ComputationAPI) -> Failure | None:
    """Why a computation failed; None where it did not."""
    if not computation.is_error:
        return None
    error = computation.error
    problem = "revert" if isinstance(error, Revert) else str(error) or type(error).__name__
    return Failure(problem, computation.output, isinstance(error, OutOfGas))


@dataclass(frozen=True)
class Rerun:
    """What is needed to execute something again, whatever became of the chain since.

    Attributes
    ----------
    request
        What was asked for; `gas` is the limit it had.
    header
        The block it ran on, with the state as it was before.
    """

    request: Request
    header: BlockHeaderAPI

    @classmethod
    def of(cls, mined: MinedBlock, parent: MinedBlock) -> Self | None:
        """Of the first transaction of a block; None for one that also sets code (EIP-7702), which no request can."""
        transaction = mined.block.transactions[0]
        if type_of(transaction) == SET_CODE:
            return None
        request = Request(
            sender=transaction.sender,
            to=transaction.to,
            value=transaction.value,
            data=transaction.data,
            gas=transaction.gas,
            gas_price=mined.header.base_fee_per_gas,
            max_fee=None,
            max_priority_fee=None,
            nonce=transaction.nonce,
            chain_id=None,
            access_list=transaction.access_list if type_of(transaction) >= ACCESS_LIST else None,
        )
        return cls(request, mined.header.copy(state_root=parent.header.state_root))


def traced_state(chain: MiningChain, header: BlockHeaderAPI, codes: Mapping[bytes, bytes]) -> StateAPI:
    """Return the state a block runs on, executing so that `Frame.of` can read what happened.

    Parameters
    ----------
    chain
        The chain; it never sees what happens to the returned state.
    header
        The block, with the state root from which to start.
    codes
        Code that takes the place of what lies at an address.
    """
    vm = chain.get_vm(at_header=header)
    state_class = vm.get_state_class()
    recording = state_class.configure(computation_class=_recording(state_class.computation_class))
    vm_class = type(vm).configure(_state_class=recording)
    state = vm_class.build_state(vm.chaindb.db, header, vm.chain_context, vm.previous_hashes)
    for address, code in codes.items():
        state.set_code(address, code)
    return state


class _Steps(CodeStream):
    """Code that remembers which of its instructions were taken."""

    def __init__(self, code: bytes) -> None:
        super().__init__(code)
        self.steps: deque[int] = deque(maxlen=_STEPS_KEPT)

    def __iter__(self) -> Iterator[int]:
        remember: Callable[[int], None] = self.steps.append
        for opcode in super().__iter__():
            remember(self.program_counter - 1)
            yield opcode


def _recording(computation_class: type[ComputationAPI]) -> type[ComputationAPI]:
    class Recording(computation_class):
        def __init__(self, state: StateAPI, message: MessageAPI, context: TransactionContextAPI) -> None:
            super().__init__(state, message, context)
            self.code = _Steps(message.code)

    return Recording
