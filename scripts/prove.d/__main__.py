"""Holds the contracts to contracts/INVARIANTS.md in volume, and writes contracts/PROOF.md."""

from __future__ import annotations

import argparse
import hashlib
import os
import sys
from pathlib import Path

from findings import find
from fuzzing import fuzz
from report import write
from symbolic import decide
from tools import ROOT, forge, run, tell
from walking import walk

from agent.chain.artifact import artifact
from agent.chain.compile import SOLC_VERSION, build
from agent.errors import PatternSettleError, UsageError

_PROOFS = {"forge": fuzz, "halmos": decide, "slither": find, "machine": walk}
_TABLE = ROOT / "contracts" / "PROOF.md"


def _subject() -> str:
    """Which code it was, and what looked at it."""
    pinned = (Path(__file__).with_name("requirements.txt")).read_text(encoding="utf-8").splitlines()
    versions = dict(line.split("==") for line in pinned if "==" in line)
    said = run([forge(), "--version"]).out.split()
    runtime = artifact("Settlement").deployed_bytecode
    # The last two bytes are the size of the metadata, which also changes with a comment.
    code = hashlib.sha256(runtime[: -2 - int.from_bytes(runtime[-2:], "big")]).digest()
    return (
        f"It was about the `Settlement` whose code has the hash `{code.hex()[:16]}` (SHA-256, without solc's metadata at its end),\n"
        f"compiled by solc {SOLC_VERSION}; forge {said[2]}, Halmos {versions['halmos']}, slither {versions['slither-analyzer']}."
    )


def main() -> int:
    """Run the proofs; 0 where all hold, 1 where one does not, 2 where one cannot be run."""
    parser = argparse.ArgumentParser(prog="scripts/prove", description=__doc__)
    parser.add_argument("only", nargs="*", metavar="TOOL", help=f"Run these only: {', '.join(_PROOFS)}.")
    parser.add_argument("--quick", action="store_true", help="A few minutes; the committed table stays as it is.")
    cores = min(4, os.cpu_count() or 1)
    parser.add_argument(
        "--jobs", type=int, default=cores, help=f"How much to do at the same time (here: {cores})."
    )
    wanted = parser.parse_args()
    if unknown := [each for each in wanted.only if each not in _PROOFS]:
        parser.error(f"{unknown[0]} is none of: {', '.join(_PROOFS)}")
    sections = []
    try:
        if stale := build(check=True):
            raise UsageError(
                f"The committed bytecode is not that of the sources: {', '.join(stale)}.",
                cure="Run scripts/compile.",
            )
        for name in wanted.only or _PROOFS:
            tell(f"{name} ...")
            section = _PROOFS[name](quick=wanted.quick, jobs=max(1, wanted.jobs))
            sections.append(section)
            print(f"\n## {section.title} ({section.seconds:,.0f} s)\n\n{section.text.strip()}", flush=True)
    except PatternSettleError as error:
        tell(f"scripts/prove: {error}")
        return 2
    faults = [fault for section in sections for fault in section.faults]
    for fault in faults:
        tell(f"FAULT {fault}")
    if faults:
        return 1
    if not wanted.quick and not wanted.only:
        write(_TABLE, sections, _subject())
        tell(f"\nWritten to {_TABLE.relative_to(ROOT)}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
