"""Mandates that a desk waits for, and those that it leaves alone: growing slippage, cooldowns of a second, named fillers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from agent.chain.values import Fill, Reason, Signal
from agent.desk.entries import Refusal, Sent
from agent.desk.venue import ContractVenue

UNIT = 10**8
HOUR = 3_600


def closes(*prices: float) -> Any:
    return np.array([round(price * UNIT) for price in prices], dtype=np.int64)


def always(word: str) -> Callable[[int], str]:
    return lambda close: word


# ---- mandates whose accepted slippage grows


def wait(room: Any, closed_at: int, seconds: int) -> None:
    """Let time pass until so many seconds after the bar closed."""
    room.clock.pass_until(closed_at + seconds)


def test_a_signal_waits_until_a_growing_slippage_covers_the_spread(room: Any, closed_at: int) -> None:
    mandate = room.mandate(ramp=600)  # ten bps in the end, five of them after 300 s
    desk = room.desk(always("up"), mandate)
    room.signalled(desk)
    assert desk.due == closed_at + 300
    wait(room, closed_at, 299)
    desk.act()
    assert not desk.open_trades
    assert room.entries(Sent) == []
    wait(room, closed_at, 300)
    desk.act()
    assert set(desk.open_trades) == {mandate.id}
    assert desk.due is None
    assert not desk.tally.refused


def test_a_mandate_that_waits_holds_up_no_other_one(room: Any, closed_at: int) -> None:
    waiting, ready = room.mandate(ramp=600), room.mandate(owner=1)
    desk = room.desk(always("up"), waiting, ready)
    room.signalled(desk)
    assert set(desk.open_trades) == {ready.id}
    wait(room, closed_at, 300)
    desk.act()
    assert set(desk.open_trades) == {ready.id, waiting.id}
    assert [len(entry.mandates) for entry in room.entries(Sent)] == [1, 1]


def test_each_mandate_is_asked_again_at_its_own_second(room: Any, closed_at: int) -> None:
    mandates = [room.mandate(ramp=ramp, owner=owner) for owner, ramp in enumerate((600, 200))]
    desk = room.desk(always("up"), *mandates)
    room.signalled(desk)
    due = []
    while desk.due is not None:
        due.append(desk.due - closed_at)
        wait(room, closed_at, due[-1])
        desk.act()
    assert due == [100, 300]
    assert len(desk.open_trades) == 2


@dataclass(frozen=True)
class Asked(ContractVenue):
    """The real venue; counts how often it is asked about an open."""

    asked: list[Fill] = field(default_factory=list)

    def check_open(self, signal: Signal, evidence: bytes, fill: Fill) -> Reason:
        self.asked.append(fill)
        return super().check_open(signal, evidence, fill)


def test_the_contract_is_not_asked_again_before_it_may_answer_otherwise(room: Any) -> None:
    venue = room.venue(Asked)
    desk = room.desk(always("up"), room.mandate(ramp=600), venue=venue)
    room.signalled(desk)
    for _ in range(5):
        desk.act()
    assert len(venue.asked) == 1


def test_what_is_refused_for_another_reason_does_not_wait(room: Any) -> None:
    desk = room.desk(always("up"), room.mandate(ramp=600, min_confidence_bps=9_000))
    room.signalled(desk)
    desk.act()
    assert desk.due is None
    assert desk.tally.refused == {Reason.LOW_CONFIDENCE: 1}


def test_a_slippage_that_never_covers_the_spread_is_refused_at_once(room: Any) -> None:
    desk = room.desk(always("up"), room.mandate(ramp=600, max_slippage_bps=4))
    room.signalled(desk)
    desk.act()
    assert desk.due is None
    assert desk.tally.refused == {Reason.SLIPPAGE: 1}


def test_a_signal_that_expires_while_it_waits_is_refused_once(room: Any, closed_at: int) -> None:
    desk = room.desk(always("up"), room.mandate(ramp=600, max_signal_age=600))
    room.signalled(desk)
    wait(room, closed_at, 601)
    desk.act()
    desk.act()
    assert not desk.open_trades
    assert desk.tally.refused == {Reason.SIGNAL_STALE: 1}
    assert len(room.entries(Refusal)) == 1


def test_a_newer_decision_takes_the_place_of_a_signal_that_waits(room: Any, closed_at: int) -> None:
    mandate = room.mandate(ramp=600)
    desk = room.desk(lambda close: "up" if close == 2_000 * UNIT else "nothing", mandate)
    room.signalled(desk)
    desk.consider(closes(2_001), closed_at + HOUR)
    assert desk.due is None
    wait(room, closed_at, HOUR)
    desk.act()
    assert not desk.open_trades
    assert not desk.tally.refused


def test_a_price_that_has_moved_meanwhile_is_the_one_that_is_traded_at(room: Any, closed_at: int) -> None:
    mandate = room.mandate(ramp=600)
    desk = room.desk(always("up"), mandate)
    room.signalled(desk)
    room.publish(2_003, at=closed_at + 400)
    desk.act()
    assert desk.open_trades[mandate.id].price == 2_003 * UNIT * room.factor


@pytest.mark.parametrize(("cooldown", "opened", "refused"), [(0, 1, {}), (1, 0, {Reason.COOLING_DOWN: 1})])
def test_a_mandate_without_a_cooldown_trades_again_a_second_after_its_last_trade(
    room: Any, closed_at: int, cooldown: int, opened: int, refused: dict[Reason, int]
) -> None:
    """Nothing opens in the very second in which a trade ended: that much cooldown there always is."""
    desk = room.desk(always("up"), room.mandate(cooldown=cooldown))
    room.signalled(desk)
    desk.consider(closes(2_030), closed_at + HOUR)
    room.publish(2_030, at=closed_at + HOUR)
    desk.watch()
    ended = room.chain.time_of()
    desk.act()
    assert desk.due == (None if cooldown else ended + 1)
    room.see_through(desk)
    assert len(desk.tally.settled) == 1
    assert len(desk.open_trades) == opened
    assert desk.tally.refused == refused


# ---- mandates that name their filler


def test_a_mandate_that_names_the_desks_filler_is_traded(room: Any) -> None:
    mandate = room.mandate(filler=room.people.filler.address)
    desk = room.desk(always("up"), mandate)
    room.signalled(desk)
    room.publish(2_030)
    desk.watch()
    assert len(desk.tally.settled) == 1
    assert not desk.tally.refused


def test_a_mandate_that_names_another_filler_is_left_alone_and_told_once(room: Any, closed_at: int) -> None:
    venue, mandate = room.venue(Asked), room.mandate(filler=room.people.spare[0].address)
    desk = room.desk(always("up"), mandate, venue=venue)
    room.signalled(desk)
    desk.consider(closes(2_000), closed_at + HOUR)
    room.publish(2_000, at=closed_at + HOUR)
    desk.act()
    assert not desk.open_trades
    assert venue.asked == []
    assert desk.tally.refused == {Reason.WRONG_FILLER: 1}
    assert room.entries(Refusal) == [Refusal(mandate=mandate.id, bar_time=closed_at, reason="wrong filler")]
