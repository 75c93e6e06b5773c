"""An outcome survives the way to a file and back to the last bit."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.evaluation.measured import Estimate
from agent.evaluation.sweep.outcome import Outcome

ASCENDING = st.lists(st.integers(-(10**9), 10**9), unique=True, max_size=8).map(lambda n: tuple(sorted(n)))
FLOATS = st.floats(allow_nan=False, allow_infinity=False)


def there_and_back(outcome: Outcome) -> Outcome:
    return Outcome.from_json(json.loads(json.dumps(outcome.as_json(), allow_nan=False)))


def test_a_real_one_comes_back_as_it_was(outcome):
    assert len(outcome.decided) > 10
    assert there_and_back(outcome) == outcome


@given(numbers=ASCENDING, decided=ASCENDING, data=st.data())
def test_any_comes_back_as_it_was(outcome, numbers, decided, data):
    drawn = replace(
        outcome,
        numbers=numbers,
        returns=tuple(data.draw(st.lists(FLOATS, min_size=len(numbers), max_size=len(numbers)))),
        decided=decided,
        sides=tuple(data.draw(st.sampled_from((1, -1))) for _ in decided),
        folds=tuple(data.draw(st.integers(0, 9)) for _ in decided),
        measures=replace(outcome.measures, mean_bps=Estimate(data.draw(FLOATS)), profit_factor=Estimate(None)),
    )
    assert there_and_back(drawn) == drawn


@pytest.mark.parametrize(
    "damage",
    [
        {"returns_bps": [1.0]},
        {"trades": [[1, 2], [1], [0, 0]]},
        {"trades": [[1], [1]]},
        {"measures": {}},
        {"scores": None},
        {"periods": ["x"]},
    ],
    ids=str,
)
def test_what_was_damaged_is_no_outcome(outcome, damage):
    with pytest.raises((KeyError, TypeError, ValueError)):
        Outcome.from_json(outcome.as_json() | damage)
