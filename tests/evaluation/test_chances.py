"""A chance is written so that none that is not enough looks as if it were."""

from __future__ import annotations

import pytest

from agent.evaluation.chances import for_edge, named_p, of_luck, p_value


@pytest.mark.parametrize(
    ("chance", "down", "up"),
    [
        (0.9996, "0.999", "1.000"),
        (0.94999, "0.949", "0.950"),
        (0.0504, "0.050", "0.051"),
        (0.4996, "0.499", "0.500"),
        (0.283, "0.283", "0.283"),
        (0.02 + 2e-17, "0.020", "0.020"),
        (1e-7, "0.000", "0.001"),
        (0.0, "0.000", "0.000"),
        (1.0, "1.000", "1.000"),
    ],
)
def test_what_speaks_for_an_edge_is_rounded_down_and_what_speaks_against_it_up(chance, down, up):
    assert (for_edge(chance), of_luck(chance)) == (down, up)


def test_an_error_of_floating_point_is_not_rounded_up():
    p = 0.1 + 0.2  # 0.30000000000000004
    assert named_p(p) == "p = 0.300"


def test_a_p_value_is_rounded_up_and_a_very_small_one_only_bounded():
    assert [p_value(p) for p in (0.0412, 0.412, 0.001, 0.0009)] == ["0.042", "0.412", "0.001", "< 0.001"]
    assert [named_p(p) for p in (0.0412, 0.0009)] == ["p = 0.042", "p < 0.001"]
