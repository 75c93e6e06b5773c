"""What the tests of `scripts/mutate` stand on: its modules, and the mutants it makes of a text."""

from __future__ import annotations

import importlib
import runpy
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from agent.chain.compile import compiler_output
from agent.errors import CompilerMissing

from .sample import MATH, sample

ROOT = Path(__file__).parents[2]
TOOL = ROOT / "scripts" / "mutate.d"
MODULES = ("syntax", "kinds", "mutants", "solc", "workspace", "results", "table")


@pytest.fixture(scope="module")
def tool() -> Iterator[SimpleNamespace]:
    """The modules of the tool, by name, and what it runs as."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(TOOL))
        modules = {name: importlib.import_module(name) for name in MODULES}
        yield SimpleNamespace(**modules, main=SimpleNamespace(**runpy.run_path(str(TOOL / "__main__.py"))))
    for name in [name for name, module in sys.modules.items() if folder_of(module) == TOOL]:
        del sys.modules[name]


def folder_of(module: Any) -> Path | None:
    file = getattr(module, "__file__", None)
    return Path(file).parent if file else None


@pytest.fixture(scope="module")
def mutants_in(tool: SimpleNamespace, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Returns the mutants of a text."""

    def mutants(text: str) -> list[Any]:
        root = tmp_path_factory.mktemp("sources")
        (root / "Math.sol").write_text(MATH)
        (root / "Sample.sol").write_text(text)
        try:
            output = compiler_output(root, "Sample.sol", selection={"*": {"": ["ast"]}})
        except CompilerMissing as error:
            pytest.skip(f"{error.problem} (scripts/test installs what is needed)")
        source: list[Any] = tool.mutants.mutants_of(tool.mutants.source_of("Sample.sol", text.encode(), output))
        return source

    return mutants


@pytest.fixture(scope="module")
def mutants(mutants_in: Any) -> list[Any]:
    """The mutants of the sample."""
    made: list[Any] = mutants_in(sample())
    return made
