"""A price file to begin with, for whoever has none yet: generated, and marked so that every reader of it knows."""

from __future__ import annotations

from pathlib import Path

from agent.errors import DataError
from agent.market.synthetic import planted

__all__ = ["MARKET", "write_sample"]

MARKET = "SYNTHETIC/SAMPLE"
"""The market of each row; bars of this market are synthetic wherever they are read from."""

_BARS = 2_500  # enough to train on, to leave a replay out, and to judge on in folds, in seconds
_SEED = 3


def write_sample(path: Path) -> None:
    """Write a CSV file of hourly bars with planted patterns, the same on every machine.

    Parameters
    ----------
    path
        A file that is not there yet.

    Raises
    ------
    DataError
        If it is there, or cannot be written.
    """
    bars = planted(_BARS, seed=_SEED)
    lines = ["time,market,open,high,low,close,volume"]
    for index, time in enumerate(bars.time.tolist()):
        bar = bars.bar(index)
        prices = (f"{bars.decimal(price):f}" for price in (bar.open, bar.high, bar.low, bar.close))
        lines.append(",".join([str(time), MARKET, *prices, f"{bars.volume[index]:.3f}"]))
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")
    except FileExistsError:
        raise DataError(
            "it is there already, so it is left alone.", file=str(path), cure="Name a file that is not there yet."
        ) from None
    except OSError as error:
        raise DataError(
            f"it cannot be written ({error.strerror or error}).",
            file=str(path),
            cure="Name a file in a folder that can be written to.",
        ) from None
