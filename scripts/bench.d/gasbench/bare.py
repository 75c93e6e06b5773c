"""Authority on the bare comparison: what a deposit and a withdrawal cost at the least."""

from __future__ import annotations

from pathlib import Path

from agent.chain.compile import compile_sources
from agent.chain.contracts import Contract, TokenContract
from gasbench.market import BASE, UNLIMITED, Market
from gasbench.rows import Group, Row

ROOT = Path(__file__).parents[3]


def measure(market: Market) -> list[Row]:
    """Measure with a token of a market."""
    compiled = compile_sources(ROOT / "tests" / "contracts" / "sol", ["Bare.sol"], include=[ROOT / "contracts"])
    bare = Contract.deploy(market.chain, market.people.publisher, compiled=compiled["Bare"])
    filler, token = market.people.filler, market.at.base
    TokenContract(market.chain, token).approve(filler, bare.address, UNLIMITED)

    def used(function: str, amount: int) -> int:
        return bare.send(filler, function, token, amount, filler.address, gas=200_000).gas_used

    used("deposit", BASE)
    return [
        Row(
            Group.BARE,
            "deposit",
            used("deposit", BASE),
            "`transferFrom`, then one write in a ledger like ours: no event, no guard, no look at what arrived. Steady.",
        ),
        Row(
            Group.BARE,
            "withdraw",
            used("withdraw", BASE),
            "One write in that ledger, then `transfer`: no event, no guard. Steady.",
        ),
    ]
