"""How what this project needs only for some of its work is installed: the command, as it can be typed."""

from __future__ import annotations

import shlex
from pathlib import Path

__all__ = ["install"]

_CLONE = Path(__file__).parents[1]


def install(extra: str) -> str:
    """Return the command that installs an extra of this project, which is on no index: from its clone.

    Parameters
    ----------
    extra
        A name under ``[project.optional-dependencies]``.
    """
    at = "." if Path.cwd() == _CLONE or not (_CLONE / "pyproject.toml").is_file() else _CLONE
    return f"pip install {shlex.quote(f'{at}[{extra}]')}"
