"""Authority on contracts of others: as their npm packages hold them, compiled where these do and by us where they do not."""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from eth_utils import function_signature_to_4byte_selector
from eth_utils.abi import abi_to_signature

from agent.chain.artifact import Artifact
from agent.chain.compiler import find_node
from agent.errors import ChainError
from gasbench.bare import ROOT

FOLDER = ROOT / "tests" / "peers"
PACKAGES = FOLDER / "node_modules"
_CURE = (
    "scripts/bench gas installs what it needs: run it so, and where it did, delete tests/peers/node_modules first."
)


def version_of(package: str) -> str:
    """A package's name and version as they are told: `@uniswap/v3-core` 1.0.1."""
    return f"`{package}` {_document(f'{package}/package.json')['version']}"


def contract_of(path: str) -> Artifact:
    """A contract that its authors published compiled: the file in its package, of Waffle's or Hardhat's form."""
    document = _document(path)
    return _artifact(Path(path).stem, document["abi"], document["bytecode"])


def compiled_of(entry: str, name: str, settings: Mapping[str, Any]) -> Artifact:
    """A contract that its authors published as source, compiled by the solc that they pin.

    Parameters
    ----------
    entry
        The source, by the name that imports know it by.
    name
        The contract.
    settings
        solc's settings, as the authors have them.
    """
    outputs = {entry: {name: ["abi", "evm.bytecode.object"]}}
    document = {
        "language": "Solidity",
        "sources": {entry: {"content": _text(entry)}},
        "settings": {**settings, "outputSelection": outputs},
    }
    node = find_node()
    if node is None:
        raise ChainError(f"{entry} must be compiled, and there is no Node.js.", cure=_CURE)
    # npm's solc ends before a pipe has taken all of its answer, which begins with a line that belongs to nothing.
    with tempfile.TemporaryFile("w+", encoding="utf-8") as answer:
        subprocess.run(
            [node, PACKAGES / "solc" / "solc.js", "--standard-json", "--base-path", PACKAGES],
            input=json.dumps(document).encode(),
            stdout=answer,
            check=False,
        )
        answer.seek(0)
        said = answer.read()
    try:
        found = json.loads(said[said.index("{") :])["contracts"][entry][name]
    except (LookupError, ValueError) as error:
        raise ChainError(f"{entry} does not compile: {said}", cure=_CURE) from error
    return _artifact(name, found["abi"], found["evm"]["bytecode"]["object"])


def _artifact(name: str, abi: list[Mapping[str, Any]], bytecode: str) -> Artifact:
    signatures = [abi_to_signature(each) for each in abi if each["type"] == "function"]
    return Artifact(
        name=name,
        source="",
        source_hash="",
        abi=tuple(abi),
        bytecode=bytes.fromhex(bytecode.removeprefix("0x")),
        deployed_bytecode=b"",
        method_identifiers={each: function_signature_to_4byte_selector(each).hex() for each in signatures},
    )


def _document(path: str) -> dict[str, Any]:
    return json.loads(_text(path))


def _text(path: str) -> str:
    try:
        return (PACKAGES / path).read_text(encoding="utf-8")
    except OSError as error:
        raise ChainError(f"{path} is not in {PACKAGES}.", cure=_CURE) from error
