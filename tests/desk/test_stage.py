"""Setting the stage: who may do what, with which deposits, under mandates that the contract finds sound."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent.chain.contracts import OracleContract
from agent.chain.events import MandateCreated
from agent.chain.values import BPS, PRICE_SCALE, Reason, Side
from agent.desk.floor import plan_of, terms_of
from agent.desk.stage import BOLD, CAREFUL, FILLER_TRADES, OWNER_TRADES, Plan, Stage, mandate_of, set_stage
from agent.errors import ChainError, DeskError
from agent.model.labels import DRIFT_BPS, Barriers, least_barrier_bps
from agent.model.patterns import mask_of
from agent.model.trained import TrainedModel

HOUR = 3_600


def staged(room: Any, plan: Plan | None = None) -> Stage:
    return set_stage(room.chain, room.at, room.people, plan or room.plan())


@pytest.fixture(scope="module")
def opened(another_room: Any) -> Iterator[tuple[Any, Stage]]:
    with another_room() as room:
        yield room, staged(room)


@pytest.fixture
def theatre(opened: tuple[Any, Stage]) -> Iterator[tuple[Any, Stage]]:
    """A room, and the stage that was set there as planned; what a test does on it is undone."""
    with opened[0].chain.undone():
        yield opened


def test_each_owner_has_a_mandate_for_each_side(theatre: tuple[Any, Stage]) -> None:
    room, stage = theatre
    owners = [owner.address for owner in room.people.owners]
    assert [(mandate.owner, mandate.side) for mandate in stage.mandates] == [
        (owner, side) for owner in owners for side in Side
    ]
    assert len({mandate.id for mandate in stage.mandates}) == 4


def test_the_contract_knows_every_mandate_as_it_is_told_here(theatre: tuple[Any, Stage]) -> None:
    room, stage = theatre
    venue = room.venue()
    created = {log.event.id: log.event for log in venue.events(venue.block()) if type(log.event) is MandateCreated}
    for mandate in stage.mandates:
        assert created[mandate.id].mandate == mandate
        assert room.settlement.state_of(mandate.id).usable_from > 0


def test_the_barriers_are_those_that_the_model_was_trained_on(room: Any) -> None:
    barriers = Barriers(take_profit_bps=120, stop_loss_bps=70, horizon=8, spread_bps=7)
    for mandate in staged(room, room.plan(barriers)).mandates:
        assert (mandate.take_profit_bps, mandate.stop_loss_bps) == (120, 70)
        assert mandate.horizon == 8 * HOUR - 60
        assert mandate.max_slippage_bps > barriers.spread_bps


def test_one_owner_takes_what_comes_and_the_other_is_careful(theatre: tuple[Any, Stage]) -> None:
    bold, _, careful, _ = theatre[1].mandates
    assert (bold.patterns, bold.min_confidence_bps, bold.cooldown) == (0, 5_000, 0)
    assert careful.patterns == mask_of(CAREFUL.patterns) != 0
    assert (careful.min_confidence_bps, careful.cooldown) == (5_300, 3 * HOUR)
    assert careful.drawdown_limit < bold.drawdown_limit
    assert (bold.ramp, careful.ramp) == (0, 30)


@pytest.mark.parametrize("side", Side)
def test_each_trade_is_of_half_a_size_at_least_and_of_two_at_most(theatre: tuple[Any, Stage], side: Side) -> None:
    room, stage = theatre
    size = room.plan().size(side)
    for mandate in stage.mandates:
        if mandate.side is side:
            assert (mandate.min_amount, mandate.max_amount) == (size // 2, 2 * size)


def test_an_owner_can_lose_its_deposit_at_most_which_is_a_few_trades(theatre: tuple[Any, Stage]) -> None:
    """Two of the largest trades at once, as while a model is swapped, and what their mandates may lose, are what it covers."""
    room, stage = theatre
    for mandate in stage.mandates:
        deposit = OWNER_TRADES * room.plan().size(mandate.side)
        assert 2 * (mandate.max_amount + mandate.drawdown_limit) <= deposit <= 10 * room.plan().size(mandate.side)


def test_deposits_suffice_for_many_trades_of_each_side(room: Any) -> None:
    people, plan = room.people, room.plan()

    def deposits() -> list[int]:
        return [
            room.settlement.balance_of(account.address, token)
            for account in (*people.owners, people.filler)
            for token in (room.at.quote, room.at.base)
        ]

    before = deposits()
    staged(room)
    trades = [OWNER_TRADES, OWNER_TRADES, FILLER_TRADES]
    assert [after - had for after, had in zip(deposits(), before, strict=True)] == [
        n * plan.size(side) for n in trades for side in Side
    ]


def test_a_trade_is_worth_the_same_on_either_side(room: Any) -> None:
    plan = room.plan()
    assert plan.size(Side.LONG) == plan.terms.size
    assert plan.size(Side.SHORT) * plan.price == plan.terms.size * PRICE_SCALE


def test_the_operator_may_use_the_fillers_deposit_and_nobody_elses(theatre: tuple[Any, Stage]) -> None:
    room, _ = theatre
    operator, people = room.people.operator.address, room.people
    assert room.settlement.is_authorized(people.filler.address, operator)
    for other in (*people.owners, people.publisher, people.model_key):
        assert not room.settlement.is_authorized(other.address, operator)


def test_the_model_is_registered_with_its_key_under_the_hash_of_its_artifact(room: Any) -> None:
    stage = staged(room, replace(room.plan(), artifact_hash=b"\x22" * 32))
    key, publisher, revoked = room.models.model_of(stage.model_id)
    assert (int(key, 16), int(publisher, 16), revoked) == (
        int(room.people.model_key.address, 16),
        int(room.people.operator.address, 16),
        False,
    )
    assert {mandate.model for mandate in stage.mandates} == {stage.model_id}


def test_setting_it_again_makes_new_mandates_of_the_same_model(theatre: tuple[Any, Stage]) -> None:
    room, first = theatre
    second = staged(room)
    assert first.model_id == second.model_id
    assert not {mandate.id for mandate in first.mandates} & {mandate.id for mandate in second.mandates}


def test_a_revoked_model_is_refused_with_the_cure(room: Any) -> None:
    room.models.revoke(room.people.operator, room.model_id)
    with pytest.raises(DeskError, match=r"was revoked on this chain\. Train or choose another\."):
        staged(room)


@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize("owner", [0, 1])
def test_the_desk_can_trade_under_each_mandate(theatre: tuple[Any, Stage], side: Side, owner: int) -> None:
    room, stage = theatre
    [mandate] = [
        each for each in stage.mandates if (each.owner, each.side) == (room.people.owners[owner].address, side)
    ]
    word = "up" if side is Side.LONG else "down"
    desk = room.desk(lambda close: word, mandate)  # it sees pattern 0, a breakout, with 80 %
    room.signalled(desk)
    room.see_through(desk)
    assert set(desk.open_trades) == {mandate.id}
    room.publish(2_100 if side is Side.LONG else 1_900)
    desk.watch()
    assert len(desk.tally.settled) == 1


def test_the_careful_owner_refuses_what_the_bold_one_takes(theatre: tuple[Any, Stage]) -> None:
    room, stage = theatre
    desk = room.desk(lambda close: "up", *stage.mandates, threshold_bps=5_000)
    careful = [each for each in stage.mandates if each.owner == room.people.owners[1].address]
    room.signalled(desk)
    room.see_through(desk)
    room.publish(2_100)
    desk.watch()
    again = room.closed_at + HOUR
    desk.consider(np.array([2_100 * 10**8]), again)
    room.publish(2_100, at=again)
    desk.act()
    assert desk.tally.refused == {Reason.COOLING_DOWN: 1}
    assert not {mandate.id for mandate in careful} & set(desk.open_trades)


# ---- whatever the model was trained on


@settings(
    max_examples=8,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.data())
def test_whatever_barriers_a_model_has_its_mandates_are_sound(another_room: Any, data: st.DataObject) -> None:
    spread = data.draw(st.integers(0, 4_994), label="spread")
    distances = st.integers(least_barrier_bps(spread + DRIFT_BPS), BPS - 1)
    barriers = Barriers(
        take_profit_bps=data.draw(distances, label="take profit"),
        stop_loss_bps=data.draw(distances, label="stop loss"),
        horizon=data.draw(st.integers(1, 100), label="horizon"),
        spread_bps=spread,
    )
    price = data.draw(st.integers(10**17, 10**35), label="price")
    threshold = data.draw(st.integers(0, BPS), label="threshold")
    with another_room() as room:
        drift = data.draw(st.integers(0, 100), label="drift")
        plan = replace(room.plan(barriers), price=price, threshold_bps=threshold, drift_bps=drift)
        for temper in (BOLD, CAREFUL):
            for side in Side:
                mandate = mandate_of(
                    room.people.owners[0].address,
                    temper,
                    side,
                    deployment=room.at,
                    model_id=room.model_id,
                    plan=plan,
                    salt=b"\x01" * 32,
                )
                room.settlement.create(room.people.owners[0], mandate)


@pytest.mark.parametrize("side", Side)
def test_at_the_edge_of_what_a_contract_can_hold_a_mandate_asks_for_no_more_than_fits(
    room: Any, side: Side
) -> None:
    far = Barriers(take_profit_bps=BPS - 1, stop_loss_bps=BPS - 1, spread_bps=4_994)
    mandate = mandate_of(
        room.people.owners[0].address,
        BOLD,
        side,
        deployment=room.at,
        model_id=room.model_id,
        plan=replace(room.plan(far), price=10**9, drift_bps=100),
        salt=b"\x01" * 32,
    )
    assert mandate.max_slippage_bps == 4_999
    assert mandate.max_amount < 2**128
    room.settlement.create(room.people.owners[0], mandate)


NEAR = Barriers(take_profit_bps=100, stop_loss_bps=50, spread_bps=5)


@pytest.mark.parametrize(("drift", "slippage"), [(5, 10), (43, 48), (44, 48), (50, 48)])
def test_slippage_is_spread_and_drift_as_far_as_that_is_sound(room: Any, drift: int, slippage: int) -> None:
    plan = replace(room.plan(NEAR), drift_bps=drift)
    assert plan.slippage_bps == slippage
    assert {mandate.max_slippage_bps for mandate in staged(room, plan).mandates} == {slippage}


def test_a_spread_that_no_mandate_can_accept_is_refused_with_the_numbers_that_would_do(room: Any) -> None:
    terms = replace(room.terms, spread_bps=49)
    with pytest.raises(DeskError) as caught:
        replace(room.plan(NEAR), terms=terms)
    assert str(caught.value) == (
        "A spread of 49 bps reaches a take-profit of 100 bps or a stop-loss of 50 bps, so that no mandate can accept it. "
        "Let the desk keep at most 48 bps, or choose a model whose barriers are at least 51 bps away."
    )


@pytest.mark.parametrize(("interval", "ramp"), [(3_600, 30), (60, 15), (16, 4)])
def test_a_ramp_is_over_long_before_the_bar_is(room: Any, interval: int, ramp: int) -> None:
    plan = replace(room.plan(), interval=interval, settling=min(60, interval // 2))
    assert {mandate.ramp for mandate in staged(room, plan).mandates} == {0, ramp}


def test_nothing_is_sent_where_the_oracle_is_that_of_another_pair(room: Any) -> None:
    turned = OracleContract.deploy(
        room.chain, room.people.publisher, room.at.feed, room.at.quote, room.at.base
    ).address
    before = room.chain.block_number
    with pytest.raises(
        ChainError, match=rf"The oracle {turned} prices the token {room.at.quote} in {room.at.base};"
    ):
        set_stage(room.chain, replace(room.at, oracle=turned), room.people, room.plan())
    assert room.chain.block_number == before


def test_a_plan_takes_its_terms_from_the_model(model: TrainedModel) -> None:
    plan = plan_of(model, interval=HOUR, price=10**27)
    assert plan.barriers == model.manifest.barriers
    assert plan.threshold_bps == model.threshold_bps
    assert plan.terms == terms_of(model, HOUR)
    assert plan.terms.spread_bps == model.manifest.barriers.spread_bps
    assert plan.artifact_hash.hex() == model.id.removeprefix("0x")
    assert plan_of(model, interval=20, price=10**27).settling == 10
