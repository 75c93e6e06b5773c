"""How each classifier is made: by its name, in a pipeline with a scaler, on another classifier where it needs one.

A factory for every name: ``classifying.made:GaussianNB`` is what a person would write in a file of their own.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

from sklearn.base import BaseEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import KBinsDiscretizer, MinMaxScaler, StandardScaler
from sklearn.utils import all_estimators

from agent.model.encoded import LabelEncoded

__all__ = ["BOOSTERS", "ENCODED", "KINDS", "installed"]

KINDS: dict[str, type] = dict(all_estimators(type_filter="classifier"))
"""The classifiers of the scikit-learn that is installed, by name."""

BOOSTERS = {"CatBoostClassifier": "catboost", "LGBMClassifier": "lightgbm", "XGBClassifier": "xgboost"}
"""Those of other libraries, and the module of each."""

ENCODED = ("CatBoostClassifier", "LabelPropagation", "LabelSpreading", "SelfTrainingClassifier", "XGBClassifier")
"""Those that go into `LabelEncoded`: they take labels from 0 on, are none of scikit-learn's, or take -1 for no label at all."""

# What each is given beside what it takes by itself: little of everything, for the table asks what works, not how well.
_OPTIONS: dict[str, dict[str, Any]] = {
    "AdaBoostClassifier": {"n_estimators": 10},
    "BaggingClassifier": {"n_estimators": 5},
    "CatBoostClassifier": {"iterations": 20, "random_state": 0, "verbose": False, "allow_writing_files": False},
    "ExtraTreesClassifier": {"n_estimators": 10},
    "GaussianProcessClassifier": {"max_iter_predict": 5, "optimizer": None},
    "GradientBoostingClassifier": {"n_estimators": 10},
    "HistGradientBoostingClassifier": {"max_iter": 10},
    "LGBMClassifier": {"n_estimators": 20, "verbose": -1, "n_jobs": 1},
    "LabelPropagation": {"kernel": "knn"},
    "LabelSpreading": {"kernel": "knn"},
    "LogisticRegressionCV": {"Cs": 3, "cv": 3, "l1_ratios": (0.0,), "use_legacy_attributes": False},
    "MLPClassifier": {"hidden_layer_sizes": (8,), "max_iter": 60},
    "QuadraticDiscriminantAnalysis": {"solver": "eigen", "shrinkage": 0.1},
    "RadiusNeighborsClassifier": {"radius": 10.0, "outlier_label": "most_frequent"},
    "RandomForestClassifier": {"n_estimators": 10},
    "StackingClassifier": {"cv": 3, "final_estimator": LogisticRegression()},
    "XGBClassifier": {"n_estimators": 20, "n_jobs": 1},
}
_ON_ONE = ("estimator", "base_estimator")
_ON_MANY = "estimators"
_WITHOUT_BASE = ("AdaBoostClassifier", "BaggingClassifier", "CalibratedClassifierCV")
_SCALERS: dict[str, Callable[[], BaseEstimator]] = {
    "CategoricalNB": lambda: KBinsDiscretizer(5, encode="ordinal"),
    "ComplementNB": MinMaxScaler,
    "MultinomialNB": MinMaxScaler,
}


def installed(name: str) -> bool:
    """Whether a classifier can be made here."""
    return name in KINDS or find_spec(BOOSTERS[name]) is not None


def __getattr__(name: str) -> Callable[[], Any]:
    if name not in KINDS and name not in BOOSTERS:
        raise AttributeError(name)

    def make() -> Any:
        if name in BOOSTERS:
            return _booster(name)
        made = make_pipeline(_SCALERS.get(name, StandardScaler)(), _classifier(name))
        return LabelEncoded(made) if name in ENCODED else made

    make.__name__ = name
    return make


def _booster(name: str) -> Any:
    made = getattr(importlib.import_module(BOOSTERS[name]), name)(**_OPTIONS[name])
    return LabelEncoded(made) if name in ENCODED else made


def _classifier(name: str) -> Any:
    kind, options = KINDS[name], dict(_OPTIONS.get(name, {}))
    asked = kind.__init__.__code__.co_varnames if hasattr(kind.__init__, "__code__") else ()
    if _ON_MANY in asked:
        options[_ON_MANY] = [("bayes", GaussianNB()), ("logistic", LogisticRegression())]
    for one in _ON_ONE:
        if one in asked and name not in _WITHOUT_BASE:
            options[one] = LogisticRegression()
    if name == "VotingClassifier":
        options["voting"] = "soft"
    return kind(**options)
