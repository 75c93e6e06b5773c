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
    /// @dev Below these, rounding alone could touch a barrier: nothing opens.
    uint256 internal constant LEAST_AMOUNT = 100_000;
    uint256 internal constant LEAST_PRICE = 1e9;

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
            && isUsable(mandate, price, updatedAt) && isInBounds(mandate, price) && isOfSize(mandate, fill)
            && isFair(fill, price, signal.barTime) && isCovered(caller, fill, takes)
            && owned[mandate.owner][gives] >= fill.given;
    }

    /// @dev Whether everything holds that an owner and a filler may ask of a close.
    function mayClose(address caller, Market memory market, Fill memory fill, uint256 price, uint256 updatedAt)
        internal
        view
        returns (bool)
    {
        Mandate memory mandate = fill.mandate;
        bytes32 id = idOf(mandate);
        (, address takes) = tokens(mandate, false);
        return states[id].trading && keccak256(abi.encode(market)) == keccak256(abi.encode(mandate.market))
            && isUsable(mandate, price, updatedAt) && isTouched(mandate, price) && fill.given == trades[id].taken
            && Exact.isEnough(fill.taken, fill.given, mandate.side == Side.Long, price, mandate.maxSlippageBps)
            && isCovered(caller, fill, takes);
    }

    /// @dev What a settled open does, and nothing else.
    function applyOpen(uint256 barTime, Fill memory fill) internal {
        bytes32 id = idOf(fill.mandate);
        states[id].usableFrom = uint40(barTime + 1);
        states[id].changedAt = uint40(block.timestamp);
        states[id].trading = true;
        trades[id] = Trade(fill.given, fill.taken);
        (address gives, address takes) = tokens(fill.mandate, true);
        owned[fill.mandate.owner][gives] -= fill.given;
        swap(fill, gives, takes);
    }

    /// @dev What a settled close does, and nothing else.
    function applyClose(Fill memory fill) internal {
        bytes32 id = idOf(fill.mandate);
        states[id].changedAt = uint40(block.timestamp);
        states[id].trading = false;
        uint160 lost = states[id].drawdown + trades[id].given;
        states[id].drawdown = lost > fill.taken ? lost - fill.taken : 0;
        (address gives, address takes) = tokens(fill.mandate, false);
        swap(fill, gives, takes);
        owned[fill.mandate.owner][takes] += fill.taken;
    }

    /// @dev What an owner does that ends its trade, and nothing else: the drawdown stays.
    function applyRelease(Mandate memory mandate) internal {
        bytes32 id = idOf(mandate);
        states[id].changedAt = uint40(block.timestamp);
        states[id].trading = false;
        (, address took) = tokens(mandate, true);
        owned[mandate.owner][took] += trades[id].taken;
    }

    /// @dev What a mandate's trade holds of a token: what it took, while it is open.
    function holding(Mandate memory mandate, address token) internal view returns (uint256) {
        bytes32 id = idOf(mandate);
        (, address took) = tokens(mandate, true);
        return states[id].trading && took == token ? trades[id].taken : 0;
    }

    /// @dev The filler's half, of exactly the fill's amounts: it is the same at both ends.
    function swap(Fill memory fill, address gives, address takes) private {
        owned[fill.filler][gives] += fill.given;
        owned[fill.filler][takes] -= fill.taken;
    }

    function isReady(Mandate memory mandate, uint256 barTime) internal view returns (bool) {
        MandateState memory state = states[idOf(mandate)];
        uint256 rest = mandate.cooldown == 0 ? 1 : mandate.cooldown;
        bool rested = state.changedAt == 0 || block.timestamp - state.changedAt >= rest;
        return state.usableFrom != 0 && !state.cancelled && !state.trading && block.timestamp <= mandate.expiry
            && barTime >= state.usableFrom && rested && state.drawdown < mandate.drawdownLimit;
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
        return price >= LEAST_PRICE && price >= mandate.minPrice && (mandate.maxPrice == 0 || price <= mandate.maxPrice);
    }

    function isOfSize(Mandate memory mandate, Fill memory fill) internal pure returns (bool) {
        return fill.given >= mandate.minAmount && fill.given <= mandate.maxAmount && fill.given >= LEAST_AMOUNT
            && fill.taken >= LEAST_AMOUNT;
    }

    function isFair(Fill memory fill, uint256 price, uint256 barTime) internal view returns (bool) {
        uint256 slippageBps = slippageAt(fill.mandate, barTime);
        return Exact.isEnough(fill.taken, fill.given, fill.mandate.side == Side.Short, price, slippageBps);
    }

    /// @dev The most whole basis points that are no larger a part of the slippage than what has passed is of the ramp.
    function slippageAt(Mandate memory mandate, uint256 barTime) internal view returns (uint256 slippageBps) {
        uint256 passed = block.timestamp - barTime;
        if (passed >= mandate.ramp) return mandate.maxSlippageBps;
        slippageBps = mandate.maxSlippageBps * passed / mandate.ramp;
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

    function isCovered(address caller, Fill memory fill, address takes) internal view returns (bool) {
        address named = fill.mandate.filler;
        return fill.filler != fill.mandate.owner && (named == address(0) || named == fill.filler)
            && (fill.filler == caller || allowed[fill.filler][caller]) && owned[fill.filler][takes] >= fill.taken;
    }

    function tokens(Mandate memory mandate, bool opening) internal pure returns (address gives, address takes) {
        bool givesQuote = (mandate.side == Side.Long) == opening;
        return givesQuote ? (mandate.market.quote, mandate.market.base) : (mandate.market.base, mandate.market.quote);
    }

    function idOf(Mandate memory mandate) internal pure returns (bytes32) {
        return keccak256(abi.encode(mandate));
    }
}
