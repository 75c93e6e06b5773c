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

LEAD = 3_600


@pytest.fixture(scope="module")
def report(replayed: Any) -> Report:
    """A run on the chain in this process."""
    return replayed.report


@pytest.fixture(scope="module")
def again(replayed: Any, model: TrainedModel, settings: Settings) -> Callable[..., Report]:
    """Runs the same again, on another chain in this process or on a node."""

    def run(rpc: str | None = None) -> Report:
        return run_replay(Run(bars=replayed.bars, start=replayed.start, model=model, settings=settings, rpc=rpc))

    return run


def without(document: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in document.items() if name not in names}


def test_the_same_run_twice_is_the_same_to_the_last_transaction(
    report: Report, again: Callable[..., Report]
) -> None:
    other_run = again()
    assert list(other_run.settled) == list(report.settled)
    assert list(other_run.still_open) == list(report.still_open)
    one, other = report.to_json(), other_run.to_json()
    assert without(one, "seconds", "journal") == without(other, "seconds", "journal")
    # A journal tells when each row was written, so its head is never the same twice; and each lies in its own place.
    assert without(one["journal"], "head", "place") == without(other["journal"], "head", "place")


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
    replayed: Any, report: Report, again: Callable[..., Report]
) -> None:
    later = int(replayed.bars.time[replayed.start]) + 10 * 365 * 86_400 + 1_234
    with LocalChain(Genesis(time=later)) as local, RpcServer(local) as server:
        shifted = again(server.url)
    assert shifted.chain.shift > 10 * 365 * 86_400
    # Other times are other bytes in a signal, and a zero among them costs less.
    one, other = (without(_traded(each), "gas", "chain") for each in (shifted, report))
    assert one == other


@pytest.mark.clients
def test_the_same_run_on_anvil_trades_the_same(
    replayed: Any, report: Report, again: Callable[..., Report], anvil: Callable[..., str]
) -> None:
    began = int(replayed.bars.time[replayed.start]) - LEAD
    on_anvil = again(anvil("--timestamp", str(began)))
    assert on_anvil.chain.client.startswith("anvil/")
    assert on_anvil.chain.shift == 0
    assert _traded(on_anvil) == _traded(report)


@pytest.mark.clients
def test_two_runs_on_a_chain_that_lives_today_trade_the_same_and_do_not_disturb_each_other(
    replayed: Any, report: Report, again: Callable[..., Report], anvil: Callable[..., str]
) -> None:
    node = anvil()
    first, second = again(node), again(node)
    assert first.chain.shift > 0
    assert first.chain.shift % replayed.bars.interval == 0
    one, other = (without(_traded(each), "gas", "chain") for each in (first, report))
    assert one == other
    assert second.chain.shift > first.chain.shift
    assert second.chain.settlement != first.chain.settlement
    for one, other in zip(first.settled, second.settled, strict=True):
        assert (one.returned, one.price, one.closed_at) == (other.returned, other.price, other.closed_at)
    assert second.books.balanced
