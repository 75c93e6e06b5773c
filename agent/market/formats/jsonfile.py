"""How JSON, as exchanges and tools write it, becomes a table."""

from __future__ import annotations

from typing import Any

from agent.errors import DataError
from agent.market.formats.jsonrows import CURE, rows_in
from agent.market.formats.source import Source
from agent.market.table import Table
from agent.nesting import TooDeepError, loads


def read_json(source: Source) -> Table:
    """Return the table in a JSON file, or in one with JSON on each line.

    Raises
    ------
    DataError
        If it is no valid JSON, or holds no rows of bars.
    """
    found = rows_in(_document(source), source.file)
    if found is None:
        raise DataError("its JSON holds no rows of bars.", file=source.file, cure=CURE)
    names = tuple(map(str, found.frame.columns)) if found.named else None
    frame = found.frame.set_axis(range(found.frame.shape[1]), axis=1).reset_index(drop=True).infer_objects()
    return Table(file=source.file, names=names, frame=frame, as_text=lambda: frame, told=found.told)


def _document(source: Source) -> Any:
    try:
        return loads(source.text)
    except TooDeepError:
        raise DataError("its JSON is nested too deeply.", file=source.file, cure=CURE) from None
    except ValueError as error:
        whole = error
    lines = source.text.splitlines()
    if len(lines) > 1 and source.text.lstrip()[:1] in ("{", "[") and _is_json(lines[0]):
        return _values_by_line(lines, source.file)
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


def _values_by_line(lines: list[str], file: str) -> list[Any]:
    values = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            values.append(loads(line))
        except ValueError as error:
            raise DataError(
                f"the line is not valid JSON ({error}).",
                file=file,
                line=number,
                cure="Correct or remove that line.",
            ) from None
    return values
