"""A point is what an evaluation of its model finds, wherever and whenever it is tried."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agent.errors import ModelError
from agent.evaluation.run import evaluate
from agent.evaluation.sweep.grid import Point
from agent.evaluation.sweep.outcome import Outcome
from agent.evaluation.sweep.trying import Unlike, contender_at, identity_of, tried
from agent.evaluation.trials import TrialLog
from agent.model.labels import Barriers
from agent.model.named import MODELS


def test_a_point_comes_out_as_an_evaluation_of_its_model(plan, bars, swept, tmp_path):
    found = swept(plan(horizon=(12,), max_depth=(3,)))
    [standing] = found.standings
    terms = found.terms
    evaluation = evaluate(
        bars,
        [contender_at(standing.point).factory],
        folds=terms.folds,
        seed=terms.seed,
        effort=terms.effort,
        log=TrialLog(tmp_path / "other.jsonl"),
    )
    [model] = evaluation.models
    measures, scores = standing.outcome.measures, standing.outcome.scores
    for name in type(measures).__dataclass_fields__:
        ours, theirs = getattr(measures, name), getattr(model.overall, name)
        assert getattr(ours, "value", ours) == getattr(theirs, "value", theirs), name
    assert scores.log_loss.value == model.scores.log_loss.value
    assert standing.outcome.decided == tuple(trade.decided for trade in model.trades)
    assert standing.outcome.classifier == model.classifier
    assert standing.luck.p_alone == model.luck.p_alone
    assert standing.deflated_sharpe == pytest.approx(model.luck.deflated_sharpe, abs=1e-6)
    assert standing.verdict == model.verdict
    assert len(model.trades) > 10


def test_the_same_is_one_trial_whether_swept_or_evaluated(plan, bars, swept, tmp_path):
    found = swept(plan(horizon=(12,), max_depth=(3,)))
    model = contender_at(found.standings[0].point).factory
    terms = found.terms
    evaluation = evaluate(
        bars, [model], folds=2, seed=terms.seed, effort=terms.effort, log=TrialLog(tmp_path / "trials.jsonl")
    )
    assert evaluation.trials.count == 1


def test_the_same_task_gives_the_same_again(plan, bars):
    [each, *_] = plan().points
    one, other = tried(each.task, bars), tried(each.task, bars)
    assert isinstance(one, Outcome)
    assert replace(one, seconds=0) == replace(other, seconds=0)


def test_where_other_code_lies_nothing_is_tried(plan, bars):
    [each, *_] = plan().points
    found = tried(replace(each.task, identity="another"), bars)
    assert isinstance(found, Unlike)
    assert "is not the same there" in found.difference


def test_where_the_model_is_missing_nothing_is_tried(plan, bars):
    [each, *_] = plan().points
    task = replace(each.task, point=replace(each.task.point, model="not_there:make"))
    assert tried(task, bars) == Unlike("the model 'not_there:make': there is no module 'not_there'.")


def test_points_differ_by_all_that_their_outcome_depends_on():
    def identity(model: str = "tree", *, seed: int = 1, **parameters: object) -> str:
        point = Point(market=0, model=model, parameters=tuple(parameters.items()), barriers=Barriers())
        return identity_of(point, seed=seed)

    models = [model.name for model in MODELS if model.available]
    different = [
        *map(identity, models),
        identity(estimator__max_depth=2),
        identity(estimator__max_depth=3),
        identity(seed=2),
    ]
    assert len(set(different)) == len(different)
    assert identity() == identity()


def test_a_model_whose_code_was_changed_is_another(tmp_path, monkeypatch):
    from agent.evaluation.sweep import trying

    (tmp_path / "changing.py").write_text("from sklearn.naive_bayes import GaussianNB as make\n")
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "changing.py").write_text(
        "from sklearn.naive_bayes import GaussianNB\n\n\ndef make():\n    return GaussianNB()\n"
    )
    point = Point(market=0, model="changing:make", parameters=(), barriers=Barriers())
    before = identity_of(point, seed=0)
    with (tmp_path / "changing.py").open("a") as file:
        file.write("# another way to compute a feature\n")
    trying._code_of.cache_clear()
    assert identity_of(point, seed=0) != before


def test_a_model_that_comes_fitted_is_no_point_for_it_would_not_be_trained(tmp_path, monkeypatch):
    (tmp_path / "knowing.py").write_text(
        "from sklearn.frozen import FrozenEstimator\nfrom sklearn.tree import DecisionTreeClassifier\n\n\n"
        "def make():\n    return FrozenEstimator(DecisionTreeClassifier().fit([[0], [1]], [0, 1]))\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    point = Point(market=0, model="knowing:make", parameters=(), barriers=Barriers())
    with pytest.raises(ModelError, match="comes fitted, so nobody here knows on which bars"):
        identity_of(point, seed=0)
