"""Patterns mean one thing, however they are computed, and never see the future."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.errors import ModelError
from agent.model.closes import MAX_CLOSE, WINDOW, windows
from agent.model.patterns import (
    PATTERNS,
    mask_of,
    mask_of_window,
    masks_of_windows,
    names_of,
    pattern_masks,
)

MIRRORS = [
    ("breakout_up", "breakout_down"),
    ("double_bottom", "double_top"),
    ("run_up", "run_down"),
    ("cross_up", "cross_down"),
    ("pullback_up", "pullback_down"),
    ("squeeze_up", "squeeze_down"),
]

# Few distinct values make the ties that strict and loose comparisons differ at; large ones make overflows.
few = st.lists(st.integers(1, 6), min_size=WINDOW, max_size=WINDOW + 40)
many = st.lists(st.integers(1, 10**6), min_size=WINDOW, max_size=WINDOW + 40)
huge = st.lists(st.integers(MAX_CLOSE - 10**6, MAX_CLOSE), min_size=WINDOW, max_size=WINDOW + 10)
wild = st.lists(st.sampled_from([1, 2, MAX_CLOSE - 1, MAX_CLOSE]), min_size=WINDOW, max_size=WINDOW + 10)
any_closes = few | many | huge | wild


def walk(n: int, seed: int) -> np.ndarray:
    steps = np.random.default_rng(seed).normal(0, 40, n)
    return 10**6 + np.cumsum(np.rint(steps)).astype(np.int64)


def found(closes: list[int]) -> tuple[str, ...]:
    assert len(closes) == WINDOW
    return names_of(mask_of_window(closes))


def upside_down(closes: list[int]) -> list[int]:
    return [1_000 - close for close in closes]


# Each ends in the bar at which the upward pattern appears, and would not without that bar.
EXAMPLES = {
    "breakout_up": [100] * 20 + [110, 100] + [105] * 9 + [111],
    "double_bottom": (
        [150] * 7
        + [140, 120, 100, 101, 105, 110, 112, 115, 118, 120, 122, 125]
        + [130, 135, 140, 138, 130, 125]
        + [120, 110, 102, 110, 120, 130]
        + [141]
    ),
    "run_up": [100] * 28 + [100, 101, 102, 103],
    "cross_up": [110] * 12 + [100] * 19 + [130],
    "pullback_up": [*range(100, 128), 140, 138, 136, 137],
    "squeeze_up": [100, 140] * 11 + [120] + [121, 119, 120, 121, 119, 120, 121, 120] + [125],
}


def test_there_are_a_dozen_patterns_each_at_its_own_bit_with_a_definition_and_a_formula():
    assert len(PATTERNS) == 12
    assert [pattern.bit for pattern in PATTERNS] == list(range(len(PATTERNS)))
    assert len({pattern.name for pattern in PATTERNS}) == len(PATTERNS)
    for pattern in PATTERNS:
        assert pattern.definition.endswith(".")
        assert "\n" not in pattern.definition
        assert pattern.formula
        assert pattern.direction == (1 if pattern.name.endswith(("up", "bottom")) else -1)


@pytest.mark.parametrize(("up", "down"), MIRRORS)
def test_appears_where_its_definition_says_and_not_one_bar_earlier(up, down):
    example = EXAMPLES[up]
    assert up in found(example)
    assert up not in found([example[0], *example[:-1]])
    assert down in found(upside_down(example))
    assert up not in found(upside_down(example))


@pytest.mark.parametrize(
    ("name", "closes"),
    [
        ("breakout_up", [100] * 20 + [111] + [105] * 10 + [111]),
        ("run_up", [99] * 27 + [99, 100, 101, 102, 103]),
        ("cross_up", [100] * 32),
        ("pullback_up", [*range(100, 128), 140, 138, 138, 139]),
        ("squeeze_up", [100, 140] * 11 + [120] + [121, 119, 120, 121, 119, 120, 121, 120] + [123]),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_does_not_appear_where_its_definition_just_fails(name, closes):
    assert name not in found(closes)


def test_nothing_appears_in_a_market_that_does_not_move():
    assert found([5] * WINDOW) == ()


@given(any_closes)
def test_a_series_its_windows_and_each_bar_alone_show_the_same_patterns(closes):
    series = np.array(closes, dtype=np.int64)
    masks = pattern_masks(series)
    assert masks.dtype == np.uint32
    assert masks.shape == (len(closes),)
    assert not masks[: WINDOW - 1].any()
    assert masks_of_windows(windows(series)).tolist() == masks[WINDOW - 1 :].tolist()
    assert [mask_of_window(window) for window in windows(series)] == masks[WINDOW - 1 :].tolist()


def test_a_long_series_is_the_same_as_its_windows_across_every_seam():
    closes = walk(40_000, seed=1)
    assert (pattern_masks(closes)[WINDOW - 1 :] == masks_of_windows(windows(closes))).all()


@given(any_closes)
def test_each_published_formula_says_what_the_code_does(value_of, closes):
    window = closes[-WINDOW:]
    mask = mask_of_window(window)
    for pattern in PATTERNS:
        assert mask >> pattern.bit & 1 == value_of(pattern.formula, window), pattern.name


def test_each_published_formula_agrees_on_every_bar_of_a_walk_with_all_patterns_in_it(value_of):
    closes = walk(4_000, seed=3)
    masks = pattern_masks(closes)
    assert np.bitwise_or.reduce(masks) == (1 << len(PATTERNS)) - 1
    for place, window in enumerate(windows(closes).tolist(), start=WINDOW - 1):
        expected = sum(value_of(pattern.formula, window) << pattern.bit for pattern in PATTERNS)
        assert masks[place] == expected


@given(many, st.integers(WINDOW, WINDOW + 40))
def test_what_came_before_a_bar_decides_and_what_comes_after_changes_nothing(closes, cut):
    series = np.array(closes, dtype=np.int64)
    cut = min(cut, len(series))
    known = pattern_masks(series)[:cut]
    assert pattern_masks(series[:cut]).tolist() == known.tolist()
    changed = series.copy()
    changed[cut:] = changed[cut:][::-1] * 3 + 7
    assert pattern_masks(changed)[:cut].tolist() == known.tolist()


@given(many | few, st.integers(1, 1_000), st.integers(0, 10**6))
def test_prices_in_another_unit_or_moved_by_a_constant_show_the_same_patterns(closes, factor, shift):
    window = closes[-WINDOW:]
    assert mask_of_window([close * factor + shift for close in window]) == mask_of_window(window)


@given(many | few)
def test_prices_turned_upside_down_show_the_mirror_images(closes):
    window = closes[-WINDOW:]
    top = max(window) + 1
    mirror = dict(MIRRORS) | {down: up for up, down in MIRRORS}
    seen = names_of(mask_of_window([top - close for close in window]))
    assert set(seen) == {mirror[name] for name in names_of(mask_of_window(window))}


def test_on_a_random_walk_every_pattern_occurs_and_most_bars_that_have_any_have_one():
    masks = pattern_masks(walk(200_000, seed=2))
    for pattern in PATTERNS:
        share = (masks >> pattern.bit & 1).mean()
        assert 0.002 < share < 0.15, pattern.name
    assert 0.35 < (masks != 0).mean() < 0.55


def test_a_series_shorter_than_a_window_has_no_patterns():
    assert pattern_masks(np.arange(1, WINDOW)).tolist() == [0] * (WINDOW - 1)
    assert pattern_masks(np.array([], dtype=np.int64)).tolist() == []


@given(st.integers(0, 2 ** len(PATTERNS) - 1))
def test_a_mask_and_its_names_are_the_same_thing(mask):
    assert mask_of(names_of(mask)) == mask


def test_an_unknown_name_is_refused_with_the_one_that_was_meant():
    with pytest.raises(ModelError, match=r"no pattern 'breakout_upp'. Did you mean 'breakout_up'\?"):
        mask_of(["breakout_upp"])
    with pytest.raises(ModelError, match="The patterns are breakout_up, breakout_down"):
        mask_of(["xyz"])


@pytest.mark.parametrize("mask", [1 << len(PATTERNS), -1])
def test_a_mask_with_a_bit_of_no_pattern_is_refused(mask):
    with pytest.raises(ModelError, match="stand for no pattern"):
        names_of(mask)


@pytest.mark.parametrize("wrong", [0, -5, MAX_CLOSE + 1])
def test_closes_that_cannot_be_computed_with_are_refused(wrong):
    closes = np.full(WINDOW, 100, dtype=np.int64)
    closes[3] = wrong
    for compute in (pattern_masks, mask_of_window):
        with pytest.raises(ModelError, match=f"a close of {wrong} is outside the range of 1 to {MAX_CLOSE}"):
            compute(closes)


def test_closes_that_are_not_integers_are_refused():
    with pytest.raises(TypeError, match="closes must be integers, not float64"):
        pattern_masks(np.full(WINDOW, 1.5))
