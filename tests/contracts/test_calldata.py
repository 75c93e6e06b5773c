"""`open` and `close` read mandates where they stand in the calldata: however these are encoded, they mean the same, or nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest
from eth_abi import encode
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.chain.events import Closed, Opened, Presented, Refused
from agent.chain.values import Fill, Mandate, Reason
from agent.errors import ChainError

WORD = 32
SIGNAL = "(bytes32,bytes32,uint8,uint256,uint256,uint256,uint256,bytes32)"
MARKET = "(address,address,address)"
FILLS = f"({Mandate.ABI_TYPE},address,uint128,uint128)[]"
SELECTOR = 4
# How many words of a mandate stand before each of these members.
OWNER, FILLER, SIDE, PATTERNS = 0, 1, 7, 8

gaps = st.integers(0, 3).map(lambda words: b"\xff" * WORD * words)


def word(number):
    return number.to_bytes(WORD)


def tail(kind, value):
    """The part of variable length, without the word that says where it is."""
    return encode([kind], [value])[WORD:]


def opening(desk, signal, evidence, fills, *, fills_first=False, before=b"", between=b""):
    """Calldata of `open`: its two parts of variable length in either order, with bytes before and between that mean nothing."""
    head = encode([SIGNAL], [signal.abi()])
    parts = {"evidence": tail("bytes", evidence), "fills": tail(FILLS, [fill.abi() for fill in fills])}
    order = ["fills", "evidence"] if fills_first else ["evidence", "fills"]
    first = len(head) + 2 * WORD + len(before)
    places = {order[0]: first, order[1]: first + len(parts[order[0]]) + len(between)}
    pointers = word(places["evidence"]) + word(places["fills"])
    body = before + parts[order[0]] + between + parts[order[1]]
    return selector(desk, "open") + head + pointers + body


def closing(desk, market, fills, *, before=b""):
    """Calldata of `close`, with bytes before the fills that mean nothing."""
    head = encode([MARKET], [market.abi()])
    place = word(len(head) + WORD + len(before))
    return selector(desk, "close") + head + place + before + tail(FILLS, [fill.abi() for fill in fills])


def selector(desk, function):
    arguments = {"open": (desk.signal(), b"", []), "close": (desk.market, [])}[function]
    return desk.settlement.encode(function, *arguments)[:SELECTOR]


def send(desk, data, *, at=None):
    desk.chain.set_next_time(at or desk.now + 1)
    return desk.chain.send(desk.operator, desk.settlement.address, data).events


def test_the_usual_encoding_is_that_of_the_python_side(desk, signal):
    seen, fill = signal(), desk.fill(desk.mandate())
    evidence = desk.sign(seen)
    assert opening(desk, seen, evidence, [fill]) == desk.settlement.encode("open", seen, evidence, [fill])
    assert closing(desk, desk.market, [fill]) == desk.settlement.encode("close", desk.market, [fill])


@settings(max_examples=12, deadline=None)
@given(fills_first=st.booleans(), before=gaps, between=gaps)
def test_an_unusual_encoding_opens_the_same_trades(desk, fills_first, before, between):
    mandates = [desk.mandate(), desk.mandate(by=desk.other), desk.draft()]
    seen, fills = desk.signal(), [desk.fill(each) for each in mandates]
    data = opening(desk, seen, desk.sign(seen), fills, fills_first=fills_first, before=before, between=between)
    presented, first, second, unknown = send(desk, data, at=seen.bar_time)
    assert presented == Presented(seen.model, seen.market, seen)
    assert [(type(each), each.id) for each in (first, second)] == [(Opened, each.id) for each in mandates[:2]]
    assert unknown == Refused(mandates[2].id, Reason.UNKNOWN_MANDATE)


@settings(max_examples=8, deadline=None)
@given(before=gaps)
def test_an_unusual_encoding_closes_the_same_trades(desk, before):
    mandates = [desk.trading(), desk.trading(by=desk.other)]
    desk.set_price("2040")
    events = send(desk, closing(desk, desk.market, [desk.closing(each) for each in mandates], before=before))
    assert [(type(each), each.id) for each in events] == [(Closed, each.id) for each in mandates]


def test_what_stands_before_the_fills_is_never_taken_for_one(desk):
    """The calldata holds two mandates; the one that its pointer names is judged."""
    named, beside = desk.mandate(), desk.mandate(by=desk.other)
    seen = desk.signal()
    decoy = tail(FILLS, [desk.fill(beside).abi()])
    data = opening(desk, seen, desk.sign(seen), [desk.fill(named)], before=decoy)
    assert [each.id for each in send(desk, data, at=seen.bar_time)[1:]] == [named.id]


@pytest.mark.parametrize("place", [OWNER, FILLER, SIDE, PATTERNS])
def test_bits_that_a_type_does_not_allow_open_nothing(desk, place):
    seen, fill = desk.signal(), desk.fill(desk.mandate())
    data = opening(desk, seen, desk.sign(seen), [fill])
    start = len(data) - len(tail(FILLS, [fill.abi()])) + WORD + place * WORD
    spoilt = data[:start] + b"\x01" + data[start + 1 :]
    before = desk.chain.storage(desk.settlement.address)
    desk.chain.set_next_time(seen.bar_time)
    try:
        events = desk.chain.send(desk.operator, desk.settlement.address, spoilt).events
    except ChainError:
        events = []
    assert not [each for each in events if isinstance(each, Opened)]
    assert desk.chain.storage(desk.settlement.address) == before


@pytest.mark.parametrize("pointer", [2**256 - 1, 2**64, 10**6, 0])
def test_a_pointer_that_leads_nowhere_opens_nothing(desk, pointer):
    seen, fill = desk.signal(), desk.fill(desk.mandate())
    data = opening(desk, seen, desk.sign(seen), [fill])
    at = SELECTOR + 9 * WORD
    before = desk.chain.storage(desk.settlement.address)
    with pytest.raises(ChainError):
        send(desk, data[:at] + word(pointer) + data[at + WORD :], at=seen.bar_time)
    assert desk.chain.storage(desk.settlement.address) == before


def test_a_fill_that_is_cut_off_opens_nothing(desk):
    seen, fill = desk.signal(), desk.fill(desk.mandate())
    data = opening(desk, seen, desk.sign(seen), [fill])
    with pytest.raises(ChainError):
        send(desk, data[:-1], at=seen.bar_time)
    assert not desk.settlement.state_of(fill.mandate.id).trading


def test_every_member_of_a_mandate_is_part_of_its_id(desk):
    """No criterion could be softened unnoticed: `open` and `idOf` hash the same words, all of them."""
    mandate = desk.draft()
    words = len(encode([Mandate.ABI_TYPE], [mandate.abi()])) // WORD
    assert words == 25
    seen = desk.signal()
    for place in range(words):
        fill = Fill(mandate, desk.filler.address, 1, 1)
        data = opening(desk, seen, b"", [fill])
        start = len(data) - len(tail(FILLS, [fill.abi()])) + WORD + place * WORD + 31
        changed = data[:start] + bytes([data[start] ^ 1]) + data[start + 1 :]
        with desk.chain.undone():
            assert send(desk, changed)[1].id != mandate.id
    assert send(desk, data)[1].id == mandate.id == replace(mandate).id
