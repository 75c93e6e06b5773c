"""The desk of the tests: a market of this package's own contracts, in any project."""

from __future__ import annotations

import re

import pytest

from agent.chain.events import Opened, Presented, Refused
from agent.chain.values import Barrier, Reason, Side
from agent.errors import Reverted

BASE, QUOTE = 10**18, 10**6


def test_every_fill_settles_until_a_test_changes_something(desk, mandate, signal):
    long, seen = mandate(), signal()
    receipt = desk.open(seen, long)
    assert receipt.events[0] == Presented(seen.model, seen.market, seen)
    assert receipt.events[1] == Opened(long.id, desk.filler, given=2_000 * QUOTE, taken=BASE, price=2_000 * 10**24)


def test_refuses_a_signal_below_the_owners_confidence(desk, mandate, signal):
    strict, weak = mandate(min_confidence_bps=6_000), signal(confidence_bps=5_999)
    receipt = desk.open(weak, strict)
    assert receipt.events == [Presented(weak.model, weak.market, weak), Refused(strict.id, Reason.LOW_CONFIDENCE)]


@pytest.mark.parametrize("time", [1, 2])
def test_a_test_finds_everyone_as_rich_as_at_first(desk, time):
    assert set(desk.ledger().values()) == {1_000 * BASE, 2_000_000 * QUOTE}
    desk.settlement.withdraw(desk.owner, desk.base.address, BASE)


def test_a_trade_closes_at_its_barrier(desk):
    mandate = desk.trading(side=Side.SHORT)
    assert desk.check_close(mandate) == (Reason.NO_BARRIER, Barrier.NONE)
    desk.set_price("1900")
    assert desk.check_close(mandate) == (Reason.NONE, Barrier.TAKE_PROFIT)
    assert desk.close(mandate).events[0].barrier is Barrier.TAKE_PROFIT


def test_its_people_are_accounts(desk, accounts, reverts):
    assert desk.operator == accounts[0]
    with reverts("InsufficientBalance", amount=1):
        desk.settlement.withdraw(desk.stranger, desk.base.address, 1)


def test_a_contract_of_the_project_meets_the_desk(desk, deploy, chain):
    purse = deploy("Purse", "mine")
    desk.base.transfer(desk.owner, purse.address, 5)
    assert desk.base.balance_of(purse.address) == 5
    assert purse.who(sender=desk.owner) == desk.owner


def test_a_refusal_of_the_package_shows_its_line_where_the_sources_are(desk):
    with pytest.raises(Reverted) as caught:
        desk.settlement.withdraw(desk.stranger, desk.base.address, 1)
    place, *around = caught.value.where().splitlines()
    assert re.fullmatch(r"contracts/Settlement\.sol:\d+: in Settlement\.withdraw", place)
    assert re.match(r"> +\d+ \| .* InsufficientBalance\(", around[2])


def test_a_refusal_of_the_package_shows_no_line_where_they_are_not(project):
    project.makepyfile("""
        def test_it(desk):
            desk.settlement.withdraw(desk.stranger, desk.base.address, 1)
    """)
    result = project.runpytest("-q")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*the contract refused: InsufficientBalance(*", "*.py:2: Reverted"])
    result.stdout.no_re_match_line(r".*(\.sol|contracts\.py):\d+")
