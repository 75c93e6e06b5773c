// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title The part of a Chainlink-style price feed that is read here
/// @notice Declared here so that no package is needed for five lines.
interface IAggregatorV3 {
    /// @notice Digits after the point in `answer`.
    /// @return How many.
    function decimals() external view returns (uint8);

    /// @notice The latest round.
    /// @return roundId Number of the round.
    /// @return answer Price of one whole base token in whole quote tokens, times 10 ** decimals().
    /// @return startedAt Unix seconds at which the round started.
    /// @return updatedAt Unix seconds at which the answer was computed.
    /// @return answeredInRound Deprecated by Chainlink; equals `roundId`.
    function latestRoundData()
        external
        view
        returns (uint80 roundId, int256 answer, uint256 startedAt, uint256 updatedAt, uint80 answeredInRound);
}
