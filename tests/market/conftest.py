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
