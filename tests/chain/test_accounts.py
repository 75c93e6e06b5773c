"""The keys of models: one each, made from the seed phrase and the model alone, and nobody else's."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from agent.chain.accounts import accounts_of, key_for
from agent.settings import Settings

OTHER = "legal winner thank year wave sausage worth useful legal winner thank yellow"
HASHES = st.binary(min_size=32, max_size=32)


@settings(max_examples=10, deadline=None)
@given(HASHES)
def test_the_key_of_a_model_is_the_same_each_time_and_is_no_account_of_a_role(artifact):
    key = key_for(Settings(), artifact)
    assert key_for(Settings(), artifact).key == key.key
    assert key.address not in {account.address for account in accounts_of(Settings()).all}


def test_each_model_has_another_key_and_each_phrase_has_others():
    one, other = bytes(32), b"\x02" + bytes(31)
    phrase = Settings(mnemonic=SecretStr(OTHER))
    keys = [key_for(Settings(), one), key_for(Settings(), other), key_for(phrase, one), key_for(phrase, other)]
    assert len({key.address for key in keys}) == 4
