"""How one classifier is tried: checked, trained, saved, loaded and demonstrated by the commands, in a process of its own, in time."""

from __future__ import annotations

import json
import multiprocessing
import os
import warnings
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import asdict, dataclass, replace
from io import StringIO
from pathlib import Path

from agent.cli import run_command
from agent.errors import PatternSettleError
from agent.evaluation.trials import TRIALS_VARIABLE
from agent.model.artifact import load

from .made import ENCODED

__all__ = ["STAGES", "Row", "tried"]

STAGES = ("check", "train", "load", "demo")
_REPLAYED = 60


@dataclass(frozen=True, slots=True)
class Row:
    """What became of a classifier.

    Attributes
    ----------
    name
        The classifier.
    check, train, load, demo
        ``yes``, ``no``, or ``-`` where it did not come so far. To be loaded it must answer as it did when it was saved.
    remark
        Why not, in the words of the command; or what it takes.
    crashed
        Whether anything ended otherwise than in words.
    """

    name: str
    check: str = "-"
    train: str = "-"
    load: str = "-"
    demo: str = "-"
    remark: str = ""
    crashed: bool = False


def tried(name: str, prices: Path, folder: Path, *, seconds: float) -> Row:
    """Try a classifier of `classifying.made`.

    Parameters
    ----------
    name
        Its name.
    prices
        A price file.
    folder
        An empty folder.
    seconds
        How long it may take; what is done by then counts.
    """
    told = folder / "row.json"
    told.write_text(json.dumps(asdict(Row(name))))
    # Forked: what the commands import takes longer than most of what is tried.
    process = multiprocessing.get_context("fork").Process(target=_try, args=(name, prices, folder, told))
    process.start()
    process.join(seconds)
    if late := process.is_alive():
        process.kill()
        process.join()
    row = Row(**json.loads(told.read_text()))
    if late:
        stage = next((each for each in STAGES if getattr(row, each) == "-"), STAGES[-1])
        return replace(
            row, **{stage: "no"}, remark=_and(row.remark, f"{_sentence(stage)} did not end in {seconds:.0f} s.")
        )
    if process.exitcode:
        return replace(row, remark=_and(row.remark, f"ended with {process.exitcode}"), crashed=True)
    return row


def _try(name: str, prices: Path, folder: Path, told: Path) -> None:
    os.environ[TRIALS_VARIABLE] = str(folder / "trials.jsonl")
    os.chdir(folder)
    warnings.simplefilter("ignore")
    spec = f"classifying.made:{name}"
    row = Row(name, remark="In `LabelEncoded`." if name in ENCODED else "")
    trust: list[str] = []
    stages: tuple[Callable[[], tuple[bool, str, bool]], ...] = (
        lambda: _checked(spec),
        lambda: _trained(spec, prices, trust),
        lambda: _loaded(trust),
        lambda: _demonstrated(prices, trust),
    )
    for stage, run in zip(STAGES, stages, strict=True):
        worked, remark, crashed = run()
        # What cannot be trained fails the check for the same reason, in other words.
        said = _sentence(remark) if stage == "train" and not worked else _and(row.remark, _sentence(remark))
        row = replace(row, **{stage: "yes" if worked else "no"}, remark=said, crashed=row.crashed or crashed)
        told.with_suffix(".new").write_text(json.dumps(asdict(row)))
        told.with_suffix(".new").replace(told)
        if stage != "check" and not worked:
            return


def _checked(spec: str) -> tuple[bool, str, bool]:
    code, out, err = _run("check", spec, "--json")
    if code == 1 and out:
        failed = [each["detail"] for each in json.loads(out)["checks"] if not each["passed"]]
        return False, _and(*failed), False
    return code == 0, _refusal(code, err), _crashed(code, err)


def _trained(spec: str, prices: Path, trust: list[str]) -> tuple[bool, str, bool]:
    code, out, err = _run("train", "--model", spec, "--data", prices, "--out", "model", "--json")
    if code == 0:
        trust += json.loads(out)["trust"]
    return code == 0, _refusal(code, err), _crashed(code, err)


def _loaded(trust: list[str]) -> tuple[bool, str, bool]:
    try:
        load("model", trusted=trust)
    except PatternSettleError as error:
        return False, str(error), False
    return True, f"Needs {' '.join(f'`--trust {name}`' for name in trust)}." if trust else "", False


def _demonstrated(prices: Path, trust: list[str]) -> tuple[bool, str, bool]:
    allowed = [word for name in trust for word in ("--trust", name)]
    code, _, err = _run("demo", "--model", "model", "--data", prices, "--bars", _REPLAYED, "--json", *allowed)
    return code == 0, _refusal(code, err), _crashed(code, err)


def _run(*arguments: object) -> tuple[int, str, str]:
    with redirect_stdout(StringIO()) as out, redirect_stderr(StringIO()) as err:
        code = run_command([str(argument) for argument in arguments])
    return code, out.getvalue(), err.getvalue()


def _refusal(code: int, err: str) -> str:
    if code == 0:
        return ""
    said = [line for line in err.splitlines() if line.startswith("patternsettle: ")]
    return (said or err.splitlines() or [f"ended with {code}"])[-1].removeprefix("patternsettle: ")


def _crashed(code: int, err: str) -> bool:
    return code not in (0, 1, 2) or "Traceback" in err


def _sentence(remark: str) -> str:
    return remark[:1].upper() + remark[1:]


def _and(*parts: str) -> str:
    return " ".join(part for part in parts if part)


def in_words(rows: Sequence[Row]) -> bool:
    """Whether nothing of what was tried crashed."""
    return not any(row.crashed for row in rows)
