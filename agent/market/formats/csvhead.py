"""Where the bars of a CSV file begin and end: separator, header, what stands above it and below the last bar."""

from __future__ import annotations

import csv
import re
from collections import Counter
from dataclasses import dataclass

from agent.errors import DataError
from agent.market.columns.named import names_prices
from agent.market.columns.words import time_role
from agent.market.numerals import looks_like_number
from agent.market.table import Told
from agent.market.times import looks_like_time
from agent.market.zones import zone_of

REPAIR = "Correct or remove that line, or download the file again."

_SEPARATORS = ("\t", ";", ",", "|")
_FEWEST_CELLS = 5  # a time and four prices
_LINES_TO_LOOK_AT = 50
_MOST_NOTES = 5
_ZONE = re.compile(
    r"time ?zone\W{1,3}(?P<zone>[\w/+-]+)|timestamps? (?:are|is|in) (?:in )?(?P<is>[\w/+-]+)", re.IGNORECASE
)
_MARKET = re.compile(r"\b(?:symbol|ticker|instrument|pair)\s*[:=]\s*\"?(?P<market>[\w./:-]+)", re.IGNORECASE)


@dataclass(frozen=True)
class Head:
    """Where the bars begin: `first` counts lines from 0; `names` is None without a header."""

    separator: str
    names: tuple[str, ...] | None
    width: int
    first: int


def head_of(lines: list[str], file: str) -> Head:
    """Return where the bars begin.

    Raises
    ------
    DataError
        If no line looks like a bar, or the first has more or fewer cells than the others.
    """
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


def with_tabs(lines: list[str]) -> list[str] | None:
    """Return lines of columns set apart by blanks as lines with tabs; None where blanks set nothing apart.

    Two blanks or more set columns apart, where times are written with one; else every blank does.
    """
    for blank in (r" {2,}|\t", r"\s+"):
        spread = [re.sub(blank, "\t", line.strip()) for line in lines]
        widths = Counter(line.count("\t") + 1 for line in spread if line)
        width, count = widths.most_common(1)[0] if widths else (0, 0)
        if width < _FEWEST_CELLS or count < 0.9 * sum(widths.values()):
            continue
        return _with_index_named(spread, width)
    return None


def _with_index_named(lines: list[str], width: int) -> list[str]:
    """Return lines whose header has a place for the index: pandas prints its name in a line of its own, or none."""
    at = next(
        (
            index
            for index, line in enumerate(lines)
            if line.count("\t") == width - 2 and names_prices(tuple(line.split("\t")))
        ),
        None,
    )
    if at is None:
        return lines
    name = lines[at + 1] if at + 1 < len(lines) and "\t" not in lines[at + 1] else None
    if name is None:
        return [*lines[:at], f"\t{lines[at]}", *lines[at + 1 :]]
    return [*lines[:at], "", f"{name}\t{lines[at]}", *lines[at + 2 :]]


def told_above(lines: list[str]) -> Told:
    """Return what lines above the header say of all bars."""
    text = "\n".join(lines)
    zone, market = _ZONE.search(text), _MARKET.search(text)
    name = (zone["zone"] or zone["is"]) if zone else ""
    return Told(market=market["market"] if market else "", zone=name if zone_of(name).known else "")


def without_notes(lines: list[str]) -> tuple[list[str], tuple[str, ...]]:
    """Return the lines without a note below the last bar, as exporters put there, and a sentence about it."""
    end = len(lines)
    while end > 1 and len(lines) - end < _MOST_NOTES and _is_note(lines[end - 1]):
        end -= 1
    notes = [line.strip().strip('"') for line in lines[end:] if line.strip()]
    if not notes or not any(
        looks_like_time(cell) for separator in _SEPARATORS for cell in cells_of(lines[end - 1], separator)
    ):
        return lines, ()
    return lines[:end], (f"A note below the last bar was left out: {notes[0][:60]!r}.",)


def _is_note(line: str) -> bool:
    """Whether a line is words: several, and neither a header nor the start of a bar that was cut short."""
    text = line.strip().strip('"')
    if not text:
        return True
    words = re.findall(r"[^\W\d_]{2,}", text)
    first = re.split(r"[,;\t|]", text)[0].strip()
    numbers = sum(looks_like_number(cell.strip()) for cell in re.split(r"[,;\t|]", text))
    return (
        len(words) >= 2
        and " " in text
        and not looks_like_time(first)
        and not looks_like_number(first)
        and numbers < 2
    )


def cells_of(line: str, separator: str) -> list[str]:
    try:
        row = next(csv.reader([line], delimiter=separator, skipinitialspace=True), [])
    except csv.Error:
        return []
    return [cell.strip() for cell in row]


def _head_with(separator: str, lines: list[str], file: str) -> Head | None:
    """Return where the bars begin if this is the separator: after a header by name, or at the first bar."""
    before: tuple[int, list[str]] | None = None
    for index, line in enumerate(lines[:_LINES_TO_LOOK_AT]):
        cells = cells_of(line, separator)
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
) -> Head:
    """Return the head where line `index` is the first to hold a time; the line before may name the columns."""
    if before is not None:
        line, names = before
        if any(looks_like_number(name) for name in names):
            raise DataError(
                f"it is neither a header nor a bar: {separator.join(names)[:60]!r} holds no time.",
                file=file,
                line=line + 1,
                cure=REPAIR,
            )
        return _fitted(names, cells, line + 1, separator, file)
    widths = Counter(len(cells_of(line, separator)) for line in lines[index : index + _LINES_TO_LOOK_AT] if line)
    width = widths.most_common(1)[0][0]
    if len(cells) != width:
        raise wrong_width(len(cells), width, index, file)
    return Head(separator, None, width, index)


def _head_by_name(lines: list[str], index: int, cells: list[str], separator: str, file: str) -> Head:
    """Return the head of a header found by name, joined with the ticker line that yfinance puts above or below."""

    def at(line: int) -> list[str]:
        return cells_of(lines[line], separator) if 0 <= line < len(lines) else []

    first, tickers = index + 1, []
    for line in (index + 1, index - 1):
        if len(at(line)) == len(cells) and (at(line)[0].casefold() == "ticker" or _are_tickers(cells, at(line))):
            tickers, first = at(line), max(first, line + 1)
    if tickers:
        cells = [f"{ticker}:{name}" if ticker else name for ticker, name in zip(tickers, cells, strict=True)]
        if not any(time_role(name) for name in cells[1:]):
            cells[0] = "Date"
        if at(first)[:1] in (["Date"], ["Datetime"]) and not any(at(first)[1:]):
            cells[0], first = at(first)[0], first + 1
    return _fitted(cells, at(first), first, separator, file)


def _are_tickers(names: list[str], cells: list[str]) -> bool:
    """Whether a line names a market below every price, and nothing below the time or the number of the row."""
    named = [bool(cell) for cell in cells]
    prices = [time_role(name) is None and bool(name) for name in names]
    words = all(not looks_like_number(cell) and not looks_like_time(cell) for cell in cells if cell)
    return words and named == prices and sum(prices) >= 4


def _fitted(names: list[str], cells: list[str], first: int, separator: str, file: str) -> Head:
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
    return Head(separator, tuple(names), len(names), first)


def wrong_width(saw: int, width: int, index: int, file: str) -> DataError:
    return DataError(f"the line has {saw} cells, the others {width}.", file=file, line=index + 1, cure=REPAIR)
