"""The desk's open trades: when they are closed, at what, and what becomes of those that others close."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

from agent.chain.client import Announce, Log, Receipt
from agent.chain.events import Opened, Released
from agent.chain.values import Barrier, Fill, Levels, Mandate, Reason, Side, Signal
from agent.desk.entries import Outcome, Refusal, Sent
from agent.desk.trades import OpenTrade
from agent.desk.venue import ContractVenue
from agent.errors import DeskError

UNIT = 10**8
HOUR = 3_600


def always(word: str) -> Callable[[int], str]:
    return lambda close: word


@pytest.mark.parametrize(
    ("side", "price", "barrier", "gains"),
    [
        (Side.LONG, 2_030, Barrier.TAKE_PROFIT, True),
        (Side.LONG, 1_970, Barrier.STOP_LOSS, False),
        (Side.SHORT, 1_970, Barrier.TAKE_PROFIT, True),
        (Side.SHORT, 2_030, Barrier.STOP_LOSS, False),
    ],
)
def test_a_trade_is_closed_once_the_price_is_beyond_a_barrier(
    room: Any, side: Side, price: float, barrier: Barrier, gains: bool
) -> None:
    mandate = room.mandate(side)
    desk = room.desk(always("up" if side is Side.LONG else "down"), mandate)
    room.signalled(desk)
    room.publish(price)
    desk.watch()
    [trade] = desk.tally.settled
    assert not desk.open_trades
    assert (trade.barrier, trade.price) == (barrier, price * UNIT * room.factor)
    assert (trade.profit > 0, trade.profit_in_quote > 0) == (gains, gains)
    assert not room.settlement.state_of(mandate.id).trading


def test_what_is_journalled_of_a_settled_trade_is_what_its_owner_got(room: Any) -> None:
    before = room.settlement.balance_of(room.people.owners[0].address, room.at.quote)
    desk = room.desk(always("up"), room.mandate())
    room.signalled(desk)
    room.publish(2_030)
    desk.watch()
    [trade] = desk.tally.settled
    _, outcome = room.entries(Outcome)
    [closed] = outcome.events
    assert (closed["event"], closed["taken"]) == ("Closed", str(trade.returned))
    after = room.settlement.balance_of(room.people.owners[0].address, room.at.quote)
    assert after - before == trade.profit == trade.profit_in_quote


def test_the_profit_of_a_short_is_told_in_quote_at_its_closing_price_rounded_down(room: Any) -> None:
    desk = room.desk(always("down"), room.mandate(Side.SHORT))
    room.signalled(desk)
    room.publish(1_970)
    desk.watch()
    [trade] = desk.tally.settled
    # 2,000 less spread came in, of which 1,970 plus spread a base went out again for what is left.
    assert trade.profit == trade.returned - trade.opening.fill.given
    assert trade.profit_in_quote == trade.profit * 1_970 * 10**6 // 10**18


def test_a_trade_between_its_barriers_stays_open_without_asking(room: Any) -> None:
    desk = room.desk(always("up"), room.mandate())
    room.signalled(desk)
    room.publish(2_005)
    desk.watch()
    assert len(desk.open_trades) == 1
    assert [entry.purpose for entry in room.entries(Sent)] == ["open"]


def test_a_trade_ends_at_its_horizon_at_whatever_price_there_is(room: Any, closed_at: int) -> None:
    mandate = room.mandate()
    desk = room.desk(always("up"), mandate)
    room.signalled(desk)
    for hours, still_open in ((11, 1), (12, 0)):
        room.publish(2_001, at=closed_at + hours * HOUR)
        desk.watch()
        assert len(desk.open_trades) == still_open
    [trade] = desk.tally.settled
    assert trade.barrier is Barrier.HORIZON


def test_a_trade_ends_at_its_horizon_even_where_the_feed_stands_still(room: Any, closed_at: int) -> None:
    desk = room.desk(always("up"), room.mandate(max_price_age=2**32 - 1))
    room.signalled(desk)
    room.chain.set_next_time(closed_at + 12 * HOUR)
    room.chain.request("evm_mine")
    desk.watch()
    assert [trade.barrier for trade in desk.tally.settled] == [Barrier.HORIZON]


def test_only_the_trades_that_were_named_are_closed(room: Any) -> None:
    one, other = room.mandate(), room.mandate(owner=1)
    desk = room.desk(always("up"), one, other)
    room.signalled(desk)
    room.publish(2_030)
    desk.watch({one.id})
    assert set(desk.open_trades) == {other.id}


def test_several_trades_are_closed_in_one_transaction(room: Any) -> None:
    desk = room.desk(always("up"), room.mandate(), room.mandate(owner=1))
    room.signalled(desk)
    room.publish(2_030)
    desk.watch()
    assert len({trade.transaction for trade in desk.tally.settled}) == 1
    assert len(desk.tally.close_gas) == 1


def test_a_close_that_is_refused_leaves_the_trade_open_and_says_why(room: Any) -> None:
    mandate = room.mandate()
    desk = room.desk(always("up"), mandate)
    room.signalled(desk)
    room.withdraw_all(room.people.filler, room.quote)
    room.publish(2_030)
    desk.watch()
    assert set(desk.open_trades) == {mandate.id}
    assert desk.tally.refused == {Reason.FILLER_BALANCE: 1}
    assert [entry.reason for entry in room.entries(Refusal)] == ["filler balance"]


def test_a_price_that_moved_before_the_close_was_mined_refuses_it_and_the_next_look_closes_it(room: Any) -> None:
    venue = room.sudden()
    desk = room.desk(always("up"), room.mandate(), venue=venue)
    room.signalled(desk)
    room.publish(2_030)
    venue.happens.append(lambda: room.publish(2_060))
    desk.watch()
    assert desk.tally.refused == {Reason.SLIPPAGE: 1}
    desk.watch()
    [trade] = desk.tally.settled
    assert trade.price == 2_060 * UNIT * room.factor


# ---- others on the same contract


def _closed_by_a_stranger(room: Any, desk: Any, price: float) -> Receipt:
    """Somebody closes the desk's only trade, out of a deposit of its own."""
    stranger, [trade] = room.people.owners[1], desk.open_trades.values()
    answer = room.publish(price)
    fill = Fill(
        trade.fill.mandate,
        stranger.address,
        trade.fill.taken,
        trade.fill.taken * answer * room.factor // 10**36 + 1,
    )
    return room.settlement.close(stranger, room.at.market, [fill])


def test_a_trade_that_somebody_else_closed_is_settled_as_the_contract_logged_it(room: Any) -> None:
    desk = room.desk(always("up"), room.mandate())
    room.signalled(desk)
    receipt = _closed_by_a_stranger(room, desk, 2_030)
    desk.watch()
    [trade], [event] = desk.tally.settled, receipt.events
    assert not desk.open_trades
    assert (trade.returned, trade.price, trade.barrier) == (event.taken, event.price, Barrier.TAKE_PROFIT)
    assert (trade.transaction, trade.closed_at) == (receipt.transaction, room.chain.time_of(receipt.block))
    assert not desk.tally.refused
    assert room.entries()[-1].transaction == receipt.transaction


def test_a_trade_that_somebody_else_closed_in_the_last_moment_is_settled_once(room: Any) -> None:
    venue = room.sudden()
    desk = room.desk(always("up"), room.mandate(), venue=venue)
    room.signalled(desk)
    room.publish(2_030)
    venue.happens.append(lambda: _closed_by_a_stranger(room, desk, 2_030))
    desk.watch()
    desk.watch()
    assert len(desk.tally.settled) == 1
    assert desk.tally.refused == {Reason.NO_TRADE: 1}
    assert [entry.purpose for entry in room.entries(Sent)] == ["open", "close"]


def test_after_a_stranger_closed_a_trade_the_mandate_trades_again(room: Any, closed_at: int) -> None:
    mandate = room.mandate()
    desk = room.desk(always("up"), mandate)
    room.signalled(desk)
    _closed_by_a_stranger(room, desk, 2_030)
    desk.watch()
    desk.consider(np.array([2_030 * UNIT]), closed_at + HOUR)
    room.publish(2_030, at=closed_at + HOUR)
    desk.act()
    room.publish(2_080)
    desk.watch()
    first, second = desk.tally.settled
    assert first.opening.fill.mandate == second.opening.fill.mandate == mandate
    assert first.transaction != second.transaction


def test_a_trade_that_somebody_else_closed_is_settled_before_its_mandate_trades_again(
    room: Any, closed_at: int
) -> None:
    desk = room.desk(always("up"), room.mandate())
    room.signalled(desk)
    receipt = _closed_by_a_stranger(room, desk, 2_030)
    room.publish(2_005)
    desk.consider(np.array([2_005 * UNIT]), closed_at + HOUR)
    room.publish(2_005, at=closed_at + HOUR)
    desk.act()
    [settled], [still_open] = desk.tally.settled, desk.open_trades.values()
    assert settled.transaction == receipt.transaction
    assert still_open.price == 2_005 * UNIT * room.factor


def test_a_trade_that_somebody_else_closed_is_noticed_though_the_price_is_between_the_barriers_again(
    room: Any,
) -> None:
    desk = room.desk(always("up"), room.mandate())
    room.signalled(desk)
    receipt = _closed_by_a_stranger(room, desk, 2_030)
    room.publish(2_005)
    desk.watch()
    assert not desk.open_trades
    assert [trade.transaction for trade in desk.tally.settled] == [receipt.transaction]


# ---- owners who release their trades


def test_a_trade_that_its_owner_released_is_counted_as_such_and_has_no_result(room: Any, closed_at: int) -> None:
    mandate = room.mandate()
    desk = room.desk(always("up"), mandate)
    room.signalled(desk)
    [opening] = desk.open_trades.values()
    receipt = room.settlement.release(room.people.owners[0], mandate)
    desk.watch()
    [released] = desk.tally.released
    assert (released.opening, released.transaction) == (opening, receipt.transaction)
    assert released.released_at == room.chain.time_of(receipt.block)
    assert not desk.open_trades
    assert not desk.tally.settled
    assert not desk.tally.refused


def test_a_release_is_journalled_with_its_transaction_and_event(room: Any) -> None:
    mandate = room.mandate()
    desk = room.desk(always("up"), mandate)
    room.signalled(desk)
    taken = desk.open_trades[mandate.id].fill.taken
    receipt = room.settlement.release(room.people.owners[0], mandate)
    desk.watch()
    desk.watch()
    _, outcome = room.entries(Outcome)
    assert (outcome.transaction, outcome.block, outcome.gas_used) == (receipt.transaction, receipt.block, 0)
    assert outcome.events == ({"event": "Released", "id": "0x" + mandate.id.hex(), "taken": str(taken)},)


def test_a_release_in_the_last_moment_before_a_close_is_no_result_either(room: Any) -> None:
    venue, mandate = room.sudden(), room.mandate()
    desk = room.desk(always("up"), mandate, venue=venue)
    room.signalled(desk)
    room.publish(2_030)
    venue.happens.append(lambda: room.settlement.release(room.people.owners[0], mandate))
    desk.watch()
    assert (len(desk.tally.released), desk.tally.settled, desk.open_trades) == (1, [], {})
    assert desk.tally.refused == {Reason.NO_TRADE: 1}


def test_after_a_release_the_mandate_trades_again_even_if_the_desk_has_not_looked_meanwhile(
    room: Any, closed_at: int
) -> None:
    mandate = room.mandate()
    desk = room.desk(always("up"), mandate)
    room.signalled(desk)
    receipt = room.settlement.release(room.people.owners[0], mandate)
    desk.consider(np.array([2_005 * UNIT]), closed_at + HOUR)
    room.publish(2_005, at=closed_at + HOUR)
    desk.act()
    [released], [still_open] = desk.tally.released, desk.open_trades.values()
    assert released.transaction == receipt.transaction
    assert still_open.price == 2_005 * UNIT * room.factor
    room.publish(2_060)
    desk.watch()
    [settled] = desk.tally.settled
    assert settled.opening == still_open


def test_a_trade_that_a_rival_opened_after_a_release_is_not_taken_for_the_desks_own(
    room: Any, closed_at: int
) -> None:
    mandate = room.mandate()
    desk = room.desk(always("up"), mandate)
    room.signalled(desk)
    [opening] = desk.open_trades.values()
    room.settlement.release(room.people.owners[0], mandate)
    _opened_by_a_stranger(room, opening, closed_at + HOUR)
    room.publish(2_030)
    assert room.settlement.state_of(mandate.id).trading
    desk.watch()
    assert [released.opening for released in desk.tally.released] == [opening]
    assert not desk.open_trades
    assert not desk.tally.settled
    assert [entry.purpose for entry in room.entries(Sent)] == ["open"]


def test_a_rivals_trade_that_the_desk_closed_after_all_is_no_result_of_its_own(room: Any, closed_at: int) -> None:
    venue, mandate = room.sudden(), room.mandate()
    desk = room.desk(always("up"), mandate, venue=venue)
    room.signalled(desk)
    [opening] = desk.open_trades.values()
    room.publish(2_030, at=closed_at + HOUR)

    def another_trade_of_the_same_amounts() -> None:
        room.settlement.release(room.people.owners[0], mandate)
        room.publish(2_000)
        _opened_by_a_stranger(room, opening, closed_at + HOUR)
        room.publish(2_030)

    venue.happens.append(another_trade_of_the_same_amounts)
    desk.watch()
    assert not room.settlement.state_of(mandate.id).trading  # it was closed, being told just like the desk's
    assert [released.opening for released in desk.tally.released] == [opening]
    assert not desk.tally.settled


@dataclass(frozen=True)
class OneBlock(ContractVenue):
    """The real venue, on a chain whose next block has the desk's open and then what happens; told as of that block's end."""

    happens: Callable[[], object] = lambda: None

    def open(self, signal: Signal, evidence: bytes, fills: Sequence[Fill], *, announce: Announce) -> Receipt:
        receipt = super().open(signal, evidence, fills, announce=announce)
        self.happens()
        return replace(receipt, block=self.block())

    def levels(self, mandate: Mandate, block: int) -> Levels:
        return super().levels(mandate, self.block())

    def events(self, block: int, *, after: int | None = None) -> list[Log]:
        return super().events(block, after=None if after is None else after - 1)


def test_a_trade_released_in_the_very_block_that_opened_it_is_released(room: Any) -> None:
    mandate = room.mandate()
    venue = replace(room.venue(OneBlock), happens=lambda: room.settlement.release(room.people.owners[0], mandate))
    desk = room.desk(always("up"), mandate, venue=venue)
    room.signalled(desk)
    assert (len(desk.tally.released), desk.open_trades) == (1, {})


def _opened_by_a_stranger(room: Any, opening: OpenTrade, bar_time: int) -> None:
    """Somebody fills the desk's mandate on a later signal of the model, out of a deposit of its own."""
    stranger = room.people.owners[1]
    signal = Signal(
        model=room.model_id,
        market=room.at.market.id,
        side=opening.side,
        patterns=1,
        confidence_bps=8_000,
        bar_time=bar_time,
        valid_until=bar_time + HOUR,
        inputs=b"\x22" * 32,
    )
    if room.chain.time_of() < bar_time:
        room.publish(2_000, at=bar_time)
    fill = replace(opening.fill, filler=stranger.address)
    receipt = room.settlement.open(stranger, signal, room.sign(signal), [fill])
    assert isinstance(receipt.events[-1], Opened)


# ---- nodes that do not tell everything


@dataclass(frozen=True)
class Forgetful(ContractVenue):
    """The real venue, on a node that tells no event of a kind."""

    forgets: tuple[type, ...] = ()

    def events(self, block: int, *, after: int | None = None) -> list[Log]:
        logs = super().events(block, after=after)
        return [log for log in logs if not isinstance(log.event, self.forgets)]


def test_a_trade_that_has_ended_without_an_event_that_says_so_ends_the_run(room: Any) -> None:
    mandate = room.mandate()
    desk = room.desk(always("up"), mandate, venue=replace(room.venue(Forgetful), forgets=(Released,)))
    room.signalled(desk)
    room.settlement.release(room.people.owners[0], mandate)
    room.publish(2_030)
    with pytest.raises(DeskError, match=r"has ended, and no event says how\. Do not trade on with this node"):
        desk.watch()


def test_a_node_that_does_not_tell_what_its_own_transaction_logged_ends_the_run(room: Any) -> None:
    desk = room.desk(always("up"), room.mandate(), venue=replace(room.venue(Forgetful), forgets=(Opened,)))
    with pytest.raises(DeskError, match=r"does not tell what it logged\. Do not trade on with this node"):
        room.signalled(desk)
