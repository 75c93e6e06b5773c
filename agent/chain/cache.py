"""Authority on derived files outside the checkout: where they live, and that none is ever half-written."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from agent.errors import ChainError

__all__ = ["cache_dir", "write_whole"]

CACHE_VARIABLE = "PATTERNSETTLE_CACHE"


def cache_dir() -> Path:
    """Folder for files that can be made again: ``PATTERNSETTLE_CACHE``, else the platform's own for the user.

    The folder need not exist; `write_whole` makes it.
    """
    if chosen := os.environ.get(CACHE_VARIABLE):
        return Path(chosen).expanduser().absolute()
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "patternsettle"


def write_whole(path: Path, content: str, *, executable: bool = False) -> None:
    """Write a text file so that a reader sees all of it or nothing, however many writers there are.

    Raises
    ------
    ChainError
        If the folder cannot be written to.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(content)
        Path(name).chmod(0o755 if executable else 0o644)
        os.replace(name, path)
    except OSError as error:
        raise ChainError(
            f"{path.parent} cannot be written to: {error.strerror}.",
            cure=f"Make it writable, or set {CACHE_VARIABLE} to a folder that is.",
        ) from error
