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
            _states[log.topics[1]].usableFrom = uint40(block.timestamp);
        } else if (event_ == ISettlement.MandateCancelled.selector) {
            _states[log.topics[1]].cancelled = true;
        } else if (event_ == ISettlement.Presented.selector) {
            (,,, _barTime,,) = abi.decode(log.data, (Side, uint256, uint256, uint256, uint256, bytes32));
        } else if (event_ == ISettlement.Opened.selector) {
            _opened(log.topics[1], _account(log, 2), log.data);
        } else if (event_ == ISettlement.Closed.selector) {
            _closed(log.topics[1], _account(log, 2), log.data);
        } else if (event_ == ISettlement.Released.selector) {
            _released(log.topics[1], abi.decode(log.data, (uint256)));
        } else {
            // Refused changes nothing, and there is no other event.
            require(event_ == ISettlement.Refused.selector, "an event that nobody knows");
        }
    }

    function _opened(bytes32 id, address filler, bytes calldata data) private {
        (uint256 given, uint256 taken,) = abi.decode(data, (uint256, uint256, uint256));
        MandateState storage state = _states[id];
        state.usableFrom = uint40(_barTime + 1);
        state.changedAt = uint40(block.timestamp);
        state.trading = true;
        _trades[id] = Trade(uint128(given), uint128(taken));
        (address gives, address takes) = _tokens(_mandates[id]);
        balanceOf[_mandates[id].owner][gives] -= given;
        balanceOf[filler][gives] += given;
        balanceOf[filler][takes] -= taken;
    }

    function _closed(bytes32 id, address filler, bytes calldata data) private {
        (uint256 given, uint256 taken,,) = abi.decode(data, (uint256, uint256, uint256, Barrier));
        MandateState storage state = _states[id];
        state.changedAt = uint40(block.timestamp);
        state.trading = false;
        int256 drawdown = int256(uint256(state.drawdown)) + int256(uint256(_trades[id].given)) - int256(taken);
        state.drawdown = uint160(uint256(drawdown < 0 ? int256(0) : drawdown));
        (address back, address held) = _tokens(_mandates[id]);
        balanceOf[filler][held] += given;
        balanceOf[filler][back] -= taken;
        balanceOf[_mandates[id].owner][back] += taken;
    }

    function _released(bytes32 id, uint256 taken) private {
        _states[id].changedAt = uint40(block.timestamp);
        _states[id].trading = false;
        (, address held) = _tokens(_mandates[id]);
        balanceOf[_mandates[id].owner][held] += taken;
    }

    /// @dev What the owner gives at the open, and what the trade then holds.
    function _tokens(Mandate storage mandate) private view returns (address gives, address takes) {
        (gives, takes) = (mandate.market.quote, mandate.market.base);
        if (mandate.side == Side.Short) (gives, takes) = (takes, gives);
    }

    function _account(Vm.Log calldata log, uint256 topic) private pure returns (address) {
        return address(uint160(uint256(log.topics[topic])));
    }
}
