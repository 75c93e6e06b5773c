"""Authority on how the results read: the figures, the explanations, and the committed table."""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from kinds import KINDS
from mutants import Mutant
from results import HOWS, Outcome

from agent.errors import UsageError

__all__ = ["LEAST_KILLED", "Explanations", "Report"]

LEAST_KILLED = 0.95
_COLUMNS = ("made", *HOWS)
_HEAD = """\
# Mutants

Written by `scripts/mutate`, which makes one small mistake at a time in the contracts and runs `tests/contracts` against
each. A mutant is *killed* when a test fails, or when the tests come to no end (*timeout*). Not counted are those that
solc refuses (*invalid*), and those it compiles to the same code (*identical*). What survives is explained below, in the words
of `contracts/mutants.toml`; anything else that survives is a hole in the tests.
"""


@dataclass(frozen=True)
class Explanations:
    """Why each mutant that survives does nothing else than the contract does, by the mutant's id."""

    by_id: Mapping[str, str]

    @classmethod
    def read(cls, path: Path) -> Explanations:
        """Read the file that is kept by hand; none is as good as an empty one.

        Raises
        ------
        UsageError
            If it is not TOML, or anything in it is not an id and a sentence.
        """
        if not path.is_file():
            return cls({})
        try:
            content = tomllib.loads(path.read_text(encoding="utf-8"))
        except tomllib.TOMLDecodeError as error:
            raise UsageError(f"{path.name} is no TOML: {error}.", cure="Mend it at the place named.") from error
        for key, why in content.items():
            if not isinstance(why, str) or not why.strip():
                raise UsageError(
                    f"{path.name}: {key} has no explanation.", cure="Write it as a sentence in quotation marks."
                )
        return cls(content)


@dataclass(frozen=True)
class Report:
    """What became of mutants.

    Attributes
    ----------
    outcomes
        Of the mutants that were tried, in the order of the sources.
    explanations
        Of survivors.
    known
        Ids of all mutants there are, tried or not.
    """

    outcomes: Sequence[tuple[Mutant, Outcome]]
    explanations: Explanations
    known: frozenset[str]

    @property
    def counted(self) -> int:
        """Mutants that a test could notice."""
        return sum(outcome.how in ("killed", "timeout", "survived") for _, outcome in self.outcomes)

    @property
    def share(self) -> float:
        """How many of them were killed, of 1."""
        return 1 - len(self.survivors) / self.counted if self.counted else 1.0

    @property
    def survivors(self) -> list[Mutant]:
        """Those that no test noticed."""
        return [mutant for mutant, outcome in self.outcomes if outcome.how == "survived"]

    @property
    def unexplained(self) -> list[Mutant]:
        """Survivors without an explanation: holes in the tests, until shown otherwise."""
        return [mutant for mutant in self.survivors if mutant.id not in self.explanations.by_id]

    @property
    def stale(self) -> dict[str, str]:
        """Explanations that explain nothing any more, each with the reason."""
        ended = {mutant.id: outcome.how for mutant, outcome in self.outcomes}
        stale = {}
        for key in self.explanations.by_id:
            if key not in self.known:
                stale[key] = "there is no such mutant any more"
            elif ended.get(key, "survived") != "survived":
                stale[key] = f"the mutant is {ended[key]}"
        return stale

    @property
    def is_good(self) -> bool:
        """Whether enough are killed, and there is nothing left to explain or to delete."""
        return self.share >= LEAST_KILLED and not self.unexplained and not self.stale

    def rows(self) -> list[tuple[str, ...]]:
        """The table of the kinds: its head, a row for each, and their sum."""
        counts = {kind: Counter[str]() for kind in KINDS}
        for mutant, outcome in self.outcomes:
            counts[mutant.kind].update(["made", outcome.how])
        total = sum(counts.values(), Counter[str]())
        lines = [*((kind, count) for kind, count in counts.items() if count), ("all", total)]
        return [
            ("kind", *_COLUMNS),
            *((name, *(str(count[column]) for column in _COLUMNS)) for name, count in lines),
        ]

    def verdict(self) -> str:
        """The figure that matters, in a sentence."""
        killed = self.counted - len(self.survivors)
        return (
            f"{killed} of {self.counted} mutants that a test could notice were killed: {100 * self.share:.1f} %."
            f" {len(self.survivors)} survived, {len(self.unexplained)} of them unexplained."
        )

    def to_text(self) -> str:
        """The report for a terminal, with lines to paste for what is not explained."""
        rows = self.rows()
        widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
        lines = [
            "  ".join(
                cell.ljust(width) if index == 0 else cell.rjust(width)
                for index, (cell, width) in enumerate(zip(row, widths, strict=True))
            )
            for row in rows
        ]
        lines += ["", self.verdict()]
        for mutant in self.unexplained:
            lines += ["", f"# {place(mutant)}, {mutant.kind}: {change(mutant)}", f'"{mutant.id}" = ""']
        for key, why in self.stale.items():
            lines.append(f"stale explanation of {key}: {why}")
        return "\n".join(lines)

    def to_json(self) -> dict[str, Any]:
        """The report for a machine."""
        head, *rows = self.rows()
        return {
            "share_killed": round(self.share, 4),
            "good": self.is_good,
            "kinds": {name: dict(zip(head[1:], map(int, counts), strict=True)) for name, *counts in rows},
            "mutants": [
                {
                    "id": mutant.id,
                    "kind": mutant.kind,
                    "file": mutant.source,
                    "line": mutant.line,
                    "where": mutant.where,
                    "before": mutant.before,
                    "after": mutant.after,
                    **asdict(outcome),
                    "explanation": self.explanations.by_id.get(mutant.id, ""),
                }
                for mutant, outcome in self.outcomes
            ],
            "stale": self.stale,
        }

    def to_markdown(self) -> str:
        """The report as it is committed: nothing in it changes from run to run."""
        head, *rows = self.rows()
        lines = [_HEAD, self.verdict(), "", _row(head), _row(["---", *["--:"] * (len(head) - 1)])]
        lines += [*map(_row, rows), "", "## Survivors", ""]
        lines += list(self._explained()) or ["None."]
        return "\n".join(lines).rstrip() + "\n"

    def _explained(self) -> Iterable[str]:
        for mutant in self.survivors:
            why = self.explanations.by_id.get(mutant.id, "**Not explained.**")
            yield f"- {place(mutant)}, {mutant.kind} in `{mutant.where}` (`{mutant.id}`): {change(mutant)}"
            yield f"  {' '.join(why.split())}"


def place(mutant: Mutant) -> str:
    """Where a mutant's mistake is."""
    return f"{mutant.source}:{mutant.line}"


def change(mutant: Mutant) -> str:
    """A mutant's mistake."""
    return f"`{mutant.before}` → `{mutant.after}`" if mutant.before else f"added `{mutant.after}`"


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
