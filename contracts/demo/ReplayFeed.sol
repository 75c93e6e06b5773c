// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IAggregatorV3} from "../interfaces/IAggregatorV3.sol";

/// @title ReplayFeed
/// @notice A Chainlink-style feed for local chains, into which its publisher replays prices.
contract ReplayFeed is IAggregatorV3 {
    /// @notice As Chainlink's aggregators log it.
    /// @param current The answer.
    /// @param roundId Number of the round.
    /// @param updatedAt Unix seconds at which it was pushed.
    event AnswerUpdated(int256 indexed current, uint256 indexed roundId, uint256 updatedAt);

    /// @notice Only the publisher may push.
    /// @param caller Who called.
    error NotPublisher(address caller);

    /// @notice Nothing has been pushed yet.
    error NoData();

    /// @dev One slot.
    struct Round {
        int128 answer;
        uint40 updatedAt;
        uint80 id;
    }

    /// @notice Who may push.
    address public immutable PUBLISHER;

    uint8 private immutable DECIMALS;
    Round private _latest;

    constructor(uint8 decimals_) {
        PUBLISHER = msg.sender;
        DECIMALS = decimals_;
    }

    /// @notice Publishes an answer, as of now.
    /// @param answer Price of one whole base token in whole quote tokens, times 10 ** decimals().
    function push(int128 answer) external {
        require(msg.sender == PUBLISHER, NotPublisher(msg.sender));
        uint80 id = _latest.id + 1;
        _latest = Round({answer: answer, updatedAt: uint40(block.timestamp), id: id});
        emit AnswerUpdated(answer, id, block.timestamp);
    }

    /// @inheritdoc IAggregatorV3
    function decimals() external view returns (uint8) {
        return DECIMALS;
    }

    /// @inheritdoc IAggregatorV3
    function latestRoundData()
        external
        view
        returns (uint80 roundId, int256 answer, uint256 startedAt, uint256 updatedAt, uint80 answeredInRound)
    {
        Round storage round = _latest;
        roundId = round.id;
        require(roundId != 0, NoData());
        updatedAt = round.updatedAt;
        return (roundId, round.answer, updatedAt, updatedAt, roundId);
    }
}
