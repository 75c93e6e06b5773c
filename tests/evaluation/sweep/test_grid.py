"""A grid holds every combination once, in one order; a sample some of them."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.errors import ModelError, UsageError
from agent.evaluation.sweep.grid import MOST_POINTS, Grid, Swept
from agent.model.labels import Barriers

VALUES = st.lists(st.integers(1, 9), min_size=1, max_size=3, unique=True)


@given(
    markets=st.integers(1, 3),
    models=st.lists(st.dictionaries(st.sampled_from("abc"), VALUES, max_size=2), min_size=1, max_size=3),
    horizons=VALUES,
    stops=st.lists(st.integers(50, 60), min_size=1, max_size=2, unique=True),
)
def test_every_combination_is_there_once_and_in_the_order_of_markets_models_barriers(
    markets, models, horizons, stops
):
    named = [Swept(model=f"m{place}", parameters=each) for place, each in enumerate(models)]
    grid = Grid(markets=markets, models=named, barriers={"horizon": horizons, "stop_loss_bps": stops})
    points = list(grid)
    wanted = {
        (market, each.model, tuple(sorted(zip(each.parameters, chosen, strict=True))), horizon, stop)
        for market in range(markets)
        for each in named
        for chosen in product(*each.parameters.values())
        for horizon in horizons
        for stop in stops
    }
    found = [
        (point.market, point.model, point.parameters, point.barriers.horizon, point.barriers.stop_loss_bps)
        for point in points
    ]
    assert len(found) == len(grid) == len(wanted)
    assert set(found) == wanted
    assert found == sorted(
        found, key=lambda each: (each[0], each[1], horizons.index(each[3]), stops.index(each[4]))
    )


def grid(**parameters: tuple) -> Grid:
    return Grid(markets=2, models=[Swept(model="tree", parameters=parameters)], barriers={"horizon": (6, 12)})


def test_what_is_not_swept_keeps_its_default():
    [point, *_] = Grid(markets=1, models=[Swept(model="tree")], spread_bps=8)
    assert point.barriers == Barriers(spread_bps=8)
    assert point.label == "tree"


def test_a_sample_is_drawn_by_the_seed_and_keeps_the_order_of_the_grid():
    every = grid(depth=tuple(range(20))).points()
    some = grid(depth=tuple(range(20))).points(sample=15, seed=1)
    assert len(some) == 15
    assert list(some) == [point for point in every if point in some]
    assert some == grid(depth=tuple(range(20))).points(sample=15, seed=1)
    assert some != grid(depth=tuple(range(20))).points(sample=15, seed=2)


def test_a_sample_of_more_than_there_are_is_all():
    assert grid(depth=(1, 2)).points(sample=100) == grid(depth=(1, 2)).points()


def test_more_points_than_anybody_waits_for_are_refused_but_some_of_them_are_not():
    huge = grid(a=tuple(range(2_000)), b=tuple(range(2_000)))
    with pytest.raises(UsageError, match=r"The sweep has 16,000,000 points\. .* --sample"):
        huge.points()
    with pytest.raises(UsageError, match="The sweep has 100,001 points"):
        huge.points(sample=MOST_POINTS + 1)
    assert len(huge.points(sample=10)) == 10


def test_a_parameter_is_told_by_the_last_part_of_its_name_where_that_is_enough():
    [point, *_] = grid(estimator__depth=(3,), a__leaf=(1,), b__leaf=("all",))
    assert point.settings == "a__leaf=1, b__leaf='all', depth=3"
    assert point.label == "tree(a__leaf=1, b__leaf='all', depth=3)"


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (
            lambda: Grid(markets=1, models=[Swept(model="tree"), Swept(model="tree")]),
            "The model tree is asked for twice",
        ),
        (lambda: grid(depth=(3, 4, 3)), "The value of depth 3 is asked for twice"),
        (
            lambda: Grid(markets=1, models=[Swept(model="tree")], barriers={"horizon": (6, 6)}),
            "The value of horizon 6 is asked for twice",
        ),
    ],
    ids=["model", "parameter", "barrier"],
)
def test_what_is_asked_for_twice_is_refused(make, words):
    with pytest.raises(UsageError, match=words):
        make()


def test_barriers_that_cannot_be_meant_are_refused():
    with pytest.raises(ModelError, match="no room for a spread of 60 bps"):
        Grid(markets=1, models=[Swept(model="tree")], barriers={"stop_loss_bps": (100, 50)}, spread_bps=60)
