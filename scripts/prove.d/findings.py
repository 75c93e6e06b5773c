"""Authority on what slither is asked, and on its findings: each is explained by hand, or it is a fault."""

from __future__ import annotations

import json
import tempfile
import time
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from report import Section, table
from tools import ROOT, Run, in_tools, run

from agent.chain.compile import standard_input
from agent.chain.compiler import find_compiler

__all__ = ["Explanation", "Finding", "explanations", "find", "findings", "unexplained"]

_EXPLAINED = Path(__file__).with_name("findings.toml")
_ENTRIES = ("Settlement.sol", "sources/AttestedModels.sol", "oracles/FeedOracle.sol")


@dataclass(frozen=True, order=True)
class Finding:
    """What a detector found, and in which function or variable: `Settlement.open.known`."""

    detector: str
    place: str


@dataclass(frozen=True)
class Explanation:
    """Why what a detector finds at these places is nothing."""

    finding: str
    places: tuple[str, ...]
    because: str


def find(*, quick: bool, jobs: int) -> Section:
    """Let slither look at the contracts; what lies in OpenZeppelin is not ours to explain."""
    del quick, jobs
    began = time.monotonic()
    # Elsewhere, for it would take the forge project above for what it is to look at.
    with tempfile.TemporaryDirectory() as folder:
        ended, detected = _ask(Path(folder))
    if detected is None:
        problem = f"slither: {ended.err.strip()[-2_000:]}"
        return Section("Slither", "It did not run.", (problem,), time.monotonic() - began)
    explained = explanations()
    faults = tuple(unexplained(findings(detected), explained))
    rows = [
        (f"`{each.finding}`", ", ".join(f"`{place}`" for place in each.places), each.because) for each in explained
    ]
    text = (
        "All detectors, over the contracts and what they are built on. There is no finding in them but these, each of which\n"
        "somebody has looked at.\n\n" + table(("finding", "where", "why it is none"), rows)
    )
    return Section("Slither", text, faults, time.monotonic() - began)


def findings(detected: Iterable[dict[str, Any]]) -> list[Finding]:
    """Return what was found in our own sources, each place once."""
    return sorted({Finding(each["check"], _place(each)) for each in detected if not _file(each).startswith("@")})


def unexplained(found: Sequence[Finding], explained: Sequence[Explanation]) -> list[str]:
    """Say where findings and explanations are not the same; nothing where they are."""
    known = {Finding(each.finding, place) for each in explained for place in each.places}
    missing = [f"slither: {each.detector} in {each.place} is not explained" for each in found if each not in known]
    stale = [
        f"slither: {each.detector} in {each.place} is explained, and not found any more"
        for each in sorted(known - set(found))
    ]
    return [f"{fault} ({_EXPLAINED.name})" for fault in missing + stale]


def explanations() -> list[Explanation]:
    content = tomllib.loads(_EXPLAINED.read_text(encoding="utf-8"))
    return [Explanation(each["finding"], tuple(each["places"]), each["because"]) for each in content["explained"]]


def _ask(folder: Path) -> tuple[Run, list[dict[str, Any]] | None]:
    entry, answer = _stage(folder), folder / "findings.json"
    command = [in_tools("slither"), entry, "--compile-force-framework", "solc-json"]
    ended = run([*command, "--solc", find_compiler().path, "--json", answer], folder=folder)
    if not answer.is_file():
        return ended, None
    return ended, json.loads(answer.read_text(encoding="utf-8"))["results"]["detectors"]


def _stage(folder: Path) -> Path:
    """Put the sources where their names say, and what the compiler is told beside them."""
    wanted = {"": ["ast"], "*": ["abi", "metadata", "devdoc", "userdoc", "evm.bytecode", "evm.deployedBytecode"]}
    document = standard_input(ROOT / "contracts", _ENTRIES)
    document["settings"]["outputSelection"] = {"*": wanted}
    for name, source in document["sources"].items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source["content"], encoding="utf-8")
    entry = folder / "input.json"
    entry.write_text(json.dumps(document), encoding="utf-8")
    return entry


def _file(finding: dict[str, Any]) -> str:
    return finding["elements"][0]["source_mapping"]["filename_relative"] if finding["elements"] else ""


def _place(finding: dict[str, Any]) -> str:
    """Contract, function and variable, as far as there are such."""
    names: list[str] = []
    element = finding["elements"][0] if finding["elements"] else None
    while element is not None:
        if element["type"] != "node":
            names.append(element["name"])
        element = element.get("type_specific_fields", {}).get("parent")
    return ".".join(reversed(names))
