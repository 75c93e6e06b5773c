"""No number of processes that is asked for starts more than can be of use."""

from __future__ import annotations

import pytest

from agent.evaluation import processes as rule
from agent.evaluation.processes import processes
from agent.evaluation.sweep.engines import Processes


@pytest.fixture(autouse=True)
def four_cores(monkeypatch):
    monkeypatch.setattr(rule, "cpu_count", lambda: 4)


@pytest.mark.parametrize(
    ("wanted", "pieces", "started"),
    [(None, None, 4), (None, 3, 3), (2, 10, 2), (100_000, 10, 4), (100_000, 3, 3), (10**30, None, 4), (3, 0, 1)],
)
def test_there_are_no_more_than_cores_and_than_pieces_of_work(wanted, pieces, started):
    assert processes(wanted, pieces=pieces) == started


def test_a_sweep_starts_no_more_either():
    assert Processes(100_000).jobs == 4
