"""How an Excel workbook becomes a table: its one sheet of bars as lines, read as those of a CSV file are."""

from __future__ import annotations

import csv
import io
import warnings
import zipfile
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import Any

from agent.errors import DataError
from agent.market.formats.csvfile import read_csv
from agent.market.formats.source import Source
from agent.market.table import Table

_INSTALL = "Install it with `pip install openpyxl` (the extra `excel`), or save the sheet as CSV."


def read_excel(source: Source) -> Table:
    """Return the table in an Excel workbook (.xlsx).

    Raises
    ------
    DataError
        If openpyxl is not installed, the workbook is damaged, or not exactly one of its sheets holds bars.
    """
    sheets = _sheets(source)
    tables: dict[str, Table] = {}
    first: DataError | None = None
    for title, text in sheets.items():
        try:
            tables[title] = read_csv(replace(source, kind="csv", text=text))
        except DataError as error:
            first = first or error
    if len(tables) > 1:
        raise DataError(
            f"several of its sheets hold bars: {', '.join(tables)}.",
            file=source.file,
            cure="Save one sheet in a workbook of its own.",
        )
    if tables:
        return next(iter(tables.values()))
    raise first or DataError("its sheets are empty.", file=source.file, cure="Save the sheet with the bars.")


def _sheets(source: Source) -> dict[str, str]:
    """Return each sheet that is not empty as lines of cells with tabs between them."""
    try:
        from openpyxl import load_workbook
    except ImportError:
        raise DataError(
            "it is an Excel workbook, and openpyxl is not installed.", file=source.file, cure=_INSTALL
        ) from None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of styles and extensions that nobody reads here
            book = load_workbook(io.BytesIO(source.data), read_only=True, data_only=True)
            texts = {sheet.title: _lines(sheet.iter_rows(values_only=True)) for sheet in book.worksheets}
    except (zipfile.BadZipFile, KeyError, ValueError, OSError, TypeError) as error:
        raise DataError(
            f"the Excel workbook is cut short or damaged ({str(error)[:80]}).",
            file=source.file,
            cure="Download or export it again.",
        ) from None
    return {title: text for title, text in texts.items() if text.strip()}


def _lines(rows: Any) -> str:
    out = io.StringIO()
    writer = csv.writer(out, delimiter="\t", lineterminator="\n")
    for row in rows:
        writer.writerow([_text(cell) for cell in row])
    return out.getvalue()


def _text(cell: Any) -> str:
    """Return a cell in full digits, whatever its format shows."""
    if cell is None:
        return ""
    if isinstance(cell, datetime):
        midnight = cell.time() == time(0)
        return f"{cell:%Y-%m-%d}" if midnight else f"{_rounded(cell):%Y-%m-%d %H:%M:%S}"
    if isinstance(cell, date):
        return f"{cell:%Y-%m-%d}"
    if isinstance(cell, time):
        return f"{cell:%H:%M:%S}"
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else repr(cell)
    return " ".join(str(cell).split())


def _rounded(moment: datetime) -> datetime:
    """Return a time to the next whole second: Excel keeps days as fractions, which miss it by microseconds."""
    whole = moment.replace(microsecond=0)
    return whole + timedelta(seconds=1) if moment.microsecond >= 500_000 else whole
