"""Authority on compiling one thing after the other: npm's solc, started once for each that compiles at the same time."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

from agent.chain.compiler import SOLC_VERSION, find_node
from agent.errors import ChainError, CompilerMissing

__all__ = ["Solc"]

_CURE = "Run scripts/mutate, which installs it (or `npm ci` in contracts/)."


class Solc:
    """The compiler; what it was started for ends with `close`.

    Parameters
    ----------
    package
        Folder of npm's solc.

    Raises
    ------
    CompilerMissing
        If it is not there, is not of the pinned version, or there is no Node.js.
    """

    def __init__(self, package: Path) -> None:
        node = find_node()
        if node is None:
            raise CompilerMissing("npm's solc needs Node.js, and there is no `node` on PATH.", cure=_CURE)
        manifest = package / "package.json"
        version = (
            json.loads(manifest.read_text(encoding="utf-8"))["version"] if manifest.is_file() else "not there"
        )
        if version != SOLC_VERSION:
            raise CompilerMissing(f"solc {SOLC_VERSION} is needed; in {package} it is {version}.", cure=_CURE)
        self._command = [str(node), str(Path(__file__).with_suffix(".js")), str(package.absolute())]
        self._idle: SimpleQueue[subprocess.Popen[str]] = SimpleQueue()

    def compile(self, document: Mapping[str, Any]) -> dict[str, Any] | None:
        """solc's answer to its JSON input; None where it refuses the sources.

        Raises
        ------
        ChainError
            If it does not answer.
        """
        process = self._started()
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(f"{json.dumps(document)}\n")
        process.stdin.flush()
        answer = process.stdout.readline()
        if not answer:
            raise ChainError(f"{' '.join(self._command)} ended by itself.", cure="Free some memory and go on.")
        self._idle.put(process)
        output: dict[str, Any] = json.loads(answer)
        refused = any(each["severity"] == "error" for each in output.get("errors", ()))
        return None if refused else output

    def close(self) -> None:
        """End what is idle."""
        while True:
            try:
                process = self._idle.get_nowait()
            except Empty:
                return
            process.communicate()

    def _started(self) -> subprocess.Popen[str]:
        try:
            return self._idle.get_nowait()
        except Empty:
            return subprocess.Popen(
                self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
            )
