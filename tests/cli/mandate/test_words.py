"""What is said of a mandate: the contract's own limits, and cures that cure."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from agent.chain.values import LEAST_AMOUNT, Side
from agent.cli.mandate_words import duration, moment, percent, unsound
from agent.desk.mandate_file import MandateFile
from agent.desk.token import Token
from agent.errors import Reverted

CRITERIA = Path(__file__).parents[3] / "contracts" / "libraries" / "Criteria.sol"


def refusal(desk, mandate):
    with pytest.raises(Reverted) as refused:
        desk.settlement.call("create", mandate, sender=mandate.owner)
    file = MandateFile(
        mandate=mandate, chain_id=1, settlement=desk.at.settlement, base=Token("ETH", 18), quote=Token("USD", 6)
    )
    return unsound(file, refused.value, now=desk.now)


def test_the_least_amount_is_the_contracts():
    [least] = re.findall(r"LEAST_AMOUNT = ([0-9_]+);", CRITERIA.read_text())
    assert int(least) == LEAST_AMOUNT


@pytest.mark.parametrize(
    ("slippage", "profit", "stop", "side"),
    [
        (50, 200, 50, Side.LONG),
        (50, 50, 200, Side.LONG),
        (100, 101, 101, Side.SHORT),
        (0, 0, 5, Side.LONG),
        (500, 10, 10, Side.SHORT),
        (9_999, 100, 100, Side.LONG),
        (5_000, 9_999, 9_000, Side.SHORT),
        (6_000, 20_000, 9_999, Side.LONG),
    ],
)
def test_what_would_do_instead_of_slippage_that_reaches_a_barrier_does(slippage, profit, stop, side, desk):
    def allowed(**changes):
        wanted = {"max_slippage_bps": slippage, "take_profit_bps": profit, "stop_loss_bps": stop, **changes}
        desk.settlement.call("create", desk.draft(side=side, **wanted), sender=desk.owner.address)

    mandate = desk.draft(side=side, max_slippage_bps=slippage, take_profit_bps=profit, stop_loss_bps=stop)
    told = refusal(desk, mandate)
    cures = re.findall(r"--(slippage|take-profit|stop-loss) (\d+) at (most|least)", told.cure)
    assert cures
    names = {"slippage": "max_slippage_bps", "take-profit": "take_profit_bps", "stop-loss": "stop_loss_bps"}
    for name, value, bound in cures:
        # The barrier may be one of two that slippage reaches: the other one is told of next.
        changes = {names[name]: int(value)}
        nearer = {names[name]: int(value) + (1 if bound == "most" else -1)}
        if bound == "least":
            changes |= {
                other: max(int(value), now)
                for other, now in (("take_profit_bps", profit), ("stop_loss_bps", stop))
            }
        allowed(**changes)
        with pytest.raises(Reverted):
            allowed(**nearer)


def test_a_deployment_that_cannot_be_a_mandates_is_told_as_such(desk):
    zero = "0x" + 40 * "0"
    told = refusal(desk, desk.draft(source=zero))
    assert (told.option, told.problem) == ("", "The deployment's source cannot be that of a mandate.")


def test_times_and_shares_are_told_exactly():
    assert [duration(each) for each in (0, 59, 3_600, 90_061)] == ["0 s", "59 s", "1 h", "1 d 1 h 1 min 1 s"]
    assert [percent(each) for each in (0, 5, 50, 100, 10_000)] == ["0 %", "0.05 %", "0.5 %", "1 %", "100 %"]
    assert moment(4_102_444_800) == "2100-01-01 00:00:00 UTC"
    assert moment(2**40 - 1) == f"unix second {2**40 - 1}"
