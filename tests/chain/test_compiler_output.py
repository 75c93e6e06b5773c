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


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))
    (tmp_path / "C.sol").write_text(SOURCE)
    return tmp_path


def test_gives_what_was_selected_and_is_remembered(root, monkeypatch):
    output = compiler_output(root, "C.sol", selection=WANTED)
    deployed = output["contracts"]["C.sol"]["C"]["evm"]["deployedBytecode"]
    assert deployed["object"] == compile_sources(root, ["C.sol"])["C"].deployed_bytecode.hex()
    assert deployed["immutableReferences"]
    assert output["sources"]["C.sol"]["ast"]["nodeType"] == "SourceUnit"

    monkeypatch.setenv(SOLC_VARIABLE, str(root / "nothing"))
    assert compiler_output(root, "C.sol", selection=WANTED) == output
    with pytest.raises(ChainError, match=SOLC_VARIABLE):
        compiler_output(root, "C.sol", selection=WANTED, settings=Settings(optimizer=False))


def test_the_optimizer_can_be_left_out(root):
    plain, optimized = (
        compiler_output(root, "C.sol", selection=WANTED, settings=Settings(optimizer=optimizer))
        for optimizer in (False, True)
    )
    sizes = [
        len(each["contracts"]["C.sol"]["C"]["evm"]["deployedBytecode"]["object"]) for each in (plain, optimized)
    ]
    assert sizes[0] > sizes[1]
