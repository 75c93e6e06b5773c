"""The README is true: each command it shows is run again, and what it shows as printed is what is printed."""

from __future__ import annotations

import csv
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.market.synthetic import planted

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
CAST = ROOT / "tests/clients/node_modules/@foundry-rs/cast-linux-amd64/bin/cast"
SHOWN_CHAIN = "http://127.0.0.1:8545"

# What no two runs share, or no two machines: seconds, hashes, and the last digits of a trained model.
VARYING = re.compile(r"\d+\.\d s\b|0x[0-9a-f]{64}|head [0-9a-f]+")
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
    """The command as it runs here: with this Python's own patternsettle, and the npm package's cast."""
    words = {
        "patternsettle": f"{sys.executable} -m agent",
        "cast": str(CAST),
        "scripts/demo": f"bash {ROOT}/scripts/demo",
    }
    first, _, rest = command.partition(" ")
    return f"{words.get(first, first)} {rest}"


def run(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "COLUMNS": "80", "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        runnable(command),
        shell=True,
        cwd=folder,
        env=environment,
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
    """A reader's folder: a price file, and the file with a model that the README tells them to write."""
    place = tmp_path_factory.mktemp("reader")
    bars = planted(4_000, seed=3)
    with (place / "prices.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["timestamp", "open", "high", "low", "close", "volume"])
        for index in range(len(bars)):
            bar = bars.bar(index)
            prices = (bars.decimal(price) for price in (bar.open, bar.high, bar.low, bar.close))
            writer.writerow([bar.time, *prices, bars.volume[index]])
    (place / "mine.py").write_text(next(block for block in blocks("python") if "def forest" in block))
    return place


@pytest.fixture(scope="module")
def served_chain(folder: Path) -> Iterator[str]:
    """The chain that the README starts, on a free port."""
    command = next(command for command, _ in sessions() if command.startswith("patternsettle chain"))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        runnable(command).replace("8545", str(port)).split(),
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        for line in process.stdout:
            if "Ctrl-C ends" in line:
                break
        assert process.poll() is None, "the chain ended by itself"
        yield f"http://127.0.0.1:{port}"
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=30) == 0
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def local_commands() -> list[str]:
    """What a reader runs in their folder, in the README's order: each may need what the one before made."""
    return [
        command
        for command, _ in sessions()
        if command.startswith("patternsettle") and "chain" not in command.split() and SHOWN_CHAIN not in command
    ]


def test_the_first_command_prints_what_the_readme_shows(folder):
    command, shown = sessions()[0]
    assert command == "scripts/demo"

    done = run(command, folder)

    assert done.returncode == 0, done.stderr
    assert_prints(shown, done.stdout.splitlines())


def test_every_command_on_a_readers_own_file_works(folder):
    commands = local_commands()
    assert len(commands) >= 4

    for command in commands:
        done = run(command, folder)
        assert done.returncode == 0, f"{command}: {done.stderr}"
        assert done.stdout.strip()


def test_a_desk_in_a_second_terminal_trades_on_the_served_chain(folder, served_chain):
    command = next(command for command, _ in sessions() if command.startswith("patternsettle run"))

    done = run(f"{command.replace(SHOWN_CHAIN, served_chain)} --bars 3 --journal :memory:", folder)

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


def test_all_commands_shown_are_run_here():
    tried = {sessions()[0][0], *local_commands()}
    others = [command for command, _ in sessions() if command not in tried]
    assert [command.split()[0:2] for command in others] == [
        ["patternsettle", "chain"],
        ["patternsettle", "run"],
        ["cast", "call"],
    ]


def test_all_files_the_readme_points_to_exist():
    targets = re.findall(r"\]\(([^)#:]+)\)", README)
    assert targets
    assert [target for target in targets if not (ROOT / target).exists()] == []


def test_all_scripts_the_readme_names_exist():
    named = set(re.findall(r"`?(scripts/\w+)", README))
    assert "scripts/test" in named
    assert [name for name in named if shutil.which(ROOT / name) is None] == []
