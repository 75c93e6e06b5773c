"""The features: the integers a model reads about one bar, in their order, and the transformer that makes them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted, validate_data

from agent.model.closes import MAX_CLOSE, WINDOW, Closes, Ints, OneWindow, Windows, blocks, checked
from agent.model.patterns import PATTERNS, Pattern

__all__ = [
    "FEATURES",
    "Feature",
    "PatternFeatures",
    "feature_matrix",
    "features_of_window",
    "features_of_windows",
    "fingerprint",
]

Features = NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Feature:
    """One named integer about a bar.

    Attributes
    ----------
    name
        As it is saved in a model's manifest.
    formula
        Its exact definition; notation as in `agent.model.patterns`, and ``ppm(a, b)`` is
        ``floor(a * 10**6 / b)``, clipped to ±(2**24 - 1), with a ``b`` below one counting as one.
        ``P(i,j)`` is the way travelled between lags j and i, the sum of ``|ck - c(k+1)|``.
    rule
        The same, to be computed; of a pattern as truth values, which count as 1 and 0.
    """

    name: str
    formula: str
    rule: Callable[[Closes], Any]


def _change(k: int) -> Feature:
    return Feature(f"return_{k}", f"ppm(c0 - c{k}, c{k})", lambda c: c.ppm(c.lag(0) - c.lag(k), c.lag(k)))


def _from_high(k: int) -> Feature:
    def rule(c: Closes) -> Any:
        high = c.highest(0, k - 1)
        return c.ppm(c.lag(0) - high, high)

    return Feature(f"from_high_{k}", f"ppm(c0 - H(0,{k - 1}), H(0,{k - 1}))", rule)


def _from_low(k: int) -> Feature:
    def rule(c: Closes) -> Any:
        low = c.lowest(0, k - 1)
        return c.ppm(c.lag(0) - low, low)

    return Feature(f"from_low_{k}", f"ppm(c0 - L(0,{k - 1}), L(0,{k - 1}))", rule)


def _position(k: int) -> Feature:
    def rule(c: Closes) -> Any:
        low = c.lowest(0, k - 1)
        return c.ppm(c.lag(0) - low, c.highest(0, k - 1) - low)

    return Feature(f"position_{k}", f"ppm(c0 - L(0,{k - 1}), H(0,{k - 1}) - L(0,{k - 1}))", rule)


def _volatility(k: int) -> Feature:
    return Feature(f"volatility_{k}", f"ppm(P(0,{k}), {k}*c0)", lambda c: c.ppm(c.path(0, k), k * c.lag(0)))


def _calm(k: int) -> Feature:
    # The inverse of volatility: the chance of touching no barrier bends with it, which a linear model cannot see
    # in the volatility itself.
    return Feature(f"calm_{k}", f"ppm(c0, 8*P(0,{k}))", lambda c: c.ppm(c.lag(0), 8 * c.path(0, k)))


def _efficiency(k: int) -> Feature:
    return Feature(
        f"efficiency_{k}", f"ppm(c0 - c{k}, P(0,{k}))", lambda c: c.ppm(c.lag(0) - c.lag(k), c.path(0, k))
    )


def _mean_gap(fast: int, slow: int) -> Feature:
    times = slow // fast

    def rule(c: Closes) -> Any:
        return c.ppm(times * c.total(0, fast - 1) - c.total(0, slow - 1), slow * c.lag(0))

    return Feature(f"mean_gap_{fast}_{slow}", f"ppm({times}*S(0,{fast - 1}) - S(0,{slow - 1}), {slow}*c0)", rule)


def _squeeze(near: int, far: int) -> Feature:
    def rule(c: Closes) -> Any:
        return c.ppm(c.highest(1, near) - c.lowest(1, near), c.highest(near + 1, far) - c.lowest(near + 1, far))

    return Feature(
        f"squeeze_{near}_{far}",
        f"ppm(H(1,{near}) - L(1,{near}), H({near + 1},{far}) - L({near + 1},{far}))",
        rule,
    )


def _present(pattern: Pattern) -> Feature:
    return Feature(pattern.name, f"1 where {pattern.formula}, else 0", pattern.rule)


DEFINITIONS: tuple[Feature, ...] = (
    *(_change(k) for k in (1, 2, 4, 8, 16, 31)),
    *(_from_high(k) for k in (8, 20, 32)),
    *(_from_low(k) for k in (8, 20, 32)),
    *(_position(k) for k in (8, 20, 32)),
    *(_volatility(k) for k in (4, 8, 31)),
    *(_calm(k) for k in (8, 31)),
    *(_efficiency(k) for k in (4, 8, 20)),
    _mean_gap(1, 20),
    _mean_gap(5, 20),
    _mean_gap(10, 30),
    _squeeze(8, 31),
    *(_present(pattern) for pattern in PATTERNS),
)
"""Every feature with its formula, in the order models read them."""

FEATURES: tuple[str, ...] = tuple(feature.name for feature in DEFINITIONS)
"""Their names, in that order."""


def feature_matrix(closes: Ints) -> Features:
    """Return the features of every bar of a series.

    Parameters
    ----------
    closes
        Closes, shape (n,), integers from 1 to `agent.model.closes.MAX_CLOSE`.

    Returns
    -------
    ndarray of int32, shape (n, len(FEATURES))
        Row i is read from close i and the 31 before it. The first ``WINDOW - 1`` rows are 0: those bars
        have no full window, so nothing may be concluded from them.
    """
    closes = checked(closes)
    matrix = np.empty((len(closes), len(FEATURES)), dtype=np.int32)
    matrix[: WINDOW - 1] = 0
    for place, series in blocks(closes):
        _fill(matrix[place], series)
    return matrix


def features_of_windows(windows: Ints) -> Features:
    """Return the features at the last close of each window, for windows of shape (n, `WINDOW`)."""
    windows = checked(windows)
    matrix = np.empty((len(windows), len(FEATURES)), dtype=np.int32)
    _fill(matrix, Windows(windows))
    return matrix


def features_of_window(window: Sequence[int] | Ints) -> tuple[int, ...]:
    """Return the features at the last of `WINDOW` closes, given oldest first."""
    one = OneWindow(checked(np.asarray(window)).tolist())
    return tuple([int(feature.rule(one)) for feature in DEFINITIONS])


def _fill(matrix: Features, closes: Closes) -> None:
    columns = np.empty(matrix.shape[::-1], dtype=np.int32)
    for column, feature in zip(columns, DEFINITIONS, strict=True):
        column[:] = feature.rule(closes)
    # Turned at once: written column by column, each row of the matrix would be fetched once for every feature.
    matrix[:] = columns.T


@cache
def fingerprint() -> str:
    """Return a hash of what the features compute, not of what they are called.

    Two versions of this package with the same fingerprint give every model the same inputs: it is the
    SHA-256, in hex, of the features of a fixed series whose swings reach every rule.
    """
    state, close, closes = 1, 10**9, []
    for position in range(2_048):
        # A linear congruential generator: the same integers wherever this runs, whatever numpy's version.
        state = (state * 6_364_136_223_846_793_005 + 1_442_695_040_888_963_407) % 2**64
        swing = (state >> 40) % 2_001 - 1_000
        calm = 20 if position // 16 % 3 == 0 else 1
        close = max(10**6, close + close * swing // (100_000 * calm))
        closes.append(close)
    matrix = feature_matrix(np.array(closes, dtype=np.int64))
    return hashlib.sha256(matrix.astype("<i4").tobytes()).hexdigest()


class PatternFeatures(TransformerMixin, BaseEstimator):
    """Turn windows of closes into the features of their last close.

    Each row is a window of its own, oldest close first, so a row's features never depend on another
    row. Of more than `WINDOW` columns the newest are read; fewer are continued to the left with their
    oldest close. Closes are counted in the smallest unit of price: fractions of it are cut off, and a
    close below one unit counts as one.

    Attributes
    ----------
    n_features_in_ : int
        Number of closes a row had in `fit`.

    Examples
    --------
    >>> import numpy as np
    >>> from agent.model.closes import windows
    >>> closes = np.arange(100, 140)
    >>> PatternFeatures().fit_transform(windows(closes)).shape
    (9, 39)
    """

    def fit(self, X: Any, y: Any = None) -> PatternFeatures:
        """Check the windows and remember how long they are; nothing else is learned.

        Parameters
        ----------
        X
            Closes, shape (n_samples, n_closes), not negative.
        y
            Ignored.
        """
        self._validated(X, reset=True)
        return self

    def transform(self, X: Any) -> Features:
        """Return the features of each window, int32, shape (n_samples, len(FEATURES))."""
        check_is_fitted(self)
        return features_of_windows(_whole(self._validated(X, reset=False)))

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Return `FEATURES`; the names of the closes do not matter."""
        check_is_fitted(self)
        return np.asarray(FEATURES, dtype=object)

    def _validated(self, X: Any, *, reset: bool) -> NDArray[Any]:
        closes = validate_data(self, X, reset=reset, dtype="numeric", ensure_non_negative=True)
        if closes.max() > MAX_CLOSE:
            raise ValueError(f"closes must be at most {MAX_CLOSE}, got {closes.max()}")
        return closes

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.positive_only = True
        # Features are int32 whatever the closes came as.
        tags.transformer_tags.preserves_dtype = []
        return tags


def _whole(closes: NDArray[Any]) -> Ints:
    """Return `WINDOW` integer closes per row."""
    closes = np.maximum(np.floor(closes[:, -WINDOW:]).astype(np.int64), 1)
    return np.pad(closes, ((0, 0), (WINDOW - closes.shape[1], 0)), mode="edge")
