// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ISettlement, Mandate, Side} from "../../../contracts/interfaces/ISettlement.sol";
import {vm} from "./Cheats.sol";
import {Trader} from "./Trader.sol";

/// @title Owner
/// @notice Mandates: created by their owners, or lodged by anybody with a signature that is good or is not; and cancelled,
/// before or after that.
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
        vm.prank(mandate.owner);
        settlement.cancel(mandate);
        states[idOf(mandate)].cancelled = true;
        takeInLogs();
        mandateAgrees(idOf(mandate));
        count(lodged ? "cancel" : "cancel what was only signed", true);
    }

    /* WHAT MUST COME OF IT */

    function remember(Mandate memory mandate, bool done) private {
        bytes32 id = idOf(mandate);
        if (done) {
            states[id].usedUntil = uint40(block.timestamp - 1);
            mandates[id] = mandate;
            if (ids.length < MANDATES) ids.push(id);
            else ids[roll(MANDATES)] = id;
        }
        takeInLogs();
        mandateAgrees(id);
    }

    /* HOW IT IS MADE UP */

    function known() internal returns (Mandate memory) {
        return ids.length == 0 ? made(anybody()) : mandates[ids[roll(ids.length)]];
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
        mandate.market = markets[roll(4) / 3];
        if (chance(1, 4)) mandate.source = puppet;
        if (chance(1, 2)) mandate.patterns = uint32(roll(1 << 32));
        mandate.minConfidenceBps = uint16(roll(10_001));
        mandate.maxSlippageBps = uint16(roll(200));
        mandate.takeProfitBps = uint16(between(1, 200));
        mandate.stopLossBps = uint16(between(1, 200));
        mandate.horizon = uint32(between(1, 300));
        mandate.cooldown = uint32(chance(1, 2) ? 0 : roll(60));
        mandate.maxSignalAge = uint32(between(5, 60));
        mandate.maxPriceAge = uint32(between(60, 600));
        mandate.maxAmount =
            uint128(give(mandate) == address(base) ? 5e18 : give(mandate) == address(quote) ? 10_000e6 : 150e8);
        mandate.minAmount = uint128(roll(mandate.maxAmount / 2));
        uint256 usual = usualPrice(address(mandate.market.oracle) == address(markets[0].oracle) ? 0 : 1);
        if (chance(1, 8)) mandate.minPrice = usual * between(9_500, 10_000) / 10_000;
        if (chance(1, 8)) mandate.maxPrice = usual * between(10_000, 10_500) / 10_000;
        mandate.lossLimit = uint128(chance(1, 4) ? between(1, mandate.maxAmount / 50) : mandate.maxAmount);
        mandate.expiry = uint40(block.timestamp + between(300, 30_000));
        mandate.salt = bytes32(++salts);
    }

    /// @dev Takes one field to its edge, or just beyond; answers whether the mandate may still be created.
    function spoil(Mandate memory mandate) private returns (bool) {
        bool beyond = chance(1, 2);
        uint256 what = roll(12);
        if (what == 0) mandate.market.base = beyond ? address(0) : address(1);
        else if (what == 1) mandate.market.quote = beyond ? mandate.market.base : address(1);
        else if (what == 2) mandate.maxSlippageBps = beyond ? 10_000 : 9_999;
        else if (what == 3) mandate.minConfidenceBps = beyond ? 10_001 : 10_000;
        else if (what == 4) mandate.takeProfitBps = beyond ? 0 : 1;
        else if (what == 5) mandate.stopLossBps = beyond ? 0 : 1;
        else if (what == 6) mandate.horizon = beyond ? 0 : 1;
        else if (what == 7) (mandate.minAmount, mandate.maxAmount) = (1, beyond ? 0 : 1);
        else if (what == 8) mandate.lossLimit = beyond ? 0 : 1;
        else if (what == 9) mandate.expiry = uint40(beyond ? block.timestamp : block.timestamp + 1);
        else if (what == 10) (mandate.minPrice, mandate.maxPrice) = (beyond ? 3 : 2, 2);
        else if (mandate.side == Side.Long) mandate.stopLossBps = beyond ? 10_000 : 9_999;
        else mandate.takeProfitBps = beyond ? 10_000 : 9_999;
        return !beyond;
    }
}
