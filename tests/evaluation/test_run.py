"""An evaluation looks at nothing it should not know, counts what it does, and says the same again."""

from __future__ import annotations

import json
from dataclasses import replace
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from agent.cli.judgement import report
from agent.errors import ArtifactError, ModelError, UsageError
from agent.evaluation.document import document
from agent.evaluation.folds import gap
from agent.evaluation.luck import OVERFITTED
from agent.evaluation.page import render
from agent.evaluation.run import evaluate
from agent.market.bars import Bars
from agent.market.synthetic import planted, random_walk
from agent.model.artifact import save
from agent.model.cautious import Cautious
from agent.model.evaluation import TRADE_SHARE
from agent.model.features import FEATURES, feature_matrix
from agent.model.labels import Barriers, triple_barrier
from agent.model.patterns import pattern_masks
from agent.model.splits import split
from agent.model.train import train


@pytest.fixture(scope="module")
def bars() -> Bars:
    return planted(2_200, seed=3)


@pytest.fixture(scope="module")
def found(bars, tmp_path_factory):
    """Two models evaluated side by side."""
    from agent.evaluation.effort import Effort
    from agent.evaluation.trials import TrialLog

    return evaluate(
        bars,
        [GaussianNB, "sklearn.tree:DecisionTreeClassifier"],
        folds=3,
        log=TrialLog(tmp_path_factory.mktemp("log") / "trials.jsonl"),
        effort=Effort(permutations=199, resamples=20, random_entries=20),
    )


def disturbed(bars: Bars, since: int) -> Bars:
    """The same bars up to a place, and others from there on."""
    prices = {name: getattr(bars, name).copy() for name in ("open", "high", "low", "close")}
    for column in prices.values():
        column[since:] = column[since:] * 3 // 2
    return replace(bars, **prices)


def test_no_fold_depends_on_what_came_after_it(bars, found, quick, log):
    window = found.tests[1]
    later = evaluate(disturbed(bars, window.stop), [GaussianNB], folds=3, log=log, effort=quick)
    [one, other] = (
        [(trade.decided, trade.side, trade.result_bps) for trade in model.trades if trade.fold <= 1]
        for model in (found.models[0], later.models[0])
    )
    assert one == other
    assert len(one) > 20
    for fold in (0, 1):
        assert later.models[0].folds[fold].threshold_bps == found.models[0].folds[fold].threshold_bps
        assert later.models[0].folds[fold].scores.log_loss == found.models[0].folds[fold].scores.log_loss
    assert later.models[0].folds[2].measures != found.models[0].folds[2].measures


def test_each_fold_is_the_model_that_training_on_its_past_alone_gives(bars, found):
    for fold in found.models[0].folds:
        alone = train(bars[: fold.training.stop], factory=GaussianNB)
        assert fold.threshold_bps == alone.threshold_bps
        window = bars.close[: fold.test.stop]
        said = alone.predict_series(window)
        trades = [trade for trade in found.models[0].trades if trade.fold == fold.number]
        for trade in trades:
            assert trade.confidence_bps == said.confidence_bps[trade.decided] >= fold.threshold_bps
            assert trade.side == said.direction[trade.decided]
            assert trade.patterns == said.patterns[trade.decided] != 0


def test_the_same_again_gives_the_same(bars, found, quick, log):
    again = evaluate(bars, [GaussianNB, "sklearn.tree:DecisionTreeClassifier"], folds=3, log=log, effort=quick)
    one, other = document(found), document(again)
    for each in (one, other):
        for part in (each, *each["models"]):
            del part["seconds"]
        del each["trial_log"]
    assert one == other


def test_processes_change_nothing(bars, found, quick, log):
    models = [GaussianNB, "sklearn.tree:DecisionTreeClassifier"]
    shared = evaluate(bars, models, folds=3, log=log, effort=quick, jobs=2)
    assert [model.trades for model in shared.models] == [model.trades for model in found.models]
    assert [model.scores for model in shared.models] == [model.scores for model in found.models]


def test_every_part_adds_up_to_the_whole(found):
    for model in found.models:
        assert sum(fold.measures.trades for fold in model.folds) == model.overall.trades == len(model.trades)
        assert sum(part.measures.trades for part in model.sides) == model.overall.trades
        results = [trade.result_bps for trade in model.trades]
        assert model.overall.return_bps.value == pytest.approx(sum(results))
        assert model.equity[-1] == pytest.approx(sum(results))
        assert len(model.equity) == len(found.times)
        assert sum(fold.scores.bars for fold in model.folds) == model.scores.bars


def test_costs_are_in_every_result(bars, found, quick, log):
    free = evaluate(bars, [GaussianNB], folds=3, gas_bps=0, log=log, effort=quick).models[0]
    dear = found.models[0]
    assert [trade.decided for trade in free.trades] == [trade.decided for trade in dear.trades]
    cost = found.costs.gas_bps * dear.overall.trades
    assert free.overall.return_bps.value - dear.overall.return_bps.value == pytest.approx(cost)
    assert found.costs.gas_bps == pytest.approx(3.27)
    assert "1 gwei" in found.costs.gas_origin


def test_the_document_holds_what_is_promised(found):
    written = document(found)
    promised = {
        "folds", "trades", "hit_rate", "base_rate", "p_value", "deflated_sharpe", "pbo", "trials", "verdict", "baselines",
    }  # fmt: skip
    assert promised <= written.keys()
    assert set(written["verdict"]) == {"edge", "reason"}
    assert len(written["folds"]) == 3
    assert {each["name"] for each in written["baselines"]} == {
        "always long", "buy and hold", "patterns alone", "random entries",
    }  # fmt: skip
    assert written["trials"] == 2
    assert json.loads(json.dumps(written, allow_nan=False)) == written
    leader = found.leader
    assert written["model"] == leader.name
    assert written["hit_rate"] == pytest.approx(leader.overall.hit_rate.value, abs=1e-6)
    assert [len(model["trade_list"]) for model in written["models"]] == [
        model["trades"] for model in written["models"]
    ]


def test_the_leader_has_the_best_sharpe_ratio(found):
    assert found.leader.overall.sharpe.value == max(model.overall.sharpe.value for model in found.models)
    assert found.verdict is found.leader.verdict


def test_of_two_that_know_what_was_planted_neither_is_held_against_the_other(quick, log):
    models = [
        lambda: make_pipeline(StandardScaler(), LogisticRegression(C=0.01)),
        lambda: make_pipeline(StandardScaler(), LogisticRegression(C=0.1)),
    ]
    found = evaluate(planted(3_000, seed=0), models, folds=2, log=log, effort=quick)
    assert found.leader.luck.pbo >= OVERFITTED
    assert found.verdict.edge
    assert found.verdict.reason.endswith(", where most trials gained. The bars are synthetic.")


# ---- counting


class Watching(GaussianNB):
    """A classifier that looks, as it is fitted, whether its trial has been written down."""

    log: Path
    seen: list[int]

    def fit(self, X, y, sample_weight=None):
        assert not Watching.log.exists() or "ended" not in Watching.log.read_text()
        Watching.seen.append(len(Watching.log.read_text().splitlines()) if Watching.log.exists() else 0)
        return super().fit(X, y, sample_weight)


def test_a_trial_is_written_down_before_anything_is_tried(bars, quick, log):
    Watching.log, Watching.seen = log.path, []
    evaluate(bars, [Watching], folds=2, log=log, effort=quick)
    assert set(Watching.seen) == {1}
    events = [json.loads(line)["event"] for line in log.path.read_text().splitlines()]
    assert events == ["begun", "ended"]


def test_trials_are_counted_from_one_run_to_the_next(bars, quick, log):
    def tried(*models, **options):
        return evaluate(bars, models, folds=2, log=log, effort=quick, **options).trials

    assert (tried(GaussianNB).count, tried(GaussianNB).count) == (1, 1)
    assert tried(GaussianNB, seed=5).count == 2
    assert tried(GaussianNB, barriers=Barriers(horizon=6)).count == 3
    last = tried(lambda: DecisionTreeClassifier(max_depth=2), lambda: DecisionTreeClassifier(max_depth=3))
    assert (last.count, last.earlier, last.unfinished) == (5, 3, 0)
    assert last.log == str(log.path)


def test_one_more_trial_makes_the_same_result_worth_less(bars, quick, log):
    alone = evaluate(bars, [GaussianNB], folds=2, log=log, effort=quick).models[0].luck
    evaluate(bars, [DecisionTreeClassifier], folds=2, log=log, effort=quick)
    after = evaluate(bars, [GaussianNB], folds=2, log=log, effort=quick).models[0].luck
    assert after.p_alone == alone.p_alone
    assert after.p_value == pytest.approx(1 - (1 - alone.p_alone) ** 2)


def test_fewer_bars_of_the_same_series_are_the_same_data(bars, quick, log):
    evaluate(bars, [GaussianNB], folds=2, log=log, effort=quick)
    assert evaluate(bars[50:], [GaussianNB], folds=2, log=log, effort=quick).trials.count == 2
    assert evaluate(random_walk(2_200, seed=9), [GaussianNB], folds=2, log=log, effort=quick).trials.count == 1


class Stubborn(GaussianNB):
    def fit(self, X, y, sample_weight=None):
        raise ValueError("not today")


def test_a_trial_that_broke_off_counts(bars, quick, log):
    with pytest.raises(ModelError, match=r"Stubborn, trained on .* could not be trained: not today"):
        evaluate(bars, [Stubborn], folds=2, log=log, effort=quick)
    trials = evaluate(bars, [GaussianNB], folds=2, log=log, effort=quick).trials
    assert (trials.count, trials.unfinished) == (2, 1)


# ---- saved models


@pytest.fixture(scope="module")
def saved(bars, tmp_path_factory):
    training = split(bars, replay=900, horizon=12).training
    return save(train(training, name="kept", factory=GaussianNB), tmp_path_factory.mktemp("models") / "kept")


def test_a_saved_model_is_tried_on_what_it_does_not_know(bars, saved, quick, log):
    found = evaluate(bars, [str(saved)], folds=3, log=log, effort=quick)
    [model] = found.models
    assert model.saved
    assert found.scheme == "saved"
    assert [fold.training for fold in model.folds] == [None] * 3
    assert found.tests[0].start == 2_200 - 900 - gap(12) + 12 + gap(12)
    assert found.tests[-1].stop == 2_200
    assert len(model.trades) > 10
    assert {fold.threshold_bps for fold in model.folds} == {model.folds[0].threshold_bps}


def test_what_is_trained_beside_a_saved_model_is_tested_on_the_same_bars(bars, saved, quick, log):
    found = evaluate(bars, [saved, GaussianNB], folds=3, log=log, effort=quick)
    one, other = found.models
    assert [fold.test for fold in one.folds] == [fold.test for fold in other.folds]
    assert other.folds[0].training.stop == found.tests[0].start - gap(12)
    assert one.scores.bars == other.scores.bars


def test_a_saved_model_that_knows_all_bars_is_refused(bars, quick, log):
    knowing = train(bars, factory=GaussianNB)
    with pytest.raises(ModelError, match="the model knows everything until"):
        evaluate(bars, [knowing], log=log, effort=quick)
    assert not log.path.exists()


def test_barriers_of_a_saved_model_are_its_own(bars, saved, quick, log):
    with pytest.raises(ModelError, match="was trained for barriers of 100/100 bps, 12 bars"):
        evaluate(bars, [saved], barriers=Barriers(horizon=6), log=log, effort=quick)


def test_bars_of_another_interval_are_refused(bars, saved, quick, log):
    with pytest.raises(ModelError, match="trained on bars of 3600 s, and these are of 1800 s"):
        evaluate(replace(bars, interval=1_800), [saved], log=log, effort=quick)


def test_of_a_saved_model_that_came_fitted_no_edge_is_told_anywhere(bars, quick, log):
    """As an ONNX file from elsewhere: it learned all these bars, and its manifest cannot know."""
    samples = np.flatnonzero(pattern_masks(bars.close[:-30]))
    knowing = DecisionTreeClassifier(max_depth=9, random_state=0)
    knowing.fit(feature_matrix(bars.close)[samples], triple_barrier(bars, Barriers()).label[samples])
    training = split(bars, replay=900, horizon=12).training
    found = evaluate(
        bars, [train(training, factory=lambda: FrozenEstimator(knowing))], folds=2, log=log, effort=quick
    )
    assert found.models[0].overall.mean_bps.value > 30
    assert found.models[0].elsewhere
    assert found.verdict.reason.startswith("No edge can be told: p ")
    told = document(found)
    assert told["trained_elsewhere"] is told["models"][0]["trained_elsewhere"] is True
    assert told["verdict"]["edge"] is told["models"][0]["verdict"]["edge"] is False
    page = render(found)
    assert "no evidence of an edge</title>" in page
    assert "may have learned from the very bars it was asked about: that only its maker knows" in page
    assert "that came after everything they had learned from" not in page
    console = Console(file=StringIO(), width=200)
    console.print(*report(found))
    text = console.file.getvalue()
    assert "by a model trained elsewhere, on bars that only its maker knows" in text
    assert "Evidence of an edge" not in text + page


# ---- what cannot be tried


@pytest.mark.parametrize("wrap", [FrozenEstimator, lambda fitted: Cautious(FrozenEstimator(fitted))])
def test_what_comes_fitted_is_refused_and_not_counted_for_no_fold_would_train_it(bars, log, wrap):
    fitted = GaussianNB().fit(np.zeros((3, len(FEATURES))), [-1, 0, 1])

    def make():
        return wrap(fitted)

    with pytest.raises(
        ModelError, match=r"make comes fitted, so nobody here knows on which bars\. Give what makes"
    ):
        evaluate(bars, [GaussianNB, make], log=log)
    assert not log.path.exists()


@pytest.mark.parametrize(
    ("models", "options", "kind", "words"),
    [
        ([], {}, ModelError, "there is no model to evaluate"),
        (["nothing"], {}, ModelError, "there is no model called 'nothing'"),
        (["no/where"], {}, ArtifactError, "there is no model at no/where"),
        (["sklearn.naive_bayes:Gauss"], {}, ModelError, "Did you mean 'GaussianNB'?"),
        ([7], {}, ModelError, "something of type int is no model"),
        ([GaussianNB], {"folds": 0}, ModelError, "0 folds"),
        ([GaussianNB], {"folds": 50}, ModelError, "--folds"),
        ([GaussianNB], {"gas_bps": -1}, UsageError, "--gas"),
        ([GaussianNB], {"gas_bps": float("nan")}, UsageError, "--gas"),
        ([GaussianNB], {"cooldown": -1}, UsageError, "Give 0 to 100,000 with --cooldown."),
        ([GaussianNB], {"cooldown": 2 * 10**15}, UsageError, "cannot wait for 2000000000000000 bars"),
        ([lambda: 7], {}, ModelError, "is not a scikit-learn classifier"),
    ],
    ids=[
        "no model",
        "an unknown name",
        "no file",
        "no such class",
        "a number",
        "no fold",
        "too many folds",
        "gas that is given back",
        "gas of no amount",
        "a cooldown backwards",
        "a cooldown without end",
        "a factory of numbers",
    ],
)
def test_what_cannot_be_tried_is_refused_and_not_counted(bars, log, models, options, kind, words):
    with pytest.raises(kind) as refused:
        evaluate(bars, models, log=log, **options)
    assert words in str(refused.value)
    assert not log.path.exists()


def test_bars_with_too_few_patterns_are_refused_and_not_counted(log):
    flat = random_walk(2_000, seed=1)
    still = {name: np.full(2_000, 10**8) for name in ("open", "high", "low", "close")}
    with pytest.raises(ModelError, match=r"with 0 patterns.*200 are needed: give .* one whose price moves"):
        evaluate(replace(flat, **still), [GaussianNB], log=log)
    assert not log.path.exists()


def test_the_share_that_may_trade_sets_how_much_is_traded(bars, found, quick, log):
    more = evaluate(bars, [GaussianNB], folds=3, share=2 * TRADE_SHARE, log=log, effort=quick)
    assert more.models[0].overall.trades > found.models[0].overall.trades
