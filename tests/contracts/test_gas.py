"""The gas that the project promises at most, and the committed figures of `scripts/bench gas`, measured again."""

from __future__ import annotations

import importlib
import re
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from agent.errors import UsageError

LIMITS = [
    ("open, one fill", 89_500),
    ("open, each further fill", 32_000),
    ("open, first fill", 124_000),
    ("close, one fill", 69_500),
    ("close, each further fill", 28_000),
]


@pytest.fixture(scope="module")
def bench(pytestconfig):
    """The module of `scripts/bench gas`."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(pytestconfig.rootpath / "scripts" / "bench.d")
        yield importlib.import_module("gas")


@pytest.fixture(scope="module")
def table(bench):
    return importlib.import_module("gasbench.rows")


@pytest.fixture(scope="module")
def rows(bench):
    """Our own rows and the bare ones, as measured now."""
    return bench.measure(others=False)


@pytest.fixture(scope="module")
def gas(table, rows):
    return table.Snapshot.of(rows).gas[table.Group.OURS]


@pytest.fixture
def recorded(bench, table):
    return table.Snapshot.read(bench.FOLDER)


@pytest.mark.parametrize(("call", "limit"), LIMITS)
def test_a_settlement_costs_at_most(gas, call, limit):
    assert gas[call] <= limit


@pytest.mark.parametrize("call", [call for call, _ in LIMITS if "first" not in call])
def test_an_operator_pays_for_reading_one_more_slot_at_most(gas, call):
    assert 0 < gas[f"{call}, by an operator"] - gas[call] <= 2_400


@pytest.mark.parametrize("call", ["open, one fill", "close, one fill"])
def test_the_bytes_of_a_mandate_cost_no_more_than_its_call_data(gas, call):
    """12 gas for each of the 54 bytes that are not zero any more."""
    dear = gas[f"{call}, of a mandate without zero bytes in its salt and bounds"]
    assert dear - gas[call] <= 12 * (32 + 2 * 11) + 20


def test_a_deposit_and_a_withdrawal_cost_at_most_15_percent_more_than_the_bare_ones(table, rows):
    excess = table.over_bare(rows)
    assert excess.keys() == {"deposit", "withdraw"}
    assert all(0 < each <= 0.15 for each in excess.values()), excess


def test_a_further_fill_costs_less_than_half_of_a_single_one(gas):
    assert gas["open, each further fill"] < gas["open, one fill"] / 2
    assert gas["close, each further fill"] < gas["close, one fill"] / 2


def test_a_further_fill_does_not_ask_the_source_again(gas):
    """All else at the two ends of a trade differs by one slot more to write, and a source costs at least 8,000."""
    assert gas["open, each further fill"] - gas["close, each further fill"] < 7_000


class TestTheCommittedFigures:
    def test_are_what_is_measured_now(self, table, rows, recorded):
        assert not recorded.differences(rows), f"Where that is meant, {table.RECORD} records it."

    def test_include_those_of_others(self, recorded):
        names = " ".join(recorded.gas["peers"])
        assert all(each in names for each in ("1inch `fillOrder`", "Uniswap v2", "Uniswap v3"))

    def test_are_those_that_people_read(self, bench, table, recorded):
        text = (bench.FOLDER / table.TABLE).read_text(encoding="utf-8")
        told = re.findall(r"^\| (.+?) \| ([\d,]+) \| .+\. \|$", text, re.MULTILINE)
        figures = [(name, f"{gas:,}") for found in recorded.gas.values() for name, gas in found.items()]
        assert told == figures


class TestAChangeOfGas:
    @pytest.fixture
    def row(self, table):
        return table.Row(table.Group.OURS, "open, one fill", 100_000, "What it does.")

    @pytest.mark.parametrize("gas", [102_000, 100_001, 100_000, 99_800])
    def test_that_is_small_needs_no_record(self, table, row, gas):
        assert table.Snapshot.of([row]).differences([replace(row, gas=gas)]) == []

    @pytest.mark.parametrize(
        ("gas", "told"),
        [(102_001, "2.0% more"), (99_799, "0.2% less"), (150_000, "50.0% more"), (50_000, "50.0% less")],
    )
    def test_that_is_not_is_told(self, table, row, gas, told):
        (difference,) = table.Snapshot.of([row]).differences([replace(row, gas=gas)])
        assert difference == (
            f"patternsettle: open, one fill takes {gas:,} gas, {told} than the 100,000 recorded."
        )

    def test_includes_a_call_that_is_new_and_one_that_is_gone(self, table, row):
        differences = table.Snapshot.of([row]).differences([replace(row, name="openTwice")])
        assert differences == [
            "patternsettle: openTwice takes 100,000 gas, and nothing is recorded for it.",
            "patternsettle: open, one fill is recorded, and is not measured any more.",
        ]

    def test_passes_over_the_rows_of_others_where_they_were_not_measured(self, table, row):
        everything = [row, replace(row, group=table.Group.PEERS)]
        assert table.Snapshot.of(everything).differences([row]) == []

    def test_includes_one_of_the_compiler(self, table, row):
        snapshot = table.Snapshot.of([row])
        before = replace(snapshot, compiler={**snapshot.compiler, "optimizer_runs": 200})
        (difference,) = before.differences([row])
        assert "'optimizer_runs': 200" in difference


def test_what_is_recorded_is_read_again(table, rows, tmp_path):
    table.record(rows, tmp_path)
    assert table.Snapshot.read(tmp_path) == table.Snapshot.of(rows)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["GAS.md", "gas.json"]


def test_a_missing_snapshot_is_told_with_the_command_that_writes_one(table, tmp_path: Path):
    with pytest.raises(UsageError, match=r"gas\.json cannot be read") as caught:
        table.Snapshot.read(tmp_path)
    assert "scripts/bench gas --record" in caught.value.cure


def test_a_changed_figure_is_shown_beside_the_one_recorded(table):
    row = table.Row(table.Group.OURS, "create", 61_000, "What it does.")
    recorded = table.Snapshot.of([replace(row, gas=61_500)])
    assert [line.split() for line in table.table([row], recorded)] == [
        ["patternsettle", "create", "61,000", "-500"]
    ]
    assert [line.split() for line in table.table([replace(row, gas=61_500)], recorded)] == [
        ["patternsettle", "create", "61,500"]
    ]


def test_the_report_names_what_is_not_recorded(bench, rows, capsys):
    dearer = [replace(row, gas=2 * row.gas) for row in rows]
    bench.report(dearer)
    printed = capsys.readouterr().out
    assert printed.count("100.0% more than the") >= len(rows) - 2
    assert "scripts/bench gas --record records it." in printed


@pytest.mark.parametrize("arguments", [[], ["no-such"], ["../gas"]])
def test_a_measurement_that_does_not_exist_is_refused_with_those_that_do(pytestconfig, arguments):
    script = str(pytestconfig.rootpath / "scripts" / "bench")
    ended = subprocess.run([script, *arguments], capture_output=True, text=True)
    assert ended.returncode == 2
    assert "gas" in ended.stderr
