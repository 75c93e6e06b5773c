// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {
    Fill,
    Mandate,
    MandateState,
    Market,
    MarketId,
    Side,
    Signal,
    Trade
} from "../../../contracts/interfaces/ISettlement.sol";
import {Exact} from "./Exact.sol";

/// @title Model
/// @notice What the settlement contract should be: its promises written a second time, from the interface's words, without
/// order, without early returns and without rounding. It says whether a fill may settle, and what the ledger then is.
abstract contract Model {
    uint256 internal constant MOST = uint256(type(uint128).max) * 1e36;

    mapping(address account => mapping(address token => uint256)) internal owned;
    mapping(address account => mapping(address operator => bool)) internal allowed;
    mapping(bytes32 id => MandateState) internal states;
    mapping(bytes32 id => Trade) internal trades;

    /// @dev Whether everything holds that an owner and a filler may ask of an open.
    function mayOpen(
        address caller,
        Signal memory signal,
        bool vouched,
        Fill memory fill,
        uint256 price,
        uint256 updatedAt
    ) internal view returns (bool) {
        Mandate memory mandate = fill.mandate;
        (address gives, address takes) = tokens(mandate, true);
        return isReady(mandate, signal.barTime) && isWanted(mandate, signal) && vouched
            && isUsable(mandate, price, updatedAt) && isInBounds(mandate, price) && fill.given != 0
            && fill.given >= mandate.minAmount && fill.given <= mandate.maxAmount
            && Exact.isEnough(fill.taken, fill.given, mandate.side == Side.Short, price, mandate.maxSlippageBps)
            && isCovered(caller, fill, gives, takes);
    }

    /// @dev Whether everything holds that an owner and a filler may ask of a close.
    function mayClose(address caller, Market memory market, Fill memory fill, uint256 price, uint256 updatedAt)
        internal
        view
        returns (bool)
    {
        Mandate memory mandate = fill.mandate;
        bytes32 id = idOf(mandate);
        (address gives, address takes) = tokens(mandate, false);
        return states[id].trading && keccak256(abi.encode(market)) == keccak256(abi.encode(mandate.market))
            && isUsable(mandate, price, updatedAt) && isTouched(mandate, price) && fill.given == trades[id].taken
            && Exact.isEnough(fill.taken, fill.given, mandate.side == Side.Long, price, mandate.maxSlippageBps)
            && isCovered(caller, fill, gives, takes);
    }

    /// @dev What a settled open does, and nothing else.
    function applyOpen(uint256 barTime, Fill memory fill) internal {
        bytes32 id = idOf(fill.mandate);
        states[id].usedUntil = uint40(barTime);
        states[id].changedAt = uint40(block.timestamp);
        states[id].trading = true;
        trades[id] = Trade(fill.given, fill.taken);
        (address gives, address takes) = tokens(fill.mandate, true);
        swap(fill, gives, takes);
    }

    /// @dev What a settled close does, and nothing else.
    function applyClose(Fill memory fill) internal {
        bytes32 id = idOf(fill.mandate);
        states[id].changedAt = uint40(block.timestamp);
        states[id].trading = false;
        states[id].netLoss += int160(uint160(trades[id].given)) - int160(uint160(fill.taken));
        (address gives, address takes) = tokens(fill.mandate, false);
        swap(fill, gives, takes);
    }

    /// @dev Invariants 2 and 3: owner and filler, both tokens, by exactly the fill's amounts.
    function swap(Fill memory fill, address gives, address takes) private {
        owned[fill.mandate.owner][gives] -= fill.given;
        owned[fill.filler][gives] += fill.given;
        owned[fill.filler][takes] -= fill.taken;
        owned[fill.mandate.owner][takes] += fill.taken;
    }

    function isReady(Mandate memory mandate, uint256 barTime) internal view returns (bool) {
        MandateState memory state = states[idOf(mandate)];
        bool rested = state.changedAt == 0 || block.timestamp - state.changedAt >= mandate.cooldown;
        bool solvent = state.netLoss < 0 || uint256(uint160(state.netLoss)) < mandate.lossLimit;
        return state.usedUntil != 0 && !state.cancelled && !state.trading && block.timestamp <= mandate.expiry
            && barTime > state.usedUntil && rested && solvent;
    }

    function isWanted(Mandate memory mandate, Signal memory signal) internal view returns (bool) {
        return signal.model == mandate.model && MarketId.unwrap(signal.market) == keccak256(abi.encode(mandate.market))
            && signal.side == mandate.side && (mandate.patterns == 0 || signal.patterns & mandate.patterns != 0)
            && signal.confidenceBps >= mandate.minConfidenceBps && signal.barTime <= block.timestamp
            && signal.barTime + mandate.maxSignalAge >= block.timestamp && signal.validUntil >= block.timestamp;
    }

    function isUsable(Mandate memory mandate, uint256 price, uint256 updatedAt) internal view returns (bool) {
        return price != 0 && price <= MOST && updatedAt <= block.timestamp
            && updatedAt + mandate.maxPriceAge >= block.timestamp;
    }

    function isInBounds(Mandate memory mandate, uint256 price) internal pure returns (bool) {
        return price >= mandate.minPrice && (mandate.maxPrice == 0 || price <= mandate.maxPrice);
    }

    function isTouched(Mandate memory mandate, uint256 price) internal view returns (bool) {
        bytes32 id = idOf(mandate);
        bool long = mandate.side == Side.Long;
        uint256 base = long ? trades[id].taken : trades[id].given;
        uint256 quote = long ? trades[id].given : trades[id].taken;
        uint256 entry = quote * Exact.SCALE / base;
        bool up = Exact.isAtLeastShare(price, entry, Exact.BPS + (long ? mandate.takeProfitBps : mandate.stopLossBps));
        bool down = Exact.isAtMostShare(price, entry, Exact.BPS - (long ? mandate.stopLossBps : mandate.takeProfitBps));
        return up || down || block.timestamp >= uint256(states[id].changedAt) + mandate.horizon;
    }

    function isCovered(address caller, Fill memory fill, address gives, address takes) internal view returns (bool) {
        return fill.filler != fill.mandate.owner && (fill.filler == caller || allowed[fill.filler][caller])
            && owned[fill.mandate.owner][gives] >= fill.given && owned[fill.filler][takes] >= fill.taken;
    }

    function tokens(Mandate memory mandate, bool opening) internal pure returns (address gives, address takes) {
        bool givesQuote = (mandate.side == Side.Long) == opening;
        return givesQuote ? (mandate.market.quote, mandate.market.base) : (mandate.market.base, mandate.market.quote);
    }

    function idOf(Mandate memory mandate) internal pure returns (bytes32) {
        return keccak256(abi.encode(mandate));
    }
}
