"""An agent that holds the operator's key, and even the model's, tries everything; nothing it may not do succeeds."""

from __future__ import annotations

from dataclasses import replace

import pytest
from eth_abi import encode

from agent.chain.contracts import ModelsContract, SettlementContract
from agent.chain.events import Presented, Refused
from agent.chain.values import Reason
from agent.errors import Reverted

BASE = 10**18
QUOTE = 10**6


@pytest.fixture
def refuses(desk):
    """Opens as the agent would; nothing may move, and the reason must be this one."""

    def refusing(reason, signal, fill, **options):
        before = desk.stored()
        mandate = getattr(fill, "mandate", fill)
        assert desk.open(signal, fill, **options).events == [
            Presented(signal.model, signal.market, signal),
            Refused(mandate.id, reason),
        ]
        assert desk.stored() == before

    return refusing


def test_a_forged_signature(desk, mandate, signal, refuses):
    wanted = signal()
    refuses(Reason.NOT_VOUCHED, wanted, mandate(), evidence=desk.sign(wanted, key=desk.operator))


def test_a_real_signature_under_a_changed_signal(desk, mandate, signal, refuses):
    real = signal(confidence_bps=5_000)
    refuses(Reason.NOT_VOUCHED, replace(real, confidence_bps=9_000), mandate(), evidence=desk.sign(real))


def test_a_signal_signed_under_a_model_of_its_own(desk, mandate, signal, refuses):
    """Anyone may register a model; nobody's mandate names it."""
    desk.models.register(desk.operator, bytes(32), desk.operator.address)
    own = signal(model=desk.models.id_of(desk.operator.address, desk.operator.address, bytes(32)))
    refuses(Reason.WRONG_MODEL, own, mandate(), evidence=desk.sign(own, key=desk.operator))


def test_a_replayed_signal(desk, signal, refuses):
    mandate, used = desk.mandate(cooldown=0), signal()
    evidence = desk.sign(used)
    desk.open(used, mandate, evidence=evidence)
    refuses(Reason.TRADE_OPEN, used, mandate, evidence=evidence)
    desk.set_price("2040")
    desk.close(mandate)
    refuses(Reason.SIGNAL_USED, used, mandate, evidence=evidence)


def test_a_signal_from_before_the_mandate_was_created(desk, signal, refuses):
    """Nobody may look for a mandate's best past signal after the fact."""
    desk.travel(500)
    old = signal(bar_time=desk.now - 100)
    refuses(Reason.SIGNAL_USED, old, desk.mandate())


def test_a_signal_from_another_chain(desk, mandate, signal, refuses):
    wanted = signal()
    refuses(Reason.NOT_VOUCHED, wanted, mandate(), evidence=desk.sign(wanted, chain_id=desk.chain.chain_id + 1))


def test_a_signal_from_another_registry(desk, mandate, signal, refuses):
    wanted = signal()
    other = ModelsContract.deploy(desk.chain, desk.operator)
    refuses(Reason.NOT_VOUCHED, wanted, mandate(), evidence=desk.sign(wanted, registry=other.address))


def test_a_signal_from_another_settlement_contract(desk, mandate, signal, refuses):
    wanted = signal()
    other = SettlementContract.deploy(desk.chain, desk.operator)
    refuses(Reason.NOT_VOUCHED, wanted, mandate(), evidence=desk.sign(wanted, settlement=other.address))


def test_a_signal_for_another_market(desk, mandate, signal, refuses):
    elsewhere = replace(desk.market, oracle=desk.operator.address)
    refuses(Reason.WRONG_MARKET, signal(market=elsewhere.id), mandate())


def test_a_signal_from_the_future(desk, mandate, signal, refuses):
    early = signal()
    refuses(Reason.SIGNAL_FROM_FUTURE, early, mandate(), at=early.bar_time - 1)


def test_a_signal_that_was_kept_too_long(desk, mandate, signal, refuses):
    kept = signal(valid_until=2**40 - 1)
    refuses(Reason.SIGNAL_STALE, kept, mandate(max_signal_age=600), at=kept.bar_time + 601)


def test_confidence_below_the_mandates(desk, mandate, signal, refuses):
    refuses(Reason.LOW_CONFIDENCE, signal(confidence_bps=5_999), mandate(min_confidence_bps=6_000))


def test_a_price_beyond_slippage(desk, mandate, signal, refuses):
    greedy = desk.fill(mandate(max_slippage_bps=50), given=2_000 * QUOTE, taken=BASE * 995 // 1_000 - 1)
    refuses(Reason.SLIPPAGE, signal(), greedy)


def test_a_price_beyond_slippage_at_the_close(desk):
    trading = desk.trading(max_slippage_bps=50)
    desk.set_price("2040")
    greedy = desk.closing(trading, taken=2_040 * QUOTE * 995 // 1_000 - 1)
    before = desk.stored()
    assert desk.close(greedy).events == [Refused(trading.id, Reason.SLIPPAGE)]
    assert desk.stored() == before


def test_a_stale_price(desk, mandate, signal, refuses):
    desk.travel(10_000)
    refuses(Reason.PRICE_STALE, signal(), mandate(max_price_age=9_000))


def test_a_market_with_an_oracle_of_its_own(desk, mandate, signal, refuses):
    """The price of the mandate's own oracle counts; a fill cannot bring another."""
    rigged = desk.puppet(1)
    refuses(
        Reason.UNKNOWN_MANDATE,
        signal(market=rigged.id),
        desk.fill(replace(mandate(), market=rigged), given=QUOTE, taken=1),
    )


def test_a_mandate_with_softer_criteria_than_its_owner_created(desk, mandate, signal, refuses):
    softened = replace(mandate(max_slippage_bps=50), max_slippage_bps=9_999)
    refuses(Reason.UNKNOWN_MANDATE, signal(), desk.fill(softened, taken=1))


def test_after_expiry(desk, mandate, signal, refuses):
    late = signal()
    refuses(Reason.EXPIRED, late, mandate(expiry=late.bar_time), at=late.bar_time + 1)


def test_after_cancellation(desk, mandate, signal, refuses):
    cancelled = mandate()
    desk.settlement.cancel(desk.owner, cancelled)
    refuses(Reason.CANCELLED, signal(), cancelled)


def test_after_the_model_was_revoked(desk, mandate, signal, refuses):
    created = mandate()
    desk.models.revoke(desk.publisher, desk.model)
    refuses(Reason.NOT_VOUCHED, signal(), created)


def test_over_the_drawdown_limit(desk, signal, refuses):
    mandate = desk.trading(cooldown=0, drawdown_limit=20 * QUOTE)
    desk.set_price("1980")
    desk.close(mandate)
    refuses(Reason.DRAWDOWN_LIMIT, signal(), mandate)


def test_a_trade_closed_before_any_barrier(desk):
    trading = desk.trading()
    before = desk.stored()
    assert desk.close(trading).events == [Refused(trading.id, Reason.NO_BARRIER)]
    assert desk.stored() == before


def test_somebody_elses_deposit_as_the_filler(desk, mandate, signal, refuses):
    robbed = desk.fill(mandate(), filler=desk.other.address)
    refuses(Reason.FILLER_NOT_AUTHORIZED, signal(), robbed)


def test_the_owner_as_its_own_filler(desk, mandate, signal, refuses):
    desk.settlement.authorize(desk.owner, desk.operator.address)
    refuses(Reason.SELF_FILL, signal(), desk.fill(mandate(), filler=desk.owner.address))


def test_withdrawing_somebody_elses_balance(desk, reverts):
    before = desk.stored()
    with reverts("InsufficientBalance", account=desk.operator.address, balance=0, amount=1):
        desk.settlement.withdraw(desk.operator, desk.at.base, 1)
    assert desk.stored() == before


def test_a_mandate_in_somebody_elses_name(desk, reverts):
    with reverts("NotOwner", owner=desk.owner.address, caller=desk.operator.address):
        desk.settlement.create(desk.operator, desk.draft())


def test_the_most_that_a_thief_of_the_models_key_can_do(desk, signal):
    """Signing what it likes and filling it itself, it gets the slippage at each end, until the drawdown limit is reached."""
    mandate = desk.mandate(cooldown=0, max_slippage_bps=50, horizon=1, drawdown_limit=60 * QUOTE)
    before = desk.ledger()
    for _ in range(4):
        desk.open(signal(), desk.fill(mandate, given=2_000 * QUOTE, taken=BASE * 995 // 1_000))
        # What is worth 1,990 comes back as 1,980.05: the least that 50 bps allow, twice.
        desk.close(desk.closing(mandate, given=BASE * 995 // 1_000, taken=1_980_050_000))
    assert desk.open(signal(), mandate).events[-1] == Refused(mandate.id, Reason.DRAWDOWN_LIMIT)
    assert desk.ledger()["owner", "quote"] - before["owner", "quote"] == -4 * 19_950_000
    assert desk.ledger()["owner", "base"] == before["owner", "base"]


MANDATE_WORDS = 25


@pytest.mark.parametrize("word", range(MANDATE_WORDS))
@pytest.mark.parametrize("end", ["open", "close"])
def test_a_mandate_with_bits_that_its_types_do_not_have(desk, mandate, signal, end, word):
    """The contract hashes a mandate where it stands in the call data: nothing else may pass for the same mandate."""
    if end == "open":
        seen, created = signal(), mandate()
        data = desk.settlement.encode("open", seen, desk.sign(seen), [desk.fill(created)])
        desk.chain.set_next_time(seen.bar_time)
    else:
        created = desk.trading()
        desk.travel(created.horizon)
        data = desk.settlement.encode("close", desk.market, [desk.closing(created)])
    [place] = [at for at in range(4, len(data), 32) if data[at:].startswith(created_as(created))]
    changed = bytearray(data)
    changed[place + 32 * word] ^= 0x80
    before = desk.stored()
    try:
        receipt = desk.chain.send(desk.operator, desk.settlement.address, bytes(changed), gas=500_000)
    except Reverted:
        pass  # the bits cannot be read as what they should be
    else:
        assert [type(event) for event in receipt.events if not isinstance(event, Presented)] == [Refused]
    assert desk.stored() == before


def created_as(mandate):
    return encode([mandate.ABI_TYPE], [mandate.abi()])
