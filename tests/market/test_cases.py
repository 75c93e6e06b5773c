"""`scripts/cases`: the price files that were once read wrongly are read right, or refused in the words they deserve."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path

import pytest

from agent.market.read import load

SCRIPT = Path(__file__).parents[2] / "scripts" / "cases.d" / "prices.py"
_spec = importlib.util.spec_from_file_location("cases_prices", SCRIPT)
assert _spec is not None
assert _spec.loader is not None
cases = importlib.util.module_from_spec(_spec)
sys.modules[_spec.name] = cases
_spec.loader.exec_module(cases)

FOLDER = cases.FOLDER
FILES = sorted(path.name for path in FOLDER.iterdir() if path.name not in cases.NEITHER) if FOLDER.is_dir() else []
needs_cases = pytest.mark.skipif(
    not FILES, reason="the price files (../shared/cases/prices beside the project) are not here"
)


@needs_cases
@pytest.mark.parametrize("name", FILES)
def test_a_file_that_was_read_wrongly_is_read_right_or_refused(name):
    expected = json.loads((FOLDER / "expected.json").read_text())
    outcome = cases.judge(FOLDER / name, expected.get(name))
    assert outcome.right is not False, outcome.what


def written(candles, price_file, **changes):
    bars = candles()
    path = price_file(
        "\n".join(
            [
                "time,open,high,low,close,volume",
                *(f"{bar.time},{bar.open},{bar.high},{bar.low},{bar.close},{bar.volume}" for bar in bars),
            ]
        )
    )
    fields = ("time", "open", "high", "low", "close", "volume")
    expected = {field: [getattr(bar, field) for bar in bars] for field in fields} | changes
    path.with_name("expected.json").write_text(json.dumps({path.name: expected}))
    return path


def test_what_is_read_right_is_right(candles, price_file):
    (outcome,) = cases.judged(written(candles, price_file).parent)
    assert (outcome.file, outcome.right) == ("bars.csv", True)


@pytest.mark.parametrize("field", ["time", "close", "volume"])
def test_what_is_read_wrongly_is_told_with_its_field(field, candles, price_file):
    (outcome,) = cases.judged(written(candles, price_file, **{field: [1] * 60}).parent)
    assert outcome.right is False
    assert f"but wrong: {field}" in outcome.what


def test_what_is_refused_without_need_is_wrong(candles, price_file):
    path = written(candles, price_file)
    path.write_text("time,open\n1,2\n")
    (outcome,) = cases.judged(path.parent)
    assert outcome.right is False
    assert outcome.what.startswith("refused: bars.csv")


def test_a_number_of_bars_is_compared_first(candles, price_file):
    path = written(candles, price_file)
    expected = json.loads(path.with_name("expected.json").read_text())[path.name]
    assert cases.differences(load(path), expected, left_out=1, moved=0) == ["60 bars, not 59"]
