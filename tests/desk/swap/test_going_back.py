"""Going back to the former model, and owners who agree to the one they were offered: each one request, at any bar."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from agent.chain.values import Reason
from agent.desk.books import prove
from agent.desk.decision import Standing
from agent.desk.entries import Phase, Sent
from agent.desk.swap.request import What

Make = Callable[..., Any]


class TestGoingBack:
    def test_returns_to_the_former_model_and_its_mandates_from_the_next_bar_on(
        self, hall: Make, telling: Make, agenda: Make, asking: Make, flat_bars: Make
    ):
        asked = agenda((1, asking("r", telling("new", "up"), shadow=0)), (4, asking("b", what=What.BACK)))
        one = hall(telling("old", "nothing"), asked)
        before = one.desks.live.mandates
        one.run(flat_bars(8))
        old, new = one.desks
        assert one.phases("b") == ["requested", "returned"]
        assert (one.desks.live, old.mandates, new.mandates) == (old, before, ())
        assert [one.desks.standing(desk) for desk in one.desks] == [Standing.LIVE, Standing.RESTING]
        # Bars 1 to 3 are decided by the new model, and nobody asks it again.
        assert one.desks.tally.signals == 3
        assert [entry.bar_time for entry in one.beside("kept")] == one.decided()[1:4]
        assert one.room.models.model_of(new.model_id)[2] is False
        assert prove(one.venue).balanced

    def test_loses_neither_the_signal_that_waits_nor_the_trade_it_opens(
        self, hall: Make, telling: Make, agenda: Make, asking: Make, moving_bars: Make
    ):
        asked = agenda((1, asking("r", telling("new", "up"), shadow=0)), (2, asking("b", what=What.BACK)))
        one = hall(telling("old", "nothing"), asked)
        one.run(moving_bars([2_000, 2_001, 2_002, 2_003, 2_050, 2_051]))
        new = list(one.desks)[1]
        [trade] = one.desks.tally.settled
        assert trade.opening.fill.mandate.model == new.model_id
        assert trade.opening.decision.closed_at == one.decided()[1]
        assert trade.closed_at > one.decided()[2]

    def test_revokes_the_model_that_is_left_where_that_is_asked(
        self, hall: Make, telling: Make, agenda: Make, asking: Make, flat_bars: Make
    ):
        new = telling("new", "up")
        asked = agenda(
            (1, asking("r", new, shadow=0)),
            (2, asking("b", what=What.BACK, revoke=True)),
            (3, asking("again", new, shadow=0)),
        )
        one = hall(telling("old", "nothing"), asked)
        one.run(flat_bars(6))
        left = list(one.desks)[1]
        assert one.phases("b") == ["requested", "returned", "revoked"]
        assert one.stories()["b"].over
        assert one.room.models.model_of(left.model_id)[2] is True
        # The signal that waited is not vouched for any more, and is not sent.
        assert one.desks.tally.refused == {Reason.NOT_VOUCHED: 1}
        assert one.presented() == []
        assert "was revoked on this chain" in one.stories()["again"].reason

    def test_ends_a_swap_that_is_still_under_way(
        self, hall: Make, telling: Make, agenda: Make, asking: Make, flat_bars: Make
    ):
        asked = agenda((1, asking("r", telling("new", "up"))), (2, asking("b", what=What.BACK)))
        one = hall(telling("old", "nothing"), asked)
        one.run(flat_bars(8))
        assert one.phases("r") == ["requested", "checked", "registered", "withdrawn"]
        assert one.phases("b") == ["requested", "returned"]
        assert len(one.beside("shadow")) == 1
        assert one.desks.live.model is one.model

    def test_is_refused_where_there_is_nothing_to_go_back_to(
        self, hall: Make, telling: Make, agenda: Make, asking: Make, flat_bars: Make
    ):
        one = hall(telling("old", "nothing"), agenda((1, asking("b", what=What.BACK))))
        one.run(flat_bars(3))
        assert one.phases("b") == ["requested", "refused"]
        assert "no former model" in one.stories()["b"].reason

    def test_and_forth_again_registers_and_creates_nothing_twice(
        self, hall: Make, telling: Make, agenda: Make, asking: Make, flat_bars: Make
    ):
        new = telling("new", "nothing")
        asked = agenda(
            (1, asking("r", new, shadow=0)),
            (2, asking("b", what=What.BACK)),
            (3, asking("again", new, shadow=0)),
            (4, asking("back-again", what=What.BACK)),
        )
        one = hall(telling("old", "nothing"), asked)
        one.run(flat_bars(6))
        assert one.stories()["again"].step(Phase.SWITCHED)
        assert [entry.purpose for entry in one.entries(Sent)] == ["register", "create", "create"]
        assert len(list(one.desks)) == 2
        assert one.desks.live.model is one.model

    def test_goes_one_model_back_at_a_time(
        self, hall: Make, telling: Make, agenda: Make, asking: Make, flat_bars: Make
    ):
        asked = agenda(
            (1, asking("r1", telling("second", "nothing"), shadow=0)),
            (2, asking("r2", telling("third", "nothing"), shadow=0)),
            (3, asking("b1", what=What.BACK)),
            (4, asking("b2", what=What.BACK)),
            (5, asking("b3", what=What.BACK)),
        )
        one = hall(telling("first", "nothing"), asked)
        one.run(flat_bars(7))
        names = [step.facts["name"] for step in one.told(Phase.RETURNED)]
        assert names == ["second", "first"]
        assert one.phases("b3") == ["requested", "refused"]


class TestOwnersWhoAgree:
    def test_are_moved_after_the_switch_by_their_own_word(
        self, hall: Make, telling: Make, agenda: Make, asking: Make, flat_bars: Make
    ):
        asked = agenda(
            (1, asking("r", telling("new", "up"), shadow=0)), (3, asking("a", what=What.AGREE, agreed=("2",)))
        )
        one = hall(telling("old", "up"), asked)
        one.run(flat_bars(6))
        new = list(one.desks)[1]
        assert one.phases("a") == ["requested", "moved"]
        assert [one.desks.standing(desk) for desk in one.desks] == [Standing.RESTING, Standing.LIVE]
        assert {mandate.owner for mandate in new.mandates} == {each.address for each in one.room.people.owners}
        assert [entry.bar_time for entry in one.beside("kept")] == one.decided()[1:3]

    @pytest.mark.parametrize("first", ["with the request", "while it is in the shadow"])
    def test_are_moved_with_the_switch_where_they_agreed_before(
        self, first: str, hall: Make, telling: Make, agenda: Make, asking: Make, flat_bars: Make, people: Any
    ):
        new, second = telling("new", "nothing"), people.owners[1].address
        if first == "with the request":
            asked = agenda((1, asking("r", new, agreed=("2",))))
        else:
            asked = agenda((1, asking("r", new)), (2, asking("a", what=What.AGREE, agreed=(second.lower(),))))
        one = hall(telling("old", "nothing"), asked)
        one.run(flat_bars(8))
        [step] = one.told(Phase.SWITCHED)
        assert (step.facts["moved"], step.facts["staying"]) == ([1, 2], [])
        assert one.told(Phase.OFFERED) == []

    @pytest.mark.parametrize(
        ("who", "why"), [("3", "There is no owner '3'"), ("1", "They are with the live model already")]
    )
    def test_are_told_where_there_is_nothing_to_agree_to(
        self, who: str, why: str, hall: Make, telling: Make, agenda: Make, asking: Make, flat_bars: Make
    ):
        one = hall(telling("old", "nothing"), agenda((1, asking("a", what=What.AGREE, agreed=(who,)))))
        one.run(flat_bars(3))
        assert why in one.stories()["a"].reason

    def test_return_with_the_others_when_the_model_is_left(
        self, hall: Make, telling: Make, agenda: Make, asking: Make, flat_bars: Make
    ):
        asked = agenda(
            (1, asking("r", telling("new", "nothing"), shadow=0)),
            (2, asking("a", what=What.AGREE, agreed=("2",))),
            (3, asking("b", what=What.BACK)),
        )
        one = hall(telling("old", "nothing"), asked)
        one.run(flat_bars(5))
        owners = one.desks.owners
        assert {owners.model_of(owner) for owner in owners.people} == {one.floor.model_id}
