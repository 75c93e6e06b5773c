"""What a trade costs beside the price: the spread of the barriers, and gas from stated figures."""

from __future__ import annotations

import math

from agent.errors import UsageError
from agent.evaluation.result import Costs
from agent.model.labels import Barriers

__all__ = ["DEFAULT_GAS_BPS", "GAS_ORIGIN", "costs_of"]

# What `patternsettle demo` pays at the median, and the size of its trades and price of its base token in quote.
_OPEN_GAS, _CLOSE_GAS = 91_920, 71_526
_TRADE, _NATIVE_PRICE = 1_000, 2_000
_GWEI_PER_GAS = 1

DEFAULT_GAS_BPS = round((_OPEN_GAS + _CLOSE_GAS) * _GWEI_PER_GAS * 1e-9 * _NATIVE_PRICE / _TRADE * 10_000, 2)
"""Gas of one trade in basis points of its size, where nothing else is stated."""

GAS_ORIGIN = (
    f"{_OPEN_GAS:,} gas to open and {_CLOSE_GAS:,} to close, at {_GWEI_PER_GAS} gwei, "
    f"with the native token at {_NATIVE_PRICE:,} and a trade of {_TRADE:,}"
)
"""Where that figure comes from."""


def costs_of(barriers: Barriers, *, gas_bps: float | None = None) -> Costs:
    """Return what trades at these barriers are charged.

    Parameters
    ----------
    barriers
        Their spread is charged at either end.
    gas_bps
        Gas of opening and closing together; None for `DEFAULT_GAS_BPS`.

    Raises
    ------
    UsageError
        Where the gas is no cost.
    """
    if gas_bps is None:
        return Costs(spread_bps=barriers.spread_bps, gas_bps=DEFAULT_GAS_BPS, gas_origin=GAS_ORIGIN)
    if not (math.isfinite(gas_bps) and 0 <= gas_bps < 10_000):
        raise UsageError(
            f"gas cannot cost {gas_bps} bps of a trade.", cure="Give 0 or more with --gas, and less than 10,000."
        )
    return Costs(spread_bps=barriers.spread_bps, gas_bps=float(gas_bps), gas_origin="as asked for")
