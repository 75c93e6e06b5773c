// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {DemoToken} from "../../../contracts/demo/DemoToken.sol";
import {ISettlement, Mandate} from "../../../contracts/interfaces/ISettlement.sol";
import {vm} from "./Cheats.sol";

/// @notice An account that is a contract, and accepts what its keeper signs (ERC-1271).
contract Wallet {
    address private immutable KEEPER;

    constructor(address keeper) {
        KEEPER = keeper;
    }

    function isValidSignature(bytes32 digest, bytes calldata signature) external view returns (bytes4) {
        if (signature.length != 65) return 0;
        address signer = ecrecover(digest, uint8(signature[64]), bytes32(signature[:32]), bytes32(signature[32:64]));
        bool low = uint256(bytes32(signature[32:64])) <= type(uint256).max / 2;
        return signer == KEEPER && low ? this.isValidSignature.selector : bytes4(0);
    }
}

/// @dev What an owner of tokens signs (ERC-2612), and the signature.
struct Permit {
    DemoToken token;
    address owner;
    uint256 amount;
    uint256 deadline;
    bytes signature;
}

/// @title Signing
/// @notice What people sign, worked out from the words of EIP-712, and ways to sign it wrongly.
abstract contract Signing {
    bytes32 private constant DOMAIN =
        keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)");
    bytes32 private constant MARKET = keccak256("Market(address base,address quote,address oracle)");
    bytes32 private constant MANDATE = keccak256(
        "Mandate(address owner,address filler,Market market,address source,bytes32 model,uint8 side,uint32 patterns,"
        "uint16 minConfidenceBps,uint16 maxSlippageBps,uint32 ramp,uint16 takeProfitBps,uint16 stopLossBps,"
        "uint32 horizon,uint32 cooldown,uint32 maxSignalAge,uint32 maxPriceAge,uint128 minAmount,uint128 maxAmount,"
        "uint256 minPrice,uint256 maxPrice,uint128 drawdownLimit,uint40 expiry,bytes32 salt)"
        "Market(address base,address quote,address oracle)"
    );
    bytes32 private constant PERMIT =
        keccak256("Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)");
    uint256 private constant ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141;

    /// @dev A mandate is encoded as its words: owner, filler, three of its market, and the rest. The market's give way to one hash.
    function mandateDigest(Mandate memory mandate, address verifier, uint256 chain) internal pure returns (bytes32) {
        bytes32 domain = keccak256(abi.encode(DOMAIN, keccak256("patternsettle"), keccak256("1"), chain, verifier));
        bytes memory words = abi.encode(mandate);
        bytes memory rest = new bytes(words.length - 5 * 32);
        for (uint256 i; i < rest.length; ++i) {
            rest[i] = words[i + 5 * 32];
        }
        bytes32 market = keccak256(abi.encode(MARKET, mandate.market));
        bytes32 whole = keccak256(bytes.concat(abi.encode(MANDATE, mandate.owner, mandate.filler, market), rest));
        return keccak256(abi.encodePacked(hex"1901", domain, whole));
    }

    function permitDigest(Permit memory permit, address spender) internal view returns (bytes32) {
        uint256 nonce = permit.token.nonces(permit.owner);
        bytes32 whole = keccak256(abi.encode(PERMIT, permit.owner, spender, permit.amount, nonce, permit.deadline));
        return keccak256(abi.encodePacked(hex"1901", permit.token.DOMAIN_SEPARATOR(), whole));
    }

    function usePermit(Permit memory permit, address spender) internal {
        (uint8 v, bytes32 r, bytes32 s) = parts(permit.signature);
        permit.token.permit(permit.owner, spender, permit.amount, permit.deadline, v, r, s);
    }

    function depositCall(Permit memory permit) internal pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = parts(permit.signature);
        address token = address(permit.token);
        return
            abi.encodeCall(
                ISettlement.depositWithPermit, (token, permit.amount, permit.owner, permit.deadline, v, r, s)
            );
    }

    function signBy(uint256 key, bytes32 digest) internal pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest);
        return abi.encodePacked(r, s, v);
    }

    /// @dev The last byte left out.
    function shortened(bytes memory signature) internal pure returns (bytes memory) {
        assembly ("memory-safe") {
            mstore(signature, 64)
        }
        return signature;
    }

    /// @dev The other signature that the same key could have made: mathematically as good, and refused everywhere.
    function mirrored(bytes memory signature) internal pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = parts(signature);
        return abi.encodePacked(r, bytes32(ORDER - uint256(s)), v == 27 ? uint8(28) : uint8(27));
    }

    function parts(bytes memory signature) internal pure returns (uint8 v, bytes32 r, bytes32 s) {
        assembly ("memory-safe") {
            r := mload(add(signature, 32))
            s := mload(add(signature, 64))
            v := byte(0, mload(add(signature, 96)))
        }
    }
}
