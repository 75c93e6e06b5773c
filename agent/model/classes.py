"""The classes of a classifier, and what they stand for: -1 (down), 0 (neither) and 1 (up), or it is refused in words."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np
from sklearn.frozen import FrozenEstimator

from agent.errors import ModelError

__all__ = ["OUTCOMES", "outcomes_of", "require_meant", "require_taught"]

OUTCOMES = (-1, 0, 1)
"""What a trade leads to: a profit going short, none either way, a profit going long."""

_CURE = (
    "Teach it the labels as they are given, -1 (down), 0 (neither) and 1 (up). What was fitted elsewhere, or takes only "
    "labels from 0 on or -1 for no label, goes into agent.model.encoded.LabelEncoded, which says what each class stands for."
)


def outcomes_of(estimator: Any) -> tuple[int, ...]:
    """Return what the classes of a fitted classifier stand for, in their order.

    Raises
    ------
    ModelError
        Where it has no classes, or they are anything but some of `OUTCOMES`, each once: texts, truth values, 0 to 2.
    """
    name = _called(estimator)
    if getattr(estimator, "classes_", None) is None:
        raise ModelError(f"the classifier {name} has no classes_.", cure="Let fit set it to the sorted labels.")
    classes = np.asarray(estimator.classes_)
    found = classes.tolist()
    # In Python, True is 1 and False is 0: as classes of somebody they are up and down, or anything else.
    if classes.ndim != 1 or classes.dtype.kind not in "iuf" or not _are_outcomes(found):
        raise ModelError(f"the classifier {name} tells {_list(found)} apart, not -1, 0 and 1.", cure=_CURE)
    return tuple(int(label) for label in found)


def _are_outcomes(found: Collection[float]) -> bool:
    return len(found) > 0 and len(set(found)) == len(found) and set(found) <= set(OUTCOMES)


def require_meant(estimator: Any) -> None:
    """Refuse a classifier that came fitted, or holds one, whose classes may stand for other outcomes than they look like.

    Raises
    ------
    ModelError
        Where they are no outcomes; or are 0 and 1, which most use for down and up, and nothing states what they are.
    """
    parts = (
        {"": estimator, **estimator.get_params(deep=True)} if hasattr(estimator, "get_params") else {"": estimator}
    )
    for name, part in parts.items():
        owner = parts[name.rpartition("__")[0]] if name else None
        came_fitted = part is estimator or isinstance(part, FrozenEstimator)
        if not came_fitted or not hasattr(part, "classes_") or getattr(owner, "outcomes", None):
            continue
        if min(found := outcomes_of(part)) >= 0 and not getattr(part, "outcomes", None):
            raise ModelError(
                f"the classifier {_called(part)} came fitted and tells {_list(found)} apart, and nothing says whether "
                "its 0 is down or neither.",
                cure="Say it: LabelEncoded(FrozenEstimator(fitted), outcomes=(-1, 1)) of agent.model.encoded, in the order "
                "of its classes_.",
            )


def _called(estimator: Any) -> str:
    return type(estimator.estimator if isinstance(estimator, FrozenEstimator) else estimator).__name__


def require_taught(estimator: Any, labels: Any) -> None:
    """Refuse a classifier that tells other classes apart than the labels it was just taught.

    Raises
    ------
    ModelError
        Where it does.
    """
    taught, found = np.unique(labels).tolist(), outcomes_of(estimator)
    if sorted(found) != taught:
        raise ModelError(
            f"the classifier {type(estimator).__name__} was taught {_list(taught)} and tells {_list(found)} apart.",
            cure=_CURE,
        )


def _list(classes: Collection[object]) -> str:
    return ", ".join(map(repr, classes))
