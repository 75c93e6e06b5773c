"""Order, repetition and damage: what may not change the bars, and what must be refused with its line."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from agent.errors import DataError
from agent.market.read import Loaded, load

HOUR = 3600


def in_one_folder(examples: int) -> settings:
    """Settings for examples that all overwrite the same file on purpose."""
    quiet = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large]
    return settings(max_examples=examples, suppress_health_check=quiet, deadline=None)


def ccxt(bars):
    return ["timestamp,open,high,low,close,volume", *(f"{bar.time * 1000},{','.join(bar.cells)}" for bar in bars)]


def kraken(bars):
    return [f"{bar.time},{','.join(bar.cells)},7" for bar in bars]


def metatrader(bars):
    return [f"{bar.at:%Y.%m.%d,%H:%M},{','.join(bar.cells)}" for bar in bars]


def crypto_data_download(bars):
    rows = [f"{bar.at:%Y-%m-%d %I-%p},ETHUSD,{','.join(bar.cells)},1.0" for bar in reversed(bars)]
    return ["https://example.org", "Date,Symbol,Open,High,Low,Close,Volume ETH,Volume USD", *rows]


def binance(bars):
    return [
        f"{bar.time * 1000},{','.join(bar.cells)},{(bar.time + 60) * 1000 - 1},1.5,3,0.5,0.7,0" for bar in bars
    ]


LAYOUTS: list[Callable[..., list[str]]] = [ccxt, kraken, metatrader, crypto_data_download, binance]
# Column of the high; the low is the next.
HIGH = {ccxt: 2, kraken: 2, metatrader: 3, crypto_data_download: 3, binance: 2}


@pytest.mark.parametrize("layout", LAYOUTS)
@in_one_folder(6)
@given(data=st.data(), chooser=st.randoms(use_true_random=False))
def test_shuffling_and_repeating_rows_changes_nothing(layout, series, same, data, chooser, tmp_path):
    bars = data.draw(series(HOUR))
    lines = layout(bars)
    head, rows = lines[: -len(bars)], lines[-len(bars) :]
    again = chooser.choices(rows, k=5)
    mixed = [*rows, *again]
    chooser.shuffle(mixed)
    once = loaded_or_refused(tmp_path, lines)
    loaded = loaded_or_refused(tmp_path, [*head, *mixed])
    same(loaded, bars)
    assert loaded.report.duplicates == len(again)
    for fact in ("bars", "first", "last", "gaps", "missing", "zero_volume", "impossible", "off_grid", "columns"):
        assert getattr(loaded.report, fact) == getattr(once.report, fact)


GARBAGE = [
    "",
    "abc",
    "-1",
    "nan",
    "inf",
    "-inf",
    "1e999",
    "null",
    "0x10",
    "3.0.0",
    "1_000",
    "True",
    "٣",
    "--",
]


@pytest.mark.parametrize("layout", LAYOUTS)
@in_one_folder(20)
@given(data=st.data())
def test_a_damaged_cell_is_refused_with_its_line_or_does_no_harm(layout, series, data, tmp_path):
    bars = data.draw(series(HOUR))
    clean = layout(bars)
    line = data.draw(st.integers(len(clean) - len(bars), len(clean) - 1))
    cells = clean[line].split(",")
    cells[data.draw(st.integers(0, len(cells) - 1))] = data.draw(st.sampled_from(GARBAGE))
    outcome = loaded_or_refused(tmp_path, [*clean[:line], ",".join(cells), *clean[line + 1 :]])
    if isinstance(outcome, DataError):
        assert outcome.line == line + 1 or "several markets" in outcome.problem
        return
    without_volume = any("no volume" in warning for warning in outcome.report.warnings)
    expected = loaded_or_refused(tmp_path, clean)
    for field in ("time", "open", "high", "low", "close", *([] if without_volume else ["volume"])):
        assert getattr(outcome.bars, field).tolist() == getattr(expected.bars, field).tolist()


DAMAGES = ["one cell more", "one cell less", "high and low exchanged", "nothing but a word"]


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("layout", LAYOUTS)
@in_one_folder(6)
@given(data=st.data())
def test_a_line_that_is_no_bar_is_refused_with_its_line(layout, damage, series, data, tmp_path):
    bars = data.draw(series(HOUR))
    lines = layout(bars)
    # A word above the first bar of a file without header is a comment, as some exporters write.
    line = data.draw(st.integers(max(len(lines) - len(bars), 1), len(lines) - 1))
    cells, high = lines[line].split(","), HIGH[layout]
    if damage == "one cell more":
        cells.append("5")
    elif damage == "one cell less":
        cells.pop()
    elif damage == "nothing but a word":
        cells = ["interrupted"]
    else:
        assume(Decimal(cells[high]) > Decimal(cells[high + 1]))
        cells[high], cells[high + 1] = cells[high + 1], cells[high]
    outcome = loaded_or_refused(tmp_path, [*lines[:line], ",".join(cells), *lines[line + 1 :]])
    assert isinstance(outcome, DataError)
    assert outcome.line == line + 1


@pytest.mark.parametrize("layout", LAYOUTS)
@in_one_folder(20)
@given(data=st.data())
def test_damaged_bytes_load_or_are_refused_in_one_line_with_a_cure(layout, series, data, tmp_path):
    content = bytearray("\n".join(layout(data.draw(series(HOUR)))).encode())
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(content)))
        content[start : start + data.draw(st.integers(0, 20))] = data.draw(st.binary(max_size=5))
    outcome = loaded_or_refused(tmp_path, bytes(content))
    if isinstance(outcome, DataError):
        assert outcome.cure
        assert "\n" not in str(outcome)
    else:
        assert (outcome.bars.low > 0).all()
        assert (outcome.bars.high >= outcome.bars.low).all()


def loaded_or_refused(folder: Path, content: list[str] | bytes) -> Loaded | DataError:
    path = folder / "bars.csv"
    path.write_bytes(content if isinstance(content, bytes) else "\n".join(content).encode())
    try:
        return load(path)
    except DataError as error:
        return error
