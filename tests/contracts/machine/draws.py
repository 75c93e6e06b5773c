"""Authority on what hypothesis may choose: names and numbers, from which the rules make values that fit the state."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st

from agent.chain.values import Side

from .criteria import HIGHEST_PRICE, LOWEST_PRICE
from .outside import YES
from .stage import PRICE
from .tokens import Mood


def often(usual: Sequence[Any], rare: Sequence[Any], *, times: int) -> st.SearchStrategy[Any]:
    """Values of which the usual ones are `times` as likely, all together, as the rare ones."""
    weight = max(1, times * len(rare) // len(usual))
    return st.sampled_from([*usual] * weight + [*rare])


MILLION = 10**6

# Chosen from whatever there is at the time, modulo its number.
PICK = st.integers(0, 2**16 - 1)
PICKS = st.lists(PICK, min_size=2, max_size=4)

PEOPLE = ["owner", "other", "filler", "operator", "stranger", "publisher", "chameleon", "wallet"]
ANYBODY = st.sampled_from(PEOPLE)
HONEST_TOKEN = st.sampled_from(["base", "quote"])
TOKEN = st.sampled_from(["base", "quote", "chameleon"])
MARKET = st.sampled_from(["feed", "puppet", "hostile"])

TRADERS = ["owner", "other", "filler"]
TRADER = st.sampled_from(TRADERS)
DEPOSITOR = often(TRADERS, ["stranger", "wallet"], times=4)
DEPOSITED = often(["base", "quote", "chameleon"], ["none"], times=8)
PERMITTED = often(["base", "quote", "chameleon"], ["none"], times=8)
FOR_WHOM = often([None], [*PEOPLE, "nobody"], times=1)
# To whom a withdrawal goes.
RECEIVER = often([None, None, None, *PEOPLE], ["contract", "nobody"], times=6)
# What is wrong with a permit.
PERMIT_TRICK = often(
    ["none"],
    ["strangers", "another chain", "another spender", "another amount", "another nonce", "malleated"]
    + 3 * ["used up"],
    times=1,
)

# How much of what there is, in parts of a million; and beyond it.
PART = st.sampled_from([0, 1, 10_000, 500_000, 1_000_000])
PART_OR_MORE = st.sampled_from([1, 10_000, 250_000, 1_000_000, 1_000_001, 2_000_000])


# Fields of a mandate: as they are, but for
# - `expiry`, which is seconds from its creation,
# - price bounds, which are parts of a million of the price at that time (0 for no bound),
# - barriers, which are basis points beyond the nearest that slippage does not reach, as far as there may be any,
# - `ramp`, of which no more is taken than signals may be old,
# - amounts, which are of quote; those of a Short are what these are worth in base,
# - and `like`, another mandate that takes the same signals.
TERMS = st.fixed_dictionaries(
    {
        "owner": often(["owner", "other"], ["filler", "chameleon", "wallet"], times=3),
        "filler": often([None], ["filler", "filler", "other", "stranger"], times=1),
        "like": PICK | PICK | st.none(),
        "market": MARKET,
        "source": often(["registry"], ["source", "other source"], times=3),
        "model": PICK,
        "side": st.sampled_from(Side),
        "patterns": st.sampled_from([0, 1, 0b0110, 2**32 - 1]),
        "min_confidence_bps": st.sampled_from([0, 6_000, 10_000]),
        "max_slippage_bps": st.sampled_from([0, 50, 300, 4_999]),
        "ramp": often([0], [1, 7, 600, 2**32 - 1], times=1),
        "take_profit_bps": st.sampled_from([0, 200, 2**16]),
        "stop_loss_bps": st.sampled_from([0, 100, 2**16]),
        "horizon": st.sampled_from([1, 600, 3_600, 2**32 - 1]),
        "cooldown": often([0, 1], [60, 3_600, 2**32 - 1], times=3),
        "max_signal_age": st.sampled_from([0, 1, 600, 2**32 - 1]),
        "max_price_age": often([86_400, 2**32 - 1], [1, 60], times=4),
        "min_amount": st.sampled_from([0, 0, 1, 10**9]),
        "max_amount": often([10**10, 10**13, 2**128 - 1], [10**9], times=4),
        "min_price": often([0], [900_000, 1_000_000, 1_000_001], times=4),
        "max_price": often([0], [999_999, 1_000_000, 1_100_000], times=4),
        "drawdown_limit": often([2**128 - 1, 10**24], [1, 10**6], times=2),
        "expiry": often([10**8, 10**9], [1, 600, 100_000], times=4),
        "salt": PICK,
    }
)

# What makes a mandate contradict itself: fields as above, but for those that end in `_at`, which are taken as they are.
CONTRADICTIONS = st.sampled_from(
    [
        {"base": "zero"},
        {"quote": "zero"},
        {"quote": "base"},
        {"oracle": "zero"},
        {"source": "zero"},
        {"min_confidence_bps": 10_001},
        {"max_slippage_bps": 10_000},
        {"filler_at": "owner"},
        {"max_signal_age": 0, "ramp_at": 1},
        {"max_signal_age": 600, "ramp_at": 601},
        {"take_profit_bps": -1},
        {"take_profit_at": 0},
        {"take_profit_at": 10_000, "side": Side.SHORT},
        {"stop_loss_bps": -1},
        {"stop_loss_at": 0},
        {"stop_loss_at": 10_000, "side": Side.LONG},
        {"max_slippage_bps": 5_000, "side": Side.LONG},
        {"horizon": 0},
        {"max_amount": 0, "min_amount": 0},
        {"max_amount_at": 99_999, "min_amount": 0},
        {"min_amount": 10**10 + 1, "max_amount": 10**10},
        {"min_price": 1_000_001, "max_price": 1_000_000},
        {"min_price_at": HIGHEST_PRICE + 1, "max_price": 0},
        {"min_price": 0, "max_price_at": LOWEST_PRICE - 1},
        {"drawdown_limit": 0},
        {"expiry": 0},
        {"expiry": -1},
    ]
)

# Amounts at an open: of what the owner may give and has, in parts of a million.
SIZE = often([100, 1_000, 10_000], [0, 200_000, 1_000_000], times=4)
# How good a fill is for the owner: at the edge of the slippage accepted just then, or when a ramp is over; fair, more than fair,
# or, at a close, just what makes the drawdown reach its limit.
KINDNESS = st.sampled_from(["least", "last", "fair", "more", "limit"])
# How a price jumps, in parts of a million.
JUMP = st.sampled_from([500_000, 900_000, 980_000, 999_000, 1_000_000, 1_001_000, 1_020_000, 1_100_000, 2_000_000])
# When something is sent: soon, or at an edge of what the mandate allows.
MOMENT = often([0], list(range(1, 9)), times=3)
# What an oracle and a source say when they should not be asked.
PRICES = st.sampled_from(
    [
        *(PRICE, PRICE, PRICE),
        *(0, 1, LOWEST_PRICE - 1, LOWEST_PRICE),
        *(HIGHEST_PRICE, HIGHEST_PRICE + 1, 2**256 - 1),
    ]
)
AGES = st.sampled_from([0, 0, 1, 100_000, -1, -10])
MUTE = often([False], [True], times=3)
BURNS = often([False], [True], times=5)
WORDS = st.sampled_from([2, 2, 1, 0])
ANSWERS = st.sampled_from([YES, YES, bytes(32), (2).to_bytes(32), YES * 2, b"", YES[:31]])
# How a token behaves, what it calls in the middle of a transfer, and how much of what it holds a contract loses.
MOOD = st.sampled_from([*Mood, Mood.CALLS_BACK, Mood.CALLS_BACK])
CALL_BACK = st.sampled_from(["deposit", "withdraw", "authorize", "cancel", "release"])
SHRINKAGE = often([0], [1, 500_000, 1_000_000], times=2)
# The sources of the mandates of a batch, in turn.
TURNS = st.sampled_from(
    [
        ("source", "registry", "source"),
        ("registry", "source", "registry"),
        ("source", "other source", "source", "other source"),
    ]
)
# The limit of a call that cannot pass 2,000,000 on, and has enough for all else.
LITTLE_GAS = 1_900_000
# How an owner ends a trade: as things are; with a dead oracle; with nothing left in the ledger; where there is no trade; of a
# mandate that nobody lodged; by somebody else.
LEAVING = often(
    ["as it is", "the oracle is dead", "nothing is left"], ["no trade", "unknown", "a stranger"], times=2
)
# What is wrong with the signature of a mandate, or happens to it before.
SIGNING_TRICK = often(
    ["right"],
    [
        "strangers",
        "another mandate",
        "another chain",
        "another contract",
        "malleated",
        "cut",
        "none",
    ]
    + 3 * ["cancelled before"],
    times=2,
)
