"""What `patternsettle swap` does: leaves a request for the desk that runs, and reads in its journal what becomes of it."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Group
from rich.text import Text

from agent.cli.output import show, show_json
from agent.cli.progress import step
from agent.cli.stories import told
from agent.desk.entries import Kind, Phase, RunStarted
from agent.desk.journal import Journal
from agent.desk.place import Place
from agent.desk.store import has_writer
from agent.desk.swap.mailbox import Mailbox, beside, now
from agent.desk.swap.request import Request, What
from agent.desk.swap.stories import (
    Story,
    last_run,
    live_at_the_end,
    shadowed_so_far,
    stories_of,
)
from agent.errors import DeskError, SwapRefused, UsageError

POLL_SECONDS = 0.05
ALIVE_SECONDS = 1.0


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What `patternsettle swap` was asked for, by its options.

    Raises
    ------
    UsageError
        If its options contradict each other.
    """

    model: Path | None
    back: bool
    revoke: bool
    agree: tuple[str, ...]
    status: bool
    shadow: int | None
    wait: bool
    trust: tuple[str, ...]
    journal: str
    requests: Path | None
    json: bool

    def __post_init__(self) -> None:
        wanted = [self.model is not None, self.back, self.status]
        if sum(wanted) > 1 or (self.agree and (self.back or self.status)):
            raise UsageError(
                "This asks for several things at once.", cure="Name a model, or give --back, --status or --agree."
            )
        if not any(wanted) and not self.agree:
            raise UsageError(
                "There is nothing to ask the desk for.", cure="Name a model, or give --back, --status or --agree."
            )
        if self.revoke and not self.back:
            raise UsageError("--revoke is about the model that is left.", cure="Give it with --back.")
        for name, given in (
            ("--shadow-bars", self.shadow is not None),
            ("--trust", self.trust),
            ("--wait", self.wait),
        ):
            if given and self.model is None:
                raise UsageError(f"{name} is about a model, and none is named.", cure="Name one, or leave it out.")

    @property
    def what(self) -> What:
        if self.back:
            return What.BACK
        return What.AGREE if self.model is None else What.SWAP


def carry_out(wish: Wish) -> None:
    """Ask as wished, show what became of it, and end with an error where it was refused."""
    place = Place.parse(wish.journal)
    if place.path is None and place.url is None:
        raise UsageError(
            "A journal in memory can be seen by nobody else.", cure="Start the desk with a --journal that is kept."
        )
    if wish.status:
        return _show_status(wish.journal, place, json=wish.json)
    folder = wish.requests or beside(place)
    if folder is None:
        raise UsageError(
            f"The journal {place.name} is no file that requests could lie beside.",
            cure="Give --requests FOLDER both here and to patternsettle run.",
        )
    if not has_writer(place):
        raise DeskError(
            f"No desk is running with the journal {place.name}.",
            cure="Start one with patternsettle run, or name its journal with --journal.",
        )
    request = _request(wish)
    with Journal.open(wish.journal, readonly=True) as journal, _left(Mailbox(folder), request) as box:
        story = _followed(journal, box, request, place, until_live=wish.wait)
    if story.over and story.reason:
        raise SwapRefused(f"The desk did not do it: {story.reason}")
    if wish.json:
        return show_json(story.to_json())
    show(told(story))
    if not story.over:
        show(Text(), Text("See how it gets on with patternsettle swap --status; end it with --back."))
    return None


def _request(wish: Wish) -> Request:
    expected, where = "", ""
    if wish.model is not None:
        from agent.model.artifact import load  # here, for scikit-learn takes a second that --status need not wait

        # The desk will look again; what can be said at once need not trouble it.
        expected, where = load(wish.model, trusted=wish.trust).id, str(wish.model.resolve())
    return Request(
        id=uuid.uuid4().hex[:12],
        what=wish.what,
        place=where,
        expected=expected,
        trusted=wish.trust,
        shadow=wish.shadow,
        agreed=wish.agree,
        revoke=wish.revoke,
        made_at=now(),
    )


@contextmanager
def _left(box: Mailbox, request: Request) -> Iterator[Mailbox]:
    """Leave a request; whatever ends the waiting, one that was not taken yet is taken back."""
    box.put(request)
    try:
        yield box
    finally:
        box.withdraw(request)


def _followed(journal: Journal, box: Mailbox, request: Request, place: Place, *, until_live: bool) -> Story:
    """Wait until the desk has done what was asked, or hears the model in the shadow, or has ended."""
    before, looked = journal.last, time.monotonic()
    with step("Waiting for the desk"):
        while True:
            story = _story(journal, request, before)
            if story is not None and _reached(story, until_live=until_live):
                return story
            if time.monotonic() - looked > ALIVE_SECONDS:
                looked = time.monotonic()
                if not has_writer(place):
                    return _left_alone(journal, box, request, before)
            time.sleep(POLL_SECONDS)


def _reached(story: Story, *, until_live: bool) -> bool:
    return story.over or (not until_live and story.step(Phase.REGISTERED) is not None)


def _left_alone(journal: Journal, box: Mailbox, request: Request, before: int) -> Story:
    """What there is to say where the desk has ended meanwhile."""
    story = _story(journal, request, before)
    if story is not None and story.over:
        return story
    taken = "was left half-way and begins anew with the next run" if story else "was taken back"
    box.withdraw(request)
    raise DeskError(
        f"The desk has ended, and the request {taken}.",
        cure="Start it again, with this model or with the one before.",
    )


def _story(journal: Journal, request: Request, after: int) -> Story | None:
    return next((story for story in stories_of(journal, after=after) if story.request == request.id), None)


# ---- how things stand


def _show_status(named: str, place: Place, *, json: bool) -> None:
    with Journal.open(named, readonly=True) as journal:
        running = has_writer(place)
        run = last_run(journal)
        stories = [] if run is None else stories_of(journal, run=run)
        progress = {story.request: shadowed_so_far(journal, story) for story in stories if running}
        live = _live(journal, run, stories)
    if json:
        show_json(
            {
                "journal": place.name,
                "running": running,
                "run": run,
                "live": live,
                "swaps": [story.to_json() | {"shadowed": progress.get(story.request)} for story in stories],
            }
        )
        return
    lines: list[Any] = [
        Text.assemble(("desk   ", "bold"), "running" if running else "not running", f", journal {place.name}"),
        Text.assemble(("model  ", "bold"), live or "none yet"),
    ]
    for story in stories:
        lines += [Text(), told(story, shadowed=progress.get(story.request), running=running)]
    if not stories:
        lines += [Text(), Text("Nothing was asked of it.")]
    show(Group(*lines))


def _live(journal: Journal, run: str | None, stories: list[Story]) -> str | None:
    """Hash of the artifact of the model that is live, or was when the run ended."""
    if run is None:
        return None
    story, artifact = live_at_the_end(stories)
    if story is not None:
        return artifact
    begun = (row.entry for row in journal.rows(Kind.RUN_STARTED, run=run))
    return next((entry.model for entry in begun if isinstance(entry, RunStarted)), None)
