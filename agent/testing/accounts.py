"""Authority on accounts in tests: each is its own address, so that it stands wherever an address does."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from eth_account.signers.local import LocalAccount

from agent.chain.answers import Unlocked
from agent.errors import ChainError

if TYPE_CHECKING:
    from agent.testing.chain import DevChain


class Account(str):
    """An address that can send: a checksummed string, equal to what a contract returns for it.

    Attributes
    ----------
    signer
        Who signs for it.
    """

    signer: LocalAccount | Unlocked

    def __new__(cls, signer: LocalAccount | Unlocked) -> Self:
        account = super().__new__(cls, signer.address)
        account.signer = signer
        return account

    @property
    def address(self) -> str:
        """The address, as a plain string."""
        return str(self)

    @property
    def key(self) -> bytes:
        """The private key."""
        return bytes(self._keyed().key)

    def sign_message(self, message: Any) -> Any:
        """Sign a message, as `eth_account.LocalAccount.sign_message` does."""
        return self._keyed().sign_message(message)

    def sign_typed_data(self, *arguments: Any, **named: Any) -> Any:
        """Sign typed data (EIP-712), as `eth_account.LocalAccount.sign_typed_data` does."""
        return self._keyed().sign_typed_data(*arguments, **named)

    def sign_transaction(self, transaction: Any) -> Any:
        """Sign a transaction, as `eth_account.LocalAccount.sign_transaction` does."""
        return self._keyed().sign_transaction(transaction)

    def _keyed(self) -> LocalAccount:
        if isinstance(self.signer, Unlocked):
            raise ChainError(
                f"Nobody has the key of {self}, so it can sign nothing.", cure="It can only send transactions."
            )
        return self.signer


class Prank(Account):
    """An address whose key nobody has, and that can send all the same; made by `DevChain.prank`.

    As a context manager it is the sender of everything inside the ``with`` block that names no other.
    """

    _chain: DevChain
    _before: Account

    def on(self, chain: DevChain) -> Self:
        """Tell which chain it is on."""
        self._chain = chain
        return self

    def __enter__(self) -> Self:
        self._before, self._chain.sender = self._chain.sender, self
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._chain.sender = self._before
