"""What a run does not grant: it says why in its journal, and goes on as it was."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from agent.chain.node import RpcFault
from agent.desk.decision import Standing
from agent.desk.entries import Phase, Sent
from agent.desk.swap.ground import Ground
from agent.desk.swap.mailbox import Mailbox
from agent.desk.swap.request import Unfit, What
from agent.errors import ConnectionFailed, OutOfGas, PatternSettleError, Reverted, SwapRefused

Make = Callable[..., Any]

HOUR = 3_600
START = 1_704_067_200


def untouched(one: Any, *, bars: int) -> None:
    """Require that a run went on as if nothing had been asked."""
    assert len(one.decided()) == bars
    assert one.desks.live.model is one.model
    assert one.desks.live.mandates == one.desks.owners.mandates(one.floor.model_id)
    assert len(one.desks.live.mandates) == 4


class TestAModelThatCannotTradeHere:
    @pytest.mark.parametrize(
        ("changes", "why"),
        [
            ({"interval": 300}, "trained on bars of 300 s, and these are of 3600 s"),
            ({"trained_until": datetime.fromtimestamp(START + 2 * HOUR + 1, UTC)}, "trade on its own past"),
        ],
        ids=["other bars", "the future"],
    )
    def test_is_refused_before_anything_is_sent(
        self,
        changes: dict[str, Any],
        why: str,
        hall: Make,
        telling: Make,
        agenda: Make,
        asking: Make,
        flat_bars: Make,
    ):
        new = telling("new", "up")
        new = replace(new, manifest=replace(new.manifest, **changes))
        one = hall(telling("old", "nothing"), agenda((1, asking("r", new))))
        one.run(flat_bars(4))
        assert one.phases("r") == ["requested", "refused"]
        assert why in one.stories()["r"].reason
        assert one.entries(Sent) == []
        untouched(one, bars=3)

    def test_may_know_everything_until_the_bar_that_closed_last(
        self, hall: Make, telling: Make, agenda: Make, asking: Make, flat_bars: Make
    ):
        new = telling("new", "up")
        until = datetime.fromtimestamp(START + 2 * HOUR, UTC)
        new = replace(new, manifest=replace(new.manifest, trained_until=until))
        one = hall(telling("old", "nothing"), agenda((1, asking("r", new, shadow=0))))
        one.run(flat_bars(4))
        assert one.phases("r")[-2:] == ["switched", "offered"]

    def test_waits_until_a_bar_is_known_where_a_replay_begins_without_any(
        self, hall: Make, telling: Make, agenda: Make, asking: Make, flat_bars: Make
    ):
        one = hall(telling("old", "nothing"), agenda((0, asking("r", telling("new", "up"), shadow=0))))
        one.run(flat_bars(4), start=0)
        step = one.stories()["r"].steps[1]
        assert (str(step.phase), step.bar_time) == ("checked", one.decided()[0])


def test_the_model_that_is_live_already_is_refused(
    hall: Make, telling: Make, agenda: Make, asking: Make, flat_bars: Make
):
    old = telling("old", "nothing")
    known = asking("known", old)
    one = hall(old, agenda((1, known), (2, replace(known, id="found out", expected=""))))
    one.run(flat_bars(5))
    for request in ("known", "found out"):
        assert one.phases(request) == ["requested", "refused"]
        assert "live already" in one.stories()[request].reason
    untouched(one, bars=4)


class TestASecondRequest:
    def test_is_refused_while_a_swap_is_under_way_and_does_not_disturb_it(
        self, hall: Make, telling: Make, agenda: Make, asking: Make, flat_bars: Make
    ):
        one = hall(
            telling("old", "nothing"),
            agenda((1, asking("r1", telling("new", "up"))), (1, asking("r2", telling("newer", "up")))),
        )
        one.run(flat_bars(7))
        assert one.phases("r1")[-2:] == ["switched", "offered"]
        assert one.phases("r2") == ["requested", "refused"]
        assert "Another swap is under way, to new." in one.stories()["r2"].reason
        assert "patternsettle swap --back" in one.stories()["r2"].reason

    def test_is_granted_once_the_first_is_done(
        self, hall: Make, telling: Make, agenda: Make, asking: Make, flat_bars: Make
    ):
        one = hall(
            telling("old", "nothing"),
            agenda(
                (1, asking("r1", telling("new", "up"), shadow=0)),
                (2, asking("r2", telling("newer", "down"), shadow=0)),
            ),
        )
        one.run(flat_bars(5))
        standings = [one.desks.standing(desk) for desk in one.desks]
        assert standings == [Standing.KEPT, Standing.RESTING, Standing.LIVE]


class TestWhatCannotBeReadOrComesTooLate:
    def test_is_told_with_its_reason(self, hall: Make, telling: Make, flat_bars: Make):
        class Garbled:
            told = False

            def requests(self, *, decided: int, busy: bool) -> Iterator[Unfit]:
                if not self.told:
                    self.told = True
                    yield Unfit("noise", "It is not JSON.")

        one = hall(telling("old", "nothing"), Garbled())
        one.run(flat_bars(3))
        assert one.phases("noise") == ["refused"]
        assert one.stories()["noise"].reason == "It is not JSON."
        assert one.stories()["noise"].over

    @pytest.mark.parametrize("name", ["x.json", b"\xff.json", "0-a\nb.json", "-.json"])
    def test_does_not_end_the_run_whatever_it_is_called(
        self, name: str | bytes, hall: Make, telling: Make, flat_bars: Make, tmp_path: Path
    ):
        (tmp_path / os.fsdecode(name)).mkdir()
        one = hall(telling("old", "nothing"), Mailbox(tmp_path))
        one.run(flat_bars(4))
        refused = one.told(Phase.REFUSED)
        assert len(refused) == 2
        assert all((each.request + each.reason).encode() for each in refused)
        untouched(one, bars=3)

    def test_is_told_as_the_run_ends(self, hall: Make, telling: Make, agenda: Make, asking: Make, flat_bars: Make):
        one = hall(telling("old", "nothing"), agenda((3, asking("r", telling("new", "up")))))
        one.run(flat_bars(4))
        assert one.phases("r") == ["requested", "refused"]
        assert one.stories()["r"].reason == "The run has ended."


@pytest.mark.parametrize("where", ["seat", "create"])
@pytest.mark.parametrize(
    "error",
    [
        Reverted("NotPublisher"),
        OutOfGas("Too little gas."),
        RpcFault("eth_sendRawTransaction", -32_000, "no funds"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_transaction_that_fails_ends_the_swap_and_not_the_run(
    where: str,
    error: PatternSettleError,
    hall: Make,
    telling: Make,
    agenda: Make,
    asking: Make,
    flat_bars: Make,
    monkeypatch: pytest.MonkeyPatch,
):
    def fails(*_: Any) -> None:
        raise error

    one = hall(telling("old", "nothing"), agenda((1, asking("r", telling("new", "up"), shadow=1))))
    monkeypatch.setattr(Ground, where, fails)
    one.run(flat_bars(5))
    assert one.phases("r")[-1] == "refused"
    assert one.stories()["r"].reason == str(error)
    untouched(one, bars=4)


def test_a_node_that_is_gone_ends_the_run(
    hall: Make, telling: Make, agenda: Make, asking: Make, flat_bars: Make, monkeypatch: pytest.MonkeyPatch
):
    def gone(*_: Any) -> None:
        raise ConnectionFailed("No node answers.")

    one = hall(telling("old", "nothing"), agenda((1, asking("r", telling("new", "up")))))
    monkeypatch.setattr(Ground, "seat", gone)
    with pytest.raises(ConnectionFailed):
        one.run(flat_bars(5))
    assert one.phases("r") == ["requested", "checked"]


def test_a_model_that_fails_in_the_shadow_takes_nothing_else_with_it(
    hall: Make, telling: Make, agenda: Make, asking: Make, flat_bars: Make
):
    bars = flat_bars(7)

    def says(close: int) -> str:
        if close == bars.close[4]:
            raise ZeroDivisionError("by zero")
        return "up"

    one = hall(telling("old", "nothing"), agenda((1, asking("r", telling("new", says), shadow=4))))
    one.run(bars)
    assert one.phases("r") == ["requested", "checked", "registered", "refused"]
    assert "failed in the shadow, after 2 bars: it raised ZeroDivisionError: by zero." in one.stories()["r"].reason
    assert len(one.beside("shadow")) == 2
    untouched(one, bars=6)


def test_a_model_that_does_not_pass_is_refused_with_what_it_fails(
    hall: Make, telling: Make, agenda: Make, asking: Make, flat_bars: Make
):
    class Strict:
        def begin(self, request: Any) -> Any:
            raise SwapRefused("It fails 1 of 16 checks: it looks ahead.")

    one = hall(telling("old", "nothing"), agenda((1, asking("r", telling("new", "up")))), examiner=Strict())
    one.run(flat_bars(3))
    assert one.phases("r") == ["requested", "refused"]
    assert "it looks ahead" in one.stories()["r"].reason
    untouched(one, bars=2)


def test_going_back_during_an_examination_ends_it(
    hall: Make, telling: Make, agenda: Make, asking: Make, flat_bars: Make, accepting: Make
):
    examiner = accepting(looks=100)
    asked = agenda((1, asking("r", telling("new", "up"))), (2, asking("b", what=What.BACK)))
    one = hall(telling("old", "nothing"), asked, examiner=examiner)
    one.run(flat_bars(4))
    assert one.phases("r") == ["requested", "withdrawn"]
    assert examiner.ended == 1
