"""A table as a file holds it: cells by position, before anything is taken for a time or a price."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from agent.errors import DataError

# What exporters write where they have no value; "" and "null" are the common ones.
NOTHING = frozenset({"", "-", "–", "—", "null", "none", "nan", "n/a", "na", "#n/a", "nat", "<na>"})

_MOST_TITLES = 20


@dataclass(frozen=True)
class Told:
    """What a file says of all its rows at once, beside the table; "" where it does not."""

    market: str = ""
    zone: str = ""


@dataclass(frozen=True, eq=False)
class Table:
    """The cells of one file.

    Attributes
    ----------
    file
        The path as it was given, for messages.
    names
        The columns' names as the file has them; None where it has no header.
    frame
        The cells, columns by position; its index is each row's position in the file and survives filtering.
    as_text
        Returns the same cells as text, with the same index: what a number looked like before it was parsed.
    first_line
        Line of the row at position 0, counted from 1; None where the format has no lines.
    told
        What the file says beside the table.
    warnings
        What was odd about taking the file apart, as sentences.
    """

    file: str
    names: tuple[str, ...] | None
    frame: pd.DataFrame
    as_text: Callable[[], pd.DataFrame]
    first_line: int | None = None
    told: Told = Told()
    warnings: tuple[str, ...] = ()

    @property
    def width(self) -> int:
        return int(self.frame.shape[1])

    @property
    def typed(self) -> bool:
        """Whether the format itself says what is a number, so that none was guessed from text."""
        return self.first_line is None

    @property
    def rows(self) -> NDArray[np.int64]:
        """Position of each row in the file, shape (n,)."""
        rows: NDArray[np.int64] = self.frame.index.to_numpy(np.int64)
        return rows

    def title(self, column: int) -> str:
        """Name of a column as a person would find it in the file."""
        return (self.names[column] if self.names else "") or f"column {column + 1}"

    def titles(self) -> str:
        """Names of the columns, for use inside a sentence."""
        shown = [repr(self.title(column)) for column in range(min(self.width, _MOST_TITLES))]
        return ", ".join(shown) + (f" and {self.width - _MOST_TITLES} more" if self.width > _MOST_TITLES else "")

    def place(self, row: int) -> str:
        """Where a row (by position in the file) stands, for use inside a sentence."""
        return f"row {row + 1}" if self.first_line is None else f"line {row + self.first_line}"

    def fault(self, problem: str, *, cure: str, row: int | None = None, column: int | None = None) -> DataError:
        """Return the error for one place in the file; `row` is a position in the file."""
        return DataError(
            f"{self.place(row)}: {problem}" if row is not None and self.typed else problem,
            cure=cure,
            file=self.file,
            line=None if row is None or self.first_line is None else row + self.first_line,
            column=None if column is None else self.title(column),
        )

    def is_number(self, column: int) -> bool:
        """Whether a column was read as numbers already."""
        dtype = self.frame.dtypes.iloc[column]
        return pd.api.types.is_numeric_dtype(dtype) and not pd.api.types.is_bool_dtype(dtype)

    def texts(self, column: int) -> pd.Series:
        """Return a column's cells as stripped text, "" where there is nothing, indexed like the frame."""
        cells = self.frame.iloc[:, column]
        if not isinstance(cells.dtype, pd.StringDtype):
            cells = self.as_text().iloc[:, column].loc[self.frame.index].astype(object)
            cells = cells.where(cells.notna(), "").astype(str)
        return cells.fillna("").str.strip()

    def empty(self, column: int) -> NDArray[np.bool_]:
        """Return which cells of a column hold nothing, shape (n,)."""
        cells = self.frame.iloc[:, column]
        missing: NDArray[np.bool_] = cells.isna().to_numpy(bool)
        if pd.api.types.is_numeric_dtype(cells.dtype) or pd.api.types.is_datetime64_any_dtype(cells.dtype):
            return missing
        nothing: NDArray[np.bool_] = self.texts(column).str.lower().isin(NOTHING).to_numpy(bool)
        return missing | nothing

    def keep(self, mask: NDArray[np.bool_]) -> Table:
        """Return the table with only the rows of a mask of shape (n,)."""
        return self if mask.all() else replace(self, frame=self.frame.loc[mask])
