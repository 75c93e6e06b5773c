"""Authority on what a compiled contract is, and on the ones that come with the package."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any, Self

from agent.errors import ChainError

__all__ = ["Artifact", "artifact", "artifact_names"]


@dataclass(frozen=True, slots=True)
class Artifact:
    """One compiled contract or interface.

    Attributes
    ----------
    name
        The contract's name.
    source
        Name of the source that defines it, relative to the contracts' root: ``oracles/FeedOracle.sol``.
    source_hash
        SHA-256, in hex, of everything the compiler was given: its version, its settings, all sources reached.
    abi
        The contract's interface, as solc writes it.
    bytecode
        What creates it; empty for an interface or an abstract contract.
    deployed_bytecode
        What then lies on the chain, with zeros where immutables go.
    method_identifiers
        Selector, in hex, by signature.
    source_map
        solc's map from `deployed_bytecode` to the sources; empty for an artifact that was loaded by `artifact`.
    source_names
        Names of the sources by the file number that `source_map` uses; empty likewise.
    """

    name: str
    source: str
    source_hash: str
    abi: tuple[Mapping[str, Any], ...]
    bytecode: bytes
    deployed_bytecode: bytes
    method_identifiers: Mapping[str, str]
    source_map: str = ""
    source_names: tuple[str, ...] = ()

    def to_json(self, *, with_map: bool = False) -> dict[str, Any]:
        """Return the artifact as a JSON object; `from_json` is its inverse."""
        document: dict[str, Any] = {
            "name": self.name,
            "source": self.source,
            "source_hash": self.source_hash,
            "abi": list(self.abi),
            "bytecode": f"0x{self.bytecode.hex()}",
            "deployed_bytecode": f"0x{self.deployed_bytecode.hex()}",
            "method_identifiers": dict(self.method_identifiers),
        }
        if with_map:
            document |= {"source_map": self.source_map, "source_names": list(self.source_names)}
        return document

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """Rebuild an artifact from `to_json`'s object; LookupError, TypeError or ValueError where it is not one."""
        return cls(
            name=document["name"],
            source=document["source"],
            source_hash=document["source_hash"],
            abi=tuple(document["abi"]),
            bytecode=bytes.fromhex(document["bytecode"].removeprefix("0x")),
            deployed_bytecode=bytes.fromhex(document["deployed_bytecode"].removeprefix("0x")),
            method_identifiers=dict(document["method_identifiers"]),
            source_map=document.get("source_map", ""),
            source_names=tuple(document.get("source_names", ())),
        )


def artifact(name: str) -> Artifact:
    """Load a contract that was compiled when the package was made; needs no compiler.

    Raises
    ------
    ChainError
        If there is none of that name.
    """
    file = resources.files("agent.chain") / "artifacts" / f"{name}.json"
    if name not in (known := artifact_names()):
        near = difflib.get_close_matches(name, known, n=1)
        raise ChainError(
            f"There is no compiled contract {name!r}.",
            cure=f"Did you mean {near[0]!r}?" if near else f"There are: {', '.join(known) or 'none'}.",
        )
    return Artifact.from_json(json.loads(file.read_text(encoding="utf-8")))


def artifact_names() -> tuple[str, ...]:
    """Names that `artifact` knows, sorted."""
    folder = resources.files("agent.chain") / "artifacts"
    if not folder.is_dir():
        return ()
    return tuple(
        sorted(file.name.removesuffix(".json") for file in folder.iterdir() if file.name.endswith(".json"))
    )
