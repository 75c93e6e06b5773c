"""What a model was worth is measured against what knowing nothing would have been worth."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.model.evaluation import choose_threshold, measure
from agent.model.signal import Predictions

UP, FLAT, DOWN = (1_000, 1_000, 8_000), (1_000, 8_000, 1_000), (8_000, 1_000, 1_000)
bps = st.tuples(st.integers(0, 5_000), st.integers(0, 5_000)).map(lambda ab: (ab[0], ab[1], 10_000 - sum(ab)))
rows = st.lists(st.tuples(bps, st.sampled_from([-1, 0, 1])), min_size=20, max_size=200)


def predictions(*said: tuple[int, int, int]) -> Predictions:
    down, flat, up = np.array(said, dtype=np.int64).T
    return Predictions(np.ones(len(said), dtype=np.uint32), down, flat, up)


def labels(*values: int) -> np.ndarray:
    return np.array(values, dtype=np.int8)


def worth(said, came, *, threshold_bps=5_000, horizon=0, places=None, base=(1 / 3, 1 / 3, 1 / 3)):
    return measure(
        predictions(*said),
        labels(*came),
        places=np.arange(len(said)) if places is None else np.array(places),
        base=np.array(base),
        threshold_bps=threshold_bps,
        horizon=horizon,
        samples=1_000,
    )


class TestTheThreshold:
    @given(rows, st.floats(0.05, 1))
    def test_lets_at_most_the_share_trade_and_never_at_the_base_rate(self, rows, share):
        said, came = predictions(*(row for row, _ in rows)), labels(*(label for _, label in rows))
        threshold = choose_threshold(said, came, share=share)
        if threshold == 10_000:  # certainty always suffices
            return
        trading = (said.direction != 0) & (said.confidence_bps >= threshold)
        assert trading.sum() <= share * len(rows)
        assert threshold / 10_000 > max(np.mean(came == 1), np.mean(came == -1))

    def test_lets_the_share_trade_where_confidences_differ_and_exceed_the_base_rates(self):
        said = predictions(*((0, 10_000 - up, up) for up in range(6_000, 7_000)))
        threshold = choose_threshold(said, labels(*([1, 0] * 500)), share=0.2)
        assert threshold == 6_800
        assert (said.confidence_bps >= threshold).sum() == 200

    def test_never_lets_a_model_trade_that_says_the_same_of_every_bar(self):
        said = predictions(*[(2_000, 2_000, 6_000)] * 50)
        assert choose_threshold(said, labels(*([1] * 20 + [0] * 30)), share=0.2) > 6_000

    def test_does_not_depend_on_which_bars_came_right(self):
        said = predictions(*((0, 10_000 - up, up) for up in range(6_000, 6_100)))
        assert choose_threshold(said, labels(*[1] * 50, *[0] * 50), share=0.1) == choose_threshold(
            said, labels(*[0] * 50, *[1] * 50), share=0.1
        )


class TestTheMetrics:
    def test_count_only_decisions_and_compare_them_with_any_bar(self):
        metrics = worth([UP, UP, DOWN, FLAT, (4_000, 3_000, 3_000)], [1, -1, -1, 1, -1])
        assert (metrics.held_out, metrics.decisions) == (5, 3)
        assert metrics.hit_rate == pytest.approx(2 / 3, abs=1e-6)
        # Two ups and three downs came: two decisions for up, one for down.
        assert metrics.base_rate == pytest.approx((2 / 5 + 2 / 5 + 3 / 5) / 3, abs=1e-6)
        # The same three trades with sides at random: two thirds up against one third up, and the reverse.
        assert metrics.shuffled_rate == pytest.approx(2 / 3 * 1 / 3 + 1 / 3 * 2 / 3, abs=1e-6)
        assert (metrics.base_down, metrics.base_flat, metrics.base_up) == (0.6, 0, 0.4)

    def test_know_the_log_loss_and_the_brier_score(self):
        metrics = worth([UP, DOWN], [1, 1], base=(0.25, 0.25, 0.5))
        assert metrics.log_loss == pytest.approx(-(math.log(0.8) + math.log(0.1)) / 2, abs=1e-6)
        assert metrics.log_loss_base == pytest.approx(-math.log(0.5), abs=1e-6)
        assert metrics.brier == pytest.approx((0.06 + (0.64 + 0.01 + 0.81)) / 2, abs=1e-6)
        assert metrics.brier_base == pytest.approx(0.0625 + 0.0625 + 0.25, abs=1e-6)

    def test_survive_what_was_called_impossible_and_came(self):
        assert worth([(10_000, 0, 0)], [1]).log_loss == pytest.approx(math.log(20_000), abs=1e-6)

    def test_count_decisions_about_the_same_stretch_of_prices_once(self):
        metrics = worth([UP] * 5, [1] * 5, horizon=3, places=[10, 11, 13, 14, 18])
        assert (metrics.decisions, metrics.independent) == (5, 3)

    def test_say_nothing_of_decisions_that_were_not_made(self):
        metrics = worth([FLAT, FLAT], [1, 0])
        assert (metrics.decisions, metrics.hit_rate, metrics.base_rate, metrics.chance) == (0, None, None, None)
        assert not metrics.edge

    def test_see_an_edge_where_direction_is_foretold(self):
        assert worth([UP, DOWN] * 100, [1, -1] * 100).edge

    def test_see_none_where_one_side_is_always_right_by_itself(self):
        assert not worth([UP] * 200 + [FLAT] * 200, [1] * 200 + [0] * 200).edge

    def test_see_none_in_choosing_lively_bars_without_their_direction(self):
        lively = [UP, DOWN] * 100 + [FLAT] * 200
        assert not worth(lively, [1, 1, -1, -1] * 50 + [0] * 200).edge

    def test_see_none_in_a_few_lucky_decisions(self):
        assert not worth([UP, DOWN, UP] + [FLAT] * 10, [1, -1, 1] + [0, 1, -1, 1, -1] * 2).edge
