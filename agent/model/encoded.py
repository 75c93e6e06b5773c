"""Labels encoded: for classifiers that take 0, 1, 2 alone, such as XGBoost, or -1 for no label, and for classes to be explained."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin, clone
from sklearn.utils import Tags, get_tags
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, column_or_1d

from agent.errors import ModelError
from agent.market.bars import Floats
from agent.model.classes import OUTCOMES

__all__ = ["LabelEncoded"]


class LabelEncoded(MetaEstimatorMixin, ClassifierMixin, BaseEstimator):
    """Teach a classifier the labels 0, 1, ... in place of -1, 0 and 1, and answer for those.

    It wraps whatever has `fit`, `predict_proba`, `classes_` and scikit-learn's parameters, also where that is no
    scikit-learn classifier by its type, as CatBoost's. What it is given to read is passed on as it is: a data frame stays one.

    Parameters
    ----------
    estimator
        Unfitted classifier; or with `outcomes` a fitted one, in a `sklearn.frozen.FrozenEstimator`.
    outcomes
        What the classes of one that was fitted elsewhere stand for, each -1, 0 or 1, in the order of its ``classes_``:
        ``(-1, 1)`` where False was down and True up. None where it is to be trained.

    Attributes
    ----------
    classes_ : ndarray, shape (n_classes,)
        The labels, sorted.
    estimator_ : classifier
        Fitted on the encoded labels, or the one that came fitted.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from agent.model.encoded import LabelEncoded
    >>> model = LabelEncoded(LogisticRegression()).fit([[1.0], [2.0], [3.0]], [-1, 0, 1])
    >>> model.classes_.tolist(), model.estimator_.classes_.tolist()
    ([-1, 0, 1], [0, 1, 2])
    """

    def __init__(self, estimator: Any = None, *, outcomes: Sequence[int] | None = None) -> None:
        self.estimator = estimator
        self.outcomes = outcomes

    def fit(self, X: Any, y: Any) -> LabelEncoded:
        """Fit the classifier on encoded labels; one whose classes are explained stays as it came.

        Parameters
        ----------
        X
            Shape (n_samples, n_features).
        y
            Labels, shape (n_samples,).

        Raises
        ------
        ModelError
            Where the classifier tells other classes apart than it was taught, or `outcomes` do not explain its classes.
        """
        if self.outcomes is not None:
            self.estimator_ = _fitted(self.estimator)
            self.classes_ = np.sort(_explained(self.estimator_, self.outcomes))
            return self
        y = column_or_1d(y, warn=True)
        check_classification_targets(y)
        self.classes_, encoded = np.unique(y, return_inverse=True)
        self.estimator_ = clone(self.estimator).fit(X, encoded)
        _require_classes(self.estimator_, len(self.classes_))
        return self

    def predict_proba(self, X: Any) -> Floats:
        """Return the probabilities of the labels, shape (n_samples, n_classes)."""
        check_is_fitted(self)
        said = np.asarray(self.estimator_.predict_proba(X), dtype=np.float64)
        return said if self.outcomes is None else said[:, np.argsort(np.asarray(self.outcomes))]

    def predict(self, X: Any) -> NDArray[Any]:
        """Return the likeliest label of each row, shape (n_samples,)."""
        likeliest = self.predict_proba(X).argmax(axis=1)
        return self.classes_[likeliest]

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "estimator_")

    @property
    def n_features_in_(self) -> int:
        """Number of columns the classifier was fitted on, if it tells."""
        return self.estimator_.n_features_in_

    @property
    def feature_names_in_(self) -> NDArray[Any]:
        """Names of those columns, if it was given any."""
        return self.estimator_.feature_names_in_

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        if self.estimator is not None:
            inner = get_tags(self.estimator).input_tags
            tags.input_tags.allow_nan, tags.input_tags.sparse = inner.allow_nan, inner.sparse
        return tags


def _fitted(estimator: Any) -> Any:
    if not hasattr(estimator, "classes_"):
        raise ModelError(
            f"outcomes explain the classes of a fitted classifier, and this {type(estimator).__name__} is not fitted.",
            cure="Leave outcomes out to have it trained, or give it as FrozenEstimator(fitted).",
        )
    return estimator


def _explained(estimator: Any, outcomes: Sequence[int]) -> NDArray[np.int64]:
    count = len(estimator.classes_)
    given = np.asarray(outcomes)
    if (
        len(given) != count
        or given.dtype.kind != "i"
        or len(set(outcomes)) < count
        or not set(outcomes) <= set(OUTCOMES)
    ):
        raise ModelError(
            f"the outcomes {tuple(outcomes)} do not explain the classes {np.asarray(estimator.classes_).tolist()}.",
            cure="Give one of -1, 0 and 1 for each class, in the order of classes_, none twice.",
        )
    return given.astype(np.int64)


def _require_classes(estimator: Any, count: int) -> None:
    found = np.asarray(estimator.classes_).tolist()
    if found != list(range(count)):
        raise ModelError(
            f"the classifier {type(estimator).__name__} was taught {list(range(count))} and tells {found} apart.",
            cure="Teach it the labels as they are given.",
        )
