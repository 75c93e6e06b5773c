"""Sources at the open: one that misbehaves refuses its own fills and no others, and each is asked once in a call.

What comes of too little gas stands in `test_too_little_gas.py`.
"""

from __future__ import annotations

import pytest
from eth_abi import encode

from agent.chain.events import Opened, Refused
from agent.chain.values import Reason

SOURCE_GAS = 2_000_000
# What a fill and its call take at the most beside the source.
ROOM = 500_000


def yes(desk):
    """A source that agrees with anything."""
    return desk.deploy("Parrot", encode(["bool"], [True])).address


def dear(desk, answer, *, words):
    """A source that answers, once it has paid for so many words of memory: 3 gas a word, and a 512th of the square."""
    # MSTORE(0, answer), MSTORE(32 * (words - 1), 0), RETURN(0, 32).
    last = (32 * (words - 1)).to_bytes(3)
    return desk.coded(bytes([0x60, answer, 0x5F, 0x52, 0x5F, 0x62]) + last + bytes.fromhex("5260205ff3"))


SOURCES = {
    "is no contract": lambda desk: desk.stranger.address,
    "returns nothing": lambda desk: desk.deploy("Parrot", b"").address,
    "returns one byte": lambda desk: desk.deploy("Parrot", b"\x01").address,
    "says no": lambda desk: desk.deploy("Parrot", encode(["bool"], [False])).address,
    "says two": lambda desk: desk.deploy("Parrot", encode(["uint256"], [2])).address,
    "says yes and more": lambda desk: desk.deploy("Parrot", encode(["bool", "bool"], [True, True])).address,
    "says yes in a thousand words": lambda desk: desk.deploy("Chatterbox", 1_000).address,
    "burns nearly all its gas and says no": lambda desk: dear(desk, False, words=31_000),
    "reverts": lambda desk: desk.deploy("Mute").address,
    "says yes and reverts": lambda desk: desk.quitter(encode(["bool"], [True])),
    "writes before it agrees": lambda desk: desk.deploy("Scribbler").address,
    "burns all its gas": lambda desk: desk.deploy("Ponderer").address,
    "talks without end": lambda desk: desk.deploy("Chatterbox", 30_000).address,
}


@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES)
def test_a_source_that_misbehaves_refuses_its_own_fills_and_no_others(desk, mandate, signal, source):
    first, bad, last = mandate(), mandate(by=desk.other, source=source(desk)), mandate(by=desk.other)
    opened, refused, also = desk.open(signal(), first, bad, last, gas=ROOM + SOURCE_GAS).events[1:]
    assert (type(opened), opened.id) == (Opened, first.id)
    assert refused == Refused(bad.id, Reason.NOT_VOUCHED)
    assert (type(also), also.id) == (Opened, last.id)


def test_a_source_that_says_yes_is_believed_by_those_who_named_it_and_by_nobody_else(desk, mandate, signal):
    sober, naive, also_sober = mandate(), mandate(by=desk.other, source=yes(desk)), mandate(by=desk.other)
    fills = [desk.fill(each) for each in (sober, naive, also_sober)]
    refused, opened, also_refused = desk.open(signal(), *fills, evidence=b"forged").events[1:]
    assert refused == Refused(sober.id, Reason.NOT_VOUCHED)
    assert (type(opened), opened.id) == (Opened, naive.id)
    assert also_refused == Refused(also_sober.id, Reason.NOT_VOUCHED)


@pytest.mark.parametrize("length", [0, 1, 31, 33, 100_000])
def test_evidence_of_any_length_is_passed_on_at_its_senders_expense(desk, mandate, signal, length):
    long = mandate(source=yes(desk))
    assert type(desk.open(signal(), long, evidence=bytes(length), gas=10_000_000).events[-1]) is Opened


# ---- asked once


# Sources that are dear to ask, and what each costs at the least.
SLOW = {
    "says yes": (lambda desk: dear(desk, True, words=21_900), 1_000_000),
    "says no": (lambda desk: dear(desk, False, words=31_200), 1_990_000),
    "fails": (lambda desk: desk.deploy("Ponderer").address, 2_000_000),
}


@pytest.mark.parametrize(("source", "cost"), SLOW.values(), ids=SLOW)
def test_each_source_is_asked_once_in_a_call_however_fills_alternate(desk, mandate, signal, source, cost):
    """Before, only a yes was remembered, and only the last one: a source burned 2,000,000 for each of its fills."""
    sources = [source(desk), desk.models.address, source(desk)] * 2
    mandates = [mandate(by=desk.other, source=each) for each in sources]
    receipt = desk.open(signal(), *mandates, gas=14_000_000)
    assert len(receipt.events) == 1 + len(mandates)
    assert 2 * cost < receipt.gas_used < 2 * cost + ROOM


@pytest.mark.parametrize(("source", "cost"), SLOW.values(), ids=SLOW)
def test_the_answer_of_a_source_counts_for_all_of_its_fills(desk, mandate, signal, source, cost):
    slow = source(desk)
    mandates = [mandate(by=desk.other, source=each) for each in (slow, desk.models.address, slow, yes(desk), slow)]
    told = [type(event) for event in desk.open(signal(), *mandates, gas=14_000_000).events[1:]]
    its = Opened if cost == 1_000_000 else Refused
    assert told == [its, Opened, its, Opened, its]


def test_a_source_that_changes_its_mind_after_the_check_burns_once_and_takes_no_innocent_fill_with_it(
    desk, mandate, signal
):
    """Before, it burned up to 2,000,000 for each of its fills, and a batch that was given enough for one ran dry."""
    turncoat = desk.deploy("Turncoat")
    traps, innocent, seen = [mandate(source=turncoat.address) for _ in range(4)], mandate(by=desk.other), signal()
    with desk.chain.undone():
        assert [desk.check_open(seen, trap) for trap in traps] == [Reason.NONE] * 4
    turncoat.send(desk.stranger, "turn")
    receipt = desk.open(seen, *traps, innocent, gas=ROOM + SOURCE_GAS)
    assert receipt.events[1:5] == [Refused(trap.id, Reason.NOT_VOUCHED) for trap in traps]
    assert type(receipt.events[5]) is Opened


def test_what_one_call_learnt_the_next_one_asks_again(desk, mandate, signal):
    turncoat, seen = desk.deploy("Turncoat"), signal()
    first, second = (mandate(source=turncoat.address) for _ in range(2))
    assert type(desk.open(seen, first).events[-1]) is Opened
    turncoat.send(desk.stranger, "turn")
    assert desk.open(seen, second).events[-1] == Refused(second.id, Reason.NOT_VOUCHED)


def test_a_source_is_not_asked_about_a_fill_that_its_mandate_refuses_anyway(desk, mandate, signal):
    slow = mandate(source=desk.deploy("Ponderer").address, min_confidence_bps=9_000)
    assert desk.open(signal(confidence_bps=8_999), slow).gas_used < 100_000
