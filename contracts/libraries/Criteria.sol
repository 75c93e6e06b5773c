// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ISettlement} from "../interfaces/ISettlement.sol";
import {Mandate, MandateId, MandateState, Market, MarketId, Reason, Side, Signal} from "../interfaces/ISettlement.sol";

/// @title Criteria
/// @notice What an owner may ask of a signal and of a price, and whether they got it. Each function names the first
/// criterion that does not hold.
library Criteria {
    /// @dev Bytes of an encoded mandate, and of a fill, which begins with its mandate.
    uint256 internal constant MANDATE_SIZE = 23 * 32;
    uint256 internal constant FILL_SIZE = MANDATE_SIZE + 3 * 32;

    uint256 private constant BPS = 1e4;

    /// @dev The id of a mandate: `create` stores nothing else of it.
    function idOf(Mandate calldata mandate) internal pure returns (MandateId) {
        return MandateId.wrap(keccak256(abi.encode(mandate)));
    }

    /// @dev The id of the mandate that stands at `place` in the calldata. A mandate has no part of variable length, so
    /// there it stands encoded already; to hash it in place saves 1,400 gas a fill. Bits that its types do not allow
    /// make it the id of a mandate that nobody can have created.
    function idAt(uint256 place) internal pure returns (MandateId) {
        return MandateId.wrap(keccak256(msg.data[place:][:MANDATE_SIZE]));
    }

    /// @dev The id of a market: what a signal is addressed to.
    function idOf(Market calldata market) internal pure returns (MarketId) {
        return MarketId.wrap(keccak256(abi.encode(market)));
    }

    /// @dev Equal to comparing their ids, and cheaper.
    function sameMarket(Market calldata one, Market calldata other) internal pure returns (bool) {
        return one.base == other.base && one.quote == other.quote && address(one.oracle) == address(other.oracle);
    }

    /// @dev A mandate that contradicts itself is told so at once, rather than by refusing all its trades.
    function requireSound(Mandate calldata mandate) internal view {
        require(mandate.market.base != address(0), ISettlement.InvalidMandate("market.base"));
        require(mandate.market.quote != address(0), ISettlement.InvalidMandate("market.quote"));
        require(mandate.market.base != mandate.market.quote, ISettlement.InvalidMandate("market.quote"));
        require(address(mandate.market.oracle) != address(0), ISettlement.InvalidMandate("market.oracle"));
        require(address(mandate.source) != address(0), ISettlement.InvalidMandate("source"));
        require(mandate.minConfidenceBps <= BPS, ISettlement.InvalidMandate("minConfidenceBps"));
        require(mandate.maxSlippageBps < BPS, ISettlement.InvalidMandate("maxSlippageBps"));
        // The barrier below the entry price must be above zero: a Long's stop, a Short's profit.
        bool long = mandate.side == Side.Long;
        require(
            mandate.takeProfitBps != 0 && (long || mandate.takeProfitBps < BPS),
            ISettlement.InvalidMandate("takeProfitBps")
        );
        require(
            mandate.stopLossBps != 0 && (!long || mandate.stopLossBps < BPS), ISettlement.InvalidMandate("stopLossBps")
        );
        require(mandate.horizon != 0, ISettlement.InvalidMandate("horizon"));
        require(mandate.maxAmount != 0, ISettlement.InvalidMandate("maxAmount"));
        require(mandate.minAmount <= mandate.maxAmount, ISettlement.InvalidMandate("minAmount"));
        require(mandate.maxPrice == 0 || mandate.minPrice <= mandate.maxPrice, ISettlement.InvalidMandate("maxPrice"));
        require(mandate.lossLimit != 0, ISettlement.InvalidMandate("lossLimit"));
        require(mandate.expiry > block.timestamp, ISettlement.InvalidMandate("expiry"));
    }

    /// @dev Whether the mandate may open anything now.
    function judgeState(Mandate calldata mandate, MandateState storage state, uint256 barTime)
        internal
        view
        returns (Reason)
    {
        if (state.usedUntil == 0) return Reason.UnknownMandate;
        if (state.cancelled) return Reason.Cancelled;
        if (block.timestamp > mandate.expiry) return Reason.Expired;
        if (state.trading) return Reason.TradeOpen;
        if (barTime <= state.usedUntil) return Reason.SignalUsed;
        if (block.timestamp < uint256(state.changedAt) + mandate.cooldown && state.changedAt != 0) {
            return Reason.CoolingDown;
        }
        if (state.netLoss >= int256(uint256(mandate.lossLimit))) return Reason.LossLimit;
        return Reason.None;
    }

    /// @dev Whether the signal is one that the owner asked for.
    function judgeSignal(Mandate calldata mandate, Signal calldata signal) internal view returns (Reason) {
        if (signal.model != mandate.model) return Reason.WrongModel;
        if (MarketId.unwrap(signal.market) != MarketId.unwrap(idOf(mandate.market))) return Reason.WrongMarket;
        if (signal.side != mandate.side) return Reason.WrongSide;
        if (signal.patterns & mandate.patterns == 0 && mandate.patterns != 0) return Reason.WrongPattern;
        if (signal.confidenceBps < mandate.minConfidenceBps) return Reason.LowConfidence;
        if (signal.barTime > block.timestamp) return Reason.SignalFromFuture;
        if (block.timestamp - signal.barTime > mandate.maxSignalAge) return Reason.SignalStale;
        if (block.timestamp > signal.validUntil) return Reason.SignalExpired;
        return Reason.None;
    }

    /// @dev Whether there is a price to settle at, at the open and at the close.
    function judgePrice(Mandate calldata mandate, uint256 price, uint256 updatedAt) internal view returns (Reason) {
        if (price == 0) return Reason.PriceInvalid;
        if (block.timestamp - updatedAt > mandate.maxPriceAge) return Reason.PriceStale;
        return Reason.None;
    }

    /// @dev Whether the owner wants to open at that price. A close is never held up by these bounds.
    function judgeBounds(Mandate calldata mandate, uint256 price) internal pure returns (Reason) {
        if (price < mandate.minPrice) return Reason.PriceTooLow;
        if (price > mandate.maxPrice && mandate.maxPrice != 0) return Reason.PriceTooHigh;
        return Reason.None;
    }
}
