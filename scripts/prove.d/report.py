"""Authority on what a proof leaves behind: sections of figures, and the committed table of a full run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Section", "table", "write"]

_HEAD = """\
# Proof

Written by `scripts/prove`, not by hand: what its last full run did and found. What is held is in
[INVARIANTS.md](INVARIANTS.md); how good the everyday tests are at noticing a mistake is in [MUTANTS.md](MUTANTS.md).
"""


@dataclass(frozen=True)
class Section:
    """What one tool did.

    Attributes
    ----------
    title
        Its heading.
    text
        Markdown: figures, and what they mean.
    faults
        What it found against the contracts, or against the proof itself; none where all is well.
    seconds
        How long it took.
    """

    title: str
    text: str
    faults: tuple[str, ...]
    seconds: float


def table(head: Sequence[str], rows: Sequence[Sequence[object]], *, numbers: Sequence[int] = ()) -> str:
    """Return a Markdown table; `numbers` are the columns that are aligned to the right."""
    rule = ["---:" if place in numbers else "---" for place in range(len(head))]
    lines = [head, rule, *([_cell(each) for each in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def write(path: Path, sections: Sequence[Section], subject: str) -> None:
    """Write the table of a full run; `subject` says what it was about."""
    parts = [f"## {each.title}\n\n{each.text.strip()}\n\nIt took {each.seconds:,.0f} s.\n" for each in sections]
    path.write_text("\n".join([f"{_HEAD}{subject}\n", *parts]), encoding="utf-8")


def _cell(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value).replace("|", "\\|")
