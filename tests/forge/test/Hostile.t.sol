// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {FuzzSelector} from "../kit/Cheats.sol";
import {HostileHandler} from "../kit/HostileHandler.sol";

/// @notice Hostile tokens in the same ledger as honest ones.
contract HostileTest {
    HostileHandler private _handler;

    function setUp() external {
        _handler = new HostileHandler();
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(_handler);
    }

    function excludeSelectors() external view returns (FuzzSelector[] memory excluded) {
        excluded = new FuzzSelector[](1);
        excluded[0] = FuzzSelector(address(_handler), new bytes4[](2));
        excluded[0].selectors[0] = _handler.everybodyCanWithdrawEverything.selector;
        excluded[0].selectors[1] = _handler.report.selector;
    }

    function invariant_hostile_tokens_harm_nobody_but_their_own_depositors() external {
        _handler.everybodyCanWithdrawEverything();
    }

    function afterInvariant() external {
        _handler.report("Hostile");
    }
}
