"""Where the page of an evaluation is written: in place of nothing but an earlier page, all of it or nothing."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Iterable
from pathlib import Path

from agent.errors import UsageError
from agent.evaluation.page import is_page

__all__ = ["require_free", "write"]

_BEGINNING = 1_024  # bytes, in which a page says what it is
_CURE = "Name another file with --html."


def require_free(path: Path, *, taken: Iterable[tuple[Path, str]]) -> None:
    """Refuse a path at which writing a page would touch anything but a page.

    Parameters
    ----------
    path
        Of the page. What a link leads to counts, not the link.
    taken
        Files that the command itself reads or writes, whether or not they are there yet, each with what it is.

    Raises
    ------
    UsageError
        Where it is one of those, or exists and is no page, or its folder takes no files.
    """
    place = _place(path)
    for file, what in taken:
        if _are_one(place, file):
            raise UsageError(f"The page {path} cannot be written: that is {what}.", cure=_CURE)
    try:
        if not os.access(place.parent, os.W_OK):
            raise UsageError(f"The page {path} cannot be written.", cure="Name a file in a folder that can be.")
        # Not opened before it is known to be a file: a pipe would wait for a writer.
        if not stat.S_ISREG(place.lstat().st_mode):
            raise UsageError(f"The page {path} cannot be written: that is no regular file.", cure=_CURE)
        with place.open("rb") as file:
            beginning = file.read(_BEGINNING)
    except FileNotFoundError:
        return
    except OSError as error:
        raise _unwritable(path, error) from error
    if beginning and not is_page(beginning):
        raise UsageError(f"{path} exists and is not a page of patternsettle, so it is left alone.", cure=_CURE)


def write(path: Path, text: str) -> None:
    """Write a page, all of it or nothing; where the path is a link, to where it leads.

    Raises
    ------
    UsageError
        Where it cannot be written.
    """
    place = _place(path)
    written: Path | None = None
    try:
        with tempfile.NamedTemporaryFile(
            "w", encoding="utf-8", dir=place.parent, prefix=".page.", delete=False
        ) as file:
            written = Path(file.name)
            file.write(text)
        written.chmod(0o644)
        written.replace(place)
    except OSError as error:
        raise _unwritable(path, error) from error
    finally:
        if written is not None:
            written.unlink(missing_ok=True)


def _place(path: Path) -> Path:
    # Not `Path.resolve`, which fails where links go round in a circle.
    return Path(os.path.realpath(path))


def _are_one(place: Path, file: Path) -> bool:
    try:
        return place == _place(file) or os.path.samefile(place, file)
    except OSError:
        return False


def _unwritable(path: Path, error: OSError) -> UsageError:
    return UsageError(
        f"The page {path} cannot be written: {error.strerror or error}.",
        cure="Name a file in a folder that can be.",
    )
