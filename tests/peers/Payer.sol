// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

/// @notice A Uniswap v3 pool, as far as it is called here.
interface IPool {
    function token0() external view returns (IERC20);
    function token1() external view returns (IERC20);
    function mint(address recipient, int24 lower, int24 upper, uint128 amount, bytes calldata data) external;
    function swap(address recipient, bool zeroForOne, int256 amount, uint160 limit, bytes calldata data) external;
}

/// @title Payer
/// @notice The least through which an account can use a Uniswap v3 pool: it pays when the pool asks, whoever that is, and
/// so is for measuring only.
contract Payer {
    function mint(IPool pool, int24 lower, int24 upper, uint128 amount) external {
        pool.mint(msg.sender, lower, upper, amount, abi.encode(pool.token0(), pool.token1(), msg.sender));
    }

    function swap(IPool pool, IERC20 paid, bool zeroForOne, int256 amount, uint160 limit) external {
        pool.swap(msg.sender, zeroForOne, amount, limit, abi.encode(paid, msg.sender));
    }

    function uniswapV3MintCallback(uint256 owed0, uint256 owed1, bytes calldata data) external {
        (IERC20 token0, IERC20 token1, address payer) = abi.decode(data, (IERC20, IERC20, address));
        token0.transferFrom(payer, msg.sender, owed0);
        token1.transferFrom(payer, msg.sender, owed1);
    }

    function uniswapV3SwapCallback(int256 owed0, int256 owed1, bytes calldata data) external {
        (IERC20 paid, address payer) = abi.decode(data, (IERC20, address));
        paid.transferFrom(payer, msg.sender, uint256(owed0 > 0 ? owed0 : owed1));
    }
}
