"""What the tests of the local node stand on: a chain, web3 on it, a token deployed there, and programs of others."""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

import pytest
from web3 import Web3
from web3.contract import Contract

from agent.chain.artifact import Artifact
from agent.chain.compile import compile_sources
from agent.chain.compiler import find_node
from agent.chain.local import LocalChain
from agent.chain.rpc.evm import Genesis

SUPPLY = 10**24
GENESIS_TIME = 1_500_000_000
CLIENTS = Path(__file__).parents[2] / "clients"


@pytest.fixture(scope="session")
def token_artifact() -> Artifact:
    return compile_sources(Path(__file__).parent, ["Token.sol"])["Token"]


@pytest.fixture
def chain() -> Iterator[LocalChain]:
    with LocalChain(Genesis(time=GENESIS_TIME)) as chain:
        yield chain


@pytest.fixture
def web3(chain: LocalChain) -> Web3:
    web3 = Web3(chain.provider())
    web3.eth.default_account = chain.accounts[0].address
    return web3


@pytest.fixture(scope="session")
def deploy_token(token_artifact: Artifact) -> Callable[[Web3], Contract]:
    """Return a function that deploys the token; the default account holds its whole supply."""

    def deploy(web3: Web3) -> Contract:
        abi = list(token_artifact.abi)
        deployment = web3.eth.contract(abi=abi, bytecode=token_artifact.bytecode).constructor(SUPPLY).transact()
        return web3.eth.contract(address=web3.eth.get_transaction_receipt(deployment)["contractAddress"], abi=abi)

    return deploy


@pytest.fixture
def token(web3: Web3, deploy_token: Callable[[Web3], Contract]) -> Contract:
    """The token; the first account holds its whole supply."""
    return deploy_token(web3)


# ---- programs written by others


def _absent(what: str, cure: str = "scripts/test installs it", *, installable: bool = True) -> NoReturn:
    """Skip the test; fail it where the set-up says that it installed all that it can."""
    if installable and os.environ.get("PATTERNSETTLE_REQUIRE_CLIENTS") == "1":
        pytest.fail(f"{what}; {cure}")
    pytest.skip(f"{what}; {cure}")


def _foundry(name: str) -> Path:
    """Find one of foundry's programs: from npm, where it is pinned for Linux on x86-64 only, else on PATH."""
    packaged = CLIENTS / "node_modules" / "@foundry-rs" / f"{name}-linux-amd64" / "bin" / name
    if packaged.is_file():
        return packaged
    on_path = shutil.which(name)
    if on_path is None:
        ours = (platform.system(), platform.machine()) == ("Linux", "x86_64")
        cure = "scripts/test installs it" if ours else "install foundry 1.7 to run this here"
        _absent(f"foundry's {name} is neither in tests/clients/node_modules nor on PATH", cure, installable=ours)
    return Path(on_path)


@pytest.fixture(scope="session")
def cast_program() -> Path:
    return _foundry("cast")


@pytest.fixture(scope="session")
def anvil_program() -> Path:
    return _foundry("anvil")


@pytest.fixture(scope="session")
def viem_script() -> list[str]:
    """The command that runs the viem script."""
    node = find_node()
    if node is None:
        _absent("there is no Node.js")
    if not (CLIENTS / "node_modules" / "viem").is_dir():
        _absent("viem is not in tests/clients/node_modules")
    return [str(node), str(CLIENTS / "viem.mjs")]
