"""Authority on putting a project's contracts on the chain, by name."""

from __future__ import annotations

from typing import Any

from eth_utils import is_address, to_checksum_address

from agent.chain.artifact import Artifact
from agent.errors import ChainError, UsageError
from agent.testing import abi
from agent.testing.accounts import Account
from agent.testing.chain import DevChain
from agent.testing.handle import Handle
from agent.testing.sources import Sources

_NO_CONSTRUCTOR = {"name": "constructor", "inputs": (), "stateMutability": "nonpayable"}


class Deployer:
    """Compiles and deploys: ``token = deploy("Token", "Name", 18)``.

    Parameters
    ----------
    chain
        Where to.
    sources
        Where contracts are found.
    """

    def __init__(self, chain: DevChain, sources: Sources) -> None:
        self._chain = chain
        self._sources = sources
        chain.consult(sources)

    def __call__(
        self,
        name: str,
        *arguments: Any,
        sender: Account | None = None,
        value: int = 0,
        gas: int | None = None,
    ) -> Handle:
        """Create a contract.

        Parameters
        ----------
        name
            As in `Sources.artifact`: ``Token``, or ``tokens/Token.sol:Token``.
        arguments
            The constructor's.
        sender, value, gas
            As of a `Function`.

        Raises
        ------
        UsageError
            If there is no such contract, it cannot be deployed, or the arguments do not fit.
        Reverted, OutOfGas, ChainError
            If it does not compile, or the constructor refuses.
        """
        compiled = self.artifact(name)
        if not compiled.bytecode:
            raise UsageError(
                f"{compiled.name} in {compiled.source} is an interface or abstract: it cannot be deployed.",
                cure=f"Deploy what implements it, or take what is there: deploy.at({compiled.name!r}, address).",
            )
        constructor = next((entry for entry in compiled.abi if entry["type"] == "constructor"), _NO_CONSTRUCTOR)
        code = compiled.bytecode + abi.encoded(constructor, arguments)
        receipt = self._chain.send(sender or self._chain.sender, None, code, value=value, gas=gas)
        if receipt.contract is None:
            raise ChainError(f"The receipt of {compiled.name}'s creation names no contract.")
        return self.at(name, receipt.contract)

    def at(self, name: str, address: str) -> Handle:
        """Return a handle on what already lies at an address, by the contract or interface that it is."""
        address = getattr(address, "address", address)
        if not is_address(address):
            raise UsageError(f"{address!r} is no address.", cure="Give 0x and 40 hex digits, or a contract.")
        compiled = self.artifact(name)
        handle = Handle(self._chain, to_checksum_address(address), compiled)
        self._chain.known.place(handle.address, compiled)
        return handle

    def artifact(self, name: str) -> Artifact:
        """Compile a contract, without deploying it."""
        compiled = self._sources.artifact(name)
        self._chain.known.learn(compiled)
        return compiled
