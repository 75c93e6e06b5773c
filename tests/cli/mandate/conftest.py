"""What the tests of `patternsettle mandate` stand on: a market that is served, and a mandate that is sound until changed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agent.chain.accounts import accounts_of
from agent.chain.client import Chain
from agent.chain.deploy import deploy
from agent.chain.local import LocalChain
from agent.chain.rpc.evm import Genesis
from agent.chain.rpc.server import RpcServer
from agent.desk.mandate_file import MandateFile
from agent.testing.chain import START
from agent.testing.desk import FEED_DECIMALS, SETTINGS, Desk

# A fixture is found where it is imported.
from ...chain.rpc.conftest import cast_program, viem_script  # noqa: F401

FILE = "mandate.json"


class Market:
    """A market on a chain that is served, and where to find both."""

    def __init__(self, desk: Desk, url: str) -> None:
        self.desk, self.url = desk, url

    def options(self, **changes: Any) -> list[str]:
        """The options of a sound mandate; one that is None is left out."""
        sound: dict[str, Any] = {
            "out": FILE,
            "deployment": "deployment.json",
            "rpc": self.url,
            "owner": self.desk.owner.address,
            "side": "long",
            "model_id": "0x" + self.desk.model.hex(),
            "take_profit": 200,
            "stop_loss": 100,
            "horizon": "1h",
            "slippage": 50,
            "max_amount": "4000",
            "drawdown_limit": "100",
            "expiry": "30d",
            "max_price_age": "1d",
        }
        pairs = {**sound, **changes}.items()
        return [
            word
            for name, value in pairs
            if value is not None
            for word in (f"--{name.replace('_', '-')}", str(value))
        ]


@pytest.fixture(scope="module")
def served() -> Iterator[Market]:
    """A market that a whole module trades on."""
    with LocalChain(Genesis(time=START)) as local:
        chain = Chain(local.provider(), settings=SETTINGS)
        people = accounts_of(SETTINGS)
        desk = Desk(chain, people, deploy(chain, people.publisher, feed_decimals=FEED_DECIMALS))
        desk.prepare()
        with RpcServer(local) as server:
            yield Market(desk, server.url)


@pytest.fixture
def market(served: Market, command: Callable[..., Any]) -> Iterator[Market]:
    """The market, with its deployment on record in the folder; what a test does on the chain is undone."""
    Path("deployment.json").write_text(json.dumps(served.desk.at.to_json()))
    with served.desk.chain.undone():
        yield served


@pytest.fixture
def new(market: Market, command: Callable[..., Any]) -> Callable[..., MandateFile]:
    """Write a mandate, sound unless changed, and read it."""

    def written(**changes: Any) -> MandateFile:
        ended = command("mandate", "new", *market.options(**changes))
        assert (ended.code, ended.err) == (0, "")
        return MandateFile.read(Path(FILE))

    return written


@pytest.fixture
def rewritten(new: Callable[..., MandateFile]) -> Callable[..., MandateFile]:
    """Write a mandate of which members are other than the command would ever make them."""

    def write(*, market: Mapping[str, str] | None = None, **changes: Any) -> MandateFile:
        file = new()
        mandate = replace(file.mandate, market=replace(file.mandate.market, **(market or {})), **changes)
        other = replace(file, mandate=mandate)
        other.write(Path(FILE))
        return other

    return write


@pytest.fixture
def on_chain(market: Market, command: Callable[..., Any]) -> Callable[..., Any]:
    """Run a command of the group on the written file and the market's node."""
    return lambda name, *options: command("mandate", name, FILE, "--rpc", market.url, *options)


@pytest.fixture
def lodged(new: Callable[..., MandateFile], on_chain: Callable[..., Any]) -> Callable[..., MandateFile]:
    """Write a mandate and lodge it."""

    def lodge(**changes: Any) -> MandateFile:
        file = new(**changes)
        assert on_chain("lodge").code == 0
        return file

    return lodge
