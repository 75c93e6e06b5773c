"""What mistakes `scripts/mutate` makes in a source, and by what names it knows them."""

from __future__ import annotations

import re
from itertools import zip_longest
from pathlib import Path
from typing import Any

import pytest

from .sample import FUNCTIONS, MATH, sample

ROOT = Path(__file__).parents[2]

# ---- the mistakes


@pytest.mark.parametrize("name", FUNCTIONS)
def test_each_kind_of_mistake_is_made_where_it_can_be_and_nowhere_else(mutants, name):
    _, expected = FUNCTIONS[name]
    found = {
        kind: {each.after for each in mutants if each.where == f"Sample.{name}" and each.kind == kind}
        for kind in expected
    }
    assert found == expected


def test_the_samples_have_a_mistake_of_every_kind(tool, mutants):
    assert {each.kind for each in mutants} == set(tool.kinds.KINDS)


def test_a_constant_of_the_contract_is_changed_too(mutants):
    (limit,) = [each for each in mutants if each.where == "Sample.LIMIT"]
    assert limit.after == "uint256 private constant LIMIT = (type(uint128).max - 1)"


def test_nothing_is_changed_in_comments_strings_and_imports(mutants):
    text = sample().encode()
    spared = [
        (match.start(), match.end()) for match in re.finditer(rb'//[^\n]*|/\*.*?\*/|"[^"\n]*"|import[^;]*;', text)
    ]
    assert len(spared) > 5
    for each in mutants:
        assert not any(
            start < each.span.end and each.span.start < end and each.text != "{}" for start, end in spared
        ), each


def test_a_mutant_differs_from_its_source_in_its_own_stretch_alone(mutants):
    text = sample().encode()
    for each in mutants:
        changed = each.applied(text)
        assert changed != text
        assert changed.startswith(text[: each.span.start])
        assert changed.endswith(text[each.span.end :])
        assert len(changed) == len(text) - (each.span.end - each.span.start) + len(each.text.encode())


def test_a_source_with_wide_characters_is_changed_at_the_right_place(mutants_in):
    text = sample({"f": "(uint256 a) external { /* größer als 価格 */ _total = a + 5; }"})
    (mutant,) = [each for each in mutants_in(text) if each.kind == "arithmetic"]
    assert "_total = a - 5" in mutant.applied(text.encode()).decode()


def test_no_two_mutants_are_the_same_text(mutants):
    text = sample().encode()
    assert len({each.applied(text) for each in mutants}) == len(mutants)


def test_every_mutant_of_the_samples_compiles(tool, mutants):
    package = ROOT / "contracts" / "node_modules" / "solc"
    if not package.is_dir():
        pytest.skip("npm's solc is not there (scripts/test installs what is needed)")
    compiler = tool.solc.Solc(package)

    def is_taken(*rounds: Any) -> bool:
        texts = {f"{number}.sol": together(some) for number, some in enumerate(rounds)}
        document = {
            "language": "Solidity",
            "sources": {name: {"content": text} for name, text in [*texts.items(), ("Math.sol", MATH)]},
            "settings": {"outputSelection": {"*": {"": ["ast"]}}},
        }
        return compiler.compile(document) is not None

    refused = [] if is_taken(*rounds_of(mutants)) else [each for each in mutants if not is_taken([each])]
    compiler.close()
    assert refused == []


def rounds_of(mutants: list[Any]) -> list[list[Any]]:
    """All mutants, a few at a time: those of a round are of different functions, so that none hides what another breaks."""
    by_function: dict[str, list[Any]] = {}
    for each in mutants:
        by_function.setdefault(each.where, []).append(each)
    return [[each for each in some if each] for some in zip_longest(*by_function.values())]


def together(mutants: list[Any]) -> str:
    """The sample with several mistakes in it."""
    text = sample().encode()
    for each in sorted(mutants, key=lambda each: each.span.start, reverse=True):
        text = each.applied(text)
    return text.decode()


# ---- their names


def test_the_same_source_gives_the_same_mutants(mutants, mutants_in):
    assert mutants_in(sample()) == mutants
    assert len({each.id for each in mutants}) == len(mutants)


def test_a_name_survives_what_moves_around_it(mutants, mutants_in):
    """Functions change places, lines come in, the layout changes."""
    layout = str.maketrans({"(": "(\n        ", ")": "\n    )", "{": "{\n        "})
    functions = {name: text.translate(layout) for name, (text, _) in reversed(FUNCTIONS.items())}
    moved = mutants_in(sample({"first": "() external {}", **functions}))
    assert {each.id for each in moved} == {each.id for each in mutants}
    assert {each.id: each.line for each in moved} != {each.id: each.line for each in mutants}


def test_a_name_does_not_survive_a_change_of_its_statement(mutants_in):
    before = mutants_in(sample({"f": "(uint256 a) external { _total = a + 5; _total = 6; }"}))
    after = mutants_in(sample({"f": "(uint256 a) external { _total = a + 4; _total = 6; }"}))
    sums = [{each.id for each in made if each.kind == "arithmetic"} for made in (before, after)]
    kept = [{each.id for each in made if each.before.endswith("6")} for made in (before, after)]
    assert not sums[0] & sums[1]
    assert kept[0] == kept[1] != set()


def test_overloads_and_repetitions_have_names_of_their_own(mutants_in):
    text = sample({"f": "(bool a) external { a = !a; a = !a; }"}).replace(
        "}\n}", "}\n    function f(bool a, bool) external { a = !a; a = !a; }\n}"
    )
    negations = [each for each in mutants_in(text) if each.kind == "logic"]
    assert [each.where for each in negations] == ["Sample.f"] * 4
    assert len({each.id for each in negations}) == 4


def test_of_a_long_statement_no_more_is_shown_than_the_change_and_what_is_around_it(mutants_in):
    terms = " + ".join(f"a * {number}" for number in range(1_000, 1_060))
    sums = mutants_in(sample({"f": f"(uint256 a) external {{ _total = {terms}; }}"}))
    assert max(len(each.before) for each in sums) < 250
    assert ("a * 1030", "a / 1030") in {(each.before, each.after) for each in sums}
    (one,) = [each for each in sums if each.after.endswith("a * 1030 - a * 1031")]
    assert one.before.startswith("… ")
    assert one.before.endswith("a * 1030 + a * 1031")
    assert any(each.before.startswith("… ") and each.before.endswith(" …") for each in sums)
