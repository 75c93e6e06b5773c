"""`createFor`: anybody may lodge a mandate that its owner signed, and nothing that its owner did not."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest
from eth_abi import encode
from eth_utils import keccak
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.chain.events import MandateCreated
from agent.chain.values import Mandate, MandateState, Reason, Side

SECP256K1_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


@pytest.fixture
def lodge(desk):
    """Lodge a mandate with the signature given, or else its owner's, sent by somebody who has nothing to do with it."""

    def send(mandate, signature=None):
        signed = desk.sign_mandate(mandate) if signature is None else signature
        return desk.settlement.create_for(desk.stranger, mandate, signed)

    return send


def test_lodges_what_its_owner_signed_whoever_sends_it(desk, lodge):
    draft = desk.draft()
    assert lodge(draft).events == [MandateCreated(draft.id, desk.owner.address, draft)]
    assert desk.settlement.state_of(draft.id) == MandateState(
        usable_from=desk.now, changed_at=0, trading=False, cancelled=False, drawdown=0
    )


def test_a_lodged_mandate_trades_as_one_that_its_owner_created(desk, lodge, signal):
    draft = desk.draft()
    lodge(draft)
    assert desk.check_open(signal(), draft) is Reason.NONE


def test_what_is_signed_is_the_digest_that_the_contract_says(desk):
    draft = desk.draft(side=Side.SHORT, min_price=7, max_price=2**256 - 1, drawdown_limit=2**128 - 1)
    digest = desk.settlement.digest_of(draft)
    assert bytes(desk.owner.signer.unsafe_sign_hash(digest).signature) == desk.sign_mandate(draft)


# What may differ between two mandates, each alone; a value that is sound and not the draft's own.
CHANGES = {
    "filler": "0x" + "11" * 20,
    "source": "0x" + "11" * 20,
    "model": b"\x77" * 32,
    "side": Side.SHORT,
    "patterns": 1,
    "min_confidence_bps": 1,
    "max_slippage_bps": 51,
    "ramp": 1,
    "take_profit_bps": 201,
    "stop_loss_bps": 101,
    "horizon": 3_601,
    "cooldown": 301,
    "max_signal_age": 601,
    "max_price_age": 86_401,
    "min_amount": 2,
    "max_amount": 2**128 - 2,
    "min_price": 1,
    "max_price": 10**60,
    "drawdown_limit": 10**24 + 1,
    "salt": b"\x99" * 32,
}


@pytest.mark.parametrize("member", CHANGES)
def test_a_signature_covers_every_member(desk, lodge, reverts, member):
    draft = desk.draft()
    other = replace(draft, **{member: CHANGES[member]})
    with reverts("InvalidSignature", owner=desk.owner.address):
        lodge(other, desk.sign_mandate(draft))


@pytest.mark.parametrize("member", ["base", "quote", "oracle"])
def test_a_signature_covers_the_market(desk, lodge, reverts, member):
    draft = desk.draft()
    other = replace(draft, market=replace(draft.market, **{member: "0x" + "11" * 20}))
    with reverts("InvalidSignature", owner=desk.owner.address):
        lodge(other, desk.sign_mandate(draft))


def test_a_signature_covers_the_expiry_and_the_owner(desk, lodge, reverts):
    draft = desk.draft()
    with reverts("InvalidSignature", owner=desk.owner.address):
        lodge(replace(draft, expiry=draft.expiry + 1), desk.sign_mandate(draft))
    with reverts("InvalidSignature", owner=desk.other.address):
        lodge(replace(draft, owner=desk.other.address), desk.sign_mandate(draft))


def test_nothing_that_a_mandate_says_is_left_out_above(desk):
    tried = {*CHANGES, "market", "expiry", "owner"}
    assert tried == {field.name for field in fields(Mandate)}


@pytest.mark.parametrize("domain", [{"chain_id": 1}, {"settlement": "0x" + "11" * 20}])
def test_refuses_a_signature_for_another_chain_or_contract(desk, lodge, reverts, domain):
    draft = desk.draft()
    with reverts("InvalidSignature", owner=desk.owner.address):
        lodge(draft, desk.sign_mandate(draft, **domain))


def test_refuses_the_signature_of_anybody_else(desk, lodge, reverts):
    draft = desk.draft()
    for somebody in (desk.other, desk.filler, desk.key, desk.stranger):
        with reverts("InvalidSignature", owner=desk.owner.address):
            lodge(draft, desk.sign_mandate(draft, key=somebody))


def test_refuses_the_other_form_of_the_same_signature(desk, lodge, reverts):
    """Of each signature there is a second one that anybody can compute; only one of the two counts."""
    draft = desk.draft()
    signed = desk.sign_mandate(draft)
    high = SECP256K1_ORDER - int.from_bytes(signed[32:64], "big")
    with reverts("InvalidSignature", owner=desk.owner.address):
        lodge(draft, signed[:32] + high.to_bytes(32, "big") + bytes([55 - signed[64]]))


@pytest.mark.parametrize("length", [0, 1, 64, 66])
def test_refuses_a_signature_of_another_length(desk, lodge, reverts, length):
    draft = desk.draft()
    with reverts("InvalidSignature", owner=desk.owner.address):
        lodge(draft, (desk.sign_mandate(draft) + b"\x00")[:length])


def test_refuses_what_create_refuses(desk, lodge, reverts):
    with reverts("InvalidMandate", field="horizon"):
        lodge(desk.draft(horizon=0))
    draft = desk.draft()
    lodge(draft)
    with reverts("MandateExists", id=draft.id):
        lodge(draft)


def test_a_mandate_that_its_owner_withdrew_can_never_be_lodged(desk, lodge, reverts):
    draft = desk.draft()
    signed = desk.sign_mandate(draft)
    desk.settlement.cancel(desk.owner, draft)
    with reverts("MandateIsCancelled", id=draft.id):
        lodge(draft, signed)
    with reverts("MandateIsCancelled", id=draft.id):
        desk.settlement.create(desk.owner, draft)


def test_a_mandate_signed_long_ago_accepts_no_bar_from_before_it_was_lodged(desk, lodge, signal):
    draft = desk.draft()
    signed, seen = desk.sign_mandate(draft), signal()
    desk.travel(120)
    lodge(draft, signed)
    assert desk.check_open(seen, draft) is Reason.SIGNAL_USED


def test_a_contract_that_is_the_owner_says_itself_what_it_signed(desk, lodge, reverts):
    wallet = desk.deploy("ContractWallet")
    draft = desk.draft(owner=wallet.address)
    with reverts("InvalidSignature", owner=wallet.address):
        lodge(draft, b"")
    wallet.send(desk.stranger, "accept", desk.settlement.digest_of(draft))
    lodge(draft, b"")
    assert desk.settlement.state_of(draft.id).usable_from == desk.now


def test_a_contract_that_knows_nothing_of_signatures_has_signed_nothing(desk, lodge, reverts):
    mute = desk.deploy("MuteWallet")
    with reverts("InvalidSignature", owner=mute.address):
        lodge(desk.draft(owner=mute.address), desk.sign_mandate(desk.draft()))


def test_nobody_signs_for_the_zero_address(desk, lodge, reverts):
    """What recovers to nobody must not count as nobody's signature."""
    nobody = "0x" + "00" * 20
    with reverts("InvalidSignature", owner=nobody):
        lodge(desk.draft(owner=nobody), b"\x00" * 65)


@settings(max_examples=20)
@given(
    side=st.sampled_from(Side),
    patterns=st.integers(0, 2**32 - 1),
    amounts=st.tuples(st.integers(1, 2**127), st.integers(0, 2**126)),
    salt=st.binary(min_size=32, max_size=32),
)
def test_whatever_an_owner_signs_can_be_lodged(desk, side, patterns, amounts, salt):
    least, more = amounts
    draft = desk.draft(
        side=side, patterns=patterns, min_amount=least, max_amount=100_000 + least + more, salt=salt
    )
    desk.settlement.create_for(desk.stranger, draft, desk.sign_mandate(draft))
    assert desk.settlement.state_of(draft.id).usable_from
    assert draft.id == keccak(encode([Mandate.ABI_TYPE], [draft.abi()]))
