// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Mandate} from "../interfaces/ISettlement.sol";

/// @title MandateHash
/// @notice What an owner signs, so that somebody else may lodge the mandate: its EIP-712 struct hash.
library MandateHash {
    bytes32 private constant MARKET_TYPEHASH = keccak256("Market(address base,address quote,address oracle)");

    bytes32 private constant MANDATE_TYPEHASH = keccak256(
        "Mandate(address owner,address filler,Market market,address source,bytes32 model,uint8 side,uint32 patterns,uint16 minConfidenceBps,uint16 maxSlippageBps,uint32 ramp,uint16 takeProfitBps,uint16 stopLossBps,uint32 horizon,uint32 cooldown,uint32 maxSignalAge,uint32 maxPriceAge,uint128 minAmount,uint128 maxAmount,uint256 minPrice,uint256 maxPrice,uint128 drawdownLimit,uint40 expiry,bytes32 salt)Market(address base,address quote,address oracle)"
    );

    /// @dev In two halves, of which each fits the stack; all members are one word, so that encodings may be joined.
    function structHash(Mandate calldata mandate) internal pure returns (bytes32) {
        return keccak256(bytes.concat(_who(mandate), _howMuch(mandate)));
    }

    function _who(Mandate calldata mandate) private pure returns (bytes memory) {
        return abi.encode(
            MANDATE_TYPEHASH,
            mandate.owner,
            mandate.filler,
            keccak256(abi.encode(MARKET_TYPEHASH, mandate.market)),
            mandate.source,
            mandate.model,
            mandate.side,
            mandate.patterns,
            mandate.minConfidenceBps,
            mandate.maxSlippageBps,
            mandate.ramp
        );
    }

    function _howMuch(Mandate calldata mandate) private pure returns (bytes memory) {
        return abi.encode(
            mandate.takeProfitBps,
            mandate.stopLossBps,
            mandate.horizon,
            mandate.cooldown,
            mandate.maxSignalAge,
            mandate.maxPriceAge,
            mandate.minAmount,
            mandate.maxAmount,
            mandate.minPrice,
            mandate.maxPrice,
            mandate.drawdownLimit,
            mandate.expiry,
            mandate.salt
        );
    }
}
