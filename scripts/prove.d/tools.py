"""Authority on running the tools of others: where they are, what they are told of the contracts, and that a failure is seen."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from agent.chain.artifact import artifact
from agent.chain.compiler import find_compiler
from agent.errors import UsageError

__all__ = ["PLACE", "ROOT", "Run", "for_foundry", "forge", "in_tools", "run", "tell"]

ROOT = Path(__file__).resolve().parents[2]
PLACE = ROOT / ".prove"
# The names under which tests/forge reads the committed bytecode.
_BYTECODE = {
    "Settlement": "SETTLEMENT",
    "AttestedModels": "MODELS",
    "DemoToken": "TOKEN",
    "FeedOracle": "ORACLE",
    "ReplayFeed": "FEED",
}
# Seconds between two lines about the same run.
_PAUSE = 30
_SYSTEMS = {"linux": "linux", "darwin": "darwin"}
_MACHINES = {"x86_64": "amd64", "amd64": "amd64", "arm64": "arm64", "aarch64": "arm64"}


@dataclass(frozen=True)
class Run:
    """How a tool ended: its exit code, and what it printed on either stream."""

    code: int
    out: str
    err: str


def tell(line: str) -> None:
    """Say how far it is, where it does not mix with the figures."""
    print(line, file=sys.stderr, flush=True)


def run(
    command: Sequence[str | Path],
    *,
    folder: Path = ROOT,
    progress: Callable[[], str] | None = None,
    **variables: str,
) -> Run:
    """Run a tool in a folder, with the variables given beside those that are set.

    It finds the other tools by their names. Where it takes long, `progress` is asked now and then what to tell.
    """
    path = os.pathsep.join((str(in_tools(".")), str(forge().parent), os.environ["PATH"]))
    with subprocess.Popen(
        [str(word) for word in command],
        cwd=folder,
        env={**os.environ, **variables, "PATH": path},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
    ) as process:
        while True:
            try:
                out, err = process.communicate(timeout=None if progress is None else _PAUSE)
            except subprocess.TimeoutExpired:
                tell(f"  {progress() if progress else ''}")
            else:
                return Run(process.returncode, out, err)


def forge() -> Path:
    """Path of npm's forge.

    Raises
    ------
    UsageError
        If there is none for this machine.
    """
    name = f"forge-{_SYSTEMS.get(sys.platform)}-{_MACHINES.get(platform.machine().lower())}"
    path = ROOT / "tests/forge/node_modules/@foundry-rs" / name / "bin" / "forge"
    if not path.is_file():
        raise UsageError(
            f"npm has no forge for {sys.platform} on {platform.machine()}.",
            cure="Run scripts/prove on Linux or macOS, x86-64 or ARM.",
        )
    return path


def in_tools(name: str) -> Path:
    """Path of a tool in the environment that `scripts/prove` makes."""
    return PLACE / "tools" / "bin" / name


def for_foundry(profile: str) -> Mapping[str, str]:
    """What forge and Halmos read: the profile of tests/forge, the contracts' bytecode, and our compiler."""
    codes = {f"BYTECODE_{short}": f"0x{artifact(name).bytecode.hex()}" for name, short in _BYTECODE.items()}
    return {
        **codes,
        "FOUNDRY_PROFILE": profile,
        "FOUNDRY_CONFIG": str(ROOT / "tests/forge/foundry.toml"),
        "FOUNDRY_SOLC": str(find_compiler().path),
        "FOUNDRY_DISABLE_NIGHTLY_WARNING": "1",
    }
