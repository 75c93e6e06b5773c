"""How much an estimator's file would take in memory: found before anything in it is loaded, and refused where it is too much.

A small file can ask for all the memory there is: its members may be packed, be named again and again by the schema, each
time to be loaded anew, and hold packed arrays themselves.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator, Mapping
from typing import Any

from agent.nesting import require_shallow

__all__ = ["bounded_schema"]

_LARGEST = 2**30
_LARGEST_SCHEMA = 2**26  # some ten thousand trees; what is made of it takes many times its text
_DEEPEST = 200
_BYTEARRAY_COST = 9  # skops makes a list of the bytes first


def bounded_schema(archive: zipfile.ZipFile) -> Any:
    """Return the schema of an estimator's file, as JSON values.

    Raises
    ------
    ValueError
        Where it is no JSON, or it or what it names takes more than anybody's model does.
    KeyError
        Where there is none.
    """
    sizes = {member.filename: member.file_size for member in archive.infolist()}
    _require_small(sum(member.file_size for member in archive.infolist()))
    _require_small(sizes.get("schema.json", 0), largest=_LARGEST_SCHEMA, what="its schema")
    # skops walks the schema by recursion, and nothing that was trained nests it deeply.
    text = archive.read("schema.json").decode("utf-8")
    require_shallow(text, deepest=_DEEPEST)
    schema = json.loads(text)
    total, packed = 0, {}
    for node in _nodes(schema):
        match node:
            case {"__loader__": "JsonNode", "content": str(content)}:
                require_shallow(content, deepest=_DEEPEST)
            case {"__loader__": "SparseMatrixNode", "file": str(name)} if name in sizes:
                if name not in packed:
                    packed[name] = _unpacked(archive.read(name))
                total += sizes[name] + packed[name]
            case {"__loader__": loader, "file": str(name)}:
                total += sizes.get(name, 0) * (_BYTEARRAY_COST if loader == "BytearrayNode" else 1)
    _require_small(total)
    return schema


def _require_small(size: int, *, largest: int = _LARGEST, what: str = "it") -> None:
    if size > largest:
        raise ValueError(f"{what} unpacks to {size:,} bytes")


def _unpacked(matrix: bytes) -> int:
    """Return how many bytes the arrays of a sparse matrix take, which is a zip in the zip."""
    with zipfile.ZipFile(io.BytesIO(matrix)) as archive:
        return sum(member.file_size for member in archive.infolist())


def _nodes(schema: Any) -> Iterator[Mapping[str, Any]]:
    """Yield every object in a schema, each as often as it stands there."""
    left = [schema]
    while left:
        part = left.pop()
        if isinstance(part, dict):
            yield part
            left.extend(part.values())
        elif isinstance(part, list):
            left.extend(part)
