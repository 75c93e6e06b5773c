// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {
    Barrier,
    Fill,
    ISettlement,
    Mandate,
    MandateState,
    Market,
    Reason,
    Side,
    Signal
} from "../../../contracts/interfaces/ISettlement.sol";
import {Vm, vm} from "./Cheats.sol";
import {Stage} from "./Stage.sol";

/// @title Trader
/// @notice Opens and closes, alone and in batches: most of them as everybody should, the others with one thing wrong. The
/// model says beforehand which fills settle; the contract, its views and its events must say the same.
abstract contract Trader is Stage {
    enum Forgery {
        None,
        OtherKey,
        OtherSignal,
        OtherSettlement,
        OtherChain,
        Truncated,
        Absent
    }

    /// @dev What one caller presents in one call.
    struct Offer {
        address caller;
        Signal signal;
        bytes evidence;
        bool attested;
        Fill[] fills;
    }

    /// @dev What became of the first fill of the last call.
    Reason private _lastReason;

    /* ACTIONS */

    function open(uint256 seed) external step(seed) {
        (bool found, Mandate memory mandate) = pick(false);
        if (!found) return;
        if (chance(1, 4)) approach(uint256(states[idOf(mandate)].changedAt) + mandate.cooldown);
        if (chance(1, 12)) approach(mandate.expiry);
        Offer memory offer = offerFor(mandate, 1);
        offer.fills[0] = openFill(mandate, offer);
        if (chance(1, 3)) spoilOpen(offer);
        attest(offer, chance(1, 12));
        bool done = present(offer) == 1;
        count("open", done);
        if (mandate.filler != address(0)) count("open with a filler that is named", done);
        if (block.timestamp < offer.signal.barTime + mandate.ramp) count("open on the ramp", done);
    }

    function openBatch(uint256 seed) external step(seed) {
        (bool found, Mandate memory mandate) = pick(false);
        if (!found) return;
        Offer memory offer = offerFor(mandate, between(2, 6));
        for (uint256 i; i < offer.fills.length; ++i) {
            Mandate memory next = i == 0 ? mandate : another(mandate, false);
            offer.fills[i] = openFill(next, offer);
            if (chance(1, 5)) spoilFill(offer, i);
        }
        attest(offer, chance(1, 12));
        count("open in a batch", present(offer) != 0);
    }

    function close(uint256 seed) external step(seed) {
        (bool found, Mandate memory mandate) = pick(true);
        if (!found) return;
        if (chance(1, 3)) approach(uint256(states[idOf(mandate)].changedAt) + mandate.horizon);
        Offer memory offer = offerFor(mandate, 1);
        offer.fills[0] = closeFill(mandate, offer.caller);
        if (chance(1, 3)) spoilFill(offer, 0);
        bool done = settle(offer, chance(1, 12) ? markets[roll(2)] : mandate.market) == 1;
        count("close", done);
        if (mandate.filler != address(0)) count("close with a filler that is named", done);
    }

    function closeBatch(uint256 seed) external step(seed) {
        (bool found, Mandate memory mandate) = pick(true);
        if (!found) return;
        Market memory market = mandate.market;
        Offer memory offer = offerFor(mandate, between(2, 6));
        for (uint256 i; i < offer.fills.length; ++i) {
            Mandate memory next = i == 0 ? mandate : another(mandate, true);
            offer.fills[i] = closeFill(next, offer.caller);
            if (chance(1, 5)) spoilFill(offer, i);
        }
        count("close in a batch", settle(offer, market) != 0);
    }

    /* WHAT MUST COME OF IT */

    /// @dev Opens, and holds every fill to what the model says of it.
    function present(Offer memory offer) private returns (uint256 settled) {
        bool[] memory expected = new bool[](offer.fills.length);
        Reason foretold;
        if (offer.fills.length == 1) {
            vm.prank(offer.caller);
            foretold = settlement.checkOpen(offer.signal, offer.evidence, offer.fills[0]);
        }
        for (uint256 i; i < expected.length; ++i) {
            Fill memory fill = offer.fills[i];
            (uint256 price, uint256 updatedAt) = priceOf(fill.mandate.market);
            expected[i] = mayOpen(offer.caller, offer.signal, isVouched(offer, fill.mandate), fill, price, updatedAt);
            if (!expected[i]) continue;
            applyOpen(offer.signal.barTime, fill);
            ++settled;
        }
        vm.prank(offer.caller);
        uint256 opened = settlement.open(offer.signal, offer.evidence, offer.fills);
        claim(opened == settled, "open settles what qualifies and nothing else");
        judge(offer.fills, expected, ISettlement.Opened.selector, 1);
        if (expected.length == 1) foretell(expected[0], foretold);
    }

    /// @dev Closes, and holds every fill to what the model says of it.
    function settle(Offer memory offer, Market memory market) private returns (uint256 settled) {
        bool[] memory expected = new bool[](offer.fills.length);
        Reason foretold;
        Barrier barrier;
        if (offer.fills.length == 1) {
            vm.prank(offer.caller);
            (foretold, barrier) = settlement.checkClose(market, offer.fills[0]);
        }
        // One price a call, that of the first fill that asks for it; all fills that get so far are of one market.
        (uint256 price, uint256 updatedAt) = priceOf(market);
        for (uint256 i; i < expected.length; ++i) {
            expected[i] = mayClose(offer.caller, market, offer.fills[i], price, updatedAt);
            if (!expected[i]) continue;
            applyClose(offer.fills[i]);
            ++settled;
        }
        vm.prank(offer.caller);
        uint256 closed = settlement.close(market, offer.fills);
        claim(closed == settled, "close settles what qualifies and nothing else");
        judge(offer.fills, expected, ISettlement.Closed.selector, 0);
        if (expected.length != 1) return settled;
        foretell(expected[0], foretold);
        claim(!expected[0] || barrier != Barrier.None, "what closes has touched a barrier");
    }

    /// @dev Each fill has one event of its own, in order: that it was settled, or why it was not.
    function judge(Fill[] memory fills, bool[] memory expected, bytes32 settled, uint256 first) private {
        Vm.Log[] memory logs = vm.getRecordedLogs();
        replay.take(logs, address(settlement));
        claim(logs.length == first + fills.length, "one event a fill");
        for (uint256 i; i < fills.length; ++i) {
            Vm.Log memory log = logs[first + i];
            bytes32 wanted = expected[i] ? settled : ISettlement.Refused.selector;
            claim(log.topics[0] == wanted, "each fill is judged on its own");
            claim(log.topics[1] == idOf(fills[i].mandate), "events name their mandate");
            if (!expected[i]) countRefusal(abi.decode(log.data, (Reason)));
        }
        _lastReason = expected[0] ? Reason.None : abi.decode(logs[first].data, (Reason));
    }

    function foretell(bool settled, Reason foretold) private view {
        claim(settled == (foretold == Reason.None), "a check answers None exactly when the call settles");
        claim(foretold == _lastReason, "a check names the reason that the call then logs");
    }

    /* HOW IT IS MADE UP */

    function offerFor(Mandate memory mandate, uint256 size) private returns (Offer memory offer) {
        if (chance(2, 3)) drift();
        bool named = mandate.filler != address(0) && chance(5, 6);
        offer.caller = named ? mandate.filler : anybodyBut(mandate.owner);
        offer.fills = new Fill[](size);
        offer.signal = signalFor(mandate);
        MandateState memory state = states[idOf(mandate)];
        offer.signal.patterns = mandate.patterns | roll(type(uint256).max);
        offer.signal.confidenceBps = between(mandate.minConfidenceBps, 10_000);
        offer.signal.barTime = between(max(state.usableFrom, block.timestamp - 20), block.timestamp);
        offer.signal.validUntil = block.timestamp + roll(60);
    }

    function openFill(Mandate memory mandate, Offer memory offer) private returns (Fill memory fill) {
        fill.mandate = mandate;
        fill.filler = fillerFor(mandate, offer.caller);
        uint256 least = max(LEAST_AMOUNT, mandate.minAmount);
        uint256 most = min(mandate.maxAmount, owned[mandate.owner][give(mandate)]);
        fill.given = uint128(chance(1, 8) ? least : between(least, most));
        uint256 slippageBps = slippageAt(mandate, offer.signal.barTime);
        fill.taken = uint128(fair(fill.given, mandate, mandate.side == Side.Short, slippageBps));
    }

    function closeFill(Mandate memory mandate, address caller) private returns (Fill memory fill) {
        fill.mandate = mandate;
        fill.filler = fillerFor(mandate, caller);
        fill.given = trades[idOf(mandate)].taken;
        fill.taken = uint128(fair(fill.given, mandate, mandate.side == Side.Long, mandate.maxSlippageBps));
        if (chance(1, 4)) fill.taken = uint128(toTheLimit(mandate, fill.taken));
    }

    /// @dev What makes the drawdown exactly the owner's limit, where it is not too far away.
    function toTheLimit(Mandate memory mandate, uint256 taken) private view returns (uint256) {
        bytes32 id = idOf(mandate);
        uint256 at_ = uint256(states[id].drawdown) + trades[id].given;
        uint256 exact = at_ > mandate.drawdownLimit ? at_ - mandate.drawdownLimit : 0;
        return exact > 0 && exact < 2 * taken ? exact : taken;
    }

    /// @dev Waits for a moment that matters, or for the second before it.
    function approach(uint256 time) private {
        if (time > block.timestamp + 1 && time < block.timestamp + 2_000) vm.warp(time - roll(2));
    }

    /// @dev The caller itself, where that is possible, or somebody for whom it may act.
    function fillerFor(Mandate memory mandate, address caller) private returns (address filler) {
        if (mandate.filler != address(0) && chance(7, 8)) return mandate.filler;
        filler = chance(1, 3) ? anybody() : caller;
        if (!allowed[filler][caller] && filler != caller && chance(3, 4)) filler = caller;
        if (filler == mandate.owner && chance(3, 4)) filler = anybodyBut(mandate.owner);
    }

    /// @dev From the least that the owner accepts up to a little more than the price makes fair.
    function fair(uint256 given, Mandate memory mandate, bool givesBase, uint256 slippageBps)
        private
        returns (uint256)
    {
        (uint256 price,) = priceOf(mandate.market);
        if (price == 0 || price > 1e40) return roll(1e18);
        uint256 whole = givesBase ? ceilDiv(given * price, 1e36) : ceilDiv(given * 1e36, price);
        uint256 least = ceilDiv(whole * (10_000 - slippageBps), 10_000);
        return chance(1, 3) ? least : between(least, whole + whole / 200);
    }

    /// @dev Takes one thing that a criterion asks for to its edge, or just beyond.
    function spoilOpen(Offer memory offer) private {
        Mandate memory mandate = offer.fills[0].mandate;
        Signal memory signal = offer.signal;
        uint256 what = roll(14);
        if (what == 0) {
            signal.model = bytes32(roll(2 ** 32));
        } else if (what == 1) {
            signal.market = settlement.marketIdOf(markets[roll(2)]);
        } else if (what == 2) {
            signal.side = Side(roll(2));
        } else if (what == 3) {
            signal.patterns = ~uint256(mandate.patterns);
        } else if (what == 4) {
            signal.confidenceBps = max(1, mandate.minConfidenceBps) - roll(2);
        } else if (what == 5) {
            signal.barTime = block.timestamp + roll(2);
        } else if (what == 6) {
            signal.barTime = block.timestamp - mandate.maxSignalAge - roll(2);
        } else if (what == 7) {
            signal.validUntil = block.timestamp - roll(2);
        } else if (what == 8) {
            signal.barTime = states[idOf(mandate)].usableFrom - roll(2);
        } else {
            spoilFill(offer, 0);
        }
    }

    function spoilFill(Offer memory offer, uint256 number) private {
        Fill memory fill = offer.fills[number];
        Mandate memory mandate = fill.mandate;
        uint256 what = roll(11);
        if (what == 0) fill.taken -= fill.taken == 0 ? 0 : 1;
        else if (what == 1) fill.taken = uint128(owned[fill.filler][take(mandate)] + roll(2));
        else if (what == 2) fill.given = uint128(owned[mandate.owner][give(mandate)] + roll(2));
        else if (what == 3) fill.given = uint128(mandate.minAmount - min(mandate.minAmount, roll(2)));
        else if (what == 4) fill.given = uint128(mandate.maxAmount + roll(2));
        else if (what == 5) fill.filler = mandate.owner;
        else if (what == 6) fill.filler = anybody();
        else if (what == 7) fill.given = uint128(LEAST_AMOUNT - roll(2));
        else if (what == 8) fill.taken = uint128(LEAST_AMOUNT - roll(2));
        else if (what == 9) mandate.salt = bytes32(roll(2 ** 64));
        else mandate.maxSlippageBps += 1;
    }

    /// @dev Has the model's key sign, or forges.
    function attest(Offer memory offer, bool forge) private {
        Forgery forgery = forge ? Forgery(between(1, uint256(type(Forgery).max))) : Forgery.None;
        address addressed = forgery == Forgery.OtherSettlement ? address(this) : address(settlement);
        uint256 chain = block.chainid;
        if (forgery == Forgery.OtherChain) vm.chainId(chain + 1);
        bytes32 digest = models.digest(addressed, offer.signal);
        vm.chainId(chain);
        offer.evidence = signBy(forgery == Forgery.OtherKey ? OTHER_KEY : MODEL_KEY, digest);
        if (forgery == Forgery.OtherSignal) offer.signal.inputs = ~offer.signal.inputs;
        if (forgery == Forgery.Truncated) offer.evidence = shortened(offer.evidence);
        if (forgery == Forgery.Absent) offer.evidence = "";
        offer.attested = forgery == Forgery.None && registered[offer.signal.model];
    }

    function isVouched(Offer memory offer, Mandate memory mandate) private view returns (bool) {
        return address(mandate.source) == address(models) ? offer.attested : puppetVouches;
    }

    function priceOf(Market memory market) internal view returns (uint256, uint256) {
        uint256 number = address(market.oracle) == address(markets[0].oracle) ? 0 : 1;
        return (said[number].price, said[number].updatedAt);
    }

    /// @dev A mandate that is trading, or is not; now and then one of the others.
    function pick(bool trading) internal returns (bool found, Mandate memory mandate) {
        if (ids.length == 0) return (false, mandate);
        bool wanted = chance(1, 16) ? !trading : trading;
        uint256 start = roll(ids.length);
        for (uint256 i; i < ids.length; ++i) {
            bytes32 id = ids[(start + i) % ids.length];
            if (states[id].trading == wanted) return (true, mandates[id]);
        }
    }

    /// @dev One more for a batch: half of the time any, else one that fits.
    function another(Mandate memory first, bool trading) private returns (Mandate memory mandate) {
        uint256 start = roll(ids.length);
        uint256 rounds = chance(1, 2) ? 0 : ids.length;
        for (uint256 i; i < rounds; ++i) {
            bytes32 id = ids[(start + i) % ids.length];
            Mandate storage one_ = mandates[id];
            bool fits = address(one_.market.oracle) == address(first.market.oracle) && states[id].trading == trading
                && (trading || one_.side == first.side);
            if (fits) return one_;
        }
        return mandates[ids[start]];
    }

    function ceilDiv(uint256 a, uint256 b) private pure returns (uint256) {
        return (a + b - 1) / b;
    }

    function min(uint256 a, uint256 b) private pure returns (uint256) {
        return a < b ? a : b;
    }

    function max(uint256 a, uint256 b) private pure returns (uint256) {
        return a > b ? a : b;
    }
}
