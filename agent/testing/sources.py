"""Authority on a project's Solidity sources: which file defines a contract, and what it compiles to."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from agent.chain.artifact import Artifact
from agent.chain.compile import Settings, compile_sources, compiler_output, locate
from agent.errors import ChainError, CompilerMissing, UsageError

# Comments and strings are matched too, so that a word inside one of them is not taken for a definition.
DEFINITIONS = re.compile(
    r"""
    //[^\n]* | /\*.*?\*/ | "(?:\\.|[^"\\\n])*" | '(?:\\.|[^'\\\n])*'
    | \b (?:contract|interface|library) \s+ (?P<name>[A-Za-z_$][\w$]*)
    """,
    re.DOTALL | re.VERBOSE,
)
FOLDERS = ("contracts", "src")
Selection = Mapping[str, Mapping[str, Sequence[str]]]


class Sources:
    """The Solidity sources under one or more folders. Nothing is read or compiled before it is asked for.

    Parameters
    ----------
    folders
        Where contracts are looked for by name. Imports are found there too, and in ``node_modules`` in or above them.
    settings
        solc's settings.
    """

    def __init__(self, folders: Sequence[Path], *, settings: Settings | None = None) -> None:
        self.folders = tuple(folders)
        self.settings = settings or Settings()
        self._artifacts: dict[str, Mapping[str, Artifact]] = {}
        self._faults: dict[str, ChainError] = {}

    @classmethod
    def near(cls, *places: Path, settings: Settings | None = None) -> Sources:
        """The sources in the folder ``contracts`` or ``src`` of the first of these places that has one with any."""
        for folder in (place / name for place in places for name in FOLDERS):
            if folder.is_dir() and any(_solidity(folder)):
                return cls([folder], settings=settings)
        return cls([], settings=settings)

    def artifact(self, name: str) -> Artifact:
        """Compile a contract.

        Parameters
        ----------
        name
            Its name, ``Token``; or its file and name, ``tokens/Token.sol:Token``, where several have the name or it is
            a package's: ``@openzeppelin/contracts/token/ERC20/ERC20.sol:ERC20``.

        Raises
        ------
        UsageError
            If there is no such contract, or more than one.
        ChainError
            If it does not compile, with solc's own message.
        """
        entry, _, contract = name.rpartition(":")
        entry = entry or self._entry_of(contract)
        found = self.artifacts(entry)
        if contract not in found:
            raise UsageError(f"{entry} defines no contract {contract!r}.", cure=_near(contract, found))
        return found[contract]

    @property
    def entries(self) -> tuple[str, ...]:
        """The sources compiled so far."""
        return tuple(self._artifacts)

    def output(self, entry: str, selection: Selection, *, settings: Settings | None = None) -> dict[str, Any]:
        """What solc answers for a source; see `agent.chain.compile.compiler_output`."""
        root, *rest = self._roots(entry)
        return compiler_output(root, entry, selection=selection, include=rest, settings=settings or self.settings)

    def further_abis(self) -> Iterator[Sequence[Mapping[str, Any]]]:
        """ABIs of every contract that the sources compiled so far define or import."""
        for entry in self.entries:
            output = self.output(entry, {"*": {"*": ["abi"]}})
            yield from (each["abi"] for source in output["contracts"].values() for each in source.values())

    def has(self, entry: str) -> bool:
        """Whether there is such a source."""
        try:
            return self.path(entry).is_file()
        except ChainError:
            return False

    def path(self, source: str) -> Path:
        """File of a source by the name the compiler knows it by."""
        return locate(self.folders, source)

    @cached_property
    def _definitions(self) -> dict[str, list[str]]:
        """Names of the sources that define each contract."""
        found: dict[str, list[str]] = {}
        for folder in self.folders:
            for path in _solidity(folder):
                text = path.read_text(encoding="utf-8-sig")
                for name in {match["name"] for match in DEFINITIONS.finditer(text)} - {None}:
                    found.setdefault(name, []).append(path.relative_to(folder).as_posix())
        return found

    def _entry_of(self, contract: str) -> str:
        if not self._definitions:
            looked = ", ".join(map(str, self.folders)) or "contracts/ and src/"
            raise UsageError(
                f"There are no Solidity sources in {looked}.",
                cure="Say where they are: patternsettle_contracts in pytest's configuration.",
            )
        entries = self._definitions.get(contract, [])
        if len(entries) == 1:
            return entries[0]
        if entries:
            raise UsageError(
                f"{' and '.join(entries)} both define {contract}.",
                cure=f"Say which: {entries[0]}:{contract}, say.",
            )
        raise UsageError(
            f"No source in {', '.join(map(str, self.folders))} defines a contract {contract!r}.",
            cure=_near(contract, self._definitions),
        )

    def artifacts(self, entry: str) -> Mapping[str, Artifact]:
        """Compile a source and return the contracts it defines, by name; errors as of `artifact`."""
        if entry not in self._artifacts:
            if entry not in self._faults:
                self._compile(entry)
            if (fault := self._faults.get(entry)) is not None:
                # Its one line loses solc's own layout, which shows the place; what called solc is no reader's concern.
                error = ChainError(fault.problem, cure=fault.cure)
                error.add_note(fault.problem)
                raise error
        return self._artifacts[entry]

    def _compile(self, entry: str) -> None:
        """Compile a source, or remember what is wrong with it: all tests that need it would ask again."""
        root, *rest = self._roots(entry)
        try:
            self._artifacts[entry] = compile_sources(root, [entry], include=rest, settings=self.settings)
        except CompilerMissing:
            raise
        except ChainError as error:
            self._faults[entry] = error

    def _roots(self, entry: str) -> list[Path]:
        """The folders, that of the entry first."""
        return sorted(self.folders, key=lambda folder: not (folder / entry).is_file()) or [Path.cwd()]


def _solidity(folder: Path) -> Iterator[Path]:
    """The folder's own sources, in order."""
    return (path for path in sorted(folder.rglob("*.sol")) if "node_modules" not in path.relative_to(folder).parts)


def _near(name: str, known: Mapping[str, Any]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    return f"Did you mean {near[0]!r}?" if near else f"There are: {', '.join(sorted(known)) or 'none'}."
