"""What was found in a series of bars: its span, its gaps, its faults, and where each field came from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np

from agent.market.bars import Bars
from agent.market.grid import grid_of


@dataclass(frozen=True)
class DataReport:
    """What a person should know before trusting a series of bars.

    Attributes
    ----------
    bars
        Bars that were kept.
    interval_seconds
        Seconds from a bar's start to its close.
    first, last
        Start of the first and of the last bar, UTC.
    gaps, missing
        Places where bars are missing, and how many are.
    duplicates
        Rows dropped because another row has the same time.
    zero_volume
        Kept bars without volume.
    impossible
        Rows dropped or repaired because no market can have traded so.
    off_grid
        Kept bars that do not start on the grid of the others.
    columns
        Pairs of a field and the column it was read from.
    synthetic
        True where the bars were generated.
    warnings
        Whatever else was odd, as sentences.
    market
        Name of the market, "" where unknown.
    source
        Where the bars come from, as a person would name it.
    rows, empty
        Rows of the market found in the file, and those of them dropped because they hold no price.
    """

    bars: int
    interval_seconds: int
    first: datetime
    last: datetime
    gaps: int
    missing: int
    duplicates: int
    zero_volume: int
    impossible: int
    off_grid: int
    columns: tuple[tuple[str, str], ...]
    synthetic: bool
    warnings: tuple[str, ...]
    market: str
    source: str
    rows: int
    empty: int

    def to_json(self) -> dict[str, object]:
        """Return the report as a JSON document; times in ISO 8601, UTC."""
        return {
            "source": self.source,
            "market": self.market,
            "synthetic": self.synthetic,
            "rows": self.rows,
            "bars": self.bars,
            "interval_seconds": self.interval_seconds,
            "first": self.first.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "last": self.last.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "gaps": self.gaps,
            "missing": self.missing,
            "duplicates": self.duplicates,
            "zero_volume": self.zero_volume,
            "impossible": self.impossible,
            "off_grid": self.off_grid,
            "empty": self.empty,
            "columns": dict(self.columns),
            "warnings": list(self.warnings),
        }


def report_of(
    bars: Bars,
    *,
    rows: int | None = None,
    empty: int = 0,
    duplicates: int = 0,
    impossible: int = 0,
    columns: tuple[tuple[str, str], ...] = (),
    warnings: tuple[str, ...] = (),
) -> DataReport:
    """Return the report of bars that are at hand: generated ones, or those just read from a file.

    Parameters
    ----------
    bars
        At least one bar.
    rows, empty, duplicates, impossible, columns, warnings
        What only the reader of a file knows; left out for generated bars.
    """
    grid = grid_of(bars.time, interval=bars.interval)
    return DataReport(
        bars=len(bars),
        interval_seconds=bars.interval,
        first=bars.first,
        last=bars.last,
        gaps=grid.gaps,
        missing=grid.missing,
        duplicates=duplicates,
        zero_volume=int(np.count_nonzero(bars.volume == 0)),
        impossible=impossible,
        off_grid=grid.off_grid,
        columns=columns,
        synthetic=bars.synthetic,
        warnings=warnings,
        market=bars.market,
        source=bars.source,
        rows=len(bars) if rows is None else rows,
        empty=empty,
    )
