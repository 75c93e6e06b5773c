"""`depositWithPermit`: an owner's tokens into its own ledger balance, on its signature, whoever sends it."""

from __future__ import annotations

import pytest

from agent.chain.contracts import TokenContract
from agent.chain.events import Deposited
from agent.chain.values import Permit

BASE = 10**18
NONE = Permit(amount=BASE, deadline=2**256 - 1, v=27, r=bytes(32), s=bytes(32))


@pytest.fixture(autouse=True)
def no_standing_allowance(desk):
    """The market's people have approved everything; here a permit has to do it."""
    desk.base.approve(desk.owner, desk.settlement.address, 0)


def send(desk, sender, permit, *, token=None):
    token = token or desk.base
    return desk.settlement.deposit_with_permit(sender, token.address, desk.owner.address, permit)


def balance(desk, account):
    return desk.settlement.balance_of(account.address, desk.at.base)


@pytest.mark.parametrize("who", ["owner", "stranger", "filler"])
def test_credits_the_owner_whoever_sends_it(desk, who):
    sender = getattr(desk, who)
    before, held = balance(desk, desk.owner), desk.held(desk.base)
    others = balance(desk, desk.filler), balance(desk, desk.stranger)
    receipt = send(desk, sender, desk.permit(desk.base, 3 * BASE))
    assert balance(desk, desk.owner) == before + 3 * BASE
    assert desk.held(desk.base) == held + 3 * BASE
    assert (balance(desk, desk.filler), balance(desk, desk.stranger)) == others
    assert [event for event in receipt.events if isinstance(event, Deposited)] == [
        Deposited(desk.owner.address, desk.at.base, payer=desk.owner.address, amount=3 * BASE)
    ]


def test_leaves_no_allowance_behind(desk):
    send(desk, desk.stranger, desk.permit(desk.base, 3 * BASE))
    assert desk.base.call("allowance", desk.owner.address, desk.settlement.address)[0] == 0


@pytest.mark.parametrize(
    "terms",
    [
        {"spender": "0x" + "11" * 20},
        {"chain_id": 1},
        {"nonce": 1},
        {"deadline": 1},
        {"token": "0x" + "11" * 20},
    ],
    ids=lambda terms: next(iter(terms)),
)
def test_refuses_a_permit_for_anything_else(desk, reverts, terms):
    wrong = desk.permit(desk.base, BASE, **terms)
    with reverts("PermitRefused", token=desk.at.base, owner=desk.owner.address):
        send(desk, desk.stranger, wrong)


def test_refuses_another_amount_than_was_signed(desk, reverts):
    permit = desk.permit(desk.base, BASE)
    more = Permit(amount=BASE + 1, deadline=permit.deadline, v=permit.v, r=permit.r, s=permit.s)
    with reverts("PermitRefused", token=desk.at.base, owner=desk.owner.address):
        send(desk, desk.stranger, more)


def test_refuses_the_permit_of_somebody_else(desk, reverts):
    with reverts("PermitRefused", token=desk.at.base, owner=desk.owner.address):
        send(desk, desk.stranger, desk.permit(desk.base, BASE, key=desk.other))


def test_works_once(desk, reverts):
    permit = desk.permit(desk.base, BASE)
    send(desk, desk.stranger, permit)
    with reverts("PermitRefused", token=desk.at.base, owner=desk.owner.address):
        send(desk, desk.stranger, permit)


def test_an_owner_goes_on_where_somebody_has_used_up_the_permit_before(desk):
    permit = desk.permit(desk.base, BASE)
    terms = (desk.owner.address, desk.settlement.address, permit.amount, permit.deadline)
    desk.base.send(desk.stranger, "permit", *terms, permit.v, permit.r, permit.s)
    before = balance(desk, desk.owner)
    send(desk, desk.owner, permit)
    assert balance(desk, desk.owner) == before + BASE


def test_nobody_else_may_spend_an_allowance_that_stands_already(desk, reverts):
    desk.base.approve(desk.owner, desk.settlement.address, 2**256 - 1)
    with reverts("PermitRefused", token=desk.at.base, owner=desk.owner.address):
        send(desk, desk.stranger, NONE)


def test_a_token_that_answers_everything_has_accepted_no_permit(desk, reverts):
    token = desk.deploy("PhantomPermitToken", kind=TokenContract)
    token.mint(desk.owner, desk.owner.address, BASE)
    token.approve(desk.owner, desk.settlement.address, 2**256 - 1)
    with reverts("PermitRefused", token=token.address, owner=desk.owner.address):
        send(desk, desk.stranger, NONE, token=token)
    assert token.balance_of(desk.owner.address) == BASE


def test_a_token_without_permits_is_refused_even_to_its_owner(desk, reverts):
    token = desk.deploy("FreeToken", kind=TokenContract)
    token.mint(desk.owner, desk.owner.address, BASE)
    token.approve(desk.owner, desk.settlement.address, BASE)
    with reverts():
        send(desk, desk.owner, NONE, token=token)


def test_an_owner_without_a_permit_and_without_an_allowance_hears_it_from_the_token(desk, reverts):
    with reverts("ERC20InsufficientAllowance", spender=desk.settlement.address, allowance=0, needed=BASE):
        send(desk, desk.owner, NONE)


def test_a_mandate_need_cost_its_owner_no_gas(desk, signal):
    """From tokens in a wallet to an open trade, without a transaction of the owner's."""
    nonce = desk.chain.request("eth_getTransactionCount", desk.owner.address, "latest")
    draft = desk.draft()
    send(desk, desk.stranger, desk.permit(desk.base, BASE))
    desk.settlement.create_for(desk.stranger, draft, desk.sign_mandate(draft))
    desk.open(signal(), draft)
    assert desk.settlement.state_of(draft.id).trading
    assert desk.chain.request("eth_getTransactionCount", desk.owner.address, "latest") == nonce
