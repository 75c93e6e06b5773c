"""The suite passes models that fit in, says what it found, and refuses what is no model."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import GradientBoostingClassifier, HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier

from agent.errors import ArtifactError, ModelError
from agent.market.bars import Bars
from agent.market.synthetic import planted, random_walk
from agent.model.artifact import save
from agent.model.conformity import Conformity, check_model
from agent.model.conformity.answers import named, same_after_saving
from agent.model.conformity.probes import FUTURES, cuts, extreme, flat, gapped, with_future
from agent.model.conformity.subject import subject_of
from agent.model.trained import TrainedModel
from agent.testing import assert_conforms
from agent.testing import check_model as offered_to_tests

SAVED = "Saved and loaded"
ALIGNED = "It learns each label with the row it belongs to."
FLAT, GAP, EXTREME = (
    f"It abstains rather than crashes on {day}." for day in ("a flat price", "a gap", "an extreme move")
)
NAMED, NAMES = "Its features match its manifest.", "Its features match their names."
FAST = "It decides faster than bars come."


def known_already(closes):
    return closes[:, None] / closes[0]


def tomorrows_close(closes):
    return np.column_stack([np.append(closes[1:], np.nan), closes])


def tree() -> DecisionTreeClassifier:
    return DecisionTreeClassifier(max_depth=3)


def gradient() -> GradientBoostingClassifier:
    return GradientBoostingClassifier(n_estimators=3)


FITTED = DummyClassifier().fit(np.zeros((3, 1)), [-1, 0, 1])


@pytest.fixture(scope="module")
def checked(trained: TrainedModel) -> Conformity:
    """What is said of the trained model, asked once."""
    return check_model(trained)


class TestAModelThatFitsIn:
    @pytest.mark.parametrize(
        "made",
        [
            make_pipeline(StandardScaler(), LogisticRegression()),
            DecisionTreeClassifier(),
            make_pipeline(StandardScaler(), KNeighborsClassifier(15)),
            RandomForestClassifier(3, max_depth=4),
            HistGradientBoostingClassifier(max_iter=3),
            DummyClassifier(),
        ],
        ids=lambda each: type(each[-1] if hasattr(each, "steps") else each).__name__,
    )
    def test_passes_whatever_kind_it_is(self, made):
        assert check_model(made, bars=planted(1_100, seed=1)).failed == ()

    @pytest.mark.parametrize("seed", [1, 2])
    def test_passes_whatever_the_seed(self, seed):
        assert check_model("sklearn.naive_bayes:GaussianNB", seed=seed).failed == ()

    def test_passes_on_a_random_walk_and_on_bars_of_a_minute(self, trained):
        assert check_model(trained, bars=random_walk(900, seed=3)).passed
        assert check_model(GaussianNB, bars=planted(1_100, seed=3, interval=60)).passed

    def test_passes_on_real_bars_also_where_they_hardly_move(self, trained, real_bars):
        assert check_model(trained, bars=real_bars[-3_000:]).failed == ()
        columns = {name: 19 * 10**11 + getattr(real_bars, name) for name in ("open", "high", "low", "close")}
        assert check_model(GaussianNB, bars=replace(real_bars, **columns)[-3_000:]).failed == ()

    def test_is_asked_everything_and_the_evidence_is_given(self, trained, checked, one):
        result = checked
        assert [check.name for check in result.checks] == [
            "Its answers are probabilities, one column for each class, in the order of its classes.",
            "The same input twice has the same output.",
            "Saved and loaded, it gives the same probabilities to the last bit.",
            "One row at a time has the answers of the batch.",
            "The features of the first n bars are the first n of the full run.",
            "The features of the first n bars stay the same whatever comes after them.",
            "The probabilities of the first n bars are the first n of the full run.",
            "The probabilities of the first n bars stay the same whatever comes after them.",
            "The same prices some weeks later are read and answered alike.",
            "Other prices at the same times are read as what they are.",
            ALIGNED,
            FLAT,
            GAP,
            EXTREME,
            NAMED,
            FAST,
        ]
        assert all(check.detail.endswith((".", "...")) for check in result.checks)
        assert trained.id[:12] in one(result, SAVED).detail
        assert "39 features, return_1 to squeeze_down; 12 patterns" in one(result, NAMED).detail
        assert "holds at 240, signals at 0" in one(result, FLAT).detail
        assert re.search(r"\(p50\), .* \(p99\) of \d+", one(result, FAST).detail)
        assert result.to_json() == {
            "passed": True,
            "checks": [{"name": check.name, "passed": True, "detail": check.detail} for check in result.checks],
        }

    def test_has_the_same_result_saved_as_in_memory_and_its_folder_stays_as_it_was(self, checked, folder):
        before = {file.name: file.read_bytes() for file in folder.iterdir()}
        apart_from_time = [(check.name, check.detail) for check in checked.checks[:-1]]
        assert [(check.name, check.detail) for check in check_model(str(folder)).checks[:-1]] == apart_from_time
        assert {file.name: file.read_bytes() for file in folder.iterdir()} == before

    def test_is_not_itself_fitted_where_it_must_be_trained(self):
        unfitted = GaussianNB()
        subject_of(unfitted, bars=None, seed=0)
        assert not hasattr(unfitted, "classes_")

    def test_without_a_manifest_is_asked_by_its_names(self, trained, found, one):
        assert found(named, trained.estimator) == (True, "39 features, return_1 to squeeze_down.")
        assert one(check_model(trained.estimator), NAMES).passed

    def test_that_needs_trust_says_so(self, found):
        assert "--trust sklearn.tree._tree.Tree." in found(same_after_saving, gradient).detail

    def test_whose_trees_were_looked_through_needs_none(self, found):
        assert "--trust" not in found(same_after_saving, tree).detail


# ---- what cannot be examined at all


@pytest.mark.parametrize(
    ("model", "said"),
    [
        ("nowhere/model", "there is no model at nowhere/model"),
        ("nowhere:make", "there is no module 'nowhere'"),
        (3, "something of type int is no model"),
        (LinearSVC, "has no predict_proba"),
        (lambda: 3, "which is not a scikit-learn classifier"),
        (LinearSVC().fit([[0], [1], [2]], [-1, 0, 1]), "LinearSVC has no predict_proba"),
        (LogisticRegression(solver="no such"), "could not be trained"),
    ],
)
def test_what_is_no_model_is_refused(model, said):
    with pytest.raises(ModelError, match=said):
        check_model(model)


def test_a_saved_model_whose_types_are_not_trusted_is_refused(tmp_path):
    path = save(subject_of(gradient, bars=None, seed=0).trained, tmp_path / "model")
    with pytest.raises(ArtifactError, match=r"--trust sklearn\.tree\._tree\.Tree"):
        check_model(path)
    assert check_model(path, bars=planted(300, seed=22), trusted=["sklearn.tree._tree.Tree"]).failed == ()


def test_bars_on_which_nothing_can_be_learnt_are_refused_in_words_of_ours():
    still = np.full(1_500, 10**8)
    bars = replace(planted(1_500, seed=22), open=still, high=still, low=still, close=still)
    with pytest.raises(ModelError, match=r"none of \d+ bars has a pattern .* whose price moves"):
        check_model(GaussianNB, bars=bars)


@pytest.mark.parametrize(("made", "length"), [(GaussianNB, 999), (FITTED, 199)], ids=["to train", "fitted"])
def test_too_few_bars_are_refused(made, length):
    with pytest.raises(ModelError, match="bars"):
        check_model(made, bars=random_walk(length, seed=1))


def test_other_features_for_a_model_with_a_manifest_are_refused(trained):
    with pytest.raises(ModelError, match="reads the features of this project, not others"):
        check_model(trained, features=known_already)


def test_features_that_cannot_be_had_are_refused():
    with pytest.raises(ModelError, match="it raised ZeroDivisionError"):
        check_model(FITTED, features=lambda closes: 1 / 0)


# ---- the one line for tests


def test_a_test_can_require_it_in_one_line(trained):
    assert offered_to_tests is check_model
    assert assert_conforms(trained).passed
    with pytest.raises(AssertionError) as caught:
        assert_conforms(tree, features=tomorrows_close, feature_names=["tomorrow", "today"])
    first = str(caught.value).splitlines()[0]
    assert first.startswith(
        "The features of the first n bars are the first n of the full run. Not so: 'tomorrow' knows"
    )
    assert len(str(caught.value).splitlines()) == 4


# ---- the bars it is done with


@pytest.mark.parametrize("number", range(len(FUTURES)))
@pytest.mark.parametrize("known", [40, 399])
def test_another_future_leaves_the_past_alone_and_nothing_after_it(number, known):
    bars = planted(400, seed=1)
    other = with_future(bars, known, number=number, seed=3)
    changed = False
    for name in ("time", "open", "high", "low", "close", "volume"):
        ours, theirs = getattr(bars, name), getattr(other, name)
        assert (ours[:known] == theirs[:known]).all()
        changed |= bool((ours[known:] != theirs[known:]).all())
    assert changed
    assert (np.diff(other.time) > 0).all()
    possible(other)


@pytest.mark.parametrize("make", [flat, gapped, extreme])
def test_hard_days_are_days_a_market_could_have(make):
    bars = make(900)
    assert bars.interval == 900
    possible(bars)


def possible(bars: Bars) -> None:
    assert (bars.low >= 1).all()
    assert (bars.low <= np.minimum(bars.open, bars.close)).all()
    assert (bars.high >= np.maximum(bars.open, bars.close)).all()


@given(st.integers(64, 2_000), st.integers(0, 2**32 - 1))
def test_a_series_is_cut_at_many_lengths_down_to_a_window_and_up_to_its_last_bar(n, seed):
    lengths = cuts(n, seed=seed)
    assert len(lengths) >= min(80, n - 32)
    assert (np.diff(lengths) > 0).all()
    assert lengths[0] >= 32
    assert lengths[-12:].tolist() == list(range(n - 12, n))
