"""Contracts in tests: called, read and compared by their own names."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from eth_utils import keccak

from agent.errors import ChainError, Reverted, UsageError
from agent.testing import Deployer, Sources


@dataclass(frozen=True)
class Note:
    to: str
    amount: int
    memo: str
    tags: tuple[int, ...]


# ---- values


def test_a_view_answers_one_value_as_it_is(purse, accounts):
    assert purse.name() == "mine"
    assert purse.owner() == accounts[0]
    assert accounts[0] == purse.owner()


def test_a_view_answers_several_values_by_name_and_by_place(purse, accounts):
    purse.call(accounts[3], sender=accounts[2])
    state = purse.state()
    assert (state.total, state.last, state[2]) == (0, accounts[3], [accounts[2], accounts[3]])
    assert state == (0, accounts[3], [accounts[2], accounts[3]])


@pytest.mark.parametrize("form", ["tuple", "dict", "dataclass"])
def test_a_struct_is_a_tuple_a_dict_or_a_dataclass(purse, accounts, form):
    note = Note(to=accounts[1], amount=5, memo="rent", tags=(1, 2))
    given = {"tuple": tuple(vars(note).values()), "dict": vars(note), "dataclass": note}[form]
    purse.write(given)
    assert purse.read(0) == (accounts[1], 5, "rent", [1, 2])
    assert purse.read(0).memo == "rent"
    assert purse.all() == [purse.read(0)]


def test_a_struct_with_other_members_is_refused_before_anything_is_sent(purse, accounts, chain):
    before = chain.block_number
    with pytest.raises(UsageError, match=r"Note note of write.* members to, amount, memo, tags, not to, sum"):
        purse.write({"to": accounts[1], "sum": 5})
    with pytest.raises(UsageError, match="its members are to, amount, memo, tags"):
        purse.write((accounts[1], 5))
    assert chain.block_number == before


def test_a_contract_and_an_account_stand_for_their_addresses(purse, deploy):
    other = deploy("Purse", "another")
    purse.call(other)
    assert purse.state().last == other == other.address
    assert purse.state().last != purse


def test_bytes_may_be_written_in_hex(purse):
    word, data = b"\x12".ljust(32, b"\0"), b"\x34\x56"
    assert purse.hash(word, data) == purse.hash("0x12", "0x3456") == keccak(purse.hash.encode(word, data)[4:])


def test_the_sender_is_the_first_account_unless_another_is_named(purse, accounts):
    assert purse.who() == accounts[0]
    assert purse.who(sender=accounts[4]) == accounts[4]


# ---- transactions


def test_ether_goes_along_with_a_call(purse, accounts, chain):
    bob = accounts[1]
    assert purse.pay(sender=bob, value=7).events == [purse.Paid(bob, 7)]
    assert chain.balance(purse) == purse.balanceOf(bob) == 7


def test_ether_can_be_sent_alone(purse, accounts, chain):
    receipt = chain.transfer(purse, 9, sender=accounts[2])
    assert receipt.events == [purse.Paid(accounts[2], 9)]


@pytest.mark.parametrize("number", [-1, 1.0, "7", True, 1 << 256])
def test_ether_and_gas_are_whole_numbers(purse, deploy, chain, number):
    sendings = [
        lambda: purse.pay(value=number),
        lambda: purse.pay.call(value=number),
        lambda: purse.pay(gas=number),
        lambda: deploy("Purse", "rich", value=number),
        lambda: chain.transfer(purse, number),
    ]
    before = chain.block_number
    for sending in sendings:
        with pytest.raises(UsageError, match="Give a whole number"):
            sending()
    assert chain.block_number == before


def test_ether_goes_to_a_constructor(deploy, chain):
    assert chain.balance(deploy("Purse", "rich", value=11)) == 11


def test_what_a_function_would_return_can_be_asked_and_a_view_can_be_sent(purse, chain):
    assert purse.pay.call(value=5) is None
    assert purse.paid() == 0
    assert purse.who.transact().gas_used > 21_000


def test_a_call_sees_the_block_it_names(purse, chain):
    before = chain.block_number
    purse["set(uint256)"](5)
    assert (purse.paid(), purse.paid(block=before)) == (5, 0)


# ---- overloads


def test_the_overload_that_fits_is_taken(purse, accounts):
    purse.set(5)
    assert purse.paid() == 5
    purse.set(accounts[1])
    assert purse.paid() == int(accounts[1], 16)
    purse.set(5, 1)
    assert purse.paid() == 6


def test_where_several_fit_the_signature_decides(purse):
    with pytest.raises(UsageError, match=r"Several of add\(.*\), add\(.*\) take the arguments \(5,\). Name one"):
        purse.add(5)
    purse["add( int256 )"](5)
    assert purse.paid() == 5


def test_where_none_fits_all_are_named(purse):
    with pytest.raises(UsageError, match=r"None of set\(address who\), set\(uint256 amount\), .* takes .*five"):
        purse.set("five")


# ---- what is refused, and how it is said


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ((), r"take\(uint256 amount\) takes 1 argument, not 0"),
        ((1, 2), "takes 1 argument, not 2"),
        ((-1,), r"-1 is no uint256 amount of take"),
        ((2**256,), "is no uint256 amount"),
        ((1.5,), r"1\.5 is no uint256 amount"),
        (("1",), "'1' is no uint256 amount"),
    ],
)
def test_arguments_that_do_not_fit_are_refused(purse, arguments, problem):
    with pytest.raises(UsageError, match=problem):
        purse.take(*arguments)


def test_a_misspelt_function_is_answered_with_the_right_one(purse):
    with pytest.raises(
        AttributeError, match=r"Purse has no function or event balanceof; did you mean balanceOf\?"
    ):
        _ = purse.balanceof
    with pytest.raises(
        UsageError, match=r"no set\(bool\). It has set\(address\), set\(uint256\), set\(uint256,uint8\)\."
    ):
        purse["set(bool)"]
    assert not hasattr(purse, "_private")


def test_a_refusal_is_raised_with_its_name_and_arguments(purse, accounts):
    with pytest.raises(Reverted) as caught:
        purse.take(5, sender=accounts[1])
    assert (caught.value.name, caught.value.args_by_name) == ("Poor", {"who": accounts[1], "has": 0, "needs": 5})


def test_arguments_without_names_go_by_their_places(purse, accounts):
    with pytest.raises(Reverted) as caught:
        purse.odd(sender=accounts[1])
    assert caught.value.args_by_name == {"_0": 7, "_1": accounts[1]}


def test_a_transaction_that_fails_is_mined(purse, chain, accounts):
    before = chain.block_number
    with pytest.raises(Reverted) as caught:
        purse.take(5, sender=accounts[1])
    _, block, gas = caught.value.mined
    assert block == chain.block_number == before + 1
    assert gas > 21_000


def test_a_contract_that_was_undone_says_so(deploy, chain):
    with chain.undone():
        gone = deploy("Purse", "brief")
    with pytest.raises(ChainError, match="What a snapshot undid is gone"):
        gone.name()
    with pytest.raises(ChainError, match="is not on the chain"):
        gone.pay()


# ---- events


def test_an_event_equals_another_of_the_same_name_and_values(purse, accounts):
    (event,) = purse.pay(value=3).events
    assert event == purse.Paid(accounts[0], 3) == purse.Paid(amount=3, from_=accounts[0])
    assert event != purse.Paid(accounts[0], 4)
    assert event != purse.Paid(accounts[1], 3)
    assert (event.amount, event.from_) == (3, accounts[0])
    assert repr(event) == f"Paid(from='{accounts[0]}', amount=3)"


def test_events_of_different_names_differ_though_their_values_do_not(purse, deploy):
    child = deploy("Child", 3)
    (grown,) = child.grow(3).events
    assert grown == child.Grown(6)
    assert grown != purse.Called([])
    assert len({grown, child.Grown(6), child.Grown(7)}) == 2


def test_an_indexed_text_is_compared_by_its_hash(purse, accounts):
    note = (accounts[1], 5, "rent", [1, 2])
    receipt = purse.write(note)
    assert receipt.events == [purse.Noted("rent", b"tag", note)]
    assert receipt.events != [purse.Noted("tner", b"tag", note)]


def test_addresses_inside_an_array_are_accounts_too(purse, accounts):
    receipt = purse.call(accounts[2], sender=accounts[1])
    assert receipt.events == [purse.Called([accounts[1], accounts[2]])]


@pytest.mark.parametrize(
    ("arguments", "named"), [((), {}), ((1,), {}), ((1, 2, 3), {}), ((1,), {"from_": 2}), ((1, 2), {"gas": 3})]
)
def test_an_event_takes_all_its_arguments_and_no_other(purse, arguments, named):
    with pytest.raises(UsageError, match="Paid"):
        purse.Paid(*arguments, **named)


def test_what_a_contract_made_by_another_logs_and_refuses_is_read_too(deploy, reverts):
    factory = deploy("Factory")
    assert [repr(event) for event in factory.make(3).events] == ["Grown(size=3)"]
    child = deploy.at("Child", factory.children(0))
    assert factory.grow(0, 2).events == [child.Grown(5)]
    assert child.size() == 5
    with reverts("Stunted", by=0):
        factory.grow(0, 0)


def test_an_event_that_nobody_knows_is_not_left_out(chain):
    # PUSH1 7 PUSH1 0 PUSH1 0 LOG1: creation code that logs a topic and leaves no contract.
    receipt = chain.send(chain.sender, None, bytes.fromhex("600760006000a1"))
    assert [event.name for event in receipt.events] == ["?"]


# ---- finding and deploying


def test_a_contract_that_is_not_there_is_answered_with_the_nearest(deploy):
    with pytest.raises(UsageError, match=r"Did you mean 'Purse'\?"):
        deploy("Purze")
    with pytest.raises(UsageError, match=r"Did you mean 'Purse'\?"):
        deploy("Purse.sol:Purze")


def test_a_contract_can_be_named_with_its_file(deploy):
    assert deploy("parts/Child.sol:Child", 4).size() == 4


def test_what_cannot_be_deployed_says_so(deploy):
    with pytest.raises(UsageError, match=r"Unfinished in Purse.sol is an interface or abstract"):
        deploy("Unfinished")


def test_a_name_that_two_files_define_is_asked_about(tmp_path, chain):
    for file in ("A.sol", "B.sol"):
        (tmp_path / file).write_text("pragma solidity ^0.8.20; /* contract C */ contract Twin {}")
    twins = Deployer(chain, Sources([tmp_path]))
    with pytest.raises(UsageError, match=r"A.sol and B.sol both define Twin. Say which: A.sol:Twin"):
        twins("Twin")
    with pytest.raises(UsageError, match=r"No source in .* defines a contract 'C'"):
        twins("C")
    assert twins("B.sol:Twin").address != twins("A.sol:Twin").address


def test_an_address_is_needed_to_take_what_is_there(deploy):
    with pytest.raises(UsageError, match="'0x12' is no address"):
        deploy.at("Purse", "0x12")
