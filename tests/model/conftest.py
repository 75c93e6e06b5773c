"""What the model's tests share: bars from a few rows, a trained model, and a second reading of every formula."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from types import CodeType
from typing import Any

import numpy as np
import pytest

from agent.market.bars import Bars
from agent.market.read import load
from agent.market.synthetic import planted
from agent.model.artifact import save
from agent.model.closes import LIMIT, WINDOW
from agent.model.estimators import resolve
from agent.model.train import train
from agent.model.trained import TrainedModel

SHARED = Path(__file__).parents[2] / ".." / "shared" / "data"

BarsOf = Callable[..., Bars]
Formula = Callable[[str, Sequence[int]], int]


@pytest.fixture(scope="session")
def bars_of() -> BarsOf:
    """Return a function that makes hourly bars of (open, high, low, close) rows, or of closes alone."""

    def make(rows: Sequence[Sequence[int]] | None = None, *, closes: Sequence[int] | None = None) -> Bars:
        if rows is None:
            rows = [(close, close, close, close) for close in closes or ()]
        prices = np.array(rows, dtype=np.int64).reshape(-1, 4)
        n = len(prices)
        columns = {name: prices[:, column].copy() for column, name in enumerate(("open", "high", "low", "close"))}
        return Bars(time=3_600 * np.arange(n, dtype=np.int64), **columns, volume=np.ones(n), interval=3_600)

    return make


@pytest.fixture(scope="session")
def planted_bars() -> Bars:
    return planted(2_500, seed=11)


@pytest.fixture(scope="session")
def trained(planted_bars: Bars) -> TrainedModel:
    return train(planted_bars, name="for tests", seed=5)


@pytest.fixture(scope="session")
def trained_as(planted_bars: Bars) -> Callable[[str], TrainedModel]:
    """Return a function that gives a model trained under a name, trained once however often it is asked for."""

    @cache
    def give(name: str) -> TrainedModel:
        return train(planted_bars, factory=resolve(name), name=name)

    return give


@pytest.fixture(scope="session")
def real_bars() -> Bars:
    file = SHARED / "eth_usd_1h_kraken.csv"
    if not file.is_file():
        pytest.skip("the real price files of ../shared/data are not here")
    return load(file).bars


@pytest.fixture(scope="session")
def value_of() -> Formula:
    """Return a function that computes a published formula from a window, by reading the formula itself."""

    @cache
    def code_of(formula: str) -> CodeType:
        present = re.fullmatch(r"1 where (.*), else 0", formula)
        text = present[1] if present else formula
        text = re.sub(r"\|([^|]+)\|", r"abs(\1)", text)
        return compile(re.sub(r"\bc(\d+)\b", r"c[\1]", text), formula, "eval")

    def value(formula: str, window: Sequence[int]) -> int:
        c = list(window)[::-1]
        assert len(c) == WINDOW
        return int(
            eval(
                code_of(formula),
                {"__builtins__": {}},
                {
                    "c": c,
                    "H": lambda i, j: max(c[i : j + 1]),
                    "L": lambda i, j: min(c[i : j + 1]),
                    "S": lambda i, j: sum(c[i : j + 1]),
                    "P": lambda i, j: sum(abs(c[k] - c[k + 1]) for k in range(i, j)),
                    "ppm": lambda a, b: min(LIMIT, max(-LIMIT, a * 10**6 // max(b, 1))),
                    "abs": abs,
                    "max": max,
                    "min": min,
                },
            )
        )

    return value


@pytest.fixture
def folder(trained: TrainedModel, tmp_path: Path) -> Path:
    return save(trained, tmp_path / "model")


@pytest.fixture
def with_manifest(folder: Path) -> Callable[..., Path]:
    """Return a function that changes fields of a saved model's manifest."""

    def change(**fields: Any) -> Path:
        file = folder / "manifest.json"
        document = json.loads(file.read_text())
        for name, value in fields.items():
            place, _, inner = name.partition("__")
            if inner:
                document[place][inner] = value
            elif value is None:
                del document[name]
            else:
                document[name] = value
        file.write_text(json.dumps(document))
        return folder

    return change
