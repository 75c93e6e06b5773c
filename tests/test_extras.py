"""What an extra is installed by works as it is typed, wherever that is, and nothing tells of another way."""

from __future__ import annotations

import re
import shlex
import tomllib
from pathlib import Path

from agent.extras import install

ROOT = Path(__file__).parents[1]
EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
TOLD = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "agent/testing/README.md")


def test_in_the_clone_it_is_as_short_as_in_the_readme(monkeypatch):
    monkeypatch.chdir(ROOT)
    assert install("testing") == "pip install '.[testing]'"


def test_elsewhere_it_names_the_clone(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    *_, what = shlex.split(install("ta"))
    assert (Path(what.removesuffix("[ta]")) / "pyproject.toml").is_file()


def test_nothing_is_installed_from_an_index_by_our_name():
    wrong = re.compile(r"pip install\s+['\"]?patternsettle\b")
    files = [*(ROOT / name for name in TOLD), *(ROOT / "agent").rglob("*.py")]
    assert [path for path in files if wrong.search(path.read_text(encoding="utf-8"))] == []


def test_each_extra_that_is_told_of_exists():
    texts = [
        path.read_text(encoding="utf-8")
        for path in [*(ROOT / "agent").rglob("*.py"), *(ROOT / name for name in TOLD)]
    ]
    told = {
        *(
            extra
            for text in texts
            if "agent.extras" in text
            for extra in re.findall(r"\binstall\([\"'](\w+)", text)
        ),
        *(extra for text in texts for extra in re.findall(r"'\.\[(\w+)\]'", text)),
    }
    assert {"testing", "ta", "onnx", "postgres", "dask"} <= told <= set(EXTRAS)
