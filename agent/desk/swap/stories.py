"""What became of each request about the model of a desk, told from the journal alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from agent.desk.canon import iso
from agent.desk.entries import DecidedBeside, Kind, Phase, Swap
from agent.desk.journal import Journal, Row
from agent.desk.swap.request import What

# What the end of a run makes of a request: not done, or done in vain.
_LEFT = (Phase.UNFINISHED, Phase.LAPSED)

# After one of these, nothing more becomes of a request; one to go back and revoke does not end with going back.
_ENDS = {
    What.SWAP: {Phase.REFUSED, Phase.SWITCHED, Phase.WITHDRAWN, *_LEFT},
    What.BACK: {Phase.REFUSED, Phase.RETURNED, *_LEFT},
    What.AGREE: {Phase.REFUSED, Phase.AGREED, Phase.MOVED, *_LEFT},
}
_ENDS_REVOKING = {Phase.REFUSED, Phase.REVOKED, *_LEFT}


@dataclass(frozen=True, kw_only=True)
class Step:
    """One step of a request.

    Attributes
    ----------
    phase, bar_time, reason, facts
        As in `agent.desk.entries.Swap`.
    seq, at
        Number of its row in the journal, and when that was written.
    """

    phase: Phase
    bar_time: int | None
    reason: str | None
    facts: Mapping[str, Any]
    seq: int
    at: str

    def to_json(self, *, dated: bool = True) -> dict[str, Any]:
        """Return it as plain JSON; not `dated`, it is the same whenever the same was done."""
        return {
            "phase": str(self.phase),
            **({"at": self.at} if dated else {}),
            "bar_time": None if self.bar_time is None else iso(self.bar_time),
            "reason": self.reason,
            **self.facts,
        }


@dataclass(frozen=True, kw_only=True)
class Story:
    """A request and all its steps.

    Attributes
    ----------
    request, run
        Names of the request and of the run that it was made to.
    model
        Hash of the artifact of the model it is about, where that is known.
    steps
        At least one, in order.
    """

    request: str
    run: str
    model: str | None
    steps: tuple[Step, ...]

    def step(self, phase: Phase) -> Step | None:
        """The last step of a kind, or None."""
        return next((step for step in reversed(self.steps) if step.phase is phase), None)

    @property
    def asked(self) -> Mapping[str, Any]:
        """What was asked for, of this run or of the one before; nothing where that could not be read."""
        return next((step.facts for step in self.steps if "what" in step.facts), {})

    @property
    def what(self) -> What:
        return What(self.asked.get("what", What.SWAP))

    @property
    def name(self) -> str:
        """The model as its maker calls it, else the folder that was named."""
        checked = self.step(Phase.CHECKED)
        if checked is not None:
            return checked.facts["name"]
        return next((step.facts["place"] for step in self.steps if "place" in step.facts), "")

    @property
    def reason(self) -> str | None:
        """Why it was refused, withdrawn or left unfinished, or has lapsed; None where it was not."""
        return next((step.reason for step in reversed(self.steps) if step.reason), None)

    @property
    def over(self) -> bool:
        """Whether nothing more becomes of it."""
        ends = _ENDS_REVOKING if self.asked.get("revoke") else _ENDS[self.what]
        return any(step.phase in ends for step in self.steps)

    def to_json(self, *, dated: bool = True) -> dict[str, Any]:
        """Return it as plain JSON, times in UTC; `dated` as in `Step.to_json`."""
        return {
            "request": self.request,
            "what": str(self.what),
            "model": self.model,
            "name": self.name,
            "over": self.over,
            "phase": str(self.steps[-1].phase),
            "steps": [step.to_json(dated=dated) for step in self.steps],
        }


def stories(rows: Iterable[Row]) -> list[Story]:
    """Tell the stories of rows of the kind `swap`, in the order in which they began."""
    told: dict[str, Story] = {}
    for row in rows:
        entry = row.entry
        if not isinstance(entry, Swap):
            continue
        step = Step(
            phase=entry.phase,
            bar_time=entry.bar_time,
            reason=entry.reason,
            facts=entry.facts,
            seq=row.seq,
            at=row.at,
        )
        before = told.get(entry.request)
        told[entry.request] = Story(
            request=entry.request,
            run=row.run if before is None else before.run,
            model=entry.model or (before and before.model),
            steps=(*(before.steps if before else ()), step),
        )
    return list(told.values())


def stories_of(journal: Journal, *, run: str | None = None, after: int | None = None) -> list[Story]:
    """Tell the stories in a journal; only those of one run, or behind one row, where given."""
    return stories(journal.rows(Kind.SWAP, after, run=run))


def last_run(journal: Journal, *, other_than: str = "") -> str | None:
    """Name of the run that began last, beside one; None where none did."""
    began = [row.run for row in journal.rows(Kind.RUN_STARTED) if row.run != other_than]
    return began[-1] if began else None


def live_at_the_end(told: Iterable[Story]) -> tuple[Story | None, str | None]:
    """Return the story that last changed which model is live, and the hash of that model's artifact; None without any."""
    changes = [
        (step.seq, story, step.facts.get("artifact", story.model))
        for story in told
        for step in story.steps
        if step.phase in (Phase.SWITCHED, Phase.RETURNED)
    ]
    return max(changes, key=lambda change: change[0])[1:] if changes else (None, None)


def shadowed_so_far(journal: Journal, story: Story) -> int | None:
    """How many bars a model has been in the shadow by now; None where it is not."""
    registered = story.step(Phase.REGISTERED)
    if registered is None or story.over or story.step(Phase.SHADOWED):
        return None
    beside = (row.entry for row in journal.rows(Kind.DECISION_BESIDE, registered.seq, run=story.run))
    return sum(isinstance(entry, DecidedBeside) and entry.model == registered.facts["id"] for entry in beside)
