"""The command line as a whole: where it begins, how it ends, and what it says of what it does not understand."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from agent import __version__
from agent.cli import running
from agent.errors import BooksUnbalanced

COMMANDS = ("demo", "run", "train", "data", "chain", "deploy", "doctor")
HEAVY = ("sklearn", "skops", "web3", "eth_account", "eth_tester", "sqlalchemy", "starlette")


def script() -> tuple[str, ...]:
    """The installed console script of this environment."""
    found = shutil.which("patternsettle", path=str(Path(sys.executable).parent))
    if found is None:
        pytest.skip("the console script is not installed beside this Python")
    return (found,)


class TestTheBeginning:
    def test_the_console_script_and_the_module_are_the_same(self, terminal):
        for arguments in (["--version"], ["demo", "--help"], ["demo", "--bars", "0"]):
            assert terminal.run(*arguments) == terminal.run(*arguments, program=script())

    def test_the_version_is_the_packages(self, command):
        assert command("--version").out == f"patternsettle {__version__}\n"

    def test_alone_it_shows_its_commands(self, command):
        shown = command()
        assert [name for name in COMMANDS if f"\n  {name} " not in shown.out] == []
        assert shown.err == ""

    @pytest.mark.parametrize("name", COMMANDS)
    def test_each_command_explains_itself(self, name, command):
        shown = command(name, "--help")
        assert shown.code == 0
        assert shown.out.startswith(f"Usage: patternsettle {name} ")
        assert "--json" in shown.out
        assert command(name, "-h").out == shown.out

    def test_the_overview_cuts_no_sentence_short(self, command):
        assert "..." not in command("--help").out.split("Commands:")[1]

    def test_help_waits_for_no_heavy_library(self, terminal):
        code = (
            "import sys; from agent.cli import run_command; run_command(['--help']); run_command(['data', '--help']);"
            f"print('loaded:', *sorted({{'pandas', *{HEAVY}}} & set(sys.modules)))"
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

    @pytest.mark.parametrize("arguments", [["--help"], ["doctor", "--json"], ["data", "FILE"]], ids=" ".join)
    def test_a_reader_that_has_gone_is_no_error(self, arguments, terminal, price_file):
        process = terminal.start(*(str(price_file) if each == "FILE" else each for each in arguments))
        process.stdout.close()
        process.stdout = None
        assert (process.stderr.read(), process.wait()) == ("", 0)

    def test_a_terminal_that_cannot_show_a_name_shows_it_otherwise(self, terminal, price_file):
        path = terminal.folder / "prix-€.csv"
        path.write_bytes(price_file.read_bytes())
        shown = terminal.run("data", path.name, env={"PYTHONIOENCODING": "ascii"})
        assert shown.code == 0
        assert "prix-\\u20ac.csv" in shown.out
