// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Barrier, ISettlement, Mandate, MandateState, Side, Trade} from "../../../contracts/interfaces/ISettlement.sol";
import {Vm} from "./Cheats.sol";

/// @title Replay
/// @notice The state that the events alone tell. It is given logs and nothing else: no call to the contract.
contract Replay {
    mapping(address account => mapping(address token => uint256)) public balanceOf;
    mapping(address account => mapping(address operator => bool)) public isAuthorized;
    mapping(bytes32 id => Mandate) private _mandates;
    mapping(bytes32 id => MandateState) private _states;
    mapping(bytes32 id => Trade) private _trades;

    /// @dev Of the signal that was presented last: the opens that follow in the same call used its bar.
    uint256 private _barTime;

    function stateOf(bytes32 id) external view returns (MandateState memory, Trade memory) {
        return (_states[id], _trades[id]);
    }

    /// @notice Takes in what one transaction logged, at the time of its block.
    function take(Vm.Log[] calldata logs, address emitter) external {
        for (uint256 i; i < logs.length; ++i) {
            if (logs[i].emitter == emitter) _take(logs[i]);
        }
    }

    function _take(Vm.Log calldata log) private {
        bytes32 event_ = log.topics[0];
        if (event_ == ISettlement.Deposited.selector) {
            balanceOf[_account(log, 1)][_account(log, 2)] += abi.decode(log.data, (uint256));
        } else if (event_ == ISettlement.Withdrawn.selector) {
            balanceOf[_account(log, 1)][_account(log, 2)] -= abi.decode(log.data, (uint256));
        } else if (event_ == ISettlement.Authorized.selector) {
            isAuthorized[_account(log, 1)][_account(log, 2)] = abi.decode(log.data, (bool));
        } else if (event_ == ISettlement.MandateCreated.selector) {
            _mandates[log.topics[1]] = abi.decode(log.data, (Mandate));
            _states[log.topics[1]].usedUntil = uint40(block.timestamp - 1);
        } else if (event_ == ISettlement.MandateCancelled.selector) {
            _states[log.topics[1]].cancelled = true;
        } else if (event_ == ISettlement.Presented.selector) {
            (,,, _barTime,,) = abi.decode(log.data, (Side, uint256, uint256, uint256, uint256, bytes32));
        } else if (event_ == ISettlement.Opened.selector) {
            _opened(log.topics[1], _account(log, 2), log.data);
        } else if (event_ == ISettlement.Closed.selector) {
            _closed(log.topics[1], _account(log, 2), log.data);
        } else {
            // Refused changes nothing, and there is no other event.
            require(event_ == ISettlement.Refused.selector, "an event that nobody knows");
        }
    }

    function _opened(bytes32 id, address filler, bytes calldata data) private {
        (uint256 given, uint256 taken,) = abi.decode(data, (uint256, uint256, uint256));
        MandateState storage state = _states[id];
        state.usedUntil = uint40(_barTime);
        state.changedAt = uint40(block.timestamp);
        state.trading = true;
        _trades[id] = Trade(uint128(given), uint128(taken));
        _swap(_mandates[id], filler, _mandates[id].side == Side.Long, given, taken);
    }

    function _closed(bytes32 id, address filler, bytes calldata data) private {
        (uint256 given, uint256 taken,,) = abi.decode(data, (uint256, uint256, uint256, Barrier));
        MandateState storage state = _states[id];
        state.changedAt = uint40(block.timestamp);
        state.trading = false;
        state.netLoss += int160(uint160(_trades[id].given)) - int160(int256(taken));
        _swap(_mandates[id], filler, _mandates[id].side == Side.Short, given, taken);
    }

    function _swap(Mandate storage mandate, address filler, bool givesQuote, uint256 given, uint256 taken) private {
        (address gives, address takes) =
            givesQuote ? (mandate.market.quote, mandate.market.base) : (mandate.market.base, mandate.market.quote);
        balanceOf[mandate.owner][gives] -= given;
        balanceOf[filler][gives] += given;
        balanceOf[filler][takes] -= taken;
        balanceOf[mandate.owner][takes] += taken;
    }

    function _account(Vm.Log calldata log, uint256 topic) private pure returns (address) {
        return address(uint160(uint256(log.topics[topic])));
    }
}
