"""The kit of the contract tests: the plugin's market, and contracts that misbehave to bring into it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agent.chain.accounts import accounts_of
from agent.chain.artifact import Artifact
from agent.chain.compile import compile_sources
from agent.chain.contracts import Contract
from agent.chain.values import Market
from agent.testing.chain import START
from agent.testing.desk import SETTINGS, Desk

FOLDER = Path(__file__).parent
CONTRACTS = FOLDER.parents[1] / "contracts"


class HostileDesk(Desk):
    """The plugin's market, into which contracts of the folder `sol` can be brought."""

    def __init__(self, market: Desk, hostile: Mapping[str, Artifact]) -> None:
        super().__init__(market.chain, accounts_of(SETTINGS), market.at)
        self._hostile = hostile

    def deploy(self, name: str, *arguments: Any, kind: type[Contract] = Contract) -> Any:
        """Put a hostile contract on the chain; return its handle, of a `kind`."""
        self.chain.known.learn(self._hostile[name])
        return kind.deploy(self.chain, self.publisher, *arguments, compiled=self._hostile[name])

    def puppet(self, price: int) -> Market:
        """A market whose oracle, a `PuppetOracle`, says what `set_puppet` tells it; `price` as the contract counts."""
        oracle = self.deploy("PuppetOracle")
        market = replace(self.market, oracle=oracle.address)
        self.set_puppet(market, price)
        return market

    def set_puppet(self, market: Market, price: int, *, updated_at: int = START) -> None:
        """Tell the oracle of a `puppet` market what to say."""
        oracle = Contract(self.chain, market.oracle, compiled=self._hostile["PuppetOracle"])
        oracle.send(self.publisher, "set", price, updated_at)

    def stored(self) -> bytes:
        """Digest of all that the contract stores, every balance among it: the same only where nothing changed."""
        return self.chain.storage(self.settlement.address)


@pytest.fixture(scope="session")
def hostile() -> Mapping[str, Artifact]:
    """The contracts of the folder `sol`: tokens, sources and oracles that misbehave."""
    root = FOLDER / "sol"
    return compile_sources(root, sorted(path.name for path in root.glob("*.sol")), include=[CONTRACTS])


@pytest.fixture(scope="session")
def desk(desk: Desk, hostile: Mapping[str, Artifact]) -> HostileDesk:
    """The market as it was deployed; what a test does to it is undone."""
    return HostileDesk(desk, hostile)
