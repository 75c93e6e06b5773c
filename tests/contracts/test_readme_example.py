"""The contract tests that the README shows: taken from it, and run like any other."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

README = Path(__file__).parents[2] / "README.md"


def _shown() -> dict[str, Any]:
    blocks = re.findall(r"^```python\n(.*?)^```$", README.read_text(encoding="utf-8"), flags=re.M | re.S)
    example: dict[str, Any] = {}
    for block in blocks:
        if "def test_" in block:
            exec(compile(block, "README.md", "exec"), example)
    return {name: value for name, value in example.items() if name.startswith("test_")}


globals().update(_shown())


def test_the_readme_shows_contract_tests():
    assert len(_shown()) == 2
