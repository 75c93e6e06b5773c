// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title Exact
/// @notice What the contracts work out by rounded division, said here by comparing whole products of 512 bits: no
/// division, no rounding, and nothing in common with the code under test.
library Exact {
    uint256 internal constant SCALE = 1e36;
    uint256 internal constant BPS = 1e4;

    /// @dev The whole product: high * 2**256 + low. By halves of 128 bits, as on paper.
    function product(uint256 a, uint256 b) internal pure returns (uint256 high, uint256 low) {
        unchecked {
            uint256 half = type(uint128).max;
            (uint256 a1, uint256 a0) = (a >> 128, a & half);
            (uint256 b1, uint256 b0) = (b >> 128, b & half);
            uint256 first = a0 * b0;
            uint256 middle = a1 * b0 + (first >> 128);
            uint256 other = a0 * b1 + (middle & half);
            high = a1 * b1 + (middle >> 128) + (other >> 128);
            low = (other << 128) | (first & half);
        }
    }

    /// @dev a * b <= c * d
    function atMost(uint256 a, uint256 b, uint256 c, uint256 d) internal pure returns (bool) {
        (uint256 high, uint256 low) = product(a, b);
        (uint256 otherHigh, uint256 otherLow) = product(c, d);
        return high < otherHigh || (high == otherHigh && low <= otherLow);
    }

    /// @dev Whether `taken` is as much as an owner must get who gives `given`. Slippage comes off what the price makes
    /// fair, rounded up; so `taken` must be fair for no less than `given`, once the slippage is put back on top.
    function isEnough(uint256 taken, uint256 given, bool givesBase, uint256 price, uint256 slippageBps)
        internal
        pure
        returns (bool)
    {
        uint256 fair = taken * BPS / (BPS - slippageBps);
        return givesBase ? atMost(given, price, fair, SCALE) : atMost(given, SCALE, fair, price);
    }

    /// @dev price <= floor(entry * share / BPS)
    function isAtMostShare(uint256 price, uint256 entry, uint256 share) internal pure returns (bool) {
        return atMost(price, BPS, entry, share);
    }

    /// @dev price >= floor(entry * share / BPS)
    function isAtLeastShare(uint256 price, uint256 entry, uint256 share) internal pure returns (bool) {
        return !atMost(price + 1, BPS, entry, share);
    }
}
