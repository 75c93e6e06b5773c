"""What a trade costs here is what the contract takes: figures that are stated follow those that are measured."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from agent.errors import UsageError
from agent.evaluation.costs import DEFAULT_GAS_BPS, GAS_ORIGIN, costs_of
from agent.model.labels import Barriers

MEASURED = Path(__file__).parents[2] / "contracts" / "gas.json"


def test_gas_is_charged_as_the_contract_takes_it():
    ours = json.loads(MEASURED.read_text())["gas"]["patternsettle"]
    opened, closed = (
        int(found.replace(",", "")) for found in re.findall(r"([\d,]+) gas to open and ([\d,]+)", GAS_ORIGIN)[0]
    )
    # The demo's calls differ from the measured ones by some zero bytes.
    assert opened == pytest.approx(ours["open, one fill, by an operator"], rel=0.01)
    assert closed == pytest.approx(ours["close, one fill, by an operator"], rel=0.01)
    assert pytest.approx((opened + closed) * 1e-9 * 2_000 / 1_000 * 10_000, abs=0.005) == DEFAULT_GAS_BPS


def test_the_cure_for_gas_that_is_no_cost_is_one():
    with pytest.raises(UsageError, match="gas cannot cost 10000 bps") as refused:
        costs_of(Barriers(), gas_bps=10_000)
    assert refused.value.cure == "Give 0 or more with --gas, and less than 10,000."
    assert costs_of(Barriers(), gas_bps=9_999.9).gas_bps == 9_999.9
