"""A swap from the request to the switch and back: who is moved, what is sent under which model, and what each bar's decision is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from agent.chain.accounts import key_for
from agent.chain.values import Barrier
from agent.desk.books import prove
from agent.desk.decision import Standing
from agent.desk.entries import Phase, Sent, Swap
from agent.desk.floor import share_of
from agent.model.labels import Barriers
from agent.settings import Settings

Make = Callable[..., Any]

HOUR = 3_600
NEW_BARRIERS = Barriers(take_profit_bps=300, stop_loss_bps=200, horizon=3, spread_bps=3)


def test_a_swap_is_told_step_by_step(hall: Make, telling: Make, agenda: Make, asking: Make, flat_bars: Make):
    new = telling("new", "up")
    one = hall(telling("old", "nothing"), agenda((2, asking("r", new))))
    one.run(flat_bars(10))
    assert one.phases("r") == ["requested", "checked", "registered", "shadowed", "switched", "offered"]
    story = one.stories()["r"]
    assert (story.model, story.name, story.over, story.reason) == (new.id, "new", True, None)
    bars = [step.bar_time for step in story.steps]
    assert bars == [one.decided()[1]] * 3 + [one.decided()[4]] * 3
    assert [entry.model for entry in one.entries(Swap)] == [new.id] * 6


def test_a_model_is_registered_under_a_key_of_its_own(
    hall: Make, telling: Make, agenda: Make, asking: Make, flat_bars: Make
):
    new = telling("new", "nothing")
    one = hall(telling("old", "nothing"), agenda((1, asking("r", new, shadow=0))))
    one.run(flat_bars(3))
    room, artifact = one.room, bytes.fromhex(new.id[2:])
    key = key_for(Settings(), artifact)
    model_id = room.models.id_of(room.people.operator.address, key.address, artifact)
    assert room.models.model_of(model_id) == (key.address, room.people.operator.address, False)
    assert key.address != room.people.model_key.address
    assert one.stories()["r"].step(Phase.REGISTERED).facts["id"] == "0x" + model_id.hex()
    assert [entry.purpose for entry in one.entries(Sent)] == ["register", "create", "create"]


@pytest.fixture(scope="class")
def shadowing(shared_hall: Make, telling: Make, agenda: Make, asking: Make, flat_bars: Make) -> Any:
    says = telling("old", lambda close: "up" if close // 10**6 % 2 else "nothing")
    made = shared_hall(says, agenda((2, asking("r", telling("new", "up"), shadow=5))))
    made.run(flat_bars(8))
    return made


class TestInTheShadow:
    def test_a_model_is_heard_at_each_bar_and_not_followed(self, shadowing: Any):
        assert [entry.bar_time for entry in shadowing.beside("shadow")] == shadowing.decided()[2:7]
        assert {entry.side for entry in shadowing.beside("shadow")} == {"long"}
        assert {model for model, _, _ in shadowing.presented()} == {shadowing.floor.model_id}

    def test_nothing_of_the_run_changes_before_the_switch(self, shadowing: Any):
        assert shadowing.phases("r") == ["requested", "checked", "registered", "unfinished"]
        assert shadowing.desks.live.model is shadowing.model
        assert [shadowing.desks.standing(desk) for desk in shadowing.desks] == [Standing.LIVE, Standing.RESTING]
        assert [entry.purpose for entry in shadowing.entries(Sent)].count("create") == 0

    def test_the_run_says_what_it_leaves_unfinished(self, shadowing: Any):
        assert shadowing.stories()["r"].reason == "The run has ended."


def test_the_comparison_says_where_both_agreed_and_what_each_would_have_come_to(
    hall: Make, telling: Make, agenda: Make, asking: Make, moving_bars: Make
):
    # 1 % up at each bar: a long takes its profit inside the bar it is entered in, a short is stopped there.
    bars = moving_bars([2_000 * 1.02**i for i in range(9)])
    old = telling("old", lambda close: "down" if close > bars.close[4] else "up")
    one = hall(old, agenda((2, asking("r", telling("new", "up"), shadow=4))))
    one.run(bars)
    [shadowed] = one.told(Phase.SHADOWED)
    facts = shadowed.facts
    assert (facts["bars"], facts["agreed"]) == (4, 2)
    assert facts["live"]["signals"] == facts["shadow"]["signals"] == 4
    assert facts["live"]["ended"] == facts["shadow"]["ended"] == 3  # the last one's end is not known yet
    # A take-profit of 100 bps less a spread of 5 at its end; a stop the other way costs the spread, too.
    assert facts["shadow"]["result_bps"] == pytest.approx(3 * 95, abs=2)
    assert facts["live"]["result_bps"] == pytest.approx(2 * 95 - 105, abs=2)


@pytest.fixture(scope="class")
def switched(shared_hall: Make, telling: Make, agenda: Make, asking: Make, flat_bars: Make) -> Any:
    """Both models see a signal in every bar; trades of the old one last two bars, those of the new one three."""
    old = telling("old", "up", barriers=Barriers(horizon=2))
    new = telling("new", "up", barriers=NEW_BARRIERS)
    made = shared_hall(old, agenda((2, asking("r", new, shadow=1))))
    made.run(flat_bars(12))
    return made


class TestAtTheSwitch:
    def test_each_bar_has_one_live_decision_before_and_after(self, switched: Any):
        assert switched.decided() == sorted(set(switched.decided()))
        assert len(switched.decided()) == 11
        assert switched.desks.tally.signals == 11

    def test_who_agreed_is_moved_and_who_did_not_stays_and_is_offered_it(self, switched: Any):
        owners, (old, new) = switched.desks.owners, switched.desks
        assert [owners.model_of(owner) for owner in owners.people] == [new.model_id, old.model_id]
        [step], [offered] = switched.told(Phase.SWITCHED), switched.told(Phase.OFFERED)
        assert (step.facts["moved"], step.facts["staying"]) == ([1], [2])
        assert offered.facts["address"] == switched.room.people.owners[1].address
        assert offered.facts["stays_with"] == "0x" + old.model_id.hex()
        terms = {name: offered.facts[name] for name in ("take_profit_bps", "stop_loss_bps", "horizon_bars")}
        assert terms == {"take_profit_bps": 300, "stop_loss_bps": 200, "horizon_bars": 3}

    def test_mandates_have_the_barriers_of_the_model_they_name(self, switched: Any):
        old, new = switched.desks
        barriers = {(each.take_profit_bps, each.stop_loss_bps, each.horizon) for each in new.mandates}
        assert barriers == {(300, 200, 3 * HOUR - 60)}
        assert {mandate.model for mandate in new.mandates} == {new.model_id}
        assert {mandate.model for mandate in old.mandates} == {old.model_id}

    def test_the_former_model_serves_who_stayed_and_nobody_else(self, switched: Any):
        old, new = switched.desks
        moved, stayed = (account.address for account in switched.room.people.owners)
        assert switched.desks.standing(old) is Standing.KEPT
        assert [entry.bar_time for entry in switched.beside("kept")] == switched.decided()[3:]
        assert {mandate.owner for mandate in old.mandates} == {stayed}
        assert {mandate.owner for mandate in new.mandates} == {moved}
        # What the old model opened for the one who moved is from before the switch.
        opened = [trade.opening for trade in switched.desks.tally.settled] + [*switched.desks.open_trades.values()]
        of_the_old = [trade for trade in opened if trade.fill.mandate.model == old.model_id]
        last = max(trade.decision.closed_at for trade in of_the_old if trade.fill.mandate.owner == moved)
        assert last <= switched.decided()[2]
        assert max(trade.decision.closed_at for trade in of_the_old) > switched.decided()[2]

    def test_the_signal_that_waited_at_the_switch_is_sent_by_the_model_that_made_it(self, switched: Any):
        old, new = switched.desks
        by_bar = {(bar, model) for model, bar, opened in switched.presented()}
        before, after = switched.decided()[2:4]
        assert (before, old.model_id) in by_bar
        assert (before, new.model_id) not in by_bar
        assert (after, new.model_id) in by_bar

    def test_an_open_trade_keeps_its_barriers_and_ends_at_them(self, switched: Any):
        old, new = switched.desks
        for desk, bars in ((old, 2), (new, 3)):
            ended = [
                trade
                for trade in switched.desks.tally.settled
                if trade.opening.fill.mandate.model == desk.model_id
            ]
            assert ended
            for trade in ended:
                assert trade.barrier is Barrier.HORIZON
                assert trade.closed_at - trade.opening.opened_at == pytest.approx(bars * HOUR, abs=60)
        assert any(
            trade.opening.opened_at < switched.decided()[2] < trade.closed_at
            for trade in switched.desks.tally.settled
            if trade.opening.fill.mandate.model == old.model_id
        )

    def test_all_trades_are_those_of_one_model_or_the_other(self, switched: Any):
        shares = [share_of(desk, switched.desks) for desk in switched.desks]
        assert sum(share.settled for share in shares) == len(switched.desks.tally.settled)
        assert sum(share.still_open for share in shares) == len(switched.desks.open_trades)
        assert [dict(share.bars) for share in shares] == [
            {Standing.LIVE: 3, Standing.KEPT: 8},
            {Standing.LIVE: 8, Standing.SHADOW: 1},
        ]

    def test_the_books_balance(self, switched: Any):
        assert prove(switched.venue).balanced
