"""`scripts/bench verdict` asks of walks with the faults that real prices have, and says where a promise is missed."""

from __future__ import annotations

import importlib
import json
from types import ModuleType

import numpy as np
import pytest

from agent.market.spread import hidden_spread

KINDS = ("plain", "bounce", "smoothed", "drift", "GARCH", "jumps", "stale", "gaps")


@pytest.fixture
def bench(pytestconfig, monkeypatch) -> ModuleType:
    monkeypatch.syspath_prepend(pytestconfig.rootpath / "scripts" / "bench.d")
    return importlib.import_module("verdict")


def moves(bars) -> np.ndarray:
    return np.diff(np.log(bars.close))


def test_each_walk_is_seeded_whole_and_has_its_fault(bench):
    assert tuple(bench.WALKS) == KINDS
    made = {kind: bench.WALKS[kind](3_000, 5) for kind in KINDS}
    for kind, bars in made.items():
        again, other = (bench.WALKS[kind](3_000, seed) for seed in (5, 6))
        assert bars.sha256 == again.sha256 != other.sha256
        assert (len(bars), bars.synthetic) == (3_000, True)
        assert (bars.high >= np.maximum(bars.open, bars.close)).all()
        assert (bars.low <= np.minimum(bars.open, bars.close)).all()
        assert (np.diff(bars.time) >= bars.interval).all()
    successive = {kind: np.corrcoef(moves(bars)[1:], moves(bars)[:-1])[0, 1] for kind, bars in made.items()}
    assert hidden_spread(made["bounce"]).exceeds(5)
    assert successive["smoothed"] > 0.15
    assert np.median([moves(bench.WALKS["drift"](3_000, seed)).sum() for seed in range(9)]) > 0.5
    lively = np.abs(moves(made["GARCH"]))
    assert np.corrcoef(lively[1:], lively[:-1])[0, 1] > 0.05
    assert np.abs(moves(made["jumps"])).max() > 8 * np.abs(moves(made["jumps"])).mean()
    assert 0.2 < (moves(made["stale"]) == 0).mean() < 0.4
    assert (np.diff(made["gaps"].time) > made["gaps"].interval).any()
    assert all(abs(successive[kind]) < 0.08 for kind in ("plain", "drift", "GARCH", "jumps", "gaps"))


def test_rates_are_told_as_one_document_with_what_was_asked(bench, capsys):
    chosen = (
        "--count",
        "2",
        "--bars",
        "1500",
        "--folds",
        "1",
        "--jobs",
        "1",
        "--models",
        "sklearn.naive_bayes:GaussianNB",
    )
    bench.main([*chosen, "--kinds", "plain", "planted", "--seed", "3", "--json"])
    rates = json.loads(capsys.readouterr().out)["rates"]
    assert [(rate["bars"], rate["series"], rate["asked"]) for rate in rates] == [
        ("plain", 2, 0.03),
        ("planted", 2, 0.95),
    ]
    assert all(0 <= rate["low"] <= rate["edges"] / 2 <= rate["high"] <= 1 for rate in rates)


@pytest.mark.parametrize(
    ("kind", "edges", "kept"),
    [("plain", 3, True), ("bounce", 4, False), ("planted", 95, True), ("planted", 94, False)],
)
def test_a_promise_that_is_missed_is_said(bench, kind, edges, kept):
    rate = bench._rate(kind, edges, 100)
    assert rate.kept is kept
    assert ("MISSED" in bench._line(rate)) is not kept
