"""A sweep tries what is missing and nothing twice, counts every trial, and judges the best by all of them."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from agent.errors import ModelError, PatternSettleError, UsageError
from agent.evaluation.luck import FEWEST_TRADES, SIGNIFICANT
from agent.evaluation.statistics import deflated_sharpe, sharpe
from agent.evaluation.sweep import trying
from agent.evaluation.sweep.trying import contender_at, setting_of
from agent.evaluation.sweep.verdict import chances_of
from agent.market.synthetic import planted, random_walk

BAYES = "sklearn.naive_bayes:GaussianNB"
REFUSES_NEGATIVES = "sklearn.naive_bayes:MultinomialNB"
WATCHING = """
from pathlib import Path

from sklearn.naive_bayes import GaussianNB


class Watching(GaussianNB):
    log = None
    seen = []

    def fit(self, X, y, sample_weight=None):
        Watching.seen.append(len(Path(Watching.log).read_text().splitlines()))
        return super().fit(X, y, sample_weight)
"""


@pytest.fixture
def watching(tmp_path, monkeypatch):
    """A classifier that looks, as it is fitted, how many lines the trial log has."""
    (tmp_path / "watching_models.py").write_text(WATCHING)
    monkeypatch.syspath_prepend(tmp_path)
    import watching_models

    monkeypatch.setattr(watching_models.Watching, "log", tmp_path / "trials.jsonl")
    return watching_models.Watching


def stopping(at: int):
    """Stop a sweep, as Ctrl-C does, when so many points are done."""

    def on_progress(done: int, total: int) -> None:
        if done >= at:
            raise KeyboardInterrupt

    return on_progress


# ---- trying


def test_every_point_is_tried_once_and_kept_at_once(plan, swept, lines, tmp_path):
    seen = []

    def on_progress(done: int, total: int) -> None:
        seen.append((done, total))
        assert done == 0 or len(lines(tmp_path / "sweep")) == done

    found = swept(plan(), on_progress=on_progress)
    assert seen == [(done, 6) for done in range(7)]
    assert (found.tried, found.known, len(found.standings), found.failed) == (6, 0, 6, ())
    assert {each.point for each in found.standings} == {each.task.point for each in plan().points}


def test_a_trial_is_written_down_before_anything_of_it_is_tried(plan, swept, watching):
    swept(plan(model="watching_models:Watching", horizon=(12,), var_smoothing=(1e-9, 1e-8)))
    assert set(watching.seen) == {1, 3}  # begun; then begun, ended and begun


@pytest.mark.parametrize("done", [1, 4])
def test_what_was_stopped_goes_on_where_it_was_and_comes_out_the_same(
    plan, swept, whole, timeless, lines, tmp_path, done
):
    with pytest.raises(KeyboardInterrupt):
        swept(plan(), on_progress=stopping(done))
    assert len(lines(tmp_path / "sweep")) == done
    found = swept(plan())
    assert (found.tried, found.known) == (6 - done, done)
    assert timeless(found) == timeless(whole)
    assert found.trials.count == 6
    assert len({line["key"] for line in lines(tmp_path / "sweep")}) == len(lines(tmp_path / "sweep")) == 6


def test_what_is_known_is_not_tried_again(plan, swept, known, whole, timeless, lines, tmp_path):
    before = (tmp_path / "sweep" / "points.jsonl").read_bytes(), len(lines(tmp_path / "trials.jsonl"))
    again = swept(plan())
    assert (again.tried, again.known) == (0, 6)
    assert timeless(again) == timeless(whole)
    assert ((tmp_path / "sweep" / "points.jsonl").read_bytes(), len(lines(tmp_path / "trials.jsonl"))) == before


def test_another_grid_in_the_same_folder_adds_to_it(plan, swept, lines, tmp_path):
    swept(plan(horizon=(12,), max_depth=(2, 3)))
    wider = swept(plan(horizon=(12,), max_depth=(2, 3, 4)))
    assert (wider.tried, wider.known, len(wider.standings)) == (1, 2, 3)
    narrower = swept(plan(horizon=(12,), max_depth=(4,)))
    assert (narrower.tried, narrower.known, len(narrower.standings)) == (0, 1, 1)
    assert narrower.trials.count == 3
    assert len(lines(tmp_path / "sweep")) == 3


@pytest.mark.parametrize(
    "change",
    [{"seed": 8}, {"folds": 3}, {"gas_bps": 1.0}, {"cooldown": 2}, {"share": 0.1}, {"scheme": "rolling"}],
    ids=lambda change: next(iter(change)),
)
def test_other_terms_are_other_points(plan, terms, change):
    keys = {each.key for each in plan(max_depth=(3,)).points}
    other = plan(max_depth=(3,), terms=replace(terms, **change))
    assert not keys & {each.key for each in other.points}


def test_killed_between_the_log_and_the_store_a_trial_counts_once(plan, swept, known, lines, tmp_path):
    """The log is told first, so that is the only thing that can be missing."""
    file = tmp_path / "sweep" / "points.jsonl"
    file.write_text("".join(file.read_text().splitlines(keepends=True)[:-1]))
    found = swept(plan())
    assert (found.tried, found.known) == (1, 5)
    assert found.trials.count == 6
    assert len(lines(tmp_path / "trials.jsonl")) == 14


# ---- failing


def test_a_point_that_fails_is_kept_with_its_reason_and_the_others_go_on(plan, swept, lines, tmp_path):
    found = swept(plan(horizon=(12,), max_depth=(3, -1, 4)))
    [(point, reason)] = found.failed
    assert point.settings == "max_depth=-1"
    assert "could not be trained: The 'max_depth' parameter of DecisionTreeClassifier must be" in reason
    assert {each.point.settings for each in found.standings} == {"max_depth=3", "max_depth=4"}
    assert [line["state"] for line in lines(tmp_path / "sweep")] == ["done", "failed", "done"]


def test_a_point_that_failed_is_a_trial_and_is_only_tried_again_if_asked(plan, swept, lines, tmp_path):
    failing = plan(horizon=(12,), max_depth=(3, -1))
    assert (swept(failing).trials.count, swept(failing).trials.unfinished) == (2, 1)
    assert len(lines(tmp_path / "sweep")) == 2
    again = swept(failing, retry=True)
    assert (again.tried, again.known) == (1, 1)
    assert (again.trials.count, len(again.failed)) == (2, 1)


def test_a_point_that_cannot_begin_is_no_trial(plan, swept):
    found = swept(plan(horizon=(12, 100), max_depth=(3,)))
    [(point, reason)] = found.failed
    assert point.barriers.horizon == 100
    assert "are needed with a horizon of 100 bars" in reason
    assert found.trials.count == 1


def test_where_every_point_fails_that_is_the_result(plan, swept, lines, tmp_path):
    with pytest.raises(ModelError, match=r"all of 2 points failed; the first: .* Negative values in data"):
        swept(plan(model=REFUSES_NEGATIVES, alpha=(0.5, 1.0), horizon=(12,)))
    assert [line["state"] for line in lines(tmp_path / "sweep")] == ["failed"] * 2
    with pytest.raises(ModelError, match=r"the one point failed: .* Negative values in data"):
        swept(plan(model=REFUSES_NEGATIVES, alpha=(0.5,), horizon=(12,)))


def test_where_no_point_can_begin_nothing_is_written(plan, tmp_path):
    with pytest.raises(ModelError, match=r"not one of 3 points can be tried: .* with a horizon of 100 bars"):
        plan(horizon=(100,))
    with pytest.raises(ModelError, match=r"the one point cannot be tried: .* with a horizon of 100 bars"):
        plan(horizon=(100,), max_depth=(3,))


def test_a_cooldown_without_end_is_refused(plan, terms):
    with pytest.raises(UsageError, match="cannot wait for 100001 bars") as refused:
        plan(terms=replace(terms, cooldown=100_001))
    assert refused.value.cure == "Give 0 to 100,000 with --cooldown."


def test_the_same_bars_twice_are_refused(plan, bars):
    with pytest.raises(UsageError, match="are the same bars"):
        plan(markets=[bars, replace(bars, source="a copy.csv")])


def test_a_model_that_is_not_there_is_refused(plan):
    with pytest.raises(ModelError, match="there is no model called 'nothing'"):
        plan(model="nothing")


def test_where_somebody_has_other_code_the_sweep_ends_and_can_go_on(plan, swept, monkeypatch, lines, tmp_path):
    ready = plan(horizon=(12,), max_depth=(2, 3))
    with monkeypatch.context() as changed:
        changed.setattr(trying, "__version__", "another")
        with pytest.raises(
            PatternSettleError, match=r"A point was not tried: .* is not the same there"
        ) as stopped:
            swept(ready)
    assert "The same command then goes on" in stopped.value.cure
    assert lines(tmp_path / "sweep") == []
    assert swept(ready).tried == 2


# ---- judging


def test_points_stand_by_their_merit_after_all_trials(whole):
    merits = [(each.outcome.measures.trades >= FEWEST_TRADES, each.deflated_sharpe) for each in whole.standings]
    assert merits == sorted(merits, reverse=True)
    assert len(set(merits)) > 3
    assert whole.best is whole.standings[0] or whole.best.verdict.edge


def test_the_trades_of_a_point_are_found_again_for_the_permutation_test(whole, bars):
    standing = whole.standings[0]
    assert standing.outcome.measures.trades == len(standing.outcome.decided) > FEWEST_TRADES
    draws = standing.luck.draws
    assert (
        chances_of(standing.point, whole.terms, [standing.outcome] * 2, draws, bars) == [standing.luck.p_alone] * 2
    )


def test_only_the_first_points_are_put_to_the_permutation_test(plan, swept, known, whole, timeless):
    found = swept(plan(), top=2)
    assert [each.luck is not None for each in found.standings] == [True] * 2 + [False] * 4
    assert timeless(found)[:2] == timeless(whole)[:2]


def test_each_is_corrected_for_every_trial_made(whole):
    for each in whole.standings:
        assert each.luck.p_value == pytest.approx(1 - (1 - each.luck.p_alone) ** 6)
        assert each.luck.deflated_sharpe == each.deflated_sharpe


def test_trials_made_before_the_sweep_count_and_make_it_worth_less(plan, swept):
    alone = swept(plan(horizon=(12,), max_depth=(3, 4)), folder="alone", log="another.jsonl")
    swept(plan(horizon=(12,), max_depth=(5, 6)), folder="before")
    found = swept(plan(horizon=(12,), max_depth=(3, 4)))
    assert (found.trials.count, found.trials.earlier) == (4, 2)
    for one, other in zip(alone.standings, found.standings, strict=True):
        assert other.luck.p_alone == one.luck.p_alone
        assert other.luck.p_value == pytest.approx(1 - (1 - one.luck.p_alone) ** 4)


def test_a_trial_log_that_was_lost_makes_no_trial_uncounted(plan, swept, tmp_path):
    swept(plan(horizon=(12,), max_depth=(2, 3)))
    (tmp_path / "trials.jsonl").unlink()
    found = swept(plan(horizon=(12,), max_depth=(3, 4)))
    assert found.trials.count == 3


@pytest.mark.parametrize("seed", range(3))
def test_in_noise_the_best_of_many_is_no_edge(plan, swept, terms, seed):
    found = swept(plan(markets=[random_walk(1_500, seed=seed)]))
    assert found.best.outcome.measures.trades > 0
    assert not found.verdict.edge
    assert found.verdict.reason.startswith("No evidence of an edge: ")
    assert "after 6 trials" in found.verdict.reason


def test_what_was_planted_is_found_after_all_trials(plan, swept, terms):
    walk = plan(
        markets=[planted(3_000, seed=3)],
        model="logistic",
        terms=replace(terms, folds=3),
        horizon=(12,),
        logisticregressioncv__Cs=([0.001], [0.01]),
    )
    found = swept(walk)
    assert found.verdict.edge
    assert found.best.luck.p_value < SIGNIFICANT
    assert "after 2 trials" in found.verdict.reason


def test_choosing_is_judged_for_each_market_and_for_all_that_share_their_time(plan, swept):
    markets = [planted(1_500, seed=3), random_walk(1_500, seed=4)]
    found = swept(plan(markets=markets, horizon=(12,)))
    assert Counter(each.point.market for each in found.standings) == {0: 3, 1: 3}
    assert [each.points for each in (found.chosen, *found.chosen_by_market)] == [6, 3, 3]
    for chosen in (found.chosen, *found.chosen_by_market):
        assert 0 <= chosen.pbo <= 1
    assert found.trials.count == 6


def test_markets_without_common_periods_are_judged_apart(plan, swept, bars):
    later = planted(1_500, seed=5, start=int(bars.time[-1]) + 3_600 * 1_000)
    apart = swept(plan(markets=[bars, later], horizon=(12,), max_depth=(2, 3)))
    assert apart.chosen.pbo is None
    assert apart.chosen.pbo_untold == "the markets have no time in common"
    assert all(chosen.pbo is not None for chosen in apart.chosen_by_market)
    other = swept(plan(markets=[bars, planted(1_500, seed=5, interval=900)], horizon=(12,), max_depth=(2, 3)))
    assert other.chosen.pbo_untold.startswith("the markets have bars of different lengths")
    # A period of the one is four of the other, and so much greater is its Sharpe ratio by time alone.
    assert all(len(each.outcome.returns) > 10 for each in other.standings)
    for judged in other.standings:
        expected = deflated_sharpe(
            judged.outcome.returns,
            trial_sharpes=[
                sharpe(each.outcome.returns)
                * {(0, 1): 0.5, (1, 0): 2.0}.get((each.point.market, judged.point.market), 1.0)
                for each in other.standings
            ],
        )
        assert judged.deflated_sharpe == pytest.approx(expected) == judged.luck.deflated_sharpe


def test_a_trial_log_that_was_lost_mixes_up_no_periods(plan, swept, bars, tmp_path):
    markets = [bars, planted(1_500, seed=5, interval=900)]
    found = swept(plan(markets=markets, horizon=(12,), max_depth=(2,)))
    (tmp_path / "trials.jsonl").unlink()
    again = swept(plan(markets=markets, horizon=(12,), max_depth=(2,)))
    assert [each.deflated_sharpe for each in again.standings] == [each.deflated_sharpe for each in found.standings]


def test_a_point_alone_is_judged_as_one(plan, swept):
    found = swept(plan(horizon=(12,), max_depth=(3,)))
    assert found.chosen.pbo_untold.startswith("nothing was chosen")
    assert "after 1 trial" in found.verdict.reason


def test_walks_of_other_horizons_are_of_the_same_time(plan):
    """Else their Sharpe ratios would not be compared on the same bars."""
    settings = [
        setting_of(
            random_walk(4_000, seed=1),
            each.task.point.barriers,
            each.task.terms,
            contender=contender_at(each.task.point),
        )
        for each in plan(markets=[random_walk(4_000, seed=1)], horizon=(6, 12, 24), max_depth=(3,)).points
    ]
    assert len({tuple((step.test.start, step.test.stop) for step in each.steps) for each in settings}) == 1
    assert all(
        np.array_equal(each.stretch.periods.number, settings[0].stretch.periods.number) for each in settings
    )


# ---- telling


def test_the_document_holds_every_point_and_the_verdict(whole, plan):
    document = whole.as_json()
    assert {
        "best",
        "verdict",
        "p_value",
        "deflated_sharpe",
        "pbo",
        "trials",
        "points",
        "failed",
        "markets",
    } <= document.keys()
    assert len(document["points"]) == 6
    assert document["points"][0]["parameters"].keys() == {"max_depth"}
    assert document["best"]["verdict"] == document["verdict"]
    assert document["trials"] == 6
    assert [each["points"] for each in document["markets"]] == [6]
    assert Path(document["folder"]).name == "sweep"
