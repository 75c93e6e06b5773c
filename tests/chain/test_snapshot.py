"""Going back: what happened on a development chain can be undone, and sending goes on as if it never had."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from agent.chain.accounts import accounts_of
from agent.chain.client import Chain
from agent.chain.contracts import TokenContract
from agent.chain.local import LocalChain
from agent.chain.rpc.evm import Genesis
from agent.errors import ChainError
from agent.settings import DEVELOPMENT_MNEMONIC, Settings

SETTINGS = Settings(mnemonic=DEVELOPMENT_MNEMONIC)
MINTER = accounts_of(SETTINGS).publisher


@pytest.fixture
def chain() -> Iterator[Chain]:
    local = LocalChain(Genesis(time=1_700_000_000))
    with Chain(local.provider(), settings=SETTINGS, on_close=local.close) as chain:
        yield chain


@pytest.fixture
def token(chain: Chain) -> TokenContract:
    return TokenContract.deploy(chain, MINTER, "Demo", "DEMO", 18)


def test_what_happened_since_a_snapshot_is_undone_and_its_sender_can_go_on(chain, token):
    before, snapshot = chain.block_number, chain.snapshot()
    token.mint(MINTER, MINTER.address, 5)
    chain.revert(snapshot)
    assert (token.balance_of(MINTER.address), chain.block_number) == (0, before)
    token.mint(MINTER, MINTER.address, 7)
    assert token.balance_of(MINTER.address) == 7


def test_undone_goes_back_even_where_the_block_fails(chain, token):
    def failing():
        with chain.undone():
            token.mint(MINTER, MINTER.address, 5)
            raise KeyError("a test that fails")

    with pytest.raises(KeyError):
        failing()
    assert token.balance_of(MINTER.address) == 0


def test_undone_can_be_nested(chain, token):
    with chain.undone():
        token.mint(MINTER, MINTER.address, 5)
        with chain.undone():
            token.mint(MINTER, MINTER.address, 5)
        assert token.balance_of(MINTER.address) == 5
    assert token.balance_of(MINTER.address) == 0


def test_a_snapshot_is_used_up_by_going_back_to_it(chain):
    snapshot = chain.snapshot()
    chain.revert(snapshot)
    with pytest.raises(ChainError, match="no snapshot"):
        chain.revert(snapshot)
