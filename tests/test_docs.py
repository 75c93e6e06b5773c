"""What `docs/` shows works as typed: each module is written under its name, and each command ends well."""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path

import pytest

from agent.cli import run_command

DOCS = Path(__file__).parents[1] / "docs"
BLOCK = re.compile(r"^```(python|console)\n(.*?)^```$", flags=re.MULTILINE | re.DOTALL)
NAMED = re.compile(r"# (\w+)\.py\n")
PAGES = [page for page in sorted(DOCS.glob("*.md")) if "\n$ patternsettle " in page.read_text(encoding="utf-8")]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_what_a_page_shows_works_as_typed(page, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    modules = []
    for language, text in BLOCK.findall(page.read_text(encoding="utf-8")):
        if language == "python":
            named = NAMED.match(text)
            assert named, "the first line of a module says what it is called"
            modules.append(named[1])
            (tmp_path / f"{named[1]}.py").write_text(text)
            continue
        for line in text.splitlines():
            program, *arguments = shlex.split(line.removeprefix("$ "))
            assert program == "patternsettle"
            code = run_command(arguments)
            said = capsys.readouterr()
            assert code == 0, f"{line}\n{said.out}{said.err}"
    for module in modules:
        sys.modules.pop(module, None)


def test_the_page_of_features_is_among_them():
    assert "features" in {page.stem for page in PAGES}
