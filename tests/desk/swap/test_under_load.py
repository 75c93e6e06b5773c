"""However models are swapped while signals, opens and closes go on: nothing is lost, sent twice, or sent in another's name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from agent.chain.events import Closed, Opened
from agent.desk.books import prove
from agent.desk.entries import Action, Decided, DecidedBeside, Sent, Swap
from agent.desk.floor import share_of
from agent.desk.swap.request import What

Make = Callable[..., Any]

BARS = 9
UNIT = 10**8
WORDS = ("up", "down", "nothing", "flat")

SAYS = st.lists(st.sampled_from(WORDS), min_size=BARS, max_size=BARS)
MOVES = st.lists(st.sampled_from([-0.015, -0.002, 0.0, 0.003, 0.015]), min_size=BARS - 1, max_size=BARS - 1)
ASKED = st.lists(
    st.tuples(
        st.integers(0, BARS - 2),
        st.sampled_from(["first", "second", "third", "back", "back and revoke", "agree 1", "agree 2"]),
        st.integers(0, 2),
    ),
    min_size=2,
    max_size=7,
)


def closes_of(moves: Sequence[float]) -> list[float]:
    """Closes that follow from moves, each another one, so that a model can tell the bars apart."""
    closes = [2_000.0]
    for number, move in enumerate(moves):
        closes.append(round(closes[-1] * (1 + move), 2) + (number + 1) / 10**6)
    return closes


@pytest.mark.parametrize("market_waits", [True, False], ids=["in a replay", "one turn at a time"])
@settings(
    max_examples=2,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(said=st.tuples(SAYS, SAYS, SAYS), moves=MOVES, asked=ASKED)
def test_every_bar_has_one_live_decision_and_every_signal_at_most_one_open_a_mandate(
    market_waits: bool,
    said: tuple[list[str], ...],
    moves: list[float],
    asked: list[tuple[int, str, int]],
    another_room: Callable[[], Any],
    hall_of: Make,
    telling: Make,
    agenda: Make,
    asking: Make,
    moving_bars: Make,
) -> None:
    closes = closes_of(moves)
    bars = moving_bars(closes)
    number_of = {close: number for number, close in enumerate(bars.close.tolist())}
    models = {
        name: telling(name, lambda close, words=words: words[number_of[close]])
        for name, words in zip(("first", "second", "third"), said, strict=True)
    }

    def request(number: int, what: str, shadow: int) -> Any:
        if what.startswith("back"):
            return asking(f"r{number}", what=What.BACK, revoke=what.endswith("revoke"))
        if what.startswith("agree"):
            return asking(f"r{number}", what=What.AGREE, agreed=(what[-1],))
        return asking(f"r{number}", models[what], shadow=shadow)

    items = [(at, request(number, what, shadow)) for number, (at, what, shadow) in enumerate(asked)]
    with another_room() as room:
        one = hall_of(room, models["first"], agenda(*items), market_waits=market_waits)
        one.run(bars)
        _require_nothing_lost(one, bars)
        _require_nothing_sent_twice(one)
        _require_all_told(one, len(asked))
        assert prove(one.venue).balanced


def _require_nothing_lost(one: Any, bars: Any) -> None:
    assert one.decided() == [bars.closed_at(index) for index in range(1, BARS)]
    tally = one.desks.tally
    assert tally.signals + tally.holds.total() == BARS - 1
    shares = [share_of(desk, one.desks) for desk in one.desks]
    assert sum(share.settled for share in shares) == len(tally.settled)
    assert sum(share.still_open for share in shares) == len(one.desks.open_trades)
    events = Counter(type(log.event) for log in one.venue.events(one.venue.block()))
    assert events[Opened] == len(tally.settled) + len(one.desks.open_trades)
    assert events[Closed] == len(tally.settled)


def _require_nothing_sent_twice(one: Any) -> None:
    """Each presented signal is one that a live or kept model decided on, and opens at most one trade a mandate."""
    live = one.floor.model_id
    may_send: set[tuple[bytes, int]] = set()
    for entry in one.entries():
        if isinstance(entry, Swap) and "id" in entry.facts and entry.phase in ("switched", "returned"):
            live = bytes.fromhex(entry.facts["id"][2:])
        if not isinstance(entry, Decided) or entry.action is not Action.SIGNAL:
            continue
        if isinstance(entry, DecidedBeside):
            if entry.standing == "kept":
                may_send.add((bytes.fromhex(entry.model[2:]), entry.bar_time))
        else:
            may_send.add((live, entry.bar_time))
    presented = one.presented()
    assert {(model, bar) for model, bar, _ in presented} <= may_send
    # At once for the owner who takes what comes, and once more when the slippage of the careful one covers the spread.
    assert max(Counter((model, bar) for model, bar, _ in presented).values(), default=1) <= 2
    opened = Counter((mandate, bar) for _, bar, mandates in presented for mandate in mandates)
    assert max(opened.values(), default=1) == 1
    sent = [entry.transaction for entry in one.entries(Sent)]
    assert len(set(sent)) == len(sent)


def _require_all_told(one: Any, asked: int) -> None:
    stories = one.stories()
    assert len(stories) == asked
    assert all(story.over for story in stories.values())
