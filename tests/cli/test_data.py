"""The `data` command says what is in a price file, for people and for machines."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import typer
from rich.console import Console
from typer.testing import CliRunner

from agent.cli.data import data, describe
from agent.cli.options import load_bars
from agent.errors import DataError, UsageError
from agent.market.bars import Bars
from agent.market.read import Loaded, report_of

START = 1_704_067_200
KRAKEN = Path(__file__).parents[3] / "shared" / "data" / "eth_usd_1h_kraken.csv"

# One row with the day before the month after another, one twice, one contradicted, one impossible.
FAULTY = """Date,Open,High,Low,Close,Volume
01/02/2024 00:00,10,12,9,11,5
01/02/2024 01:00,10,12,9,11,5
01/02/2024 01:00,10,12,9,11,5
01/02/2024 02:00,10,12,9,11,5
01/02/2024 02:00,10,12,9,10,5
01/02/2024 03:00,10,8,9,11,5
01/02/2024 04:00,10,12,9,11,0
01/02/2024 05:00,10,12,9,11,5
"""
CURES = ("--duplicates", "last", "--impossible", "drop", "--date-order", "dmy")


@pytest.fixture
def faulty(tmp_path):
    path = tmp_path / "faulty.csv"
    path.write_text(FAULTY)
    return path


@pytest.fixture
def run():
    app = typer.Typer()
    app.command()(data)

    def invoke(*arguments):
        return CliRunner().invoke(app, [str(argument) for argument in arguments])

    return invoke


def shown(loaded):
    console = Console(width=200)
    with console.capture() as captured:
        console.print(describe(loaded))
    return captured.get()


def test_json_is_one_document_on_standard_output_and_nothing_else(run, faulty):
    result = run(faulty, *CURES, "--json")
    assert result.exit_code == 0
    assert result.stderr == ""
    assert json.loads(result.stdout) == {
        "source": "faulty.csv",
        "market": "",
        "synthetic": False,
        "rows": 8,
        "bars": 5,
        "interval_seconds": 3600,
        "first": "2024-02-01T00:00:00Z",
        "last": "2024-02-01T05:00:00Z",
        "gaps": 1,
        "missing": 1,
        "duplicates": 2,
        "zero_volume": 1,
        "impossible": 1,
        "off_grid": 0,
        "empty": 0,
        "columns": {
            "time": "Date",
            "open": "Open",
            "high": "High",
            "low": "Low",
            "close": "Close",
            "volume": "Volume",
        },
        "warnings": [
            "1 row repeats another exactly and was dropped.",
            "1 impossible row was dropped; the first, line 7: high 8 is below low 9.",
            "1 row contradicts another of the same time; the last in the file was kept.",
        ],
    }


def test_each_refusal_names_the_option_that_cures_it(run, faulty):
    named = []
    for given in range(0, len(CURES), 2):
        error = run(faulty, *CURES[len(CURES) - given :]).exception
        assert isinstance(error, DataError)
        named.append(CURES[len(CURES) - given - 2])
        assert named[-1] in error.cure
    assert named == ["--date-order", "--impossible", "--duplicates"]
    assert run(faulty, *CURES).exit_code == 0


def test_the_table_says_the_same_as_the_document(faulty):
    text = shown(load_bars(faulty, duplicates="last", impossible="drop", date_order="dmy"))
    for line in (
        "span          2024-02-01 00:00 .. 2024-02-01 05:00 UTC",
        "interval      1 h (3,600 s)",
        "bars          5",
        "prices        9 .. 12 (8 digits after the point are kept)",
        "gaps          1 (1 bar missing)",
        "duplicates    2 rows dropped",
        "zero volume   1 bar",
        "impossible    1 row dropped or repaired",
        "off the grid  none",
        "columns       time = Date, open = Open, high = High, low = Low, close = Close, volume = Volume",
        "! 1 row contradicts another of the same time; the last in the file was kept.",
    ):
        assert line in text


def test_brackets_in_a_name_are_shown_as_they_are(tmp_path):
    path = tmp_path / "[bold]bars.csv"
    path.write_text(FAULTY)
    loaded = load_bars(path, market="[red]ETH", duplicates="last", impossible="drop", date_order="dmy")
    assert "[bold]bars.csv" in shown(loaded)
    assert "[red]ETH" in shown(loaded)


def test_generated_bars_are_shown_as_synthetic():
    prices = np.full(3, 10**8)
    bars = Bars(
        time=START + 60 * np.arange(3),
        open=prices,
        high=prices,
        low=prices,
        close=prices,
        volume=np.ones(3),
        interval=60,
        source="synthetic walk, seed 7",
        synthetic=True,
    )
    text = shown(Loaded(bars, report_of(bars)))
    assert "synthetic walk, seed 7  SYNTHETIC: generated, not traded" in text
    assert "interval      1 min (60 s)" in text


def test_an_empty_market_is_refused(faulty):
    with pytest.raises(UsageError, match="--market is empty"):
        load_bars(faulty, market=" ")


def test_every_option_is_explained(run):
    text = run("--help").stdout
    for option in ("--market", "--duplicates", "--impossible", "--date-order", "--json"):
        assert option in text


@pytest.mark.skipif(not KRAKEN.is_file(), reason="the real price files (../shared/data) are not here")
def test_a_real_file_is_described(run):
    result = run(KRAKEN)
    assert result.exit_code == 0
    assert "842 (3,474 bars missing)" in result.stdout
    assert json.loads(run(KRAKEN, "--json").stdout)["bars"] == 63_568
