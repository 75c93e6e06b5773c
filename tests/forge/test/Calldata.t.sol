// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Fill, ISettlement, Side, Signal} from "../../../contracts/interfaces/ISettlement.sol";
import {Model} from "../kit/Model.sol";
import {Replay} from "../kit/Replay.sol";
import {World} from "../kit/World.sol";
import {Vm, vm} from "../kit/Cheats.sol";

/// @notice Calldata that no compiler would write: parts elsewhere, parts that overlap, words that are damaged.
contract CalldataTest is World, Model {
    uint256 private constant SIGNAL = 8 * 32;
    uint256 private constant HEAD = SIGNAL + 2 * 32;

    Replay private _replay;
    Fill private _fill;

    function setUp() external {
        _replay = new Replay();
        vm.recordLogs();
        setPrice(0, USUAL_PRICE);
        deposit(people[0], quote, 10_000e6);
        deposit(people[1], base, 10e18);
        _fill = Fill(draft(people[0], Side.Long), people[1], 1_000e6, 0.5e18);
        create(_fill.mandate);
        _replay.take(vm.getRecordedLogs(), address(settlement));
    }

    /// @dev Head, then so much of nothing, then the two parts in either order.
    function test_fills_and_evidence_may_stand_anywhere_in_the_calldata(uint8 gap, uint8 second, bool swapped)
        external
    {
        Signal memory signal = signalFor(_fill.mandate);
        bytes memory evidence = part(sign(signal));
        bytes memory fills = part(abi.encode(one(_fill)));
        (bytes memory first, bytes memory last) = swapped ? (fills, evidence) : (evidence, fills);
        uint256 place = HEAD + gap;
        uint256 next = place + first.length + second;
        bytes memory head = abi.encode(signal, swapped ? next : place, swapped ? place : next);
        bytes memory data =
            bytes.concat(ISettlement.open.selector, head, new bytes(gap), first, new bytes(second), last);
        vm.prank(people[1]);
        (bool success, bytes memory answer) = address(settlement).call(data);
        assert(success && abi.decode(answer, (uint256)) == 1);
        assert(settlement.stateOf(settlement.idOf(_fill.mandate)).trading);
    }

    /// @dev Whatever is done to the calldata: what the ledger does is what the mandate's own events say, and a mandate that
    /// somebody created is the only one that trades.
    function test_damaged_calldata_never_settles_what_no_owner_created(
        uint16[4] calldata places,
        uint256[4] calldata words,
        uint8 count
    ) external {
        Signal memory signal = signalFor(_fill.mandate);
        bytes memory data = abi.encodeCall(ISettlement.open, (signal, sign(signal), one(_fill)));
        for (uint256 i; i < bound(count, 1, 4); ++i) {
            damage(data, places[i], words[i]);
        }
        vm.recordLogs();
        vm.prank(people[1]);
        (bool success, bytes memory answer) = address(settlement).call(data);
        Vm.Log[] memory logs = vm.getRecordedLogs();
        _replay.take(logs, address(settlement));
        bool opened = success && abi.decode(answer, (uint256)) != 0;
        for (uint256 i; i < 2; ++i) {
            assert(settlement.balanceOf(people[i], address(base)) == _replay.balanceOf(people[i], address(base)));
            assert(settlement.balanceOf(people[i], address(quote)) == _replay.balanceOf(people[i], address(quote)));
        }
        assert(settlement.stateOf(settlement.idOf(_fill.mandate)).trading == opened);
        // The signal is signed and the mandate is hashed: only filler and amounts were anybody's to choose.
        if (opened) assert(logs[logs.length - 1].topics[1] == idOf(_fill.mandate));
    }

    /// @dev A word of the calldata is replaced, or one bit of it is turned.
    function damage(bytes memory data, uint256 place, uint256 word) private pure {
        uint256 words = (data.length - 4) / 32;
        uint256 at_ = 4 + (place % words) * 32;
        assembly ("memory-safe") {
            let pointer := add(add(data, 32), at_)
            switch and(word, 1)
            case 0 { mstore(pointer, xor(mload(pointer), shl(and(shr(1, word), 255), 1))) }
            default { mstore(pointer, shr(and(shr(1, word), 255), word)) }
        }
    }

    /// @dev A dynamic part without the offset that stands before it when it is encoded alone.
    function part(bytes memory content) private view returns (bytes memory) {
        if (content.length != 65) return this.tail(content);
        return this.tail(abi.encode(content));
    }

    function tail(bytes calldata encoded) external pure returns (bytes memory) {
        return encoded[32:];
    }
}
