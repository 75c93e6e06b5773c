"""Authority on what a source compiles to, instruction by instruction: with the optimizer, and without it.

An optimizer merges and moves code, so that what it leaves cannot tell where it came from. The same sources compiled
without it can: every instruction belongs to one expression.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Self

from agent.errors import ChainError, CompilerMissing
from agent.testing.sources import Sources

_WANTED = ["evm.bytecode", "evm.deployedBytecode"]
_PUSH1, _PUSH32 = 0x60, 0x7F
_DEFINITIONS = {"ContractDefinition", "FunctionDefinition", "ModifierDefinition", "VariableDeclaration"}
CONTRACT, WHOLE, INSIDE = range(3)


@dataclass(frozen=True, slots=True)
class Place:
    """A stretch of a source.

    Attributes
    ----------
    file
        Number of the source; negative for what the compiler added.
    start, length
        In bytes of UTF-8.
    jump
        ``i`` where an instruction enters a function, ``o`` where it leaves one, else ``-``.
    """

    file: int
    start: int
    length: int
    jump: str


@dataclass(frozen=True)
class Code:
    """Bytes that run, and the place each instruction comes from.

    Attributes
    ----------
    data
        The bytes, with zeros where immutables go.
    map
        solc's source map.
    immutables
        Where each immutable goes, by solc's number for it: offsets and lengths.
    """

    data: bytes
    map: str = field(repr=False)
    immutables: Mapping[str, tuple[tuple[int, int], ...]]

    @classmethod
    def of(cls, output: Mapping[str, Any]) -> Self | None:
        """Read solc's output; None for what cannot be deployed."""
        text = output["object"]
        if not text or "__$" in text:  # an interface, or one that waits for a library
            return None
        references = output.get("immutableReferences") or {}
        return cls(
            bytes.fromhex(text),
            output.get("sourceMap", ""),
            {key: tuple((each["start"], each["length"]) for each in value) for key, value in references.items()},
        )

    def values(self, found: bytes) -> dict[str, bytes] | None:
        """The immutables of code found on the chain; None where it is not this code."""
        if len(found) != len(self.data):
            return None
        values: dict[str, bytes] = {}
        blank = bytearray(found)
        for key, places in self.immutables.items():
            for start, length in places:
                values[key] = found[start : start + length]
                blank[start : start + length] = bytes(length)
        return values if bytes(blank) == self.data else None

    def filled(self, values: Mapping[str, bytes]) -> bytes:
        """This code with these immutables."""
        data = bytearray(self.data)
        for key, places in self.immutables.items():
            for start, length in places:
                data[start : start + length] = values[key]
        return bytes(data)

    @cached_property
    def places(self) -> dict[int, Place]:
        """The place of each instruction, by program counter."""
        places = list(_places(self.map))
        found: dict[int, Place] = {}
        counter = 0
        for place in places:
            if counter >= len(self.data):
                break
            found[counter] = place
            opcode = self.data[counter]
            counter += 1 + (opcode - _PUSH1 + 1 if _PUSH1 <= opcode <= _PUSH32 else 0)
        return found


def _places(text: str) -> Iterator[Place]:
    """Read a source map; a member that is left out is that of the entry before.

    https://docs.soliditylang.org/en/latest/internals/source_mappings.html
    """
    members = ["0", "0", "-1", "-"]
    for entry in text.split(";"):
        for index, member in enumerate(entry.split(":")[:4]):
            members[index] = member or members[index]
        yield Place(int(members[2]), int(members[0]), int(members[1]), members[3])


@dataclass(frozen=True)
class Build:
    """One contract: the code that creates it and the code that stays."""

    source: str
    name: str
    creation: Code
    runtime: Code


@dataclass(frozen=True, slots=True)
class Definition:
    """Where the sources define a contract, or in it a function, a modifier or a variable."""

    start: int
    length: int
    name: str
    is_contract: bool
    selector: bytes


@dataclass(frozen=True)
class Compilation:
    """All contracts of a source and of what it imports.

    Attributes
    ----------
    builds
        By source and name.
    sources
        Names of the sources by their numbers.
    definitions
        By source number: what it defines, in order of their beginnings.
    """

    builds: Mapping[tuple[str, str], Build]
    sources: Mapping[int, str]
    definitions: Mapping[int, tuple[Definition, ...]]

    @classmethod
    def of(cls, output: Mapping[str, Any]) -> Self:
        """Read solc's output."""
        builds = {}
        for source, contracts in output.get("contracts", {}).items():
            for name, contract in contracts.items():
                creation, runtime = (
                    Code.of(contract["evm"]["bytecode"]),
                    Code.of(contract["evm"]["deployedBytecode"]),
                )
                if creation and runtime:
                    builds[source, name] = Build(source, name, creation, runtime)
        names = {each["id"]: name for name, each in output["sources"].items()}
        definitions = {each["id"]: tuple(_definitions(each["ast"])) for each in output["sources"].values()}
        return cls(builds, names, definitions)

    def enclosing(self, place: Place) -> Definition | None:
        """The innermost definition around a place."""
        found = self.definitions.get(place.file, ())
        last = bisect_right(found, place.start, key=lambda each: each.start)
        around = (each for each in reversed(found[:last]) if place.start < each.start + each.length)
        return next(around, None)

    def called(self, data: bytes) -> Place | None:
        """The whole function that call data name; None where there is none."""
        for file, found in self.definitions.items():
            for each in found:
                if each.selector and each.selector == data[:4]:
                    return Place(file, each.start, each.length, "-")
        return None

    def depth(self, place: Place) -> int:
        """How much of the source a place is: `INSIDE` a definition, a `WHOLE` one, or a whole `CONTRACT`."""
        found = self.enclosing(place)
        if found is None or (found.start, found.length) != (place.start, place.length):
            return INSIDE
        return CONTRACT if found.is_contract else WHOLE


def _definitions(node: Mapping[str, Any], contract: str = "") -> Iterator[Definition]:
    for child in node.get("nodes", ()):
        if child["nodeType"] not in _DEFINITIONS:
            continue
        start, length, _ = map(int, child["src"].split(":"))
        is_contract = child["nodeType"] == "ContractDefinition"
        name = child["name"] or child.get("kind", "")
        selector = bytes.fromhex(child.get("functionSelector", "") if child.get("implemented", True) else "")
        yield Definition(start, length, f"{contract}.{name}" if contract else name, is_contract, selector)
        if is_contract:
            yield from _definitions(child, name)


class Builds:
    """What one source compiles to; each way of compiling it is tried when it is first asked for.

    Parameters
    ----------
    sources
        The project's sources.
    entry
        The source.
    """

    def __init__(self, sources: Sources, entry: str) -> None:
        self.sources = sources
        self._entry = entry

    def at_hand(self) -> tuple[Build, ...]:
        """The source's own contracts as they were deployed, as far as their artifacts tell: without immutables."""
        return tuple(
            Build(
                each.source,
                each.name,
                Code(each.bytecode, "", {}),
                Code(each.deployed_bytecode, each.source_map, {}),
            )
            for each in self.sources.artifacts(self._entry).values()
            if each.bytecode
        )

    def all_of_it(self) -> tuple[Build, ...]:
        """Everything that the source defines or imports, as it was deployed."""
        return tuple(self.optimized.builds.values())

    @property
    def layout(self) -> Compilation:
        """What the sources define, and where; no matter how they were compiled."""
        return self.plain or self.optimized

    @cached_property
    def optimized(self) -> Compilation:
        """Compiled as it was deployed."""
        return self._compiled(optimizer=self.sources.settings.optimizer, via_ir=self.sources.settings.via_ir)

    @cached_property
    def plain(self) -> Compilation | None:
        """Without the optimizer; None where no pipeline of solc manages that (it runs out of stack in large functions)."""
        for via_ir in (self.sources.settings.via_ir, not self.sources.settings.via_ir):
            try:
                return self._compiled(optimizer=False, via_ir=via_ir)
            except CompilerMissing:
                raise
            except ChainError:
                continue
        return None

    def _compiled(self, *, optimizer: bool, via_ir: bool) -> Compilation:
        settings = replace(self.sources.settings, optimizer=optimizer, via_ir=via_ir)
        selection = {"*": {"*": _WANTED, "": ["ast"]}}
        return Compilation.of(self.sources.output(self._entry, selection, settings=settings))
