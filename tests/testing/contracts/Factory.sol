// SPDX-License-Identifier: MIT
pragma solidity ^0.8.20;

import {Child} from "./parts/Child.sol";

/// @notice Makes contracts whose events and errors are not in its own interface.
contract Factory {
    Child[] public children;

    function make(uint256 size) external {
        children.push(new Child(size));
    }

    function grow(uint256 index, uint256 by) external {
        children[index].grow(by);
    }
}
