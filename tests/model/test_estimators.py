"""A classifier is named, made and checked, one's own as those there are, and what is wrong with it is said at once."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn.base import clone, is_classifier
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import RandomForestClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import LinearSVC

from agent.errors import ModelError
from agent.market.synthetic import planted, random_walk
from agent.model.cautious import Cautious
from agent.model.estimators import comes_fitted, logistic, made_by, resolve, with_gap
from agent.model.named import MODELS
from agent.model.onnxfile import OnnxClassifier
from agent.model.threads import one_thread
from agent.model.train import train

MODULE = """
from sklearn.ensemble import RandomForestClassifier

def make():
    return RandomForestClassifier(n_estimators=3)

class Makers:
    make = staticmethod(make)

ready = make()
number = 5
"""


@pytest.fixture
def my_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A module of one's own in the current directory."""
    file = tmp_path / "my_models.py"
    file.write_text(MODULE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.delitem(sys.modules, "my_models", raising=False)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    return file


class TestNamingOne:
    def test_a_function_in_the_current_directory_is_found(self, my_models):
        assert isinstance(resolve("my_models:make")(), RandomForestClassifier)

    def test_a_class_of_scikit_learn_is_a_factory_too(self):
        assert resolve("sklearn.linear_model:LogisticRegression") is LogisticRegression

    def test_a_name_may_lie_inside_another(self, my_models):
        assert isinstance(resolve("my_models:Makers.make")(), RandomForestClassifier)

    @pytest.mark.parametrize("spec", ["my_models:", ":make", ":"])
    def test_half_a_name_is_refused_with_the_right_form(self, spec):
        with pytest.raises(ModelError, match=r"not of the form module:factory\. Write, for example"):
            resolve(spec)

    def test_a_missing_module_is_named(self, my_models):
        with pytest.raises(ModelError, match=r"there is no module 'my_modls'\. Check the spelling"):
            resolve("my_modls:make")

    def test_a_missing_part_of_a_package_is_named(self):
        with pytest.raises(ModelError, match=r"there is no module 'sklearn\.forests'"):
            resolve("sklearn.forests:Forest")

    def test_a_missing_name_is_refused_with_the_one_that_was_meant(self, my_models):
        with pytest.raises(ModelError, match=r"my_models has no 'mke'\. Did you mean 'make'\?"):
            resolve("my_models:mke")
        with pytest.raises(ModelError, match=r"has no 'xyzzy'\. It has: Makers, make\."):
            resolve("my_models:xyzzy")
        my_models.with_name("my_numbers.py").write_text("number = 5\n")
        with pytest.raises(ModelError, match=r"my_numbers has no 'xyzzy'\. Check the spelling"):
            resolve("my_numbers:xyzzy")

    def test_a_module_that_needs_another_says_which(self, my_models):
        my_models.write_text("import a_library_nobody_has\n")
        with pytest.raises(ModelError, match=r"my_models needs the module 'a_library_nobody_has'"):
            resolve("my_models:make")

    @pytest.mark.parametrize("content", ["def make(:\n", "from sklearn import nothing_of_the_kind\n"])
    def test_a_module_that_cannot_be_imported_says_why(self, my_models, content):
        my_models.write_text(content)
        with pytest.raises(ModelError, match=r"importing my_models failed: .+\. Mend that module"):
            resolve("my_models:make")

    def test_a_mistake_in_a_module_of_ones_own_is_told_with_its_line(self, my_models):
        my_models.write_text("import sys\nnumber = no_such_name\n")
        said = r"the model 'my_models:make': NameError in my_models, line 2: name .* Mend that module\."
        with pytest.raises(ModelError, match=said):
            resolve("my_models:make")

    @pytest.mark.parametrize(("name", "kind"), [("ready", "RandomForestClassifier"), ("number", "int")])
    def test_what_cannot_be_called_is_no_factory(self, my_models, name, kind):
        with pytest.raises(ModelError, match=f"is a {kind}, not a factory"):
            resolve(f"my_models:{name}")


class TestMakingOne:
    def test_every_random_state_it_has_is_set_to_the_seed(self):
        made = made_by(lambda: make_pipeline(StandardScaler(), RandomForestClassifier()), seed=42)
        assert made.get_params()["randomforestclassifier__random_state"] == 42

    def test_each_call_makes_a_new_one(self):
        assert made_by(logistic, seed=0) is not made_by(logistic, seed=0)

    @pytest.mark.parametrize(
        ("factory", "said"),
        [
            (LinearRegression, "made a LinearRegression, which is not a scikit-learn classifier"),
            (lambda: LogisticRegression, "made LogisticRegression, which is not a scikit-learn classifier"),
            (lambda: None, "made a NoneType, which is not a scikit-learn classifier"),
            (LinearSVC, "the classifier LinearSVC of LinearSVC has no predict_proba, so no confidence"),
            (lambda depth: None, "It is called without arguments"),
        ],
    )
    def test_what_is_no_classifier_with_probabilities_is_refused(self, factory, said):
        with pytest.raises(ModelError, match=re.escape(said)):
            made_by(factory, seed=0)

    def test_a_mistake_in_a_factory_is_told_with_its_line(self):
        def make():
            raise RuntimeError("boom")

        def mistaken():
            return RandomForestClassifier(trees=3)

        line = make.__code__.co_firstlineno + 1
        with pytest.raises(ModelError) as refused:
            made_by(make, seed=0)
        assert str(refused.value) == (
            f"the model factory make: RuntimeError in {__name__}, line {line}: boom. Mend that module."
        )
        with pytest.raises(ModelError, match=rf"TypeError in {__name__}, line \d+: .*'trees'\. Mend that module"):
            made_by(mistaken, seed=0)


FITTED = GaussianNB().fit([[0.0], [1.0], [2.0]], [-1, 0, 1])


class TestWhatComesFitted:
    @pytest.mark.parametrize(
        "made",
        [
            FrozenEstimator(FITTED),
            make_pipeline(StandardScaler(), FrozenEstimator(FITTED)),
            make_pipeline(FrozenEstimator(StandardScaler().fit([[0.0]])), GaussianNB()),
            Cautious(FrozenEstimator(FITTED)),
            CalibratedClassifierCV(FrozenEstimator(FITTED)),
            OnnxClassifier(b"a graph"),
        ],
        ids=["frozen", "in a pipeline", "before one that learns", "cautious", "calibrated", "a graph"],
    )
    def test_keeps_what_it_knows(self, made):
        assert comes_fitted(made)

    @pytest.mark.parametrize(
        "made",
        [FITTED, GaussianNB(), make_pipeline(FunctionTransformer(), FITTED), Cautious(FITTED)],
        ids=["fitted before", "unfitted", "with a function", "cautious"],
    )
    def test_is_not_what_is_trained_anew(self, made):
        assert not comes_fitted(made)

    @pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
    def test_is_none_of_the_named_ones(self, model):
        pytest.importorskip(model.module or "sklearn", reason=f"the extra {model.extra!r} is not installed")
        assert not comes_fitted(made_by(resolve(model.name), seed=0))


class TestTheNamedOnes:
    @pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
    def test_is_made_by_its_name_alone(self, model):
        pytest.importorskip(model.module or "sklearn", reason=f"the extra {model.extra!r} is not installed")
        assert is_classifier(clone(made_by(resolve(model.name), seed=0)))

    def test_a_name_that_is_none_is_refused_with_the_one_that_was_meant_and_all_there_are(self):
        with pytest.raises(
            ModelError, match=r"no model called 'boostin'\. Did you mean 'boosting'\? There are logistic"
        ):
            resolve("boostin")
        with pytest.raises(
            ModelError, match=r"no model called 'xyzzy'\. There are logistic, boosting, forest, tree"
        ):
            resolve("xyzzy")
        with pytest.raises(ModelError, match="no model called ''"):
            resolve("")

    @pytest.mark.parametrize("name", ["boosting", "forest", "tree"])
    def test_is_told_how_far_apart_its_folds_must_be(self, name):
        assert with_gap(resolve(name), 99)().gap == 99
        assert with_gap(resolve("logistic"), 99)()[-1].cv.gap == 99

    def test_one_that_asks_for_no_gap_is_given_none(self):
        assert with_gap(RandomForestClassifier, 99) is RandomForestClassifier
        assert with_gap(dict, 99) is dict  # it tells no signature at all

    @pytest.mark.parametrize("name", ["boosting", "forest", "tree"])
    def test_holds_nothing_out_at_random_and_runs_on_one_thread(self, name):
        parameters = made_by(resolve(name), seed=3).get_params()
        assert parameters.get("estimator__early_stopping", False) is False
        assert parameters.get("estimator__n_jobs", 1) == 1
        assert parameters["estimator__random_state"] == 3

    @pytest.mark.parametrize(
        ("name", "bars"), [("logistic", 4_000), ("boosting", 4_000), ("forest", 4_000), ("tree", 8_000)]
    )
    def test_finds_the_patterns_that_were_planted_and_none_where_there_are_none(self, name, bars):
        found = train(planted(bars, seed=1), factory=resolve(name)).manifest.metrics
        assert found.edge
        assert found.log_loss < found.log_loss_base
        walk = train(random_walk(2_500, seed=2), factory=resolve(name)).manifest.metrics
        assert not walk.edge
        assert walk.log_loss < walk.log_loss_base + 0.01

    @pytest.mark.parametrize("name", ["boosting", "forest", "tree"])
    def test_trained_twice_is_the_same_to_the_byte(self, name, trained_as, planted_bars):
        assert train(planted_bars, factory=resolve(name), name=name).id == trained_as(name).id


class TestTheDefault:
    def test_is_a_classifier_scikit_learn_can_clone(self):
        assert is_classifier(clone(logistic(gap=7)))
        assert logistic(gap=7)[-1].cv.gap == 7

    def test_tells_an_outcome_too_rare_for_every_fold(self):
        rng = np.random.default_rng(0)
        features = rng.integers(-1_000, 1_000, (400, 5))
        labels = rng.choice([-1, 1], 400)
        labels[7] = 0
        with one_thread():
            fitted = logistic().fit(features, labels)
        assert fitted.classes_.tolist() == [-1, 0, 1]
        assert fitted.predict_proba(features)[:, 1].max() < 0.05


class Computing(GaussianNB):
    """Does work in its constructor, so that what it was given is not what it keeps."""

    def __init__(self, priors=(1, 2)):
        super().__init__(priors=list(priors))


class Anything(GaussianNB):
    def __init__(self, *options):
        super().__init__()


def within_itself() -> Cautious:
    made = Cautious(GaussianNB())
    made.estimator = made
    return made


class TestMakingItAnew:
    def test_what_a_factory_returns_twice_is_two(self):
        kept = make_pipeline(StandardScaler(), FITTED)
        one, other = made_by(lambda: kept, seed=0), made_by(lambda: kept, seed=0)
        assert one is not other
        assert not hasattr(one[-1], "classes_")

    def test_what_it_returned_keeps_its_own_seed(self):
        kept = RandomForestClassifier()
        assert made_by(lambda: kept, seed=7).random_state == 7
        assert kept.random_state is None

    @pytest.mark.parametrize(
        "factory",
        [Computing, Anything, lambda: GaussianNB(priors=(each for each in ()))],
        ids=["computes in its constructor", "takes anything", "holds a generator"],
    )
    def test_what_cannot_be_cloned_is_refused_in_words(self, factory):
        with pytest.raises(
            ModelError, match=r"cannot be cloned, so it cannot be trained anew: .* Let __init__ take"
        ):
            made_by(factory, seed=0)

    def test_one_that_is_within_itself_is_an_error_and_not_the_end_of_the_process(self):
        with pytest.raises(ModelError, match="the model factory within_itself: RecursionError"):
            made_by(within_itself, seed=0)

    def test_features_put_on_it_from_outside_are_missed(self):
        def make():
            made = GaussianNB()
            made.features = lambda bars: bars.close[:, np.newaxis]
            return made

        with pytest.raises(ModelError, match="loses its features when it is cloned"):
            made_by(make, seed=0)
