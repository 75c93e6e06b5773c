// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";

import {ISignalSource} from "../interfaces/ISignalSource.sol";
import {Signal} from "../interfaces/ISettlement.sol";

/// @title AttestedModels
/// @notice A registry of models and the keys that sign for them. Whoever registers a model may revoke it, and can do
/// nothing else; nobody can change it.
/// @dev A model's id commits to its publisher, key and artifact. So nobody can register somebody else's artifact first
/// under a key of their own and be mistaken for it: that is another id.
contract AttestedModels is ISignalSource, EIP712 {
    /// @notice A model was registered.
    /// @param model Its id.
    /// @param publisher Who may revoke it.
    /// @param key Whose signature vouches for its signals.
    /// @param artifact Hash of its artifact.
    event ModelRegistered(bytes32 indexed model, address indexed publisher, address indexed key, bytes32 artifact);

    /// @notice A model was revoked: its signatures are worth nothing from now on.
    /// @param model Its id.
    event ModelRevoked(bytes32 indexed model);

    /// @notice The model was registered before.
    /// @param model Its id.
    error ModelExists(bytes32 model);

    /// @notice The model was not registered by the caller.
    /// @param model Its id.
    /// @param caller Who called.
    error NotPublisher(bytes32 model, address caller);

    /// @notice The zero address signs nothing.
    error ZeroKey();

    /// @dev In one slot: all that a check reads.
    struct Registration {
        address key;
        bool revoked;
    }

    bytes32 private constant SIGNAL_TYPEHASH = keccak256(
        "Signal(address settlement,bytes32 model,bytes32 market,uint8 side,uint256 patterns,uint256 confidenceBps,uint256 barTime,uint256 validUntil,bytes32 inputs)"
    );

    mapping(bytes32 model => Registration) private _registrations;
    mapping(bytes32 model => address) private _publishers;

    constructor() EIP712("patternsettle", "1") {}

    /// @notice Registers a model of the caller's.
    /// @param artifact Hash of the model's artifact.
    /// @param key Whose signature vouches for the model's signals; an externally owned account.
    /// @return model The id that signals and mandates name: keccak256(abi.encode(publisher, key, artifact)).
    function register(bytes32 artifact, address key) external returns (bytes32 model) {
        require(key != address(0), ZeroKey());
        model = idOf(msg.sender, key, artifact);
        require(_publishers[model] == address(0), ModelExists(model));
        _registrations[model].key = key;
        _publishers[model] = msg.sender;
        emit ModelRegistered(model, msg.sender, key, artifact);
    }

    /// @notice Revokes a model of the caller's, for good.
    /// @param model Its id.
    function revoke(bytes32 model) external {
        require(_publishers[model] == msg.sender, NotPublisher(model, msg.sender));
        _registrations[model].revoked = true;
        emit ModelRevoked(model);
    }

    /// @inheritdoc ISignalSource
    /// @dev `evidence` is the key's 65-byte signature of `digest(msg.sender, signal)`.
    function vouches(Signal calldata signal, bytes calldata evidence) external view returns (bool) {
        (address signer,,) = ECDSA.tryRecoverCalldata(digest(msg.sender, signal), evidence);
        Registration storage registration = _registrations[signal.model];
        return signer != address(0) && signer == registration.key && !registration.revoked;
    }

    /// @notice What a model's key signs: EIP-712, so bound to this chain, this registry and one settlement contract.
    /// @param settlement The settlement contract that may use the signal.
    /// @param signal The signal.
    /// @return The digest.
    function digest(address settlement, Signal calldata signal) public view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(SIGNAL_TYPEHASH, settlement, signal)));
    }

    /// @notice The id of a model.
    /// @param publisher Who registers it.
    /// @param key Whose signature vouches for its signals.
    /// @param artifact Hash of its artifact.
    /// @return keccak256(abi.encode(publisher, key, artifact)).
    function idOf(address publisher, address key, bytes32 artifact) public pure returns (bytes32) {
        return keccak256(abi.encode(publisher, key, artifact));
    }

    /// @notice Key and standing of a model.
    /// @param model Its id.
    /// @return key Zero where no such model was registered.
    /// @return publisher Who may revoke it.
    /// @return revoked Whether they did.
    function modelOf(bytes32 model) external view returns (address key, address publisher, bool revoked) {
        Registration memory registration = _registrations[model];
        return (registration.key, _publishers[model], registration.revoked);
    }
}
