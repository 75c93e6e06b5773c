"""The decision rule: the likeliest class, if it is a direction and likely enough; else a hold that says why."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from agent.chain.values import Side
from agent.desk.decision import Decision, Hold, decide
from agent.model.signal import Prediction, Predictions

CLOSED_AT = 1_700_000_000


@st.composite
def predictions(draw: st.DrawFn) -> Prediction:
    """Any three probabilities that a model may give: whole basis points, rounded down, so at most 10,000 together."""
    low, high = sorted(draw(st.tuples(st.integers(0, 10_000), st.integers(0, 10_000))))
    lost = draw(st.integers(0, 2))
    shares = [max(0, low - lost), high - low, 10_000 - high]
    return Prediction(draw(st.integers(0, 2**12 - 1)), *draw(st.permutations(shares)), b"\x01" * 32)


def said(down: int, flat: int, up: int, *, patterns: int = 1) -> Prediction:
    return Prediction(patterns, down, flat, up, b"\x01" * 32)


def concluded(prediction: Prediction, *, threshold_bps: int = 5_000) -> tuple[Side | None, Hold | None]:
    decision = decide(CLOSED_AT, prediction, threshold_bps=threshold_bps)
    return decision.side, decision.hold


def test_a_likely_rise_is_a_signal_to_go_long() -> None:
    assert concluded(said(1_000, 2_000, 7_000)) == (Side.LONG, None)


def test_a_likely_fall_is_a_signal_to_go_short() -> None:
    assert concluded(said(7_000, 2_000, 1_000)) == (Side.SHORT, None)


def test_without_a_pattern_there_is_no_signal_however_sure_the_model_is() -> None:
    assert concluded(said(0, 0, 10_000, patterns=0)) == (None, Hold.NO_PATTERN)


def test_a_direction_that_is_less_likely_than_none_is_no_direction() -> None:
    assert concluded(said(1_000, 5_000, 4_000), threshold_bps=1) == (None, Hold.NO_DIRECTION)


def test_a_direction_as_likely_as_none_is_no_direction() -> None:
    assert concluded(said(0, 5_000, 5_000), threshold_bps=1) == (None, Hold.NO_DIRECTION)


def test_two_directions_equally_likely_are_no_direction() -> None:
    assert concluded(said(4_500, 1_000, 4_500), threshold_bps=1) == (None, Hold.NO_DIRECTION)


def test_the_threshold_itself_suffices_and_a_basis_point_less_does_not() -> None:
    assert concluded(said(2_000, 2_000, 6_000), threshold_bps=6_000) == (Side.LONG, None)
    assert concluded(said(2_000, 2_001, 5_999), threshold_bps=6_000) == (None, Hold.LOW_CONFIDENCE)


def test_confidence_is_the_probability_of_the_likelier_direction() -> None:
    assert decide(CLOSED_AT, said(2_500, 5_000, 2_400), threshold_bps=1).confidence_bps == 2_500


def test_a_bar_on_which_the_model_was_not_asked_has_no_confidence() -> None:
    assert Decision(CLOSED_AT, None, Hold.WARMING_UP, None).confidence_bps == 0


@given(predictions(), st.integers(0, 10_000))
def test_every_decision_is_a_signal_with_a_side_or_a_hold_with_a_reason(
    prediction: Prediction, least: int
) -> None:
    decision = decide(CLOSED_AT, prediction, threshold_bps=least)
    assert (decision.side is None) == (decision.hold is not None)
    assert (decision.closed_at, decision.prediction) == (CLOSED_AT, prediction)


@given(predictions(), st.integers(0, 10_000))
def test_a_signal_is_the_strictly_likeliest_class_and_meets_the_threshold(
    prediction: Prediction, least: int
) -> None:
    decision = decide(CLOSED_AT, prediction, threshold_bps=least)
    if decision.side is None:
        return
    chosen, other = prediction.up_bps, prediction.down_bps
    if decision.side is Side.SHORT:
        chosen, other = other, chosen
    assert chosen > other
    assert chosen > prediction.flat_bps
    assert chosen == decision.confidence_bps >= least
    assert prediction.patterns != 0


@given(predictions(), st.integers(0, 10_000))
def test_prices_upside_down_turn_the_side_and_nothing_else(prediction: Prediction, least: int) -> None:
    mirrored = Prediction(
        prediction.patterns, prediction.up_bps, prediction.flat_bps, prediction.down_bps, prediction.inputs
    )
    decision = decide(CLOSED_AT, prediction, threshold_bps=least)
    turned = decide(CLOSED_AT, mirrored, threshold_bps=least)
    assert turned.hold is decision.hold
    assert turned.confidence_bps == decision.confidence_bps
    assert (turned.side, decision.side) in {(None, None), (Side.LONG, Side.SHORT), (Side.SHORT, Side.LONG)}


@given(predictions(), st.integers(0, 10_000), st.integers(0, 10_000))
def test_asking_for_more_confidence_never_makes_a_signal_of_a_hold(
    prediction: Prediction, one: int, other: int
) -> None:
    lower, higher = sorted((one, other))
    if decide(CLOSED_AT, prediction, threshold_bps=higher).side is not None:
        assert decide(CLOSED_AT, prediction, threshold_bps=lower).side is not None


@given(st.lists(predictions(), min_size=1, max_size=20))
def test_the_rule_is_the_one_by_which_a_model_is_measured(many: list[Prediction]) -> None:
    columns = (np.array([getattr(each, name) for each in many]) for name in ("down_bps", "flat_bps", "up_bps"))
    series = Predictions(np.ones(len(many), dtype=np.uint32), *columns)
    for each, direction, confidence in zip(many, series.direction, series.confidence_bps, strict=True):
        side, _ = concluded(Prediction(1, each.down_bps, each.flat_bps, each.up_bps, each.inputs), threshold_bps=0)
        assert side is {1: Side.LONG, -1: Side.SHORT, 0: None}[int(direction)]
        assert decide(CLOSED_AT, each, threshold_bps=0).confidence_bps == confidence
