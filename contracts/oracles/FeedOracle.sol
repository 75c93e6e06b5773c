// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20Metadata} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";

import {IAggregatorV3} from "../interfaces/IAggregatorV3.sol";
import {IOracle} from "../interfaces/IOracle.sol";

/// @title FeedOracle
/// @notice The price of a Chainlink-style feed in the units that settlement uses. It keeps nothing and has no owner.
/// @dev What can surprise a user: decimals are read once, so a proxy that later answers in others is read wrongly; a feed that
/// holds its answer between a least and a most goes on telling that while the market is beyond it; and after the sequencer of
/// a rollup was down, the first price is that from before. `maxPriceAge`, `minPrice` and `maxPrice` of a mandate are what an
/// owner has against these.
contract FeedOracle is IOracle {
    /// @notice The decimals of feed and tokens do not leave a whole factor between answer and price.
    /// @param feed Digits after the point of the feed's answer.
    /// @param base Digits after the point of the base token.
    /// @param quote Digits after the point of the quote token.
    error UnsupportedDecimals(uint8 feed, uint8 base, uint8 quote);

    /// @notice The feed that is read.
    IAggregatorV3 public immutable FEED;

    /// @notice The token that is priced. The settlement contract does not ask; whoever names this oracle in a market compares.
    address public immutable BASE;

    /// @notice The token that it is priced in.
    address public immutable QUOTE;

    /// @notice Price per unit of the feed's answer: 10 ** (36 + quote decimals - base decimals - feed decimals).
    uint256 public immutable FACTOR;

    /// @notice Reads the decimals once, and for good. That the feed quotes this base in this quote, nobody can check.
    /// @param feed Quotes one whole base token in whole quote tokens.
    /// @param base Token with `decimals()`.
    /// @param quote Token with `decimals()`.
    constructor(IAggregatorV3 feed, IERC20Metadata base, IERC20Metadata quote) {
        (uint8 feedDecimals, uint8 baseDecimals, uint8 quoteDecimals) =
            (feed.decimals(), base.decimals(), quote.decimals());
        uint256 up = 36 + uint256(quoteDecimals);
        uint256 down = uint256(baseDecimals) + feedDecimals;
        require(up >= down && up - down <= 76, UnsupportedDecimals(feedDecimals, baseDecimals, quoteDecimals));
        FEED = feed;
        BASE = address(base);
        QUOTE = address(quote);
        FACTOR = 10 ** (up - down);
    }

    /// @inheritdoc IOracle
    /// @dev An answer of zero or less is told as a price of zero, which nobody settles at.
    function price() external view returns (uint256, uint256) {
        (, int256 answer,, uint256 updatedAt,) = FEED.latestRoundData();
        return (answer > 0 ? uint256(answer) * FACTOR : 0, updatedAt);
    }
}
