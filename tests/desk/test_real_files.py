"""Real price files, exactly as published: a model trained on what came before, trades settled, books balanced."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from agent.desk.books import require_balanced
from agent.desk.session import Run, run_replay
from agent.market.read import load
from agent.model.splits import split
from agent.model.train import train
from agent.settings import Settings

TRAINED_ON = 2_500
REPLAYED = 18
EAGER = 0.2  # of the bars may trade
# Each with how many of its last bars are left out: those before them have patterns to trade on.
FILES = {
    "eth_usd_1h_kraken.csv": 500,
    "eth_usd_1h_coinbase.csv": 600,
    "eth_usd_1h_gemini.csv": 650,
    "btc_usdt_1h_binance.csv": 0,
}


@pytest.mark.parametrize(("file", "left_out"), FILES.items(), ids=FILES)
def test_trades_settle_on_real_bars_and_the_books_balance(
    shared_data: Path, settings: Settings, file: str, left_out: int
) -> None:
    whole = load(shared_data / file).bars
    bars = whole[: len(whole) - left_out][-TRAINED_ON - REPLAYED :]
    model = train(split(bars, replay=REPLAYED, horizon=12).training, seed=7, trade_share=EAGER)
    report = run_replay(Run(bars=bars, start=len(bars) - REPLAYED, model=model, settings=settings))
    document = json.loads(json.dumps(report.to_json()))
    require_balanced(report.books)
    assert document["trades"]
    assert document["bars_replayed"] == REPLAYED
    assert (document["data"]["source"], document["data"]["synthetic"]) == (file, False)
    assert "synthetic" not in document["result"]["verdict"]
    assert document["model"]["trained_until"] < document["data"]["last"]
    by_side = {"long": 6, "short": 18}
    for trade in document["trades"]:
        # Between a stop and a profit, give or take a gap: nobody gains or loses many times what the barriers allow.
        assert 0.9 < int(trade["returned"]) / int(trade["given"]) < 1.1
        assert int(trade["given"]) > 10 ** (by_side[trade["side"]] - 3)
