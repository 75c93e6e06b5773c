"""What tests of reading share: a price file from a few words, and any bars before any exporter's manner."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from statistics import multimode

import numpy as np
import pytest
from hypothesis import strategies as st

from agent.market.read import Loaded

DAY = 86_400

PriceFile = Callable[..., Path]


@pytest.fixture
def price_file(tmp_path: Path) -> PriceFile:
    """Return a function that writes text or bytes to a file and returns its path."""

    def write(content: str | bytes, name: str = "bars.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


@dataclass(frozen=True)
class Written:
    """One bar as text, before any exporter's manner."""

    time: int
    open: str
    high: str
    low: str
    close: str
    volume: str

    @property
    def at(self) -> datetime:
        return datetime.fromtimestamp(self.time, UTC)

    @property
    def prices(self) -> tuple[str, str, str, str]:
        return self.open, self.high, self.low, self.close

    @property
    def cells(self) -> tuple[str, ...]:
        return (*self.prices, self.volume)

    @property
    def floats(self) -> tuple[float, ...]:
        return tuple(map(float, self.cells))


@st.composite
def any_bars(draw, interval: int | None = None) -> list[Written]:
    """Bars on a grid, with gaps now and then; prices of any usual size, with up to 8 digits after the point."""
    step = draw(st.sampled_from([60, 300, 900, 3600, 14_400, DAY])) if interval is None else interval
    start = draw(st.integers(1_483_228_800 // DAY, 1_735_600_000 // DAY)) * DAY
    skips = draw(st.lists(st.integers(2, 5), max_size=4))
    jumps = draw(st.permutations(skips + [1] * draw(st.integers(len(skips) + 2, 10))))
    digits = draw(st.integers(0, 8))
    price = st.integers(1, 2 * 10 ** (7 + draw(st.integers(0, digits))))
    bars, time = [], start
    for jump in [0, *jumps]:
        time += jump * step
        low, one, other, high = sorted(draw(st.tuples(price, price, price, price)))
        open_, close = draw(st.permutations([one, other]))
        texts = [f"{Decimal(value).scaleb(-digits):f}" for value in (open_, high, low, close)]
        bars.append(Written(time, *texts, str(draw(st.integers(0, 10**6)))))
    return bars


@dataclass(frozen=True)
class Candle:
    """One bar of a walk, as an exchange would have it: prices with two digits, each open near the close before."""

    time: int
    open: float
    high: float
    low: float
    close: float
    volume: float

    @property
    def at(self) -> datetime:
        return datetime.fromtimestamp(self.time, UTC)

    @property
    def mean(self) -> float:
        return round((self.high + self.low + self.close) / 3, 4)

    @property
    def quote(self) -> float:
        return round(self.volume * self.mean, 4)


def walk(
    n: int = 60, *, step: int = 3600, start: int = 1_726_416_000, price: float = 2400.0, seed: int = 3
) -> list[Candle]:
    """Return bars that move as a market does; `start` is 2024-09-15 16:00 UTC."""
    rng = np.random.default_rng(seed)
    candles, last = [], price
    for index in range(n):
        open_ = round(last * (1 + rng.normal(0, 1e-5)), 2)
        close = round(open_ * (1 + rng.normal(0, 0.004)), 2)
        high = round(max(open_, close) * (1 + abs(rng.normal(0, 0.002))), 2)
        low = round(min(open_, close) * (1 - abs(rng.normal(0, 0.002))), 2)
        volume = round(float(rng.lognormal(8, 0.8)), 4)
        candles.append(Candle(start + index * step, open_, high, low, close, volume))
        last = close
    return candles


def assert_read(loaded: Loaded, candles: Sequence[Candle], *, volume: bool = True) -> None:
    """Assert that what was loaded are these bars, oldest first, to the last digit."""
    ordered = sorted(candles, key=lambda candle: candle.time)
    bars = loaded.bars
    assert bars.time.tolist() == [candle.time for candle in ordered]
    for field in ("open", "high", "low", "close"):
        prices = [float(bars.decimal(price)) for price in getattr(bars, field).tolist()]
        assert prices == [getattr(candle, field) for candle in ordered], field
    if volume:
        assert bars.volume.tolist() == pytest.approx([candle.volume for candle in ordered])


@pytest.fixture(scope="session")
def candles() -> Callable[..., list[Candle]]:
    """Return the function that makes bars which move as a market does."""
    return walk


@pytest.fixture(scope="session")
def reads() -> Callable[..., None]:
    """Return the assertion that what was loaded are these bars."""
    return assert_read


@pytest.fixture(scope="session")
def series() -> Callable[..., st.SearchStrategy[list[Written]]]:
    """Return the strategy of any bars, of any interval or of a given one."""
    return any_bars


@pytest.fixture(scope="session")
def same() -> Callable[[Loaded, Sequence[Written]], None]:
    """Return the assertion that what was loaded are the bars that were written."""
    return assert_same


def assert_same(loaded: Loaded, bars: Sequence[Written]) -> None:
    ordered = sorted(bars, key=lambda bar: bar.time)
    read = loaded.bars
    assert read.time.tolist() == [bar.time for bar in ordered]
    for field in ("open", "high", "low", "close"):
        prices = [read.decimal(price) for price in getattr(read, field).tolist()]
        assert prices == [Decimal(getattr(bar, field)) for bar in ordered]
    assert read.volume.tolist() == pytest.approx([float(bar.volume) for bar in ordered])
    spacings = np.diff(read.time).tolist()
    assert read.interval == min(multimode(spacings))
    assert loaded.report.missing == sum(spacing // read.interval - 1 for spacing in spacings)
