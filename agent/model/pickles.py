"""Pickles: files that run code of their maker's choosing as they are read, known by name and first bytes, never opened."""

from __future__ import annotations

from pathlib import Path

from agent.errors import ArtifactError

__all__ = ["SUFFIXES", "refuse_pickle"]

SUFFIXES = (".pkl", ".pickle", ".joblib", ".sav", ".dill")
"""How the names of pickles end."""

# How files begin that are pickles, or compressed as joblib compresses them.
_MAGIC = {
    **{bytes([0x80, protocol]): "a pickle" for protocol in range(2, 6)},
    b"\x1f\x8b": "a gzip file, as joblib writes pickles",
    b"BZh": "a bzip2 file, as joblib writes pickles",
    b"\xfd7zXZ": "an xz file, as joblib writes pickles",
    b"]\x00\x00": "an lzma file, as joblib writes pickles",
    b"\x04\x22\x4d\x18": "an lz4 file, as joblib writes pickles",
    **{bytes([0x78, level]): "a zlib file, as joblib writes pickles" for level in (0x01, 0x5E, 0x9C, 0xDA)},
}


def refuse_pickle(path: Path, start: bytes, *, of: str = "") -> None:
    """Refuse a pickle by its name or its first bytes; anything else is for others to judge.

    Parameters
    ----------
    path
        The file.
    start
        Its first eight bytes, or more.
    of
        What the message begins with, if not with the file.

    Raises
    ------
    ArtifactError
        Where it is one.
    """
    what = next((kind for magic, kind in _MAGIC.items() if start.startswith(magic)), None)
    if what is None and path.suffix.lower() in SUFFIXES:
        what = f"a {path.suffix.lower()} file"
    if what is not None:
        raise ArtifactError(
            f"{of}{path} is {what}; pickle and joblib files are never loaded, because reading one runs whatever "
            "code its maker put in.",
            cure="Train with patternsettle train, which saves in the skops format.",
        )
