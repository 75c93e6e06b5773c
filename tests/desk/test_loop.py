"""The desk: what it writes and when, what it sends, and that it acts on no price that was known when it decided."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from agent.chain.client import Announce, Receipt
from agent.chain.values import Fill, Reason, Side, Signal
from agent.desk.decision import Hold
from agent.desk.entries import Action, Decided, Entry, Outcome, Refusal, Sent
from agent.desk.stage import CAREFUL
from agent.desk.venue import ContractVenue
from agent.errors import ChainError, ConnectionFailed, Reverted

UNIT = 10**8
HOUR = 3_600


def closes(*prices: float) -> Any:
    return np.array([round(price * UNIT) for price in prices], dtype=np.int64)


def always(word: str) -> Callable[[int], str]:
    return lambda close: word


def kinds(room: Any) -> list[type[Entry]]:
    return [type(entry) for entry in room.entries()]


# ---- deciding


def test_every_decision_is_journalled_with_all_that_it_was_made_from(room: Any, closed_at: int) -> None:
    room.desk(always("up")).consider(closes(2_000), closed_at)
    [entry] = room.entries()
    assert entry == Decided(
        bar_time=closed_at,
        action=Action.SIGNAL,
        side="long",
        patterns=1,
        confidence_bps=8_000,
        probabilities_bps={"down": 1_000, "flat": 1_000, "up": 8_000},
        inputs=entry.inputs,
        threshold_bps=5_000,
    )
    assert len(entry.inputs) == 66


@pytest.mark.parametrize(
    ("says", "threshold_bps", "window", "reason"),
    [
        ("nothing", 5_000, 1, "no pattern"),
        ("flat", 5_000, 1, "no direction"),
        ("up", 8_001, 1, "low confidence"),
        ("up", 5_000, 3, "warming up"),
    ],
)
def test_a_hold_is_journalled_with_its_reason(
    room: Any, closed_at: int, says: str, threshold_bps: int, window: int, reason: str
) -> None:
    desk = room.desk(always(says), threshold_bps=threshold_bps, window=window)
    desk.consider(closes(1_990, 2_000), closed_at)
    [entry] = room.entries(Decided)
    assert (entry.action, entry.reason, entry.side) == (Action.HOLD, reason, None)
    assert (desk.tally.signals, {str(hold): n for hold, n in desk.tally.holds.items()}) == (0, {reason: 1})


def test_a_desk_reads_no_further_back_than_its_models_window(room: Any, closed_at: int) -> None:
    asked: list[int] = []

    def says(close: int) -> str:
        asked.append(close)
        return "flat"

    room.desk(says, window=2).consider(closes(1_980, 1_990, 2_000), closed_at)
    assert asked == [2_000 * UNIT]


def test_a_signal_for_a_bar_after_which_another_has_closed_is_too_late(room: Any, closed_at: int) -> None:
    desk = room.desk(always("up"), room.mandate())
    decision = desk.consider(closes(2_000), closed_at, late=True)
    room.publish(2_000, at=closed_at)
    desk.act()
    assert decision.hold is Hold.TOO_LATE
    assert not desk.open_trades
    assert kinds(room) == [Decided]


def test_a_hold_has_its_own_reason_even_if_it_is_late(room: Any, closed_at: int) -> None:
    assert room.desk(always("nothing")).consider(closes(2_000), closed_at, late=True).hold is Hold.NO_PATTERN


# ---- opening


def test_a_decision_is_journalled_before_anything_is_sent_and_its_outcome_after(room: Any) -> None:
    room.signalled(room.desk(always("up"), room.mandate()))
    assert kinds(room) == [Decided, Sent, Outcome]


def test_what_is_journalled_of_a_transaction_is_what_the_chain_says_of_it(room: Any) -> None:
    mandate = room.mandate()
    desk = room.desk(always("up"), mandate)
    room.signalled(desk)
    [sent], [outcome] = room.entries(Sent), room.entries(Outcome)
    mined = room.chain.request("eth_getTransactionByHash", sent.transaction)
    receipt = room.chain.request("eth_getTransactionReceipt", sent.transaction)
    assert (sent.purpose, sent.mandates) == ("open", ("0x" + mandate.id.hex(),))
    assert int(mined["nonce"], 16) == sent.nonce
    assert (outcome.transaction, outcome.status) == (sent.transaction, 1)
    assert (outcome.block, outcome.gas_used) == (int(receipt["blockNumber"], 16), int(receipt["gasUsed"], 16))
    assert [event["event"] for event in outcome.events] == ["Presented", "Opened"]
    assert desk.tally.open_gas == [outcome.gas_used]


@dataclass(frozen=True)
class Watched(ContractVenue):
    """The real venue; looks, in the moment between signing and sending, at what the chain and the journal know."""

    room: Any = None
    seen: list[tuple[Any, Entry]] = field(default_factory=list)

    def open(self, signal: Signal, evidence: bytes, fills: Sequence[Fill], *, announce: Announce) -> Receipt:
        return super().open(signal, evidence, fills, announce=self._watching(announce))

    def close(self, fills: Sequence[Fill], *, announce: Announce) -> Receipt:
        return super().close(fills, announce=self._watching(announce))

    def _watching(self, announce: Announce) -> Announce:
        def watched(transaction: str, nonce: int) -> None:
            announce(transaction, nonce)
            known = self.chain.request("eth_getTransactionByHash", transaction)
            self.seen.append((known, self.room.entries()[-1]))

        return watched


def test_the_journal_knows_of_a_transaction_before_the_chain_does(room: Any) -> None:
    venue = replace(room.venue(Watched), room=room)
    desk = room.desk(always("up"), room.mandate(), venue=venue)
    room.signalled(desk)
    room.publish(1_900)
    desk.watch()
    assert [(known, entry.purpose) for known, entry in venue.seen] == [(None, "open"), (None, "close")]
    assert [entry.transaction for _, entry in venue.seen] == [entry.transaction for entry in room.entries(Outcome)]


def test_nothing_is_sent_that_the_journal_could_not_take(room: Any) -> None:
    class Full(Exception):
        """A journal that takes no more."""

    class Journal:
        def append(self, entry: Entry) -> None:
            if isinstance(entry, Sent):
                raise Full

    desk = room.desk(always("up"), room.mandate(), journal=Journal())
    before = room.chain.request("eth_getTransactionCount", room.people.operator.address, "latest")
    with pytest.raises(Full):
        room.signalled(desk)
    assert room.chain.request("eth_getTransactionCount", room.people.operator.address, "latest") == before


def test_a_signal_is_acted_on_at_the_price_published_after_it_was_decided(room: Any) -> None:
    mandate = room.mandate()
    desk = room.desk(always("up"), mandate)
    room.signalled(desk, price=2_010)
    trade = desk.open_trades[mandate.id]
    assert trade.price == 2_010 * UNIT * room.factor


def test_a_price_from_before_the_bar_closed_is_not_acted_on_though_the_chains_clock_has_moved_past_it(
    room: Any, closed_at: int
) -> None:
    desk = room.desk(always("up"), room.mandate())
    room.publish(2_000, at=closed_at - 1)
    desk.consider(closes(2_000), closed_at)
    room.chain.set_next_time(closed_at + 5)
    room.chain.request("evm_mine")
    desk.act()
    assert not desk.open_trades
    assert room.entries(Sent) == []
    assert desk.tally.refused == {Reason.SIGNAL_FROM_FUTURE: 1}


def test_a_signal_is_acted_on_once(room: Any) -> None:
    desk = room.desk(always("up"), room.mandate())
    room.signalled(desk)
    desk.act()
    assert [entry.purpose for entry in room.entries(Sent)] == ["open"]


def test_a_hold_is_followed_by_nothing(room: Any) -> None:
    room.signalled(room.desk(always("nothing"), room.mandate()))
    assert kinds(room) == [Decided]


def test_a_hold_lets_a_signal_that_still_waited_fall(room: Any, closed_at: int) -> None:
    desk = room.desk(lambda close: "up" if close == 2_000 * UNIT else "nothing", room.mandate())
    desk.consider(closes(2_000), closed_at)
    desk.consider(closes(2_001), closed_at + HOUR)
    room.publish(2_000, at=closed_at + HOUR)
    desk.act()
    assert not desk.open_trades


def test_only_mandates_of_the_signals_side_are_asked(room: Any) -> None:
    long, short = room.mandate(Side.LONG), room.mandate(Side.SHORT)
    desk = room.desk(always("down"), long, short)
    room.signalled(desk)
    assert set(desk.open_trades) == {short.id}
    assert not desk.tally.refused


def test_two_owners_on_one_signal_are_opened_in_one_transaction(room: Any) -> None:
    one, other = room.mandate(), room.mandate(owner=1)
    desk = room.desk(always("up"), one, other)
    room.signalled(desk)
    assert set(desk.open_trades) == {one.id, other.id}
    assert len({trade.transaction for trade in desk.open_trades.values()}) == 1


def test_what_a_desk_remembers_of_a_trade_is_what_the_contract_says(room: Any, closed_at: int) -> None:
    mandate = room.mandate()
    desk = room.desk(always("up"), mandate)
    room.signalled(desk)
    trade = desk.open_trades[mandate.id]
    state = room.settlement.state_of(mandate.id)
    assert (trade.fill.given, trade.fill.taken) == room.settlement.trade_of(mandate.id)
    assert trade.levels == room.settlement.barriers_of(mandate)
    assert (trade.opened_at, state.trading) == (state.changed_at, True)
    assert closed_at <= trade.opened_at <= closed_at + 2


# ---- refusals


def test_what_the_contract_would_refuse_is_counted_and_journalled_and_not_sent(room: Any, closed_at: int) -> None:
    eager, careful = room.mandate(), room.mandate(temper=CAREFUL, min_confidence_bps=8_001)
    desk = room.desk(always("up"), eager, careful)
    room.signalled(desk)
    [sent], [refusal] = room.entries(Sent), room.entries(Refusal)
    assert sent.mandates == ("0x" + eager.id.hex(),)
    assert refusal == Refusal(mandate=careful.id, bar_time=closed_at, reason="low confidence")
    assert desk.tally.refused == {Reason.LOW_CONFIDENCE: 1}


def test_refusals_are_counted_by_the_contracts_own_reasons(room: Any) -> None:
    mandates = [
        room.mandate(min_confidence_bps=8_001),
        room.mandate(min_confidence_bps=9_000),
        room.mandate(patterns=0b10),
        room.mandate(max_price=1_999 * UNIT * room.factor),
        room.mandate(max_slippage_bps=0),
        replace(room.mandate(), expiry=2**39),
    ]
    desk = room.desk(always("up"), *mandates)
    room.signalled(desk)
    assert desk.tally.refused == {
        Reason.LOW_CONFIDENCE: 2,
        Reason.WRONG_PATTERN: 1,
        Reason.PRICE_TOO_HIGH: 1,
        Reason.SLIPPAGE: 1,
        Reason.UNKNOWN_MANDATE: 1,
    }
    assert [entry.reason for entry in room.entries(Refusal)].count("low confidence") == 2
    assert room.entries(Sent) == []


def test_an_amount_in_which_rounding_would_matter_is_refused(room: Any) -> None:
    desk = room.desk(always("down"), room.mandate(Side.SHORT, min_amount=1, max_amount=100_000))
    room.signalled(desk)
    assert desk.tally.refused == {Reason.AMOUNT_TOO_SMALL: 1}


def test_a_price_of_zero_is_refused_as_the_contract_refuses_it(room: Any) -> None:
    desk = room.desk(always("up"), room.mandate())
    room.signalled(desk, price=0)
    assert desk.tally.refused == {Reason.PRICE_INVALID: 1}


def test_what_the_contract_refuses_after_all_is_counted_and_journalled_too(room: Any, closed_at: int) -> None:
    mandate, other = room.mandate(), room.mandate(owner=1)
    venue = room.sudden()
    venue.happens.append(lambda: room.settlement.cancel(room.people.owners[0], mandate))
    desk = room.desk(always("up"), mandate, other, venue=venue)
    room.signalled(desk)
    assert set(desk.open_trades) == {other.id}
    assert desk.tally.refused == {Reason.CANCELLED: 1}
    assert room.entries(Refusal) == [Refusal(mandate=mandate.id, bar_time=closed_at, reason="cancelled")]


# ---- transactions that fail


@dataclass(frozen=True)
class Reverting(ContractVenue):
    """A venue whose `open` asks the real contract for what it cannot give: it withdraws what the operator has not."""

    def open(self, signal: Signal, evidence: bytes, fills: Sequence[Fill], *, announce: Announce) -> Receipt:
        asked = (self.deployment.base, 1, self.operator.address)
        return self._settlement.send(self.operator, "withdraw", *asked, gas=200_000, announce=announce)


def test_a_transaction_that_reverted_is_journalled_with_status_0_and_the_contracts_reason(room: Any) -> None:
    desk = room.desk(always("up"), room.mandate(), venue=room.venue(Reverting))
    with pytest.raises(Reverted, match="InsufficientBalance"):
        room.signalled(desk)
    [sent], [outcome] = room.entries(Sent), room.entries(Outcome)
    receipt = room.chain.request("eth_getTransactionReceipt", sent.transaction)
    assert receipt["status"] == "0x0"
    assert (outcome.transaction, outcome.status, outcome.block) == (
        sent.transaction,
        0,
        int(receipt["blockNumber"], 16),
    )
    assert "InsufficientBalance" in outcome.revert


@dataclass(frozen=True)
class Starving(ContractVenue):
    """A venue that sends `open` with too little gas: it fails without a reason of the contract's."""

    def open(self, signal: Signal, evidence: bytes, fills: Sequence[Fill], *, announce: Announce) -> Receipt:
        return self._settlement.open(self.operator, signal, evidence, fills, gas=60_000, announce=announce)


def test_a_transaction_that_ran_out_of_gas_is_journalled_with_status_0_and_its_gas(room: Any) -> None:
    desk = room.desk(always("up"), room.mandate(), venue=room.venue(Starving))
    with pytest.raises(ChainError, match="may have run out of gas"):
        room.signalled(desk)
    [sent], [outcome] = room.entries(Sent), room.entries(Outcome)
    assert (outcome.transaction, outcome.status, outcome.gas_used) == (sent.transaction, 0, 60_000)


def test_a_transaction_of_which_nothing_is_heard_stays_journalled_as_sent(room: Any) -> None:
    class Lost(ContractVenue):
        def open(self, signal: Signal, evidence: bytes, fills: Sequence[Fill], *, announce: Announce) -> Receipt:
            announce("0x" + "ab" * 32, 7)
            raise ConnectionFailed("No node answers.")

    desk = room.desk(always("up"), room.mandate(), venue=room.venue(Lost))
    with pytest.raises(ConnectionFailed):
        room.signalled(desk)
    assert kinds(room) == [Decided, Sent]


# ---- all of it


def test_each_transaction_is_written_before_it_is_sent_and_after_the_decision_it_follows_from(
    room: Any, closed_at: int
) -> None:
    mandates = (room.mandate(), room.mandate(Side.SHORT))
    desk = room.desk(lambda close: "up" if close % 2 else "down", *mandates)
    for number, price in enumerate((2_000.00000001, 2_030, 2_060.00000001, 2_010, 1_990, 2_000.00000001)):
        desk.consider(closes(price), closed_at + number * HOUR)
        room.publish(price, at=closed_at + number * HOUR)
        desk.watch()
        desk.act()
    entries = room.entries()
    sent = [entry for entry in entries if isinstance(entry, Sent)]
    assert len(sent) >= 6
    for entry, following in pairwise(entries):
        assert isinstance(entry, Sent) == isinstance(following, Outcome)
        if isinstance(entry, Sent):
            assert following.transaction == entry.transaction
    decided = -1
    for position, entry in enumerate(entries):
        decided = position if isinstance(entry, Decided) else decided
        if isinstance(entry, Sent) and entry.purpose == "open":
            assert entries[decided].action is Action.SIGNAL
    assert room.journal.verify().rows == len(entries)
