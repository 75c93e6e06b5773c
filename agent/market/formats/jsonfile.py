"""How JSON, as exchanges and tools write it, becomes a table: rows, records, columns, or one of these wrapped."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from agent.errors import DataError
from agent.market.formats.source import Source
from agent.market.table import Table
from agent.market.times import looks_like_time
from agent.nesting import TooDeepError, loads

_DEEPEST = 4
_CURE = "Give rows like [[time, open, high, low, close, volume], ...] or records with those names."


def read_json(source: Source) -> Table:
    """Return the table in a JSON file, or in one with a JSON object on each line.

    Raises
    ------
    DataError
        If it is no valid JSON, or holds no rows of bars.
    """
    document = _document(source)
    frame = _rows_in(document, source.file, depth=0)
    if frame is None:
        raise DataError("its JSON holds no rows of bars.", file=source.file, cure=_CURE)
    names = tuple(map(str, frame.columns)) if frame.attrs.pop("named") else None
    frame = frame.set_axis(range(frame.shape[1]), axis=1).reset_index(drop=True).infer_objects()
    return Table(file=source.file, names=names, frame=frame, as_text=lambda: frame)


def _document(source: Source) -> Any:
    try:
        return loads(source.text)
    except TooDeepError:
        raise DataError("its JSON is nested too deeply.", file=source.file, cure=_CURE) from None
    except ValueError as error:
        whole = error
    lines = source.text.splitlines()
    if len(lines) > 1 and source.text.lstrip().startswith("{") and _is_json(lines[0]):
        return _records_by_line(lines, source.file)
    at = getattr(whole, "lineno", None)
    raise DataError(
        f"it is not valid JSON ({getattr(whole, 'msg', whole)}).",
        file=source.file,
        line=at,
        cure="Download or export it again: it may have been cut short.",
    )


def _is_json(text: str) -> bool:
    try:
        loads(text)
    except ValueError:
        return False
    return True


def _records_by_line(lines: list[str], file: str) -> list[Any]:
    records = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            records.append(loads(line))
        except ValueError as error:
            raise DataError(
                f"the line is not valid JSON ({error}).",
                file=file,
                line=number,
                cure="Correct or remove that line.",
            ) from None
    return records


def _rows_in(node: Any, file: str, *, depth: int) -> pd.DataFrame | None:
    """Return the rows a document holds, looking into objects that wrap them under one name."""
    if isinstance(node, list) and node:
        return _from_list(node, file)
    if not isinstance(node, Mapping) or depth > _DEEPEST:
        return None
    if isinstance(node.get("columns"), list) and isinstance(node.get("data"), list) and node["data"]:
        return _from_list([dict(zip(node["columns"], row, strict=False)) for row in node["data"]], file)
    columns = {name: value for name, value in node.items() if isinstance(value, list | Mapping) and value}
    if columns and all(looks_like_time(name) and isinstance(value, Mapping) for name, value in columns.items()):
        return _from_list([{"time": name, **value} for name, value in columns.items()], file)
    lengths = {len(value) for value in columns.values()}
    if len(columns) >= 5 and len(lengths) == 1:
        return _from_columns(columns)
    wrapped = [
        frame for value in columns.values() if (frame := _rows_in(value, file, depth=depth + 1)) is not None
    ]
    if len(wrapped) > 1:
        raise DataError(
            f"its JSON holds several tables, under {', '.join(map(repr, columns))}.",
            file=file,
            cure="Save the bars of one of them in a file of its own.",
        )
    return wrapped[0] if wrapped else None


def _from_list(rows: list[Any], file: str) -> pd.DataFrame | None:
    if all(isinstance(row, Mapping) for row in rows):
        frame = pd.DataFrame.from_records(rows)
        frame.attrs["named"] = True
        return frame
    if not all(isinstance(row, list) for row in rows):
        return None
    width = len(rows[0])
    for number, row in enumerate(rows, start=1):
        if len(row) != width:
            raise DataError(
                f"row {number} has {len(row)} values, the first {width}.",
                file=file,
                cure="Correct or remove that row.",
            )
    if width and all(isinstance(cell, str) for cell in rows[0]) and not any(_is_json(cell) for cell in rows[0]):
        frame = pd.DataFrame(rows[1:], columns=rows[0])
        frame.attrs["named"] = True
        return frame
    frame = pd.DataFrame(rows)
    frame.attrs["named"] = False
    return frame


def _from_columns(columns: Mapping[str, Any]) -> pd.DataFrame:
    """Return the table of an object of columns: lists, or (as pandas writes them) objects by row label."""
    values = {
        name: list(value.values()) if isinstance(value, Mapping) else value for name, value in columns.items()
    }
    frame = pd.DataFrame(values)
    first = next(iter(columns.values()))
    if isinstance(first, Mapping) and all(looks_like_time(label) for label in first):
        frame.insert(0, "time", list(first), allow_duplicates=True)
    frame.attrs["named"] = True
    return frame
