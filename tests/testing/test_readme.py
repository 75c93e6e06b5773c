"""The plugin's own README: its example is pasted into a fresh folder, and run."""

from __future__ import annotations

import re
from pathlib import Path

README = Path(__file__).parents[2] / "agent" / "testing" / "README.md"


def _section() -> str:
    return README.read_text(encoding="utf-8").partition("## Write a contract test\n")[2].partition("\n## ")[0]


def _block(language: str, having: str) -> str:
    blocks = re.findall(rf"^```{language}\n(.*?)^```$", _section(), flags=re.MULTILINE | re.DOTALL)
    (found,) = (block for block in blocks if having in block)
    return found


def test_the_example_runs_as_it_is(empty):
    empty.mkdir("contracts").joinpath("Vault.sol").write_text(_block("solidity", "contract Vault"))
    example = _block("python", "test_stays_shut")
    empty.makepyfile(test_vault=example, test_desk=_block("python", "def test_refuses_a_signal"))
    empty.runpytest("-q").assert_outcomes(passed=example.count("def test_") + 1)


def test_a_failure_looks_as_it_is_shown(empty):
    empty.mkdir("contracts").joinpath("Vault.sol").write_text(_block("solidity", "contract Vault"))
    empty.makepyfile(
        """
        def test_it(deploy):
            vault = deploy("Vault", 7 * 24 * 60 * 60)
            vault.save(value=5)
            vault.take(5)
        """
    )
    shown = _block("", "the contract refused").splitlines()
    empty.runpytest("-q").stdout.fnmatch_lines([re.sub(r"[\[\]]", "?", line.strip()) for line in shown])
