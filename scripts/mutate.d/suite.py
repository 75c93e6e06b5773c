"""Authority on a run of the contract tests in a copy of the checkout: in which order, and how soon it is over.

Executed inside the copy, as ``python -P suite.py``, and never imported. Each line of its input asks for one run, and is
answered with pytest's exit code; the rest of the answer is in the file ``answer.json``.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from pathlib import Path
from typing import Any

import hypothesis
import pytest


class Suite:
    """Puts the tests in order, and notes what failed and how long each took.

    Parameters
    ----------
    order
        Names of tests, the first to run first; others come after.
    """

    def __init__(self, order: list[str]) -> None:
        self._rank = {name: rank for rank, name in enumerate(order)}
        self.failed: list[str] = []
        self.seconds: dict[str, float] = {}

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items.sort(key=lambda item: self._rank.get(item.nodeid, len(self._rank)))

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        self._note(report)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._note(report)
        self.seconds[report.nodeid] = self.seconds.get(report.nodeid, 0.0) + report.duration

    def _note(self, report: pytest.CollectReport | pytest.TestReport) -> None:
        if report.failed and report.nodeid not in self.failed:
            self.failed.append(report.nodeid)


def main() -> None:
    """Answer what is asked, each in a process of its own that finds all imports done."""
    _prepare()
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            # Nothing that was set up to run at the end of this process is the child's to run.
            os._exit(_run(json.loads(line)))
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def _prepare() -> None:
    """Import what every run needs, and tell hypothesis what is wanted of it."""
    bench = importlib.import_module("agent.testing.workbench")
    if not Path(str(bench.__file__)).is_relative_to(Path.cwd()):
        raise SystemExit(f"The tests would run with {bench.__file__}, which is not of this copy.")
    # To tell the line of Solidity at which a call failed, the mutant would be compiled twice more, for nobody to read.
    importlib.import_module("agent.testing.chain").DevChain._where = lambda chain, rerun: ""
    # The same examples for every mutant; and one that fails is enough, it need not be the smallest.
    hypothesis.settings.register_profile(
        "mutants",
        derandomize=True,
        deadline=None,
        database=None,
        phases=(hypothesis.Phase.explicit, hypothesis.Phase.generate),
    )
    hypothesis.settings.load_profile("mutants")


def _run(wish: dict[str, Any]) -> int:
    with Path("log.txt").open("wb") as log:
        for stream in (sys.stdout, sys.stderr):
            os.dup2(log.fileno(), stream.fileno())
    suite = Suite(wish["order"])
    # Assertions are left as they are: rewriting them is for who reads why one failed.
    options = ["-q", "--tb=line", "--assert=plain", "-p", "no:cacheprovider", "--basetemp=temporary"]
    if not wish["whole"]:
        options.append("--exitfirst")
    code = pytest.main([*options, *wish["arguments"]], plugins=[suite])
    answer = json.dumps({"failed": suite.failed, "seconds": suite.seconds})
    Path("answer.json").write_text(answer, encoding="utf-8")
    return int(code)


if __name__ == "__main__":
    main()
