"""Which mutants `scripts/mutate` tries, what becomes of them and is remembered, and what it says of the survivors."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from agent.errors import UsageError

ROOT = Path(__file__).parents[2]

# ---- which are tried


def test_a_file_a_line_or_an_id_can_be_chosen(tool, mutants):
    chosen_from = tool.main.chosen_from
    one = mutants[7]
    assert chosen_from(mutants, []) == mutants
    assert chosen_from(mutants, ["contracts/Sample.sol"]) == mutants
    assert chosen_from(mutants, [one.id]) == [one]
    of_the_line = chosen_from(mutants, [f"Sample.sol:{one.line}"])
    assert of_the_line == [each for each in mutants if each.line == one.line]
    with pytest.raises(UsageError, match=r"Sample\.sol:1'.*Sample\.sol"):
        chosen_from(mutants, ["Sample.sol:1"])


def test_a_sample_is_the_same_for_the_same_seed_and_in_the_order_of_the_source(tool, mutants):
    sampled = tool.main.sampled
    assert sampled(mutants, 9, seed=1) == sampled(mutants, 9, seed=1) != sampled(mutants, 9, seed=2)
    assert sampled(mutants, 10**6, seed=1) == mutants
    assert [each for each in mutants if each in sampled(mutants, 9, seed=1)] == sampled(mutants, 9, seed=1)


# ---- what is said of them


def report(tool: SimpleNamespace, mutants: list[Any], hows: dict[str, str], why: dict[str, str]) -> Any:
    outcomes = [(each, tool.results.Outcome(hows.get(each.id, "killed"))) for each in mutants]
    return tool.table.Report(outcomes, tool.table.Explanations(why), frozenset(each.id for each in mutants))


def test_only_what_a_test_could_notice_is_counted(tool, mutants):
    few = mutants[:10]
    hows = dict(zip((each.id for each in few), ("invalid", "identical", "timeout", "survived"), strict=False))
    told = report(tool, few, hows, {})
    assert (told.counted, told.share) == (8, 7 / 8)
    assert told.rows()[0] == (
        "kind",
        "made",
        "killed",
        "timeout",
        "survived",
        "identical",
        "invalid",
    )
    assert told.rows()[-1] == ("all", "10", "6", "1", "1", "1", "1")
    assert told.to_json()["kinds"]["all"]["killed"] == 6


def test_a_survivor_needs_an_explanation_and_a_good_result_few_survivors(tool, mutants):
    hole, explained = mutants[0], mutants[1]
    survived = {hole.id: "survived", explained.id: "survived"}
    why = {explained.id: "The same."}
    assert report(tool, mutants, {explained.id: "survived"}, why).is_good
    bad = report(tool, mutants, survived, why)
    assert bad.unexplained == [hole]
    assert not bad.is_good
    assert f'"{hole.id}" = ""' in bad.to_text()
    assert not report(tool, mutants[:4], {explained.id: "survived"}, why).is_good
    told = bad.to_markdown()
    assert f"Sample.sol:{explained.line}" in told
    assert told.endswith(f"(`{explained.id}`): {tool.table.change(explained)}\n  The same.\n")


def test_an_explanation_of_nothing_is_stale(tool, mutants):
    killed, gone = mutants[0].id, "Sample.gone-00000000"
    told = report(tool, mutants, {}, {killed: "The same.", gone: "The same."})
    assert told.stale == {killed: "the mutant is killed", gone: "there is no such mutant any more"}
    assert not told.is_good
    # One that was not tried this time says nothing about its explanation.
    part = tool.table.Report(told.outcomes[1:], tool.table.Explanations({killed: "The same."}), told.known)
    assert part.stale == {}


@pytest.mark.parametrize("content", ['"a" = ""', "a = 3", '"a" = "b'])
def test_explanations_that_say_nothing_are_refused(tool, content, tmp_path):
    (tmp_path / "mutants.toml").write_text(content)
    with pytest.raises(UsageError, match=r"mutants\.toml"):
        tool.table.Explanations.read(tmp_path / "mutants.toml")


# ---- what is remembered


@pytest.fixture
def checkout(tool: SimpleNamespace, tmp_path: Path) -> Any:
    """A checkout with the package of this one and three tests of its own, two of which look at FeedOracle's bytes."""
    root = tmp_path / "checkout"
    root.mkdir()
    tool.workspace.Checkout(ROOT).copy_to(root)
    for path in (root / "tests" / "contracts").rglob("*.py"):
        path.unlink()
    look = "import time\nfrom agent.chain.artifact import artifact\n\ndef test_{0}():\n    {1}\n"
    tests = {
        "a": "assert artifact('FeedOracle').bytecode not in (b'bad', b'worse')",
        "b": "assert artifact('FeedOracle').bytecode != b'bad'",
        "c": "while artifact('FeedOracle').bytecode == b'endless': time.sleep(1)",
    }
    for name, body in tests.items():
        (root / "tests" / "contracts" / f"test_{name}.py").write_text(look.format(name, body))
    return tool.workspace.Checkout(root)


def test_a_copy_runs_the_tests_in_order_until_one_fails_and_the_checkout_is_not_touched(tool, checkout, tmp_path):
    from agent.chain.artifact import Artifact

    def oracle(code: bytes) -> list[Artifact]:
        return [Artifact("FeedOracle", "oracles/FeedOracle.sol", "", (), code, code, {})]

    a, b = (f"tests/contracts/test_{name}.py::test_{name}" for name in "ab")
    files = {path: path.read_bytes() for path in checkout.root.rglob("*.*") if path.is_file()}
    workspace = tool.workspace.Workspace(checkout, tmp_path / "copy", cache=tmp_path / "cache")
    try:
        changed = {"Settlement.sol": b"// another"}
        good = workspace.run(changed, oracle(b"good"), order=[], limit=60)
        assert (good.failed, len(good.seconds), good.timed_out) == ((), 3, False)
        assert workspace.run({}, oracle(b"bad"), order=[b, a], limit=60).failed == (b,)
        assert workspace.run({}, oracle(b"worse"), order=[b, a], limit=60).failed == (a,)
        assert set(workspace.run({}, oracle(b"bad"), order=[], limit=60, whole=True).failed) == {a, b}
        assert workspace.run({}, oracle(b"endless"), order=[], limit=0.3).timed_out
        assert not workspace.run({}, oracle(b"good"), order=[], limit=60).failed
        workspace.stop()
        with pytest.raises(tool.workspace.Stopped):
            workspace.run({}, oracle(b"good"), order=[], limit=60)
    finally:
        workspace.stop()
    assert {path: path.read_bytes() for path in checkout.root.rglob("*.*") if path.is_file()} == files
    copied = tmp_path / "copy" / "contracts" / "Settlement.sol"
    assert copied.read_bytes() == (checkout.contracts / "Settlement.sol").read_bytes()


def test_a_kill_is_remembered_as_long_as_its_test_is_the_same(tool, checkout, mutants, tmp_path):
    def results() -> Any:
        fresh = tool.workspace.Checkout(checkout.root)
        return tool.results.Results(fresh, without=("FeedOracle",), path=tmp_path / "results.jsonl")

    killed, survived, oracle = (tool.results.Outcome(*each) for each in KNOWN)
    for mutant, code, outcome in zip(mutants, ("one", "two", "three"), (killed, survived, oracle), strict=False):
        results().add(mutant, f"text {code}", code, outcome)
    with (tmp_path / "results.jsonl").open("a") as file:
        file.write('{"mutant": "cut sh')
    assert results().code_of("text one") == "one"
    assert [results().verdict(code) for code in ("one", "two", "four")] == [killed, survived, None]

    folder = checkout.root / "tests" / "contracts"
    artifact = checkout.root / "agent" / "chain" / "artifacts" / "FeedOracle.json"
    artifact.write_text("{}")
    assert results().verdict("two") == survived
    (folder / "test_b.py").write_text("def test_b(): assert True\n")
    assert [results().verdict(code) for code in ("one", "two")] == [killed, None]
    (folder / "test_a.py").write_text("def test_a(): assert True\n")
    assert results().verdict("one") is None


KNOWN = [
    ("killed", "tests/contracts/test_a.py::test_a"),
    ("survived",),
    ("killed", "tests/contracts/test_b.py::test_b"),
]


def test_what_noticed_a_mutant_of_the_line_or_the_function_is_asked_first(tool, checkout, mutants, tmp_path):
    results = tool.results.Results(checkout, without=(), path=tmp_path / "results.jsonl")
    results.add_whole_run("code", {"slow": 9.0, "quick": 1.0, "here": 5.0, "near": 6.0, "line": 7.0})
    one = next(each for each in mutants if each.where == "Sample.counted")
    same_line = next(each for each in mutants if each.line == one.line)
    elsewhere = next(each for each in mutants if each.where == "Sample.looped")
    for mutant, test in [(elsewhere, "near"), (elsewhere, "near"), (same_line, "line")]:
        results.add(mutant, mutant.id, mutant.id, tool.results.Outcome("killed", test))
    assert results.order(one) == ["line", "near", "quick", "here", "slow"]
