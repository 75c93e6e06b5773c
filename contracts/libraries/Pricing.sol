// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {Mandate, Side, Trade} from "../interfaces/ISettlement.sol";

/// @title Pricing
/// @notice Amounts against prices. Prices are quote per base in smallest units, scaled by 1e36.
library Pricing {
    uint256 internal constant SCALE = 1e36;
    /// @dev Up to here, no amount of 128 bits overflows when it is priced.
    uint256 internal constant MAX_PRICE = uint256(type(uint128).max) * SCALE;
    uint256 private constant BPS = 1e4;

    /// @dev The least an owner may receive: the oracle price less slippage, rounded up, so in the owner's favour.
    function leastTaken(uint256 given, bool givesBase, uint256 price, uint256 slippageBps)
        internal
        pure
        returns (uint256)
    {
        uint256 fair = givesBase
            ? Math.mulDiv(given, price, SCALE, Math.Rounding.Ceil)
            : Math.mulDiv(given, SCALE, price, Math.Rounding.Ceil);
        return fair - Math.mulDiv(fair, slippageBps, BPS);
    }

    /// @dev The prices at which a trade takes its profit and stops its loss, measured from what was really paid.
    function barriers(Mandate calldata mandate, Trade storage trade)
        internal
        view
        returns (uint256 takeProfit, uint256 stopLoss)
    {
        bool long = mandate.side == Side.Long;
        (uint256 base, uint256 quote) = long ? (trade.taken, trade.given) : (trade.given, trade.taken);
        uint256 entry = quote * SCALE / base; // a quote of 128 bits cannot overflow
        takeProfit = Math.mulDiv(entry, long ? BPS + mandate.takeProfitBps : BPS - mandate.takeProfitBps, BPS);
        stopLoss = Math.mulDiv(entry, long ? BPS - mandate.stopLossBps : BPS + mandate.stopLossBps, BPS);
    }
}
