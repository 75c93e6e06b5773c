"""What holds whatever happens: nobody rules, tokens cover the ledger, a failure leaves no trace, and the events tell everything.

`contracts/INVARIANTS.md` lists all that must hold, and where each is tested.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.chain.artifact import artifact
from agent.chain.compile import SOLC_VERSION
from agent.chain.contracts import TokenContract
from agent.chain.events import Closed, Opened, Refused, Released
from agent.chain.values import MandateState, Side
from agent.errors import ChainError

from .machine.replay import Rebuilt

CONTRACTS = Path(__file__).parents[2] / "contracts"
BASE = 10**18
ZERO = "0x" + "00" * 20

# ---- nobody rules


@pytest.mark.parametrize(
    ("contract", "writers"),
    [
        (
            "Settlement",
            {
                "deposit",
                "depositWithPermit",
                "withdraw",
                "authorize",
                "create",
                "createFor",
                "cancel",
                "release",
                "open",
                "close",
            },
        ),
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


def test_what_is_deployed_names_its_compiler_exactly():
    """Before, any later compiler would have done for it; interfaces are for others to import, and may be compiled by theirs."""
    pragmas = {
        path: re.findall(r"^pragma solidity (.+);$", path.read_text("utf-8"), re.MULTILINE)
        for path in CONTRACTS.rglob("*.sol")
        if "node_modules" not in path.parts
    }
    assert len(pragmas) > 10
    loose = {path for path, found in pragmas.items() if found != [SOLC_VERSION]}
    assert {path.parent.name for path in loose} == {"interfaces"}


# ---- tokens cover the ledger


def test_tokens_that_were_given_away_are_held_and_not_owed(desk):
    owed = rebuild(desk).owed(desk.at.base)
    assert desk.held(desk.base) == owed
    desk.base.transfer(desk.owner, desk.settlement.address, 7)
    assert desk.held(desk.base) == owed + 7
    assert rebuild(desk).owed(desk.at.base) == owed


def test_what_is_owed_is_all_balances_and_all_that_open_trades_hold(desk):
    long, short = desk.trading(side=Side.LONG), desk.trading(by=desk.other, side=Side.SHORT)
    for ends in (lambda: None, lambda: desk.release(long), lambda: desk.close(short, at=desk.now + 3_600)):
        ends()
        held = {"base": 0, "quote": 0}
        for trade, token in ((long, "base"), (short, "quote")):
            if desk.settlement.state_of(trade.id).trading:
                held[token] += desk.settlement.trade_of(trade.id)[1]
        for token, contract in (("base", desk.base), ("quote", desk.quote)):
            ledger = sum(amount for (_, of), amount in desk.ledger().items() if of == token)
            assert ledger + held[token] == desk.held(contract)


def test_everybody_can_take_out_all_they_have_whatever_is_broken(desk):
    """Even what open trades hold: their owners release them, and then nothing is left."""
    long, short = desk.trading(side=Side.LONG), desk.trading(by=desk.other, side=Side.SHORT)
    desk.settlement.cancel(desk.owner, long)
    desk.settlement.cancel(desk.other, short)
    desk.models.revoke(desk.publisher, desk.model)
    desk.feed.push(desk.publisher, 0)
    desk.travel(10**8)
    desk.release(long)
    desk.release(short, by=desk.other)
    for trader in (desk.owner, desk.other, desk.filler):
        for token in (desk.base, desk.quote):
            amount = desk.settlement.balance_of(trader.address, token.address)
            desk.settlement.withdraw(trader, token.address, amount)
    assert (desk.held(desk.base), desk.held(desk.quote)) == (0, 0)


# ---- a failed call changes nothing: each case prepares, and returns the call that fails


def deposit_for_nobody(desk):
    return lambda: desk.settlement.deposit(desk.owner, desk.at.base, BASE, ZERO)


def deposit_more_than_a_balance_may_be(desk):
    token = desk.deploy("BoastfulToken", kind=TokenContract)
    return lambda: desk.settlement.deposit(desk.owner, token.address, 2**128)


def deposit_what_is_not_there(desk):
    return lambda: desk.settlement.deposit(desk.owner, desk.at.base, 10**30)


def deposit_with_a_strangers_permit(desk):
    permit = desk.permit(desk.base, BASE, key=desk.stranger)
    return lambda: desk.settlement.deposit_with_permit(desk.operator, desk.at.base, desk.owner.address, permit)


def deposit_what_is_not_there_with_a_good_permit(desk):
    """The permit is used before the transfer fails, and unused again afterwards."""
    permit = desk.permit(desk.base, 10**30)
    return lambda: desk.settlement.deposit_with_permit(desk.operator, desk.at.base, desk.owner.address, permit)


def withdraw_too_much(desk):
    amount = desk.settlement.balance_of(desk.owner.address, desk.at.base) + 1
    return lambda: desk.settlement.withdraw(desk.owner, desk.at.base, amount)


def withdraw_to_nobody(desk):
    return lambda: desk.settlement.withdraw(desk.owner, desk.at.base, BASE, ZERO)


def withdraw_a_token_that_answers_false(desk):
    token = desk.deploy("ParalysedToken", kind=TokenContract)
    token.mint(desk.owner, desk.owner.address, BASE)
    token.approve(desk.owner, desk.settlement.address, BASE)
    desk.settlement.deposit(desk.owner, token.address, BASE)
    token.send(desk.owner, "paralyse")
    return lambda: desk.settlement.withdraw(desk.owner, token.address, BASE)


def create_in_anothers_name(desk):
    draft = desk.draft()
    return lambda: desk.settlement.create(desk.stranger, draft)


def create_a_contradiction(desk):
    draft = desk.draft(horizon=0)
    return lambda: desk.settlement.create(desk.owner, draft)


def create_twice(desk):
    mandate = desk.mandate()
    return lambda: desk.settlement.create(desk.owner, mandate)


def create_what_was_cancelled_before(desk):
    draft = desk.draft()
    desk.settlement.cancel(desk.owner, draft)
    return lambda: desk.settlement.create(desk.owner, draft)


def create_with_a_strangers_signature(desk):
    draft = desk.draft()
    signature = desk.sign_mandate(draft, key=desk.stranger)
    return lambda: desk.settlement.create_for(desk.operator, draft, signature)


def cancel_anothers(desk):
    mandate = desk.mandate()
    return lambda: desk.settlement.cancel(desk.stranger, mandate)


def cancel_anothers_among_ones_own(desk):
    own, anothers = desk.mandate(), desk.mandate(by=desk.other)
    return lambda: desk.settlement.cancel(desk.owner, own, anothers)


def release_anothers(desk):
    trading = desk.trading()
    return lambda: desk.settlement.release(desk.filler, trading)


def release_what_is_not_open(desk):
    mandate = desk.mandate()
    return lambda: desk.release(mandate)


def open_a_batch_without_gas_for_its_sources(desk):
    """The first fill is settled when the source of the second burns what gas there is."""
    good, bad = desk.mandate(), desk.mandate(by=desk.other, source=desk.deploy("Ponderer").address)
    signal, fills = desk.signal(), [desk.fill(each) for each in (good, bad, desk.mandate())]
    return lambda: desk.open(signal, *fills, gas=400_000)


def open_a_batch_without_gas_for_all_of_it(desk):
    mandates = [desk.mandate() for _ in range(3)]
    signal = desk.signal()
    return lambda: desk.open(signal, *mandates, gas=150_000)


FAILURES = {
    deposit_for_nobody: "ZeroAddress",
    deposit_more_than_a_balance_may_be: "BalanceTooLarge",
    deposit_what_is_not_there: "ERC20InsufficientBalance",
    deposit_with_a_strangers_permit: "PermitRefused",
    deposit_what_is_not_there_with_a_good_permit: "ERC20InsufficientBalance",
    withdraw_too_much: "InsufficientBalance",
    withdraw_to_nobody: "ZeroAddress",
    withdraw_a_token_that_answers_false: "SafeERC20FailedOperation",
    create_in_anothers_name: "NotOwner",
    create_a_contradiction: "InvalidMandate",
    create_twice: "MandateExists",
    create_what_was_cancelled_before: "MandateIsCancelled",
    create_with_a_strangers_signature: "InvalidSignature",
    cancel_anothers: "NotOwner",
    cancel_anothers_among_ones_own: "NotOwner",
    release_anothers: "NotOwner",
    release_what_is_not_open: "NoOpenTrade",
    open_a_batch_without_gas_for_its_sources: "TooLittleGas",
    open_a_batch_without_gas_for_all_of_it: "out of gas",
}


@pytest.mark.parametrize("prepare", FAILURES, ids=lambda prepare: prepare.__name__)
def test_a_failed_call_changes_nothing(desk, prepare):
    fails, contracts = prepare(desk), (desk.settlement, desk.models, desk.base, desk.quote)
    before = [desk.chain.storage(contract.address) for contract in contracts]
    with pytest.raises(ChainError, match=FAILURES[prepare]):
        fails()
    assert [desk.chain.storage(contract.address) for contract in contracts] == before


def test_every_error_of_the_interface_has_a_case_above():
    errors = {entry["name"] for entry in artifact("ISettlement").abi if entry["type"] == "error"}
    assert errors - set(FAILURES.values()) == set()


# ---- a refused fill changes nothing for the others

FLAWS = st.sampled_from(
    [
        "none",
        "none",
        "cancelled",
        "picky",
        "unknown",
        "greedy",
        "self-filled",
        "penniless",
        "tiny",
        "unvouched",
        "burning",
    ]
)


@settings(max_examples=10, deadline=None)
@given(flaws=st.lists(FLAWS, min_size=2, max_size=5))
def test_a_batch_without_the_fills_that_were_refused_comes_out_the_same(desk, flaws):
    burner = desk.deploy("Ponderer").address
    sources = {"unvouched": desk.stranger.address, "burning": burner}
    mandates = [
        desk.mandate(
            by=desk.other,
            min_confidence_bps=10_000 if flaw == "picky" else 0,
            source=sources.get(flaw, desk.models.address),
        )
        for flaw in flaws
    ]
    signal, fills = desk.signal(), [flawed(desk, *each) for each in zip(flaws, mandates, strict=True)]
    same_time = signal.bar_time + 1
    with desk.chain.undone():
        whole = desk.open(signal, *fills, at=same_time).events[1:]
        ledger = desk.ledger()
    settled = [fill for fill, event in zip(fills, whole, strict=True) if isinstance(event, Opened)]
    assert len(settled) == flaws.count("none")
    alone = desk.open(signal, *settled, at=same_time).events[1:]
    assert alone == [event for event in whole if isinstance(event, Opened)]
    assert desk.ledger() == ledger


def flawed(desk, flaw, mandate):
    fill = desk.fill(mandate)
    match flaw:
        case "cancelled":
            desk.settlement.cancel(desk.other, mandate)
        case "unknown":
            return replace(fill, mandate=replace(mandate, salt=b"\xff" * 32))
        case "greedy":
            return replace(fill, taken=fill.taken // 2)
        case "tiny":
            return replace(fill, given=99_999)
        case "self-filled":
            return replace(fill, filler=desk.other.address)
        case "penniless":
            return replace(fill, taken=2**128 - 1)
    return fill


# ---- the events tell everything


def test_the_events_alone_rebuild_every_balance_mandate_and_trade(desk):
    """A short walk; the machine compares the same after every one of its steps."""
    won, lost, idle = desk.trading(side=Side.SHORT), desk.trading(by=desk.other), desk.mandate()
    left, kept = desk.trading(), desk.trading(side=Side.SHORT, take_profit_bps=9_000)
    desk.release(left)
    desk.settlement.authorize(desk.owner, desk.stranger.address)
    desk.settlement.authorize(desk.filler, desk.operator.address, False)
    desk.settlement.withdraw(desk.owner, desk.at.base, BASE, desk.stranger.address)
    desk.settlement.cancel(desk.owner, idle)
    desk.set_price("1900")
    desk.close(won, lost, by=desk.filler)
    seen = Counter(type(log.event) for log in logs(desk))
    assert (seen[Opened], seen[Closed], seen[Released], seen[Refused]) == (4, 2, 1, 0)
    assert desk.settlement.state_of(kept.id).trading

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


def test_a_mandate_that_was_cancelled_before_it_was_lodged_is_in_the_events_too(desk):
    draft = desk.draft()
    desk.settlement.cancel(desk.owner, draft)
    assert (
        rebuild(desk).states[draft.id] == MandateState(0, 0, False, True, 0) == desk.settlement.state_of(draft.id)
    )


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
