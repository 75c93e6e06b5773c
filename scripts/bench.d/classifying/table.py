"""The table: written from the rows, and read back from what was written, so that one row can be renewed."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from .tried import STAGES, Row

__all__ = ["read", "written"]

_HEAD = """# Classifiers

What becomes of every classifier of scikit-learn {version}, in a pipeline with a scaler, and of three boosters, each trained on
synthetic bars: whether `check` passes, whether `train` trains and saves it, whether what was saved loads and answers the same, and
whether `demo` replays with it. What is refused, is refused in the words of the remark. Not how good any of them is.

Made by `scripts/bench classifiers`; `--only NAME` renews one row.

| classifier | {stages} | remark |
| --- | {lines} | --- |
"""
_ROW = re.compile(r"^\| (\w+) \| " + r" \| ".join(["(yes|no|-)"] * len(STAGES)) + r" \| ?(.*?) ?\|$", re.MULTILINE)
_LONGEST = 240


def read(file: Path) -> dict[str, Row]:
    """Return the rows of a table by the names of their classifiers; none where there is no file."""
    text = file.read_text() if file.is_file() else ""
    rows = (Row(name, *stages, remark.replace("\\|", "|")) for name, *stages, remark in _ROW.findall(text))
    return {row.name: row for row in rows}


def written(rows: Iterable[Row], *, version: str) -> str:
    """Return the document."""
    head = _HEAD.format(version=version, stages=" | ".join(STAGES), lines=" | ".join(["---"] * len(STAGES)))
    lines = (
        f"| {row.name} | {row.check} | {row.train} | {row.load} | {row.demo} | {_cell(row.remark)} |"
        for row in rows
    )
    return head + "\n".join(lines) + "\n"


def _cell(remark: str) -> str:
    said = " ".join(remark.split()).replace("classifying.made:", "")
    short = said if len(said) <= _LONGEST else said[:_LONGEST].rsplit(" ", 1)[0] + " ..."
    return short.replace("|", "\\|")
