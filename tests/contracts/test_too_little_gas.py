"""`TooLittleGas`: a source or an oracle that fails for want of gas is never taken to have answered."""

from __future__ import annotations

from dataclasses import replace

import pytest
from eth_abi import encode
from eth_account import Account

from agent.chain.contracts import OracleContract
from agent.chain.events import Opened, Refused
from agent.chain.node import RpcFault
from agent.chain.values import Reason
from agent.errors import OutOfGas, Reverted

QUOTE = 10**6
BASE = 10**18
PRICE = 2_000 * 10**24
SOURCE_GAS = 2_000_000

# Sources that do not vouch, each in its own way: those that answer, and those that fail.
ANSWERING = {
    "says no": lambda desk: desk.deploy("Parrot", encode(["bool"], [False])).address,
    "is no contract": lambda desk: desk.stranger.address,
    "says two": lambda desk: desk.deploy("Parrot", encode(["uint256"], [2])).address,
    "says no to a forged signature": lambda desk: desk.models.address,
}
FAILING = {
    "reverts": lambda desk: desk.deploy("Mute").address,
    "burns all its gas": lambda desk: desk.deploy("Ponderer").address,
}
SILENT = ANSWERING | FAILING


@pytest.mark.parametrize("source", ANSWERING.values(), ids=ANSWERING)
def test_a_source_that_answers_is_believed_with_however_little_gas(desk, mandate, signal, source):
    bad = mandate(source=source(desk))
    assert desk.open(signal(), bad, evidence=b"forged", gas=200_000).events[-1] == Refused(
        bad.id, Reason.NOT_VOUCHED
    )


@pytest.mark.parametrize("source", FAILING.values(), ids=FAILING)
@pytest.mark.parametrize("gas", [300_000, 1_900_000])
def test_a_source_that_fails_for_less_than_it_is_owed_fails_the_call(desk, mandate, signal, reverts, source, gas):
    """Before, the fill was refused with NotVouched, and whoever chose the gas chose what a source said."""
    good = mandate(source=desk.deploy("Parrot", encode(["bool"], [True])).address)
    bad = mandate(by=desk.other, source=source(desk))
    before = desk.stored()
    with reverts("TooLittleGas"):
        desk.open(signal(), good, bad, evidence=b"forged", gas=gas)
    assert desk.stored() == before


@pytest.mark.parametrize("source", SILENT.values(), ids=SILENT)
def test_with_what_it_is_owed_it_refuses_its_own_fills_and_no_others(desk, mandate, signal, source):
    good = mandate(source=desk.deploy("Parrot", encode(["bool"], [True])).address)
    bad = mandate(by=desk.other, source=source(desk))
    events = desk.open(signal(), good, bad, evidence=b"forged", gas=300_000 + SOURCE_GAS).events[1:]
    assert [type(event) for event in events] == [Opened, Refused]


def test_a_source_that_vouches_needs_no_more_than_it_uses(desk, mandate, signal):
    assert type(desk.open(signal(), mandate(), gas=200_000).events[-1]) is Opened


@pytest.mark.parametrize("least", [100_000, 1_000_000, SOURCE_GAS])
def test_a_source_that_needs_much_is_never_refused_for_want_of_it(desk, mandate, signal, least):
    """Whatever the gas: the fill opens, or nothing at all happens."""
    offer, seen = desk.fill(mandate(source=thirsty(desk, least))), signal()
    seen_gas = [
        120_000,
        250_000,
        least,
        least + 60_000,
        SOURCE_GAS,
        *range(2_050_000, 2_130_000, 8_000),
        3_000_000,
    ]
    told = set()
    desk.travel(60)
    for gas in seen_gas:
        told.add(answer(desk, "checkOpen", seen, b"", offer, gas=gas))
    assert told == {None, Reason.NONE}


def thirsty(desk, least):
    """A source that agrees where it is given so much gas, and otherwise reverts."""
    # PUSH4 least - 6, GAS, GT, PUSH1 agrees, JUMPI; REVERT(0, 0); agrees: MSTORE(0, 1), RETURN(0, 32).
    code = "63" + (least - 6).to_bytes(4).hex() + "5a11600e57" + "5f5ffd00" + "5b60015f5260205ff3"
    return desk.coded(bytes.fromhex(code))


def exactly(desk, gas):
    """A source that agrees where it is given exactly this much gas."""
    # GAS, PUSH4 gas - 2, EQ; MSTORE(0, that); RETURN(0, 32).
    return desk.coded(b"\x5a\x63" + (gas - 2).to_bytes(4) + bytes.fromhex("145f5260205ff3"))


def test_a_source_is_given_two_million_and_no_more(desk, mandate, signal):
    answers = [desk.check_open(signal(), mandate(source=exactly(desk, SOURCE_GAS + more))) for more in (-1, 0, 1)]
    assert answers == [Reason.NOT_VOUCHED, Reason.NONE, Reason.NOT_VOUCHED]


def delegated(desk, source):
    """An account without code of its own that delegates to a source (EIP-7702): to call it costs 2,600 more."""
    account, payer = Account.create(), desk.stranger.signer
    leave = {"chainId": desk.chain.chain_id, "address": source, "nonce": 0}
    transaction = {
        "type": 4,
        "chainId": desk.chain.chain_id,
        "nonce": int(desk.chain.request("eth_getTransactionCount", payer.address, "latest"), 16),
        "gas": 100_000,
        "maxFeePerGas": 10**11,
        "maxPriorityFeePerGas": 1,
        "to": account.address,
        "value": 0,
        "data": "0x",
        "authorizationList": [account.sign_authorization(leave)],
    }
    signed = payer.sign_transaction(transaction)
    desk.chain.request("eth_sendRawTransaction", "0x" + signed.raw_transaction.hex())
    return account.address


def as_it_is(desk, source):
    return source


@pytest.mark.parametrize("reached", [as_it_is, delegated], ids=["a contract", "an account that delegates"])
def test_a_failure_is_an_answer_only_where_the_source_had_all_that_it_is_owed(desk, signal, reached):
    """And no more is asked for than it takes to give it that, wherever it is."""
    seen = signal()
    full, refusing = reached(desk, exactly(desk, SOURCE_GAS)), reached(desk, desk.deploy("Mute").address)
    owed = least_gas(lambda gas: answer(desk, "isVouched", full, seen, b"", gas=gas) == 1)
    answered = least_gas(lambda gas: answer(desk, "isVouched", refusing, seen, b"", gas=gas) == 0)
    assert owed <= answered
    if reached is delegated:  # which is the dearest to reach
        assert answered < owed + 1_000


@pytest.mark.parametrize("function", ["checkOpen", "isVouched"])
@pytest.mark.parametrize("gas", [300_000, 1_900_000])
def test_the_views_fail_for_too_little_gas_as_open_does(desk, mandate, signal, function, gas):
    seen, refusing = signal(), desk.deploy("Mute").address
    offer = desk.fill(mandate(source=refusing))
    desk.travel(60)
    asked = (seen, b"", offer) if function == "checkOpen" else (refusing, seen, b"")
    assert answer(desk, function, *asked, gas=gas) is None
    assert answer(desk, function, *asked, gas=3_000_000) == (Reason.NOT_VOUCHED if function == "checkOpen" else 0)


# ---- oracles


@pytest.fixture
def trade(desk):
    """A trade whose oracle took all the gas that it was given from some time on, and its market."""
    market = desk.puppet(PRICE)
    mandate = desk.mandate(market=market, max_price_age=10**9)
    desk.open(desk.signal(market=market.id), desk.fill(mandate))
    puppet(desk, market).send(desk.stranger, "burn")
    return mandate


def puppet(desk, market):
    return OracleContract(desk.chain, market.oracle, compiled=desk._hostile["PuppetOracle"])


def test_an_oracle_that_takes_all_the_gas_fails_the_calls_of_its_own_market(desk, signal, reverts, trade):
    opening = desk.fill(desk.mandate(market=trade.market))
    closing = desk.closing(trade, given=BASE, taken=2_000 * QUOTE)
    before = desk.stored()
    for call in (
        lambda: desk.open(signal(market=trade.market.id), opening),
        lambda: desk.check_open(signal(market=trade.market.id), opening),
        lambda: desk.close(closing, market=trade.market),
        lambda: desk.check_close(closing, market=trade.market),
    ):
        with reverts("TooLittleGas"):
            call()
    assert desk.stored() == before


def test_an_owner_leaves_an_oracle_that_takes_all_the_gas(desk, trade):
    desk.release(trade)
    desk.settlement.withdraw(desk.owner, desk.at.base, BASE)
    assert not desk.settlement.state_of(trade.id).trading


def test_an_oracle_that_just_reverts_has_no_price_with_however_little_gas(desk, mandate, signal):
    market = replace(desk.market, oracle=desk.deploy("Mute").address)
    mute = mandate(market=market)
    fill = desk.fill(mute, given=2_000 * QUOTE, taken=BASE)
    refused = desk.open(signal(market=market.id), fill, gas=120_000).events[-1]
    assert refused == Refused(mute.id, Reason.PRICE_INVALID)


@pytest.mark.parametrize("depth", [0, 1, 2])
def test_too_little_gas_for_an_oracle_never_reads_as_no_price(desk, depth):
    """Whatever the gas, and though one oracle asks another: the fill is judged by its price, or nothing at all happens."""
    market = desk.puppet(PRICE)
    for _ in range(depth):
        market = replace(market, oracle=desk.deploy("RelayOracle", market.oracle).address)
    mandate = desk.mandate(market=market, max_price_age=10**9)
    desk.open(desk.signal(market=market.id), desk.fill(mandate))
    offer = desk.closing(mandate, taken=1)
    told = {answer(desk, "checkClose", market, offer, gas=gas) for gas in range(42_000, 80_000, 500)}
    assert told == {None, Reason.NO_BARRIER}


def reverting_after(desk, words):
    """An oracle that reverts once it has paid for so many words of memory."""
    # MSTORE(32 * (words - 1), 0), REVERT(0, 0).
    return desk.coded(b"\x5f\x62" + (32 * (words - 1)).to_bytes(3) + bytes.fromhex("525f5ffd"))


def test_an_oracle_has_failed_for_want_of_gas_where_it_left_no_more_than_a_sixteenth(desk, mandate, signal):
    """Two that take different amounts, so that what the call takes beside them does not count."""
    needed = {}
    source = desk.deploy("Parrot", encode(["bool"], [True])).address
    seen = {words: desk.signal(bar_time=desk.now + 60) for words in (14_000, 26_000)}
    offers = {}
    for words in seen:
        market = replace(desk.market, oracle=reverting_after(desk, words))
        offers[words] = desk.fill(mandate(market=market, source=source), given=2_000 * QUOTE, taken=BASE)
        seen[words] = replace(seen[words], market=market.id)
    desk.travel(60)
    for words, offer in offers.items():
        needed[words] = least_gas(
            lambda gas, words=words, offer=offer: (
                answer(desk, "checkOpen", seen[words], b"", offer, gas=gas) == Reason.PRICE_INVALID
            )
        )
    taken = {words: 3 * words + words**2 // 512 for words in needed}
    measured = (needed[26_000] - needed[14_000]) / (taken[26_000] - taken[14_000])
    assert measured == pytest.approx(16 / 15, abs=0.001)


# ---- asking with a gas limit


def answer(desk, function, *arguments, gas):
    """The first word of what a view answers to the operator with so much gas; None where it had too little."""
    data = "0x" + desk.settlement.encode(function, *arguments).hex()
    call = {"from": desk.operator.address, "to": desk.settlement.address, "data": data, "gas": hex(gas)}
    try:
        return int(desk.chain.request("eth_call", call, "latest")[:66], 16)
    except (OutOfGas, RpcFault, Reverted) as failed:  # the call itself may run out, before or after it asked
        if "TooLittleGas" in str(failed) or "out of gas" in str(failed).lower():
            return None
        raise


def least_gas(happens):
    """The least gas limit at which something happens that happens at every higher one."""
    low, high = 100_000, 4_000_000
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if happens(middle) else (middle, high)
    return high
