"""The local chain: one EVM, the one thread that owns it, and the doors through which others reach it.

>>> with LocalChain() as chain:
...     web3 = Web3(chain.provider())
...     web3.eth.chain_id
31337
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from typing import Any, Self, TypeVar

from eth_account.signers.local import LocalAccount

from agent.chain.rpc.dispatch import Dispatcher
from agent.chain.rpc.envelope import answer
from agent.chain.rpc.errors import INTERNAL_ERROR, SERVER_ERROR, RpcError
from agent.chain.rpc.evm import Evm, Genesis
from agent.chain.rpc.methods import methods
from agent.chain.rpc.provider import LocalProvider
from agent.errors import ChainError, PatternSettleError

T = TypeVar("T")

_log = logging.getLogger(__name__)


class LocalChain:
    """An in-memory chain for tests and demonstrations, safe to use from any number of threads.

    Parameters
    ----------
    genesis
        How the chain begins: its time, accounts, chain id and gas limit.
    now
        Source of the present time in unix seconds, `time.time` for a chain that lives in it. None: time moves only
        with blocks, one second each unless a block's time is set, so that the same requests give the same chain.

    Notes
    -----
    Each transaction is mined at once, in a block of its own. ``evm_setNextBlockTimestamp`` fixes the time of exactly
    the next block. A call or estimate against ``pending`` sees that block: its number and the time it will have. One
    against ``latest`` sees the last mined block's, as on any node, and web3 asks for ``latest`` unless told otherwise
    (``web3.eth.default_block = "pending"``). An estimate that names no block, and a transaction that leaves its gas
    open, look at ``pending``.

    A transaction that fails is mined with status 0 where its gas was given; where it was left open the estimate
    fails, and nothing is mined. Nothing is queued: a nonce ahead of its turn is refused.
    """

    def __init__(self, genesis: Genesis | None = None, *, now: Callable[[], float] | None = None) -> None:
        self._evm = Evm(genesis or Genesis(), now=now)
        self._dispatch = Dispatcher()
        for name, function in methods(self._evm).items():
            self._dispatch.register(name, function)
        self.accounts: tuple[LocalAccount, ...] = tuple(map(self._evm.account, self._evm.addresses))
        """The funded accounts with their keys, the same as anvil's and hardhat's."""
        self.chain_id: int = self._evm.genesis.chain_id
        # From here on nobody but this one thread touches the chain: py-evm is not thread-safe.
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="local-chain")
        self._owner = self._worker.submit(threading.current_thread).result()

    # ---- doors

    def provider(self) -> LocalProvider:
        """Return a web3 provider onto this chain, in process."""
        return LocalProvider(self)

    def answer(self, body: bytes) -> bytes | None:
        """Answer the text of a JSON-RPC request or batch; None where all of it were notifications.

        Raises
        ------
        ChainError
            If the chain is closed.
        """
        return answer(body, self.request)

    def request(self, method: str, params: Sequence[Any] = ()) -> Any:
        """Answer one JSON-RPC method.

        Parameters
        ----------
        method
            Such as ``eth_getBalance``.
        params
            JSON values, by position.

        Returns
        -------
        Any
            The result, a JSON value.

        Raises
        ------
        RpcError
            As a node's error answer: unknown method, wrong parameters, a revert, a refusal. A fault of the node's own
            is one of code -32603, and logged.
        ChainError
            If the chain is closed.
        """
        if self._is_mine():
            return self._dispatch(method, params)
        future = self._submit(self._dispatch, method, params)
        error = self._outcome(future)
        if error is None:
            return future.result()
        if isinstance(error, RpcError):
            raise error
        if isinstance(error, PatternSettleError):
            raise RpcError(SERVER_ERROR, str(error)) from error
        _log.error("%s failed: a fault of the local chain", method, exc_info=error)
        raise RpcError(INTERNAL_ERROR, f"internal error: {method}: {type(error).__name__}: {error}") from error

    # ---- extension

    def register(self, method: str, function: Callable[..., Any]) -> None:
        """Add a JSON-RPC method to this chain, at both doors.

        Parameters
        ----------
        method
            Its name; one already known is replaced.
        function
            Called with the request's parameters by position, on the thread that owns the chain; it may make requests
            itself. It returns what JSON can hold, or raises `RpcError` to answer with an error. Any other
            `PatternSettleError` is answered with code -32000.
        """
        self.run(lambda: self._dispatch.register(method, function))

    def run(self, function: Callable[[], T]) -> T:
        """Run something on the thread that owns the chain, with no other request between its own.

        Raises
        ------
        ChainError
            If the chain is closed; otherwise whatever the function raises.
        """
        if self._is_mine():
            return function()
        future = self._submit(function)
        error = self._outcome(future)
        if error is not None:
            raise error
        return future.result()

    def ask(self, function: Callable[[Evm], T]) -> T:
        """Run something with the chain itself, for what no JSON-RPC method gives; see `run`."""
        return self.run(lambda: function(self._evm))

    # ---- the thread

    def _is_mine(self) -> bool:
        # Not by the thread's number: once the owner has ended, another thread may be given the same.
        return threading.current_thread() is self._owner

    def _submit(self, function: Callable[..., T], *args: Any) -> Future[T]:
        try:
            return self._worker.submit(function, *args)
        except RuntimeError as error:
            raise _closed() from error

    @staticmethod
    def _outcome(future: Future[Any]) -> BaseException | None:
        try:
            return future.exception()
        except CancelledError as error:
            raise _closed() from error

    def close(self) -> None:
        """End the chain: what is running is finished, whoever waits behind it gets a `ChainError`."""
        self._worker.shutdown(wait=not self._is_mine(), cancel_futures=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _closed() -> ChainError:
    return ChainError("The local chain is closed.", cure="Start another, or keep this one open while it is used.")
