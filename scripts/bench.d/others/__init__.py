"""What others compute that can be set beside our features: indicators of TA-Lib, and the same features in plain pandas."""

from __future__ import annotations

import importlib
from types import ModuleType

import numpy as np
import pandas as pd
from patterns import in_pandas as masks_in_pandas

from agent.market.bars import Bars, Ints
from agent.model.closes import LIMIT, WINDOW
from agent.model.features import FEATURES
from agent.model.patterns import PATTERNS

__all__ = ["NO_TALIB", "as_talib_takes_them", "features_in_pandas", "indicators", "talib_here"]

NO_TALIB = "TA-Lib is not installed: pip install TA-Lib"

_CANDLESTICKS = (
    "ENGULFING",
    "HARAMI",
    "HAMMER",
    "DOJI",
    "MORNINGSTAR",
    "EVENINGSTAR",
    "3WHITESOLDIERS",
    "3BLACKCROWS",
    "PIERCING",
    "DARKCLOUDCOVER",
    "SPINNINGTOP",
    "MARUBOZU",
)


def talib_here() -> ModuleType | None:
    """Return TA-Lib, or None where it is not installed."""
    try:
        return importlib.import_module("talib")
    except ModuleNotFoundError:
        return None


def indicators(talib: ModuleType, prices: tuple[np.ndarray, ...]) -> list[np.ndarray]:
    """Return as many series of TA-Lib as there are features, for each the nearest in kind that it has.

    Parameters
    ----------
    talib
        TA-Lib.
    prices
        Open, high, low and close, float64.
    """
    close = prices[-1]
    made = [talib.ROC(close, k) for k in (1, 2, 4, 8, 16, 31)]
    for k in (8, 20, 32):
        made += [talib.MAX(close, k), talib.MIN(close, k), talib.WILLR(close, close, close, k)]
    made += [talib.STDDEV(close, k) for k in (4, 8, 31)]
    made += [talib.VAR(close, k) for k in (8, 31)]
    made += [talib.CMO(close, k) for k in (4, 8, 20)]
    made += [talib.APO(close, fast, slow) for fast, slow in ((2, 20), (5, 20), (10, 30))]
    made += [talib.MIDPOINT(close, 31)]
    made += [getattr(talib, f"CDL{name}")(*prices) for name in _CANDLESTICKS]
    assert len(made) == len(FEATURES)
    return made


def as_talib_takes_them(bars: Bars) -> tuple[np.ndarray, ...]:
    """Return open, high, low and close as floats."""
    return tuple(price.astype(np.float64) for price in (bars.open, bars.high, bars.low, bars.close))


def features_in_pandas(closes: Ints) -> np.ndarray:
    """Return the features as somebody would write the definitions down with rolling windows.

    They are floats all along, so that here and there one comes out one beside the integer that is meant.
    """
    close = pd.Series(closes, dtype=np.float64)
    moves = close.diff().abs()

    def ppm(a: pd.Series, b: pd.Series) -> pd.Series:
        return np.floor(a / b.clip(lower=1) * 1e6).clip(-LIMIT, LIMIT)

    def highest(i: int, j: int) -> pd.Series:
        return close.shift(i).rolling(j - i + 1).max()

    def lowest(i: int, j: int) -> pd.Series:
        return close.shift(i).rolling(j - i + 1).min()

    made = {}
    for k in (1, 2, 4, 8, 16, 31):
        made[f"return_{k}"] = ppm(close - close.shift(k), close.shift(k))
    for k in (8, 20, 32):
        high, low = highest(0, k - 1), lowest(0, k - 1)
        made[f"from_high_{k}"] = ppm(close - high, high)
        made[f"from_low_{k}"] = ppm(close - low, low)
        made[f"position_{k}"] = ppm(close - low, high - low)
    for k in (4, 8, 31):
        made[f"volatility_{k}"] = ppm(moves.rolling(k).sum(), k * close)
    for k in (8, 31):
        made[f"calm_{k}"] = ppm(close, 8 * moves.rolling(k).sum())
    for k in (4, 8, 20):
        made[f"efficiency_{k}"] = ppm(close - close.shift(k), moves.rolling(k).sum())
    for fast, slow in ((1, 20), (5, 20), (10, 30)):
        gap = slow // fast * close.rolling(fast).sum() - close.rolling(slow).sum()
        made[f"mean_gap_{fast}_{slow}"] = ppm(gap, slow * close)
    made["squeeze_8_31"] = ppm(highest(1, 8) - lowest(1, 8), highest(9, 31) - lowest(9, 31))
    masks = masks_in_pandas(closes)
    for pattern in PATTERNS:
        made[pattern.name] = masks >> np.uint32(pattern.bit) & 1
    matrix = np.column_stack([made[name] for name in FEATURES])
    matrix[: WINDOW - 1] = 0
    return matrix.astype(np.int32)
