"""How the text of a CSV file becomes a table, headers repeated half-way and lines cut short included."""

from __future__ import annotations

import io
import re
import warnings
from functools import cache

import numpy as np
import pandas as pd

from agent.errors import DataError
from agent.market.columns.named import price_columns
from agent.market.formats.csvhead import (
    REPAIR,
    Head,
    cells_of,
    head_of,
    told_above,
    with_tabs,
    without_notes,
    wrong_width,
)
from agent.market.formats.source import Source
from agent.market.table import NOTHING, Table


def read_csv(source: Source) -> Table:
    """Return the table in a CSV file.

    Raises
    ------
    DataError
        If no line looks like a bar, or a line has more or fewer cells than the others.
    """
    lines, notes = without_notes(source.text.rstrip("\n").split("\n"))
    lines, head = _lines_and_head(lines, source.file)
    body = "\n".join(lines[head.first :])
    repeated = _repeated_headers(body, lines, head, source.file)
    positions = np.delete(np.arange(len(lines) - head.first), repeated)

    def parse(*, as_text: bool) -> pd.DataFrame:
        frame = _parsed(body, head, repeated, source.file, as_text=as_text)
        if len(frame) != len(positions):
            raise DataError(
                "a quoted cell runs over several lines, so lines cannot be told apart.",
                file=source.file,
                cure="Remove the stray quotation mark, or export the file again.",
            )
        return frame.set_axis(positions)

    frame = parse(as_text=False)
    _refuse_short_lines(frame, lines, head, source.file)
    return Table(
        file=source.file,
        names=head.names,
        frame=frame,
        as_text=cache(lambda: parse(as_text=True)),
        first_line=head.first + 1,
        told=told_above(lines[: head.first]),
        warnings=notes,
    )


def _lines_and_head(lines: list[str], file: str) -> tuple[list[str], Head]:
    """Return the lines with one character between cells, and where their bars begin."""
    try:
        return lines, head_of(lines, file)
    except DataError as error:
        spread = with_tabs(lines)
        if spread is None:
            raise error from None
    return spread, head_of(spread, file)


def _repeated_headers(body: str, lines: list[str], head: Head, file: str) -> list[int]:
    """Return positions of header lines among the bars, as joining several files end to end leaves them."""
    repeated: list[int] = []
    if "open" not in body.lower():
        return repeated
    expected = price_columns(head.names) if head.names else (1, 2, 3, 4)
    for index in range(head.first, len(lines)):
        if "open" not in lines[index].lower():
            continue
        cells = tuple(cells_of(lines[index], head.separator))
        found = price_columns(cells)
        if cells != head.names and found is None:
            continue
        if cells != head.names and found != expected:
            raise DataError(
                "a second header orders the columns differently from the lines above it.",
                file=file,
                line=index + 1,
                cure="Split the file there and read one part at a time.",
            )
        repeated.append(index - head.first)
    return repeated


def _parsed(body: str, head: Head, skip: list[int], file: str, *, as_text: bool) -> pd.DataFrame:
    try:
        with warnings.catch_warnings():
            # pandas only warns where it drops the cells that the first line has too many.
            warnings.simplefilter("error", pd.errors.ParserWarning)
            return pd.read_csv(
                io.StringIO(body),
                sep=head.separator,
                header=None,
                names=range(head.width),
                index_col=False,
                dtype=str if as_text else None,
                keep_default_na=not as_text,
                na_values=None if as_text else sorted(NOTHING),
                skipinitialspace=True,
                skip_blank_lines=False,
                skiprows=skip or None,
                low_memory=False,
            )
    except pd.errors.ParserWarning:
        raise DataError(
            f"the line has more cells than the others, {head.width}.", file=file, line=head.first + 1, cure=REPAIR
        ) from None
    except pd.errors.ParserError as error:
        raise _unparsed(str(error), head, file) from None


def _unparsed(message: str, head: Head, file: str) -> DataError:
    wide = re.search(r"Expected (\d+) fields in line (\d+), saw (\d+)", message)
    open_quote = re.search(r"starting at row (\d+)", message)
    if wide:
        expected, line, saw = map(int, wide.groups())
        problem, at = f"the line has {saw} cells, the others {expected}.", line + head.first
    elif open_quote:
        problem, at = "a quotation mark is never closed.", int(open_quote.group(1)) + 1 + head.first
    else:
        problem, at = f"it cannot be taken apart ({message.strip()}).", None
    return DataError(problem, file=file, line=at, cure=REPAIR)


def _refuse_short_lines(frame: pd.DataFrame, lines: list[str], head: Head, file: str) -> None:
    """Refuse a line that ends early: a download cut short can leave 18 where the price was 1821.86."""
    for row in frame.index[frame.iloc[:, -1].isna()]:
        line = lines[head.first + row]
        saw = len(cells_of(line, head.separator))
        if line.strip() and saw < head.width:
            raise wrong_width(saw, head.width, head.first + row, file)
