"""A model that would not load back, or answer otherwise then, is refused in one sentence before anything is written."""

from __future__ import annotations

import logging
import threading

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from agent.errors import ArtifactError
from agent.market.synthetic import planted
from agent.model.loadable import as_loaded
from agent.model.skopsfile import to_bytes
from agent.model.train import train


class Holding(GaussianNB):
    """Holds something besides what it learned."""

    thing: object = None

    def fit(self, X, y):
        super().fit(X, y)
        self.thing_ = self.thing
        return self


class Forgetting(GaussianNB):
    """Answers by what its file does not hold."""

    def fit(self, X, y):
        super().fit(X, y)
        self.sure = 0.9
        return self

    def predict_proba(self, X):
        said = super().predict_proba(X)
        return said if hasattr(self, "sure") else said[:, ::-1]

    def __getstate__(self):
        return {name: value for name, value in super().__getstate__().items() if name != "sure"}


def itself() -> dict[str, object]:
    own: dict[str, object] = {}
    own["own"] = own
    return own


def fitted(**attributes: object) -> GaussianNB:
    rows = np.random.default_rng(0).normal(size=(30, 3))
    made = GaussianNB().fit(rows, np.tile([-1, 0, 1], 10))
    for name, value in attributes.items():
        setattr(made, name, value)
    return made


@pytest.mark.parametrize(
    ("thing", "said"),
    [
        (logging.getLogger("mine"), r"with its thing_ \(Logger\): "),
        (itself(), r"with its thing_\.own \(dict\): something in it holds itself"),
        (open(__file__), r"with its thing_ \(TextIOWrapper\): cannot pickle"),  # noqa: SIM115
        ((each for each in "abc"), r"with its thing_ \(generator\): cannot pickle"),
        ([threading], r"with its thing_\.0 \(module\): cannot pickle"),
        ({(1, 2): 3}, r"with its thing_ \(dict\): keys must be"),
    ],
    ids=["a logger", "itself", "an open file", "a generator", "a module", "keys of two numbers"],
)
def test_what_cannot_be_written_is_told_with_where_it_is(thing, said):
    with pytest.raises(ArtifactError, match=f"the classifier GaussianNB cannot be saved {said}"):
        to_bytes(fitted(thing_=thing))


def test_one_that_holds_itself_is_told_and_ends():
    made = fitted()
    made.me_ = made
    with pytest.raises(
        ArtifactError, match=r"with its steps\.1\.1\.me_ \(GaussianNB\): something in it holds itself"
    ):
        to_bytes(make_pipeline(StandardScaler(), made))


@pytest.fixture(scope="module")
def bars():
    return planted(1_200, seed=4)


@pytest.mark.parametrize(
    ("thing", "kind"), [(threading.Lock(), "lock"), (lambda: 1, "<lambda>")], ids=["a lock", "a lambda"]
)
def test_what_could_be_written_and_not_read_is_refused_too(bars, thing, kind, monkeypatch):
    monkeypatch.setattr(Holding, "thing", {"a": thing})
    trained = train(bars, factory=Holding)
    with pytest.raises(
        ArtifactError, match=rf"the classifier Holding cannot be saved with its thing_\.a .*'{kind}'"
    ):
        as_loaded(trained, bars)


def test_a_function_within_a_function_is_refused(bars):
    trained = train(bars, factory=lambda: make_pipeline(FunctionTransformer(lambda rows: rows / 2), GaussianNB()))
    with pytest.raises(ArtifactError, match=r"the classifier Pipeline cannot be saved with its steps.*<lambda>"):
        as_loaded(trained, bars)


def test_a_class_within_a_function_is_refused(bars):
    class Local(GaussianNB):
        pass

    with pytest.raises(ArtifactError, match=r"the classifier Local cannot be saved: .*'Local'"):
        as_loaded(train(bars, factory=Local), bars)


def test_another_class_of_the_same_name_is_not_taken_for_it(bars):
    hidden = type("Holding", (GaussianNB,), {"__module__": __name__})
    with pytest.raises(ArtifactError, match="another class is found under the name of Holding"):
        as_loaded(train(bars, factory=hidden), bars)


def test_one_that_answers_otherwise_from_its_file_is_refused(bars):
    with pytest.raises(ArtifactError, match="the classifier Forgetting answers otherwise once it is loaded"):
        as_loaded(train(bars, factory=Forgetting), bars)


class Blank(GaussianNB):
    """Has no answer for a row like no other."""

    def predict_proba(self, X):
        said = super().predict_proba(X)
        return np.where((X == 0).all(axis=1, keepdims=True), np.nan, said)


def test_one_that_does_not_answer_what_it_is_asked_when_it_is_loaded_is_refused(bars):
    with pytest.raises(ArtifactError, match=r"Blank, loaded from its file, does not answer as a model: .* nan"):
        as_loaded(train(bars, factory=Blank), bars)


def test_what_loads_and_answers_the_same_is_let_through(bars):
    trained = train(bars, factory=lambda: make_pipeline(StandardScaler(), LogisticRegression()))
    assert as_loaded(trained, bars) is trained
