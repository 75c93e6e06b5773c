"""Chance is asked at least once of each kind, or it is said that it was not."""

from __future__ import annotations

import pytest

from agent.errors import ModelError
from agent.evaluation.effort import Effort


@pytest.mark.parametrize("name", ["permutations", "resamples", "random_entries"])
def test_an_effort_that_asks_chance_nothing_is_refused(name):
    assert getattr(Effort(**{name: 1}), name) == 1
    for draws in (0, -5):
        with pytest.raises(
            ModelError, match=f"an effort of {draws} {name.replace('_', ' ')} asks chance nothing"
        ) as no:
            Effort(**{name: draws})
        assert name in no.value.cure
