"""The classifiers: the one used by default, and how one's own is named, made and checked."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable
from difflib import get_close_matches
from types import ModuleType
from typing import Any

from sklearn.base import BaseEstimator, is_classifier
from sklearn.linear_model import LogisticRegressionCV
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from agent.errors import ModelError
from agent.model.labels import DEFAULT_BARRIERS
from agent.model.reasons import reason
from agent.model.splits import PurgedKFold, purge

__all__ = ["Factory", "default_classifier", "made_by", "resolve", "search_here"]

Factory = Callable[[], Any]
"""Called without arguments, returns an unfitted scikit-learn classifier that reads the features."""

_FOLDS = 4
_STRENGTHS = (1e-3, 3e-3, 1e-2, 3e-2, 1e-1)


def default_classifier(*, gap: int = purge(DEFAULT_BARRIERS.horizon)) -> Pipeline:
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


def resolve(spec: str) -> Factory:
    """Return the factory that a ``module:name`` stands for.

    The current directory is searched too, so a file beside the data can be named.

    Raises
    ------
    ModelError
        Where there is no such module or name, or it cannot be called.
    """
    module_name, colon, path = spec.partition(":")
    if not (colon and module_name and path):
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
    near = get_close_matches(name, public, n=1)
    return f"Did you mean {near[0]!r}?" if near else "Check the spelling."


def made_by(factory: Factory, *, seed: int) -> Any:
    """Return a new classifier of a factory, with every `random_state` it has set to the seed.

    Raises
    ------
    ModelError
        Where the factory needs arguments, or makes something that is no classifier with probabilities.
    """
    name = getattr(factory, "__name__", repr(factory))
    try:
        made = factory()
    except TypeError as error:
        raise ModelError(
            f"the model factory {name} failed: {reason(error)}.", cure="It is called without arguments."
        ) from error
    if not (isinstance(made, BaseEstimator) and is_classifier(made)):
        kind = made.__name__ if isinstance(made, type) else f"a {type(made).__name__}"
        raise ModelError(
            f"the model factory {name} made {kind}, which is not a scikit-learn classifier.",
            cure="Return an unfitted classifier, or a pipeline that ends in one.",
        )
    if not hasattr(made, "predict_proba"):
        raise ModelError(
            f"the classifier {type(made).__name__} of {name} has no predict_proba, so no confidence.",
            cure="Wrap it in sklearn.calibration.CalibratedClassifierCV, or choose one with probabilities.",
        )
    states = [key for key in made.get_params(deep=True) if key.split("__")[-1] == "random_state"]
    return made.set_params(**dict.fromkeys(states, seed))
