// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {DemoToken} from "../../../contracts/demo/DemoToken.sol";
import {FeedOracle} from "../../../contracts/oracles/FeedOracle.sol";
import {Exact} from "../kit/Exact.sol";
import {World} from "../kit/World.sol";
import {vm} from "../kit/Cheats.sol";

/// @notice A feed that answers anything.
contract AnyFeed {
    uint8 public decimals;
    int256 private _answer;
    uint256 private _updatedAt;

    constructor(uint8 decimals_) {
        decimals = decimals_;
    }

    function set(int256 answer, uint256 updatedAt) external {
        (_answer, _updatedAt) = (answer, updatedAt);
    }

    function latestRoundData() external view returns (uint80, int256, uint256, uint256, uint80) {
        return (1, _answer, _updatedAt, _updatedAt, 1);
    }
}

/// @notice The price of a feed, in the units that settlement uses.
contract FeedTest is World {
    /// @dev One whole base token is worth `answer` / 10**feed whole quote tokens, so one smallest unit of base is worth
    /// answer * 10**quote / 10**(base + feed) smallest units of quote.
    function test_a_feeds_price_is_exact_in_any_decimals(
        int128 answer,
        uint8 feedDecimals,
        uint8 baseDecimals,
        uint8 quoteDecimals,
        uint40 updatedAt
    ) external {
        (feedDecimals, baseDecimals, quoteDecimals) = (feedDecimals % 25, baseDecimals % 25, quoteDecimals % 25);
        uint256 down = uint256(baseDecimals) + feedDecimals;
        vm.assume(36 + uint256(quoteDecimals) >= down);
        AnyFeed feed = new AnyFeed(feedDecimals);
        feed.set(answer, updatedAt);
        (DemoToken priced, DemoToken pricedIn) = (token("Base", baseDecimals), token("Quote", quoteDecimals));
        FeedOracle oracle = FeedOracle(deploy("ORACLE", abi.encode(feed, priced, pricedIn)));
        assert(oracle.BASE() == address(priced) && oracle.QUOTE() == address(pricedIn));
        try oracle.price() returns (uint256 price, uint256 time) {
            assert(time == updatedAt);
            assert(isExact(price, answer, 10 ** uint256(quoteDecimals), 10 ** down));
        } catch {
            // Only a price that no word can hold.
            (uint256 high,) = Exact.product(uint256(int256(answer)), oracle.FACTOR());
            assert(answer > 0 && high != 0);
        }
    }

    /// @dev price / 1e36 == answer * up / down, or zero where the answer is no price.
    function isExact(uint256 price, int256 answer, uint256 up, uint256 down) private pure returns (bool) {
        if (answer <= 0) return price == 0;
        uint256 whole = uint256(answer) * up;
        return Exact.atMost(price, down, whole, 1e36) && Exact.atMost(whole, 1e36, price, down);
    }
}
