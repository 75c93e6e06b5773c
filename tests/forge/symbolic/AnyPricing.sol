// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Mandate, Trade} from "../../../contracts/interfaces/ISettlement.sol";

/// @title Pricing, left open
/// @notice Stands for `contracts/libraries/Pricing.sol` in the proofs of `open` and `close`: the same questions, and any
/// answers whatever. Its divisions of 512 bits are more than a solver decides, and what is proved of a settlement holds
/// whatever they say; what they say is tested in `test/Rounding.t.sol`.
library Pricing {
    uint256 internal constant SCALE = 1e36;
    uint256 internal constant MAX_PRICE = uint256(type(uint128).max) * SCALE;

    function leastTaken(uint256 given, bool givesBase, uint256 price, uint256 slippageBps)
        internal
        pure
        returns (uint256)
    {
        return answer(keccak256(abi.encode("least taken", given, givesBase, price, slippageBps)));
    }

    function barriers(Mandate calldata mandate, Trade storage trade)
        internal
        view
        returns (uint256 takeProfit, uint256 stopLoss)
    {
        bytes32 question = keccak256(
            abi.encode(mandate.side, mandate.takeProfitBps, mandate.stopLossBps, trade.given, trade.taken)
        );
        return
            (
                answer(keccak256(abi.encode("take profit", question))),
                answer(keccak256(abi.encode("stop loss", question)))
            );
    }

    /// @dev To the same question the same answer, of which nothing else is known: to a solver a hash is an unknown function.
    /// Halmos takes the lowest 160 bits of different hashes for different, so these are left out.
    function answer(bytes32 question) private pure returns (uint256) {
        uint256 high = uint256(keccak256(abi.encode("high", question))) >> 160;
        uint256 low = uint256(keccak256(abi.encode("low", question))) >> 160;
        return (high << 96) | low;
    }
}
