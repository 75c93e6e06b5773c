"""What cannot work is refused in one line that says what is wrong and what to do, and leaves nothing behind."""

from __future__ import annotations

import gzip
import os
import pickle
import sqlite3
from pathlib import Path

import pytest

from agent.desk.entries import RunEnded
from agent.desk.journal import Journal

SECRET = "correct horse battery staple"
WRONG_CHECKSUM = " ".join(["zoo"] * 11 + ["zebra"])
PHRASE_OF_OTHERS = "legal winner thank year wave sausage worth useful legal winner thank yellow"


@pytest.fixture(autouse=True)
def _leaves_nothing_behind(command):
    """Whatever a test finds out: a refusal adds no file to the folder it is made in."""
    yield
    assert list(Path.cwd().iterdir()) == []


@pytest.fixture
def made(tmp_path):
    """Return a function that makes a file elsewhere."""

    def make(name: str, content: bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(content)
        return path

    return make


def rows(count: int) -> bytes:
    lines = (f"{1_700_000_000 // 3600 * 3600 + 3600 * i},10,12,9,11,5\n" for i in range(count))
    return b"time,open,high,low,close,volume\n" + "".join(lines).encode()


class TestAPriceFile:
    @pytest.mark.parametrize(
        ("content", "words"),
        [
            (b"", ["the file is empty", "export it again"]),
            (b"\n\n\n", []),
            (bytes(range(256)) * 20, ["binary"]),
            (b"time,open,high,low,close\n", []),
            (rows(3), ["3 bars", "500 were to be replayed", "--bars"]),
            (rows(520), ["520 bars do not suffice", "nothing is left to train on"]),
            (b"[" * 100_000, ["nested too deeply"]),
            (b"<!DOCTYPE html><html><body>Not found</body></html>", []),
            (rows(20)[:-10] + b",abc,1\n", ["line"]),
            (b"PAR1" + bytes(100), []),
            (gzip.compress(rows(600))[:-20], []),
        ],
        ids=["empty", "blank", "binary", "header", "few", "short", "deep", "page", "torn", "parquet", "gzip"],
    )
    def test_that_cannot_be_traded_on(self, content, words, command, made):
        suffix = {b"PAR1": ".parquet", b"\x1f\x8b\x08\x00": ".csv.gz", b"[[[[": ".json"}.get(content[:4], ".csv")
        command("demo", "--data", made(f"prices{suffix}", content)).is_refused(*words)

    def test_that_is_not_there(self, command):
        command("demo", "--data", "nowhere.csv").is_refused("nowhere.csv: there is no such file", "Check the path")

    def test_that_is_a_folder(self, command, tmp_path):
        command("demo", "--data", tmp_path).is_refused("it is a folder", "Name one file")

    def test_that_would_leave_too_little_to_train_on(self, command, price_file):
        command("demo", "--data", price_file, "--bars", "1300").is_refused("too few to train on", "longer series")

    def test_of_several_markets_without_the_name_of_one(self, command, shared_file):
        file = shared_file("btc_eth_usdt_5m_wide.csv")
        command("demo", "--data", file).is_refused("several markets", "--market BTC/USDT")
        command("demo", "--data", file, "--market", "ETHH/USDT").is_refused("Did you mean `--market ETH/USDT`?")


class TestOptions:
    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            (["--seed", "-1"], ["--seed", "greater than or equal to 0"]),
            (["--seed", str(2**32)], ["--seed", "less than or equal to"]),
            (["--seed", "seven"], ["--seed", "integer"]),
            (["--bars", "0"], ["--bars", "greater than or equal to 1"]),
            (["--bars", "-5"], ["--bars"]),
            (["--bars", "9" * 30], ["--bars"]),
            (["--market", "ETH/USD"], ["--market", "Give one with --data"]),
            (["--trust", "a.b.C"], ["--trust", "Give one with --model"]),
            (["--walk", "--data", "prices.csv"], ["--walk", "--data", "one of the two"]),
        ],
        ids=" ".join,
    )
    def test_that_cannot_be_meant(self, arguments, words, command):
        command("demo", *arguments).is_refused(*words)

    def test_more_bars_than_a_file_has(self, command, price_file):
        ended = command("demo", "--data", price_file, "--bars", "2000")
        ended.is_refused("1,500 bars, and 2,000 were to be replayed", "fewer with --bars")


class TestAModel:
    @pytest.mark.parametrize("name", ["model.pkl", "model.joblib", "model", "model.skops"])
    def test_that_is_a_pickle_is_never_loaded(self, name, command, made):
        class Trap:
            def __reduce__(self) -> tuple[object, tuple[str]]:
                return (os.mkdir, ("sprung",))

        command("demo", "--model", made(name, pickle.dumps(Trap()))).is_refused(
            "never loaded", "patternsettle train"
        )

    def test_that_is_not_there(self, command):
        command("demo", "--model", "./nowhere").is_refused("no model at nowhere", "patternsettle train")

    def test_that_is_some_other_folder(self, command, tmp_path):
        command("demo", "--model", tmp_path).is_refused("is not a model", "patternsettle train")

    def test_that_is_not_what_its_manifest_says(self, command, price_file, tmp_path):
        folder = tmp_path / "model"
        assert command("train", "--data", price_file, "--out", folder).code == 0
        [artifact] = folder.glob("*.skops")
        artifact.write_bytes(artifact.read_bytes() + b" ")
        command("demo", "--model", folder).is_refused("manifest")

    def test_whose_manifest_is_nested_without_end(self, command, tmp_path):
        (tmp_path / "manifest.json").write_bytes(b"[" * 100_000)
        (tmp_path / "model.skops").write_bytes(b"PK")
        command("demo", "--model", tmp_path).is_refused("manifest.json")


class TestANode:
    @pytest.mark.parametrize("name", ["demo", "run", "deploy"])
    def test_that_nobody_runs(self, name, command):
        ended = command(name, "--rpc", "http://127.0.0.1:1")
        ended.is_refused("No node answers", "http://127.0.0.1:1", "patternsettle chain, or anvil")

    @pytest.mark.parametrize("url", ["ftp://127.0.0.1", "127.0.0.1:8545", "ws://127.0.0.1:8545", "", "file:///x"])
    def test_that_has_no_address(self, url, command):
        command("demo", "--rpc", url).is_refused("not an address of a node", "http://127.0.0.1:8545")

    @pytest.mark.parametrize("url", ["http://", "http://127.0.0.1:99999", "http://no such host:1"])
    def test_that_can_have_no_such_address(self, url, command):
        command("demo", "--rpc", url).is_refused(url)


class TestAJournal:
    def test_in_a_folder_that_is_not_there(self, command):
        command("demo", "--journal", "nowhere/journal.sqlite").is_refused("does not exist", "Create it first")

    def test_that_is_a_folder(self, command, tmp_path):
        command("demo", "--journal", tmp_path).is_refused("is a folder", "Name a file inside it")

    @pytest.mark.parametrize("name", ["demo", "run"])
    def test_that_is_some_other_file_is_left_as_it_is(self, name, command, made, price_file):
        file = made("notes.txt", b"bread, milk, and a rather long list of other things to buy\n" * 20)
        before = file.read_bytes()
        ended = command(name, "--data", price_file, "--bars", "10", "--journal", file)
        ended.is_refused("is not a SQLite database", "Name another file")
        assert file.read_bytes() == before
        assert [each.name for each in file.parent.glob("notes*")] == ["notes.txt"]

    def test_that_is_some_other_database(self, command, tmp_path):
        with sqlite3.connect(tmp_path / "other.sqlite") as other:
            other.execute("CREATE TABLE recipes (name TEXT)")
        other.close()
        command("demo", "--journal", tmp_path / "other.sqlite").is_refused(
            "is not a journal", "Name another place"
        )

    def test_that_is_no_plain_file(self, command):
        command("demo", "--journal", os.devnull).is_refused("not a plain file", "--journal")

    @pytest.mark.skipif(not Path("/proc").is_dir(), reason="needs a folder in which nobody can make a file")
    def test_in_a_place_that_takes_no_files(self, command):
        command("demo", "--journal", "/proc/journal.sqlite").is_refused("cannot be written", "--journal")

    @pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="this user may write everywhere")
    def test_that_may_not_be_written_to(self, command, made):
        file = made("journal.sqlite", b"")
        file.chmod(0o400)
        command("demo", "--journal", file).is_refused("cannot be written", "writable")

    def test_in_a_database_of_another_kind(self, command):
        command("demo", "--journal", "mysql://h/d").is_refused("cannot lie in", "SQLite", "postgresql")

    def test_in_a_database_that_does_not_answer_never_shows_the_password(self, command):
        ended = command("demo", "--journal", "postgresql://user:hunter2@127.0.0.1:1/d")
        ended.is_refused("user:***@127.0.0.1:1")
        assert "hunter2" not in ended.err

    def test_that_another_desk_is_writing(self, command, price_file, tmp_path):
        place = tmp_path / "journal.sqlite"
        with Journal.open(place) as theirs:
            theirs.append(RunEnded(summary={}))
            ended = command("run", "--data", price_file, "--bars", "10", "--journal", place)
            ended.is_refused("Another running desk", "name another journal")
            assert theirs.verify().rows == 1


class TestTheSeedPhrase:
    @pytest.mark.parametrize(
        ("phrase", "words"),
        [
            (SECRET, ["PATTERNSETTLE_MNEMONIC", "has 4 words", "Mend or unset it"]),
            (WRONG_CHECKSUM, ["PATTERNSETTLE_MNEMONIC", "not a valid seed phrase", "Mend or unset it"]),
            (PHRASE_OF_OTHERS, ["PATTERNSETTLE_MNEMONIC names others", "--rpc"]),
            ("", ["PATTERNSETTLE_MNEMONIC", "has 0 words"]),
        ],
        ids=["short", "checksum", "unfunded", "empty"],
    )
    @pytest.mark.parametrize("name", ["demo", "chain"])
    def test_that_cannot_be_used_is_refused_and_never_shown(self, name, phrase, words, command, monkeypatch):
        monkeypatch.setenv("PATTERNSETTLE_MNEMONIC", phrase)
        ended = command(name)
        ended.is_refused(*words)
        assert not any(word in ended.err.split() for word in phrase.split())

    def test_other_settings_are_held_to_their_ranges(self, command, monkeypatch):
        monkeypatch.setenv("PATTERNSETTLE_REQUEST_TIMEOUT", "-1")
        command("demo").is_refused("PATTERNSETTLE_REQUEST_TIMEOUT", "greater than 0", "Mend or unset it")
