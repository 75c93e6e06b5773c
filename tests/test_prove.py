"""`scripts/prove`: how it reads what the tools of others say, and what it takes for a fault."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from agent.chain.values import Reason

TOOL = Path(__file__).parents[1] / "scripts" / "prove.d"
MODULES = ("report", "tools", "fuzzing", "symbolic", "findings", "walking")


@pytest.fixture(scope="module")
def prove() -> Iterator[SimpleNamespace]:
    """The modules of the tool, which lie in no package; afterwards their plain names are free again."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(TOOL)
        yield SimpleNamespace(**{name: importlib.import_module(name) for name in MODULES})
    for name in MODULES:
        del sys.modules[name]


def walk(actions, **refused):
    counts = [refused.get(reason.name.lower(), 0) for reason in Reason]
    return json.dumps({"suite": "Trading", "actions": actions, "refusals": counts})


class TestForge:
    def test_what_the_walks_did_is_added_up_by_action_and_by_reason(self, prove):
        walks = prove.fuzzing.read_walks(
            [walk({"open": [3, 1], "close": [1, 0]}, slippage=2), walk({"open": [1, 1]}, slippage=1, expired=4)]
        )
        assert walks.count == 2
        assert walks.actions == {"close": (1, 0), "open": (4, 2)}
        assert {reason: n for reason, n in walks.refusals.items() if n} == {Reason.SLIPPAGE: 3, Reason.EXPIRED: 4}

    def test_an_action_that_never_succeeds_and_a_reason_that_is_never_given_are_faults(self, prove):
        every = {reason.name.lower(): 1 for reason in Reason}
        assert prove.fuzzing.gaps(prove.fuzzing.read_walks([walk({"open": [9, 1]}, **every)])) == []
        faults = prove.fuzzing.gaps(prove.fuzzing.read_walks([walk({"open": [9, 0]}, **every | {"slippage": 0})]))
        assert faults == ["forge: open never succeeded", "forge: no fill was refused for: slippage"]


class TestHalmos:
    @staticmethod
    def answer(exitcode, bounded=0):
        test = {"exitcode": exitcode, "num_paths": [7, 5, 0], "time": [1.5, 1, 0.5], "num_bounded_loops": bounded}
        return {"exitcode": exitcode, "test_results": {"a.t.sol:AProof": [test]}}

    @pytest.mark.parametrize(
        ("name", "exitcode", "end", "good"),
        [
            ("check_it", 0, "proved", True),
            ("check_it", 1, "refuted", False),
            ("check_it", 2, "timed out", False),
            ("check_it", 4, "always reverts", False),
            ("reach_it", 1, "refuted", True),
            ("reach_it", 0, "proved", False),
        ],
    )
    def test_a_property_must_be_proved_and_a_reach_must_be_refuted(self, prove, name, exitcode, end, good):
        verdict = prove.symbolic.verdict(prove.symbolic.Property("AProof", name), self.answer(exitcode))
        assert (verdict.end, verdict.paths, verdict.seconds) == (end, 7, 1.5)
        assert verdict.fault == (None if good else f"halmos: AProof.{name} is {end}")

    def test_a_proof_of_short_loops_only_is_none(self, prove):
        verdict = prove.symbolic.verdict(prove.symbolic.Property("AProof", "check_it"), self.answer(0, bounded=1))
        assert "short loops" in verdict.fault

    @pytest.mark.parametrize("answer", [None, {"exitcode": 1, "test_results": {}}])
    def test_no_answer_is_a_fault_that_says_what_was_said_instead(self, prove, answer):
        verdict = prove.symbolic.verdict(prove.symbolic.Property("AProof", "check_it"), answer, "no such file")
        assert verdict.fault == "halmos: AProof.check_it was not decided: no such file"


class TestSlither:
    @staticmethod
    def finding(check, kind, *names, file="Settlement.sol"):
        element = None
        for name in names:
            fields = {"type_specific_fields": {"parent": element}} if element else {}
            element = {"type": "function", "name": name, "source_mapping": {"filename_relative": file}} | fields
        return {"check": check, "elements": [element | {"type": kind}]}

    def test_a_finding_is_known_by_its_detector_and_its_function_or_variable(self, prove):
        found = prove.findings.findings(
            [
                self.finding("timestamp", "function", "Settlement", "open"),
                self.finding("timestamp", "node", "Settlement", "open", "block.timestamp > 1"),
                self.finding("uninitialized-local", "variable", "Settlement", "open", "known"),
                self.finding("timestamp", "function", "Math", "mulDiv", file="@openzeppelin/Math.sol"),
            ]
        )
        assert [(each.detector, each.place) for each in found] == [
            ("timestamp", "Settlement.open"),
            ("uninitialized-local", "Settlement.open.known"),
        ]

    def test_what_is_not_explained_and_what_is_explained_and_not_found_are_faults(self, prove):
        explained = [prove.findings.Explanation("timestamp", ("A.one", "A.two"), "because")]
        found = [prove.findings.Finding("timestamp", "A.one"), prove.findings.Finding("timestamp", "A.three")]
        assert prove.findings.unexplained(found[:1], explained) == [
            "slither: timestamp in A.two is explained, and not found any more (findings.toml)"
        ]
        assert prove.findings.unexplained(found, explained)[0] == (
            "slither: timestamp in A.three is not explained (findings.toml)"
        )

    def test_every_explanation_that_is_committed_says_where_and_why(self, prove):
        explanations = prove.findings.explanations()
        assert explanations
        assert all(each.finding and each.places and each.because.endswith(".") for each in explanations)


class TestTheMachine:
    def test_counts_of_several_processes_are_added_up_however_deep_they_lie(self, prove):
        one = {"runs": 2, "actions": {"open": {"succeeded": 1, "failed": 0}}}
        other = {"runs": 3, "actions": {"open": {"succeeded": 4, "failed": 2}, "close": {"succeeded": 1}}}
        assert prove.walking.merge([one, other]) == {
            "runs": 5,
            "actions": {"open": {"succeeded": 5, "failed": 2}, "close": {"succeeded": 1}},
        }

    def test_what_so_many_walks_never_saw_is_a_fault(self, prove):
        found = {
            "actions": {
                "open": {"succeeded": 0, "failed": 30},
                "close": {"succeeded": 29, "failed": 71},
                "quote": {"succeeded": 1, "failed": 0},
            },
            "fills": {"open": {"settled": 1, "expired": 0}, "close": {"settled": 0, "expired": 0}},
            "errors": {"TooLittleGas": 0, "NoOpenTrade": 2},
        }
        assert prove.walking.gaps(found) == [
            "machine: open never succeeded",
            "machine: quote was hardly tried",
            "machine: open succeeded in less than 30% of attempts",
            "machine: close succeeded in less than 30% of attempts",
            "machine: no fill came out as: expired",
            "machine: no call was refused with: TooLittleGas",
        ]


class TestTheTable:
    def test_numbers_are_aligned_and_a_bar_in_a_cell_does_not_end_it(self, prove):
        assert prove.report.table(("what", "n"), [("a|b", 1_000)], numbers=(1,)) == (
            "| what | n |\n| --- | ---: |\n| a\\|b | 1,000 |\n"
        )
