"""The classifiers: those that have a name, and how any is found, made and checked."""

from __future__ import annotations

import importlib
import inspect
import os
import sys
from collections.abc import Callable
from difflib import get_close_matches
from functools import partial, update_wrapper
from types import ModuleType
from typing import Any

from sklearn.base import BaseEstimator, clone, is_classifier
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegressionCV
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils import get_tags
from sklearn.utils.validation import check_is_fitted

from agent.errors import ModelError
from agent.model.cautious import Cautious
from agent.model.labels import DEFAULT_BARRIERS
from agent.model.named import ONNX, spec_of
from agent.model.reasons import Foreign, reason
from agent.model.splits import PurgedKFold, purge
from agent.nesting import bounded_recursion

__all__ = [
    "Factory",
    "boosting",
    "comes_fitted",
    "forest",
    "logistic",
    "made_by",
    "require_unfitted",
    "resolve",
    "search_here",
    "tree",
    "with_gap",
]

Factory = Callable[[], Any]
"""Called without arguments, returns an unfitted scikit-learn classifier that reads the features.

One that takes a keyword `gap` is told how many rows lie between those it may fit and those it may score,
where it chooses something by held-out rows; see `with_gap`.
"""

_FOLDS = 4
_FEW = 5
_STRENGTHS = (1e-3, 3e-3, 1e-2, 3e-2, 1e-1)
_GAP = purge(DEFAULT_BARRIERS.horizon)


def logistic(*, gap: int = _GAP) -> Pipeline:
    """Return an unfitted multinomial logistic regression on standardised features.

    It is calibrated by how it is fitted: its coefficients minimise the log loss, a proper score, and so
    does the shrinkage chosen for them, on folds in time order that were left out with a margin. Where
    nothing can be learned, that shrinks every answer to the base rates.

    Parameters
    ----------
    gap
        Rows left out between those fitted and those scored, see `agent.model.splits.purge`.
    """
    return make_pipeline(
        StandardScaler(),
        LogisticRegressionCV(
            Cs=list(_STRENGTHS),
            l1_ratios=(0.0,),
            cv=PurgedKFold(_FOLDS, gap=gap),
            scoring="neg_log_loss",
            max_iter=1_000,
            use_legacy_attributes=False,
        ),
    )


def boosting(*, gap: int = _GAP) -> Cautious:
    """Return an unfitted gradient boosting of 40 shallow trees for each outcome, believed as far as it proves right.

    Its own early stopping is off: it would hold out rows at random, and so learn from the neighbours in
    time of those it is judged by.

    Parameters
    ----------
    gap
        As for `logistic`.
    """
    trees = HistGradientBoostingClassifier(
        learning_rate=0.05,
        max_iter=40,
        max_depth=3,
        min_samples_leaf=100,
        l2_regularization=10.0,
        early_stopping=False,
    )
    return Cautious(trees, folds=_FOLDS, gap=gap)


def forest(*, gap: int = _GAP) -> Cautious:
    """Return an unfitted forest of 50 trees on thirds of the rows drawn at random, believed as far as it proves right.

    Parameters
    ----------
    gap
        As for `logistic`.
    """
    trees = RandomForestClassifier(
        n_estimators=50, max_depth=8, min_samples_leaf=30, max_features="sqrt", max_samples=0.3, n_jobs=1
    )
    return Cautious(trees, folds=_FOLDS, gap=gap)


def tree(*, gap: int = _GAP) -> Cautious:
    """Return an unfitted decision tree of at most four questions, believed as far as it proves right.

    Parameters
    ----------
    gap
        As for `logistic`.
    """
    return Cautious(DecisionTreeClassifier(max_depth=4, min_samples_leaf=200), folds=_FOLDS, gap=gap)


def with_gap(factory: Factory, gap: int) -> Factory:
    """Return a factory that knows how many rows to leave out around those it scores by, if it asks for that.

    Parameters
    ----------
    factory
        Any factory.
    gap
        Number of rows, see `agent.model.splits.purge`.
    """
    try:
        asks = "gap" in inspect.signature(factory).parameters
    except ValueError:  # some types written in C tell no signature
        return factory
    return update_wrapper(partial(factory, gap=gap), factory) if asks else factory


def resolve(spec: str) -> Factory:
    """Return the factory that a name, or ``module:name``, stands for.

    The current directory is searched too, so a file beside the data can be named. An ONNX file stands for the
    classifier in it, which comes fitted; training then only measures it.

    Parameters
    ----------
    spec
        A name of `agent.model.named.MODELS`, ``module:factory`` of one's own, or an ``.onnx`` file.

    Raises
    ------
    ModelError
        Where there is no such name or module, or what it names cannot be called.
    """
    if spec.lower().endswith(ONNX):
        # Here, for it needs the features, and most never meet it.
        from agent.model.onnxfile import from_file

        return partial(from_file, spec)
    module_name, colon, path = spec.partition(":")
    if not colon:
        return resolve(spec_of(spec))
    if not (module_name and path):
        raise ModelError(
            f"the model {spec!r} is not of the form module:factory.",
            cure="Write, for example, my_models:make or sklearn.linear_model:LogisticRegression.",
        )
    found: Any = _imported(module_name, spec)
    for name in path.split("."):
        if not hasattr(found, name):
            raise ModelError(f"the model {spec!r}: {module_name} has no {path!r}.", cure=_near(found, name))
        found = getattr(found, name)
    if isinstance(found, BaseEstimator) or not callable(found):
        raise ModelError(
            f"the model {spec!r} is a {type(found).__name__}, not a factory.",
            cure="Name a function (or a class) that returns a new, unfitted classifier when called.",
        )
    return found


def search_here() -> None:
    """Let modules of the current directory be imported, after all others: a console command does not look there."""
    here = os.getcwd()
    if here not in sys.path:
        sys.path.append(here)


def _imported(module_name: str, spec: str) -> ModuleType:
    search_here()
    with Foreign(f"the model {spec!r}"):
        return _found(module_name, spec)


def _found(module_name: str, spec: str) -> ModuleType:
    try:
        return importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module_name}.".startswith(f"{error.name}."):
            raise ModelError(
                f"the model {spec!r}: {module_name} needs the module {error.name!r}, which is not installed.",
                cure="Install it in this environment.",
            ) from error
        raise ModelError(
            f"the model {spec!r}: there is no module {error.name!r}.",
            cure="Check the spelling, and run from the folder that holds it or install it in this environment.",
        ) from error
    except (ImportError, SyntaxError) as error:
        raise ModelError(
            f"the model {spec!r}: importing {module_name} failed: {reason(error)}.", cure="Mend that module."
        ) from error


def _near(owner: Any, name: str) -> str:
    public = [known for known in dir(owner) if not known.startswith("_")]
    if near := get_close_matches(name, public, n=1):
        return f"Did you mean {near[0]!r}?"
    own = [known for known in public if callable(it := getattr(owner, known)) and _is_of(it, owner)]
    if not own:
        return "Check the spelling."
    return f"It has: {', '.join(own[:_FEW])}{', and more' if len(own) > _FEW else ''}."


def _is_of(value: Any, owner: Any) -> bool:
    """Whether a module made something itself, and did not import it."""
    return isinstance(owner, ModuleType) and getattr(value, "__module__", "") == owner.__name__


def made_by(factory: Factory, *, seed: int) -> Any:
    """Return a new classifier of a factory, with every `random_state` it has set to the seed.

    It is a clone of what the factory returns, so that one which returns the same object again and again hands on nothing
    that this object has learned; what stays fitted through that, `comes_fitted` tells.

    Raises
    ------
    ModelError
        Where the factory fails or needs arguments, or makes something that is no classifier with probabilities or cannot
        be cloned.
    """
    name = getattr(factory, "__name__", repr(factory))
    with Foreign(f"the model factory {name}"), bounded_recursion():
        return _made(factory, name, seed)


def _made(factory: Factory, name: str, seed: int) -> Any:
    try:
        made = factory()
    except TypeError as error:
        if error.__traceback__ is not None and error.__traceback__.tb_next is not None:
            raise  # by something that it called
        raise ModelError(
            f"the model factory {name} failed: {reason(error)}.", cure="It is called without arguments."
        ) from error
    if not (isinstance(made, BaseEstimator) and is_classifier(made)):
        kind = made.__name__ if isinstance(made, type) else f"a {type(made).__name__}"
        raise ModelError(
            f"the model factory {name} made {kind}, which is not a scikit-learn classifier.",
            cure="Return an unfitted classifier, or a pipeline that ends in one; what only behaves as one, as CatBoost's, "
            "goes into agent.model.encoded.LabelEncoded.",
        )
    if not hasattr(made, "predict_proba"):
        raise ModelError(
            f"the classifier {type(made).__name__} of {name} has no predict_proba, so no confidence.",
            cure="Wrap it in sklearn.calibration.CalibratedClassifierCV, or choose one with probabilities.",
        )
    new = _cloned(made, name)
    new.set_params(**dict.fromkeys(_seeds_of(new), seed))
    return new


def _cloned(made: BaseEstimator, name: str) -> Any:
    kind = type(made).__name__
    try:
        new = clone(made)
    except (AttributeError, RuntimeError, TypeError, ValueError) as error:
        raise ModelError(
            f"the classifier {kind} of {name} cannot be cloned, so it cannot be trained anew: {reason(error)}.",
            cure="Let __init__ take each parameter by name and keep it as it is; open and compute in fit.",
        ) from error
    if callable(getattr(made, "features", None)) and not callable(getattr(new, "features", None)):
        raise ModelError(
            f"the classifier {kind} of {name} loses its features when it is cloned, for they were put on it from outside.",
            cure="Make features, feature_names and window part of its class.",
        )
    return new


def _seeds_of(made: Any) -> list[str]:
    """Return the names of the seeds of a classifier, but for those of its frozen parts, which can no longer be set."""
    known = {"": made, **made.get_params(deep=True)}
    frozen = [name for name, value in known.items() if isinstance(value, FrozenEstimator)]
    within = tuple(f"{name}__" if name else "" for name in frozen)
    return [name for name in known if name.split("__")[-1] == "random_state" and not name.startswith(within)]


def comes_fitted(estimator: Any) -> bool:
    """Whether a classifier, or a part of one, knows something before it is fitted here, and keeps it through that.

    A graph of ONNX does, and whatever is frozen: nobody here can know which bars that was learned from. What was fitted
    and forgets it when it is cloned does not: it is trained again.
    """
    parts = (estimator, *estimator.get_params(deep=True).values())
    return any(isinstance(part, BaseEstimator) and _stays_fitted(part) for part in parts)


def require_unfitted(estimator: Any, name: str) -> None:
    """Refuse a classifier that comes fitted, see `comes_fitted`, where it was to be trained.

    Raises
    ------
    ModelError
        Where it does.
    """
    if comes_fitted(estimator):
        raise ModelError(
            f"{name} comes fitted, so nobody here knows on which bars.",
            cure="Give what makes an unfitted classifier, or have it measured with patternsettle train and "
            "evaluate what that saves.",
        )


def _stays_fitted(estimator: BaseEstimator) -> bool:
    if not (hasattr(estimator, "fit") and get_tags(estimator).requires_fit and _is_fitted(estimator)):
        return False
    try:
        return _is_fitted(clone(estimator))
    except (RuntimeError, TypeError):  # it cannot be cloned, so it does not decide what becomes of a clone
        return False


def _is_fitted(estimator: BaseEstimator) -> bool:
    try:
        check_is_fitted(estimator)
    except NotFittedError:
        return False
    return True
