"""Authority on what hypothesis may choose: names and numbers, from which the rules make values that fit the state."""

from __future__ import annotations

from hypothesis import strategies as st

from agent.chain.values import Side

from .criteria import HIGHEST_PRICE
from .outside import YES
from .stage import PRICE
from .tokens import Mood


def often(usual: list[object], rare: list[object], *, times: int) -> st.SearchStrategy:
    """Values of which the usual ones are `times` as likely, all together, as the rare ones."""
    weight = max(1, times * len(rare) // len(usual))
    return st.sampled_from(usual * weight + rare)


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


# Fields of a mandate: as they are, but for `expiry`, which is seconds from its creation, price bounds, which are parts of a
# million of the price at that time (0 for no bound), and `like`, another mandate that takes the same signals.
TERMS = st.fixed_dictionaries(
    {
        "owner": often(["owner", "other"], ["filler", "chameleon", "wallet"], times=3),
        "like": PICK | PICK | st.none(),
        "market": MARKET,
        "source": often(["registry"], ["source"], times=3),
        "model": PICK,
        "side": st.sampled_from(Side),
        "patterns": st.sampled_from([0, 1, 0b0110, 2**32 - 1]),
        "min_confidence_bps": st.sampled_from([0, 6_000, 10_000]),
        "max_slippage_bps": st.sampled_from([0, 50, 300, 9_999]),
        "take_profit_bps": st.sampled_from([1, 200, 9_999]),
        "stop_loss_bps": st.sampled_from([1, 100, 9_999]),
        "horizon": st.sampled_from([1, 600, 3_600, 2**32 - 1]),
        "cooldown": often([0, 1], [60, 3_600, 2**32 - 1], times=3),
        "max_signal_age": st.sampled_from([0, 1, 600, 2**32 - 1]),
        "max_price_age": often([86_400, 2**32 - 1], [1, 60], times=4),
        "min_amount": st.sampled_from([0, 0, 1, 10**9]),
        "max_amount": st.sampled_from([10**10, 10**19, 2**128 - 1]),
        "min_price": often([0], [900_000, 1_000_000, 1_000_001], times=4),
        "max_price": often([0], [999_999, 1_000_000, 1_100_000], times=4),
        "loss_limit": often([2**128 - 1, 10**24], [1, 10**6], times=2),
        "expiry": often([10**8, 10**9], [1, 600, 100_000], times=4),
        "salt": PICK,
    }
)

# What makes a mandate contradict itself.
CONTRADICTIONS = st.sampled_from(
    [
        {"base": "zero"},
        {"quote": "zero"},
        {"quote": "base"},
        {"oracle": "zero"},
        {"source": "zero"},
        {"min_confidence_bps": 10_001},
        {"max_slippage_bps": 10_000},
        {"take_profit_bps": 0},
        {"take_profit_bps": 10_000},
        {"stop_loss_bps": 0},
        {"stop_loss_bps": 10_000},
        {"horizon": 0},
        {"max_amount": 0},
        {"min_amount": 10**10 + 1, "max_amount": 10**10},
        {"min_price": 1_000_001, "max_price": 1_000_000},
        {"loss_limit": 0},
        {"expiry": 0},
        {"expiry": -1},
    ]
)

# Amounts at an open: of what the owner may give and has, in parts of a million.
SIZE = often([100, 1_000, 10_000], [0, 200_000, 1_000_000], times=4)
# How good a fill is for the owner: at the edge of slippage, fair, more than fair, or, at a close, just what makes the loss reach
# its limit.
KINDNESS = st.sampled_from(["least", "fair", "more", "limit"])
# How a price jumps, in parts of a million.
JUMP = st.sampled_from([500_000, 900_000, 980_000, 999_000, 1_000_000, 1_001_000, 1_020_000, 1_100_000, 2_000_000])
# When something is sent: soon, or at an edge of what the mandate allows.
MOMENT = often([0], list(range(1, 9)), times=3)
# What an oracle and a source say when they should not be asked.
PRICES = st.sampled_from([PRICE, PRICE, PRICE, 0, 1, HIGHEST_PRICE, HIGHEST_PRICE + 1, 2**256 - 1])
AGES = st.sampled_from([0, 0, 1, 100_000, -1, -10])
WORDS = st.sampled_from([2, 2, 1, 0])
ANSWERS = st.sampled_from([YES, YES, bytes(32), (2).to_bytes(32), YES * 2, b"", YES[:31]])
# How a token behaves, what it calls in the middle of a transfer, and how much of what it holds a contract loses.
MOOD = st.sampled_from([*Mood, Mood.CALLS_BACK, Mood.CALLS_BACK])
CALL_BACK = st.sampled_from(["deposit", "withdraw", "authorize", "cancel"])
SHRINKAGE = often([0], [1, 500_000, 1_000_000], times=2)
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
