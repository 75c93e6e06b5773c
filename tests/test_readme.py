"""The README is true: each command it shows is run again, and what it shows as printed is what is printed."""

from __future__ import annotations

import io
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from pathlib import Path

import pytest

from agent.cli import run_command

from .prefork.forked import Process, start

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
CAST = ROOT / "tests/clients/node_modules/@foundry-rs/cast-linux-amd64/bin/cast"
PATH = tuple(sys.path)  # before any command, here or in other tests, has added the folder it is run in
STDERR = 2  # of these tests: what a command says there is no business of theirs
SHOWN_CHAIN = "http://127.0.0.1:8545"

# What no two runs share, or no two machines: seconds, hashes, and the last digits of a trained model.
VARYING = re.compile(r"\d+\.\d s\b|0x(?:[0-9a-f]{64}|\.{3})|head (?:[0-9a-f]+|\.{3})")
NUMBER = re.compile(r"[-+]?\d[\d,]*\.?\d*")
TOLERANCE = 0.002


def blocks(language: str) -> list[str]:
    """The text of the README's fenced blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", README, flags=re.MULTILINE | re.DOTALL)


def sessions() -> list[tuple[str, list[str]]]:
    """Each command of the console blocks, with the lines shown as its output."""
    found: list[tuple[str, list[str]]] = []
    for line in (line for block in blocks("console") for line in block.splitlines()):
        if line.startswith("$ "):
            found.append((line[2:], []))
        else:
            found[-1][1].append(line)
    return found


def runnable(command: str) -> str:
    """The command as it runs here, where it is not ours: with the npm package's cast, and this checkout's script."""
    words = {"cast": str(CAST), "scripts/demo": f"bash {ROOT}/scripts/demo"}
    first, _, rest = command.partition(" ")
    return f"{words[first]} {rest}"


def environment(folder: Path) -> dict[str, str]:
    """What a reader's commands find: a terminal of the README's width, and a log of trials of their own."""
    return {
        **os.environ,
        "COLUMNS": "80",
        "PYTHONPATH": str(ROOT),
        "PATTERNSETTLE_TRIALS": str(folder / "trials.jsonl"),
    }


def run(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a command in a folder: ours in this process, where its imports are there already."""
    program, *arguments = shlex.split(command)
    if program == "patternsettle":
        out, err = io.StringIO(), io.StringIO()
        with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
            patch.chdir(folder)
            patch.setattr(sys, "path", list(PATH))
            for name, value in environment(folder).items():
                patch.setenv(name, value)
            code = run_command(arguments)
        sys.modules.pop("mine", None)  # the reader's model, which each command imports anew
        return subprocess.CompletedProcess(command, code, out.getvalue(), err.getvalue())
    return subprocess.run(
        runnable(command),
        shell=True,
        cwd=folder,
        env=environment(folder),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def same(shown: str, printed: str) -> bool:
    """Whether two lines say the same: the same words, and numbers as near as machines agree on them."""
    shown, printed = (VARYING.sub("~", line) for line in (shown, printed))
    words, numbers = zip(
        *((NUMBER.sub("#", line).split(), NUMBER.findall(line)) for line in (shown, printed)), strict=True
    )
    if words[0] != words[1] or len(numbers[0]) != len(numbers[1]):
        return False
    pairs = ((float(a.replace(",", "")), float(b.replace(",", ""))) for a, b in zip(*numbers, strict=True))
    return all(abs(a - b) <= max(TOLERANCE * abs(a), TOLERANCE) for a, b in pairs)


def assert_prints(shown: list[str], printed: list[str]) -> None:
    """Each line shown is printed, in this order; where the README has ``...``, any lines may stand."""
    rest = iter(filter(str.strip, printed))
    anything = False
    for line in filter(str.strip, shown):
        if line.strip() == "...":
            anything = True
            continue
        for candidate in rest:
            if same(line, candidate):
                break
            assert anything, f"the README shows {line!r}, printed was {candidate!r}"
        else:
            pytest.fail(f"the README shows {line!r}, which was not printed")
        anything = False


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A reader's folder, in which nothing is yet."""
    return tmp_path_factory.mktemp("reader")


@contextmanager
def serving(command: str, folder: Path) -> Iterator[str]:
    """A chain that the README starts, on a free port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    with background(f"{command} --port {port}", folder) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if "Ctrl-C ends" in line:
                break
        assert process.poll() is None, "the chain ended by itself"
        yield address
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=30) == 0


@contextmanager
def background(command: str, folder: Path) -> Iterator[Process]:
    """A command of ours that runs while others do, and is ended with them."""
    process = start(shlex.split(command)[1:], folder=folder, environment=environment(folder), stderr=STDERR)
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


@pytest.fixture(scope="module")
def served_chain(folder: Path) -> Iterator[str]:
    """The first chain that the README starts."""
    command = next(command for command, _ in sessions() if command.startswith("patternsettle chain"))
    with serving(command.replace("--port 8545 ", ""), folder) as address:
        yield address


def others() -> set[str]:
    """What needs a chain that is served, and a desk that runs on it."""
    return {
        command
        for command, _ in sessions()
        if command.startswith(("cast", "patternsettle chain", "patternsettle swap")) or SHOWN_CHAIN in command
    }


def local_commands() -> list[str]:
    """What a reader runs in their folder, in the README's order: each may need what the one before made."""
    return [
        command
        for command, _ in sessions()
        if command.startswith("patternsettle") and not others().intersection({command})
    ]


def test_the_first_command_prints_what_the_readme_shows(tmp_path):
    command, shown = sessions()[0]
    assert command == "scripts/demo"

    done = run(command, tmp_path)

    assert done.returncode == 0, done.stderr
    assert_prints(shown, done.stdout.splitlines())


def test_every_command_works_as_it_is_typed_in_a_folder_with_nothing_in_it(tmp_path):
    commands = local_commands()
    assert len(commands) >= 9

    for command in commands:
        done = run(command, tmp_path)
        assert done.returncode == 0, f"{command}: {done.stderr}"
        assert done.stdout.strip()


def test_a_desk_in_a_second_terminal_trades_on_the_served_chain(folder, served_chain):
    command = next(command for command, _ in sessions() if command.startswith("patternsettle run"))

    done = run(f"{command.replace(SHOWN_CHAIN, served_chain)} --bars 2 --journal :memory:", folder)

    assert done.returncode == 0, done.stderr
    assert "balanced" in done.stdout


@pytest.mark.clients
def test_cast_asks_the_served_chain(folder, served_chain):
    if not CAST.is_file():
        message = "npm's cast is not installed; scripts/test installs it"
        pytest.fail(message) if os.environ.get("PATTERNSETTLE_REQUIRE_CLIENTS") else pytest.skip(message)
    command = next(command for command, _ in sessions() if command.startswith("cast"))

    done = run(command.replace(SHOWN_CHAIN, served_chain), folder)

    assert done.returncode == 0, done.stderr
    assert re.match(r"\d", done.stdout)


def test_a_desk_that_runs_takes_another_model_and_goes_back(folder):
    for command in local_commands():
        if command.startswith(("patternsettle data --sample", "patternsettle new-model", "patternsettle train")):
            assert run(command, folder).returncode == 0
    serve, trade, *swaps = [command for command, _ in sessions() if command in others()][-5:]
    # What takes a reader half a minute, at one bar a second and with 24 bars in the shadow, need not take it here.
    with (
        serving(serve.replace("--speed 1", "--speed 2"), folder) as address,
        background(f"{trade.replace(SHOWN_CHAIN, address)} --shadow-bars 2", folder) as desk,
    ):
        until_it_trades(folder, desk)

        told = [run(command, folder) for command in swaps]

        assert [(done.returncode, done.stderr) for done in told if done.returncode] == []
        take, status, back = (" ".join(done.stdout.split()) for done in told)
        assert "live" in take
        assert "mine.psm" in status
        assert back.startswith("Back to the model before")


def until_it_trades(folder: Path, desk: subprocess.Popen[str]) -> None:
    """Wait until the desk hears what is asked of it."""
    while "running" not in run("patternsettle swap --status", folder).stdout:
        with suppress(subprocess.TimeoutExpired):
            desk.wait(0.3)
            pytest.fail("the desk ended by itself")


def test_all_commands_shown_are_run_here():
    tried = {sessions()[0][0], *local_commands()}
    rest = [command for command, _ in sessions() if command not in tried]
    assert [command.split()[0:2] for command in rest] == [
        ["patternsettle", "chain"],
        ["patternsettle", "run"],
        ["cast", "call"],
        ["patternsettle", "chain"],
        ["patternsettle", "run"],
        ["patternsettle", "swap"],
        ["patternsettle", "swap"],
        ["patternsettle", "swap"],
    ]


@pytest.mark.parametrize(
    "name",
    ["README.md", "CONTRIBUTING.md", "agent/testing/README.md"]
    + [f"contracts/{name}.md" for name in ("INVARIANTS", "PROOF", "MUTANTS", "GAS")],
)
def test_all_files_a_document_points_to_exist(name):
    document = ROOT / name
    targets = re.findall(r"\]\(([^)#:]+)\)", document.read_text(encoding="utf-8"))
    assert [target for target in targets if not (document.parent / target).exists()] == []


def test_all_scripts_the_readme_names_exist():
    named = set(re.findall(r"`?(scripts/\w+)", README))
    assert "scripts/test" in named
    assert [name for name in named if shutil.which(ROOT / name) is None] == []
