// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {LowLevelCall} from "@openzeppelin/contracts/utils/LowLevelCall.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";

import {ISettlement} from "./interfaces/ISettlement.sol";
import {
    Barrier, Fill, Mandate, MandateId, MandateState, Market, MarketId, Reason, Side, Signal, Trade
} from "./interfaces/ISettlement.sol";
import {IOracle} from "./interfaces/IOracle.sol";
import {ISignalSource} from "./interfaces/ISignalSource.sol";
import {Criteria} from "./libraries/Criteria.sol";
import {Pricing} from "./libraries/Pricing.sol";

/// @title Settlement
/// @notice The one place where value moves. What it promises is said in `ISettlement`.
contract Settlement is ISettlement, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;
    using Criteria for Mandate;

    /// @dev What one call has already learnt: each fill of a batch needs the same price and, mostly, the same source.
    struct Known {
        bool priced;
        uint256 price;
        uint256 updatedAt;
        ISignalSource source;
        bool vouched;
    }

    /// @dev What a source may use: an attested one takes 8,000, and one that runs a model has room for it.
    uint256 private constant SOURCE_GAS = 2_000_000;

    /* STORAGE */

    mapping(address account => mapping(address token => uint256)) private _balances;
    mapping(address account => mapping(address operator => bool)) private _authorized;
    mapping(MandateId => MandateState) private _states;
    mapping(MandateId => Trade) private _trades;

    /* THE LEDGER */

    /// @inheritdoc ISettlement
    /// @dev Guarded because what is credited is what arrived: a token that calls back must not deposit the same tokens twice.
    function deposit(address token, uint256 amount, address onBehalf)
        external
        nonReentrant
        returns (uint256 credited)
    {
        require(onBehalf != address(0), ZeroAddress());
        uint256 before = IERC20(token).balanceOf(address(this));
        IERC20(token).safeTransferFrom(msg.sender, address(this), amount);
        credited = Math.min(amount, IERC20(token).balanceOf(address(this)) - before);
        _balances[onBehalf][token] += credited;
        emit Deposited(onBehalf, token, msg.sender, credited);
    }

    /// @inheritdoc ISettlement
    function withdraw(address token, uint256 amount, address receiver) external nonReentrant {
        uint256 balance = _balances[msg.sender][token];
        require(balance >= amount, InsufficientBalance(msg.sender, token, balance, amount));
        _balances[msg.sender][token] = balance - amount;
        emit Withdrawn(msg.sender, token, receiver, amount);
        IERC20(token).safeTransfer(receiver, amount);
    }

    /// @inheritdoc ISettlement
    function authorize(address operator, bool allowed) external {
        _authorized[msg.sender][operator] = allowed;
        emit Authorized(msg.sender, operator, allowed);
    }

    /* MANDATES */

    /// @inheritdoc ISettlement
    function create(Mandate calldata mandate) external returns (MandateId id) {
        require(mandate.owner == msg.sender, NotOwner(mandate.owner, msg.sender));
        mandate.requireSound();
        id = Criteria.idOf(mandate);
        require(_states[id].usedUntil == 0, MandateExists(id));
        // A bar that closes in this very second is still accepted: the mandate was there when it did.
        _states[id].usedUntil = uint40(block.timestamp - 1);
        emit MandateCreated(id, mandate.owner, mandate);
    }

    /// @inheritdoc ISettlement
    function cancel(Mandate calldata mandate) external {
        require(mandate.owner == msg.sender, NotOwner(mandate.owner, msg.sender));
        MandateId id = Criteria.idOf(mandate);
        require(_states[id].usedUntil != 0, MandateUnknown(id));
        _states[id].cancelled = true;
        emit MandateCancelled(id);
    }

    /* SETTLEMENT */

    /// @inheritdoc ISettlement
    function open(Signal calldata signal, bytes calldata evidence, Fill[] calldata fills)
        external
        returns (uint256 opened)
    {
        emit Presented(signal.model, signal.market, signal);
        Known memory known;
        for (uint256 i; i < fills.length; ++i) {
            Fill calldata fill = fills[i];
            MandateId id = Criteria.idOf(fill.mandate);
            Reason reason = _judgeOpen(id, signal, evidence, fill, known);
            if (reason == Reason.None) {
                _open(id, signal.barTime, fill, known.price);
                ++opened;
            } else {
                emit Refused(id, reason);
            }
        }
    }

    /// @inheritdoc ISettlement
    function close(Market calldata market, Fill[] calldata fills) external returns (uint256 closed) {
        Known memory known;
        for (uint256 i; i < fills.length; ++i) {
            Fill calldata fill = fills[i];
            MandateId id = Criteria.idOf(fill.mandate);
            (Reason reason, Barrier barrier) = _judgeClose(id, market, fill, known);
            if (reason == Reason.None) {
                _close(id, fill, known.price, barrier);
                ++closed;
            } else {
                emit Refused(id, reason);
            }
        }
    }

    /// @inheritdoc ISettlement
    function checkOpen(Signal calldata signal, bytes calldata evidence, Fill calldata fill)
        external
        view
        returns (Reason)
    {
        Known memory known;
        return _judgeOpen(Criteria.idOf(fill.mandate), signal, evidence, fill, known);
    }

    /// @inheritdoc ISettlement
    function checkClose(Market calldata market, Fill calldata fill) external view returns (Reason, Barrier) {
        Known memory known;
        return _judgeClose(Criteria.idOf(fill.mandate), market, fill, known);
    }

    /* INTERNAL: MOVING */

    function _open(MandateId id, uint40 barTime, Fill calldata fill, uint256 price) private {
        MandateState storage state = _states[id];
        state.usedUntil = barTime;
        state.changedAt = uint40(block.timestamp);
        state.trading = true;
        _trades[id] = Trade({given: fill.given, taken: fill.taken});

        (address give, address take) = Criteria.tokensAtOpen(fill.mandate);
        _swap(fill, give, take);
        emit Opened(id, fill.filler, fill.given, fill.taken, price);
    }

    function _close(MandateId id, Fill calldata fill, uint256 price, Barrier barrier) private {
        MandateState storage state = _states[id];
        // Both amounts are below 2**128: 2**31 trades could not overflow the sum.
        int160 netLoss = state.netLoss + int160(uint160(_trades[id].given)) - int160(uint160(fill.taken));
        state.changedAt = uint40(block.timestamp);
        state.trading = false;
        state.netLoss = netLoss;

        (address take, address give) = Criteria.tokensAtOpen(fill.mandate);
        _swap(fill, give, take);
        emit Closed(id, fill.filler, fill.given, fill.taken, price, barrier);
    }

    /// @dev Delivery versus payment: four balances, all or none. Owner and filler are different accounts.
    function _swap(Fill calldata fill, address give, address take) private {
        mapping(address token => uint256) storage owner = _balances[fill.mandate.owner];
        mapping(address token => uint256) storage filler = _balances[fill.filler];
        owner[give] -= fill.given;
        filler[give] += fill.given;
        filler[take] -= fill.taken;
        owner[take] += fill.taken;
    }

    /* INTERNAL: JUDGING */

    function _judgeOpen(
        MandateId id,
        Signal calldata signal,
        bytes calldata evidence,
        Fill calldata fill,
        Known memory known
    ) private view returns (Reason reason) {
        Mandate calldata mandate = fill.mandate;
        reason = mandate.judgeState(_states[id], signal.barTime);
        if (reason != Reason.None) return reason;
        reason = mandate.judgeSignal(signal);
        if (reason != Reason.None) return reason;

        if (address(known.source) != address(mandate.source)) {
            known.source = mandate.source;
            known.vouched = _vouches(mandate.source, signal, evidence);
        }
        if (!known.vouched) return Reason.NotVouched;

        _learnPrice(mandate.market.oracle, known);
        reason = mandate.judgePrice(known.price, known.updatedAt);
        if (reason != Reason.None) return reason;
        reason = mandate.judgeBounds(known.price);
        if (reason != Reason.None) return reason;

        if (fill.given == 0 || fill.given < mandate.minAmount) return Reason.AmountTooSmall;
        if (fill.given > mandate.maxAmount) return Reason.AmountTooLarge;
        (address give, address take) = Criteria.tokensAtOpen(mandate);
        return _judgeFill(fill, give, take, mandate.side == Side.Short, known.price);
    }

    function _judgeClose(MandateId id, Market calldata market, Fill calldata fill, Known memory known)
        private
        view
        returns (Reason reason, Barrier barrier)
    {
        Mandate calldata mandate = fill.mandate;
        MandateState storage state = _states[id];
        if (state.usedUntil == 0) return (Reason.UnknownMandate, barrier);
        if (!Criteria.sameMarket(mandate.market, market)) return (Reason.WrongMarket, barrier);
        if (!state.trading) return (Reason.NoTrade, barrier);

        _learnPrice(mandate.market.oracle, known);
        reason = mandate.judgePrice(known.price, known.updatedAt);
        if (reason != Reason.None) return (reason, barrier);

        Trade storage trade = _trades[id];
        barrier = _touched(mandate, trade, state.changedAt, known.price);
        if (barrier == Barrier.None) return (Reason.NoBarrier, barrier);
        if (fill.given != trade.taken) return (Reason.AmountMismatch, barrier);

        (address take, address give) = Criteria.tokensAtOpen(mandate);
        reason = _judgeFill(fill, give, take, mandate.side == Side.Long, known.price);
    }

    /// @dev What is the same at both ends of a trade: the amounts against the price, and who pays them.
    function _judgeFill(Fill calldata fill, address give, address take, bool givesBase, uint256 price)
        private
        view
        returns (Reason)
    {
        address owner = fill.mandate.owner;
        address filler = fill.filler;
        if (fill.taken < Pricing.leastTaken(fill.given, givesBase, price, fill.mandate.maxSlippageBps)) {
            return Reason.Slippage;
        }
        if (filler == owner) return Reason.SelfFill;
        if (filler != msg.sender && !_authorized[filler][msg.sender]) return Reason.FillerNotAuthorized;
        if (_balances[owner][give] < fill.given) return Reason.OwnerBalance;
        if (_balances[filler][take] < fill.taken) return Reason.FillerBalance;
        return Reason.None;
    }

    /// @dev The stop is looked at first: where prices could be read either way, a trade is not called a success.
    function _touched(Mandate calldata mandate, Trade storage trade, uint256 openedAt, uint256 price)
        private
        view
        returns (Barrier)
    {
        (uint256 takeProfit, uint256 stopLoss) = Pricing.barriers(mandate, trade);
        bool long = mandate.side == Side.Long;
        if (long ? price <= stopLoss : price >= stopLoss) return Barrier.StopLoss;
        if (long ? price >= takeProfit : price <= takeProfit) return Barrier.TakeProfit;
        if (block.timestamp >= openedAt + mandate.horizon) return Barrier.Horizon;
        return Barrier.None;
    }

    /// @dev All fills that get this far are of one market, so of one oracle. A low-level call, so that an oracle that
    /// reverts or is no contract leaves the price at zero: a refusal with a reason, not a revert without one.
    function _learnPrice(IOracle oracle, Known memory known) private view {
        if (known.priced) return;
        known.priced = true;
        (bool success, bytes32 price, bytes32 updatedAt) =
            LowLevelCall.staticcallReturn64Bytes(address(oracle), abi.encodeCall(IOracle.price, ()));
        if (success && LowLevelCall.returnDataSize() >= 64) {
            (known.price, known.updatedAt) = (uint256(price), uint256(updatedAt));
        }
    }

    /// @dev A call to this very contract, because only a call of its own holds a source to a gas limit and its answer to
    /// one word: a source that reverts, halts, talks without end or is no contract refuses its own fills and no others.
    function _vouches(ISignalSource source, Signal calldata signal, bytes calldata evidence)
        private
        view
        returns (bool)
    {
        try this.isVouched{gas: SOURCE_GAS}(source, signal, evidence) returns (bool vouched) {
            return vouched;
        } catch {
            return false;
        }
    }

    /* VIEWS */

    /// @inheritdoc ISettlement
    function isVouched(ISignalSource source, Signal calldata signal, bytes calldata evidence)
        external
        view
        returns (bool)
    {
        (bool success, bytes32 answer,) = LowLevelCall.staticcallReturn64Bytes(
            address(source), abi.encodeCall(ISignalSource.vouches, (signal, evidence))
        );
        return success && LowLevelCall.returnDataSize() == 32 && uint256(answer) == 1;
    }

    /// @inheritdoc ISettlement
    function balanceOf(address account, address token) external view returns (uint256) {
        return _balances[account][token];
    }

    /// @inheritdoc ISettlement
    function isAuthorized(address account, address operator) external view returns (bool) {
        return _authorized[account][operator];
    }

    /// @inheritdoc ISettlement
    function idOf(Mandate calldata mandate) external pure returns (MandateId) {
        return Criteria.idOf(mandate);
    }

    /// @inheritdoc ISettlement
    function marketIdOf(Market calldata market) external pure returns (MarketId) {
        return Criteria.idOf(market);
    }

    /// @inheritdoc ISettlement
    function stateOf(MandateId id) external view returns (MandateState memory) {
        return _states[id];
    }

    /// @inheritdoc ISettlement
    function tradeOf(MandateId id) external view returns (Trade memory) {
        return _trades[id];
    }

    /// @inheritdoc ISettlement
    function barriersOf(Mandate calldata mandate)
        external
        view
        returns (uint256 takeProfit, uint256 stopLoss, uint256 horizon)
    {
        MandateId id = Criteria.idOf(mandate);
        require(_states[id].trading, NoOpenTrade(id));
        (takeProfit, stopLoss) = Pricing.barriers(mandate, _trades[id]);
        horizon = uint256(_states[id].changedAt) + mandate.horizon;
    }

    /// @inheritdoc ISettlement
    function leastTaken(uint256 given, bool givesBase, uint256 price, uint256 slippageBps)
        external
        pure
        returns (uint256)
    {
        return Pricing.leastTaken(given, givesBase, price, slippageBps);
    }
}
