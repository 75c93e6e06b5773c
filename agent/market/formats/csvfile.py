"""How the text of a CSV file becomes a table: separator, header, comment lines, repeated headers."""

from __future__ import annotations

import csv
import io
import re
import warnings
from collections import Counter
from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd

from agent.errors import DataError
from agent.market.columns.named import names_prices, price_columns
from agent.market.formats.source import Source
from agent.market.numerals import looks_like_number
from agent.market.table import NOTHING, Table
from agent.market.times import looks_like_time

_SEPARATORS = ("\t", ";", ",", "|")
_FEWEST_CELLS = 5  # a time and four prices
_LINES_TO_LOOK_AT = 50
_REPAIR = "Correct or remove that line, or download the file again."


@dataclass(frozen=True)
class _Head:
    """Where the bars begin: `first` counts lines from 0; `names` is None without a header."""

    separator: str
    names: tuple[str, ...] | None
    width: int
    first: int


def read_csv(source: Source) -> Table:
    """Return the table in a CSV file.

    Raises
    ------
    DataError
        If no line looks like a bar, or a line has more or fewer cells than the others.
    """
    lines = source.text.rstrip("\n").split("\n")
    head = _head(lines, source.file)
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
    )


def _cells(line: str, separator: str) -> list[str]:
    try:
        row = next(csv.reader([line], delimiter=separator, skipinitialspace=True), [])
    except csv.Error:
        return []
    return [cell.strip() for cell in row]


def _head(lines: list[str], file: str) -> _Head:
    for separator in _SEPARATORS:
        head = _head_with(separator, lines, file)
        if head is not None:
            return head
    start = next((line.strip() for line in lines if line.strip()), "")
    raise DataError(
        f"no line looks like a bar (a time, then prices); the file starts with {start[:60]!r}.",
        file=file,
        line=1,
        cure="Give a table with a time, open, high, low and close in each line.",
    )


def _head_with(separator: str, lines: list[str], file: str) -> _Head | None:
    """Return where the bars begin if this is the separator: after a header by name, or at the first bar."""
    before: tuple[int, list[str]] | None = None
    for index, line in enumerate(lines[:_LINES_TO_LOOK_AT]):
        cells = _cells(line, separator)
        if len(cells) < _FEWEST_CELLS:
            continue
        if names_prices(tuple(cells)):
            return _head_by_name(lines, index, cells, separator, file)
        if any(looks_like_time(cell) for cell in cells):
            return _head_at_bar(lines, before, index, cells, separator, file)
        before = index, cells
    return None


def _head_at_bar(
    lines: list[str],
    before: tuple[int, list[str]] | None,
    index: int,
    cells: list[str],
    separator: str,
    file: str,
) -> _Head:
    """Return the head where line `index` is the first to hold a time; the line before may name the columns."""
    if before is not None:
        line, names = before
        if any(looks_like_number(name) for name in names):
            raise DataError(
                f"it is neither a header nor a bar: {separator.join(names)[:60]!r} holds no time.",
                file=file,
                line=line + 1,
                cure=_REPAIR,
            )
        return _fitted(names, cells, line + 1, separator, file)
    widths = Counter(len(_cells(line, separator)) for line in lines[index : index + _LINES_TO_LOOK_AT] if line)
    width = widths.most_common(1)[0][0]
    if len(cells) != width:
        raise _wrong_width(len(cells), width, index, file)
    return _Head(separator, None, width, index)


def _head_by_name(lines: list[str], index: int, cells: list[str], separator: str, file: str) -> _Head:
    """Return the head of a header found by name, joined with the ticker line that yfinance puts above or below."""

    def at(line: int) -> list[str]:
        return _cells(lines[line], separator) if 0 <= line < len(lines) else []

    first, tickers = index + 1, []
    for line in (index + 1, index - 1):
        if len(at(line)) == len(cells) and at(line)[0].casefold() == "ticker":
            tickers, first = at(line), max(first, line + 1)
    if tickers:
        cells = ["Date", *(f"{ticker}:{name}" for ticker, name in zip(tickers[1:], cells[1:], strict=True))]
        if at(first)[:1] in (["Date"], ["Datetime"]) and not any(at(first)[1:]):
            cells[0], first = at(first)[0], first + 1
    return _fitted(cells, at(first), first, separator, file)


def _fitted(names: list[str], cells: list[str], first: int, separator: str, file: str) -> _Head:
    """Return the head of a named table, whether or not lines and header end in a separator."""
    names, cells = list(names), list(cells)
    while len(names) > len(cells) and not names[-1]:
        names.pop()
    spare = cells[len(names) :]
    if any(spare):
        raise DataError(
            f"the header names {len(names)} columns, this line has {len(cells)} cells.",
            file=file,
            line=first + 1,
            cure="Name every column, or remove the cells without a name.",
        )
    names += [""] * len(spare)
    return _Head(separator, tuple(names), len(names), first)


def _repeated_headers(body: str, lines: list[str], head: _Head, file: str) -> list[int]:
    """Return positions of header lines among the bars, as joining several files end to end leaves them."""
    repeated: list[int] = []
    if "open" not in body.lower():
        return repeated
    expected = price_columns(head.names) if head.names else (1, 2, 3, 4)
    for index in range(head.first, len(lines)):
        if "open" not in lines[index].lower():
            continue
        cells = tuple(_cells(lines[index], head.separator))
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


def _parsed(body: str, head: _Head, skip: list[int], file: str, *, as_text: bool) -> pd.DataFrame:
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
            f"the line has more cells than the others, {head.width}.", file=file, line=head.first + 1, cure=_REPAIR
        ) from None
    except pd.errors.ParserError as error:
        raise _unparsed(str(error), head, file) from None


def _unparsed(message: str, head: _Head, file: str) -> DataError:
    wide = re.search(r"Expected (\d+) fields in line (\d+), saw (\d+)", message)
    open_quote = re.search(r"starting at row (\d+)", message)
    if wide:
        expected, line, saw = map(int, wide.groups())
        problem, at = f"the line has {saw} cells, the others {expected}.", line + head.first
    elif open_quote:
        problem, at = "a quotation mark is never closed.", int(open_quote.group(1)) + 1 + head.first
    else:
        problem, at = f"it cannot be taken apart ({message.strip()}).", None
    return DataError(problem, file=file, line=at, cure=_REPAIR)


def _refuse_short_lines(frame: pd.DataFrame, lines: list[str], head: _Head, file: str) -> None:
    """Refuse a line that ends early: a download cut short can leave 18 where the price was 1821.86."""
    for row in frame.index[frame.iloc[:, -1].isna()]:
        line = lines[head.first + row]
        saw = len(_cells(line, head.separator))
        if line.strip() and saw < head.width:
            raise _wrong_width(saw, head.width, head.first + row, file)


def _wrong_width(saw: int, width: int, index: int, file: str) -> DataError:
    return DataError(f"the line has {saw} cells, the others {width}.", file=file, line=index + 1, cure=_REPAIR)
