"""The settlement contract, and a model of it that shares no code with it, agree after every step that anybody can take.

The environment asks for more: PATTERNSETTLE_MACHINE_EXAMPLES is how many runs to make, others each time;
PATTERNSETTLE_MACHINE_SEED makes them the same ones; PATTERNSETTLE_MACHINE_STATS is a file for the counts.
"""

from __future__ import annotations

import json
import os
import random
from collections import Counter
from dataclasses import replace
from pathlib import Path

import hypothesis
import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from agent.chain.events import Closed, Deposited, MandateCreated, Opened, Released, Withdrawn
from agent.chain.values import Barrier, Reason

from .machine.laws import Laws, Owed
from .machine.ledger_rules import LedgerRules
from .machine.mandate_rules import MandateRules
from .machine.outside import YES
from .machine.settlement_rules import SettlementRules
from .machine.stage import PRICE, Stage
from .machine.steps import Call
from .machine.tally import FEW, Tally

EXAMPLES, SEED, STATISTICS = (f"PATTERNSETTLE_MACHINE_{name}" for name in ("EXAMPLES", "SEED", "STATS"))
# As many as there is time for on any day; `scripts/prove` makes hundreds.
EVERY_DAY = 5
# After ten runs hypothesis begins to vary those it has made: more of them would be alike than different.
BATCH = 9
STEPS = 30
# So many runs must have seen everything.
MANY = 50 * BATCH


class Machine(LedgerRules, MandateRules, SettlementRules):
    """Everything that anybody can do, in any order."""


@pytest.fixture(scope="module")
def stage(desk):
    with desk.chain.undone():
        yield Stage(desk)


def test_the_contract_and_an_independent_model_of_it_agree_after_every_step(stage):
    """A few runs, always the same; as many others as the environment asks for."""
    examples = int(os.environ.get(EXAMPLES, EVERY_DAY))
    seed = int(os.environ.get(SEED, random.getrandbits(32) if EXAMPLES in os.environ else 0))
    tally = Tally()
    try:
        for place in range(0, examples, BATCH):
            again = f"{EXAMPLES}={BATCH} {SEED}={seed + place}"
            walk(stage, tally, seed=seed + place, examples=min(BATCH, examples - place))
    finally:
        print("", *tally.lines(), f"the last of these again: {again}", sep="\n")
        if path := os.environ.get(STATISTICS):
            tally.write(Path(path))
    assert not list(tally.problems())
    assert examples < MANY or not list(tally.gaps())


def walk(stage, tally, *, seed, examples):
    """Let hypothesis walk through the rules, the same way for the same seed."""
    run_state_machine_as_test(
        hypothesis.seed(seed)(lambda: Machine(stage, tally)),
        settings=settings(
            max_examples=examples,
            stateful_step_count=STEPS,
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


# ---- the machine itself

# A single thing that the model believes and the contract does not, or the other way round.
DIFFERENCES = {
    "the ledger": lambda machine, who: machine.book.balances.update({(who, machine.stage.desk.at.base): 1}),
    "leave": lambda machine, who: machine.book.authorized.update({(who, machine.book.address): True}),
    "mandates": lambda machine, who: machine.book.states.update(
        {machine.stage.first.id: replace(machine.book.states[machine.stage.first.id], cancelled=True)}
    ),
    "an open trade does not hold": lambda machine, who: machine.book.holdings.clear(),
    "trades": lambda machine, who: machine.book.trades.update({machine.stage.first.id: (1, 2)}),
    "does not hold what it owes": lambda machine, who: machine.given_away.update({machine.stage.desk.at.base: 1}),
    "the events tell": lambda machine, who: machine.rebuilt.balances.update(
        {(who, machine.stage.desk.at.base): 1}
    ),
}


@pytest.fixture
def machine(stage):
    machine = Machine(stage, Tally())
    yield machine
    machine.teardown()


@pytest.mark.parametrize("what", DIFFERENCES)
def test_a_single_difference_is_noticed_after_any_step(machine, what):
    owner = machine.people["owner"]
    DIFFERENCES[what](machine, owner.address)
    with pytest.raises(AssertionError, match=what):
        machine.call(machine.people["stranger"], "authorize", owner.address, True)


@pytest.mark.parametrize("answer", [YES, bytes(32), b"", YES * 2])
def test_a_puppet_says_otherwise_when_it_is_asked_again_in_the_same_call(stage, answer):
    with stage.chain.undone():
        stage.source.send(stage.desk.publisher, "say", answer, False)
        for _ in range(2):
            one, other = stage.auditor.call("twice", stage.source.address, b"?")
            assert one == answer
            assert (other == YES) is not (one == YES)


def test_a_prediction_that_is_wrong_is_noticed(machine):
    owner, token = machine.people["owner"], machine.stage.desk.at.base
    withdrawn = Call("withdraw", machine.stage.settlement, owner, "withdraw", (token, 1, owner.address))
    with pytest.raises(AssertionError, match="withdraw was not refused with"):
        machine.perform(
            withdrawn, lambda: machine.book.call(owner.address, "withdraw", token, 10**30, owner.address)
        )
    with pytest.raises(AssertionError, match="withdraw logged"):
        machine.perform(withdrawn, lambda: machine.book.call(owner.address, "withdraw", token, 2, owner.address))


# What each law forbids, done with an open trade by its filler, unless somebody else is named.
FORBIDDEN = {
    "somebody withdrew what was another's": lambda it: it.happens(Withdrawn(it.owner, it.quote, it.owner, 1)),
    "a deposit was too large": lambda it: it.happens(
        Deposited(it.owner, it.quote, it.owner, 2**128), balances=Counter({(it.owner, it.quote): 2**128})
    ),
    "somebody released another's trade": lambda it: it.happens(Released(it.id, it.taken)),
    "a release gave another holding": lambda it: it.happens(Released(it.id, it.taken - 1), by=it.owner),
    "a trade was released that was not open": lambda it: it.happens(*2 * [Released(it.id, it.taken)], by=it.owner),
    "a close gave another holding": lambda it: it.closes(it.taken + 1, it.given, Barrier.HORIZON),
    "a barrier closed a trade at an unmoved price, at a loss": lambda it: it.closes(
        it.taken, it.given - 1, Barrier.STOP_LOSS
    ),
    "a barrier was touched at an unmoved price": lambda it: it.opens(it.mandate, it.given * 102 // 100),
    "a barrier would close a trade at an unmoved price, at a loss": lambda it: it.opens(
        replace(it.mandate, max_slippage_bps=300), it.given * 98 // 100
    ),
    "another filler traded than the mandate names": lambda it: it.opens(
        replace(it.mandate, filler=it.owner), it.given
    ),
    "a holding came or left without its trade": lambda it: it.happens(holdings={}),
    "balances changed otherwise than the events say": lambda it: it.happens(balances=Counter()),
}


class Watched:
    """Laws that have seen `stage.first` open its trade, and see what follows."""

    def __init__(self, stage):
        self.laws = Laws(event for event, _ in stage.past)
        self.mandate, self.id, self.owner = stage.first, stage.first.id, stage.first.owner
        self.filler, self.quote = stage.people["filler"].address, stage.desk.at.quote
        book, _, _ = stage.model()
        self.before = Owed(book.balances, book.holdings)
        self.given, self.taken = book.trades[self.id]

    def happens(self, *events, by=None, holdings=None, balances=None):
        after = Owed(
            self.before.balances if balances is None else balances,
            self.before.holdings if holdings is None else holdings,
        )
        self.laws.hold({by or self.filler}, self.before, after, events)

    def closes(self, given, taken, barrier):
        self.happens(Closed(self.id, self.filler, given, taken, PRICE, barrier))

    def opens(self, mandate, given):
        mandate = replace(mandate, salt=b"\x99" * 32)
        self.happens(
            MandateCreated(mandate.id, mandate.owner, mandate),
            Opened(mandate.id, self.filler, given, self.taken, PRICE),
        )


@pytest.mark.parametrize("law", FORBIDDEN)
def test_a_law_that_is_broken_is_told(stage, law):
    with pytest.raises(AssertionError, match=law):
        FORBIDDEN[law](Watched(stage))


def test_what_never_came_out_one_way_is_told():
    tally = Tally()
    for _ in range(FEW):
        tally.count("withdraw", True)
        tally.count("open", False)
        tally.count("approve", True)
    tally.count("dance", True)
    assert list(tally.problems()) == [
        "dance is an action that nobody listed",
        "open never succeeded in 20 attempts",
        "withdraw never failed in 20 attempts",
    ]
    assert {
        "create was hardly tried",
        "open succeeded in only 0.0% of attempts",
        "no fill was refused for: expired",
        "no call was refused with: TooLittleGas",
    } < set(tally.gaps())


def test_the_counts_are_written_for_a_script(tmp_path):
    tally = Tally()
    tally.count("open", True)
    tally.judged("open", Reason.NONE)
    tally.judged("open", Reason.LOW_CONFIDENCE)
    tally.refused("NoOpenTrade")
    tally.write(tmp_path / "counts.json")
    told = json.loads((tmp_path / "counts.json").read_text(encoding="utf-8"))
    assert told["actions"]["open"] == {"succeeded": 1, "failed": 0}
    assert {reason: count for reason, count in told["fills"]["open"].items() if count} == {
        "settled": 1,
        "low confidence": 1,
    }
    assert {error: count for error, count in told["errors"].items() if count} == {"NoOpenTrade": 1}
