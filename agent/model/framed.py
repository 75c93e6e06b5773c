"""Data frames: what a classifier was taught with names, it is asked with names.

Between the two, features are plain numbers; a model that brings its features as a data frame meets one in `fit` and in
`predict_proba` all the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from agent.errors import ModelError
from agent.market.bars import Bars
from agent.model.closes import WINDOW

if TYPE_CHECKING:
    from agent.model.reading import Reading

__all__ = ["column_names", "framed", "keep_names", "table"]


def column_names(reading: Reading, bars: Bars) -> tuple[str, ...] | None:
    """Return the names of the columns where a model brings its features as a data frame, and None where it does not.

    Raises
    ------
    ModelError
        Where they are not called what the model says.
    """
    if not reading.own:
        return None
    made = reading.read(bars[-max(reading.window, WINDOW) :])
    if not hasattr(made, "columns"):
        return None
    names = tuple(map(str, made.columns))
    if names != reading.names:
        raise ModelError(
            f"the columns of the features are {', '.join(names)}, and feature_names are {', '.join(reading.names)}.",
            cure="Give both the same names, in one order.",
        )
    return names


def table(features: NDArray[Any], names: Sequence[str] | None) -> Any:
    """Return features as they are, or with names as a data frame of numbers, shape (n, len(names))."""
    if names is None:
        return features
    import pandas as pd  # here, for it takes long, and most models need none

    # Truth values beside numbers are objects to numpy, and to classifiers no numbers.
    return pd.DataFrame(features.astype(np.float64) if features.dtype.hasobject else features, columns=list(names))


def keep_names(estimator: Any, names: Sequence[str]) -> None:
    """Let a classifier that was taught a data frame tell its columns as those of scikit-learn do, if it does not yet."""
    if not hasattr(estimator, "feature_names_in_"):
        estimator.feature_names_in_ = np.array(names, dtype=object)


def framed(estimator: Any, features: Any) -> Any:
    """Return features as a data frame where a fitted classifier was taught one, and else as they are."""
    names = getattr(estimator, "feature_names_in_", None)
    return features if names is None or hasattr(features, "columns") else table(np.asarray(features), names)
