"""A run that is killed while its model is being swapped: its journal says where it stood, and the next run begins clean and says so."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from agent.cli.stories import told
from agent.desk.books import prove
from agent.desk.entries import Entry, Phase, RunEnded, Sent, Swap
from agent.desk.journal import Journal
from agent.desk.swap.request import What
from agent.desk.swap.stories import Story, stories_of

Make = Callable[..., Any]


class Killed(BaseException):
    """The end of a process, which nobody catches."""


class Mortal:
    """A journal whose process ends right after, or right before, it has written an entry."""

    def __init__(self, journal: Journal, dies: Callable[[Entry], bool], *, before: bool) -> None:
        self._journal, self._dies, self._before = journal, dies, before

    def append(self, entry: Entry) -> Any:
        if self._before and self._dies(entry):
            raise Killed
        row = self._journal.append(entry)
        if self._dies(entry):
            raise Killed
        return row

    def __getattr__(self, name: str) -> Any:
        return getattr(self._journal, name)


def at(phase: str) -> Callable[[Entry], bool]:
    return lambda entry: isinstance(entry, Swap) and entry.phase == phase


def sending(purpose: str) -> Callable[[Entry], bool]:
    return lambda entry: isinstance(entry, Sent) and entry.purpose == purpose


PHASES = ("requested", "checked", "registered", "shadowed", "switched", "offered")
DEATHS = [
    *(pytest.param(at(phase), False, id=f"after {phase}") for phase in PHASES),
    *(pytest.param(at(phase), True, id=f"before {phase}") for phase in ("switched",)),
    *(pytest.param(sending(purpose), False, id=f"about to {purpose}") for purpose in ("register", "create")),
]


@pytest.mark.parametrize(("dies", "before"), DEATHS)
def test_the_journal_says_where_it_stood_and_the_next_run_begins_clean(
    dies: Callable[[Entry], bool],
    before: bool,
    another_room: Callable[[], Any],
    hall_of: Make,
    telling: Make,
    agenda: Make,
    asking: Make,
    flat_bars: Make,
    tmp_path: Path,
):
    bars, place = flat_bars(5), tmp_path / "journal.sqlite"
    old, new = telling("old", "up"), telling("new", "up")
    with another_room() as room:
        with Journal.open(place) as journal:
            mortal = Mortal(journal, dies, before=before)
            one = hall_of(room, old, agenda((1, asking("r", new, shadow=1))), journal=mortal)
            with pytest.raises(Killed):
                one.run(bars)
            killed, decided = journal.run, one.decided()
        assert decided == [bars.closed_at(index) for index in range(1, len(decided) + 1)]
        assert len(decided) in (1, 2)
    with another_room() as room, Journal.open(place) as journal:
        stood = stories_of(journal, run=killed)
        two = hall_of(room, old, journal=journal)
        two.run(bars[:3])
        said = stories_of(journal, run=journal.run)
        # Begun anew: the model it was given, all owners with it, every bar decided on once.
        assert two.desks.live.model is old
        assert len(two.desks.live.mandates) == 4
        assert len(two.decided()) == 2
        assert prove(two.venue).balanced
        assert journal.verify().rows > 0
    if not stood:
        assert said == []  # it was killed before it had heard of the request
        return
    [before_it], [after_it] = stood, said
    assert before_it.request == after_it.request == "r"
    assert after_it.over
    moved = before_it.step(Phase.SWITCHED) is not None
    assert before_it.over is moved
    assert after_it.what is What.SWAP
    assert after_it.steps[-1].phase == ("lapsed" if moved else "unfinished")
    assert ("begins with the model it was given" if moved else "begins anew: ask again") in after_it.reason


@pytest.mark.parametrize("options", [{"what": What.BACK, "revoke": True}, {"what": What.AGREE, "agreed": ("3",)}])
def test_the_next_run_says_what_was_asked_of_the_one_that_was_killed(
    options: dict[str, Any],
    another_room: Callable[[], Any],
    hall_of: Make,
    telling: Make,
    agenda: Make,
    asking: Make,
    flat_bars: Make,
    tmp_path: Path,
):
    """Whether it was done by then, or not."""
    place, old, swap = (
        tmp_path / "journal.sqlite",
        telling("old", "nothing"),
        asking("r", telling("new", "up"), shadow=0),
    )
    with another_room() as room, Journal.open(place) as journal:
        mortal = Mortal(journal, lambda entry: at("requested")(entry) and entry.request == "b", before=False)
        one = hall_of(room, old, agenda((1, swap), (3, asking("b", **options))), journal=mortal)
        with pytest.raises(Killed):
            one.run(flat_bars(6))
    with another_room() as room, Journal.open(place) as journal:
        hall_of(room, old, journal=journal).run(flat_bars(3))
        said = {story.request: story for story in stories_of(journal, run=journal.run)}
    assert {name: str(story.steps[0].phase) for name, story in said.items()} == {"r": "lapsed", "b": "unfinished"}
    assert [said["b"].to_json()["what"], said["r"].to_json()["what"]] == [options["what"], "swap"]
    assert all(story.over for story in said.values())
    assert story_told(said["b"]).startswith(
        {"back": "Back to the model", "agree": "owner 3 to be moved"}[options["what"]]
    )


def test_going_back_that_was_done_is_told_as_done_in_vain(
    another_room: Callable[[], Any],
    hall_of: Make,
    telling: Make,
    agenda: Make,
    asking: Make,
    flat_bars: Make,
    tmp_path: Path,
):
    """The run after it begins with another model than the one that it went back to."""
    place, old, new = tmp_path / "journal.sqlite", telling("old", "nothing"), telling("new", "up")
    asked = agenda((1, asking("r", new, shadow=0)), (3, asking("b", what=What.BACK)))
    with another_room() as room, Journal.open(place) as journal:
        hall_of(room, old, asked, journal=journal).run(flat_bars(6))
    with another_room() as room, Journal.open(place) as journal:
        hall_of(room, new, journal=journal).run(flat_bars(3))
        [story] = stories_of(journal, run=journal.run)
    assert (story.what, story.over) == (What.BACK, True)
    shown = story_told(story)
    assert shown.startswith("Back to the model before")
    assert "lapsed: The run that did it has ended, and this one begins with the model it was given." in shown
    assert "unfinished" not in shown


def story_told(story: Story) -> str:
    console = Console(width=200, file=io.StringIO())
    with console.capture() as capture:
        console.print(told(story))
    return capture.get()


def test_a_run_that_ended_by_itself_leaves_nothing_to_tell(
    another_room: Callable[[], Any],
    hall_of: Make,
    telling: Make,
    agenda: Make,
    asking: Make,
    flat_bars: Make,
    tmp_path: Path,
):
    place = tmp_path / "journal.sqlite"
    with another_room() as room, Journal.open(place) as journal:
        one = hall_of(
            room, telling("old", "nothing"), agenda((1, asking("r", telling("new", "up")))), journal=journal
        )
        one.run(flat_bars(3))
        assert one.phases("r")[-1] == "unfinished"
        journal.append(RunEnded(summary={}))
    with another_room() as room, Journal.open(place) as journal:
        hall_of(room, telling("old", "nothing"), journal=journal).run(flat_bars(3))
        assert stories_of(journal, run=journal.run) == []


def test_a_model_that_was_refused_or_left_before_is_no_news(
    another_room: Callable[[], Any],
    hall_of: Make,
    telling: Make,
    agenda: Make,
    asking: Make,
    flat_bars: Make,
    tmp_path: Path,
):
    """Killed later, with nothing under way and the model live that the next run begins with, too."""
    place, old = tmp_path / "journal.sqlite", telling("old", "nothing")
    asked = agenda(
        (1, asking("refused", old)),
        (2, asking("r", telling("new", "up"), shadow=0)),
        (3, asking("b", what=What.BACK)),
    )
    with another_room() as room, Journal.open(place) as journal:
        one = hall_of(room, old, asked, journal=journal)
        one.run(flat_bars(6))
        assert one.phases("b") == ["requested", "returned"]
    with another_room() as room, Journal.open(place) as journal:
        hall_of(room, old, journal=journal).run(flat_bars(3))
        assert stories_of(journal, run=journal.run) == []
