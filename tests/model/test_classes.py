"""Classes other than -1, 0 and 1 are refused in words, or read as somebody states they are meant, and never misread."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import VotingClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from agent.errors import ArtifactError, ModelError
from agent.market.bars import Bars
from agent.market.synthetic import planted
from agent.model.artifact import load, save
from agent.model.cautious import Cautious
from agent.model.classes import outcomes_of
from agent.model.closes import WINDOW
from agent.model.conformity import check_model
from agent.model.encoded import LabelEncoded
from agent.model.features import FEATURES, feature_matrix
from agent.model.skopsfile import from_bytes, to_bytes
from agent.model.train import train
from agent.model.trained import probabilities_bps

WORDS = np.array(["down", "flat", "up"])


@pytest.fixture(scope="module")
def bars() -> Bars:
    return planted(1_200, seed=4)


@pytest.fixture(scope="module")
def rows(bars) -> np.ndarray:
    return feature_matrix(bars.close)[WINDOW - 1 :]


def recoding(change) -> type[GaussianNB]:
    """Return a classifier that gives its labels other names before it learns them."""

    class Recoding(GaussianNB):
        def fit(self, X, y):
            return super().fit(X, change(y))

    return Recoding


RECODED = {
    "0 and 1 for down and up": (lambda y: (y > 0).astype(int), "tells 0, 1 apart"),
    "0 to 2": (lambda y: y + 1, "tells 0, 1, 2 apart"),
    "words": (lambda y: WORDS[y + 1], "tells 'down', 'flat', 'up' apart"),
    "truth values": (lambda y: y > 0, "tells False, True apart"),
    "tens": (lambda y: y * 10, "tells -10, 0, 10 apart"),
    "flat left out": (lambda y: np.where(y == 0, 1, y), "was taught -1, 0, 1 and tells -1, 1 apart"),
}


@pytest.mark.parametrize(("change", "said"), RECODED.values(), ids=RECODED)
class TestAClassifierThatRecodesItsLabels:
    def test_is_not_trained(self, bars, change, said):
        with pytest.raises(ModelError, match=said):
            train(bars, factory=recoding(change))

    def test_is_not_trained_within_a_pipeline_either(self, bars, change, said):
        with pytest.raises(ModelError, match=said):
            train(bars, factory=lambda: make_pipeline(StandardScaler(), recoding(change)()))

    def test_is_not_believed_with_caution_either(self, bars, change, said):
        with pytest.raises(ModelError, match=r"could not be trained|tells .* apart"):
            train(bars, factory=lambda: Cautious(recoding(change)()))

    def test_fails_the_check(self, change, said):
        failed = check_model(recoding(change)).failed
        assert any(said.split(",")[0] in check.detail for check in failed)


def fitted_on(labels: np.ndarray) -> GaussianNB:
    rng = np.random.default_rng(0)
    return GaussianNB().fit(
        rng.normal(size=(len(labels), len(FEATURES))) + np.arange(len(labels))[:, None] % 3, labels
    )


ELSEWHERE = {
    "0 and 1": (np.tile([0, 1], 15), "nothing says whether its 0 is down or neither"),
    "0 to 2": (np.tile([0, 1, 2], 10), "tells 0, 1, 2 apart, not -1, 0 and 1"),
    "words": (np.tile(WORDS, 10), "tells 'down', 'flat', 'up' apart"),
    "truth values": (np.tile([False, True], 15), "tells False, True apart"),
}


@pytest.mark.parametrize(("labels", "said"), ELSEWHERE.values(), ids=ELSEWHERE)
class TestAClassifierFittedElsewhere:
    def test_is_refused_where_nothing_states_what_its_classes_are(self, bars, labels, said):
        with pytest.raises(ModelError, match=said):
            train(bars, factory=lambda: FrozenEstimator(fitted_on(labels)))

    def test_is_found_within_another(self, bars, labels, said):
        within = VotingClassifier([("one", FrozenEstimator(fitted_on(labels)))], voting="soft")
        with pytest.raises(ModelError, match=said):
            train(bars, factory=lambda: within)

    def test_fails_the_check_for_it(self, labels, said):
        failed = check_model(fitted_on(labels)).failed
        assert any(said.split(",")[0] in check.detail for check in failed)

    def test_is_not_loaded(self, labels, said):
        data = to_bytes(fitted_on(labels))
        if sorted(set(labels.tolist())) == [0, 1] and labels.dtype.kind == "i":
            assert outcomes_of(from_bytes(data, "its file")) == (
                0,
                1,
            )  # a market without a down, if it was trained here
        else:
            with pytest.raises(ArtifactError, match=r"tells .* apart"):
                from_bytes(data, "its file")

    def test_is_read_as_it_is_stated(self, bars, rows, labels, said, tmp_path):
        fitted = fitted_on(labels)
        outcomes = (-1, 0, 1)[: len(fitted.classes_)] if len(fitted.classes_) == 3 else (-1, 1)
        model = train(bars, factory=lambda: LabelEncoded(FrozenEstimator(fitted), outcomes=outcomes))
        assert model.elsewhere
        assert outcomes_of(model.estimator) == outcomes
        again = load(save(model, tmp_path / "m"))
        bps = probabilities_bps(again.estimator, rows[:50])
        said_itself = np.floor(fitted.predict_proba(rows[:50]) * 10_000 + 1e-6).astype(int)
        assert bps[:, np.array(outcomes) + 1].tolist() == said_itself.tolist()


@pytest.mark.filterwarnings("ignore:Number of classes in training fold")
def test_calibrated_on_what_tells_0_and_1_apart_is_found_too(bars):
    frozen = FrozenEstimator(fitted_on(np.tile([0, 1], 15)))
    with pytest.raises(ModelError, match="nothing says whether its 0 is down or neither"):
        train(bars, factory=lambda: CalibratedClassifierCV(frozen, cv=2))


def test_a_statement_may_turn_the_order_round(rows):
    fitted = fitted_on(np.tile(["short", "long"], 15))
    assert fitted.classes_.tolist() == ["long", "short"]
    model = LabelEncoded(FrozenEstimator(fitted), outcomes=(1, -1)).fit(rows, np.zeros(len(rows)))
    assert model.classes_.tolist() == [-1, 1]
    assert model.predict_proba(rows).tolist() == fitted.predict_proba(rows)[:, ::-1].tolist()


@pytest.mark.parametrize("outcomes", [(-1, 1), (-1, 0, 2), (0, 0, 1), (-1, 0, True)])
def test_a_statement_that_explains_nothing_is_refused(rows, outcomes):
    model = LabelEncoded(FrozenEstimator(fitted_on(np.tile([0, 1, 2], 10))), outcomes=outcomes)
    if outcomes[-1] is True:
        assert model.fit(rows, rows[:, 0]).classes_.tolist() == [-1, 0, 1]
    else:
        with pytest.raises(ModelError, match="do not explain the classes"):
            model.fit(rows, rows[:, 0])


def test_a_statement_about_what_is_not_fitted_is_refused(rows):
    with pytest.raises(ModelError, match="this GaussianNB is not fitted"):
        LabelEncoded(GaussianNB(), outcomes=(-1, 1)).fit(rows, rows[:, 0])


class OnlyFromZero(LogisticRegression):
    """Takes labels from 0 on, as XGBoost does."""

    def fit(self, X, y):
        if sorted(np.unique(y)) != list(range(len(np.unique(y)))):
            raise ValueError("Invalid classes inferred from unique values of `y`")
        return super().fit(X, y)


def encoded() -> LabelEncoded:
    return LabelEncoded(make_pipeline(StandardScaler(), OnlyFromZero()))


def test_what_takes_labels_from_0_on_is_told_of_its_cure(bars):
    with pytest.raises(ModelError, match=r"Invalid classes .* goes into agent\.model\.encoded\.LabelEncoded"):
        train(bars, factory=OnlyFromZero)


def test_what_takes_labels_from_0_on_answers_as_if_it_took_any(bars, rows):
    ours = train(bars, factory=encoded)
    plain = train(bars, factory=lambda: make_pipeline(StandardScaler(), LogisticRegression()))
    assert ours.predict_series(bars).up_bps.tolist() == plain.predict_series(bars).up_bps.tolist()
    assert ours.estimator.predict(rows).tolist() == plain.estimator.predict(rows).tolist()


def test_encoded_is_what_its_checks_want():
    result = check_model(lambda: LabelEncoded(make_pipeline(StandardScaler(), LogisticRegression())))
    assert [check.detail for check in result.failed] == []
