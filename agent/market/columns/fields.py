"""Where each field of a bar stands in a table, once it is known."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class TimeColumns:
    """Columns that tell a time, each group in the table's order.

    Attributes
    ----------
    starts
        Those named like the start of a bar.
    plain
        Those named like a time, and no more.
    closes
        Those named like the end of a bar.
    clocks
        Those named like a time of day, an hour or a minute.
    parts
        Year, month and day, where each has a column of its own.
    zone
        The column that names the zone of each row; None where there is none.
    joined
        Whether the caller said that the columns of `plain` together are one time.
    """

    starts: tuple[int, ...] = ()
    plain: tuple[int, ...] = ()
    closes: tuple[int, ...] = ()
    clocks: tuple[int, ...] = ()
    parts: tuple[int, ...] = ()
    zone: int | None = None
    joined: bool = False

    @property
    def all(self) -> tuple[int, ...]:
        zone = () if self.zone is None else (self.zone,)
        return (*self.starts, *self.plain, *self.closes, *self.clocks, *self.parts, *zone)

    def __bool__(self) -> bool:
        return bool(self.starts or self.plain or self.closes or self.parts)


@dataclass(frozen=True)
class Fields:
    """Where each field stands in a table.

    Attributes
    ----------
    times
        The columns that tell a time.
    prices
        Open, high, low and close.
    volumes
        The column of the volume, then columns that count ticks, for where the volume is always 0.
    market
        Name of the market as the file has it, else as it was asked for; "" where neither names one.
    confirmed
        Whether something in the file says so.
    symbol
        The column that names each row's market; None where there is none.
    closed
        The column that says of each bar whether it has closed; None where there is none.
    warnings
        What was odd about finding them, as sentences.
    """

    times: TimeColumns
    prices: tuple[int, int, int, int]
    volumes: tuple[int, ...]
    market: str = ""
    confirmed: bool = False
    symbol: int | None = None
    closed: int | None = None
    warnings: tuple[str, ...] = field(default=())

    @property
    def used(self) -> frozenset[int]:
        """Every column with a role."""
        others = (column for column in (self.symbol, self.closed) if column is not None)
        return frozenset((*self.times.all, *self.prices, *self.volumes, *others))
