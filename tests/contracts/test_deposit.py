"""`deposit`: what arrives is what is credited, whatever the token does."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import pytest
from eth_utils import keccak

from agent.chain.contracts import TokenContract
from agent.chain.events import Deposited, Opened
from agent.chain.values import Permit, Reason, Side
from agent.errors import Reverted

BASE = 10**18
QUOTE = 10**6
ZERO = "0x" + "00" * 20
MOST = 2**128 - 1


def test_credits_the_depositor_and_takes_the_tokens(desk):
    before, wallet = balance(desk, desk.owner), desk.base.balance_of(desk.owner.address)
    held = desk.held(desk.base)
    desk.settlement.deposit(desk.owner, desk.at.base, 3 * BASE)
    assert balance(desk, desk.owner) == before + 3 * BASE
    assert desk.base.balance_of(desk.owner.address) == wallet - 3 * BASE
    assert desk.held(desk.base) == held + 3 * BASE


def test_logs_who_paid_and_who_was_credited(desk):
    receipt = desk.settlement.deposit(desk.owner, desk.at.base, 3 * BASE, desk.stranger.address)
    assert [event for event in receipt.events if isinstance(event, Deposited)] == [
        Deposited(desk.stranger.address, desk.at.base, payer=desk.owner.address, amount=3 * BASE)
    ]


def test_credits_whoever_it_is_made_for_and_not_the_payer(desk):
    before = balance(desk, desk.owner)
    desk.settlement.deposit(desk.owner, desk.at.base, BASE, desk.stranger.address)
    assert balance(desk, desk.stranger) == BASE
    assert balance(desk, desk.owner) == before


def test_refuses_to_credit_nobody(desk, reverts):
    with reverts("ZeroAddress"):
        desk.settlement.deposit(desk.owner, desk.at.base, BASE, ZERO)


def test_passes_on_what_the_token_says_when_the_wallet_or_the_allowance_is_short(desk, reverts):
    with reverts("ERC20InsufficientAllowance", spender=desk.settlement.address, allowance=0, needed=1):
        desk.settlement.deposit(desk.stranger, desk.at.base, 1)
    desk.base.approve(desk.stranger, desk.settlement.address, 1)
    with reverts("ERC20InsufficientBalance", sender=desk.stranger.address, balance=0, needed=1):
        desk.settlement.deposit(desk.stranger, desk.at.base, 1)


def test_credits_only_what_is_left_of_a_transfer_that_costs_a_fee(desk):
    token = minted(desk, "FeeToken", 1_000)
    for deposited in (400, 600):
        receipt = desk.settlement.deposit(desk.owner, token.address, deposited)
        assert receipt.events[-1].amount == deposited * 99 // 100
    assert balance(desk, desk.owner, token) == 990 == desk.held(token)


def test_credits_no_more_than_was_asked_for_where_more_arrives(desk):
    token = minted(desk, "GenerousToken", 1_000)
    desk.settlement.deposit(desk.owner, token.address, 1_000)
    assert balance(desk, desk.owner, token) == 1_000
    assert desk.held(token) == 1_007


def test_refuses_a_token_that_answers_false(desk, reverts):
    token = minted(desk, "FalseToken", 1_000)
    with reverts("SafeERC20FailedOperation", token=token.address):
        desk.settlement.deposit(desk.owner, token.address, 1_000)


def test_credits_nothing_for_a_transfer_that_a_token_only_claims(desk):
    token = minted(desk, "LyingToken", 1_000)
    token.mint(desk.owner, desk.settlement.address, 1_000)
    desk.settlement.deposit(desk.owner, token.address, 1_000)
    assert balance(desk, desk.owner, token) == 0


def test_takes_a_token_that_answers_nothing(desk):
    token = minted(desk, "SilentToken", 1_000)
    desk.settlement.deposit(desk.owner, token.address, 1_000)
    assert balance(desk, desk.owner, token) == 1_000 == desk.held(token)


def test_refuses_an_address_that_is_no_token(desk, reverts):
    with reverts(""):
        desk.settlement.deposit(desk.owner, desk.stranger.address, 1)


@pytest.mark.parametrize(
    "call",
    [
        lambda desk, token: ("deposit", token.address, 500, desk.owner.address),
        lambda desk, token: ("withdraw", token.address, 500, desk.owner.address),
    ],
    ids=["deposit", "withdraw"],
)
def test_a_token_that_calls_back_in_the_middle_is_turned_away(desk, call):
    """Counted twice, the inner deposit's tokens would be part of what "arrived" in the outer one."""
    token = minted(desk, "ReentrantToken", 1_000)
    token.mint(desk.owner, token.address, 1_000)
    data = desk.settlement.encode(*call(desk, token))
    token.send(desk.owner, "arm", desk.settlement.address, data)
    desk.settlement.deposit(desk.owner, token.address, 1_000)
    assert token.call("succeeded") == (False,)
    assert token.call("answer") == (keccak(text="ReentrancyGuardReentrantCall()")[:4],)
    assert balance(desk, desk.owner, token) == 1_000 == desk.held(token)


def test_tokens_that_were_sent_without_a_deposit_are_nobodys(desk):
    before = balance(desk, desk.owner)
    desk.base.transfer(desk.owner, desk.settlement.address, 5 * BASE)
    desk.settlement.deposit(desk.owner, desk.at.base, BASE)
    assert balance(desk, desk.owner) == before + BASE


# ---- the most that a deposit may lift a balance to


def test_lifts_a_balance_to_the_most_there_is_and_not_one_unit_beyond(desk, reverts):
    token = minted(desk, "FreeToken", MOST + 1)
    with reverts("BalanceTooLarge", account=desk.owner.address, token=token.address, balance=MOST + 1):
        desk.settlement.deposit(desk.owner, token.address, MOST + 1)
    desk.settlement.deposit(desk.owner, token.address, MOST)
    assert balance(desk, desk.owner, token) == MOST


def test_counts_what_is_there_already(desk, reverts):
    token = minted(desk, "FreeToken", MOST + 1)
    desk.settlement.deposit(desk.owner, token.address, MOST - 7)
    with reverts("BalanceTooLarge", account=desk.owner.address, token=token.address, balance=MOST + 1):
        desk.settlement.deposit(desk.owner, token.address, 8)
    desk.settlement.deposit(desk.owner, token.address, 7)
    assert balance(desk, desk.owner, token) == MOST
    assert token.balance_of(desk.owner.address) == 1


def test_the_most_is_that_of_one_account_and_one_token(desk):
    token, another = minted(desk, "FreeToken", 2 * MOST), minted(desk, "FreeToken", MOST)
    for account, which in [(desk.owner, token), (desk.other, token), (desk.owner, another)]:
        desk.settlement.deposit(desk.owner, which.address, MOST, account.address)
        assert balance(desk, account, which) == MOST


def test_what_a_settlement_pays_may_lift_a_balance_beyond_it(desk):
    """Only a deposit is bounded: nobody can hold a settlement up by being rich."""
    token = minted(desk, "FreeToken", 2 * MOST)
    for account in (desk.owner, desk.filler):
        desk.settlement.deposit(desk.owner, token.address, MOST, account.address)
    market = replace(desk.puppet(10**36), base=token.address)
    short = desk.mandate(side=Side.SHORT, market=market, max_price_age=10**9)
    fill = desk.fill(short, given=QUOTE, taken=QUOTE)
    assert type(desk.open(desk.signal(side=Side.SHORT, market=market.id), fill).events[-1]) is Opened
    assert balance(desk, desk.filler, token) == MOST + QUOTE


# ---- a token that reports any balance


@pytest.fixture
def boastful(desk):
    """A token of which the contract holds whatever was claimed to be deposited."""
    return desk.deploy("BoastfulToken", kind=TokenContract)


@pytest.mark.parametrize("amount", [2**256 - 1, 2**255, MOST + 1])
def test_a_token_that_reports_any_balance_credits_no_more_than_any_other(desk, reverts, boastful, amount):
    """Before, a filler was credited 2**256 - 1, and whatever was added to that overflowed."""
    with reverts("BalanceTooLarge", account=desk.filler.address, token=boastful.address, balance=amount):
        desk.settlement.deposit(desk.filler, boastful.address, amount)
    assert balance(desk, desk.filler, boastful) == 0


def test_it_cannot_pass_the_most_by_overflowing(desk, reverts, boastful):
    desk.settlement.deposit(desk.filler, boastful.address, 5)
    boastful.send(desk.stranger, "show", 0)
    with reverts("BalanceTooLarge", account=desk.filler.address, token=boastful.address, balance=2**256 - 1):
        desk.settlement.deposit(desk.filler, boastful.address, 2**256 - 1)
    assert balance(desk, desk.filler, boastful) == 5


def test_its_permits_do_not_pass_the_most_either(desk, reverts, boastful):
    permit = Permit(amount=2**256 - 1, deadline=2**256 - 1, v=27, r=bytes(32), s=bytes(32))
    with reverts("BalanceTooLarge", account=desk.filler.address, token=boastful.address, balance=2**256 - 1):
        desk.settlement.deposit_with_permit(desk.filler, boastful.address, desk.filler.address, permit)


@pytest.mark.parametrize("side", Side)
def test_a_trade_of_it_takes_no_innocent_fill_of_its_batch_with_it(desk, boastful, side):
    """Before, `checkOpen` said None, `open` panicked, and the whole batch was lost: 2**256 - 1 and something is too much."""
    market = replace(desk.puppet(2_000 * 10**24), base=boastful.address)
    terms = {"side": side, "market": market, "max_price_age": 10**9}
    trap, innocent = desk.mandate(**terms), desk.mandate(by=desk.other, **terms)
    for account in (desk.owner, desk.filler):
        deposit_the_most(desk, boastful, account)
    boastful.send(desk.stranger, "show", 0)
    desk.settlement.deposit(desk.other, boastful.address, BASE)
    seen = desk.signal(side=side, market=market.id)
    with desk.chain.undone():
        assert desk.check_open(seen, trap) is Reason.NONE
    assert [type(event) for event in desk.open(seen, trap, innocent).events[1:]] == [Opened, Opened]


def deposit_the_most(desk, token, account):
    """As much as the contract takes of a token that claims anything."""
    for amount in (2**256 - 1, MOST):
        token.send(desk.stranger, "show", 0)
        with suppress(Reverted):
            desk.settlement.deposit(account, token.address, amount)
            return


def minted(desk, name, amount):
    token = desk.deploy(name, kind=TokenContract)
    token.mint(desk.owner, desk.owner.address, amount)
    token.approve(desk.owner, desk.settlement.address, 2**256 - 1)
    return token


def balance(desk, account, token=None):
    return desk.settlement.balance_of(account.address, token.address if token else desk.at.base)
