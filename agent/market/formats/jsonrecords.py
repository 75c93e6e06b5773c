"""Records of JSON as a table: nested prices are lifted, and columns get the shortest names that tell them apart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from agent.market.columns.named import price_columns
from agent.market.columns.sides import side_columns


def records_frame(records: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Return records as a table whose columns have names.

    Parameters
    ----------
    records
        At least one; prices may lie one object deeper, as in the candles of OANDA or the streams of Binance.
    """
    if not any(isinstance(value, Mapping) for value in records[0].values()):
        return pd.DataFrame.from_records(records)
    frame = pd.DataFrame.from_records([_flat(record) for record in records])
    return frame.set_axis(_short([str(name) for name in frame.columns]), axis=1)


def _flat(record: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in record.items():
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{before}{name}.")
        else:
            flat[f"{before}{name}"] = value
    return flat


def _short(names: list[str]) -> list[str]:
    """Return names without the objects around them, where they stay different; the prices' own object goes first."""
    if side_columns(tuple(names)):
        return names
    groups = list(dict.fromkeys(name.rpartition(".")[0] for name in names if "." in name))
    whole = price_columns(tuple(names)) is not None
    priced = [] if whole else [group for group in groups if price_columns(tuple(_own(names, group)))]
    if len(priced) > 1:
        return [name.replace(".", ":") for name in names]
    if priced:
        inner = set(_own(names, priced[0]))
        return [
            _last(name) if name.rpartition(".")[0] == priced[0] else (f"outer {name}" if name in inner else name)
            for name in names
        ]
    counts = Counter(_last(name) for name in names)
    return [_last(name) if counts[_last(name)] == 1 else name for name in names]


def _own(names: list[str], group: str) -> list[str]:
    return [_last(name) for name in names if name.rpartition(".")[0] == group]


def _last(name: str) -> str:
    return name.rpartition(".")[2]
