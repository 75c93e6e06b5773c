"""The gas that the project promises at most, measured by what `scripts/bench gas` prints."""

from __future__ import annotations

import json
import runpy
import subprocess
from dataclasses import asdict

import pytest

from agent.chain.client import Chain
from agent.chain.local import LocalChain

LIMITS = [
    ("open", "steady", 110_000),
    ("open", "marginal", 45_000),
    ("close", "steady", 80_000),
    ("close", "marginal", 42_000),
]


@pytest.fixture(scope="module")
def bench(pytestconfig):
    return runpy.run_path(str(pytestconfig.rootpath / "scripts" / "bench.d" / "gas.py"))


@pytest.fixture(scope="module")
def gas(bench):
    local = LocalChain()
    with Chain(local.provider(), settings=bench["SETTINGS"], on_close=local.close) as chain:
        return bench["measure"](chain)


@pytest.mark.parametrize(("call", "case", "limit"), LIMITS)
def test_a_settlement_costs_at_most(gas, call, case, limit):
    assert getattr(getattr(gas, call), case) <= limit


def test_a_further_fill_costs_less_than_half_of_a_single_one(gas):
    assert gas.open.marginal < gas.open.steady / 2
    assert gas.close.marginal < gas.close.steady / 2


def test_a_further_fill_does_not_ask_the_source_again(gas):
    """All else is about the same at both ends of a trade, and a source costs at least 8,000."""
    assert gas.open.marginal - gas.close.marginal < 5_000


def test_the_figures_are_printed_for_people_and_for_machines(bench, gas, capsys):
    bench["main"](["--json"])
    printed = json.loads(capsys.readouterr().out)
    assert printed.keys() == {"open", "close", "create", "deposit", "withdraw"}
    # Other addresses have other zeros in them, which cost less: figures of two chains differ a little.
    assert printed["open"] == pytest.approx(asdict(gas.open), rel=0.01)
    assert printed["close"] == pytest.approx(asdict(gas.close), rel=0.01)
    bench["main"]([])
    line = capsys.readouterr().out.splitlines()[1]
    assert line.split() == ["open", "steady", f"{printed['open']['steady']:,}"]


@pytest.mark.parametrize("arguments", [[], ["no-such"], ["../gas"]])
def test_a_measurement_that_does_not_exist_is_refused_with_those_that_do(pytestconfig, arguments):
    script = str(pytestconfig.rootpath / "scripts" / "bench")
    ended = subprocess.run([script, *arguments], capture_output=True, text=True)
    assert ended.returncode == 2
    assert "gas" in ended.stderr
