// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Fill, Mandate, MandateId, Market, Side, Signal} from "../../../contracts/interfaces/ISettlement.sol";
import {Mood} from "../kit/Puppets.sol";
import {World} from "../kit/World.sol";
import {vm} from "../kit/Cheats.sol";

/// @notice A batch is its fills, each judged on its own.
contract BatchTest is World {
    uint256 private constant SIZE = 6;

    /// @dev Six mandates, three of them of another source, each with a fill that has nothing, or one of eight things, wrong.
    function test_one_refused_fill_never_changes_the_outcome_of_another_at_the_open(uint256 seed) external {
        Signal memory signal;
        Fill[] memory fills = offered(seed);
        signal = signalFor(fills[0].mandate);
        bytes memory evidence = sign(signal);
        uint256 start = vm.snapshotState();

        vm.prank(people[4]);
        uint256 opened = settlement.open(signal, evidence, fills);
        (Fill[] memory settled, bytes32 outcome) = (those(fills, true), everything(fills));
        assert(settled.length == opened);

        vm.revertToState(start);
        vm.prank(people[4]);
        assert(settlement.open(signal, evidence, settled) == opened);
        assert(everything(fills) == outcome);

        // Alone, each has the outcome that it had in the batch.
        vm.revertToState(start);
        for (uint256 i; i < SIZE; ++i) {
            bool alone = contains(settled, fills[i]);
            vm.prank(people[4]);
            assert((settlement.open(signal, evidence, one(fills[i])) == 1) == alone);
        }
        assert(everything(fills) == outcome);
    }

    function test_one_refused_fill_never_changes_the_outcome_of_another_at_the_close(uint256 seed) external {
        Fill[] memory fills = offered(0);
        Signal memory signal = signalFor(fills[0].mandate);
        bytes memory evidence = sign(signal);
        vm.prank(people[4]);
        assert(settlement.open(signal, evidence, fills) == SIZE);
        setPrice(0, USUAL_PRICE * 102 / 100);
        for (uint256 i; i < SIZE; ++i) {
            fills[i].given = fills[i].taken;
            fills[i].taken = 1_020e6;
            spoilClose(fills[i], uint8(seed >> (8 * i)));
        }
        Market memory market = markets[0];
        uint256 start = vm.snapshotState();

        vm.prank(people[4]);
        uint256 closed = settlement.close(market, fills);
        (Fill[] memory settled, bytes32 outcome) = (those(fills, false), everything(fills));
        assert(settled.length == closed);

        vm.revertToState(start);
        vm.prank(people[4]);
        assert(settlement.close(market, settled) == closed);
        assert(everything(fills) == outcome);

        vm.revertToState(start);
        for (uint256 i; i < SIZE; ++i) {
            bool alone = contains(settled, fills[i]);
            vm.prank(people[4]);
            assert((settlement.close(market, one(fills[i])) == 1) == alone);
        }
        assert(everything(fills) == outcome);
    }

    function test_the_same_mandate_twice_in_a_batch_opens_once(uint8 size) external {
        Fill[] memory fills = new Fill[](bound(size, 2, 6));
        for (uint256 i; i < fills.length; ++i) {
            fills[i] = offered(0)[0];
        }
        Signal memory signal = signalFor(fills[0].mandate);
        bytes memory evidence = sign(signal);
        vm.prank(people[4]);
        assert(settlement.open(signal, evidence, fills) == 1);
    }

    function setUp() external {
        setPrice(0, USUAL_PRICE);
        for (uint256 i; i < PEOPLE; ++i) {
            deposit(people[i], base, 100e18);
            deposit(people[i], quote, 100_000e6);
        }
        for (uint256 i; i < SIZE; ++i) {
            create(mandateOf(i));
        }
    }

    function mandateOf(uint256 number) private view returns (Mandate memory mandate) {
        mandate = draft(people[number % 3], Side.Long);
        mandate.patterns = 6;
        mandate.minConfidenceBps = 5_000;
        mandate.maxAmount = 5_000e6;
        mandate.salt = bytes32(number);
        if (number % 2 == 1) mandate.source = puppet;
        if (number >= 4) mandate.filler = people[4];
    }

    /// @dev One byte of the seed says what is wrong with each fill.
    function offered(uint256 seed) private returns (Fill[] memory fills) {
        fills = new Fill[](SIZE);
        puppet.set(seed >> 248 < 200, (seed >> 240) % 16 == 1 ? Mood.Silent : Mood.Plain);
        for (uint256 i; i < SIZE; ++i) {
            fills[i] = Fill(mandateOf(i), people[4], 1_000e6, 0.5e18);
            spoilOpen(fills[i], uint8(seed >> (8 * i)));
        }
    }

    function spoilOpen(Fill memory fill, uint8 what) private {
        if (what % 16 == 1) fill.taken = 0.49e18;
        if (what % 16 == 2) fill.given = 5_001e6;
        if (what % 16 == 3) fill.given = 0;
        if (what % 16 == 4) fill.taken = 101e18;
        if (what % 16 == 5) fill.filler = people[3];
        if (what % 16 == 6) fill.filler = fill.mandate.owner;
        if (what % 16 == 7) fill.mandate.salt = bytes32(uint256(what) + SIZE);
        if (what % 16 == 8) {
            vm.prank(fill.mandate.owner);
            settlement.cancel(one(fill.mandate));
        }
    }

    function spoilClose(Fill memory fill, uint8 what) private view {
        if (what % 16 == 1) fill.taken = 1_014e6;
        if (what % 16 == 2) fill.given += 1;
        if (what % 16 == 3) fill.given -= 1;
        if (what % 16 == 4) fill.taken = 100_001e6;
        if (what % 16 == 5) fill.filler = people[3];
        if (what % 16 == 6) fill.filler = fill.mandate.owner;
        if (what % 16 == 7) fill.mandate.salt = bytes32(uint256(what) + SIZE);
    }

    /// @dev The fills whose mandates are now trading, or are not any more.
    function those(Fill[] memory fills, bool trading) private view returns (Fill[] memory found) {
        found = new Fill[](SIZE);
        uint256 count;
        for (uint256 i; i < SIZE; ++i) {
            MandateId id = settlement.idOf(fills[i].mandate);
            bool known = settlement.stateOf(id).usableFrom != 0;
            if (known && settlement.stateOf(id).trading == trading) found[count++] = fills[i];
        }
        assembly ("memory-safe") {
            mstore(found, count)
        }
    }

    function contains(Fill[] memory fills, Fill memory fill) private pure returns (bool) {
        for (uint256 i; i < fills.length; ++i) {
            if (keccak256(abi.encode(fills[i])) == keccak256(abi.encode(fill))) return true;
        }
        return false;
    }

    /// @dev Every balance, and all that is remembered of the mandates.
    function everything(Fill[] memory fills) private view returns (bytes32 digest) {
        for (uint256 i; i < PEOPLE; ++i) {
            uint256 inBase = settlement.balanceOf(people[i], address(base));
            uint256 inQuote = settlement.balanceOf(people[i], address(quote));
            digest = keccak256(abi.encode(digest, inBase, inQuote));
        }
        for (uint256 i; i < SIZE; ++i) {
            MandateId id = settlement.idOf(fills[i].mandate);
            digest = keccak256(abi.encode(digest, settlement.stateOf(id), settlement.tradeOf(id)));
        }
    }
}
