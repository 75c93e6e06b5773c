"""A token may take fees, lie, shrink, shun or call back: that harms nobody but those who deposited it."""

from __future__ import annotations

import pytest
from eth_utils import keccak

from agent.chain.artifact import artifact
from agent.chain.contracts import TokenContract
from agent.chain.events import Closed, Opened
from agent.chain.values import Market
from agent.errors import Reverted

from .machine.tokens import Mood

BASE = 10**18
QUOTE = 10**6
AMOUNT = 1_000 * BASE
PRICE = 2_000 * 10**24  # 2,000 quote tokens (6 decimals) for a base token (18), as the contract counts
ZERO = "0x" + "00" * 20


@pytest.fixture
def rogue(desk):
    """A token that behaves, until it is told otherwise; the owner and the filler have deposited it, at a time when it did."""
    token = desk.deploy("ChameleonToken", kind=TokenContract)
    for holder in (desk.owner, desk.filler):
        token.mint(desk.publisher, holder.address, 2 * AMOUNT)
        token.approve(holder, desk.settlement.address, 2**256 - 1)
        desk.settlement.deposit(holder, token.address, AMOUNT)
    return token


@pytest.fixture
def market(desk, rogue):
    """A market of that token."""
    oracle = desk.puppet(PRICE).oracle
    return Market(rogue.address, desk.at.quote, oracle)


def become(desk, token, mood, *, shunned=ZERO, target=ZERO, data=b""):
    token.send(desk.publisher, "become", mood, shunned, target, data)


# What it does: to whom it is told, and what it does from then on.
TROUBLES = {
    "takes a fee": lambda desk, token: become(desk, token, Mood.TAKES_FEE),
    "gives more": lambda desk, token: become(desk, token, Mood.GIVES_MORE),
    "answers false": lambda desk, token: become(desk, token, Mood.ANSWERS_FALSE),
    "lies": lambda desk, token: become(desk, token, Mood.LIES),
    "shuns the contract": lambda desk, token: become(desk, token, Mood.SHUNS, shunned=desk.settlement.address),
    "shuns the owner": lambda desk, token: become(desk, token, Mood.SHUNS, shunned=desk.owner.address),
    "shrinks": lambda desk, token: token.send(desk.stranger, "shrink", desk.settlement.address, AMOUNT),
    "calls back to withdraw": lambda desk, token: calls_back(desk, token, "withdraw", token.address, BASE, ZERO),
}


def calls_back(desk, token, function, *arguments):
    data = desk.settlement.encode(function, *arguments)
    become(desk, token, Mood.CALLS_BACK, target=desk.settlement.address, data=data)


@pytest.mark.parametrize("trouble", TROUBLES.values(), ids=TROUBLES)
def test_whoever_stayed_away_from_it_loses_nothing(desk, rogue, trouble):
    before = {**desk.ledger(), "held": (desk.held(desk.base), desk.held(desk.quote))}
    trouble(desk, rogue)
    for who, function in [(desk.owner, "deposit"), (desk.filler, "withdraw"), (desk.owner, "withdraw")]:
        attempt(desk, who, function, rogue)
    assert {**desk.ledger(), "held": (desk.held(desk.base), desk.held(desk.quote))} == before
    for trader in (desk.owner, desk.other, desk.filler):
        for token in (desk.base, desk.quote):
            amount = desk.settlement.balance_of(trader.address, token.address)
            desk.settlement.withdraw(trader, token.address, amount)
    assert (desk.held(desk.base), desk.held(desk.quote)) == (0, 0)


@pytest.mark.parametrize("trouble", TROUBLES.values(), ids=TROUBLES)
def test_one_depositor_of_it_never_loses_ledger_balance_to_another(desk, rogue, trouble):
    trouble(desk, rogue)
    for function in ("deposit", "withdraw", "deposit"):
        attempt(desk, desk.owner, function, rogue)
    assert desk.settlement.balance_of(desk.filler.address, rogue.address) == AMOUNT


@pytest.mark.parametrize("trouble", TROUBLES.values(), ids=TROUBLES)
def test_a_trade_of_it_settles_by_the_ledger_and_calls_it_never(desk, rogue, market, trouble):
    """What it does cannot hold a settlement up, reenter it, or make it move other amounts."""
    mandate = desk.mandate(market=market, max_price_age=2**32 - 1, horizon=1)
    trouble(desk, rogue)
    before = balances(desk, rogue)
    fill = desk.fill(mandate, given=2_000 * QUOTE, taken=BASE)
    (_, opened) = desk.open(desk.signal(market=market.id), fill).events
    (closed,) = desk.close(desk.closing(mandate, given=BASE, taken=2_000 * QUOTE), market=market).events
    assert (type(opened), type(closed)) == (Opened, Closed)
    assert balances(desk, rogue) == before


def test_a_fee_is_borne_by_who_deposits_and_by_who_withdraws(desk, rogue):
    become(desk, rogue, Mood.TAKES_FEE)
    desk.settlement.deposit(desk.owner, rogue.address, 1_000)
    assert desk.settlement.balance_of(desk.owner.address, rogue.address) == AMOUNT + 990
    wallet = rogue.balance_of(desk.owner.address)
    desk.settlement.withdraw(desk.owner, rogue.address, 1_000)
    assert rogue.balance_of(desk.owner.address) == wallet + 990
    assert desk.held(rogue) == 2 * AMOUNT - 10 == owed(desk, rogue)


def test_what_a_token_lost_by_itself_is_missed_by_its_last_depositor(desk, rogue, reverts):
    rogue.send(desk.stranger, "shrink", desk.settlement.address, AMOUNT)
    desk.settlement.withdraw(desk.owner, rogue.address, AMOUNT)
    with reverts("ERC20InsufficientBalance", balance=0, needed=AMOUNT):
        desk.settlement.withdraw(desk.filler, rogue.address, AMOUNT)
    assert desk.settlement.balance_of(desk.filler.address, rogue.address) == AMOUNT


def test_who_is_shunned_waits_and_everybody_else_withdraws(desk, rogue, reverts):
    become(desk, rogue, Mood.SHUNS, shunned=desk.owner.address)
    with reverts("Shunned", account=desk.owner.address):
        desk.settlement.withdraw(desk.owner, rogue.address, AMOUNT)
    desk.settlement.withdraw(desk.filler, rogue.address, AMOUNT)
    desk.settlement.withdraw(desk.owner, rogue.address, AMOUNT, desk.other.address)
    assert desk.held(rogue) == 0


# ---- calling back in the middle of a transfer

GUARDED = keccak(text="ReentrancyGuardReentrantCall()")[:4]


def into_deposit(desk, token):
    return "deposit", token.address, 1, token.address


def into_deposit_with_permit(desk, token):
    return "depositWithPermit", desk.at.base, 1, desk.owner.address, 2**40, 27, bytes(32), bytes(32)


def into_withdraw(desk, token):
    return "withdraw", token.address, 1, token.address


def into_create(desk, token):
    return "create", desk.draft()


def into_create_for(desk, token):
    return "createFor", desk.draft(), b""


def into_cancel(desk, token):
    return "cancel", [desk.mandate()]


def into_release(desk, token):
    return "release", desk.trading()


def into_open(desk, token):
    signal = desk.signal(bar_time=desk.now)
    return "open", signal, desk.sign(signal), [desk.fill(desk.mandate())]


def into_close(desk, token):
    mandate = desk.trading(horizon=1)
    return "close", desk.market, [desk.closing(mandate)]


def into_authorize(desk, token):
    return "authorize", desk.stranger.address, True


CALLBACKS = (
    into_deposit,
    into_deposit_with_permit,
    into_withdraw,
    into_create,
    into_create_for,
    into_cancel,
    into_release,
    into_open,
    into_close,
    into_authorize,
)


@pytest.mark.parametrize("into", CALLBACKS, ids=lambda into: into.__name__)
def test_calling_back_moves_nothing_of_anybodys(desk, rogue, into):
    """The ledger's own doors are shut; at the others the token is a stranger, who may do nothing to anybody."""
    rogue.mint(desk.publisher, rogue.address, AMOUNT)
    rogue.send(desk.publisher, "approveAsHolder", desk.settlement.address)
    desk.settlement.deposit(desk.owner, rogue.address, AMOUNT // 2, rogue.address)
    calls_back(desk, rogue, *into(desk, rogue))
    before, ledger = balances(desk, rogue), desk.ledger()
    for function in ("deposit", "withdraw"):
        assert attempt(desk, desk.owner, function, rogue) is None
    assert balances(desk, rogue) == before
    assert desk.ledger() == ledger


def test_every_function_that_writes_is_called_back_into(desk, rogue):
    writers = {entry["name"] for entry in artifact("Settlement").abi if is_writer(entry)}
    assert {into(desk, rogue)[0] for into in CALLBACKS} == writers


@pytest.mark.parametrize(
    "into", [into_deposit, into_deposit_with_permit, into_withdraw], ids=lambda into: into.__name__
)
def test_the_doors_of_the_ledger_are_shut_while_one_is_open(desk, into):
    token = desk.deploy("ReentrantToken", kind=TokenContract)
    token.mint(desk.owner, desk.owner.address, AMOUNT)
    token.approve(desk.owner, desk.settlement.address, AMOUNT)
    token.send(desk.owner, "arm", desk.settlement.address, desk.settlement.encode(*into(desk, token)))
    desk.settlement.deposit(desk.owner, token.address, AMOUNT)
    assert token.call("succeeded") == (False,)
    assert token.call("answer") == (GUARDED,)


def is_writer(entry):
    return entry["type"] == "function" and entry["stateMutability"] not in ("view", "pure")


def attempt(desk, who, function, token):
    """Deposit or withdraw, if the token lets it; return why it does not."""
    try:
        getattr(desk.settlement, function)(who, token.address, 1_000)
    except Reverted as refused:
        return refused
    return None


def balances(desk, rogue):
    traders = {"owner": desk.owner, "filler": desk.filler}
    return {
        (name, what): desk.settlement.balance_of(trader.address, address)
        for name, trader in traders.items()
        for what, address in (("rogue", rogue.address), ("quote", desk.at.quote))
    }


def owed(desk, token):
    return sum(desk.settlement.balance_of(who.address, token.address) for who in (desk.owner, desk.filler))
