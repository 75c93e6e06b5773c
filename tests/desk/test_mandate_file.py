"""A mandate in a file: whatever it says comes back as it was, and what it asks a wallet to sign is what the contract checks."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from pathlib import Path

import pytest
from eth_account import Account
from eth_account.messages import encode_typed_data
from eth_utils import keccak, to_checksum_address
from hypothesis import given
from hypothesis import strategies as st

from agent.chain.values import Mandate, Market, Side
from agent.desk.mandate_file import LARGEST_FILE, MandateFile, address_of
from agent.desk.signing import sign_mandate
from agent.desk.token import Token
from agent.errors import UsageError

_ADDRESSES = st.binary(min_size=20, max_size=20).map(to_checksum_address)
_WORDS = st.binary(min_size=32, max_size=32)
_WIDTHS = {
    **dict.fromkeys(("patterns", "ramp", "horizon", "cooldown", "max_signal_age", "max_price_age"), 32),
    **dict.fromkeys(("min_confidence_bps", "max_slippage_bps", "take_profit_bps", "stop_loss_bps"), 16),
    **dict.fromkeys(("min_amount", "max_amount", "drawdown_limit"), 128),
    **dict.fromkeys(("min_price", "max_price"), 256),
    "expiry": 40,
}
_MANDATES = st.builds(
    Mandate,
    owner=_ADDRESSES,
    filler=_ADDRESSES,
    market=st.builds(Market, _ADDRESSES, _ADDRESSES, _ADDRESSES),
    source=_ADDRESSES,
    model=_WORDS,
    side=st.sampled_from(Side),
    salt=_WORDS,
    **{name: st.integers(0, 2**width - 1) for name, width in _WIDTHS.items()},
)
_TOKENS = st.builds(Token, st.from_regex(r"[!-~]{1,16}", fullmatch=True), st.integers(0, 77))


@pytest.fixture
def file(desk):
    """The file of a sound mandate."""
    return MandateFile(
        mandate=desk.draft(),
        chain_id=desk.chain.chain_id,
        settlement=desk.settlement.address,
        base=Token("ETH", 18),
        quote=Token("USD", 6),
    )


@given(mandate=_MANDATES, base=_TOKENS, quote=_TOKENS, settlement=_ADDRESSES, chain_id=st.integers(1, 2**63))
def test_what_was_written_is_what_is_read(mandate, base, quote, settlement, chain_id):
    file = MandateFile(mandate=mandate, chain_id=chain_id, settlement=settlement, base=base, quote=quote)
    read = MandateFile.from_json(json.loads(json.dumps(file.to_json())))
    assert read == file
    assert (read.id, read.digest) == ("0x" + mandate.id.hex(), file.digest)


@given(mandate=_MANDATES)
def test_a_wallet_that_reads_the_json_signs_what_the_contract_checks(mandate, desk):
    file = MandateFile(
        mandate=mandate,
        chain_id=desk.chain.chain_id,
        settlement=desk.settlement.address,
        base=Token("ETH", 18),
        quote=Token("USD", 6),
    )
    typed = json.loads(json.dumps(file.typed_data))
    typed["message"] = _numbers(typed["message"])
    signable = encode_typed_data(full_message=typed)
    hashed = keccak(b"\x19" + signable.version + signable.header + signable.body)
    assert hashed == desk.settlement.digest_of(mandate) == bytes.fromhex(file.digest[2:])


def _numbers(message):
    """What strings of digits mean; others read them so, eth_account does not."""
    return {
        name: _numbers(each) if isinstance(each, dict) else int(each) if each.isdecimal() else each
        for name, each in message.items()
    }


def test_every_member_of_a_mandate_is_drawn():
    drawn = {*_WIDTHS, "owner", "filler", "market", "source", "model", "side", "salt"}
    assert drawn == {field.name for field in fields(Mandate)}


def test_a_file_is_the_typed_data_and_one_member_more(file):
    document = file.to_json()
    assert {name: each for name, each in document.items() if name != "patternsettle"} == file.typed_data
    assert set(file.typed_data) == {"types", "primaryType", "domain", "message"}
    assert all(isinstance(each, (str, dict)) for each in document["message"].values())


def test_the_owners_key_signs_what_the_file_says(file, desk):
    signature = sign_mandate(desk.owner, chain_id=file.chain_id, settlement=file.settlement, mandate=file.mandate)
    recovered = Account._recover_hash(bytes.fromhex(file.digest[2:]), signature=signature)
    assert recovered == file.mandate.owner


def test_which_token_is_given_is_the_sides(file):
    assert (file.given.symbol, file.taken.symbol) == ("USD", "ETH")
    short = replace(file, mandate=replace(file.mandate, side=Side.SHORT))
    assert (short.given.symbol, short.taken.symbol) == ("ETH", "USD")


def test_it_is_written_whole_and_read_back(file, tmp_path):
    path = tmp_path / "mandate.json"
    file.write(path)
    assert MandateFile.read(path) == file
    assert [each.name for each in tmp_path.iterdir()] == ["mandate.json"]


def test_it_is_not_written_where_that_cannot_be(file, tmp_path):
    (tmp_path / "taken").write_text("")
    with pytest.raises(UsageError, match=r"cannot be written to.*Name a file elsewhere"):
        file.write(tmp_path / "taken" / "mandate.json")


def test_a_file_that_is_too_large_is_not_even_read(tmp_path):
    path: Path = tmp_path / "mandate.json"
    path.write_bytes(b" " * (LARGEST_FILE + 1))
    with pytest.raises(UsageError, match="too large"):
        MandateFile.read(path)


@pytest.mark.parametrize("change", [*_WIDTHS, "owner", "salt", "model", "side"])
def test_no_member_can_be_changed_unnoticed(change, file):
    document = json.loads(json.dumps(file.to_json()))
    before = document["message"][change_name := _camel(change)]
    other = {"side": "1", "owner": file.settlement, "salt": "0x" + 64 * "1", "model": "0x" + 64 * "1"}
    document["message"][change_name] = other.get(change) or ("7" if before != "7" else "8")
    with pytest.raises(UsageError, match="it was changed"):
        MandateFile.from_json(document)


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(map(str.capitalize, rest))


class TestAnAddress:
    ADDRESS = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"

    @pytest.mark.parametrize("text", [ADDRESS, ADDRESS.lower(), f" {ADDRESS}\n"])
    def test_has_one_spelling(self, text):
        assert address_of(text, "this") == self.ADDRESS

    @pytest.mark.parametrize("value", ["", "0x", ADDRESS[2:], ADDRESS[:-1], ADDRESS + "0", 7, None, b"\x00" * 20])
    def test_is_refused_where_it_is_none(self, value):
        with pytest.raises(UsageError, match="not an address"):
            address_of(value, "this")

    def test_whose_checksum_is_wrong_was_mistyped(self):
        with pytest.raises(UsageError, match=r"checksum is wrong.*Copy"):
            address_of(self.ADDRESS[:-1] + "9", "this")
