// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @notice Says whatever it was last told.
contract PuppetOracle {
    uint256 private _price;
    uint256 private _updatedAt;

    function set(uint256 price_, uint256 updatedAt) external {
        (_price, _updatedAt) = (price_, updatedAt);
    }

    function price() external view returns (uint256, uint256) {
        return (_price, _updatedAt);
    }
}
