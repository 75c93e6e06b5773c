"""Real files, exactly as published, load with exactly the counts that their README states."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from agent.errors import DataError
from agent.market.read import load

FOLDER = Path(__file__).parents[3] / "shared" / "data"

pytestmark = pytest.mark.skipif(
    not FOLDER.is_dir(), reason="the real price files (../shared/data beside the project) are not here"
)


@dataclass(frozen=True)
class Stated:
    """What the README of the real files says of one of them."""

    file: str
    market: str | None
    rows: int
    bars: int
    interval: int
    first: str
    last: str
    volume: str
    gaps: int = 0
    missing: int = 0
    duplicates: int = 0
    zero_volume: int = 0
    impossible: int = 0
    off_grid: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.market}" if self.market else self.file


KRAKEN = Stated(
    "eth_usd_1h_kraken.csv",
    None,
    63_568,
    63_568,
    3600,
    "2015-08-07 14:00",
    "2023-03-31 23:00",
    "column 6",
    842,
    3_474,
)
COINBASE = Stated(
    "eth_usd_1h_coinbase.csv",
    None,
    16_863,
    16_863,
    3600,
    "2017-07-01 11:00",
    "2019-06-04 01:00",
    "Volume ETH",
    zero_volume=9,
)
GEMINI = Stated(
    "eth_usd_1h_gemini.csv",
    None,
    27_276,
    27_276,
    3600,
    "2016-05-09 13:00",
    "2019-06-20 00:00",
    "Volume",
    zero_volume=2_401,
    impossible=1,
)
BINANCE = Stated(
    "btc_usdt_1h_binance.csv",
    None,
    16_401,
    16_401 - 135,
    3600,
    "2017-08-17 04:00",
    "2019-06-29 17:00",
    "Volume BTC",
    gaps=11,
    missing=92,
    duplicates=135,
    zero_volume=1,
    off_grid=43,
)
WIDE = [
    Stated(
        "btc_eth_usdt_5m_wide.csv",
        market,
        10_369,
        10_369,
        300,
        "2024-02-01 00:00",
        "2024-03-08 00:00",
        f"binance:{market}:volume",
    )
    for market in ("BTC/USDT", "ETH/USDT")
]
METATRADER = Stated(
    "eur_usd_15m_mt5.csv", None, 24_424, 24_424, 900, "2022-10-10 00:00", "2023-10-02 06:45", "Tickvol", 52, 9_876
)
ALL = [KRAKEN, COINBASE, GEMINI, BINANCE, *WIDE, METATRADER]


@pytest.mark.parametrize("stated", ALL, ids=str)
def test_a_real_file_loads_with_the_stated_counts(stated):
    report = load(FOLDER / stated.file, market=stated.market).report
    found = Stated(
        stated.file,
        stated.market,
        report.rows,
        report.bars,
        report.interval_seconds,
        f"{report.first:%Y-%m-%d %H:%M}",
        f"{report.last:%Y-%m-%d %H:%M}",
        dict(report.columns)["volume"],
        report.gaps,
        report.missing,
        report.duplicates,
        report.zero_volume,
        report.impossible,
        report.off_grid,
    )
    assert found == stated


@pytest.mark.parametrize("stated", ALL, ids=str)
def test_a_real_file_becomes_bars_that_hold_together(stated):
    bars = load(FOLDER / stated.file, market=stated.market).bars
    assert len(bars) == stated.bars
    assert (np.diff(bars.time) > 0).all()
    assert (bars.low >= 1).all()
    assert (bars.low <= np.minimum(bars.open, bars.close)).all()
    assert (bars.high >= np.maximum(bars.open, bars.close)).all()


def test_prices_are_the_very_digits_of_the_file():
    bars = load(FOLDER / KRAKEN.file).bars
    with (FOLDER / KRAKEN.file).open() as lines:
        for index, line in enumerate(lines):
            if index % 97 == 0:
                texts = line.split(",")[1:5]
                bar = bars.bar(index)
                prices = [bars.decimal(price) for price in (bar.open, bar.high, bar.low, bar.close)]
                assert [float(price) for price in prices] == [float(text) for text in texts]


def test_the_flash_crash_of_2017_is_a_price_and_not_a_fault():
    bars = load(FOLDER / KRAKEN.file).bars
    crash = int(np.searchsorted(bars.time, 1_494_194_400))  # 2017-05-07 22:00
    assert bars.decimal(int(bars.low[crash])) == 30
    assert 85 < bars.decimal(int(bars.close[crash + 1])) < 90


def test_midnight_of_an_am_pm_file_is_hour_zero():
    bars = load(FOLDER / COINBASE.file).bars
    last = bars.bar(len(bars) - 2)
    assert last.time == 1_559_606_400  # 2019-06-04 12-AM
    assert bars.decimal(last.close) == bars.decimal(24_649_000_000)


def test_the_first_bar_of_gemini_is_repaired_aloud():
    loaded = load(FOLDER / GEMINI.file)
    first = loaded.bars.bar(0)
    assert (first.open, first.high, first.low, first.close) == (
        955_000_000,
        1_200_000_000,
        955_000_000,
        955_000_000,
    )
    assert any("oldest bar has a zero open and low" in warning for warning in loaded.report.warnings)


def test_seconds_and_milliseconds_in_one_column_are_told_apart_aloud():
    warnings = load(FOLDER / GEMINI.file).report.warnings
    assert "Column 'Unix Timestamp' mixes units of time: 18,694 in s and 8,582 in ms." in warnings


def test_stamps_off_the_grid_are_kept_aloud():
    loaded = load(FOLDER / BINANCE.file)
    assert np.count_nonzero(loaded.bars.time % 3600 == 28 * 60 + 14) == BINANCE.off_grid
    assert any(
        warning.startswith("43 bars do not start on the 3,600 s grid") for warning in loaded.report.warnings
    )


def test_a_table_of_two_markets_asks_which():
    with pytest.raises(DataError, match=r"several markets: binance:BTC/USDT, binance:ETH/USDT.*--market BTC/USDT"):
        load(FOLDER / WIDE[0].file)


def test_a_market_that_is_not_there_is_answered_with_the_nearest_that_is():
    with pytest.raises(DataError, match=r"no market 'ETH/USD'.*Did you mean `--market ETH/USDT`"):
        load(FOLDER / WIDE[0].file, market="ETH/USD")
