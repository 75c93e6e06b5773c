"""Authority on what one test session works with: a chain, its accounts, the project's contracts; made when first used."""

from __future__ import annotations

from pathlib import Path

from agent.chain.answers import Receipt
from agent.chain.compile import Settings
from agent.errors import UsageError
from agent.testing.chain import DevChain
from agent.testing.deployer import Deployer
from agent.testing.desk import Desk
from agent.testing.gas import GasTable
from agent.testing.sources import Sources


class Workbench:
    """The chain of one test session in one process, and everything on it.

    Parameters
    ----------
    sources
        The project's contracts.
    gas
        Where to note what transactions cost; None to note nothing.
    """

    def __init__(self, sources: Sources, *, gas: GasTable | None = None) -> None:
        self._gas = gas
        self.sources = sources
        self.chain = DevChain(on_receipt=self._noted)
        self.accounts = self.chain.accounts
        self.deploy = Deployer(self.chain, sources)
        self._desk: Desk | None = None

    @property
    def desk(self) -> Desk:
        """Everything of the package's own, deployed and funded; made anew where a snapshot undid it."""
        if self._desk is None or self.chain.known.at(self._desk.settlement.address) is None:
            self._desk = Desk.deployed(self.chain)
        return self._desk

    def close(self) -> None:
        """End the chain."""
        self.chain.close()

    def _noted(self, receipt: Receipt, to: str | None, data: bytes) -> None:
        if self._gas is None:
            return
        call = self.chain.known.called(to, data) if to else self.chain.known.created(data)
        if call is not None:
            self._gas.record(call, receipt.gas_used)


def sources_of(folders: list[Path], *places: Path, settings: Settings) -> Sources:
    """The project's contracts: in the folders named, else in ``contracts`` or ``src`` of one of the places.

    Raises
    ------
    UsageError
        If a folder that was named is not there.
    """
    for folder in folders:
        if not folder.is_dir():
            raise UsageError(f"There is no folder {folder}.", cure="Mend patternsettle_contracts.")
    return Sources(folders, settings=settings) if folders else Sources.near(*places, settings=settings)
