// SPDX-License-Identifier: MIT
pragma solidity ^0.8.20;

contract Child {
    uint256 public size;
    address private immutable parent = msg.sender;

    event Grown(uint256 size);

    error Stunted(uint256 by);

    constructor(uint256 size_) {
        size = size_;
        emit Grown(size_);
    }

    function grow(uint256 by) external {
        if (by == 0) revert Stunted(by); // in a child
        size += by;
        emit Grown(size);
    }
}
