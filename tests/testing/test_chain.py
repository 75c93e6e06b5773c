"""The chain of tests: its time, its accounts, and going back."""

from __future__ import annotations

import pytest
from eth_account.messages import encode_defunct

from agent.errors import ChainError, Reverted, UsageError
from agent.testing.chain import START

WHALE = "0x00000000219ab540356cBB839Cbe05303d7705Fa"
NOBODY = "0x" + "00" * 20


# ---- time


def test_time_travels_by_seconds_or_to_a_time(chain):
    before, block = chain.now, chain.block_number
    chain.travel(seconds=3_600)
    assert (chain.now, chain.block_number) == (before + 3_600, block + 1)
    chain.travel(to=before + 10_000)
    assert chain.now == before + 10_000


@pytest.mark.parametrize("journey", [{}, {"seconds": 5, "to": 2 * START}, {"seconds": 0}, {"to": START}])
def test_time_goes_forward_and_one_way_of_saying_so_is_enough(chain, journey):
    chain.mine()
    with pytest.raises(UsageError, match=r"takes either|not later"):
        chain.travel(**journey)


@pytest.mark.parametrize("journey", [{"seconds": 1.5}, {"seconds": "5"}, {"seconds": -1}, {"to": 1 << 64}])
def test_time_is_a_whole_number_that_a_block_can_carry(chain, journey):
    with pytest.raises(UsageError, match=r"^(seconds|the time) is .* whole number"):
        chain.travel(**journey)


def test_blocks_are_mined_a_second_apart(chain):
    now, block = chain.now, chain.block_number
    chain.mine()
    chain.mine(10)
    assert (chain.now, chain.block_number) == (now + 11, block + 11)


# ---- accounts


def test_an_account_is_its_address_and_signs(accounts):
    alice, bob, *others = accounts
    assert (alice, alice.address) == ("0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266",) * 2
    assert len({alice, bob, *others}) == 10
    message = encode_defunct(text="hello")
    assert alice.sign_message(message).signature != bob.sign_message(message).signature
    assert len(alice.key) == 32


def test_any_address_can_send_and_pays_nothing(purse, chain):
    whale = chain.prank(WHALE)
    receipt = purse.pay(sender=whale)
    assert receipt.events == [purse.Paid(WHALE, 0)]
    assert purse.who(sender=whale) == whale == WHALE
    assert chain.balance(WHALE) == 0


def test_a_prank_is_the_sender_of_a_block_of_statements(purse, chain, accounts):
    with chain.prank(WHALE), chain.prank(WHALE.lower()) as whale:
        assert purse.pay().events == [purse.Paid(whale, 0)]
        assert purse.who() == WHALE
        assert purse.who(sender=accounts[3]) == accounts[3]
    assert purse.pay().events == [purse.Paid(accounts[0], 0)]


def test_a_contract_and_the_zero_address_can_send_too(purse, deploy, chain):
    other = deploy("Purse", "another", value=50)
    assert purse.pay(sender=chain.prank(other), value=20).events == [purse.Paid(other, 20)]
    assert (chain.balance(other), chain.balance(purse)) == (30, 20)
    assert purse.pay(sender=chain.prank(NOBODY)).events == [purse.Paid(NOBODY, 0)]


def test_two_pranks_with_the_same_call_are_two_transactions(purse, chain):
    first = purse.pay(sender=chain.prank(WHALE))
    second = purse.pay(sender=chain.prank(NOBODY))
    assert first.transaction != second.transaction


def test_a_prank_is_refused_like_anybody_else(purse, chain, reverts):
    with reverts("Poor", who=WHALE, needs=5):
        purse.take(5, sender=chain.prank(WHALE))
    with pytest.raises(ChainError, match="insufficient funds"):
        purse.pay(sender=chain.prank(WHALE), value=1)


def test_a_prank_signs_nothing(chain):
    with pytest.raises(ChainError, match="Nobody has the key"):
        chain.prank(WHALE).sign_message(encode_defunct(text="hello"))
    with pytest.raises(UsageError, match="'whale' is no address"):
        chain.prank("whale")


# ---- what is stored


def test_one_digest_tells_whether_anything_that_a_contract_stores_is_another(purse, chain, reverts):
    before = chain.storage(purse)
    purse.pay(value=5)
    assert chain.storage(purse) != before
    purse.take(5)
    changed = chain.storage(purse)
    with reverts("Poor"):
        purse.take(1)
    assert chain.storage(purse) == changed
    assert chain.storage(WHALE) == chain.storage(NOBODY) != before


# ---- going back


def test_what_happened_since_a_snapshot_can_be_undone(purse, chain):
    snapshot = chain.snapshot()
    purse.pay(value=5)
    chain.travel(seconds=1_000)
    chain.revert(snapshot)
    assert (purse.paid(), chain.balance(purse)) == (0, 0)


def test_undone_undoes_what_its_block_did_even_where_it_fails(purse, chain):
    def failing():
        with chain.undone():
            purse.pay(value=5)
            with chain.undone():
                purse.pay(value=7)
            assert purse.paid() == 6
            purse.take(100)

    purse.pay(value=1)
    with pytest.raises(Reverted):
        failing()
    assert purse.paid() == 1


def test_an_address_that_was_undone_and_taken_anew_is_read_by_the_new_contract(deploy, chain):
    with chain.undone():
        purse = deploy("Purse", "brief")
    factory = deploy("Factory")
    assert factory == purse.address
    assert [event.name for event in factory.make(5).events] == ["Grown"]
