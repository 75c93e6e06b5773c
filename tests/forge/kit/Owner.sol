// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ISettlement, Mandate, Side} from "../../../contracts/interfaces/ISettlement.sol";
import {vm} from "./Cheats.sol";
import {Trader} from "./Trader.sol";

/// @title Owner
/// @notice Mandates: created by their owners, or lodged by anybody with a signature that is good or is not; cancelled,
/// before or after that; and their trades released.
abstract contract Owner is Trader {
    enum Flaw {
        None,
        OtherKey,
        OtherChain,
        OtherContract,
        OtherMandate,
        Truncated,
        Mirrored
    }

    /// @dev Makes mandates, and models, different.
    uint256 internal salts;
    /// @dev Signed by their owners and lodged by nobody yet.
    Mandate[] private _drawer;

    /* ACTIONS */

    function create(uint256 seed) external step(seed) {
        Mandate memory mandate = made(anybody());
        bool good = true;
        if (chance(1, 8)) good = spoil(mandate);
        if (ids.length != 0 && chance(1, 16)) (mandate, good) = (known(), false);
        bool done = succeeds(mandate.owner, abi.encodeCall(ISettlement.create, (mandate)));
        claim(done == good, "a mandate is created exactly when it is sound and new");
        count(good ? "create" : "create what is unsound or exists, in vain", true);
        remember(mandate, done);
    }

    function sign(uint256 seed) external step(seed) {
        if (_drawer.length == MANDATES) return;
        _drawer.push(made(anybody()));
        count("sign a mandate", true);
    }

    /// @dev What is lodged may have been cancelled meanwhile.
    function lodge(uint256 seed) external step(seed) {
        if (_drawer.length == 0) _drawer.push(made(anybody()));
        uint256 number = roll(_drawer.length);
        Mandate memory mandate = _drawer[number];
        Flaw flaw = chance(1, 3) ? Flaw(roll(uint256(type(Flaw).max) + 1)) : Flaw.None;
        bytes memory signature = signed(mandate, flaw);
        if (flaw == Flaw.OtherMandate) mandate.maxSlippageBps += 1;
        bool good = flaw == Flaw.None && !states[idOf(mandate)].cancelled && block.timestamp < mandate.expiry;
        bool done = succeeds(anybody(), abi.encodeCall(ISettlement.createFor, (mandate, signature)));
        claim(done == good, "a mandate is lodged exactly when its owner signed it and did not cancel it");
        count(good ? "lodge a signed mandate" : "lodge what is forged, cancelled or expired, in vain", true);
        remember(mandate, done);
        if (flaw != Flaw.None) return;
        _drawer[number] = _drawer[_drawer.length - 1];
        _drawer.pop();
    }

    function cancel(uint256 seed) external step(seed) {
        bool lodged = _drawer.length == 0 || chance(2, 3);
        if (lodged && (ids.length == 0 || chance(5, 6))) return;
        Mandate memory mandate = lodged ? known() : _drawer[roll(_drawer.length)];
        Mandate[] memory some = chance(1, 3) ? allOf(mandate) : one(mandate);
        vm.prank(mandate.owner);
        settlement.cancel(some);
        takeInLogs();
        for (uint256 i; i < some.length; ++i) {
            states[idOf(some[i])].cancelled = true;
            mandateAgrees(idOf(some[i]));
        }
        if (some.length > 1) count("cancel several", true);
        else count(lodged ? "cancel" : "cancel what was only signed", true);
    }

    /// @dev Whatever its oracle, its fillers and its barriers are doing.
    function release(uint256 seed) external step(seed) {
        (bool found, Mandate memory mandate) = pick(true);
        if (!found || chance(1, 2)) return;
        bytes32 id = idOf(mandate);
        bool trading = states[id].trading;
        uint256 before = owned[mandate.owner][take(mandate)];
        if (trading) applyRelease(mandate);
        bool done = succeeds(mandate.owner, abi.encodeCall(ISettlement.release, (mandate)));
        claim(done == trading, "an owner can always release an open trade, and no other");
        uint256 released = settlement.balanceOf(mandate.owner, take(mandate)) - before;
        claim(released == (trading ? trades[id].taken : 0), "what is released is what the trade took");
        takeInLogs();
        mandateAgrees(id);
        count(trading ? "release" : "release without an open trade, in vain", true);
    }

    /* WHAT MUST COME OF IT */

    function remember(Mandate memory mandate, bool done) private {
        bytes32 id = idOf(mandate);
        if (done) {
            states[id].usableFrom = uint40(block.timestamp);
            keep(mandate);
        }
        takeInLogs();
        mandateAgrees(id);
    }

    /* HOW IT IS MADE UP */

    function known() internal returns (Mandate memory) {
        return ids.length == 0 ? made(anybody()) : mandates[ids[roll(ids.length)]];
    }

    /// @dev The mandate, and all others of its owner's that are known.
    function allOf(Mandate memory mandate) internal view returns (Mandate[] memory found) {
        found = new Mandate[](ids.length + 1);
        found[0] = mandate;
        uint256 size = 1;
        for (uint256 i; i < ids.length; ++i) {
            Mandate memory other = mandates[ids[i]];
            if (other.owner == mandate.owner && other.salt != mandate.salt) found[size++] = other;
        }
        assembly ("memory-safe") {
            mstore(found, size)
        }
    }

    function signed(Mandate memory mandate, Flaw flaw) private view returns (bytes memory signature) {
        address verifier = flaw == Flaw.OtherContract ? address(this) : address(settlement);
        uint256 chain = flaw == Flaw.OtherChain ? block.chainid + 1 : block.chainid;
        uint256 key = flaw == Flaw.OtherKey ? OTHER_KEY : keyOf(numberOf(mandate.owner));
        signature = signBy(key, mandateDigest(mandate, verifier, chain));
        if (flaw == Flaw.Truncated) return shortened(signature);
        if (flaw == Flaw.Mirrored) return mirrored(signature);
    }

    function made(address owner) internal returns (Mandate memory mandate) {
        mandate = draft(owner, Side(roll(2)));
        if (chance(1, 4)) mandate.filler = anybodyBut(owner);
        mandate.market = markets[roll(4) / 3];
        if (chance(1, 4)) mandate.source = puppet;
        if (chance(1, 2)) mandate.patterns = uint32(roll(1 << 32));
        mandate.minConfidenceBps = uint16(roll(10_001));
        mandate.maxSlippageBps = uint16(roll(200));
        uint256 nearest = leastBarrier(mandate.maxSlippageBps);
        mandate.takeProfitBps = uint16(chance(1, 4) ? nearest : between(nearest, nearest + 200));
        mandate.stopLossBps = uint16(chance(1, 4) ? nearest : between(nearest, nearest + 200));
        mandate.horizon = uint32(between(1, 300));
        mandate.cooldown = uint32(chance(1, 2) ? 0 : roll(60));
        mandate.maxSignalAge = uint32(between(5, 60));
        if (chance(1, 3)) mandate.ramp = uint32(between(1, mandate.maxSignalAge));
        mandate.maxPriceAge = uint32(between(60, 600));
        mandate.maxAmount =
            uint128(give(mandate) == address(base) ? 5e18 : give(mandate) == address(quote) ? 10_000e6 : 150e8);
        mandate.minAmount = uint128(roll(chance(1, 3) ? 2 * LEAST_AMOUNT : mandate.maxAmount / 2));
        uint256 usual = usualPrice(address(mandate.market.oracle) == address(markets[0].oracle) ? 0 : 1);
        if (chance(1, 8)) mandate.minPrice = usual * between(9_500, 10_000) / 10_000;
        if (chance(1, 8)) mandate.maxPrice = usual * between(10_000, 10_500) / 10_000;
        mandate.drawdownLimit = uint128(chance(1, 4) ? between(1, mandate.maxAmount / 50) : mandate.maxAmount);
        mandate.expiry = uint40(block.timestamp + between(300, 30_000));
        mandate.salt = bytes32(++salts);
    }

    /// @dev Takes one field to its edge, or just beyond; answers whether the mandate may still be created.
    function spoil(Mandate memory mandate) private returns (bool) {
        bool beyond = chance(1, 2);
        uint256 what = roll(16);
        uint256 nearest = leastBarrier(mandate.maxSlippageBps);
        if (what == 0) mandate.market.base = beyond ? address(0) : address(1);
        else if (what == 1) mandate.market.quote = beyond ? mandate.market.base : address(1);
        else if (what == 2) mandate.maxSlippageBps = uint16(mostSlippage(mandate) + (beyond ? 1 : 0));
        else if (what == 3) mandate.minConfidenceBps = beyond ? 10_001 : 10_000;
        else if (what == 4) mandate.takeProfitBps = uint16(nearest - (beyond ? 1 : 0));
        else if (what == 5) mandate.stopLossBps = uint16(nearest - (beyond ? 1 : 0));
        else if (what == 6) mandate.horizon = beyond ? 0 : 1;
        else if (what == 7) (mandate.minAmount, mandate.maxAmount) = (1, uint128(LEAST_AMOUNT - (beyond ? 1 : 0)));
        else if (what == 8) mandate.drawdownLimit = beyond ? 0 : 1;
        else if (what == 9) mandate.expiry = uint40(beyond ? block.timestamp : block.timestamp + 1);
        else if (what == 10) (mandate.minPrice, mandate.maxPrice) = (beyond ? 3e9 : 2e9, beyond ? 3e9 - 1 : 2e9);
        else if (what == 11) mandate.filler = beyond ? mandate.owner : address(1);
        else if (what == 12) mandate.ramp = mandate.maxSignalAge + (beyond ? 1 : 0);
        else if (what == 13) (mandate.minPrice, mandate.maxPrice) = (0, LEAST_PRICE - (beyond ? 1 : 0));
        else if (what == 14) (mandate.minPrice, mandate.maxPrice) = (MOST + (beyond ? 1 : 0), 0);
        else if (mandate.side == Side.Long) mandate.stopLossBps = beyond ? 10_000 : 9_999;
        else mandate.takeProfitBps = beyond ? 10_000 : 9_999;
        return !beyond;
    }

    /// @dev The most slippage that still reaches neither barrier.
    function mostSlippage(Mandate memory mandate) private pure returns (uint256) {
        uint256 nearer = mandate.takeProfitBps < mandate.stopLossBps ? mandate.takeProfitBps : mandate.stopLossBps;
        return 10_000 - (100_010_000 + 10_000 + nearer - 1) / (10_000 + nearer);
    }
}
