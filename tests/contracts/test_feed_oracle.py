"""`FeedOracle`: a feed's answer in the contract's units, exactly, with its age told and never hidden."""

from __future__ import annotations

from fractions import Fraction

import pytest

from agent.chain.contracts import FeedContract, OracleContract, TokenContract
from agent.chain.values import Price

TOKEN_DECIMALS = (0, 6, 8, 18, 24)


@pytest.mark.parametrize("feed_decimals", [8, 18])
@pytest.mark.parametrize("base_decimals", TOKEN_DECIMALS)
@pytest.mark.parametrize("quote_decimals", TOKEN_DECIMALS)
def test_an_answer_is_normalised_exactly(desk, reverts, feed_decimals, base_decimals, quote_decimals):
    """One whole base token for 1,234.56789 whole quote tokens, in smallest units, times 1e36."""
    exact = Fraction(123_456_789, 10**5) * 10**quote_decimals / 10**base_decimals * 10**36
    parts = contracts(desk, feed_decimals, base_decimals, quote_decimals)
    if 36 + quote_decimals < base_decimals + feed_decimals:
        with reverts("UnsupportedDecimals", feed=feed_decimals, base=base_decimals, quote=quote_decimals):
            OracleContract.deploy(desk.chain, desk.publisher, *parts)
        return
    oracle = OracleContract.deploy(desk.chain, desk.publisher, *parts)
    FeedContract(desk.chain, parts[0]).push(desk.publisher, 123_456_789 * 10 ** (feed_decimals - 5))
    assert oracle.price() == Price(value=int(exact), updated_at=desk.now)
    assert exact.denominator == 1


def test_the_smallest_answer_still_counts_where_the_factor_is_one(desk):
    parts = contracts(desk, 18, 24, 6)
    oracle = OracleContract.deploy(desk.chain, desk.publisher, *parts)
    FeedContract(desk.chain, parts[0]).push(desk.publisher, 1)
    assert oracle.factor() == 1
    assert oracle.price().value == 1


def test_refuses_decimals_whose_factor_no_word_can_hold(desk, reverts):
    OracleContract.deploy(desk.chain, desk.publisher, *contracts(desk, 8, 0, 48))
    with reverts("UnsupportedDecimals", feed=8, base=0, quote=49):
        OracleContract.deploy(desk.chain, desk.publisher, *contracts(desk, 8, 0, 49))


@pytest.mark.parametrize("answer", [0, -1, -(2**127)])
def test_an_answer_of_zero_or_less_is_no_price(desk, answer):
    desk.feed.push(desk.publisher, answer)
    assert desk.oracle.price() == Price(value=0, updated_at=desk.now)


def test_an_old_answer_keeps_its_time(desk):
    updated = desk.oracle.price().updated_at
    desk.travel(10**7)
    assert desk.oracle.price().updated_at == updated < desk.now - 10**6


def test_a_feed_that_has_never_answered_has_no_price(desk, reverts):
    oracle = OracleContract.deploy(desk.chain, desk.publisher, *contracts(desk, 8, 18, 6))
    with reverts("NoData"):
        oracle.price()


def test_an_answer_too_large_to_normalise_reverts_rather_than_wraps(desk, reverts):
    parts = contracts(desk, 8, 0, 48)
    oracle = OracleContract.deploy(desk.chain, desk.publisher, *parts)
    FeedContract(desk.chain, parts[0]).push(desk.publisher, 2**127 - 1)
    with reverts("Panic", code=0x11):
        oracle.price()


def test_names_its_feed(desk):
    assert desk.oracle.call("FEED") == (desk.at.feed.lower(),)


def test_names_the_tokens_that_it_prices_base_first(desk):
    assert desk.oracle.pair() == (desk.at.base, desk.at.quote)


def test_names_what_it_was_told_whatever_the_market(desk):
    """Whoever signs a mandate compares the two; nobody else does."""
    feed, base, quote = contracts(desk, 8, 18, 6)
    oracle = OracleContract.deploy(desk.chain, desk.publisher, feed, base, quote)
    assert oracle.pair() == (base, quote)
    turned = OracleContract.deploy(desk.chain, desk.publisher, feed, quote, base)
    assert turned.pair() == (quote, base)


def contracts(desk, feed_decimals, base_decimals, quote_decimals):
    feed = FeedContract.deploy(desk.chain, desk.publisher, feed_decimals)
    base = TokenContract.deploy(desk.chain, desk.publisher, "Base", "B", base_decimals)
    quote = TokenContract.deploy(desk.chain, desk.publisher, "Quote", "Q", quote_decimals)
    return feed.address, base.address, quote.address
