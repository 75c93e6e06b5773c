"""While the price stands: no fill at it or worse touches a barrier of price, and one that is better never loses there."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from agent.chain.contracts import TokenContract
from agent.chain.events import Closed, Opened
from agent.chain.values import LEAST_AMOUNT, Barrier, Reason, Side
from agent.errors import Reverted
from agent.model.labels import most_slippage_bps

MOST = 2**128 - 1
SCALE = 10**36
LEAST_PRICE = 10**9
FIELD = 2**16 - 1


@pytest.fixture
def market(desk):
    """A market of two tokens of which owner and filler have all that the ledger takes, and whose price can be any."""
    tokens = [desk.deploy("FreeToken", kind=TokenContract) for _ in range(2)]
    for token in tokens:
        for trader in (desk.owner, desk.filler):
            token.mint(trader, trader.address, MOST)
            token.approve(trader, desk.settlement.address, MOST)
            desk.settlement.deposit(trader, token.address, MOST)
    return replace(desk.puppet(SCALE), base=tokens[0].address, quote=tokens[1].address)


def exponential(least, most):
    """Whole numbers of all sizes, and most often the least there are: where rounding counts."""
    bits = st.integers(least.bit_length(), most.bit_length())
    wide = bits.flatmap(lambda size: st.integers(1 << (size - 1), (1 << size) - 1))
    return st.one_of(wide, st.integers(least, least + 1_000)).filter(lambda number: least <= number <= most)


@st.composite
def sound(draw):
    """Side, slippage and two barriers of which each is at most a little farther than it has to be, or anywhere."""
    side, slippage = draw(st.sampled_from(Side)), draw(st.one_of(st.integers(0, 400), st.integers(0, 8_675)))
    nearest = next_barrier(slippage)
    below = st.integers(nearest, 9_999) if nearest <= 9_999 else st.nothing()
    near = st.integers(nearest, nearest + 2)
    barriers = [draw(st.one_of(near, below)), draw(st.one_of(near, st.integers(nearest, FIELD)))]
    profit, stop = reversed(barriers) if side is Side.LONG else barriers
    lower = stop if side is Side.LONG else profit
    assume(lower <= 9_999 and profit <= FIELD)
    return {"side": side, "max_slippage_bps": slippage, "take_profit_bps": profit, "stop_loss_bps": stop}


def next_barrier(slippage):
    """The nearest barrier that can be lodged beside a slippage, counted as the rule is written."""
    barrier = 0
    while (10_000 - slippage) * (10_000 + barrier) < 100_010_000:
        barrier += 1
    return barrier


@st.composite
def trades(draw):
    """Terms, a price, and an amount to give of which neither end is dust, nor more than the contract counts."""
    terms, price = draw(sound()), draw(exponential(LEAST_PRICE, MOST * SCALE))
    worth = 2 * LEAST_AMOUNT
    least = worth * price // SCALE if terms["side"] is Side.LONG else worth * SCALE // price
    most = MOST * price // SCALE if terms["side"] is Side.LONG else MOST * SCALE // price
    least, most = max(worth, least), min(MOST, most) // 4
    assume(least < most)
    return terms, price, draw(exponential(least, most))


def fair(given_, price, *, gives_base):
    """What an amount is worth, rounded up."""
    return -(-given_ * price // SCALE) if gives_base else -(-given_ * SCALE // price)


def opened(desk, market, terms, price, given_, taken):
    """A mandate of these terms whose trade was opened at this price, with these amounts."""
    desk.set_puppet(market, price)
    mandate = desk.mandate(market=market, max_price_age=10**9, drawdown_limit=MOST, **terms)
    fill = desk.fill(mandate, given=given_, taken=taken)
    event = desk.open(desk.signal(side=mandate.side, market=market.id), fill).events[-1]
    assert type(event) is Opened, event
    return mandate


# The market is the same for all examples, and what each does to it is undone.
a_trade = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
NEAREST = {"max_slippage_bps": 0, "take_profit_bps": 1, "stop_loss_bps": 1}
WIDE = {"max_slippage_bps": 875, "take_profit_bps": 960, "stop_loss_bps": 960}  # exactly as far as it must be


@settings(a_trade, max_examples=20)
@example(({"side": Side.LONG, **NEAREST}, LEAST_PRICE, 2 * LEAST_AMOUNT), 0)
@example(({"side": Side.SHORT, **NEAREST}, LEAST_PRICE, 2 * LEAST_AMOUNT * 10**27), 0)
@example(({"side": Side.LONG, **NEAREST}, SCALE + 1, 110_001), 0)
@example(({"side": Side.SHORT, **NEAREST}, SCALE - 1, 110_001), 0)
@example(({"side": Side.LONG, **WIDE}, 3 * SCALE, 333_333), 0)
@example(({"side": Side.SHORT, **WIDE}, SCALE // 3, 333_333), 0)
@example(({"side": Side.SHORT, **WIDE}, LEAST_PRICE, 2 * LEAST_AMOUNT * 10**27), 0)
@given(trade=trades(), share=st.integers(0, 100))
def test_no_fill_at_the_price_or_worse_touches_a_barrier_at_an_unmoved_price(desk, market, trade, share):
    """`share` is how much of the slippage accepted is left to the owner, from the worst price on, in percent."""
    terms, price, given_ = trade
    short = terms["side"] is Side.SHORT
    at_price = fair(given_, price, gives_base=short)
    least = at_price - at_price * terms["max_slippage_bps"] // 10_000
    mandate = opened(desk, market, terms, price, given_, least + (at_price - least) * share // 100)
    closing = desk.closing(mandate, taken=1)
    assert desk.check_close(closing, market=market) == (Reason.NO_BARRIER, Barrier.NONE)


@settings(a_trade, max_examples=20)
@example(({"side": Side.LONG, **NEAREST}, LEAST_PRICE, 2 * LEAST_AMOUNT), 2)
@example(({"side": Side.SHORT, **NEAREST}, LEAST_PRICE, 2 * LEAST_AMOUNT * 10**27), 2)
@example(({"side": Side.LONG, **WIDE}, 3 * SCALE, 333_333), 961)
@example(({"side": Side.SHORT, **WIDE}, SCALE // 3, 333_333), 1_062)
@given(trade=trades(), better_bps=st.one_of(st.integers(0, 1_000), st.integers(0, 30_000)))
def test_a_better_fill_never_closes_at_a_loss_at_an_unmoved_price(desk, market, trade, better_bps):
    terms, price, given_ = trade
    short = terms["side"] is Side.SHORT
    at_price = fair(given_, price, gives_base=short)
    taken = at_price + max(1, at_price * better_bps // 10_000)
    mandate = opened(desk, market, terms, price, given_, min(taken, MOST))
    held = desk.settlement.trade_of(mandate.id)[1]
    worth = fair(held, price, gives_base=not short)
    worst = desk.closing(mandate, taken=min(MOST, worth - worth * terms["max_slippage_bps"] // 10_000))
    [event] = desk.close(worst, market=market).events
    if isinstance(event, Closed):
        assert event.barrier is Barrier.TAKE_PROFIT
        assert event.taken > given_
    else:
        assert event.reason is Reason.NO_BARRIER


# ---- what a mandate may be lodged with, and what the Python side says of it


@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize(
    ("take_profit", "stop_loss"),
    [(1, 1), (1, 9_999), (9_999, 1), (100, 100), (101, 100), (960, 960), (9_999, 9_999)],
)
def test_the_most_slippage_that_python_says_is_the_most_that_create_accepts(
    desk, reverts, side, take_profit, stop_loss
):
    barriers = {"side": side, "take_profit_bps": take_profit, "stop_loss_bps": stop_loss}
    most = most_slippage_bps(take_profit, stop_loss)
    assert 0 <= most < min(take_profit, stop_loss)
    desk.settlement.create(desk.owner, desk.draft(max_slippage_bps=most, **barriers))
    nearer = "takeProfitBps" if take_profit <= stop_loss else "stopLossBps"
    with reverts("InvalidMandate", field=nearer):
        desk.settlement.create(desk.owner, desk.draft(max_slippage_bps=most + 1, **barriers))


@settings(max_examples=10)
@given(side=st.sampled_from(Side), take_profit=st.integers(1, 9_999), stop_loss=st.integers(1, 9_999))
def test_python_and_the_contract_agree_at_any_barriers(desk, side, take_profit, stop_loss):
    barriers = {"side": side, "take_profit_bps": take_profit, "stop_loss_bps": stop_loss}
    most = most_slippage_bps(take_profit, stop_loss)
    assert is_sound(desk, desk.draft(max_slippage_bps=most, **barriers))
    assert not is_sound(desk, desk.draft(max_slippage_bps=most + 1, **barriers))


@pytest.mark.parametrize("side", Side)
def test_without_room_for_a_barrier_python_says_that_no_slippage_can_be_lodged(desk, side):
    assert most_slippage_bps(0, 100) < 0
    for nothing in ({"take_profit_bps": 0}, {"stop_loss_bps": 0}):
        assert not is_sound(desk, desk.draft(side=side, max_slippage_bps=0, **nothing))


def is_sound(desk, draft):
    try:
        desk.settlement.call("create", draft, sender=desk.owner.address)
    except Reverted:
        return False
    return True
