"""The proof of the books: events alone give every balance, and whatever does not fit is noticed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent.chain.client import Log
from agent.chain.events import Closed, Deposited, MandateCreated, Opened, Released, Withdrawn
from agent.chain.values import Mandate, Side
from agent.desk.books import Books, Rebuilt, TokenBooks, prove, rebuild, require_balanced
from agent.desk.venue import ContractVenue
from agent.errors import BooksUnbalanced, DeskError

UNIT = 10**8
HOUR = 3_600
MOVING = (Deposited, Withdrawn, Opened, Closed, Released)


class Traffic:
    """People who use one settlement contract at random: depositors, withdrawers, and a desk that trades."""

    def __init__(self, room: Any) -> None:
        self.room = room
        people = room.people
        self.accounts = [*people.owners, people.filler, people.spare[0]]
        self.tokens = [room.base, room.quote]
        self.mandates = [room.mandate(side, owner=owner) for owner in (0, 1) for side in Side]
        self.desk = room.desk(lambda close: "up" if close % 2 else "down", *self.mandates)
        self.bars = 0
        room.publish(2_000)

    def deposit(self, payer: int, holder: int, token: int, amount: int) -> None:
        """Only the first three have tokens; whoever they pay for may be anybody."""
        handle = self.tokens[token]
        amount = min(amount, handle.balance_of(self.accounts[payer].address))
        self.room.settlement.deposit(self.accounts[payer], handle.address, amount, self.accounts[holder].address)

    def withdraw(self, holder: int, receiver: int, token: int, share: int) -> None:
        account, address = self.accounts[holder], self.tokens[token].address
        amount = self.room.settlement.balance_of(account.address, address) * share // 100
        self.room.settlement.withdraw(account, address, amount, self.accounts[receiver].address)

    def bar(self, price: int) -> None:
        """A bar closes, the next one opens: trades end and begin."""
        self.bars += 1
        closed_at = self.room.closed_at + self.bars * HOUR
        self.desk.consider(np.array([price]), closed_at)
        self.room.publisher.publish(price, closed_at)
        self.desk.watch()
        self.desk.act()

    def release(self, number: int) -> None:
        """An owner ends the trade of one of the mandates, if it has one."""
        mandate = self.mandates[number]
        if mandate in self.holdings():
            self.room.settlement.release(self.accounts[number // 2], mandate)

    def empty(self) -> None:
        """Owners release what is open, and everybody takes out everything."""
        for number in range(len(self.mandates)):
            self.release(number)
        for account in self.accounts:
            for token in self.tokens:
                self.room.withdraw_all(account, token)

    def ledger(self) -> dict[tuple[str, str], int]:
        balance_of = self.room.settlement.balance_of
        pairs = [(who.address, token.address) for who in self.accounts for token in self.tokens]
        return {pair: balance for pair in pairs if (balance := balance_of(*pair))}

    def holdings(self) -> dict[Mandate, int]:
        """What the open trades hold, as the contract says."""
        settlement = self.room.settlement
        return {
            mandate: settlement.trade_of(mandate.id)[1]
            for mandate in self.mandates
            if settlement.state_of(mandate.id).trading
        }


AMOUNTS = st.one_of(st.integers(0, 10), st.integers(0, 10**22))
STEPS = st.one_of(
    st.tuples(st.just("deposit"), st.integers(0, 2), st.integers(0, 3), st.integers(0, 1), AMOUNTS),
    st.tuples(st.just("withdraw"), st.integers(0, 3), st.integers(0, 3), st.integers(0, 1), st.integers(0, 100)),
    st.tuples(st.just("bar"), st.integers(1_900 * UNIT, 2_100 * UNIT)),
    st.tuples(st.just("bar"), st.integers(1_900 * UNIT, 2_100 * UNIT)),
    st.tuples(st.just("release"), st.integers(0, 3)),
)


def rebuilt(venue: ContractVenue) -> tuple[dict[tuple[str, str], int], dict[Mandate, int]]:
    """Balances and holdings that are not zero, from the events alone."""
    told = rebuild(log.event for log in venue.events(venue.block()))
    return (
        {pair: balance for pair, balance in told.balances.items() if balance},
        {mandate: held for mandate, held in told.holdings.items() if held},
    )


@settings(
    max_examples=4,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.lists(STEPS, max_size=7))
def test_whatever_people_do_events_alone_give_every_balance_and_every_holding(
    another_room: Callable[[], Any], steps: list[tuple[Any, ...]]
) -> None:
    with another_room() as room:
        traffic, venue = Traffic(room), room.venue()
        for verb, *arguments in steps:
            getattr(traffic, verb)(*arguments)
            assert rebuilt(venue) == (traffic.ledger(), traffic.holdings())
        assert prove(venue).balanced
        traffic.empty()
        books = prove(venue)
        assert books.balanced
        assert {token.held for token in books.tokens.values()} == {0}


@pytest.fixture(scope="module")
def traffic(another_room: Callable[[], Any]) -> Iterator[Traffic]:
    """A market in which trades of both sides were opened and closed, one was released, and one is open still."""
    with another_room() as room:
        traffic = Traffic(room)
        traffic.withdraw(0, 3, 1, 10)
        for price in (2_000 * UNIT, 2_050 * UNIT + 1, 2_001 * UNIT, 2_060 * UNIT + 1):
            traffic.bar(price)
        assert len(traffic.desk.tally.settled) >= 4
        traffic.release(0)
        assert len(traffic.holdings()) >= 1
        yield traffic


@pytest.fixture
def traded(traffic: Traffic) -> Iterator[Traffic]:
    """That market; what a test does in it is undone."""
    with traffic.room.chain.undone():
        yield traffic


@pytest.fixture
def room(traded: Traffic) -> Any:
    """The room in which the trades were made."""
    return traded.room


def test_the_proof_says_how_much_it_compared(room: Any, traded: Traffic) -> None:
    venue = room.venue()
    books = prove(venue)
    assert books.balanced
    assert (books.balances, books.events) == (6, len(venue.events(venue.block())))
    assert set(books.tokens) == {room.at.base, room.at.quote}
    for token, each in books.tokens.items():
        in_ledger = sum(balance for (_, of), balance in traded.ledger().items() if of == token)
        in_trades = sum(held for mandate, held in traded.holdings().items() if mandate.taken_token == token)
        assert each.held == each.owed == in_ledger + in_trades > 0
        assert each.held_by_trades == in_trades
    assert books.trades == len(traded.holdings())
    assert sum(each.held_by_trades for each in books.tokens.values()) > 0
    require_balanced(books)


@dataclass(frozen=True)
class Edited(ContractVenue):
    """The real venue, whose events somebody has tampered with."""

    logs: list[Log] = field(default_factory=list)

    def events(self, block: int, *, after: int | None = None) -> list[Log]:
        return self.logs


def _edited(room: Any, logs: list[Log]) -> ContractVenue:
    return replace(room.venue(Edited), logs=logs)


def _moving(logs: list[Log]) -> list[int]:
    return [position for position, log in enumerate(logs) if isinstance(log.event, MOVING)]


def test_an_event_left_out_is_noticed_whichever_it_is(room: Any, traded: Traffic) -> None:
    venue = room.venue()
    logs = venue.events(venue.block())
    for position in _moving(logs):
        books = prove(_edited(room, logs[:position] + logs[position + 1 :]))
        assert not books.balanced, logs[position]
        with pytest.raises(BooksUnbalanced, match=r"rebuilt from the events are not those of the contract"):
            require_balanced(books)


def test_an_event_told_twice_is_noticed_whichever_it_is(room: Any, traded: Traffic) -> None:
    venue = room.venue()
    logs = venue.events(venue.block())
    for position in _moving(logs):
        assert not prove(_edited(room, [*logs[: position + 1], *logs[position:]])).balanced, logs[position]


def test_an_amount_that_is_off_by_one_unit_is_noticed_whichever_it_is(room: Any, traded: Traffic) -> None:
    venue = room.venue()
    logs = venue.events(venue.block())
    for position in _moving(logs):
        event = logs[position].event
        for name in {"amount", "given", "taken"} & {each.name for each in fields(event)}:
            off = replace(logs[position], event=replace(event, **{name: getattr(event, name) + 1}))
            assert not prove(_edited(room, [*logs[:position], off, *logs[position + 1 :]])).rebuilt, (event, name)


def test_a_trade_told_of_another_filler_is_noticed(room: Any, traded: Traffic) -> None:
    venue = room.venue()
    logs = venue.events(venue.block())
    position = next(position for position, log in enumerate(logs) if isinstance(log.event, Opened))
    stranger = room.people.spare[1].address
    logs[position] = replace(logs[position], event=replace(logs[position].event, filler=stranger))
    assert not prove(_edited(room, logs)).rebuilt


def test_a_trade_of_a_mandate_that_was_never_created_says_that_events_are_missing(
    room: Any, traded: Traffic
) -> None:
    venue = room.venue()
    logs = [log for log in venue.events(venue.block()) if not isinstance(log.event, MandateCreated)]
    with pytest.raises(DeskError, match=r"mandate 0x[0-9a-f]{64}, which none of them created") as caught:
        prove(_edited(room, logs))
    assert "Read the events from the block in which the contract was deployed" in str(caught.value)


def test_tokens_sent_without_a_deposit_are_a_surplus_and_no_fault(room: Any, traded: Traffic) -> None:
    room.base.transfer(room.people.owners[0], room.at.settlement, 1)
    books = prove(room.venue())
    require_balanced(books)
    assert books.balanced
    assert books.tokens[room.at.base].surplus == 1
    assert books.tokens[room.at.quote].surplus == 0


def test_missing_tokens_leave_the_books_unbalanced() -> None:
    books = Books(rebuilt=True, balances=1, trades=0, events=1, tokens={"0xa": TokenBooks(held=9, owed=10)})
    assert not books.balanced
    with pytest.raises(BooksUnbalanced, match="of 0xa it holds 9 and owes 10"):
        require_balanced(books)


@dataclass(frozen=True)
class Busy(ContractVenue):
    """The real venue, on which somebody deposits each time the desk has read the events."""

    room: Any = None

    def events(self, block: int, *, after: int | None = None) -> list[Log]:
        logs = super().events(block, after=after)
        self.room.settlement.deposit(self.room.people.owners[0], self.deployment.base, 7)
        return logs


def test_the_proof_is_of_one_block_so_that_others_may_use_the_contract_meanwhile(
    room: Any, traded: Traffic
) -> None:
    venue = replace(room.venue(Busy), room=room)
    assert prove(venue).balanced
    assert prove(venue).balanced


def test_no_events_are_no_balances_and_no_trades() -> None:
    assert rebuild([]) == Rebuilt({}, {})


@dataclass(frozen=True)
class Leaking(ContractVenue):
    """The real venue, whose contract says of each open trade that it holds a unit less than it took."""

    def holding(self, mandate: Mandate, block: int) -> int:
        return max(0, super().holding(mandate, block) - 1)


def test_a_holding_that_is_not_what_the_trade_took_is_noticed(room: Any, traded: Traffic) -> None:
    books = prove(room.venue(Leaking))
    assert not books.balanced
    with pytest.raises(BooksUnbalanced, match=r"open trades \(1\) rebuilt from the events are not"):
        require_balanced(books)


def test_a_trade_that_ended_at_its_barrier_is_not_taken_for_a_released_one(room: Any, traded: Traffic) -> None:
    venue = room.venue()
    logs = venue.events(venue.block())
    position = next(place for place, log in enumerate(logs) if isinstance(log.event, Closed))
    event = logs[position].event
    logs[position] = replace(logs[position], event=Released(event.id, event.given))
    assert not prove(_edited(room, logs)).rebuilt


def test_what_an_open_trade_holds_is_not_in_its_owners_balance(room: Any, traded: Traffic) -> None:
    [(mandate, held)] = traded.holdings().items()
    before = traded.ledger().get((mandate.owner, mandate.taken_token), 0)
    room.settlement.release(traded.accounts[traded.mandates.index(mandate) // 2], mandate)
    assert traded.ledger()[mandate.owner, mandate.taken_token] == before + held
    books = prove(room.venue())
    assert (books.balanced, books.trades) == (True, 0)
    assert {each.held_by_trades for each in books.tokens.values()} == {0}
