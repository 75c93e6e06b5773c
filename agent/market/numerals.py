"""How numbers are written in price files: thousands separators, decimal commas, currency signs, K, M and B."""

from __future__ import annotations

import re
from typing import Literal

import numpy as np
import pandas as pd

from agent.market.bars import Floats
from agent.market.table import NOTHING, Table

DecimalSign = Literal[".", ","]

_PLAIN = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|[+-]?inf(?:inity)?", re.IGNORECASE)
# Groups of three, or of two as India writes lakhs, the last of three; after the separators are the usual way around.
_GROUPED = re.compile(r"[+-]?[0-9]{1,3}(?:,[0-9]{2,3})*,[0-9]{3}(?:\.[0-9]*)?")
_AMOUNT = r"[+-]?[0-9][0-9.,]*[KMBT万億亿%]?"
_CURRENCY = r"(?:[$€£¥₹₩₽₺₿₫₴฿₪₱₦]|R\$|US\$|A\$|C\$|HK\$|zł|Kč|kr\.?|Ft|lei|Fr\.|[A-Z]{3,4})"
# A currency before or behind, and the blanks or apostrophes that group thousands.
_DRESS = rf"^{_CURRENCY}\s?(?=[0-9.,+-])|(?<=[0-9.,])\s?{_CURRENCY}$|(?<=[0-9])[\s'’](?=[0-9]{{3}}(?:[^0-9]|$))"
_MULTIPLES = {"K": 1e3, "M": 1e6, "B": 1e9, "T": 1e12, "万": 1e4, "億": 1e8, "亿": 1e8}
_WORDS = {"Mio.": "M", "Mio": "M", "Mrd.": "B", "Mrd": "B", "Mld": "B", "mil.": "K", "tys.": "K", "mln": "M", "mlrd": "B", "Tsd.": "K"}  # fmt: skip

# What only a decimal point explains, and what only a decimal comma explains.
_POINT = r"[+-]?(?:[0-9,]*,[0-9]{3}\.[0-9]*|[0-9]*\.(?:[0-9]{1,2}|[0-9]{4,})|0?\.[0-9]+|[0-9]{1,3}(?:,[0-9]{3}){2,})[KMBT万億亿%]?"
_COMMA = r"[+-]?(?:[0-9.]*\.[0-9]{3},[0-9]*|[0-9]*,(?:[0-9]{1,2}|[0-9]{4,})|0?,[0-9]+|[0-9]{1,3}(?:\.[0-9]{3}){2,})[KMBT万億亿%]?"
_EITHER = r"[+-]?[0-9]{1,3},[0-9]{3}[KMBT万億亿%]?"


def looks_like_number(text: str) -> bool:
    """Whether a cell is a number in any of the notations read here."""
    return bool(re.fullmatch(_AMOUNT, text) or _PLAIN.fullmatch(text))


def read_numbers(table: Table, column: int, decimal: DecimalSign, *, multiples: bool = False) -> Floats:
    """Return a column as floats of shape (n,), NaN where a cell is empty.

    Parameters
    ----------
    table, column
        Where they stand.
    decimal
        The decimal sign of the table, see `decimal_sign`.
    multiples
        Whether 1.5K may stand for 1500. Right for volumes; a price so written has lost its digits.

    Raises
    ------
    DataError
        For the first cell that is not a number.
    """
    # Under a decimal comma even a text that looked like a number, 1.095 for 1095, was misread.
    if table.is_number(column) and (table.typed or decimal == "."):
        typed: Floats = table.frame.iloc[:, column].to_numpy(np.float64, na_value=np.nan)
        return typed
    texts = table.texts(column)
    usual = _undressed(texts)
    if decimal == ",":
        usual = usual.str.translate(str.maketrans(",.", ".,"))
    factors = np.ones(len(usual))
    if multiples:
        factors = usual.str[-1:].str.upper().map(_MULTIPLES).fillna(1.0).to_numpy(np.float64)
        usual = usual.where(factors == 1.0, usual.str[:-1])
    grouped = usual.str.fullmatch(_GROUPED)
    usual = usual.where(~grouped, usual.str.replace(",", "", regex=False))
    empty = usual.str.lower().isin(NOTHING).to_numpy(bool)
    wrong = ~empty & ~usual.str.fullmatch(_PLAIN).to_numpy(bool)
    if wrong.any():
        at = int(wrong.argmax())
        raise table.fault(
            f"{texts.iloc[at]!r} is not a number.",
            row=int(table.rows[at]),
            column=column,
            cure="Correct or remove that line.",
        )
    values = np.full(len(usual), np.nan)
    values[~empty] = [float(text) for text in usual[~empty]]
    return values * factors


def decimal_sign(table: Table, columns: tuple[int, ...]) -> DecimalSign:
    """Return the sign before the decimals, by what the numbers of the whole table can only mean.

    Parameters
    ----------
    table
        All columns are evidence, a percentage as well as a price.
    columns
        The columns that will be read: where all are plain numbers already, there is nothing to find out.

    Raises
    ------
    DataError
        If the numbers contradict each other, or a comma may be either.
    """
    if all(table.is_number(column) for column in columns):
        return "."
    for_point: tuple[int, int] | None = None
    for_comma: tuple[int, int] | None = None
    unclear: tuple[int, int] | None = None
    for column in range(table.width):
        dtype = table.frame.dtypes.iloc[column]
        if pd.api.types.is_integer_dtype(dtype) or pd.api.types.is_datetime64_any_dtype(dtype):
            continue
        texts = _undressed(table.texts(column))
        texts = texts[texts.str.fullmatch(_AMOUNT)]
        for_point = for_point or _first(texts, _POINT, column)
        for_comma = for_comma or _first(texts, _COMMA, column)
        unclear = unclear or _first(texts, _EITHER, column)
    if for_point and for_comma:
        row, column = for_comma
        raise table.fault(
            f"a decimal comma, but {table.place(for_point[0])} has a decimal point.",
            row=row,
            column=column,
            cure="Export the file again with one way of writing numbers.",
        )
    if unclear and not for_point and not for_comma:
        row, column = unclear
        raise table.fault(
            f"{table.texts(column).loc[row]!r} may have a decimal comma or a thousands separator.",
            row=row,
            column=column,
            cure="Export the file again without thousands separators.",
        )
    return "," if for_comma else "."


def _undressed(texts: pd.Series) -> pd.Series:
    """Return texts without currencies and without blanks or apostrophes between thousands."""
    if texts.str.fullmatch(r"[0-9.,]*").all():
        return texts
    for word, letter in _WORDS.items():
        if texts.str.endswith(word).any():
            texts = texts.str.replace(rf"\s?{re.escape(word)}$", letter, regex=True)
    # As Python objects, for the engine behind pandas' strings knows only the blanks of ASCII.
    return texts.astype(object).map(lambda text: re.sub(_DRESS, "", text)).astype(texts.dtype)


def _first(texts: pd.Series, pattern: str, column: int) -> tuple[int, int] | None:
    """Return row and column of the first text that matches."""
    hits = texts.index[texts.str.fullmatch(pattern)]
    return (int(hits[0]), column) if len(hits) else None
