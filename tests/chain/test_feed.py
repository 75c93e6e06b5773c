"""Publishing into a replay feed: at the time that was asked for, and on a chain whose clock allows it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from web3.providers.base import BaseProvider
from web3.types import RPCEndpoint, RPCResponse

from agent.chain.accounts import Accounts, accounts_of
from agent.chain.client import Chain
from agent.chain.contracts import FeedContract
from agent.chain.feed import Publisher, ReplayClock, clock_shift, require_settable_time
from agent.chain.local import LocalChain
from agent.chain.rpc.evm import Genesis
from agent.errors import ChainError
from agent.market.bars import Bars
from agent.market.synthetic import random_walk
from agent.settings import Settings, load_settings

START = 1_700_000_000


@pytest.fixture(scope="module")
def settings() -> Settings:
    return load_settings()


@pytest.fixture
def chain(settings: Settings) -> Iterator[Chain]:
    local = LocalChain(Genesis(time=START))
    with Chain(local.provider(), settings=settings, on_close=local.close) as chain:
        yield chain


@pytest.fixture
def people(settings: Settings) -> Accounts:
    return accounts_of(settings)


def publisher(chain: Chain, people: Accounts, *, shift: int = 0) -> Publisher:
    feed = FeedContract.deploy(chain, people.publisher, 8)
    return Publisher(feed, people.publisher, ReplayClock(chain, shift), factor=1)


def latest(published: Publisher) -> tuple[int, int]:
    """The answer, and when it was updated."""
    _, answer, _, updated_at, _ = published.feed.call("latestRoundData")
    return answer, updated_at


def test_a_price_is_published_as_of_the_time_that_was_asked_for(chain: Chain, people: Accounts) -> None:
    published = publisher(chain, people)
    published.publish(7, START + 500)
    assert latest(published) == (7, START + 500)
    assert chain.time_of() == START + 500


def test_a_chain_ahead_of_the_data_is_told_times_that_are_shifted(chain: Chain, people: Accounts) -> None:
    published = publisher(chain, people, shift=86_400)
    published.publish(7, START)
    assert latest(published) == (7, START + 86_400)


def test_where_blocks_have_gone_past_the_time_a_price_comes_in_the_next_second(
    chain: Chain, people: Accounts
) -> None:
    published = publisher(chain, people)
    published.publish(7, START + 500)
    published.publish(8, START + 500)
    assert latest(published) == (8, START + 501)


def test_what_follows_a_price_comes_a_second_after_it(chain: Chain, people: Accounts) -> None:
    published = publisher(chain, people)
    published.publish(7, START + 500)
    for second in (1, 2):
        published.clock.tick()
        chain.request("evm_mine")
        assert chain.time_of() == START + 500 + second


@pytest.fixture(scope="module")
def clocks(settings: Settings) -> Iterator[Chain]:
    """A chain that is only asked for its time."""
    local = LocalChain(Genesis(time=START))
    with Chain(local.provider(), settings=settings, on_close=local.close) as chain:
        yield chain


@given(st.integers(START - 10**8, START + 10**8), st.sampled_from([60, 300, 3_600, 86_400]))
def test_the_shift_is_the_fewest_whole_intervals_that_put_the_data_after_the_chain(
    clocks: Chain, begins: int, interval: int
) -> None:
    bars: Bars = random_walk(3, seed=1, interval=interval, start=begins - 2 * interval)
    shift = clock_shift(clocks, bars, 2)
    assert shift >= 0
    assert shift % interval == 0
    assert begins + shift > clocks.time_of()
    assert shift == 0 or begins + shift - interval <= clocks.time_of()


class Public(BaseProvider):
    """A node that is not for development: it knows no method that sets its clock, and says so in its own words."""

    def __init__(self, inner: BaseProvider, error: dict[str, Any]) -> None:
        super().__init__()
        self._inner, self._error = inner, error

    def make_request(self, method: RPCEndpoint, params: Any) -> RPCResponse:
        if method.startswith("evm_"):
            return RPCResponse(jsonrpc="2.0", id=1, error=self._error)
        return self._inner.make_request(method, params)


@pytest.mark.parametrize(
    "error",
    [
        {"code": -32601, "message": "the method evm_setNextBlockTimestamp does not exist/is not available"},
        {"code": -32000, "message": "Method not found"},
        {"code": -32004, "message": "this method is not supported"},
    ],
)
def test_a_node_whose_clock_cannot_be_set_is_refused_with_the_cure(
    settings: Settings, error: dict[str, Any]
) -> None:
    with LocalChain(Genesis(time=START)) as local:
        chain = Chain(Public(local.provider(), error), settings=settings)
        with pytest.raises(ChainError) as caught:
            require_settable_time(chain)
    assert "cannot be set, so bars cannot be replayed on it" in caught.value.problem
    assert "anvil, or patternsettle chain" in caught.value.cure


def test_a_development_chain_is_not_refused(chain: Chain) -> None:
    require_settable_time(chain)
