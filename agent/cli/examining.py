"""What `patternsettle doctor` looks at: what is installed, which compiler, which chain, and what to do about what is missing."""

from __future__ import annotations

import os
import platform
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from tempfile import TemporaryDirectory

from packaging.requirements import Requirement
from rich.markup import escape
from rich.table import Table

from agent import __version__
from agent.cli.output import show, show_json
from agent.errors import PatternSettleError

NEEDED_ARTIFACTS = ("Settlement", "AttestedModels", "FeedOracle", "DemoToken", "ReplayFeed")
OLDEST_PYTHON = (3, 11)


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes
    ----------
    name
        What.
    ok
        Whether it is as it should be.
    needed
        Whether anything fails without it.
    detail
        What was found.
    cure
        What to do where it is not.
    """

    name: str
    ok: bool
    needed: bool
    detail: str
    cure: str = ""


def examine(rpc: str | None, *, json: bool) -> None:
    """Look at everything, show it, and raise where something needed is missing."""
    findings = list(_findings(rpc))
    failing = [finding.name for finding in findings if finding.needed and not finding.ok]
    if json:
        show_json({"ok": not failing, "findings": [asdict(finding) for finding in findings]})
    else:
        _show(findings)
    if failing:
        raise PatternSettleError(
            f"Something needed is missing: {', '.join(failing)}.", cure="Do what is said beside each."
        )


def _findings(rpc: str | None) -> Iterator[Finding]:
    yield _python()
    yield from _packages()
    yield _looked_at("compiled contracts", _artifacts)
    yield _looked_at("local chain", _local_chain)
    yield _looked_at("Solidity compiler", _compiler, needed=False)
    yield _looked_at("settings", _settings)
    if rpc is not None:
        yield _looked_at(f"node {rpc}", lambda: _node(rpc))


def _python() -> Finding:
    return Finding(
        "Python",
        ok=sys.version_info >= OLDEST_PYTHON,
        needed=True,
        detail=f"{platform.python_version()} on {platform.system()} {platform.machine()}",
        cure="Install Python 3.11 or newer.",
    )


def _packages() -> Iterator[Finding]:
    """Compare what is installed with what this package says it needs."""
    for text in metadata.requires("patternsettle") or []:
        requirement = Requirement(text)
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
            continue
        cure = f"Run: {sys.executable} -m pip install '{requirement}'"
        try:
            found = metadata.version(requirement.name)
        except metadata.PackageNotFoundError:
            yield Finding(requirement.name, ok=False, needed=True, detail="not installed", cure=cure)
            continue
        fits = requirement.specifier.contains(found, prereleases=True)
        detail = found if fits else f"{found}, needed {requirement.specifier}"
        yield Finding(requirement.name, ok=fits, needed=True, detail=detail, cure="" if fits else cure)


# What follows imports where it looks: a package that is missing must be found, not met.


def _artifacts() -> str:
    from agent.chain.artifact import artifact, artifact_names

    missing = [name for name in NEEDED_ARTIFACTS if name not in artifact_names()]
    if missing:
        raise PatternSettleError(
            f"{', '.join(missing)} not found.", cure="Run scripts/compile, or install patternsettle again."
        )
    return ", ".join(f"{name} {len(artifact(name).deployed_bytecode):,} bytes" for name in NEEDED_ARTIFACTS)


def _local_chain() -> str:
    from agent.chain.client import Chain
    from agent.chain.local import LocalChain
    from agent.settings import load_settings

    with LocalChain() as local, Chain(local.provider(), settings=load_settings()) as chain:
        return f"{chain.client}, chain id {chain.chain_id}"


def _compiler() -> str:
    from agent.chain.compiler import find_compiler

    with _leaving_nothing():
        compiler = find_compiler(download=False)
    return f"solc {compiler.version}, {compiler.origin} (needed only to change contracts)"


@contextmanager
def _leaving_nothing() -> Iterator[None]:
    """Let what looks for a compiler keep its caches and logs only while this lasts, and make no folder at home."""
    before = dict(os.environ)
    with TemporaryDirectory() as folder:
        os.environ |= {"XDG_CACHE_HOME": folder, "npm_config_cache": folder}
        os.environ.setdefault("SOLCX_BINARY_PATH", str(Path.home() / ".solcx"))  # which is made unless it is named
        try:
            yield
        finally:
            os.environ.clear()
            os.environ.update(before)


def _settings() -> str:
    from agent.chain.accounts import accounts_of
    from agent.settings import load_settings

    settings = load_settings()
    accounts_of(settings)
    kind = "the well-known development phrase" if settings.is_development else "a phrase of your own"
    return f"accounts from {kind}"


def _node(rpc: str) -> str:
    from agent.chain.client import Chain
    from agent.desk.follow import Follower
    from agent.settings import load_settings

    with Chain.connect(rpc, settings=load_settings()) as chain:
        serves = ", replays bars" if Follower.serves(chain) else ""
        settable = "can be set" if chain.supports("evm_snapshot") else "cannot be set"
        return f"{chain.client}, chain id {chain.chain_id}, block {chain.block_number:,}{serves}, its clock {settable}"


def _looked_at(name: str, look: Callable[[], str], *, needed: bool = True) -> Finding:
    try:
        return Finding(name, ok=True, needed=needed, detail=look())
    except PatternSettleError as error:
        return Finding(name, ok=False, needed=needed, detail=error.problem, cure=error.cure)
    except ImportError as error:
        return Finding(
            name, ok=False, needed=needed, detail=f"{error}.", cure="Install the package that is missing."
        )


def _show(findings: list[Finding]) -> None:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    table.add_column(overflow="fold")
    table.add_row("", "patternsettle", __version__)
    for finding in findings:
        mark = "[green]ok[/]" if finding.ok else "[bold red]FAILS[/]" if finding.needed else "[yellow]absent[/]"
        table.add_row(mark, escape(finding.name), escape(re.sub(r"\s+", " ", finding.detail)))
        if not finding.ok and finding.cure:
            table.add_row("", "", f"[bold]{escape(finding.cure)}[/]")
    show(table)
