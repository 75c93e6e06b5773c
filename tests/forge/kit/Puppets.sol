// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IOracle} from "../../../contracts/interfaces/IOracle.sol";
import {ISignalSource} from "../../../contracts/interfaces/ISignalSource.sol";
import {Signal} from "../../../contracts/interfaces/ISettlement.sol";

/// @notice How a puppet answers.
enum Mood {
    Plain,
    Silent, // reverts
    Short, // one byte too few
    Garbled, // a word that is not an answer
    Spent // burns what gas it is given
}

/// @notice An oracle that says whatever it was last told.
contract PuppetOracle is IOracle {
    uint256 private _price;
    uint256 private _updatedAt;
    Mood private _mood;

    function set(uint256 price_, uint256 updatedAt, Mood mood) external {
        (_price, _updatedAt, _mood) = (price_, updatedAt, mood);
    }

    function price() external view returns (uint256, uint256) {
        require(_mood != Mood.Silent);
        if (_mood == Mood.Spent) while (true) {}
        (uint256 answer, uint256 updatedAt) = (_price, _updatedAt);
        if (_mood == Mood.Short) {
            assembly ("memory-safe") {
                mstore(0, answer)
                mstore(32, updatedAt)
                return(0, 63)
            }
        }
        return (answer, updatedAt);
    }
}

/// @notice A source that vouches for everything or for nothing.
contract PuppetSource is ISignalSource {
    bool private _willing;
    Mood private _mood;

    function set(bool willing, Mood mood) external {
        (_willing, _mood) = (willing, mood);
    }

    function vouches(Signal calldata, bytes calldata) external view returns (bool) {
        Mood mood = _mood;
        require(mood != Mood.Silent);
        if (mood == Mood.Spent) while (true) {}
        bool willing = _willing;
        if (mood != Mood.Plain) {
            assembly ("memory-safe") {
                // One byte too few, or a word that is neither true nor false.
                mstore(0, mul(2, willing))
                return(0, sub(32, eq(mood, 2)))
            }
        }
        return willing;
    }
}
