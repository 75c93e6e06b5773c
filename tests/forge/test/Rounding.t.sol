// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Fill, Mandate, MandateState, Side, Signal, Trade} from "../../../contracts/interfaces/ISettlement.sol";
import {DemoToken} from "../../../contracts/demo/DemoToken.sol";
import {Exact} from "../kit/Exact.sol";
import {Model} from "../kit/Model.sol";
import {World} from "../kit/World.sol";
import {vm} from "../kit/Cheats.sol";

/// @notice Prices, amounts and barriers of every size, against exact arithmetic of 512 bits.
contract RoundingTest is World, Model {
    /// forge-config: default.fuzz.runs = 500000
    /// forge-config: quick.fuzz.runs = 5000
    function test_leastTaken_is_the_least_that_the_exact_price_less_slippage_allows(
        uint128 given,
        bool givesBase,
        uint256 price,
        uint256 slippageBps
    ) external view {
        price = sized(price, MOST);
        slippageBps = bound(slippageBps, 0, 9_999);
        given = uint128(sized(given, type(uint128).max));
        uint256 least = settlement.leastTaken(given, givesBase, price, slippageBps);
        // What is beyond 128 bits no fill can offer, and so none is enough.
        if (least > type(uint128).max) {
            assert(!Exact.isEnough(type(uint128).max, given, givesBase, price, slippageBps));
            return;
        }
        assert(Exact.isEnough(least, given, givesBase, price, slippageBps));
        assert(!Exact.isEnough(least - 1, given, givesBase, price, slippageBps));
    }

    /// forge-config: default.fuzz.runs = 500000
    /// forge-config: quick.fuzz.runs = 5000
    /// @dev In whole numbers: an owner never gets less than the exact amount, and never more than two units above it.
    function test_rounding_costs_an_owner_nothing_and_a_filler_less_than_two_units(
        uint128 given,
        uint256 price,
        uint256 slippageBps
    ) external view {
        price = sized(price, MOST);
        slippageBps = bound(slippageBps, 0, 9_999);
        given = uint128(sized(given, type(uint128).max));
        uint256 least = settlement.leastTaken(given, true, price, slippageBps);
        if (least > type(uint128).max) return;
        uint256 kept = Exact.BPS - slippageBps;
        assert(Exact.atMost(uint256(given) * kept, price, least * Exact.BPS, Exact.SCALE));
        assert(least < 2 || Exact.atMost((least - 2) * Exact.BPS, Exact.SCALE, uint256(given) * kept, price));
    }

    function test_a_trade_of_any_size_opens_and_closes_exactly_when_exact_arithmetic_says(
        uint256[8] calldata seeds,
        bool long,
        bool generous
    ) external {
        Mandate memory mandate = draft(people[0], long ? Side.Long : Side.Short);
        // With more slippage, no barrier below the entry price is far enough from it.
        mandate.maxSlippageBps = uint16(bound(seeds[0], 0, 4_999));
        uint256 nearest = leastBarrier(mandate.maxSlippageBps);
        mandate.takeProfitBps = uint16(bound(seeds[1], nearest, long ? type(uint16).max : 9_999));
        mandate.stopLossBps = uint16(bound(seeds[2], nearest, long ? 9_999 : type(uint16).max));
        create(mandate);
        states[idOf(mandate)].usableFrom = uint40(block.timestamp);

        uint256 price = sized(seeds[3], MOST);
        Fill memory fill = Fill(mandate, people[1], uint128(sized(seeds[4], type(uint128).max)), 0);
        uint256 least = settlement.leastTaken(fill.given, !long, price, mandate.maxSlippageBps);
        if (least >= type(uint128).max) return;
        fill.taken = uint128(generous ? bound(seeds[5], least, type(uint128).max) : least + seeds[5] % 3 - 1);
        (address gives, address takes) = tokens(mandate, true);
        endow(people[0], gives, fill.given);
        endow(people[1], takes, fill.taken);
        if (!presents(fill, price)) return;

        // Half of the time the price stays near, where the barriers are.
        uint256 next =
            seeds[7] % 2 == 0 ? sized(seeds[6], MOST) : bound(seeds[6], price - price / 50, price + price / 50);
        next = bound(next, 1, MOST);
        least = settlement.leastTaken(fill.taken, long, next, mandate.maxSlippageBps);
        if (least >= type(uint128).max) return;
        fill = Fill(mandate, people[2], fill.taken, uint128(least + seeds[7] % 3 - 1));
        // Of what its owner gives back, the trade holds all.
        endow(people[2], gives, fill.taken);
        closes(fill, next, block.timestamp + seeds[7] % 1_000);
    }

    function presents(Fill memory fill, uint256 price) private returns (bool expected) {
        Signal memory signal = signalFor(fill.mandate);
        bytes memory evidence = sign(signal);
        setPrice(0, price);
        expected = mayOpen(fill.filler, signal, true, fill, price, block.timestamp);
        if (expected) applyOpen(signal.barTime, fill);
        vm.prank(fill.filler);
        assert((settlement.open(signal, evidence, one(fill)) == 1) == expected);
        agree(fill);
    }

    function closes(Fill memory fill, uint256 price, uint256 time) private {
        vm.warp(time);
        setPrice(0, price);
        bool expected = mayClose(fill.filler, fill.mandate.market, fill, price, block.timestamp);
        if (expected) applyClose(fill);
        vm.prank(fill.filler);
        assert((settlement.close(fill.mandate.market, one(fill)) == 1) == expected);
        agree(fill);
    }

    function agree(Fill memory fill) private view {
        for (uint256 i; i < 3; ++i) {
            assert(settlement.balanceOf(people[i], address(base)) == owned[people[i]][address(base)]);
            assert(settlement.balanceOf(people[i], address(quote)) == owned[people[i]][address(quote)]);
        }
        bytes32 id = idOf(fill.mandate);
        MandateState memory state = settlement.stateOf(settlement.idOf(fill.mandate));
        Trade memory trade = settlement.tradeOf(settlement.idOf(fill.mandate));
        assert(keccak256(abi.encode(state, trade)) == keccak256(abi.encode(states[id], trades[id])));
    }

    function endow(address account, address token, uint256 amount) private {
        deposit(account, DemoToken(token), amount);
        owned[account][token] += amount;
    }

    /// @dev A number of any length from one bit on: as many small ones as large ones.
    function sized(uint256 seed, uint256 most) private pure returns (uint256) {
        return bound(seed >> (seed % 256), 1, most);
    }
}
