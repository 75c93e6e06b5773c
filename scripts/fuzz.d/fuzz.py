"""Each hostile command line in a folder of its own: it ends by itself or when asked to, in words, and touches nothing else."""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parents[1])]

from lines import Line, every_command, lines  # noqa: E402

from agent.evaluation.trials import TRIALS_VARIABLE  # noqa: E402
from agent.market.sample import write_sample  # noqa: E402
from tests.prefork.forked import Process, start  # noqa: E402

__all__ = ["Fault", "Line", "every_command", "faults", "lines", "tried"]

CODES = (0, 1, 2, 130)
LASTING = ("chain", "check", "demo", "doctor", "evaluate", "run", "swap", "sweep", "train")
"""Commands that may have much to do: those are ended by Ctrl-C after a while, the others end by themselves."""
WHILE = 4.0  # seconds
PATIENCE = 60.0  # seconds, on a machine that has much else to do
SHOWN = 2_000  # letters of a line or of what it said


@dataclass(frozen=True)
class Fault:
    """A command line that did not end as it should.

    Attributes
    ----------
    line
        It.
    why
        What is wrong, in one sentence.
    said
        What it wrote on standard error.
    """

    line: Line
    why: str
    said: str

    def __str__(self) -> str:
        return f"{self.why}\n  patternsettle {shlex.join(self.line.arguments)[:SHOWN]!r}\n{self.said[-SHOWN:]}"


def prepare(folder: Path, model: Path | None) -> None:
    """Make what lies in the folder that a line is typed in."""
    folder.mkdir(parents=True)
    write_sample(folder / "prices.csv")
    rows = (folder / "prices.csv").read_text().splitlines(keepends=True)
    (folder / "short.csv").write_text("".join(rows[:30]))
    (folder / "empty.csv").touch()
    (folder / "binary.csv").write_bytes(bytes(range(256)) * 20)
    (folder / "folder").mkdir()
    (folder / "loop").symlink_to("loop")
    (folder / "dangling").symlink_to("gone")
    os.mkfifo(folder / "pipe")
    if model is not None:
        shutil.copy(model, folder / "model.psm")


def tried(line: Line, root: Path, model: Path | None = None) -> Fault | None:
    """Type a line in a new folder below `root`; return what is wrong with how it ended, None where nothing is."""
    here, home, temporary = root / "in" / "here", root / "home", root / "tmp"
    prepare(here, model)
    home.mkdir()
    temporary.mkdir()
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("PATTERNSETTLE_")},
        "HOME": str(home),
        "TMPDIR": str(temporary),
        "XDG_DATA_HOME": str(home / "data"),
        TRIALS_VARIABLE: str(root / "in" / "trials.jsonl"),
    }
    process = start(list(line.arguments), folder=here, environment=environment)
    began = time.monotonic()
    code, _, err, late = _ended(process, lasting=line.command[:1] != () and line.command[0] in LASTING)
    why = ""
    if late:
        why = f"It did not end in {time.monotonic() - began:.0f} s."
    elif "Traceback (most recent call last)" in err:
        why = "It shows a traceback."
    elif code not in CODES:
        why = f"Its exit code is {code}."
    elif code == 2 and not err.rstrip("\n").rpartition("\n")[2].startswith("patternsettle: "):
        why = "It is refused, and does not say so in its last line."
    elif touched := _touched(root):
        why = f"It left {', '.join(touched)}."
    return Fault(line, why, err) if why else None


def _ended(process: Process, *, lasting: bool) -> tuple[int | None, str, str, bool]:
    """Return the exit code and what was said, and whether the command had to be killed."""
    streams = [stream for stream in (process.stdout, process.stderr) if stream is not None]
    with ThreadPoolExecutor(len(streams)) as reading:  # at once, for the command waits while one is full
        said = [reading.submit(stream.read) for stream in streams]
        late = not _ends(process, lasting=lasting)
        if late:
            process.kill()
            process.wait()
        out, err = (each.result() for each in said)
    for stream in streams:
        stream.close()
    return process.returncode, out, err, late


def _ends(process: Process, *, lasting: bool) -> bool:
    """Whether it ends: by itself, or where it may have much to do, at one Ctrl-C."""
    with suppress(subprocess.TimeoutExpired):
        process.wait(WHILE if lasting else PATIENCE)
        return True
    if lasting:
        process.send_signal(signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            process.wait(PATIENCE)
            return True
    return False


def _touched(root: Path) -> list[str]:
    """What a command left outside of the folder that it was typed in: in the home, or among temporary files."""
    allowed = {"in", "home", "tmp"}
    return [
        *(str(path.relative_to(root)) for name in ("home", "tmp") for path in (root / name).rglob("*")),
        *(path.name for path in root.iterdir() if path.name not in allowed),
    ]


def faults(
    seed: int, cases: int, *, until: float, root: Path, model: Path | None = None
) -> Iterator[tuple[int, Fault | None]]:
    """Try so many lines, or as many as there is time for; yield the number of each, and what is wrong with it."""
    for number, line in enumerate(islice(lines(seed), cases)):
        if time.monotonic() > until:
            return
        folder = root / str(number)
        try:
            yield number, tried(line, folder, model)
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _model(root: Path) -> Path:
    """Train the model that lies in each folder."""
    write_sample(root / "prices.csv")
    training = ["train", "--data", "prices.csv", "--model", "tree", "--out", "model.psm"]
    environment = {**os.environ, TRIALS_VARIABLE: str(root / "trials.jsonl")}
    process = start(training, folder=root, environment=environment)
    _, said = process.communicate()
    if process.returncode:
        sys.exit(said)
    return root / "model.psm"


def main() -> None:
    """Try lines and say what is wrong with them; exit code 1 where anything is."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--only", type=int, help="number of the one line to try")
    asked = parser.parse_args()
    found = done = 0
    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        model = _model(root)
        if asked.only is not None:
            line = next(islice(lines(asked.seed), asked.only, None))
            print(shlex.join(("patternsettle", *line.arguments)).encode("utf-8", "backslashreplace").decode())
            sys.exit(str(fault) if (fault := tried(line, root / "only", model)) else 0)
        until = time.monotonic() + asked.minutes * 60
        for number, fault in faults(asked.seed, asked.cases, until=until, root=root, model=model):
            done += 1
            if fault is not None:
                found += 1
                print(f"{number}: {fault}".encode("utf-8", "backslashreplace").decode(), flush=True)
            if done % 50 == 0:
                print(f"{done:,} of {asked.cases:,}", file=sys.stderr)
    print(f"{done:,} command lines of seed {asked.seed}, {found:,} that did not end as they should.")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
