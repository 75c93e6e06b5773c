"""Compiling: what goes in, what comes out, what is remembered, and that the committed artifacts are the sources'."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import NamedTuple

import pytest
from eth_utils import keccak
from hypothesis import given
from hypothesis import strategies as st

from agent.chain import compile as compiling
from agent.chain.artifact import Artifact, artifact, artifact_names
from agent.chain.compile import SOLC_VERSION, Compiler, Settings, build, compile_sources, find_compiler, main
from agent.errors import ChainError, CompilerMissing

CONTRACTS = Path(__file__).parents[2] / "contracts"
HEAD = "// SPDX-License-Identifier: MIT\npragma solidity ^0.8.24;\n"
COUNTER = HEAD + "contract Counter { uint256 public count; function add(uint256 by) external { count += by; } }\n"


@pytest.fixture(scope="session")
def solc() -> Compiler:
    """The pinned compiler, with the libraries beside it, or the test says why it cannot run."""
    try:
        found = find_compiler()
        missing = (
            "" if (CONTRACTS / "node_modules" / "@openzeppelin").is_dir() else "OpenZeppelin is not installed"
        )
    except CompilerMissing as error:
        missing = error.problem
    if missing and os.environ.get("PATTERNSETTLE_REQUIRE_CLIENTS") == "1":
        pytest.fail(f"scripts/test promises a compiler and its libraries: {missing}")
    if missing:
        pytest.skip(f"{missing} (scripts/test installs what is needed)")
    return found


@pytest.fixture
def found_before(solc: Compiler, monkeypatch: pytest.MonkeyPatch) -> None:
    """Spare a test that compiles the search for the compiler, which starts it to ask for its version."""
    monkeypatch.setattr(compiling, "find_compiler", lambda: solc)


@pytest.fixture
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PATTERNSETTLE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


class Remembered(NamedTuple):
    """The counter as it was compiled into a cache that was empty, and a cache of a test's own that remembers that."""

    counter: dict[str, Artifact]
    cache: Path


@pytest.fixture(scope="session")
def compiled_once(solc: Compiler, tmp_path_factory: pytest.TempPathFactory) -> Remembered:
    folder = tmp_path_factory.mktemp("once")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compiling, "find_compiler", lambda: solc)
        patch.setenv("PATTERNSETTLE_CACHE", str(folder / "cache"))
        counter = compile_sources(write(folder / "src", Counter=COUNTER), ["Counter.sol"])
    return Remembered(counter, folder / "cache")


@pytest.fixture
def remembered(compiled_once: Remembered, empty_cache: Path) -> Remembered:
    return Remembered(compiled_once.counter, shutil.copytree(compiled_once.cache, empty_cache))


def no_compiler() -> None:
    raise CompilerMissing("There is no compiler.")


def write(root: Path, **files: str) -> Path:
    """Write ``a__b`` as ``a/b.sol``."""
    for name, content in files.items():
        path = root / f"{name.replace('__', '/')}.sol"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    return root


@pytest.mark.usefixtures("found_before")
class TestCompiling:
    def test_gives_code_interface_and_selectors(self, tmp_path: Path) -> None:
        counter = compile_sources(write(tmp_path, Counter=COUNTER), ["Counter.sol"])["Counter"]
        assert counter.method_identifiers == {
            signature: keccak(text=signature)[:4].hex() for signature in ("add(uint256)", "count()")
        }
        assert {entry["name"] for entry in counter.abi} == {"add", "count"}
        assert counter.bytecode.endswith(counter.deployed_bytecode)
        assert counter.source == "Counter.sol"
        assert counter.source_names == ("Counter.sol",)
        assert counter.source_map

    def test_gives_the_same_bytes_wherever_the_folder_lies_and_whatever_lies_beside_it(
        self, tmp_path: Path
    ) -> None:
        imported = HEAD + 'import {Counter} from "../Counter.sol"; contract Twice is Counter { Counter other; }\n'
        here = write(tmp_path / "here", Counter=COUNTER, deep__Twice=imported)
        there = write(tmp_path / "a longer place", Counter=COUNTER, deep__Twice=imported, Aside=HEAD)
        alone = compile_sources(here, ["deep/Twice.sol"])
        beside = compile_sources(there, ["Aside.sol", "Counter.sol", "deep/Twice.sol"])
        assert alone["Twice"] == beside["Twice"]
        assert set(alone) == {"Twice"}
        assert set(beside) == {"Counter", "Twice"}

    def test_windows_line_ends_and_a_byte_order_mark_change_nothing(self, tmp_path: Path) -> None:
        plain = write(tmp_path / "plain", Counter=COUNTER)
        other = tmp_path / "other"
        other.mkdir()
        (other / "Counter.sol").write_bytes(b"\xef\xbb\xbf" + COUNTER.replace("\n", "\r\n").encode())
        assert compile_sources(plain, ["Counter.sol"]) == compile_sources(other, ["Counter.sol"])

    def test_follows_every_form_of_import_and_no_decoy(self, tmp_path: Path) -> None:
        forms = """
            // import "./absent1.sol";
            /* import {X} from "./absent2.sol";
               import "./absent3.sol"; */
            import "./A.sol"; import './B.sol' ;
            import * as C from "./C.sol";import{D}from"./D.sol";
            import {
                E as Renamed, // a comment inside
                E
            } from "./lib/../lib/E.sol";
            import "lib/F.sol";
            import "@openzeppelin/contracts/utils/math/SafeCast.sol";
            contract All is A, B, D, Renamed, F {
                string constant TEXT = "import './absent4.sol'; // \\" import './absent5.sol';";
                string public text = 'import "./absent6.sol";';
                uint256 important = SafeCast.toUint8(1);
            }
        """
        parts = {
            name: f"{HEAD} contract {name[-1]} {{}}"
            for name in ("folder__A", "folder__B", "folder__C", "folder__D", "folder__lib__E", "lib__F")
        }
        root = write(tmp_path, folder__All=HEAD + forms, **parts)
        assert set(compile_sources(root, ["folder/All.sol"], include=[CONTRACTS])) == {"All"}

    def test_circular_imports_end(self, tmp_path: Path) -> None:
        root = write(
            tmp_path,
            A=HEAD + 'import "./B.sol"; contract A { B b; }',
            B=HEAD + 'import "./A.sol"; contract B { A a; }',
        )
        assert set(compile_sources(root, ["A.sol", "B.sol"])) == {"A", "B"}

    def test_looks_for_imports_in_included_folders_after_the_root(self, tmp_path: Path) -> None:
        user = write(tmp_path / "mine", User=HEAD + 'import "interfaces/IThing.sol"; contract User { IThing t; }')
        shared = write(tmp_path / "shared", interfaces__IThing=HEAD + "interface IThing {}")
        assert set(compile_sources(user, ["User.sol"], include=[shared])) == {"User"}

    def test_settings_reach_the_compiler(self, tmp_path: Path) -> None:
        root = write(tmp_path, Counter=COUNTER)
        one = compile_sources(root, ["Counter.sol"])["Counter"]
        other = compile_sources(root, ["Counter.sol"], settings=Settings(optimizer_runs=1, via_ir=False))[
            "Counter"
        ]
        assert one.bytecode != other.bytecode
        assert one.source_hash != other.source_hash

    def test_a_mistake_shows_solcs_own_words_with_file_and_line(self, tmp_path: Path, empty_cache: Path) -> None:
        root = write(tmp_path / "src", deep__Wrong=HEAD + "contract Wrong {\n  uint256 x = true;\n}\n")
        with pytest.raises(ChainError, match=r"TypeError: (.|\n)* --> deep/Wrong\.sol:4:15") as caught:
            compile_sources(root, ["deep/Wrong.sol"])
        assert "\n" not in str(caught.value)
        assert not list(empty_cache.glob("solc/*.json"))

    def test_a_library_that_must_be_linked_is_refused_with_the_cure(self, tmp_path: Path) -> None:
        linked = "library L { function f() external {} } contract User { function g() external { L.f(); } }"
        with pytest.raises(ChainError, match=r"User in User\.sol must be linked") as caught:
            compile_sources(write(tmp_path, User=HEAD + linked), ["User.sol"])
        assert "internal" in caught.value.cure

    def test_two_entries_with_one_name_are_refused(self, tmp_path: Path) -> None:
        root = write(tmp_path, Counter=COUNTER, other__Counter=COUNTER)
        with pytest.raises(ChainError, match=r"Counter\.sol and other/Counter\.sol both define Counter"):
            compile_sources(root, ["Counter.sol", "other/Counter.sol"])


def test_a_missing_source_is_named_with_where_it_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(ChainError, match=r"'Nothing\.sol'") as caught:
        compile_sources(tmp_path, ["Nothing.sol"])
    assert str(tmp_path) in caught.value.cure


def test_a_missing_import_is_named_with_its_importer(tmp_path: Path) -> None:
    root = write(tmp_path, A=HEAD + 'import "./Gone.sol";', B=HEAD + 'import "@nobody/Gone.sol";')
    with pytest.raises(ChainError, match=r"A\.sol imports 'Gone\.sol'"):
        compile_sources(root, ["A.sol"])
    with pytest.raises(ChainError, match=r"B\.sol imports '@nobody/Gone\.sol'") as caught:
        compile_sources(root, ["B.sol"])
    assert "npm ci" in caught.value.cure


@pytest.mark.skipif(os.name == "nt", reason="the stand-in for solc is a shell script")
@pytest.mark.parametrize(
    ("does", "complaint"),
    [
        ("echo out of memory >&2; exit 3", r"solc failed with exit code 3: out of memory"),
        ("echo Segmentation", r"solc did not answer as solc does: Expecting value"),
    ],
)
def test_a_compiler_that_breaks_is_told_of_with_where_it_came_from(
    does: str, complaint: str, tmp_path: Path, empty_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "solc"
    version = f"Version: {SOLC_VERSION}+commit.f401782d.Linux.g++"
    broken.write_text(f'#!/bin/sh\nif [ "$1" = --version ]; then echo {version}; else {does}; fi\n')
    broken.chmod(0o755)
    monkeypatch.setenv("SOLC_BINARY", str(broken))
    with pytest.raises(ChainError, match=complaint) as caught:
        compile_sources(write(tmp_path / "src", Counter=COUNTER), ["Counter.sol"])
    assert caught.value.cure.startswith("It came from: SOLC_BINARY.")


@pytest.mark.usefixtures("solc")
class TestRemembering:
    def test_what_was_compiled_once_needs_no_compiler_again(
        self, tmp_path: Path, remembered: Remembered, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        root = write(tmp_path / "src", Counter=COUNTER)
        monkeypatch.setattr(compiling, "find_compiler", no_compiler)
        assert compile_sources(root, ["Counter.sol"]) == remembered.counter
        with pytest.raises(CompilerMissing):
            compile_sources(root, ["Counter.sol"], settings=Settings(evm_version="prague"))
        write(tmp_path / "src", Counter=COUNTER.replace("+=", "-="))
        with pytest.raises(CompilerMissing):
            compile_sources(root, ["Counter.sol"])

    @pytest.mark.usefixtures("found_before")
    def test_a_damaged_memory_is_ignored_and_made_again(self, tmp_path: Path, remembered: Remembered) -> None:
        root = write(tmp_path / "src", Counter=COUNTER)
        (file,) = remembered.cache.glob("solc/*.json")
        whole = file.read_bytes()
        for damaged in (b"", b"{", b"\xff\n", whole[:-1], whole.replace(b"Counter", b"Counted")):
            file.write_bytes(damaged)
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(compiling, "find_compiler", no_compiler)
                with pytest.raises(CompilerMissing):
                    compile_sources(root, ["Counter.sol"])
        assert compile_sources(root, ["Counter.sol"]) == remembered.counter
        assert file.read_bytes() == whole

    def test_a_wrong_solc_binary_shows_even_where_nothing_needs_compiling(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        root = write(tmp_path, Counter=COUNTER)
        compile_sources(root, ["Counter.sol"])
        monkeypatch.setenv("SOLC_BINARY", str(tmp_path / "absent"))
        with pytest.raises(ChainError, match="SOLC_BINARY"):
            compile_sources(root, ["Counter.sol"])

    def test_a_cache_that_cannot_be_written_is_an_error_that_names_the_option(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "file").write_text("in the way")
        monkeypatch.setenv("PATTERNSETTLE_CACHE", str(tmp_path / "file"))
        with pytest.raises(ChainError, match="cannot be written to") as caught:
            compile_sources(write(tmp_path, Counter=COUNTER), ["Counter.sol"])
        assert "PATTERNSETTLE_CACHE" in caught.value.cure


@pytest.mark.usefixtures("solc")
class TestBuilding:
    @pytest.fixture
    def root(self, tmp_path: Path) -> Path:
        (tmp_path / "node_modules").symlink_to(CONTRACTS / "node_modules")
        library = HEAD + "library Helper { function f() internal {} }"
        return write(tmp_path / "contracts", Counter=COUNTER, lib__Helper=library)

    def test_writes_what_has_an_interface_and_removes_what_no_source_defines(
        self, root: Path, tmp_path: Path
    ) -> None:
        out = tmp_path / "out"
        assert build(root, out) == ["Counter.json", "IERC20Metadata.json"]
        (out / "Stale.json").write_text("{}")
        (out / "README").write_text("not an artifact")
        assert build(root, out, check=True) == ["Stale.json"]
        assert (out / "Stale.json").exists()
        assert build(root, out) == ["Stale.json"]
        assert build(root, out) == []
        assert sorted(path.name for path in out.iterdir()) == ["Counter.json", "IERC20Metadata.json", "README"]

    @pytest.mark.usefixtures("remembered")
    def test_writes_the_same_bytes_again(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(compiling, "EXTRA_ENTRIES", ())
        root = write(tmp_path / "contracts", Counter=COUNTER)
        build(root, tmp_path / "one")
        build(root, tmp_path / "two")
        first, second = (
            {path.name: path.read_bytes() for path in (tmp_path / name).iterdir()} for name in ("one", "two")
        )
        assert first == second
        document = json.loads(first["Counter.json"])
        assert list(document) == sorted(document)

    def test_refuses_what_solc_warns_of(self, root: Path, tmp_path: Path) -> None:
        write(root, Careless=HEAD + "contract Careless {\n function f() external { uint256 unused; }\n}")
        with pytest.raises(ChainError, match=r"Unused local variable(.|\n)*Careless\.sol:4:26"):
            build(root, tmp_path / "out")
        assert not (tmp_path / "out").exists()

    def test_a_folder_without_sources_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(ChainError, match="holds no Solidity sources"):
            build(tmp_path, tmp_path / "out")

    def test_the_committed_artifacts_are_byte_for_byte_what_the_sources_compile_to(self) -> None:
        assert build(check=True) == [], "run scripts/compile and commit what it writes"

    def test_the_command_says_so_and_fails_where_an_artifact_is_stale(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert main(["--check"]) == 0
        assert capsys.readouterr().out == "All artifacts are up to date.\n"
        monkeypatch.setattr(compiling, "build", lambda *, check: ["Old.json"])
        assert main(["--check"]) == 1
        assert "Old.json" in capsys.readouterr().err


def test_the_command_shows_an_error_without_a_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SOLC_BINARY", "/nowhere/solc")
    assert main([]) == 2
    assert "SOLC_BINARY names /nowhere/solc" in capsys.readouterr().err


class TestCommittedArtifacts:
    @pytest.mark.parametrize("name", ["Settlement", "AttestedModels", "FeedOracle", "DemoToken", "ReplayFeed"])
    def test_every_deployable_contract_is_there_and_fits_the_chain(self, name: str) -> None:
        contract = artifact(name)
        assert contract.name == name
        assert contract.bytecode
        assert 0 < len(contract.deployed_bytecode) <= 24_576

    @pytest.mark.parametrize(
        "name", ["ISettlement", "ISignalSource", "IOracle", "IAggregatorV3", "IERC20Metadata"]
    )
    def test_every_interface_that_is_called_is_there_and_has_no_code(self, name: str) -> None:
        assert artifact(name).abi
        assert artifact(name).bytecode == b""

    def test_an_unknown_name_is_refused_with_the_nearest_one(self) -> None:
        with pytest.raises(ChainError, match="'Setlement'") as caught:
            artifact("Setlement")
        assert caught.value.cure == "Did you mean 'Settlement'?"
        with pytest.raises(ChainError) as caught:
            artifact("../../secrets")
        assert ", ".join(artifact_names()) in caught.value.cure


@given(
    st.builds(
        Artifact,
        name=st.text(),
        source=st.text(),
        source_hash=st.text(),
        abi=st.lists(st.dictionaries(st.text(), st.text() | st.integers() | st.booleans())).map(tuple),
        bytecode=st.binary(),
        deployed_bytecode=st.binary(),
        method_identifiers=st.dictionaries(st.text(), st.text()),
        source_map=st.text(),
        source_names=st.lists(st.text()).map(tuple),
    )
)
def test_an_artifact_survives_json(each: Artifact) -> None:
    assert Artifact.from_json(json.loads(json.dumps(each.to_json(with_map=True)))) == each
