"""What holds whatever happens: nobody rules, tokens cover the ledger, and the events alone tell the whole state."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent.chain.artifact import artifact
from agent.chain.events import (
    Authorized,
    Closed,
    Deposited,
    MandateCancelled,
    MandateCreated,
    Opened,
    Presented,
    Refused,
    Withdrawn,
)
from agent.chain.values import MandateState, Side

BASE = 10**18
QUOTE = 10**6


# ---- nobody rules


@pytest.mark.parametrize(
    ("contract", "writers"),
    [
        ("Settlement", {"deposit", "withdraw", "authorize", "create", "cancel", "open", "close"}),
        ("AttestedModels", {"register", "revoke"}),
        ("FeedOracle", set()),
    ],
)
def test_nothing_but_these_functions_changes_anything(contract, writers):
    functions = [entry for entry in artifact(contract).abi if entry["type"] == "function"]
    assert {each["name"] for each in functions if each["stateMutability"] not in ("view", "pure")} == writers


@pytest.mark.parametrize("contract", ["Settlement", "AttestedModels", "FeedOracle"])
def test_no_contract_takes_ether_or_calls_it_does_not_know(contract):
    abi = artifact(contract).abi
    assert {entry["type"] for entry in abi} <= {"constructor", "function", "event", "error"}
    assert not [entry["name"] for entry in abi if entry.get("stateMutability") == "payable"]


@pytest.mark.parametrize("contract", ["Settlement", "AttestedModels", "FeedOracle"])
def test_no_contract_runs_foreign_code_as_its_own_or_destroys_itself(contract):
    forbidden = {0xF2: "CALLCODE", 0xF4: "DELEGATECALL", 0xFF: "SELFDESTRUCT", 0xF0: "CREATE", 0xF5: "CREATE2"}
    assert not opcodes(artifact(contract).deployed_bytecode) & forbidden.keys()


def test_the_settlement_contract_fits_on_any_chain():
    assert len(artifact("Settlement").deployed_bytecode) <= 24_576  # EIP-170


# ---- the events tell everything

people = st.sampled_from(["owner", "other", "filler"])
tokens = st.sampled_from(["base", "quote"])
steps = st.lists(
    st.one_of(
        st.tuples(st.just("deposit"), people, tokens, st.integers(0, 10**9)),
        st.tuples(st.just("withdraw"), people, tokens, st.integers(0, 10)),
        st.tuples(st.just("create"), st.sampled_from(["owner", "other"]), st.sampled_from(Side)),
        st.tuples(st.just("cancel"), st.integers(0, 9)),
        st.tuples(st.just("open"), st.sampled_from(Side), st.integers(1, 2_000)),
        st.tuples(st.just("round"), st.sampled_from(Side), st.integers(1, 2_000), st.integers(1_900, 2_100)),
        st.tuples(st.just("close"), st.integers(0, 100)),
        st.tuples(st.just("price"), st.integers(1_900, 2_100)),
        st.tuples(st.just("authorize"), people, st.booleans()),
    ),
    min_size=8,
    max_size=20,
)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=steps)
def test_the_events_alone_rebuild_every_balance_mandate_and_trade(desk, steps):
    with desk.chain.undone():
        walk = Walk(desk)
        for name, *arguments in [("create", "owner", Side.LONG), ("create", "other", Side.SHORT), *steps]:
            getattr(walk, name)(*arguments)
        rebuilt = rebuild(desk)
        for (account, token), amount in rebuilt.balances.items():
            assert desk.settlement.balance_of(account, token) == amount
        for mandate_id, state in rebuilt.states.items():
            assert desk.settlement.state_of(mandate_id) == state
            assert desk.settlement.trade_of(mandate_id) == rebuilt.trades.get(mandate_id, (0, 0))
        for (account, operator), allowed in rebuilt.authorized.items():
            assert desk.settlement.is_authorized(account, operator) is allowed
        for token in (desk.base, desk.quote):
            assert rebuilt.owed(token.address) == desk.held(token)


def test_the_walk_of_the_test_above_really_trades(desk):
    walk = Walk(desk)
    for side, price in [(Side.LONG, 2_040), (Side.SHORT, 1_900)]:
        walk.create("owner", side)
        walk.round(side, 10, price)
        walk.cancel(0)
        walk.open(side, 10)
    seen = Counter(type(log.event) for log in logs(desk))
    assert [seen[each] for each in (Opened, Closed, Refused)] == [3, 2, 4]


def test_tokens_that_were_given_away_are_held_and_not_owed(desk):
    owed = rebuild(desk).owed(desk.at.base)
    desk.base.transfer(desk.owner, desk.settlement.address, 7)
    assert desk.held(desk.base) == owed + 7
    assert rebuild(desk).owed(desk.at.base) == owed


class Walk:
    """Steps that traders, owners and the operator may take in any order."""

    def __init__(self, desk):
        self.desk = desk
        self.mandates = []

    def deposit(self, who, token, amount):
        self.desk.settlement.deposit(getattr(self.desk, who), getattr(self.desk.at, token), amount)

    def withdraw(self, who, token, tenths):
        account, address = getattr(self.desk, who), getattr(self.desk.at, token)
        balance = self.desk.settlement.balance_of(account.address, address)
        self.desk.settlement.withdraw(account, address, balance * tenths // 10)

    def authorize(self, who, allowed):
        self.desk.settlement.authorize(self.desk.publisher, getattr(self.desk, who).address, allowed)

    def create(self, who, side):
        by = getattr(self.desk, who)
        self.mandates.append((by, self.desk.mandate(by=by, side=side, cooldown=0, loss_limit=10**9)))

    def cancel(self, index):
        self.desk.settlement.cancel(*self.mandates[index % len(self.mandates)])

    def open(self, side, thousandths):
        """Offer a fair fill to each mandate, whether its side is right or not."""
        fills = [self.desk.fill(mandate) for _, mandate in self.mandates]
        part = [replace(fill, given=fill.given * thousandths // 1_000) for fill in fills]
        self.desk.open(self.desk.signal(side=side), *part)

    def close(self, missing):
        fills = [self.desk.closing(mandate) for _, mandate in self.mandates]
        self.desk.close(*[replace(fill, taken=max(0, fill.taken - missing)) for fill in fills])

    def round(self, side, thousandths, whole):
        self.open(side, thousandths)
        self.price(whole)
        self.close(0)

    def price(self, whole):
        self.desk.set_price(str(whole))


class Rebuilt:
    """The state that a list of events tells: written from the interface's words, apart from any other rebuild."""

    def __init__(self):
        self.balances, self.authorized = Counter(), {}
        self.mandates, self.states, self.trades = {}, {}, {}
        self.bar_time = 0

    def owed(self, token):
        return sum(amount for (_, of), amount in self.balances.items() if of == token)

    def apply(self, event, time):
        match event:
            case Deposited(account, token, _, amount):
                self.balances[account, token] += amount
            case Withdrawn(account, token, _, amount):
                self.balances[account, token] -= amount
            case Authorized(account, operator, allowed):
                self.authorized[account, operator] = allowed
            case MandateCreated(id, _, mandate):
                self.mandates[id] = mandate
                self.states[id] = MandateState(time - 1, 0, False, False, 0)
            case MandateCancelled(id):
                self.states[id] = replace(self.states[id], cancelled=True)
            case Presented(_, _, signal):
                self.bar_time = signal.bar_time
            case Opened(id, filler, given, taken, _):
                long = self.mandates[id].side is Side.LONG
                self.swap(id, filler, given, taken, "quote" if long else "base", "base" if long else "quote")
                self.trades[id] = (given, taken)
                self.states[id] = replace(self.states[id], used_until=self.bar_time, changed_at=time, trading=True)
            case Closed(id, filler, given, taken, _, _):
                long = self.mandates[id].side is Side.LONG
                self.swap(id, filler, given, taken, "base" if long else "quote", "quote" if long else "base")
                loss = self.states[id].net_loss + self.trades[id][0] - taken
                self.states[id] = replace(self.states[id], changed_at=time, trading=False, net_loss=loss)

    def swap(self, id, filler, given, taken, give, take):
        owner, market = self.mandates[id].owner, self.mandates[id].market
        self.balances[owner, getattr(market, give)] -= given
        self.balances[filler, getattr(market, give)] += given
        self.balances[filler, getattr(market, take)] -= taken
        self.balances[owner, getattr(market, take)] += taken


def rebuild(desk):
    rebuilt = Rebuilt()
    for log in logs(desk):
        rebuilt.apply(log.event, desk.chain.time_of(log.block))
    return rebuilt


def logs(desk):
    return desk.chain.logs(desk.settlement.address, first=desk.at.block)


def opcodes(code):
    """Opcodes of runtime code, what `PUSH` carries and the metadata after the code left out."""
    found, place = set(), 0
    end = len(code) - int.from_bytes(code[-2:]) - 2
    while place < end:
        opcode = code[place]
        found.add(opcode)
        place += 1 + (opcode - 0x5F if 0x60 <= opcode <= 0x7F else 0)
    return found
