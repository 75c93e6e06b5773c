"""Caution: a classifier believed as far as it proved right on rows it had not seen, and the base rates for the rest."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin, clone
from sklearn.utils import Tags, get_tags
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from agent.market.bars import Floats, Ints
from agent.model.splits import PurgedKFold

__all__ = ["Cautious"]

SHARES = np.arange(21) / 20
"""How far a classifier may be believed: not at all, by twentieths, in full."""

# What a class that was called impossible counts as, so that one surprise does not outweigh all else.
_LEAST = 1e-6


class Cautious(MetaEstimatorMixin, ClassifierMixin, BaseEstimator):
    """Shrink a classifier's probabilities towards the base rates, as far as time order says they exaggerate.

    Trees of any kind are surer of themselves than later bars bear out, the more so the fewer rows they
    learned from. What is believed of them is the share that would have had the least log loss on folds
    left out in time order: with a share ``s``, the answer is ``s * p + (1 - s) * base``. The log loss is
    convex in ``s``. Where nothing can be learned the share is 0 and every answer is the base rates; the
    order of rows by probability is kept in every other case.

    Parameters
    ----------
    estimator
        Unfitted classifier with `predict_proba`.
    folds
        Number of folds, contiguous in the order of the rows.
    gap
        Rows left out on either side of a fold, see `agent.model.splits.purge`.

    Attributes
    ----------
    classes_ : ndarray, shape (n_classes,)
        The classes.
    estimator_ : classifier
        Fitted on all rows.
    share_ : float
        How far it is believed, one of `SHARES`.
    base_rates_ : ndarray of float64, shape (n_classes,)
        Share of each class among all rows.
    n_features_in_ : int
        Number of columns it was fitted on.
    """

    def __init__(self, estimator: Any = None, *, folds: int = 4, gap: int = 0) -> None:
        self.estimator = estimator
        self.folds = folds
        self.gap = gap

    def fit(self, X: Any, y: Any) -> Cautious:
        """Fit the classifier, on all rows but one fold in turn to learn its share, and on all rows to keep.

        Parameters
        ----------
        X
            Shape (n_samples, n_features), in ascending time.
        y
            Classes, shape (n_samples,).
        """
        X, y = validate_data(self, X, y, dtype=None, ensure_all_finite=False)
        check_classification_targets(y)
        self.classes_, came = np.unique(y, return_inverse=True)
        self.base_rates_ = _rates(came, len(self.classes_))
        self.share_ = self._share(X, y, came)
        self.estimator_ = clone(self.estimator).fit(X, y)
        if not np.array_equal(self.estimator_.classes_, self.classes_):
            raise _astray(self.estimator_, self.classes_)
        return self

    def _share(self, X: Any, y: Any, came: Ints) -> float:
        """Return the share with the least log loss on rows left out; the smallest of several alike."""
        said, base = [], []
        for train, test in PurgedKFold(min(self.folds, len(X)), gap=self.gap).split(X):
            if len(np.unique(came[train])) < 2:
                continue
            rates = _rates(came[train], len(self.classes_))
            estimator = clone(self.estimator).fit(X[train], y[train])
            answers = self._aligned(estimator, X[test])
            said.append(answers[np.arange(len(test)), came[test]])
            base.append(rates[came[test]])
        if not said:
            return 0.0
        ours, theirs = np.concatenate(said), np.concatenate(base)
        losses = [-np.log(np.maximum(share * ours + (1 - share) * theirs, _LEAST)).mean() for share in SHARES]
        return float(SHARES[int(np.argmin(losses))])

    def _aligned(self, estimator: Any, X: Any) -> Floats:
        """Return an estimator's answers with a column for every class, also those it has not seen."""
        if not np.isin(estimator.classes_, self.classes_).all():
            raise _astray(estimator, self.classes_)
        answers = np.zeros((len(X), len(self.classes_)))
        answers[:, np.searchsorted(self.classes_, estimator.classes_)] = estimator.predict_proba(X)
        return answers

    def predict_proba(self, X: Any) -> Floats:
        """Return the probabilities of the classes, shape (n_samples, n_classes)."""
        check_is_fitted(self)
        return self.share_ * self.estimator_.predict_proba(X) + (1 - self.share_) * self.base_rates_

    def predict(self, X: Any) -> NDArray[Any]:
        """Return the likeliest class of each row, shape (n_samples,)."""
        probabilities = self.predict_proba(X)
        return self.classes_[probabilities.argmax(axis=1)]

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        inner = get_tags(self.estimator) if self.estimator is not None else tags
        tags.input_tags.allow_nan = inner.input_tags.allow_nan
        return tags


def _rates(came: Ints, classes: int) -> Floats:
    return np.bincount(came, minlength=classes) / len(came)


def _astray(estimator: Any, taught: NDArray[Any]) -> ValueError:
    found = np.asarray(estimator.classes_).tolist()
    return ValueError(f"{type(estimator).__name__} was taught {taught.tolist()} and tells {found} apart")
