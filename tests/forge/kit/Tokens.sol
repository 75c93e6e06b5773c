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

/// @notice Says that it moved what nobody had, and shows balances as if it were so.
contract BoastfulToken is FreeToken {
    mapping(address account => uint256) private _shown;

    function balanceOf(address account) public view override returns (uint256) {
        return _shown[account];
    }

    function transfer(address, uint256 value) public override returns (bool) {
        _shown[msg.sender] -= value;
        return true;
    }

    function transferFrom(address, address to, uint256 value) public override returns (bool) {
        _shown[to] += value;
        return true;
    }
}

/// @notice Takes from whoever it likes, as a falling rebase does.
contract ShrinkingToken is FreeToken {
    function shrink(address account, uint256 amount) external {
        _burn(account, amount);
    }
}
