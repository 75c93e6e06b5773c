"""The same seed and the same data are the same run: again, on another node, and on a chain that lives in another time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from agent.chain.local import LocalChain
from agent.chain.rpc.evm import Genesis
from agent.chain.rpc.server import RpcServer
from agent.desk.report import Report
from agent.desk.session import Run, run_replay
from agent.market.bars import Bars
from agent.market.synthetic import planted
from agent.model.splits import split
from agent.model.train import train
from agent.model.trained import TrainedModel
from agent.settings import Settings

REPLAYED = 36
LEAD = 3_600


@pytest.fixture(scope="module")
def start(planted_bars: Bars) -> int:
    return len(planted_bars) - 150


def replayed(bars: Bars, start: int, model: TrainedModel, settings: Settings, rpc: str | None = None) -> Report:
    return run_replay(
        Run(bars=bars[: start + REPLAYED], start=start, model=model, settings=settings, rpc=rpc, seed=3)
    )


@pytest.fixture(scope="module")
def report(planted_bars: Bars, start: int, model: TrainedModel, settings: Settings) -> Report:
    """A run on the chain in this process."""
    report = replayed(planted_bars, start, model, settings)
    assert len(report.settled) >= 4
    assert report.refused
    return report


def without(document: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in document.items() if name not in names}


def test_the_same_run_twice_is_the_same_to_the_last_transaction(
    report: Report, planted_bars: Bars, start: int, model: TrainedModel, settings: Settings
) -> None:
    again = replayed(planted_bars, start, model, settings)
    assert list(again.settled) == list(report.settled)
    assert list(again.still_open) == list(report.still_open)
    one, other = report.to_json(), again.to_json()
    # A journal tells when each row was written, so its head is never the same twice.
    assert without(one, "seconds", "journal") == without(other, "seconds", "journal")
    assert without(one["journal"], "head") == without(other["journal"], "head")


def test_the_same_seed_makes_the_same_bars_and_the_same_model(planted_bars: Bars, model: TrainedModel) -> None:
    bars = planted(2_000, seed=11, strength=0.95)
    assert bars.close.tolist() == planted_bars.close.tolist()
    assert train(split(bars, replay=150, horizon=12).training, seed=7).id == model.id


def _traded(report: Report) -> dict[str, Any]:
    """What a run came to, without what belongs to the node: transactions' hashes, its name, and the clock's shift."""
    document = report.to_json()
    trades = [without(trade, "open_tx", "close_tx") for trade in document["trades"]]
    still_open = [without(trade, "open_tx") for trade in document["open_trades"]]
    chain = without(document["chain"], "client", "clock_shift_seconds")
    return without(document, "seconds", "journal") | {"trades": trades, "open_trades": still_open, "chain": chain}


def test_the_same_run_on_a_chain_whose_clock_is_years_ahead_trades_the_same(
    report: Report, planted_bars: Bars, start: int, model: TrainedModel, settings: Settings
) -> None:
    later = int(planted_bars.time[start]) + 10 * 365 * 86_400 + 1_234
    with LocalChain(Genesis(time=later)) as local, RpcServer(local) as server:
        shifted = replayed(planted_bars, start, model, settings, server.url)
    assert shifted.chain.shift > 10 * 365 * 86_400
    # Other times are other bytes in a signal, and a zero among them costs less.
    one, other = (without(_traded(each), "gas", "chain") for each in (shifted, report))
    assert one == other


@pytest.mark.clients
def test_the_same_run_on_anvil_trades_the_same(
    report: Report,
    planted_bars: Bars,
    start: int,
    model: TrainedModel,
    settings: Settings,
    anvil: Callable[..., str],
) -> None:
    began = int(planted_bars.time[start]) - LEAD
    on_anvil = replayed(planted_bars, start, model, settings, anvil("--timestamp", str(began)))
    assert on_anvil.chain.client.startswith("anvil/")
    assert on_anvil.chain.shift == 0
    assert _traded(on_anvil) == _traded(report)


@pytest.mark.clients
def test_the_same_run_on_a_chain_that_lives_today_trades_the_same(
    report: Report,
    planted_bars: Bars,
    start: int,
    model: TrainedModel,
    settings: Settings,
    anvil: Callable[..., str],
) -> None:
    on_anvil = replayed(planted_bars, start, model, settings, anvil())
    assert on_anvil.chain.shift > 0
    assert on_anvil.chain.shift % planted_bars.interval == 0
    one, other = (without(_traded(each), "gas", "chain") for each in (on_anvil, report))
    assert one == other


@pytest.mark.clients
def test_two_runs_on_one_chain_do_not_disturb_each_other(
    report: Report,
    planted_bars: Bars,
    start: int,
    model: TrainedModel,
    settings: Settings,
    anvil: Callable[..., str],
) -> None:
    node = anvil()
    first, second = (replayed(planted_bars, start, model, settings, node) for _ in range(2))
    assert second.chain.shift > first.chain.shift
    assert second.chain.settlement != first.chain.settlement
    for one, other in zip(first.settled, second.settled, strict=True):
        assert (one.returned, one.price, one.closed_at) == (other.returned, other.price, other.closed_at)
    assert second.books.balanced
