"""What solc says of a source beyond what an artifact holds."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.chain.cache import CACHE_VARIABLE
from agent.chain.compile import Settings, compile_sources, compiler_output
from agent.chain.compiler import SOLC_VARIABLE
from agent.errors import ChainError

SOURCE = "pragma solidity ^0.8.20; contract C { uint256 public immutable five = 5; }"
WANTED = {"*": {"*": ["evm.deployedBytecode"], "": ["ast"]}}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("output")
    (folder / "C.sol").write_text(SOURCE)
    return folder


def test_gives_what_was_selected_and_is_remembered(root, tmp_path, monkeypatch):
    compiled = compile_sources(root, ["C.sol"])["C"]
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path))
    output = compiler_output(root, "C.sol", selection=WANTED)
    deployed = output["contracts"]["C.sol"]["C"]["evm"]["deployedBytecode"]
    assert deployed["object"] == compiled.deployed_bytecode.hex()
    assert deployed["immutableReferences"]
    assert output["sources"]["C.sol"]["ast"]["nodeType"] == "SourceUnit"

    monkeypatch.setenv(SOLC_VARIABLE, str(root / "nothing"))
    assert compiler_output(root, "C.sol", selection=WANTED) == output
    with pytest.raises(ChainError, match=SOLC_VARIABLE):
        compiler_output(root, "C.sol", selection=WANTED, settings=Settings(optimizer_runs=1))


def test_the_optimizer_can_be_left_out(root):
    output = compiler_output(root, "C.sol", selection=WANTED, settings=Settings(optimizer=False))
    plain = output["contracts"]["C.sol"]["C"]["evm"]["deployedBytecode"]["object"]
    assert len(plain) > len(compile_sources(root, ["C.sol"])["C"].deployed_bytecode.hex())
