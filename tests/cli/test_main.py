"""The command line as a whole: where it begins, how it ends, and what it says of what it does not understand."""

from __future__ import annotations

import errno
import json
import os
import shutil
import sys
from pathlib import Path

import pytest

from agent import __version__
from agent.cli import main, running
from agent.errors import BooksUnbalanced

from ..prefork.forked import MODULE

COMMANDS = (
    *("demo", "run", "swap", "train", "models", "new-model", "check", "evaluate", "sweep"),
    *("data", "chain", "deploy", "doctor"),
    *(f"mandate {each}" for each in ("new", "show", "check", "lodge", "release", "cancel")),
)
HEAVY = ("sklearn", "skops", "web3", "eth_account", "eth_tester", "sqlalchemy", "starlette")


def script() -> tuple[str, ...]:
    """The installed console script of this environment."""
    found = shutil.which("patternsettle", path=str(Path(sys.executable).parent))
    if found is None:
        pytest.skip("the console script is not installed beside this Python")
    return (found,)


class TestTheBeginning:
    def test_the_console_script_and_the_module_are_the_same(self, terminal):
        for arguments in (["demo", "--help"], ["demo", "--bars", "0"]):
            assert terminal.run(*arguments, program=MODULE) == terminal.run(*arguments, program=script())

    def test_the_version_is_the_packages(self, command):
        assert command("--version").out == f"patternsettle {__version__}\n"

    def test_alone_it_shows_its_commands(self, command):
        shown = command()
        assert [name for name in COMMANDS if f"\n  {name.split()[0]} " not in shown.out] == []
        assert shown.err == ""

    @pytest.mark.parametrize("name", COMMANDS)
    def test_each_command_explains_itself(self, name, command):
        shown = command(*name.split(), "--help")
        assert shown.code == 0
        assert shown.out.startswith(f"Usage: patternsettle {name} ")
        assert "--json" in shown.out
        assert command(*name.split(), "-h").out == shown.out

    def test_the_overview_cuts_no_sentence_short(self, command):
        for group in ((), ("mandate",)):
            assert "..." not in command(*group, "--help").out.split("Commands:")[1]

    def test_help_and_the_list_of_models_wait_for_no_heavy_library(self, terminal):
        light = [["--help"], *([*name.split(), "--help"] for name in COMMANDS), ["models"]]
        code = (
            f"import sys; from agent.cli import run_command; [run_command(each) for each in {light}];"
            f"print('loaded:', *sorted({{'pandas', 'arch', 'joblib', 'distributed', 'talib', *{HEAVY}}} & set(sys.modules)))"
        )
        shown = terminal.run("-c", code, program=(sys.executable,))
        assert shown.out.splitlines()[-1] == "loaded:"

    def test_reading_a_file_waits_for_no_model_and_no_chain(self, terminal, price_file):
        code = (
            "import sys; from agent.cli import run_command; run_command(sys.argv[1:]);"
            f"print('loaded:', *sorted(set({HEAVY}) & set(sys.modules)))"
        )
        shown = terminal.run("-c", code, "data", str(price_file), program=(sys.executable,))
        assert shown.out.splitlines()[-1] == "loaded:"
        assert "1,500" in shown.out


class TestWhatIsNotUnderstood:
    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            (["dmo"], ["No such command 'dmo'", "Did you mean 'demo'?", "patternsettle --help"]),
            (["frobnicate"], ["No such command 'frobnicate'", "patternsettle --help"]),
            (["demo", "--sed", "3"], ["No such option: --sed", "Did you mean --seed?", "demo --help"]),
            (["--verbose"], ["No such option: --verbose"]),
            (["demo", "prices.csv"], ["prices.csv", "demo --help"]),
            (["demo", "--bars"], ["--bars", "requires an argument"]),
            (["demo", "--bars", "many"], ["--bars", "integer"]),
            (["demo", "--bars", "1.5"], ["--bars", "integer"]),
            (["demo", "--duplicates", "maybe"], ["--duplicates", "refuse"]),
            (["data"], ["Missing argument", "data --help"]),
            (["train"], ["Missing option", "--out", "train --help"]),
        ],
        ids=" ".join,
    )
    def test_one_line_says_so_and_where_to_look(self, arguments, words, command):
        command(*arguments).is_refused(*words)


class TestTheEnd:
    def test_books_that_do_not_balance_end_with_a_code_of_their_own(self, command, monkeypatch):
        def cheated(choice):
            raise BooksUnbalanced("Held and owed differ.", cure="Keep the journal.")

        monkeypatch.setattr(running, "carry_out", cheated)
        ended = command("demo")
        assert (ended.code, ended.err) == (1, "patternsettle: Held and owed differ. Keep the journal.\n")

    def test_ctrl_c_before_anything_can_be_reported_says_so(self, command, monkeypatch):
        def interrupted(choice):
            raise KeyboardInterrupt

        monkeypatch.setattr(running, "carry_out", interrupted)
        ended = command("demo")
        assert (ended.code, ended.err) == (130, "patternsettle: interrupted.\n")

    @pytest.mark.parametrize("arguments", [["--help"], ["data", "FILE"], ["models", "--json"]], ids=" ".join)
    def test_a_reader_that_has_gone_is_no_error(self, arguments, terminal, price_file):
        process = terminal.start(*(str(price_file) if each == "FILE" else each for each in arguments))
        process.stdout.close()
        process.stdout = None
        assert (process.stderr.read(), process.wait()) == ("", 0)

    @pytest.mark.parametrize(
        "arguments", [["--help"], ["models"], ["models", "--json"], ["--version"]], ids=" ".join
    )
    def test_output_that_cannot_be_written_is_refused_in_one_line(self, arguments, terminal):
        unwritable = os.open(os.devnull, os.O_RDONLY)
        process = terminal.start(*arguments, stdout=unwritable)
        os.close(unwritable)
        said = f"patternsettle: Standard output cannot be written: {os.strerror(errno.EBADF)}."
        assert process.stderr.read() == f"{said} Send it somewhere that takes it.\n"
        assert process.wait() == 2

    def test_output_that_was_closed_is_refused_in_one_line(self, monkeypatch, capsys):
        monkeypatch.setattr(sys, "stdout", None)
        with pytest.raises(SystemExit) as ended:
            main(["models"])
        sys.stdout.close()
        assert ended.value.code == 2
        assert capsys.readouterr().err.startswith("patternsettle: Standard output cannot be written: ")

    def test_an_error_of_another_file_is_not_taken_for_one_of_the_output(self, command, monkeypatch):
        def failed(choice):
            raise OSError(errno.ENOSPC, "no room")

        monkeypatch.setattr(running, "carry_out", failed)
        with pytest.raises(OSError, match="no room"):
            command("demo")

    def test_a_terminal_that_cannot_show_a_name_shows_it_otherwise(self, terminal, price_file):
        path = terminal.folder / "prix-€.csv"
        path.write_bytes(price_file.read_bytes())
        shown = terminal.run("data", path.name, program=MODULE, env={"PYTHONIOENCODING": "ascii"})
        assert shown.code == 0
        assert "prix-\\u20ac.csv" in shown.out


PRINTS = """
import os

from sklearn.naive_bayes import GaussianNB


class Prints(GaussianNB):
    def predict_proba(self, X):
        print("from Python")
        os.write(1, b"from C\\n")
        return super().predict_proba(X)
"""


def test_what_a_model_prints_goes_to_standard_error(command, tmp_path, price_file, monkeypatch):
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    (tmp_path / "here" / "prints.py").write_text(PRINTS)
    ended = command("train", "--model", "prints:Prints", "--data", price_file, "--out", "m", "--json")
    assert json.loads(ended.out)
    assert "from Python\n" in ended.err


def test_and_so_does_what_it_has_written_past_python(terminal, price_file):
    (terminal.folder / "prints.py").write_text(PRINTS)
    ended = terminal.run("train", "--model", "prints:Prints", "--data", str(price_file), "--out", "m", "--json")
    assert json.loads(ended.out)
    assert {"from Python", "from C"} <= set(ended.err.splitlines())
