// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ISettlement} from "../interfaces/ISettlement.sol";
import {Pricing} from "./Pricing.sol";
import {Mandate, MandateId, MandateState, Market, MarketId, Reason, Side, Signal} from "../interfaces/ISettlement.sol";

/// @title Criteria
/// @notice What an owner may ask of a signal and of a price, and whether they got it. Each function names the first
/// criterion that does not hold.
library Criteria {
    uint256 private constant BPS = 1e4;

    /// @dev Bytes of an encoded mandate.
    uint256 private constant MANDATE_SIZE = 25 * 32;

    /// @dev What must be left of a round trip at an unmoved price, in parts of 1e8: one basis point of gain, which is more
    /// than rounding can take from amounts and prices that are not below these two.
    uint256 private constant SOUND = 100_010_000;
    uint256 private constant LEAST_AMOUNT = 100_000;
    uint256 private constant LEAST_PRICE = 1e9;

    /// @dev The id of a mandate, keccak256(abi.encode(mandate)): `create` stores nothing else of it. A mandate has no part of
    /// variable length, so it stands encoded in the calldata; to hash a copy of that saves 1,900 gas. Bits that its types do
    /// not allow make it the id of a mandate that nobody can have created.
    function id(Mandate calldata mandate) internal pure returns (MandateId hash) {
        // solhint-disable-next-line no-inline-assembly
        assembly ("memory-safe") {
            let free := mload(0x40)
            calldatacopy(free, mandate, MANDATE_SIZE)
            hash := keccak256(free, MANDATE_SIZE)
        }
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
        require(mandate.filler != mandate.owner, ISettlement.InvalidMandate("filler"));
        require(mandate.minConfidenceBps <= BPS, ISettlement.InvalidMandate("minConfidenceBps"));
        require(mandate.maxSlippageBps < BPS, ISettlement.InvalidMandate("maxSlippageBps"));
        require(mandate.ramp <= mandate.maxSignalAge, ISettlement.InvalidMandate("ramp"));
        // Slippage must not reach profit or stop, or a fill at an unmoved price could touch it. And the barrier below the
        // entry price must be above zero: a Long's stop, a Short's profit.
        bool long = mandate.side == Side.Long;
        uint256 kept = BPS - mandate.maxSlippageBps;
        require(
            kept * (BPS + mandate.takeProfitBps) >= SOUND && (long || mandate.takeProfitBps < BPS),
            ISettlement.InvalidMandate("takeProfitBps")
        );
        require(
            kept * (BPS + mandate.stopLossBps) >= SOUND && (!long || mandate.stopLossBps < BPS),
            ISettlement.InvalidMandate("stopLossBps")
        );
        require(mandate.horizon != 0, ISettlement.InvalidMandate("horizon"));
        require(mandate.maxAmount >= LEAST_AMOUNT, ISettlement.InvalidMandate("maxAmount"));
        require(mandate.minAmount <= mandate.maxAmount, ISettlement.InvalidMandate("minAmount"));
        require(mandate.minPrice <= Pricing.MAX_PRICE, ISettlement.InvalidMandate("minPrice"));
        require(
            mandate.maxPrice == 0 || (mandate.maxPrice >= mandate.minPrice && mandate.maxPrice >= LEAST_PRICE),
            ISettlement.InvalidMandate("maxPrice")
        );
        require(mandate.drawdownLimit != 0, ISettlement.InvalidMandate("drawdownLimit"));
        require(mandate.expiry > block.timestamp, ISettlement.InvalidMandate("expiry"));
    }

    /// @dev Whether the mandate may open anything now.
    function judgeState(Mandate calldata mandate, MandateState storage state, uint256 barTime)
        internal
        view
        returns (Reason)
    {
        if (state.usableFrom == 0) return Reason.UnknownMandate;
        if (state.cancelled) return Reason.Cancelled;
        if (block.timestamp > mandate.expiry) return Reason.Expired;
        if (state.trading) return Reason.TradeOpen;
        if (barTime < state.usableFrom) return Reason.SignalUsed;
        uint256 changedAt = state.changedAt;
        // Not in the very second of a close either: one trip a block at the most.
        if (block.timestamp == changedAt) return Reason.CoolingDown;
        if (changedAt != 0 && block.timestamp < changedAt + mandate.cooldown) return Reason.CoolingDown;
        if (state.drawdown >= mandate.drawdownLimit) return Reason.DrawdownLimit;
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

    /// @dev Whether anything opens at that price, and whether the owner wants it to. A close is never held up by these bounds.
    function judgeBounds(Mandate calldata mandate, uint256 price) internal pure returns (Reason) {
        if (price < LEAST_PRICE) return Reason.PriceInvalid;
        if (price < mandate.minPrice) return Reason.PriceTooLow;
        if (price > mandate.maxPrice && mandate.maxPrice != 0) return Reason.PriceTooHigh;
        return Reason.None;
    }

    /// @dev Whether the owner wants to give so much, and whether rounding is too small to matter in both amounts.
    function judgeAmounts(Mandate calldata mandate, uint256 given, uint256 taken) internal pure returns (Reason) {
        if (given < mandate.minAmount || given < LEAST_AMOUNT || taken < LEAST_AMOUNT) return Reason.AmountTooSmall;
        if (given > mandate.maxAmount) return Reason.AmountTooLarge;
        return Reason.None;
    }

    /// @dev The slippage that the owner accepts now at an open, in basis points, rounded down: from zero when the bar closed,
    /// which it has, to the most when the ramp is over.
    function slippageBpsAt(Mandate calldata mandate, uint256 barTime) internal view returns (uint256) {
        uint256 elapsed = block.timestamp - barTime;
        return elapsed < mandate.ramp ? elapsed * mandate.maxSlippageBps / mandate.ramp : mandate.maxSlippageBps;
    }
}
