"""The chain as a service: a market whose prices move by themselves, and bars that are told when they have closed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.chain.client import Chain
from agent.chain.contracts import FeedContract, OracleContract, SettlementContract, TokenContract
from agent.chain.deploy import Deployment
from agent.chain.rpc.server import RpcServer
from agent.chain.service import STEPS, ReplayService, path_of
from agent.chain.values import Price
from agent.errors import ChainError, UsageError
from agent.market.bars import Bar, Bars
from agent.market.synthetic import random_walk
from agent.settings import Settings, load_settings

HISTORY, REPLAYED = 8, 2
FAST = 1_000.0
PRICES = 3 * STEPS + 1  # of a bar


@pytest.fixture(scope="session")
def settings() -> Settings:
    return load_settings()


@pytest.fixture(scope="session")
def bars() -> Bars:
    return random_walk(HISTORY + REPLAYED, seed=5)


@pytest.fixture
def service(bars: Bars, settings: Settings) -> Iterator[ReplayService]:
    service = ReplayService(bars, start=HISTORY, settings=settings)
    yield service
    service.close()


@pytest.fixture(scope="module")
def ready(bars: Bars, settings: Settings) -> Iterator[ReplayService]:
    """A service that is only asked, and so serves all who ask before the replay."""
    service = ReplayService(bars, start=HISTORY, settings=settings)
    yield service
    service.close()


@pytest.fixture(scope="module")
def asked(ready: ReplayService, settings: Settings) -> Chain:
    return Chain(ready.local.provider(), settings=settings)


@pytest.fixture
def chain(service: ReplayService, settings: Settings) -> Chain:
    """What a desk in the same process would use."""
    return Chain(service.local.provider(), settings=settings)


def told(chain: Chain, *after: int) -> list[int]:
    """Which bars the chain says have closed, by their times."""
    return [row[0] for row in chain.request("patternsettle_bars", *after)["bars"]]


class Paused:
    """A replay that goes on by one price at a time: a stop event on which nobody waits in vain."""

    def __init__(self, looks: Callable[[int], bool | None]) -> None:
        self._looks, self.prices = looks, 0

    def wait(self, timeout: float | None = None) -> bool:
        self.prices += 1
        return bool(self._looks(self.prices))


# ---- what is there before the replay begins


def test_everything_is_deployed_and_everybody_is_funded(ready: ReplayService, asked: Chain) -> None:
    facts = asked.request("patternsettle_deployment")
    deployment = Deployment.from_json(facts["deployment"])
    deployment.check(asked)
    for account in ready.accounts.all:
        for token in (deployment.base, deployment.quote):
            assert TokenContract(asked, token).balance_of(account.address) > 0
        assert int(asked.request("eth_getBalance", account.address, "latest"), 16) > 0


def test_it_says_what_it_replays(asked: Chain, bars: Bars) -> None:
    facts = asked.request("patternsettle_deployment")
    assert {name: facts[name] for name in ("market", "source", "synthetic", "interval", "decimals")} == {
        "market": "",
        "source": bars.source,
        "synthetic": True,
        "interval": 3_600,
        "decimals": 8,
    }


def test_tokens_are_named_after_the_market(settings: Settings, bars: Bars) -> None:
    service = ReplayService(replace(bars, market="ETH/USD"), start=HISTORY, settings=settings)
    try:
        chain = Chain(service.local.provider(), settings=settings)
        at = service.facts.deployment
        assert [TokenContract(chain, token).symbol() for token in (at.base, at.quote)] == ["ETH", "USD"]
    finally:
        service.close()


def test_a_wallet_that_looks_before_the_replay_finds_the_last_price_there_was(
    ready: ReplayService, asked: Chain, bars: Bars
) -> None:
    oracle = OracleContract(asked, ready.facts.deployment.oracle)
    assert oracle.price().value == int(bars.close[HISTORY - 1]) * oracle.factor()
    assert oracle.price().updated_at < bars.time[HISTORY]


def test_the_history_is_told_at_once_and_nothing_else(asked: Chain, bars: Bars) -> None:
    answer = asked.request("patternsettle_bars")
    assert answer["bars"] == [
        [column[i].item() for column in (bars.time, bars.open, bars.high, bars.low, bars.close, bars.volume)]
        for i in range(HISTORY)
    ]
    assert (answer["more"], answer["finished"]) == (False, False)


def test_only_bars_after_a_time_are_told_where_one_is_given(asked: Chain, bars: Bars) -> None:
    assert told(asked, int(bars.time[HISTORY - 3])) == bars.time[HISTORY - 2 : HISTORY].tolist()
    assert told(asked, int(bars.time[HISTORY - 1])) == []
    assert told(asked, 0) == bars.time[:HISTORY].tolist()


def test_many_bars_are_told_in_several_answers(asked: Chain, bars: Bars, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agent.chain.service.MOST_BARS", 3)
    times: list[int] = []
    for more in (True, True, False):
        answer = asked.request("patternsettle_bars", *times[-1:])
        times += [row[0] for row in answer["bars"]]
        assert answer["more"] is more
    assert times == bars.time[:HISTORY].tolist()


def test_bars_too_short_for_their_blocks_are_refused(settings: Settings, bars: Bars) -> None:
    with pytest.raises(UsageError, match=r"Bars of 29 s cannot be replayed"):
        ReplayService(replace(bars, interval=29), start=HISTORY, settings=settings)


# ---- the replay


@dataclass(frozen=True)
class Look:
    """What a wallet sees right after a price was published: the bars that have closed, the price, and the chain's time."""

    told: list[int]
    price: Price
    time: int


@dataclass(frozen=True)
class Replayed:
    """A replay that ran to its end: a look at each of its prices, what was told of each bar, and the last answer."""

    looks: list[Look]
    bars: list[tuple[int, Bar]]
    count: int
    answer: dict[str, Any]
    factor: int


@pytest.fixture(scope="module")
def replayed(bars: Bars, settings: Settings) -> Replayed:
    service = ReplayService(bars, start=HISTORY, settings=settings)
    chain = Chain(service.local.provider(), settings=settings)
    oracle = OracleContract(chain, service.facts.deployment.oracle)
    looks: list[Look] = []
    told_of: list[tuple[int, Bar]] = []
    stop: Any = Paused(lambda prices: looks.append(Look(told(chain), oracle.price(), chain.time_of())))
    try:
        count = service.replay(bars_per_second=FAST, stop=stop, on_bar=lambda *each: told_of.append(each))
        return Replayed(looks, told_of, count, chain.request("patternsettle_bars"), oracle.factor())
    finally:
        service.close()


def test_no_bar_is_told_before_the_first_price_of_the_next_one_is_out(replayed: Replayed, bars: Bars) -> None:
    for number, look in enumerate(replayed.looks):
        begun = HISTORY + number // PRICES
        assert look.told == bars.time[:begun].tolist()
        assert bars.time[begun] <= look.price.updated_at < bars.time[begun] + bars.interval
        if number % PRICES == 0:
            assert look.price.value == int(bars.open[begun]) * replayed.factor
    assert (replayed.count, len(replayed.looks)) == (REPLAYED, REPLAYED * PRICES)
    assert (len(replayed.answer["bars"]), replayed.answer["finished"]) == (len(bars), True)


def test_after_each_bar_it_is_told_how_many_were_replayed(replayed: Replayed, bars: Bars) -> None:
    assert replayed.bars == [(i + 1, bars.bar(HISTORY + i)) for i in range(REPLAYED)]


def test_the_chains_clock_is_that_of_the_bars(replayed: Replayed, bars: Bars) -> None:
    times = [look.time for look in replayed.looks]
    assert times[::PRICES] == bars.time[HISTORY:].tolist()
    assert all(one < other for one, other in pairwise(times))
    assert times[-1] < bars.closed_at(len(bars) - 1)


def test_a_replay_can_be_stopped_between_two_prices(service: ReplayService, chain: Chain, bars: Bars) -> None:
    stop: Any = Paused(lambda prices: prices == PRICES + 3)
    assert service.replay(bars_per_second=FAST, stop=stop) == 1
    assert stop.prices == PRICES + 3
    answer = chain.request("patternsettle_bars")
    assert (len(answer["bars"]), answer["finished"]) == (HISTORY + 1, False)


def test_a_wallets_transactions_in_between_do_no_harm(service: ReplayService, chain: Chain, bars: Bars) -> None:
    at, wallet = service.facts.deployment, service.accounts.spare[0]
    token, settlement = TokenContract(chain, at.base), SettlementContract(chain, at.settlement)
    token.approve(wallet, at.settlement, 2**256 - 1)
    times: list[int] = []

    def looks(prices: int) -> None:
        times.append(OracleContract(chain, at.oracle).price().updated_at)
        if prices % 5 == 0:
            settlement.deposit(wallet, at.base, 10**18)
            chain.request("evm_mine")

    stop: Any = Paused(looks)
    assert service.replay(bars_per_second=FAST, stop=stop) == REPLAYED
    assert times[::PRICES] == bars.time[HISTORY:].tolist()
    assert settlement.balance_of(wallet.address, at.base) == (REPLAYED * PRICES // 5) * 10**18


def test_only_the_publisher_may_publish(ready: ReplayService, asked: Chain) -> None:
    feed = FeedContract(asked, ready.facts.deployment.feed)
    with pytest.raises(ChainError, match="NotPublisher"):
        feed.push(ready.accounts.spare[0], 1)


# ---- a bar's path

PRICE = st.integers(1, 10**15)


@st.composite
def any_bar(draw: st.DrawFn) -> Bar:
    low, one, other, high = sorted(draw(st.lists(PRICE, min_size=4, max_size=4)))
    opened, closed = (one, other) if draw(st.booleans()) else (other, one)
    return Bar(0, opened, high, low, closed)


@given(any_bar())
def test_a_path_leads_from_the_open_to_the_close_and_touches_both_extremes(bar: Bar) -> None:
    path = path_of(bar)
    assert (path[0], path[-1], len(path)) == (bar.open, bar.close, PRICES)
    assert (max(path), min(path)) == (bar.high, bar.low)


@given(any_bar())
def test_a_path_goes_against_the_bars_direction_first(bar: Bar) -> None:
    path = path_of(bar)
    first, second = (bar.low, bar.high) if bar.close >= bar.open else (bar.high, bar.low)
    assert (path[STEPS], path[2 * STEPS]) == (first, second)


@given(any_bar())
def test_a_path_turns_only_at_its_corners(bar: Bar) -> None:
    path = path_of(bar)
    for leg in range(3):
        steps = [other - one for one, other in pairwise(path[leg * STEPS : (leg + 1) * STEPS + 1])]
        assert all(step >= 0 for step in steps) or all(step <= 0 for step in steps)
        assert max(steps) - min(steps) <= 1


# ---- over HTTP


@contextmanager
def served(service: ReplayService) -> Iterator[Callable[[Any], dict[str, Any]]]:
    """Asks patternsettle_bars over HTTP, with any params; returns the whole answer."""
    with RpcServer(service.local) as server, httpx.Client() as client:

        def ask(params: Any) -> dict[str, Any]:
            body = {"jsonrpc": "2.0", "id": 1, "method": "patternsettle_bars", "params": params}
            return client.post(server.url, json=body).json()

        yield ask


def test_params_that_mean_nothing_are_answered_with_an_error_and_the_service_goes_on(
    ready: ReplayService,
) -> None:
    with served(ready) as ask:
        for params in (
            ["now"],
            ["0x0"],
            [1.5],
            [True],
            [-1],
            [2**63],
            [10**40],
            [[1]],
            [{"after": 1}],
            [1, 2],
            {"after": 1},
            "1",
            1,
        ):
            answer = ask(params)
            assert "result" not in answer, params
            assert answer["error"]["code"] in (-32602, -32600), params
            assert len(answer["error"]["message"]) < 200
        assert len(ask([])["result"]["bars"]) == HISTORY
        assert len(ask([None])["result"]["bars"]) == HISTORY
        assert ask([2**63 - 1])["result"]["bars"] == []


def test_a_closed_service_refuses_and_says_so(service: ReplayService, chain: Chain) -> None:
    service.close()
    with pytest.raises(ChainError):
        chain.request("patternsettle_bars")
