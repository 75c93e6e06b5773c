"""What became of a request about the model of a desk, as a person reads it: in a report, and from `patternsettle swap`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from agent.desk.entries import Phase
from agent.desk.swap.request import What
from agent.desk.swap.stories import Step, Story


def told(story: Story, *, shadowed: int | None = None, running: bool = True) -> RenderableType:
    """Return a story line by line, each with the bar after which it happened.

    Parameters
    ----------
    story
        The story.
    shadowed
        How many bars its model has been in the shadow by now, where it is.
    running
        Whether the run goes on.
    """
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True, style="dim")
    table.add_column(overflow="fold")
    for step in story.steps:
        table.add_row(_moment(step.bar_time), _said(story, step))
    if shadowed is not None:
        table.add_row("", f"in the shadow: {_some(shadowed, 'bar')} so far")
    if not (story.over or running):
        table.add_row("", "not done: the run has ended")
    return Group(Text(_title(story), style="bold"), table)


def _title(story: Story) -> str:
    match story.what:
        case What.BACK:
            return "Back to the model before"
        case What.AGREE:
            return f"{_owners(story.asked['agreed'])} to be moved"
    return f"Swap to {story.name}" if story.name else "Request"


def _said(story: Story, step: Step) -> str:
    facts = step.facts
    match step.phase:
        case Phase.REQUESTED:
            return f"asked for by {facts['by']}" + (f": {facts['place']}" if "place" in facts else "")
        case Phase.CHECKED:
            return f"fits in: all {facts['checks']} checks passed"
        case Phase.REGISTERED:
            return f"registered under a key of its own, to be heard for {_some(facts['shadow'], 'bar')}"
        case Phase.SHADOWED:
            return _compared(facts)
        case Phase.SWITCHED:
            return f"live from the next bar on; {_owners(facts['moved'])} moved"
        case Phase.OFFERED:
            return (
                f"owner {facts['owner']} did not agree, stays, and is offered it: take-profit "
                f"{facts['take_profit_bps'] / 100:.2f} %, stop-loss {facts['stop_loss_bps'] / 100:.2f} %, horizon "
                f"{_some(facts['horizon_bars'], 'bar')}, signals from {facts['threshold_bps'] / 100:.2f} % on"
            )
        case Phase.AGREED:
            return f"{_owners(facts['owners'])} moved when the model is live"
        case Phase.MOVED:
            return f"{_owners(facts['owners'])} moved"
        case Phase.RETURNED:
            return f"{facts['name']} is the live model, from the next bar on"
        case Phase.REVOKED:
            return "the model that was left is revoked"
    return f"{step.phase}: {step.reason}"


def _compared(facts: Mapping[str, Any]) -> str:
    live, shadow = facts["live"], facts["shadow"]
    return (
        f"heard for {_some(facts['bars'], 'bar')}, and agreed with the live model on {facts['agreed']}; "
        f"{_some(shadow['signals'], 'signal')} that would have come to {_result(shadow)}, "
        f"the live model's {live['signals']} to {_result(live)}"
    )


def _result(would: Mapping[str, int]) -> str:
    if not would["ended"]:
        return "nothing yet"
    return f"{would['result_bps'] / 100:+.2f} % of one trade's stake"


def _owners(numbers: Sequence[int | str]) -> str:
    if not numbers:
        return "no owner"
    return f"owner{'' if len(numbers) == 1 else 's'} {' and '.join(str(number) for number in numbers)}"


def _moment(bar_time: int | None) -> str:
    return "" if bar_time is None else f"{datetime.fromtimestamp(bar_time, UTC):%Y-%m-%d %H:%M}"


def _some(count: int, one: str) -> str:
    return f"{count:,} {one}{'' if count == 1 else 's'}"
