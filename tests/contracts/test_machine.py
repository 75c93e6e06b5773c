"""The settlement contract, and a model of it that shares no code with it, agree after every step that anybody can take.

The environment asks for more: PATTERNSETTLE_MACHINE_EXAMPLES is how many runs to make, others each time;
PATTERNSETTLE_MACHINE_SEED makes them the same ones; PATTERNSETTLE_MACHINE_STATS is a file for the counts.
"""

from __future__ import annotations

import json
import os
import random
from dataclasses import replace
from pathlib import Path

import hypothesis
import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from agent.chain.values import Reason

from .machine.ledger_rules import LedgerRules
from .machine.mandate_rules import MandateRules
from .machine.settlement_rules import SettlementRules
from .machine.stage import Stage
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


def test_a_prediction_that_is_wrong_is_noticed(machine):
    owner, token = machine.people["owner"], machine.stage.desk.at.base
    withdrawn = Call("withdraw", machine.stage.settlement, owner, "withdraw", (token, 1, owner.address))
    with pytest.raises(AssertionError, match="withdraw was not refused with"):
        machine.perform(
            withdrawn, lambda: machine.book.call(owner.address, "withdraw", token, 10**30, owner.address)
        )
    with pytest.raises(AssertionError, match="withdraw logged"):
        machine.perform(withdrawn, lambda: machine.book.call(owner.address, "withdraw", token, 2, owner.address))


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
    } < set(tally.gaps())


def test_the_counts_are_written_for_a_script(tmp_path):
    tally = Tally()
    tally.count("open", True)
    tally.judged("open", Reason.NONE)
    tally.judged("open", Reason.LOW_CONFIDENCE)
    tally.write(tmp_path / "counts.json")
    told = json.loads((tmp_path / "counts.json").read_text(encoding="utf-8"))
    assert told["actions"]["open"] == {"succeeded": 1, "failed": 0}
    assert {reason: count for reason, count in told["fills"]["open"].items() if count} == {
        "settled": 1,
        "low confidence": 1,
    }
