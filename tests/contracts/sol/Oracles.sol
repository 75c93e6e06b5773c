// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @notice Says whatever it was last told, until it is told to burn: from then on it takes all the gas that it is given.
contract PuppetOracle {
    uint256 private _price;
    uint256 private _updatedAt;
    bool private _burns;

    function set(uint256 price_, uint256 updatedAt) external {
        (_price, _updatedAt) = (price_, updatedAt);
    }

    function burn() external {
        _burns = true;
    }

    function price() external view returns (uint256, uint256) {
        if (_burns) {
            assembly {
                invalid()
            }
        }
        return (_price, _updatedAt);
    }
}

/// @notice Passes a question on: an oracle behind an oracle.
contract RelayOracle {
    PuppetOracle private immutable BEHIND;

    constructor(PuppetOracle behind) {
        BEHIND = behind;
    }

    function price() external view returns (uint256, uint256) {
        return BEHIND.price();
    }
}
