// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title A price that a contract may settle at
/// @notice One oracle serves one market. It says when its price was last updated and never hides how old that is:
/// judging the age is up to whoever asks.
/// @dev A dishonest oracle can move every trade of the mandates that name it, at the open within their `minPrice` and
/// `maxPrice`, at the close without bound. Owners choose it; nobody can change it afterwards.
interface IOracle {
    /// @notice The latest price.
    /// @dev An oracle that reverts, or answers with less than these two words, has no usable price. One that uses up its gas
    /// fails the call.
    /// @return price Smallest units of the quote token per smallest unit of the base token, scaled by 1e36, rounded
    /// down. Zero where the source of the price has none that can be used.
    /// @return updatedAt Unix seconds at which that price was last updated.
    function price() external view returns (uint256 price, uint256 updatedAt);
}
