"""What a series of price bars is: integer prices, closed bars, one fixed interval."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Bar:
    """One closed bar.

    Attributes
    ----------
    time
        Start of the bar, unix seconds, UTC.
    open, high, low, close
        Prices, quote per base, in units of ``10 ** -decimals`` of the series.
    """

    time: int
    open: int
    high: int
    low: int
    close: int


@dataclass(frozen=True, slots=True, eq=False)
class Bars:
    """A series of closed bars in ascending time.

    Attributes
    ----------
    time
        Start of each bar, unix seconds, UTC, shape (n,), strictly ascending.
    open, high, low, close
        Prices, quote per base, as integers in units of ``10 ** -decimals``, shape (n,), all > 0.
    volume
        Traded volume in whatever unit the source used, shape (n,). Never money: a feature at most.
    interval
        Seconds from a bar's start to its close.
    decimals
        Digits after the point that the integer prices carry.
    source
        Where the bars come from, as a person would name it: a file name, or ``synthetic ...``.
    synthetic
        True where the bars were generated. Shown wherever the bars are.
    market
        Name of the market (``ETH/USD``) where known.
    beside
        Bars of other markets, by the name a model reads them under; a slice holds those that lie within it.
    """

    time: Ints
    open: Ints
    high: Ints
    low: Ints
    close: Ints
    volume: Floats
    interval: int
    decimals: int = 8
    source: str = ""
    synthetic: bool = False
    market: str = field(default="")
    beside: tuple[tuple[str, Bars], ...] = ()

    def __post_init__(self) -> None:
        for name in ("time", "open", "high", "low", "close"):
            column = getattr(self, name)
            if column.dtype != np.int64 or column.shape != self.time.shape:
                raise TypeError(
                    f"Bars.{name} must be int64 of shape {self.time.shape}, not {column.dtype} {column.shape}"
                )
            column.setflags(write=False)
        self.volume.setflags(write=False)

    def __len__(self) -> int:
        return len(self.time)

    def __getitem__(self, index: slice) -> Bars:
        """Return the bars of a slice; the columns are views, nothing is copied."""
        columns = {name: getattr(self, name)[index] for name in ("time", "open", "high", "low", "close", "volume")}
        part = replace(self, **columns)
        return part._with_beside() if self.beside else part

    def _with_beside(self) -> Bars:
        """Return these bars with what lies beside them cut to their time: begun and closed within it."""
        if not len(self):
            return replace(self, beside=tuple((name, other[:0]) for name, other in self.beside))
        begun, closed = int(self.time[0]), self.closed_at(len(self) - 1)
        cut = tuple(
            (name, other[slice(*np.searchsorted(other.time, (begun, closed - other.interval + 1)).tolist())])
            for name, other in self.beside
        )
        return replace(self, beside=cut)

    def bar(self, index: int) -> Bar:
        """Return one bar by position."""
        return Bar(*(int(getattr(self, name)[index]) for name in ("time", "open", "high", "low", "close")))

    def closed_at(self, index: int) -> int:
        """Unix seconds at which bar `index` closed, so from when on it may be known."""
        return int(self.time[index]) + self.interval

    def decimal(self, price: int) -> Decimal:
        """Return an integer price of this series as an exact decimal number."""
        return Decimal(price).scaleb(-self.decimals)

    @property
    def sha256(self) -> str:
        """Hash of all times and prices in their units, 64 hex digits: by it a series is known again."""
        digest = hashlib.sha256(f"{len(self)} {self.interval} {self.decimals}".encode())
        for column in (self.time, self.open, self.high, self.low, self.close):
            digest.update(column.astype("<i8").tobytes())
        for name, other in self.beside:
            digest.update(f" {name} {other.sha256}".encode())
        return digest.hexdigest()

    @property
    def first(self) -> datetime:
        return datetime.fromtimestamp(int(self.time[0]), UTC)

    @property
    def last(self) -> datetime:
        return datetime.fromtimestamp(int(self.time[-1]), UTC)
