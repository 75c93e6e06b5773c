"""What the tests of `agent.testing` stand on: contracts written for them, and projects of their own to run pytest in."""

from __future__ import annotations

import shutil
from importlib import import_module
from pathlib import Path

import pytest

from agent.chain.cache import CACHE_VARIABLE, cache_dir
from agent.testing import Deployer, DevChain, Handle, Sources

# A run inside this process forgets the modules that it was first to import, and some bear no second import.
for name in ("machine", "workbench"):
    import_module(f"agent.testing.{name}")

FOLDER = Path(__file__).parent / "contracts"
PACKAGES = Path(__file__).parents[2] / "contracts" / "node_modules"


@pytest.fixture(scope="session")
def sources() -> Sources:
    return Sources([FOLDER])


@pytest.fixture(scope="session")
def deploy(chain: DevChain, sources: Sources) -> Deployer:
    """The contracts of this folder, in place of the project's."""
    return Deployer(chain, sources)


@pytest.fixture(scope="module")
def purse(deploy: Deployer) -> Handle:
    return deploy("Purse", "mine")


@pytest.fixture
def empty(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, compiled: str) -> pytest.Pytester:
    """A folder of its own, for a project without anything."""
    monkeypatch.setenv(CACHE_VARIABLE, compiled)
    return pytester


@pytest.fixture
def project(empty: pytest.Pytester) -> pytest.Pytester:
    """A project with these contracts, and the libraries that npm installed for ours."""
    shutil.copytree(FOLDER, empty.path / "contracts")
    (empty.path / "node_modules").symlink_to(PACKAGES, target_is_directory=True)
    return empty


@pytest.fixture(scope="session")
def compiled() -> str:
    """Where compilations are remembered: pytester gives each project an empty home."""
    return str(cache_dir())


def line_of(marker: str, file: str = "Failing.sol") -> int:
    """The line of a contract that ends in this comment."""
    lines = (FOLDER / file).read_text(encoding="utf-8").splitlines()
    (found,) = (number for number, line in enumerate(lines, start=1) if line.endswith(f"// {marker}"))
    return found


@pytest.fixture(scope="session")
def at():
    """Where a marked line is, as a failure shows it: ``contracts/Failing.sol:41``."""
    return lambda marker, file="Failing.sol": f"contracts/{file}:{line_of(marker, file)}"
