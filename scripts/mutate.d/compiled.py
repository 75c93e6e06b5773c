"""Authority on the code of the contracts: as their sources are, and with one of these changed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from mutants import Mutant, mutants_of, source_of
from solc import Solc
from syntax import is_node

from agent.chain.artifact import Artifact
from agent.chain.compile import Settings, compiler_output, locate
from agent.chain.compiler import SOLC_VERSION
from agent.errors import ChainError

__all__ = ["Contracts", "code_key"]

# What has no behaviour, what is for local chains only, and what is for others to test.
_LEFT_OUT = {"interfaces", "demo", "node_modules"}
_OUTPUTS = ["abi", "evm.bytecode.object", "evm.deployedBytecode.object", "evm.methodIdentifiers"]
_TREES = {"*": {"": ["ast"]}}


@dataclass(frozen=True)
class _Unit:
    """A source that defines contracts to deploy, and the texts of all it is compiled from, by name."""

    entry: str
    texts: dict[str, str]


class Contracts:
    """The contracts whose mistakes are to be found.

    Parameters
    ----------
    root
        Their folder.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        paths = sorted(path.relative_to(root) for path in root.rglob("*.sol"))
        names = [path.as_posix() for path in paths if not _LEFT_OUT & set(path.parts)]
        if not names:
            raise ChainError(f"{root} holds no contracts.", cure="Run this in a checkout of the project.")
        self._outputs = {name: compiler_output(root, name, selection=_TREES) for name in names}
        self.texts = {name: (root / name).read_bytes() for name in names}

    @cached_property
    def mutants(self) -> tuple[Mutant, ...]:
        """All mutants, file by file, in the order of the sources."""
        return tuple(
            mutant
            for name, output in self._outputs.items()
            for mutant in mutants_of(source_of(name, self.texts[name], output))
        )

    @cached_property
    def original(self) -> tuple[Artifact, ...]:
        """The contracts as they are.

        Raises
        ------
        CompilerMissing, ChainError
            If there is no compiler, or it does not work.
        """
        return tuple(each for unit in self._units for each in self._compiled(unit, unit.texts) or ())

    def close(self) -> None:
        """End the compiler."""
        self._solc.close()

    def changed(self, name: str, text: bytes) -> tuple[Artifact, ...] | None:
        """The contracts with another text of one source; None where solc refuses it."""
        artifacts = {each.name: each for each in self.original}
        for unit in self._units:
            if name in unit.texts:
                compiled = self._compiled(unit, {**unit.texts, name: text.decode()})
                if compiled is None:
                    return None
                artifacts |= {each.name: each for each in compiled}
        return tuple(artifacts.values())

    def text_key(self, name: str, text: bytes) -> str:
        """A hash of everything that the compiler would be given with another text of one source."""
        given = [
            [unit.entry, unit.texts | ({name: text.decode()} if name in unit.texts else {})]
            for unit in self._units
        ]
        return hashlib.sha256(json.dumps([SOLC_VERSION, given], sort_keys=True).encode()).hexdigest()

    @cached_property
    def _units(self) -> tuple[_Unit, ...]:
        return tuple(
            _Unit(name, {each: self._read(each) for each in output["sources"]})
            for name, output in self._outputs.items()
            if _deployed(output["sources"][name]["ast"])
        )

    @cached_property
    def _solc(self) -> Solc:
        return Solc(self.root / "node_modules" / "solc")

    def _read(self, name: str) -> str:
        return locate([self.root], name).read_text(encoding="utf-8-sig")

    def _compiled(self, unit: _Unit, texts: Mapping[str, str]) -> tuple[Artifact, ...] | None:
        settings = Settings()
        document = {
            "language": "Solidity",
            "sources": {name: {"content": text} for name, text in texts.items()},
            "settings": {
                "evmVersion": settings.evm_version,
                "optimizer": {"enabled": settings.optimizer, "runs": settings.optimizer_runs},
                "viaIR": settings.via_ir,
                # Else every change of a source, even of a comment, would change the code.
                "metadata": {"bytecodeHash": "none"},
                "outputSelection": {unit.entry: {"*": _OUTPUTS}},
            },
        }
        output = self._solc.compile(document)
        return None if output is None else tuple(_artifacts(output, unit.entry))


def code_key(artifacts: Iterable[Artifact]) -> str:
    """A hash of all that runs and how it is called: contracts with the same key behave the same."""
    parts = sorted([each.name, each.bytecode.hex(), json.dumps(each.abi, sort_keys=True)] for each in artifacts)
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _deployed(tree: Mapping[str, Any]) -> bool:
    """Whether a source defines a contract, rather than libraries that are compiled into others."""
    return any(
        is_node(each, "ContractDefinition") and each["contractKind"] == "contract" and not each["abstract"]
        for each in tree["nodes"]
    )


def _artifacts(output: Mapping[str, Any], entry: str) -> Iterable[Artifact]:
    for name, contract in sorted(output["contracts"][entry].items()):
        yield Artifact(
            name=name,
            source=entry,
            source_hash="",
            abi=tuple(contract["abi"]),
            bytecode=bytes.fromhex(contract["evm"]["bytecode"]["object"]),
            deployed_bytecode=bytes.fromhex(contract["evm"]["deployedBytecode"]["object"]),
            method_identifiers=contract["evm"]["methodIdentifiers"],
        )
