// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

/// @title Bare
/// @notice The least that keeps a ledger of tokens, and nothing that would make it safe: what `Settlement` is measured by.
contract Bare {
    mapping(address account => mapping(address token => uint256)) private _balances;

    function deposit(address token, uint256 amount, address onBehalf) external {
        IERC20(token).transferFrom(msg.sender, address(this), amount);
        _balances[onBehalf][token] += amount;
    }

    function withdraw(address token, uint256 amount, address receiver) external {
        _balances[msg.sender][token] -= amount;
        IERC20(token).transfer(receiver, amount);
    }
}
