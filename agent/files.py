"""What a person names as a file: the name judged for what it is, and the file read without waiting for ever."""

from __future__ import annotations

import errno
import os
import re
import stat
from pathlib import Path

from agent.errors import PatternSettleError, UsageError

__all__ = ["Unreadable", "contents", "named"]

LARGEST = 2**30
"""Bytes that are read of what has no end that could be known beforehand."""

_LONGEST = 255  # bytes of a name, on the file systems that people have
_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]+:/", re.IGNORECASE)  # C:/ is a drive
_OPENED = re.compile(r"/dev/stdin|/dev/fd/\d+|/proc/self/fd/\d+")  # by whoever began us, as a shell's pipe
_KINDS = (
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)
_ANOTHER = "Name a file that is there, or a new one."
_HOPELESS = {
    errno.ELOOP: "is a link that leads back to itself",
    errno.ENAMETOOLONG: "is longer than the name of a file can be",
    errno.EACCES: "is in a folder that you may not look into",
    errno.ENOTDIR: "is said to lie in what is a file, not a folder",
}


class Unreadable(PatternSettleError):
    """A file that is not read; the problem is a sentence without its name."""


def named(text: str | Path, *, addresses: bool = False) -> Path:
    """Return the path that a person named; ``~`` is their home.

    Parameters
    ----------
    text
        As it was typed.
    addresses
        Whether what looks like an address may be the name of a file.

    Raises
    ------
    UsageError
        If no file could ever be called so, or nothing of what is there can be reached by it.
    """
    shown = str(text)
    if not addresses and _ADDRESS.match(shown):
        address = re.sub(":/+", "://", shown, count=1)  # of which a path keeps one slash
        raise UsageError(f"{address} is an address, not a file.", cure="Download it first, and name the file.")
    try:
        path = Path(text).expanduser()
    except RuntimeError:
        raise UsageError(
            f"{shown} is in the home of somebody unknown.", cure=f"Name it in full. {_ANOTHER}"
        ) from None
    try:
        path.stat()
    except ValueError:  # a character that ends names
        raise UsageError(f"{shown!r} is not the name of any file.", cure=_ANOTHER) from None
    except OSError as error:
        long = any(len(os.fsencode(part)) > _LONGEST for part in path.parts)  # in a folder that is not there yet
        number = errno.ENAMETOOLONG if long else error.errno
        if number in _HOPELESS:
            raise UsageError(f"{_short(shown)} {_HOPELESS[number]}.", cure=_ANOTHER) from None
    return path


def _short(name: str) -> str:
    return name if len(name) <= 200 else f"{name[:40]}... ({len(name):,} characters)"


def contents(path: Path, *, most: int = -1) -> bytes:
    """Return what is in a file, or in a pipe that whoever began us opened, as ``/dev/stdin``.

    Parameters
    ----------
    path
        The file.
    most
        Bytes to read of it; all of them unless given.

    Raises
    ------
    Unreadable
        If it is a device, a pipe or a socket, which may never end, or a link to nothing.
    OSError
        If it is not there, or is a folder, or may not be read.
    """
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        if path.is_symlink():
            raise Unreadable(
                f"it is a link to {os.readlink(path)}, which is not there.",
                cure="Mend the link, or name the file.",
            ) from None
        raise
    kind = next((what for is_of, what in _KINDS if is_of(mode)), "")
    if not kind:
        with path.open("rb") as file:
            return file.read(most)
    if not (_OPENED.fullmatch(str(path)) and (kind != "a device" or _is_terminal(path))):
        raise Unreadable(
            f"it is {kind}, and may never end.", cure="Name a file, or send it through a pipe and name /dev/stdin."
        )
    with path.open("rb") as file:
        data = file.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise Unreadable(f"it goes on after {LARGEST:,} bytes.", cure="Save it to a file, and name that.")
    return data


def _is_terminal(path: Path) -> bool:
    with path.open("rb") as file:
        return file.isatty()
