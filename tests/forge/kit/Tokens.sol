// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {FreeToken} from "../../contracts/sol/Tokens.sol";

/// @notice Blocks accounts, as some large tokens do.
contract BlockingToken is FreeToken {
    mapping(address account => bool) public isBlocked;

    function setBlocked(address account, bool blocked) external {
        isBlocked[account] = blocked;
    }

    function _update(address from, address to, uint256 value) internal override {
        require(from == address(0) || (!isBlocked[from] && !isBlocked[to]), "blocked");
        super._update(from, to, value);
    }
}

/// @notice Takes from whoever it likes, as a falling rebase does.
contract ShrinkingToken is FreeToken {
    function shrink(address account, uint256 amount) external {
        _burn(account, amount);
    }
}
