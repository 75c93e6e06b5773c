"""The verdict is to be trusted: it finds nothing in a random walk, and finds what was planted."""

from __future__ import annotations

import pytest
from scipy.stats import binomtest
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from agent.evaluation.effort import Effort
from agent.evaluation.run import evaluate
from agent.evaluation.trials import TrialLog
from agent.market.synthetic import STRENGTH, planted, random_walk
from agent.model.labels import Barriers

FEW = Effort(permutations=59, resamples=2, random_entries=1)


def linear() -> Pipeline:
    """The default model, without what makes its confidences true: it is trained in a third of the time."""
    return make_pipeline(StandardScaler(), LogisticRegression(max_iter=1_000))


@pytest.mark.parametrize("first", [0, 25, 50, 75])
def test_in_a_random_walk_there_is_no_edge_at_least_95_times_in_100(tmp_path, first):
    # A quarter each, so that they can run beside each other; together they are far below 5 in 100.
    # Costs make nearly everything lose, and what lost has no edge, so the last quarter is free of them.
    free = first == 75
    costs = {"gas_bps": 0, "barriers": Barriers(spread_bps=0)} if free else {}
    edges, gained, chances = 0, 0, []
    for seed in range(first, first + 25):
        walk = random_walk(1_900, seed=seed)
        found = evaluate(walk, [GaussianNB], folds=2, log=TrialLog(tmp_path / str(seed)), effort=FEW, **costs)
        edges += found.verdict.edge
        gained += (found.leader.overall.mean_bps.value or 0) > 0
        chances.append(found.leader.luck.p_alone)
        assert found.verdict.reason.startswith("Evidence" if found.verdict.edge else "No evidence of an edge: ")
    assert edges <= 1
    assert gained >= 8 or not free
    # Whatever the costs, shuffled labels do as well as the model as often as they should.
    told = [chance for chance in chances if chance is not None]
    assert len(told) >= 24
    for level in (0.05, 0.2, 0.5):
        assert binomtest(sum(chance <= level for chance in told), len(told), level).pvalue > 0.001, level


@pytest.mark.parametrize("seed", range(3))
def test_what_was_planted_is_found(tmp_path, seed, quick):
    series = planted(3_000, seed=seed, strength=STRENGTH)
    found = evaluate(series, [linear], folds=3, log=TrialLog(tmp_path / "log"), effort=quick)
    assert found.verdict.edge, found.verdict.reason
    assert found.leader.overall.hit_rate.value > found.leader.overall.base_rate + 0.1


def test_what_is_followed_as_often_as_not_is_not(tmp_path, quick):
    series = planted(3_000, seed=1, strength=0.5)
    found = evaluate(series, [linear], folds=3, log=TrialLog(tmp_path / "log"), effort=quick)
    assert not found.verdict.edge
