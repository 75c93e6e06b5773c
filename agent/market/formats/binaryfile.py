"""How Parquet and Feather files become a table, whatever their writer noted about an index."""

from __future__ import annotations

import re

import pyarrow as pa
from pyarrow import feather, parquet

from agent.errors import DataError
from agent.market.formats.source import Source
from agent.market.table import Table

_NAMELESS_INDEX = re.compile(r"__index_level_\d+__|None")
_PAIR = re.compile(r"\('(?P<field>[^']*)', '(?P<market>[^']*)'\)")


def read_binary(source: Source) -> Table:
    """Return the table in a Parquet or Feather file.

    Raises
    ------
    DataError
        If the file is cut short or damaged.
    """
    read = parquet.read_table if source.kind == "parquet" else feather.read_table
    try:
        # A column is a column, an index too: what pandas noted about its own objects may be stale or damaged.
        frame = read(pa.BufferReader(source.data)).to_pandas(ignore_metadata=True)
    except (pa.ArrowException, OSError, ValueError) as error:
        reason = (str(error).splitlines() or [""])[0]
        raise DataError(
            f"the {source.kind.capitalize()} file is cut short or damaged ({reason[:80]}).",
            file=source.file,
            cure="Download or export it again.",
        ) from None
    names = tuple(_name(str(name)) for name in frame.columns)
    frame = frame.set_axis(range(frame.shape[1]), axis=1)
    return Table(file=source.file, names=names, frame=frame, as_text=lambda: frame)


def _name(name: str) -> str:
    """Return a column's name: "" for an index without one, `ETH-USD:Close` for the pairs that yfinance makes."""
    pair = _PAIR.fullmatch(name)
    if pair:
        return f"{pair['market']}:{pair['field']}" if pair["market"] else pair["field"]
    return "" if _NAMELESS_INDEX.fullmatch(name) else name
