// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Signal} from "./ISettlement.sol";

/// @title Whoever vouches for a signal
/// @notice A mandate names the one source it believes. A source may check a signature, or run the model again.
interface ISignalSource {
    /// @notice Whether `signal` is what its model said, addressed to the contract that asks.
    /// @dev Asked by the settlement contract itself: what a source vouches for to one caller it need not vouch for to
    /// another. A source that reverts, answers anything but true, or needs more than 2,000,000 gas, does not vouch. Where less
    /// gas than that could be passed on, a source that fails fails the whole call. One that answers is believed: so let it revert
    /// where something inside it ran out of gas, rather than answer no.
    /// @param signal The signal in question.
    /// @param evidence What the source needs to be convinced, in its own format.
    /// @return True where the source vouches for every field of the signal.
    function vouches(Signal calldata signal, bytes calldata evidence) external view returns (bool);
}
