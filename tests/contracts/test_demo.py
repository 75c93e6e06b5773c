"""The demo token and feed: for local chains, and no more than that."""

from __future__ import annotations

import pytest

from agent.chain.contracts import FeedContract, TokenContract
from agent.chain.events import Other


@pytest.mark.parametrize("decimals", [0, 6, 18, 255])
def test_a_token_has_the_decimals_it_was_given(desk, decimals):
    token = TokenContract.deploy(desk.chain, desk.publisher, "Demo Ether", "ETH", decimals)
    assert (token.decimals(), token.symbol()) == (decimals, "ETH")


def test_anyone_may_mint_a_demo_token(desk):
    desk.base.mint(desk.stranger, desk.stranger.address, 5)
    assert desk.base.balance_of(desk.stranger.address) == 5


def test_a_feed_tells_the_last_answer_and_when_it_came(desk):
    desk.feed.push(desk.publisher, 1_234)
    first = desk.feed.call("latestRoundData")
    pushed = desk.now
    desk.travel(100)
    assert desk.feed.call("latestRoundData") == first
    round_id, answer, started, updated, answered_in = first
    assert (answer, started, updated, answered_in) == (1_234, pushed, pushed, round_id)


def test_every_answer_is_a_round_of_its_own(desk):
    desk.feed.push(desk.publisher, 1)
    before = desk.feed.call("latestRoundData")[0]
    desk.feed.push(desk.publisher, 1)
    assert desk.feed.call("latestRoundData")[0] == before + 1


def test_a_feed_logs_like_chainlinks_aggregators(desk):
    [log] = desk.chain.logs(desk.feed.address, first=desk.at.block)
    receipt = desk.feed.push(desk.publisher, -7)
    assert log.event.name == "AnswerUpdated"
    assert receipt.events == [Other("AnswerUpdated", (("current", -7), ("roundId", 2), ("updatedAt", desk.now)))]


def test_nobody_but_its_publisher_pushes(desk, reverts):
    with reverts("NotPublisher", caller=desk.operator.address):
        desk.feed.push(desk.operator, 1)


def test_a_feed_without_an_answer_says_so(desk, reverts):
    feed = FeedContract.deploy(desk.chain, desk.publisher, 8)
    with reverts("NoData"):
        feed.call("latestRoundData")
    assert feed.decimals() == 8
