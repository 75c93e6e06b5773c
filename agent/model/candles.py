"""Candlesticks and volume: features that TA-Lib reads from whole bars, and the model that has them beside the others.

They are for models whose signals are attested: a contract cannot repeat what TA-Lib computes.
"""

from __future__ import annotations

from functools import cache
from types import ModuleType

import numpy as np
from numpy.typing import NDArray

from agent.errors import ModelError
from agent.extras import install
from agent.market.bars import Bars, Floats
from agent.model.cautious import Cautious
from agent.model.closes import LIMIT, WINDOW
from agent.model.estimators import boosting
from agent.model.features import FEATURES, Features, feature_matrix
from agent.model.labels import DEFAULT_BARRIERS
from agent.model.splits import purge

__all__ = ["CANDLESTICKS", "CANDLE_FEATURES", "VOLUMES", "CandleClassifier", "candle_matrix", "candles"]

CANDLESTICKS: tuple[str, ...] = (
    "2CROWS",
    "3BLACKCROWS",
    "3INSIDE",
    "3LINESTRIKE",
    "3OUTSIDE",
    "3STARSINSOUTH",
    "3WHITESOLDIERS",
    "ABANDONEDBABY",
    "ADVANCEBLOCK",
    "BELTHOLD",
    "BREAKAWAY",
    "CLOSINGMARUBOZU",
    "CONCEALBABYSWALL",
    "COUNTERATTACK",
    "DARKCLOUDCOVER",
    "DOJI",
    "DOJISTAR",
    "DRAGONFLYDOJI",
    "ENGULFING",
    "EVENINGDOJISTAR",
    "EVENINGSTAR",
    "GAPSIDESIDEWHITE",
    "GRAVESTONEDOJI",
    "HAMMER",
    "HANGINGMAN",
    "HARAMI",
    "HARAMICROSS",
    "HIGHWAVE",
    "HIKKAKE",
    "HIKKAKEMOD",
    "HOMINGPIGEON",
    "IDENTICAL3CROWS",
    "INNECK",
    "INVERTEDHAMMER",
    "KICKING",
    "KICKINGBYLENGTH",
    "LADDERBOTTOM",
    "LONGLEGGEDDOJI",
    "LONGLINE",
    "MARUBOZU",
    "MATCHINGLOW",
    "MATHOLD",
    "MORNINGDOJISTAR",
    "MORNINGSTAR",
    "ONNECK",
    "PIERCING",
    "RICKSHAWMAN",
    "RISEFALL3METHODS",
    "SEPARATINGLINES",
    "SHOOTINGSTAR",
    "SHORTLINE",
    "SPINNINGTOP",
    "STALLEDPATTERN",
    "STICKSANDWICH",
    "TAKURI",
    "TASUKIGAP",
    "THRUSTING",
    "TRISTAR",
    "UNIQUE3RIVER",
    "UPSIDEGAP2CROWS",
    "XSIDEGAP3METHODS",
)
"""The candlestick functions of TA-Lib, without the CDL their names begin with: by those a model's features are named."""

VOLUMES: tuple[str, ...] = ("volume_relative", "volume_money_flow", "volume_chaikin", "volume_balance")
"""The volume features: see `_volumes` for what each is."""

CANDLE_FEATURES: tuple[str, ...] = (*FEATURES, *(f"candle_{name.lower()}" for name in CANDLESTICKS), *VOLUMES)
"""The features of closes, then the candlesticks, then the volumes: in the order in which the model reads them."""

_LARGEST = 2**48
_MILLION = 1_000_000


def candles(*, gap: int = purge(DEFAULT_BARRIERS.horizon)) -> CandleClassifier:
    """Return the unfitted gradient boosting of `agent.model.estimators.boosting`, to read candlesticks and volume too.

    Parameters
    ----------
    gap
        As for `agent.model.estimators.logistic`.

    Raises
    ------
    ModelError
        Where TA-Lib is not installed.
    """
    _talib()
    plain = boosting(gap=gap)
    return CandleClassifier(plain.estimator, folds=plain.folds, gap=plain.gap)


class CandleClassifier(Cautious):
    """A cautious classifier that reads `CANDLE_FEATURES`; parameters and attributes as of `Cautious`."""

    feature_names = CANDLE_FEATURES
    window = WINDOW

    def features(self, bars: Bars) -> Features:
        """Return the features of each bar, see `candle_matrix`."""
        return candle_matrix(bars)


def candle_matrix(bars: Bars) -> Features:
    """Return the features of every bar of a series.

    Parameters
    ----------
    bars
        Bars, n of them.

    Returns
    -------
    ndarray of int32, shape (n, len(CANDLE_FEATURES))
        Row i is read from bar i and the 31 before it. The first ``WINDOW - 1`` rows are 0.

    Raises
    ------
    ModelError
        Where TA-Lib is not installed, or prices are too large for it to compute with exactly.
    """
    matrix = np.zeros((len(bars), len(CANDLE_FEATURES)), dtype=np.int32)
    if len(bars) < WINDOW:
        return matrix
    first = len(FEATURES)
    matrix[:, :first] = feature_matrix(bars.close)
    prices = _prices(bars)
    for column, name in enumerate(CANDLESTICKS, start=first):
        matrix[:, column] = getattr(_talib(), f"CDL{name}")(*prices)
    matrix[:, first + len(CANDLESTICKS) :] = _volumes(prices, bars.volume)
    matrix[: WINDOW - 1] = 0
    return matrix


def _prices(bars: Bars) -> tuple[Floats, Floats, Floats, Floats]:
    """Return open, high, low and close as TA-Lib takes them.

    TA-Lib keeps running sums over at most 14 bars. Of whole numbers this small they are exact, so that what it
    finds does not depend on where a series begins.
    """
    if int(bars.high.max()) > _LARGEST:
        raise ModelError(
            f"a price of {int(bars.high.max())} is beyond the {_LARGEST} up to which TA-Lib computes exactly.",
            cure="Give prices fewer decimals, so that their integers are smaller.",
        )
    opened, high, low, close = (price.astype(np.float64) for price in (bars.open, bars.high, bars.low, bars.close))
    return opened, high, low, close


def _volumes(prices: tuple[Floats, ...], volume: Floats) -> NDArray[np.int64]:
    """Return the volume features of each bar, each read from a window of its own.

    Volumes are fractions, whose running sums depend on where they began; asked of the window alone, TA-Lib's
    answers do not. In millionths: the volume against the mean of the 20 before (RVOL), the money flow index of 14
    bars (MFI), Chaikin's money flow of 20 (CMF), and what the on-balance volume (OBV) gained over the window, as
    a share of all volume in it.
    """
    talib = _talib()
    _, high, low, close = prices
    volume = np.ascontiguousarray(volume, dtype=np.float64)
    made = np.zeros((len(volume), len(VOLUMES)))
    for last in range(WINDOW, len(volume) + 1):
        place = slice(last - WINDOW, last)
        traded, bars = volume[place], (high[place], low[place], close[place], volume[place])
        balance = talib.OBV(close[place], traded)
        made[last - 1] = (
            talib.RVOL(traded, timeperiod=20)[-1],
            talib.MFI(*bars, timeperiod=14)[-1] / 100,
            talib.CMF(*bars, timeperiod=20)[-1],
            (balance[-1] - balance[0]) / max(traded.sum(), np.finfo(float).tiny),
        )
    # Where nothing was traded TA-Lib divides by nothing; that is no unusual volume, so none of note.
    made[~np.isfinite(made)] = 0
    return np.clip(np.floor(made * _MILLION), -LIMIT, LIMIT).astype(np.int64)


@cache
def _talib() -> ModuleType:
    try:
        import talib
    except ImportError as error:
        raise ModelError(
            "candlesticks and volume are read with TA-Lib, which is not installed.",
            cure=f"Run: {install('ta')}.",
        ) from error
    return talib
