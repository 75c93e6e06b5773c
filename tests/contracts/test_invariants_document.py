"""`contracts/INVARIANTS.md` names each promise once, with tests that are there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent
ROOT = FOLDER.parents[1]
DOCUMENT = ROOT / "contracts" / "INVARIANTS.md"
FORGE = ROOT / "tests" / "forge"
COUNT = 26

PROMISE = re.compile(
    r"^\*\*(?P<number>\d+)\*\* (?P<sentence>[A-Z`].+\.)\n\n(?P<holders>(?:- \w+: .+\n)+)", re.MULTILINE
)
PYTEST = re.compile(r"`(test_\w+\.py)::(test_\w+)`")
FORGE_NAME = re.compile(r"`((?:test|testFuzz|invariant|check)_\w+)`")
SOLIDITY = re.compile(r"\bfunction (\w+)\(")


@pytest.fixture(scope="module")
def text():
    return DOCUMENT.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def promises(text):
    return list(PROMISE.finditer(text))


def test_every_promise_is_there_once_and_in_order(promises):
    assert [int(promise["number"]) for promise in promises] == list(range(1, COUNT + 1))


def test_each_has_a_test_beside_the_machine(promises):
    without = [promise["number"] for promise in promises if not PYTEST.search(promise["holders"])]
    assert not without


def test_each_holder_is_named_under_the_tool_that_it_is_of(promises):
    shapes = {
        "pytest": names(r"test_\w+\.py::test_\w+"),
        "machine": re.compile(r"[^`]+"),
        "forge": names(r"(?:test|invariant)_\w+"),
        "Halmos": names(r"check_\w+"),
    }
    for promise in promises:
        lines = promise["holders"].splitlines()
        tools = [line.removeprefix("- ").partition(": ")[0] for line in lines]
        assert tools == [tool for tool in shapes if tool in tools], promise["number"]
        for line, tool in zip(lines, tools, strict=True):
            assert shapes[tool].fullmatch(line.partition(": ")[2]), line


def test_every_test_that_is_named_is_there(text):
    named = set(PYTEST.findall(text))
    assert len(named) > COUNT
    assert [(file, name) for file, name in sorted(named) if name not in names_in(FOLDER / file)] == []


def test_every_forge_test_and_halmos_check_that_is_named_is_in_their_sources(text):
    there = {
        folder: {
            name for path in (FORGE / folder).rglob("*.sol") for name in SOLIDITY.findall(path.read_text("utf-8"))
        }
        for folder in ("test", "symbolic")
    }
    checks = {name for name in FORGE_NAME.findall(text) if name.startswith("check_")}
    others = set(FORGE_NAME.findall(text)) - checks
    assert checks
    assert others
    # None is proved that holds nothing.
    assert checks == {name for name in there["symbolic"] if name.startswith("check_")}
    assert others <= there["test"]


def test_whatever_is_named_in_code_is_a_test_a_script_or_a_word_of_the_contract(text):
    """So that a name misspelt is not taken for prose."""
    known = [
        PYTEST,
        FORGE_NAME,
        re.compile(r"`(scripts|tests)/[\w/]+`"),
        re.compile(r"`\w*(Open|Close|Settlement)\w*`"),
    ]
    spans = re.findall(r"`[^`]+`", text)
    assert [span for span in spans if not any(each.fullmatch(span) for each in known)] == []


def names_in(path):
    """Names of the tests that pytest collects from a file."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {each.name for each in tree.body if isinstance(each, ast.FunctionDef) and each.name.startswith("test_")}


def names(pattern):
    """Names in code, with points between."""
    return re.compile(rf"`{pattern}`(?: · `{pattern}`)*")
