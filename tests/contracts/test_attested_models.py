"""`AttestedModels`: who registered a model, whose key signs for it, and what a signature is worth."""

from __future__ import annotations

from dataclasses import replace

import pytest
from eth_abi import encode
from eth_account import Account
from eth_utils import keccak
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent.chain.events import Other
from agent.chain.values import Side, Signal
from agent.desk.signing import sign_signal

ARTIFACT = b"\x77" * 32
ZERO = "0x" + "00" * 20
ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141  # of secp256k1


# ---- the registry


def test_a_models_id_commits_to_publisher_key_and_artifact(desk):
    publisher, key = desk.stranger.address, desk.key.address
    packed = encode(["address", "address", "bytes32"], [publisher, key, ARTIFACT])
    assert desk.models.id_of(publisher, key, ARTIFACT) == keccak(packed)


def test_registering_is_logged_and_remembered(desk):
    receipt = desk.models.register(desk.stranger, ARTIFACT, desk.key.address)
    model = desk.models.id_of(desk.stranger.address, desk.key.address, ARTIFACT)
    names = {"model": model, "publisher": desk.stranger.address, "key": desk.key.address, "artifact": ARTIFACT}
    assert receipt.events == [Other("ModelRegistered", tuple(names.items()))]
    assert desk.models.model_of(model) == (desk.key.address, desk.stranger.address, False)


def test_what_was_never_registered_has_no_key(desk):
    assert desk.models.model_of(ARTIFACT) == (ZERO, ZERO, False)


def test_a_model_is_registered_once_even_after_it_was_revoked(desk, reverts):
    with reverts("ModelExists", model=desk.model):
        desk.models.register(desk.publisher, b"\x11" * 32, desk.key.address)
    desk.models.revoke(desk.publisher, desk.model)
    with reverts("ModelExists", model=desk.model):
        desk.models.register(desk.publisher, b"\x11" * 32, desk.key.address)


def test_the_same_artifact_under_another_publisher_or_key_is_another_model(desk):
    desk.models.register(desk.stranger, b"\x11" * 32, desk.key.address)
    desk.models.register(desk.publisher, b"\x11" * 32, desk.stranger.address)
    assert desk.models.model_of(desk.model)[:2] == (desk.key.address, desk.publisher.address)


def test_the_zero_address_is_no_key(desk, reverts):
    with reverts("ZeroKey"):
        desk.models.register(desk.publisher, ARTIFACT, ZERO)


def test_only_its_publisher_revokes_a_model(desk, reverts):
    for somebody in (desk.key, desk.owner, desk.stranger):
        with reverts("NotPublisher", model=desk.model, caller=somebody.address):
            desk.models.revoke(somebody, desk.model)
    receipt = desk.models.revoke(desk.publisher, desk.model)
    assert receipt.events == [Other("ModelRevoked", (("model", desk.model),))]
    assert desk.models.model_of(desk.model)[2]


def test_nobody_revokes_what_was_never_registered(desk, reverts):
    with reverts("NotPublisher", model=ARTIFACT):
        desk.models.revoke(desk.publisher, ARTIFACT)


# ---- signatures


def test_the_key_vouches_for_its_models_signals(desk, signal):
    assert vouches(desk, signal())


def test_a_revoked_model_vouches_for_nothing(desk, signal):
    signed = signal()
    evidence = desk.sign(signed)
    desk.models.revoke(desk.publisher, desk.model)
    assert not vouches(desk, signed, evidence)


def test_no_key_vouches_for_a_model_that_was_never_registered(desk, signal):
    assert not vouches(desk, signal(model=ARTIFACT))


def test_no_signature_is_none_of_a_model_that_was_never_registered(desk, signal):
    """Such a model has no key, and what is no signature has no signer: the two are not the same."""
    assert not vouches(desk, signal(model=ARTIFACT), b"no signature")


def test_a_signature_is_worth_nothing_to_another_contract_than_the_one_it_names(desk, signal):
    signed = signal()
    assert not vouches(desk, signed, asked_by=desk.stranger.address)


CHANGES = {
    "market": b"\x01" * 32,
    "side": Side.SHORT,
    "patterns": 1,
    "confidence_bps": 9_999,
    "bar_time": 1,
    "valid_until": 2**40 - 1,
    "inputs": bytes(32),
}


@pytest.mark.parametrize("field", CHANGES)
def test_a_signature_covers_every_field(desk, signal, field):
    signed = signal()
    assert not vouches(desk, replace(signed, **{field: CHANGES[field]}), desk.sign(signed))


def test_a_signature_covers_the_model_too(desk, signal):
    desk.models.register(desk.publisher, ARTIFACT, desk.key.address)
    other = desk.models.id_of(desk.publisher.address, desk.key.address, ARTIFACT)
    signed = signal()
    assert vouches(desk, replace(signed, model=other))
    assert not vouches(desk, replace(signed, model=other), desk.sign(signed))


def mirrored(signature):
    """The same signature with its s in the upper half: some libraries take it for another."""
    s, v = int.from_bytes(signature[32:64]), signature[64]
    return signature[:32] + (ORDER - s).to_bytes(32) + bytes([55 - v])


MALFORMED = {
    "none": lambda signature: b"",
    "cut": lambda signature: signature[:64],
    "longer": lambda signature: signature + b"\x00",
    "zeros": lambda signature: bytes(65),
    "mirrored": mirrored,
    "with v of 0 or 1": lambda signature: signature[:64] + bytes([signature[64] - 27]),
    "compact": lambda signature: (
        signature[:32] + (int.from_bytes(signature[32:64]) | ((signature[64] - 27) << 255)).to_bytes(32)
    ),
    "flipped in one bit": lambda signature: bytes([signature[0] ^ 1]) + signature[1:],
}


@pytest.mark.parametrize("spoil", MALFORMED.values(), ids=MALFORMED)
def test_a_signature_that_is_not_exactly_one_is_none(desk, signal, spoil):
    signed = signal()
    assert not vouches(desk, signed, spoil(desk.sign(signed)))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    signal=st.builds(
        Signal,
        model=st.binary(min_size=32, max_size=32),
        market=st.binary(min_size=32, max_size=32),
        side=st.sampled_from(Side),
        patterns=st.integers(0, 2**32 - 1),
        confidence_bps=st.integers(0, 2**16 - 1),
        bar_time=st.integers(0, 2**40 - 1),
        valid_until=st.integers(0, 2**40 - 1),
        inputs=st.binary(min_size=32, max_size=32),
    ),
    settlement=st.binary(min_size=20, max_size=20).map(lambda raw: "0x" + raw.hex()),
)
def test_what_python_signs_is_what_the_contract_hashes(desk, signal, settlement):
    signature = sign_signal(
        desk.key,
        registry=desk.models.address,
        chain_id=desk.chain.chain_id,
        settlement=settlement,
        signal=signal,
    )
    digest = desk.models.digest(settlement, signal)
    assert Account._recover_hash(digest, signature=signature) == desk.key.address


def vouches(desk, signal, evidence=None, *, asked_by=None):
    evidence = desk.sign(signal) if evidence is None else evidence
    sender = asked_by or desk.settlement.address
    return desk.models.call("vouches", signal, evidence, sender=sender)[0]
