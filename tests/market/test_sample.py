"""The sample that people begin with: the same everywhere, and never taken for prices of a market."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from agent.errors import DataError
from agent.market.read import load
from agent.market.sample import MARKET, write_sample


def test_it_is_read_as_synthetic_and_without_a_warning(tmp_path: Path):
    write_sample(tmp_path / "prices.csv")

    loaded = load(tmp_path / "prices.csv")

    assert loaded.bars.synthetic
    assert loaded.report.synthetic
    assert loaded.report.warnings == ()
    assert (len(loaded.bars), loaded.bars.market) == (2_500, MARKET)


def test_it_is_the_same_each_time(tmp_path: Path):
    first, second = tmp_path / "a.csv", tmp_path / "b.csv"
    write_sample(first)
    write_sample(second)
    assert hashlib.sha256(first.read_bytes()).digest() == hashlib.sha256(second.read_bytes()).digest()


def test_a_file_of_another_market_is_not_synthetic(tmp_path: Path):
    write_sample(tmp_path / "a.csv")
    other = tmp_path / "b.csv"
    other.write_text((tmp_path / "a.csv").read_text().replace(MARKET, "ETH/USDT"))
    assert not load(other).bars.synthetic


def test_what_is_there_is_left_alone(tmp_path: Path):
    mine = tmp_path / "prices.csv"
    mine.write_text("mine")
    with pytest.raises(DataError, match="there already"):
        write_sample(mine)
    assert mine.read_text() == "mine"


def test_where_nothing_can_be_written_it_says_so(tmp_path: Path):
    with pytest.raises(DataError, match="cannot be written"):
        write_sample(tmp_path / "nowhere" / "prices.csv")
