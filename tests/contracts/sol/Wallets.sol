// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @notice An owner that is a contract and accepts the one digest it was told to (ERC-1271).
contract ContractWallet {
    bytes32 private _accepted;

    function accept(bytes32 digest) external {
        _accepted = digest;
    }

    function isValidSignature(bytes32 digest, bytes calldata) external view returns (bytes4) {
        return digest == _accepted ? this.isValidSignature.selector : bytes4(0);
    }
}

/// @notice An owner that is a contract and knows nothing of signatures.
contract MuteWallet {
    uint256 public nothing;
}
