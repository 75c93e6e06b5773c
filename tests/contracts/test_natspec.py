"""NatSpec: everything that others can call, catch or read in a log says what it is, down to each parameter."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from agent.chain.compile import compiler_output

CONTRACTS = Path(__file__).parents[2] / "contracts"
# Between them these reach every interface and library. What is for local chains only is left out.
ENTRIES = ["Settlement.sol", "sources/AttestedModels.sol", "oracles/FeedOracle.sol"]
WANTED = {"*": {"*": ["abi", "devdoc", "userdoc"]}}


@pytest.fixture(scope="module")
def documented():
    """ABI, devdoc and userdoc of our contracts, by source and name."""
    found = {}
    for entry in ENTRIES:
        for source, contracts in compiler_output(CONTRACTS, entry, selection=WANTED)["contracts"].items():
            if not source.startswith("@"):
                found.update({(source, name): each for name, each in contracts.items()})
    return found


def entries(documented):
    """Every function, event and error, with its signature, and what is said of it."""
    for (source, contract), said in documented.items():
        for entry in said["abi"]:
            if entry["type"] in ("function", "event", "error"):
                yield f"{source}:{contract}.{entry['name']}", entry, said


def told(entry, said, kind):
    where = {"function": "methods", "event": "events", "error": "errors"}[entry["type"]]
    notes = said[kind].get(where, {})
    [note] = [each for key, each in notes.items() if re.match(rf"{entry['name']}\b", key)] or [{}]
    return note[0] if isinstance(note, list) else note


def test_there_is_something_to_look_at(documented):
    assert len(list(entries(documented))) > 60


def test_everything_says_what_it_is(documented):
    ours = [each for each in entries(documented) if not foreign(each[1])]
    assert [name for name, entry, said in ours if not told(entry, said, "userdoc").get("notice")] == []


def test_every_parameter_says_what_it_is(documented):
    silent = []
    for name, entry, said in entries(documented):
        if foreign(entry):
            continue
        params = told(entry, said, "devdoc").get("params", {})
        silent += [f"{name}({item['name']})" for item in entry["inputs"] if not params.get(item["name"])]
    assert silent == []


def test_every_answer_says_what_it_is(documented):
    silent = []
    for name, entry, said in entries(documented):
        if foreign(entry) or not entry.get("outputs"):
            continue
        returns = told(entry, said, "devdoc").get("returns", {})
        constant = entry["name"].isupper()  # is what its notice says
        if len(returns) < len(entry["outputs"]) and not constant:
            silent.append(name)
    assert silent == []


def test_every_member_of_a_struct_says_what_it_is():
    said = compiler_output(CONTRACTS, "Settlement.sol", selection={"*": {"": ["ast"]}})["sources"]
    nodes = said["interfaces/ISettlement.sol"]["ast"]["nodes"]
    structs = [node for node in nodes if node["nodeType"] == "StructDefinition"]
    assert {node["name"] for node in structs} >= {"Mandate", "Signal", "Fill", "Market", "MandateState", "Trade"}
    silent = [
        f"{node['name']}.{member['name']}"
        for node in structs
        for member in node["members"]
        if f"@param {member['name']} " not in node["documentation"]["text"]
    ]
    assert silent == []


def foreign(entry):
    """What comes from OpenZeppelin, and is documented there."""
    libraries = {
        "ECDSA",
        "SafeERC20",
        "EIP712",
        "Reentrancy",
        "SafeCast",
        "ShortString",
        "StringToo",
        "InvalidShort",
        "eip712Domain",
    }
    return entry["name"].startswith(tuple(libraries))


def test_the_implementation_says_what_the_interface_says():
    """Documentation stands once, in the interface; the code points there."""
    text = (CONTRACTS / "Settlement.sol").read_text()
    outside = re.findall(r"((?:    ///[^\n]*\n)*)    function (\w+)\([^{;]*?\)\s*external", text)
    assert len(outside) > 15
    assert [name for notes, name in outside if "@inheritdoc ISettlement" not in notes] == []
