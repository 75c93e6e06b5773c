"""`patternsettle doctor`: what is installed, and what to do about what is not."""

from __future__ import annotations

import json
import sys
from importlib import metadata
from typing import Any

import pytest

from agent.chain.compiler import SOLC_VERSION
from agent.chain.local import LocalChain
from agent.chain.rpc.server import RpcServer


@pytest.fixture
def _quick_compiler(command, monkeypatch, tmp_path):
    """A compiler that says its version at once, for tests of something else: ours may be one that waits for Node.js."""
    script = tmp_path / "solc"
    script.write_text(f"#!/bin/sh\necho Version: {SOLC_VERSION}+commit.f401782d.Linux.g++\n")
    script.chmod(0o755)
    monkeypatch.setenv("SOLC_BINARY", str(script))


WITHOUT_ITS_COMPILER = pytest.mark.usefixtures("_quick_compiler")


@pytest.fixture
def findings(command):
    """Run `doctor --json`; return its exit code and what it found, by name."""

    def look(*arguments: str) -> tuple[int, dict[str, dict[str, Any]]]:
        ended = command("doctor", "--json", *arguments)
        document = json.loads(ended.out)
        assert document["ok"] is (ended.code == 0)
        return ended.code, {each["name"]: each for each in document["findings"]}

    return look


def test_all_is_well_where_the_tests_run(findings):
    code, found = findings()
    assert code == 0
    assert all(each["ok"] for each in found.values() if each["needed"])
    assert {"Python", "web3", "scikit-learn", "compiled contracts", "local chain", "settings"} <= found.keys()
    assert "chain id 31337" in found["local chain"]["detail"]


@WITHOUT_ITS_COMPILER
def test_a_person_reads_one_line_for_each(command):
    ended = command("doctor")
    assert (ended.code, ended.err) == (0, "")
    lines = ended.out.splitlines()
    assert lines[0].split()[0] == "patternsettle"
    assert any(line.startswith("ok") and "scikit-learn" in line for line in lines)
    assert max(map(len, lines)) <= 80


def test_a_missing_compiler_is_said_with_its_cure_and_is_no_failure(findings, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("SOLC_BINARY", str(tmp_path / "solc"))
    code, found = findings()
    compiler = found["Solidity compiler"]
    assert code == 0
    assert (compiler["ok"], compiler["needed"]) == (False, False)
    assert "SOLC_BINARY names" in compiler["detail"]
    assert "unset it" in compiler["cure"]


@WITHOUT_ITS_COMPILER
def test_a_package_that_is_not_installed_is_needed_and_can_be_had(command, findings, monkeypatch):
    version = metadata.version

    def without_skops(name: str) -> str:
        if name == "skops":
            raise metadata.PackageNotFoundError(name)
        return version(name)

    monkeypatch.setattr(metadata, "version", without_skops)
    code, found = findings()
    assert code == 2
    assert found["skops"]["detail"] == "not installed"
    assert "pip install 'skops" in found["skops"]["cure"]
    ended = command("doctor")
    assert ended.err == "patternsettle: Something needed is missing: skops. Do what is said beside each.\n"
    assert "FAILS" in ended.out


@WITHOUT_ITS_COMPILER
def test_a_package_of_another_version_is_named_with_what_is_needed(findings, monkeypatch):
    version = metadata.version
    monkeypatch.setattr(metadata, "version", lambda name: "1.0.0" if name == "web3" else version(name))
    code, found = findings()
    assert code == 2
    assert "1.0.0, needed" in found["web3"]["detail"]


@WITHOUT_ITS_COMPILER
def test_a_package_that_cannot_be_imported_ends_one_look_and_not_all(findings, monkeypatch):
    monkeypatch.setitem(sys.modules, "agent.chain.local", None)
    code, found = findings()
    assert code == 2
    assert found["local chain"]["ok"] is False
    assert found["settings"]["ok"] is True


@WITHOUT_ITS_COMPILER
def test_a_seed_phrase_that_is_none_is_told_and_not_shown(findings, monkeypatch):
    monkeypatch.setenv("PATTERNSETTLE_MNEMONIC", "zoo " * 11 + "zebra")
    code, found = findings()
    assert code == 2
    assert "not a valid seed phrase" in found["settings"]["detail"]
    assert "zebra" not in json.dumps(found)


@WITHOUT_ITS_COMPILER
def test_a_node_is_described(findings):
    with LocalChain() as chain, RpcServer(chain) as server:
        code, found = findings("--rpc", server.url)
        node = found[f"node {server.url}"]
    assert code == 0
    assert node["detail"].startswith("patternsettle/")
    assert "block 0" in node["detail"]
    assert node["detail"].endswith("its clock can be set")


@WITHOUT_ITS_COMPILER
def test_a_node_that_does_not_answer_fails_with_the_cure(command, findings):
    code, found = findings("--rpc", "http://127.0.0.1:1")
    assert code == 2
    assert "Start one" in found["node http://127.0.0.1:1"]["cure"]
    assert "missing: node http://127.0.0.1:1." in command("doctor", "--rpc", "http://127.0.0.1:1").err
