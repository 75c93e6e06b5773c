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
from agent.chain.contracts import Contract, TokenContract
from agent.chain.values import BPS, PRICE_SCALE, Fill, Mandate, Market, Side
from agent.testing.accounts import Account
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

    def coded(self, code: bytes) -> str:
        """Put runtime code on the chain that no compiler writes; return its address."""
        # PUSH1 size, DUP1, PUSH1 9, PUSH0, CODECOPY, PUSH0, RETURN: what creates it.
        creation = bytes([0x60, len(code), 0x80, 0x60, 9, 0x5F, 0x39, 0x5F, 0xF3])
        return self.chain.deploy(self.publisher, creation + code)

    def quitter(self, answer: bytes) -> str:
        """Deploy a contract that reverts with these words, which Solidity has no words for; return its address."""
        words = [answer[place : place + 32] for place in range(0, len(answer), 32)]
        # PUSH32 word, PUSH1 place, MSTORE; then PUSH1 size, PUSH0, REVERT.
        stores = b"".join(b"\x7f" + word + bytes([0x60, 32 * place, 0x52]) for place, word in enumerate(words))
        return self.coded(stores + bytes([0x60, len(answer), 0x5F, 0xFD]))

    def leave(self, account: Account, token: TokenContract, amount: int = 0) -> None:
        """Take all but an amount out of an account's ledger balance."""
        balance = self.settlement.balance_of(account.address, token.address)
        self.settlement.withdraw(account, token.address, balance - amount)

    def worst(self, mandate: Mandate, **changes: Any) -> Fill:
        """The fill that leaves the owner the least that it accepts at an open, once its ramp is over."""
        return self._worst(self.fill(mandate, **changes), gives_base=mandate.side is Side.SHORT)

    def worst_closing(self, mandate: Mandate, **changes: Any) -> Fill:
        """The closing fill that leaves the owner the least that it accepts."""
        return self._worst(self.closing(mandate, **changes), gives_base=mandate.side is Side.LONG)

    def _worst(self, fill: Fill, *, gives_base: bool) -> Fill:
        price, slippage = self.oracle.price().value, fill.mandate.max_slippage_bps
        return replace(fill, taken=least_taken(fill.given, gives_base, price, slippage))

    def stored(self) -> bytes:
        """Digest of all that the contract stores, every balance among it: the same only where nothing changed."""
        return self.chain.storage(self.settlement.address)


def least_taken(given: int, gives_base: bool, price: int, slippage_bps: int) -> int:
    """What an owner receives at the least, worked out apart from the contract: the price rounded up, the slippage down."""
    fair = -(-given * price // PRICE_SCALE) if gives_base else -(-given * PRICE_SCALE // price)
    return fair - fair * slippage_bps // BPS


@pytest.fixture(scope="session")
def hostile() -> Mapping[str, Artifact]:
    """The contracts of the folder `sol`: tokens, sources and oracles that misbehave."""
    root = FOLDER / "sol"
    return compile_sources(root, sorted(path.name for path in root.glob("*.sol")), include=[CONTRACTS])


@pytest.fixture(scope="session")
def desk(desk: Desk, hostile: Mapping[str, Artifact]) -> HostileDesk:
    """The market as it was deployed; what a test does to it is undone."""
    return HostileDesk(desk, hostile)
