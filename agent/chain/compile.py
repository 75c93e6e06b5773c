"""Authority on turning Solidity into artifacts: which sources go in, with which settings, and when not to bother."""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import posixpath
import re
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import solcx
from solcx.exceptions import SolcError

from agent.chain.artifact import Artifact, artifact
from agent.chain.cache import cache_dir, write_whole
from agent.chain.compiler import SOLC_VARIABLE, SOLC_VERSION, Compiler, find_compiler
from agent.errors import ChainError, PatternSettleError

__all__ = [
    "SOLC_VERSION",
    "Artifact",
    "Compiler",
    "Settings",
    "artifact",
    "build",
    "compile_sources",
    "compiler_output",
    "find_compiler",
    "locate",
    "standard_input",
]

# Comments and strings are matched too, so that an `import` inside one of them is not taken for an import.
IMPORTS = re.compile(
    r"""
    //[^\n]* | /\*.*?\*/
    | \b import \b [^;"']* (?: "(?P<double>[^"\n]+)" | '(?P<single>[^'\n]+)' )
    | "(?:\\.|[^"\\\n])*" | '(?:\\.|[^'\\\n])*'
    """,
    re.DOTALL | re.VERBOSE,
)
OUTPUTS = [
    "abi",
    "evm.bytecode.object",
    "evm.deployedBytecode.object",
    "evm.deployedBytecode.sourceMap",
    "evm.methodIdentifiers",
]
# Part of every key of the cache: raise it when what is remembered changes its form.
CACHE_FORM = 1
# The interface of tokens that are not ours is wanted too.
EXTRA_ENTRIES = ("@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol",)


@dataclass(frozen=True, slots=True)
class Settings:
    """What the compiler is told besides the sources; the defaults are what the package's artifacts are made with."""

    evm_version: str = "cancun"
    optimizer_runs: int = 1_000_000
    via_ir: bool = True
    optimizer: bool = True


DEFAULTS = Settings()


@dataclass(frozen=True, slots=True)
class _Compiled:
    artifacts: tuple[Artifact, ...]
    warnings: tuple[str, ...]

    def to_json(self) -> str:
        artifacts = [each.to_json(with_map=True) for each in self.artifacts]
        return json.dumps({"artifacts": artifacts, "warnings": self.warnings})

    @classmethod
    def from_json(cls, content: str) -> Self:
        document = json.loads(content)
        return cls(tuple(map(Artifact.from_json, document["artifacts"])), tuple(document["warnings"]))


def compile_sources(
    root: Path, entries: Sequence[str], *, include: Sequence[Path] = (), settings: Settings = DEFAULTS
) -> dict[str, Artifact]:
    """Compile Solidity sources and return the contracts they define, by name.

    Each entry is compiled with what it imports and nothing else, so that its bytes do not depend on its neighbours, and
    is remembered by the hash of all that went in: compiling the same again runs no compiler.

    Parameters
    ----------
    root
        Folder that source names are relative to.
    entries
        Sources to compile, relative to `root` with forward slashes, or of a package: ``@openzeppelin/...``.
    include
        Further folders in which to look for imports that are not under `root`.
    settings
        solc's settings.

    Returns
    -------
    dict
        The contracts defined in `entries` themselves; those merely imported are left out.

    Raises
    ------
    CompilerMissing
        If nothing is remembered and there is no compiler.
    ChainError
        If a source is missing or wrong (with solc's own message), or two entries define the same name.
    """
    folders = [Path(root), *map(Path, include)]
    return _by_name(_compiled(folders, entries, settings))


def compiler_output(
    root: Path,
    entry: str,
    *,
    selection: Mapping[str, Mapping[str, Sequence[str]]],
    include: Sequence[Path] = (),
    settings: Settings = DEFAULTS,
) -> dict[str, Any]:
    """Compile one source and return what solc answers, for what an artifact does not hold.

    Parameters
    ----------
    root, entry, include, settings
        As in `compile_sources`, and as there what was compiled once is remembered.
    selection
        What is wanted, in the form of ``settings.outputSelection`` of solc's JSON input.

    Raises
    ------
    CompilerMissing, ChainError
        As `compile_sources`.
    """
    document = _document([Path(root), *map(Path, include)], entry, settings)
    document["settings"]["outputSelection"] = selection
    key = _key(document)
    if (known := _recall(key)) is not None:
        return json.loads(known)
    output = _run(find_compiler(), document)
    _remember(key, json.dumps(output))
    return output


def build(root: Path | None = None, out: Path | None = None, *, check: bool = False) -> list[str]:
    """Recompile the contracts that come with the package and write the artifacts that differ.

    Parameters
    ----------
    root
        The contracts' folder; the checkout's own by default.
    out
        Folder of the artifacts; the package's own by default. Those of its ``*.json`` that no source defines any more
        are removed.
    check
        True writes and removes nothing.

    Returns
    -------
    list of str
        Names of the files that differed, sorted. Empty where all was as it should be.

    Raises
    ------
    ChainError
        As `compile_sources`, and if solc warns of anything.
    """
    package = Path(__file__).absolute().parent
    root = package.parents[1] / "contracts" if root is None else Path(root)
    out = package / "artifacts" if out is None else Path(out)
    wanted = _documents(root)
    present = {path.name: path.read_text(encoding="utf-8") for path in out.glob("*.json")}
    changed = sorted(name for name in wanted | present if wanted.get(name) != present.get(name))
    for name in () if check else changed:
        if name in wanted:
            write_whole(out / name, wanted[name])
        else:
            (out / name).unlink()
    return changed


def _documents(root: Path) -> dict[str, str]:
    """Files of the artifacts of every contract and interface under the root, by file name."""
    own = sorted(path.relative_to(root) for path in root.rglob("*.sol"))
    entries = [path.as_posix() for path in own if "node_modules" not in path.parts]
    if not entries:
        raise ChainError(f"{root} holds no Solidity sources.", cure="Run this in a checkout of the project.")
    compiled = _compiled([root], [*entries, *EXTRA_ENTRIES], DEFAULTS)
    if warnings := [warning for each in compiled for warning in each.warnings]:
        raise ChainError("solc warns:\n" + "".join(warnings), cure="Change the source so that it does not.")
    return {
        f"{name}.json": json.dumps(each.to_json(), indent=1, sort_keys=True) + "\n"
        for name, each in _by_name(compiled).items()
        if each.abi  # a library of internal functions has nothing to call or deploy
    }


def _by_name(compiled: Iterable[_Compiled]) -> dict[str, Artifact]:
    artifacts: dict[str, Artifact] = {}
    for each in (each for one in compiled for each in one.artifacts):
        if each.name in artifacts:
            raise ChainError(
                f"{artifacts[each.name].source} and {each.source} both define {each.name}.",
                cure="Rename one: a contract is found by its name.",
            )
        artifacts[each.name] = each
    return artifacts


def _compiled(folders: Sequence[Path], entries: Sequence[str], settings: Settings) -> list[_Compiled]:
    """Compile entries side by side, each on its own, or remember what came of the same input before."""
    documents = [_document(folders, entry, settings) for entry in entries]
    keys = [_key(document) for document in documents]
    known = [None if (content := _recall(key)) is None else _Compiled.from_json(content) for key in keys]
    # A compiler that was chosen by hand is looked at even when it is not needed: a wrong choice must show at once.
    if all(known) and not os.environ.get(SOLC_VARIABLE):
        return [each for each in known if each]
    compiler = find_compiler()

    def work(place: int) -> _Compiled:
        if (remembered := known[place]) is not None:
            return remembered
        output = _run(compiler, documents[place])
        compiled = _Compiled(tuple(_artifacts(output, entries[place], keys[place])), tuple(_warnings(output)))
        _remember(keys[place], compiled.to_json())
        return compiled

    with ThreadPoolExecutor(max_workers=min(4, os.cpu_count() or 1)) as pool:
        return list(pool.map(work, range(len(entries))))


def standard_input(root: Path, entries: Sequence[str], *, settings: Settings = DEFAULTS) -> dict[str, Any]:
    """Return solc's standard JSON input for several sources at once, for tools that take it instead of sources.

    Parameters
    ----------
    root, settings
        As in `compile_sources`.
    entries
        Sources by name, relative to `root`; what they import comes with them.
    """
    documents = [_document([Path(root)], entry, settings) for entry in entries]
    whole = documents[0]
    for document in documents[1:]:
        whole["sources"].update(document["sources"])
        whole["settings"]["outputSelection"].update(document["settings"]["outputSelection"])
    return whole


def _document(folders: Sequence[Path], entry: str, settings: Settings) -> dict[str, Any]:
    """solc's standard input for one entry."""
    return {
        "language": "Solidity",
        "sources": {name: {"content": content} for name, content in sorted(_sources(folders, entry).items())},
        "settings": {
            "evmVersion": settings.evm_version,
            "optimizer": {"enabled": settings.optimizer, "runs": settings.optimizer_runs},
            "viaIR": settings.via_ir,
            "outputSelection": {entry: {"*": OUTPUTS}},
        },
    }


def _sources(folders: Sequence[Path], entry: str) -> dict[str, str]:
    """Contents, by source name, of an entry and of all it imports."""
    sources: dict[str, str] = {}
    waiting = [(entry, "")]
    while waiting:
        name, importer = waiting.pop()
        if name in sources:
            continue
        content = locate(folders, name, importer).read_text(encoding="utf-8-sig")
        sources[name] = content
        for match in IMPORTS.finditer(content):
            if path := match["double"] or match["single"]:
                waiting.append((_source_name(path, name), name))
    return sources


def _source_name(path: str, importer: str) -> str:
    """Name of an imported source, by solc's rule: only ``./`` and ``../`` are relative to the importer."""
    if not path.startswith(("./", "../")):
        return path
    return posixpath.normpath(posixpath.join(posixpath.dirname(importer), path))


def locate(folders: Sequence[Path], name: str, importer: str = "") -> Path:
    """File of a source: under one of the folders, else in a node_modules in or above one of them."""
    above = [parent for folder in folders for parent in (folder.absolute(), *folder.absolute().parents)]
    for place in (*folders, *(parent / "node_modules" for parent in dict.fromkeys(above))):
        if (place / name).is_file():
            return place / name
    packaged = name.startswith("@")
    raise ChainError(
        f"{importer} imports {name!r}, which is not there."
        if importer
        else f"There is no source {name!r} to compile.",
        cure="Run `npm ci` in contracts/ to install the libraries."
        if packaged
        else f"It was looked for in {', '.join(str(folder) for folder in folders)}.",
    )


def _run(compiler: Compiler, document: dict[str, Any]) -> dict[str, Any]:
    try:
        return solcx.compile_standard(document, solc_binary=compiler.path)
    except SolcError as error:
        if error.error_dict is None:
            raise ChainError(
                f"{compiler.path} failed with exit code {error.return_code}: {error.stderr_data}",
                cure=f"It came from: {compiler.origin}. Install it again, or set {SOLC_VARIABLE} to another.",
            ) from error
        raise ChainError(
            f"solc refuses the source:\n{error.message}", cure="Correct it at the place named."
        ) from error
    except (OSError, subprocess.CalledProcessError, json.JSONDecodeError) as error:
        raise ChainError(
            f"{compiler.path} did not answer as solc does: {error}.",
            cure=f"It came from: {compiler.origin}. Install it again, or set {SOLC_VARIABLE} to another.",
        ) from error


def _artifacts(output: dict[str, Any], entry: str, source_hash: str) -> Iterable[Artifact]:
    names = {each["id"]: name for name, each in output["sources"].items()}
    for name, contract in sorted(output.get("contracts", {}).get(entry, {}).items()):
        evm = contract["evm"]
        if "__$" in evm["bytecode"]["object"]:
            raise ChainError(
                f"{name} in {entry} must be linked to a library, which is not supported here.",
                cure="Make the library's functions internal.",
            )
        yield Artifact(
            name=name,
            source=entry,
            source_hash=source_hash,
            abi=tuple(contract["abi"]),
            bytecode=bytes.fromhex(evm["bytecode"]["object"]),
            deployed_bytecode=bytes.fromhex(evm["deployedBytecode"]["object"]),
            method_identifiers=evm["methodIdentifiers"],
            source_map=evm["deployedBytecode"].get("sourceMap", ""),
            source_names=tuple(names.get(number, "") for number in range(max(names) + 1)),
        )


def _warnings(output: dict[str, Any]) -> Iterable[str]:
    """solc's warnings about sources that are not a package's: those are for their authors to judge."""
    for each in output.get("errors", ()):
        if each["severity"] == "warning" and not each.get("sourceLocation", {}).get("file", "").startswith("@"):
            yield each["formattedMessage"]


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _cached(key: str) -> Path:
    return cache_dir() / "solc" / f"{key}-{CACHE_FORM}.json"


def _key(document: dict[str, Any]) -> str:
    """What a compilation is remembered by: all that goes into it."""
    return _hash(json.dumps([SOLC_VERSION, document], sort_keys=True))


def _remember(key: str, content: str) -> None:
    write_whole(_cached(key), f"{_hash(content)}\n{content}")


def _recall(key: str) -> str | None:
    """What was remembered; None where nothing was, or where the file is damaged and so worth nothing."""
    path = _cached(key)
    if not path.is_file():
        return None
    checksum, _, content = path.read_text(encoding="utf-8", errors="replace").partition("\n")
    return content if _hash(content) == checksum else None


def main(arguments: Sequence[str] | None = None) -> int:
    """Rebuild the package's artifacts, or with ``--check`` only say which are stale; return the exit code."""
    parser = argparse.ArgumentParser(prog="scripts/compile", description="Rebuild the compiled contracts.")
    parser.add_argument("--check", action="store_true", help="write nothing; fail where an artifact is stale")
    check = parser.parse_args(arguments).check
    try:
        changed = build(check=check)
    except PatternSettleError as error:
        print(f"{error.problem}\n{error.cure}", file=sys.stderr)
        return 2
    if check and changed:
        print(f"Stale: {', '.join(changed)}. Run scripts/compile and commit what it writes.", file=sys.stderr)
        return 1
    print(f"Changed: {', '.join(changed)}." if changed else "All artifacts are up to date.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
