"""What a price file's bytes are: found, unpacked, and told apart by their content."""

from __future__ import annotations

import gzip
import io
import re
import zipfile
import zlib
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Literal

from agent.errors import DataError
from agent.files import Unreadable, contents

Kind = Literal["csv", "json", "parquet", "feather", "excel"]

_KIND_OF_SUFFIX: dict[str, Kind] = {
    ".csv": "csv",
    ".tsv": "csv",
    ".json": "json",
    ".jsonl": "json",
    ".ndjson": "json",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".feather": "feather",
    ".ft": "feather",
    ".arrow": "feather",
    ".xlsx": "excel",
    ".xlsm": "excel",
}
_SUFFIX_OF_KIND: dict[Kind, str] = {
    "csv": ".csv",
    "json": ".json",
    "parquet": ".parquet",
    "feather": ".feather",
    "excel": ".xlsx",
}
_READABLE = "CSV (also .gz or .zip), JSON, Parquet, Feather and Excel (.xlsx)"
# What macOS and Windows put beside the files that somebody packed.
_PACKED_BY_SYSTEMS = re.compile(r"(?:^|/)(?:__MACOSX/|\._|\.DS_Store$|Thumbs\.db$|desktop\.ini$)", re.IGNORECASE)
_FOREIGN = (
    (b"\x89HDF", "an HDF5 file"),
    (b"SQLite format 3", "an SQLite database"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ", "an xz archive"),
    (b"\x28\xb5\x2f\xfd", "a zstd archive"),
    (b"Rar!", "a RAR archive"),
    (b"7z\xbc\xaf", "a 7z archive"),
    (b"%PDF", "a PDF"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook"),
    (b"FEA1", "a Feather file of the first version"),
    (b"\x80\x02", "a pickle"),
    (b"\x80\x03", "a pickle"),
    (b"\x80\x04", "a pickle"),
    (b"\x80\x05", "a pickle"),
)
_MANIFEST = "manifest.json"  # of a saved model
_IS_MODEL = "it is a model, not a price file."
_GIVE_MODEL = "Give it as the model, and a file of prices in its place."
_CONTROL = bytes([*range(0x09), 0x0B, *range(0x0E, 0x20)])  # what no text holds
_MARKUP = re.compile(r"\s*<(!doctype|!--|html|head|body|\?xml|table|svg)", re.IGNORECASE)


@dataclass(frozen=True, eq=False)
class Source:
    """The unpacked content of one file.

    Attributes
    ----------
    file
        The path as it was given, for messages.
    kind
        What the content is.
    data
        The unpacked bytes of a binary kind; empty for text.
    text
        The decoded text of a text kind, lines ending in ``\\n``; empty for binary.
    """

    file: str
    kind: Kind
    data: bytes
    text: str


def open_source(path: Path) -> Source:
    """Read, unpack and recognise one file.

    Raises
    ------
    DataError
        If the file is absent, a folder, unreadable, empty, cut short, of no kind this project reads, or not
        what its name says.
    """
    file = str(path)
    if path.suffix.lower() == ".onnx":
        raise DataError(_IS_MODEL, file=file, cure=_GIVE_MODEL)
    data, suffixes = _unpacked(_bytes_of(path), file, [suffix.lower() for suffix in path.suffixes])
    if not data.strip():
        raise DataError("the file is empty.", file=file, cure="Download or export it again.")
    kind, text = _recognised(data, file)
    named = _KIND_OF_SUFFIX.get(suffixes[-1]) if suffixes else None
    if named is not None and named != kind:
        raise DataError(
            f"it is named {suffixes[-1]} but its content is {kind.upper()}.",
            file=file,
            cure=f"Rename it to end in {_SUFFIX_OF_KIND[kind]}, or export it again.",
        )
    return Source(file=file, kind=kind, data=b"" if text else data, text=text)


def _bytes_of(path: Path) -> bytes:
    file = str(path)
    try:
        return contents(path)
    except Unreadable as error:
        raise DataError(error.problem, file=file, cure=error.cure) from None
    except FileNotFoundError:
        raise DataError("there is no such file.", file=file, cure=_nearby(path)) from None
    except IsADirectoryError:
        if (path / _MANIFEST).is_file():
            raise DataError(_IS_MODEL, file=file, cure=_GIVE_MODEL) from None
        raise DataError("it is a folder, not a file.", file=file, cure="Name one file inside it.") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise DataError(
            f"it cannot be read ({reason}).", file=file, cure="Check the path and its rights."
        ) from None


def _nearby(path: Path) -> str:
    try:
        names = [entry.name for entry in path.parent.iterdir()]
    except OSError:
        return f"The folder {path.parent} cannot be read either; check the path."
    near = get_close_matches(path.name, names, n=1)
    return f"Did you mean {near[0]}?" if near else "Check the path."


def _unpacked(data: bytes, file: str, suffixes: list[str]) -> tuple[bytes, list[str]]:
    """Return the bytes inside a gzip or zip file, and the suffixes that are left of its name."""
    last = suffixes[-1] if suffixes else ""
    packing = {b"\x1f\x8b": ".gz", b"PK": ".zip"}.get(data[:2], "")
    if packing == ".zip":
        return _unzipped(data, file, last)
    if packing == ".gz" and last in ("", ".gz", ".gzip"):
        return _gunzipped(data, file), suffixes[:-1]
    if packing == ".gz":
        raise DataError(
            f"it is compressed with gzip but named {last}.", file=file, cure=f"Rename it to end in {last}.gz."
        )
    if data and last in (".gz", ".gzip", ".zip"):
        raise DataError(
            f"it is named {last} but is not compressed.",
            file=file,
            cure=f"Rename it without {last}, or download it again.",
        )
    return data, suffixes


def _gunzipped(data: bytes, file: str) -> bytes:
    try:
        return gzip.decompress(data)
    except (EOFError, OSError, zlib.error):
        raise DataError(
            "the gzip file is cut short or damaged.",
            file=file,
            cure="Download it again, or check it with `gzip -t`.",
        ) from None


def _unzipped(data: bytes, file: str, last: str) -> tuple[bytes, list[str]]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = [name for name in archive.namelist() if not name.endswith("/")]
            if "xl/workbook.xml" in names:
                return data, [last]
            if "[Content_Types].xml" in names or "mimetype" in names:
                raise DataError(
                    "it is a spreadsheet.", file=file, cure="Save it as CSV with times and prices in full digits."
                )
            names = [name for name in names if not _PACKED_BY_SYSTEMS.search(name)]
            if _MANIFEST in names:
                raise DataError(_IS_MODEL, file=file, cure=_GIVE_MODEL)
            if len(names) != 1:
                raise DataError(
                    f"the zip archive holds {len(names)} files, expected one.",
                    file=file,
                    cure="Unpack it and name one file.",
                )
            if last != ".zip":
                raise DataError(
                    f"it is a zip archive but named {last or 'without suffix'}.",
                    file=file,
                    cure="Rename it to end in .zip.",
                )
            return archive.read(names[0]), [suffix.lower() for suffix in Path(names[0]).suffixes]
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, ValueError):
        raise DataError(
            "the zip archive is cut short, damaged or locked.",
            file=file,
            cure="Download it again, or unpack it and name the file inside.",
        ) from None


def _recognised(data: bytes, file: str) -> tuple[Kind, str]:
    """Return the kind of the content and, where it is text, the text."""
    if data[:4] == b"PAR1":
        return "parquet", ""
    if data[:6] == b"ARROW1":
        return "feather", ""
    if data[:2] == b"PK":
        return "excel", ""
    for magic, what in _FOREIGN:
        if data.startswith(magic):
            raise DataError(
                f"it is {what}, not a price file.", file=file, cure=f"Export the bars again: {_READABLE} are read."
            )
    text = _decoded(data, file)
    if _MARKUP.match(text):
        raise DataError(
            "it is a web page (HTML or XML) saved under the name of a price file.",
            file=file,
            cure="Open the address in a browser: it likely shows an error or asks to log in; then download it again.",
        )
    return ("json" if text.lstrip()[:1] in ("[", "{") else "csv"), text


def _decoded(data: bytes, file: str) -> str:
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        encoding = "utf-16"
    elif _utf16(data):
        encoding = _utf16(data)
    elif _holds(data.rstrip(b"\x1a"), _CONTROL):
        encoding = ""
    else:
        encoding = "utf-8-sig"
    try:
        text = data.decode(encoding) if encoding else None
    except UnicodeDecodeError:
        # Old exports carry a stray Latin-1 letter in a comment; digits and separators are the same in both.
        text = data.decode("latin-1") if encoding == "utf-8-sig" else None
    if text is None:
        raise DataError("its content is binary, not text.", file=file, cure=f"{_READABLE} are read.")
    return text.rstrip("\x1a").replace("\r\n", "\n").replace("\r", "\n")


def _holds(data: bytes, any_of: bytes) -> bool:
    """Whether data holds any of some bytes: deleting them is ten times as quick as searching for them."""
    return len(data.translate(None, any_of)) != len(data)


def _utf16(data: bytes) -> str:
    """Return the encoding of text whose letters are of two bytes without a mark that says so; "" of any other."""
    sample = data[:4000]
    halves = sample[::2], sample[1::2]
    zeros = [half.count(0) / max(len(half), 1) for half in halves]
    if len(sample) < 8 or max(zeros) < 0.9 or min(zeros) > 0.1:
        return ""
    return "utf-16-le" if zeros[1] > zeros[0] else "utf-16-be"
