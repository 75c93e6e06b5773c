// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {
    Barrier,
    Fill,
    Mandate,
    MandateState,
    Reason,
    Side,
    Signal
} from "../../../contracts/interfaces/ISettlement.sol";
import {DemoToken} from "../../../contracts/demo/DemoToken.sol";
import {World} from "../kit/World.sol";
import {vm} from "../kit/Cheats.sol";

/// @notice While the price stands, nobody closes at a loss what was opened at any price that its owner accepts. Of every
/// mandate that may be created, every size and every price, and often of the smallest there is.
contract BarriersTest is World {
    uint256 private constant MOST_AMOUNT = type(uint128).max;
    uint256 private constant LEAST_AMOUNT = 100_000;
    uint256 private constant LEAST_PRICE = 1e9;
    /// @dev Beyond it, 100,000 units of one token are more of the other than a fill can say.
    uint256 private constant MOST_PRICE = 1e69;

    /// forge-config: default.fuzz.runs = 50000
    /// forge-config: quick.fuzz.runs = 1000
    function test_no_fill_at_the_price_or_worse_touches_a_barrier_at_an_unmoved_price(
        uint256[6] calldata seeds,
        bool long,
        uint16 later
    ) external {
        (Fill memory fill, uint256 price) = offered(seeds, long);
        (uint256 least, uint256 fair) = fromLeastToFair(fill, price);
        fill.taken = uint128(picked(seeds[5], least, fair));
        opens(fill, price);

        vm.warp(block.timestamp + later % fill.mandate.horizon);
        setPrice(0, price);
        (Reason reason,) = settlement.checkClose(markets[0], Fill(fill.mandate, people[2], fill.taken, 0));
        assert(reason == Reason.NoBarrier);
        assert(closes(fill.mandate, fill.taken, MOST_AMOUNT) == 0);
    }

    /// forge-config: default.fuzz.runs = 50000
    /// forge-config: quick.fuzz.runs = 1000
    function test_a_better_fill_never_closes_at_a_loss_at_an_unmoved_price(uint256[6] calldata seeds, bool long)
        external
    {
        (Fill memory fill, uint256 price) = offered(seeds, long);
        (, uint256 fair) = fromLeastToFair(fill, price);
        uint256 touching = whereProfitIs(fill.mandate, fair);
        if (touching + 2 > MOST_AMOUNT) return;
        bool surely = seeds[5] % 3 == 0;
        uint256 least = surely ? touching + 2 : seeds[5] % 3 == 1 ? touching - 2 : fair;
        fill.taken = uint128(picked(seeds[5] / 3, least, seeds[5] % 3 == 1 ? touching + 2 : MOST_AMOUNT));
        opens(fill, price);

        // What the closing filler pays is one unit too little for the owner to be even.
        assert(closes(fill.mandate, fill.taken, uint256(fill.given) - 1) == 0);
        (Reason reason, Barrier barrier) =
            settlement.checkClose(markets[0], Fill(fill.mandate, people[2], fill.taken, 0));
        assert(reason == Reason.NoBarrier || (reason == Reason.Slippage && barrier == Barrier.TakeProfit));
        assert(!surely || barrier == Barrier.TakeProfit);
        uint256 paid = settlement.leastTaken(fill.taken, long, price, fill.mandate.maxSlippageBps);
        if (barrier == Barrier.None || paid > MOST_AMOUNT) return;

        // At the worst price that the owner accepts.
        assert(closes(fill.mandate, fill.taken, paid) == 1);
        MandateState memory state = settlement.stateOf(settlement.idOf(fill.mandate));
        assert(paid >= fill.given && state.drawdown == 0 && !state.trading);
        assert(settlement.balanceOf(people[0], give(fill.mandate)) == paid);
    }

    /* HOW IT IS MADE UP */

    /// @dev A mandate, what its owner gives, and the price; the amount taken is still to be said.
    function offered(uint256[6] calldata seeds, bool long) private returns (Fill memory fill, uint256 price) {
        Mandate memory mandate = draft(people[0], long ? Side.Long : Side.Short);
        mandate.source = puppet;
        // With more slippage, no barrier below the entry price is far enough from it.
        mandate.maxSlippageBps = uint16(picked(seeds[0], 0, 4_999));
        uint256 nearest = leastBarrier(mandate.maxSlippageBps);
        mandate.takeProfitBps = uint16(picked(seeds[1], nearest, long ? type(uint16).max : 9_999));
        mandate.stopLossBps = uint16(picked(seeds[2], nearest, long ? 9_999 : type(uint16).max));
        create(mandate);

        price = picked(seeds[3], LEAST_PRICE, MOST_PRICE);
        // Enough that 100,000 units are taken of it in spite of the slippage, and not more than a fill can say.
        uint256 enough = LEAST_AMOUNT * 10_000 / (10_000 - mandate.maxSlippageBps) + 1;
        uint256 most = worth(MOST_AMOUNT, price, long);
        uint256 least = Math.max(LEAST_AMOUNT, worth(enough, price, long) + 1);
        fill = Fill(mandate, people[1], uint128(picked(seeds[4], least, Math.min(MOST_AMOUNT, most))), 0);
    }

    /// @dev What so much taken is worth in what is given.
    function worth(uint256 taken, uint256 price, bool long) private pure returns (uint256) {
        (bool small, uint256 amount) = long ? fraction(taken, price, 1e36) : fraction(taken, 1e36, price);
        return small ? amount : type(uint256).max;
    }

    /// @dev Whether a * b / c fits a word, and what it is.
    function fraction(uint256 a, uint256 b, uint256 c) private pure returns (bool, uint256) {
        (uint256 high,) = Math.mul512(a, b);
        return high < c ? (true, Math.mulDiv(a, b, c)) : (false, 0);
    }

    /// @dev The worst that the owner accepts, and what the price makes fair, rounded for the owner.
    function fromLeastToFair(Fill memory fill, uint256 price) private view returns (uint256 least, uint256 fair) {
        bool givesBase = fill.mandate.side == Side.Short;
        least = settlement.leastTaken(fill.given, givesBase, price, fill.mandate.maxSlippageBps);
        fair = settlement.leastTaken(fill.given, givesBase, price, 0);
    }

    /// @dev So much taken is a profit at once, but for rounding.
    function whereProfitIs(Mandate memory mandate, uint256 fair) private pure returns (uint256) {
        bool long = mandate.side == Side.Long;
        uint256 up = long ? 10_000 + uint256(mandate.takeProfitBps) : 10_000;
        uint256 down = long ? 10_000 : 10_000 - uint256(mandate.takeProfitBps);
        return Math.mulDiv(fair, up, down) + fair / LEAST_AMOUNT;
    }

    function opens(Fill memory fill, uint256 price) private {
        setPrice(0, price);
        deposit(people[0], DemoToken(give(fill.mandate)), fill.given);
        deposit(people[1], DemoToken(take(fill.mandate)), fill.taken);
        Signal memory signal = signalFor(fill.mandate);
        vm.prank(people[1]);
        assert(settlement.open(signal, "", one(fill)) == 1);
        deposit(people[2], DemoToken(give(fill.mandate)), MOST_AMOUNT);
    }

    function closes(Mandate memory mandate, uint256 given, uint256 taken) private returns (uint256) {
        vm.prank(people[2]);
        return settlement.close(markets[0], one(Fill(mandate, people[2], uint128(given), uint128(taken))));
    }

    /// @dev One of the two ends a quarter of the time each, near the lower one as often, and else a number of any length.
    function picked(uint256 seed, uint256 least, uint256 most) private pure returns (uint256) {
        uint256 what = seed % 4;
        seed /= 4;
        if (what == 0) return least;
        if (what == 1) return most;
        if (what == 2) return Math.min(most, least + seed % 10);
        return bound(seed >> (seed % 254), least, most);
    }
}
