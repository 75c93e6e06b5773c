"""Authority on what can be wrong with an offer that might settle otherwise: one thing at a time, just beyond its edge."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

from agent.chain.values import Fill, Side

from .aims import SMALLEST_AMOUNT, Aims, Closing, Opening
from .outside import malleated

Offer = TypeVar("Offer", Opening, Closing)
ELSEWHERE = b"\x77" * 32


# ---- of the signal


def another_model(machine: Aims, offer: Opening) -> Opening:
    others = [model for model in machine.keys if model != offer.signal.model]
    return _signal(offer, model=others[0])


def no_model(machine: Aims, offer: Opening) -> Opening:
    return _signal(offer, model=ELSEWHERE)


def another_market(machine: Aims, offer: Opening) -> Opening:
    others = [market.id for market in machine.stage.markets.values() if market.id != offer.signal.market]
    return _signal(offer, market=others[0])


def the_other_side(machine: Aims, offer: Opening) -> Opening:
    return _signal(offer, side=Side(1 - offer.signal.side))


def no_accepted_pattern(machine: Aims, offer: Opening) -> Opening:
    return _signal(offer, patterns=~offer.fills[0].mandate.patterns % 2**32)


def too_little_confidence(machine: Aims, offer: Opening) -> Opening:
    return _signal(offer, confidence_bps=max(0, offer.signal.confidence_bps - 1))


def a_bar_of_the_future(machine: Aims, offer: Opening) -> Opening:
    return _signal(offer, bar_time=offer.at + 1)


def a_stale_bar(machine: Aims, offer: Opening) -> Opening:
    return _signal(offer, bar_time=max(0, offer.at - offer.fills[0].mandate.max_signal_age - 1))


def a_used_bar(machine: Aims, offer: Opening) -> Opening:
    return _signal(offer, bar_time=machine.book.state_of(offer.fills[0].mandate.id).usable_from - 1)


def an_expired_signal(machine: Aims, offer: Opening) -> Opening:
    return _signal(offer, valid_until=offer.at - 1)


# ---- of the evidence


def a_strangers_signature(machine: Aims, offer: Opening) -> Opening:
    return replace(offer, evidence=machine.sign(offer.signal, key=machine.people["stranger"]))


def signed_for_another_chain(machine: Aims, offer: Opening) -> Opening:
    return replace(offer, evidence=machine.sign(offer.signal, chain_id=machine.chain.chain_id + 1))


def signed_for_another_registry(machine: Aims, offer: Opening) -> Opening:
    return replace(offer, evidence=machine.sign(offer.signal, registry=machine.book.address))


def signed_for_another_contract(machine: Aims, offer: Opening) -> Opening:
    return replace(offer, evidence=machine.sign(offer.signal, settlement=machine.registry.address))


def signed_before_a_change(machine: Aims, offer: Opening) -> Opening:
    return replace(offer, evidence=machine.sign(replace(offer.signal, inputs=ELSEWHERE)))


def a_malleated_signature(machine: Aims, offer: Opening) -> Opening:
    return replace(offer, evidence=malleated(machine.sign(offer.signal)))


def half_a_signature(machine: Aims, offer: Opening) -> Opening:
    return replace(offer, evidence=machine.sign(offer.signal)[:64])


def a_replayed_signature(machine: Aims, offer: Opening) -> Opening:
    return replace(offer, evidence=machine.evidence[-1])


# ---- of the fill, at the open


def too_little(machine: Aims, offer: Opening) -> Opening:
    return _fill(offer, given=max(0, offer.fills[0].mandate.min_amount - 1))


def nothing_given(machine: Aims, offer: Opening) -> Opening:
    return _fill(offer, given=0)


def a_unit_too_little_for_anybody(machine: Aims, offer: Opening) -> Opening:
    """What is given is below what anybody may give."""
    return _fill(offer, given=SMALLEST_AMOUNT - 1)


def a_unit_too_little_in_return(machine: Aims, offer: Opening) -> Opening:
    """What is taken is below what anybody may take."""
    return _fill(offer, taken=SMALLEST_AMOUNT - 1)


def the_smallest_amounts(machine: Aims, offer: Opening) -> Opening:
    """Good for the owner, who gives next to nothing; and nothing is wrong with them."""
    return _fill(offer, given=SMALLEST_AMOUNT, taken=max(SMALLEST_AMOUNT, offer.fills[0].taken))


def too_much(machine: Aims, offer: Opening) -> Opening:
    return _fill(offer, given=min(2**128 - 1, offer.fills[0].mandate.max_amount + 1))


def more_than_the_owner_has(machine: Aims, offer: Opening) -> Opening:
    mandate = offer.fills[0].mandate
    given = min(2**128 - 1, machine.book.balances[mandate.owner, mandate.given_token] + 1)
    offer = _fill(offer, given=given)
    return _fill(offer, taken=machine.least(offer))


def before_the_ramp_is_over(machine: Aims, offer: Opening) -> Opening:
    """A second too early for the worst that the owner will accept."""
    mandate = offer.fills[0].mandate
    oldest = machine.book.state_of(mandate.id).usable_from
    offer = _signal(offer, bar_time=min(offer.at, max(oldest, offer.at - mandate.ramp + 1)))
    return _fill(offer, taken=machine.least(offer, ramp=False))


def more_than_the_filler_has(machine: Aims, offer: Opening) -> Opening:
    fill = offer.fills[0]
    return _fill(offer, taken=machine.book.balances[fill.filler, fill.mandate.taken_token] + 1)


def softened_criteria(machine: Aims, offer: Opening) -> Opening:
    return _fill(offer, mandate=replace(offer.fills[0].mandate, max_slippage_bps=9_998), taken=1)


# ---- of the fill, at the open and at the close


def a_unit_too_little(machine: Aims, offer: Any) -> Any:
    """One unit less than the worst that the owner accepts."""
    return _fill(offer, taken=max(0, machine.least(offer) - 1))


def filled_by_the_owner(machine: Aims, offer: Any) -> Any:
    return _fill(offer, filler=offer.fills[0].mandate.owner)


def anothers_deposit(machine: Aims, offer: Any) -> Any:
    """Of somebody who never let the caller act."""
    caller, owner = offer.caller.address, offer.fills[0].mandate.owner
    others = [
        each.address
        for each in machine.people.values()
        if each.address not in (caller, owner) and not machine.book.may_fill(caller, each.address)
    ]
    return _fill(offer, filler=others[0]) if others else offer


def another_filler_than_is_named(machine: Aims, offer: Any) -> Any:
    """The caller itself, where it is neither the one that is named nor the owner; or anybody who is neither."""
    mandate = offer.fills[0].mandate
    people = (offer.caller, *machine.people.values())
    others = [each.address for each in people if each.address not in (mandate.filler, mandate.owner)]
    return _fill(offer, filler=others[0])


def a_stranger(machine: Aims, offer: Any) -> Any:
    return replace(offer, caller=machine.people["stranger"])


def a_penniless_filler(machine: Aims, offer: Any) -> Any:
    stranger = machine.people["stranger"]
    return replace(_fill(offer, filler=stranger.address), caller=stranger)


def nobody_created_it(machine: Aims, offer: Any) -> Any:
    return _fill(offer, mandate=replace(offer.fills[0].mandate, salt=ELSEWHERE))


# ---- of the close


def a_unit_more_than_was_taken(machine: Aims, offer: Closing) -> Closing:
    return _fill(offer, given=min(2**128 - 1, offer.fills[0].given + 1))


def a_unit_less_than_was_taken(machine: Aims, offer: Closing) -> Closing:
    return _fill(offer, given=max(0, offer.fills[0].given - 1))


def of_another_market(machine: Aims, offer: Closing) -> Closing:
    others = [market for market in machine.stage.markets.values() if market != offer.market]
    return replace(offer, market=others[0])


def nothing_to_close(machine: Aims, offer: Closing) -> Closing:
    idle = [
        each
        for each in machine.mandates
        if each.market == offer.market and not machine.book.state_of(each.id).trading
    ]
    return _fill(offer, mandate=idle[0]) if idle else offer


def an_owner_who_left(machine: Aims, offer: Closing) -> Closing:
    """All that it has of what the trade took is withdrawn: the trade holds its own, and closes."""
    mandate = offer.fills[0].mandate
    owner, token = machine.named(mandate.owner), mandate.taken_token
    balance = machine.book.balances[owner.address, token]
    machine.call(owner, "withdraw", token, balance, owner.address)
    return replace(offer, at=max(offer.at, machine.book.now + 1))


def _signal(offer: Opening, **changes: Any) -> Opening:
    return replace(offer, signal=replace(offer.signal, **changes))


def _fill(offer: Offer, **changes: Any) -> Offer:
    fill: Fill = replace(offer.fills[0], **changes)
    return replace(offer, fills=(fill, *offer.fills[1:]))


Flaw = Callable[[Aims, Any], Any]

# Some need much to come together before they show: they are tried more often.
AT_BOTH: tuple[Flaw, ...] = (
    a_unit_too_little,
    a_unit_too_little,
    a_unit_too_little,
    filled_by_the_owner,
    another_filler_than_is_named,
    another_filler_than_is_named,
    anothers_deposit,
    a_stranger,
    a_penniless_filler,
    nobody_created_it,
)
AT_OPEN: tuple[Flaw, ...] = (
    *AT_BOTH,
    another_model,
    no_model,
    another_market,
    the_other_side,
    no_accepted_pattern,
    too_little_confidence,
    a_bar_of_the_future,
    a_stale_bar,
    a_used_bar,
    an_expired_signal,
    a_strangers_signature,
    signed_for_another_chain,
    signed_for_another_registry,
    signed_for_another_contract,
    signed_before_a_change,
    a_malleated_signature,
    half_a_signature,
    a_replayed_signature,
    too_little,
    nothing_given,
    a_unit_too_little_for_anybody,
    a_unit_too_little_in_return,
    the_smallest_amounts,
    too_much,
    too_much,
    before_the_ramp_is_over,
    before_the_ramp_is_over,
    more_than_the_owner_has,
    more_than_the_owner_has,
    more_than_the_filler_has,
    softened_criteria,
)
AT_CLOSE: tuple[Flaw, ...] = (
    *AT_BOTH,
    a_unit_more_than_was_taken,
    a_unit_less_than_was_taken,
    of_another_market,
    nothing_to_close,
    an_owner_who_left,
)
