// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {LowLevelCall} from "@openzeppelin/contracts/utils/LowLevelCall.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";

import {ISettlement} from "./interfaces/ISettlement.sol";
import {
    Barrier,
    Fill,
    Mandate,
    MandateId,
    MandateState,
    Market,
    MarketId,
    Reason,
    Side,
    Signal,
    Trade
} from "./interfaces/ISettlement.sol";
import {IOracle} from "./interfaces/IOracle.sol";
import {ISignalSource} from "./interfaces/ISignalSource.sol";
import {Criteria} from "./libraries/Criteria.sol";
import {MandateHash} from "./libraries/MandateHash.sol";
import {Pricing} from "./libraries/Pricing.sol";

/// @title Settlement
/// @notice The one place where value moves. What it promises is said in `ISettlement`.
contract Settlement is ISettlement, EIP712, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;
    using Criteria for Mandate;
    using MandateHash for Mandate;

    /// @dev What one call has already learnt: each fill of a batch needs the same price and, mostly, the same source.
    struct Known {
        bool priced;
        uint256 price;
        uint256 updatedAt;
        ISignalSource source; // the last one that vouched for the signal
    }

    /// @dev What one fill would move, seen from the owner, at the open or at the close.
    struct Deal {
        address owner;
        address filler;
        address give;
        address take;
        uint256 given;
        uint256 taken;
    }

    /// @dev What a source may use: an attested one takes 8,000, and one that runs a model has room for it.
    uint256 private constant SOURCE_GAS = 2_000_000;

    /// @dev Where the calldata of `open` and of `close` says where their fills are: behind the selector, after a signal
    /// (8 words) and the place of the evidence (1), or after a market (3).
    uint256 private constant FILLS_OF_OPEN = 4 + 9 * 32;
    uint256 private constant FILLS_OF_CLOSE = 4 + 3 * 32;

    /* STORAGE */

    mapping(address account => mapping(address token => uint256)) private _balances;
    mapping(address account => mapping(address operator => bool)) private _authorized;
    mapping(MandateId => MandateState) private _states;
    mapping(MandateId => Trade) private _trades;

    constructor() EIP712("patternsettle", "1") {}

    /* THE LEDGER */

    /// @inheritdoc ISettlement
    function deposit(address token, uint256 amount, address onBehalf) external nonReentrant returns (uint256 credited) {
        require(onBehalf != address(0), ZeroAddress());
        return _deposit(token, amount, msg.sender, onBehalf);
    }

    /// @inheritdoc ISettlement
    function depositWithPermit(
        address token,
        uint256 amount,
        address owner,
        uint256 deadline,
        uint8 v,
        bytes32 r,
        bytes32 s
    ) external nonReentrant returns (uint256 credited) {
        IERC20Permit permitted = IERC20Permit(token);
        uint256 nonce = permitted.nonces(owner);
        // A permit is public once sent, so somebody may use it up first; what it allowed is allowed all the same.
        try permitted.permit(owner, address(this), amount, deadline, v, r, s) {} catch {}
        // Others may spend only what this very permit allowed: not an allowance that stands for another purpose, which
        // a token that answers any call, as wrapped ether does, would let them.
        require(msg.sender == owner || permitted.nonces(owner) == nonce + 1, PermitRefused(token, owner));
        return _deposit(token, amount, owner, owner);
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
        return _create(mandate);
    }

    /// @inheritdoc ISettlement
    function createFor(Mandate calldata mandate, bytes calldata signature) external returns (MandateId id) {
        require(
            SignatureChecker.isValidSignatureNowCalldata(mandate.owner, _digestOf(mandate), signature),
            InvalidSignature(mandate.owner)
        );
        return _create(mandate);
    }

    /// @inheritdoc ISettlement
    function cancel(Mandate calldata mandate) external {
        require(mandate.owner == msg.sender, NotOwner(mandate.owner, msg.sender));
        MandateId id = Criteria.idOf(mandate);
        _states[id].cancelled = true;
        emit MandateCancelled(id);
    }

    /* SETTLEMENT */

    /// @inheritdoc ISettlement
    function open(Signal calldata signal, bytes calldata evidence, Fill[] calldata fills)
        external
        returns (uint256 opened)
    {
        emit Presented(
            signal.model,
            signal.market,
            signal.side,
            signal.patterns,
            signal.confidenceBps,
            signal.barTime,
            signal.validUntil,
            signal.inputs
        );
        Known memory known;
        uint256 place = _fillsAt(FILLS_OF_OPEN);
        for (uint256 i; i < fills.length; ++i) {
            Fill calldata fill = fills[i];
            MandateId id = Criteria.idAt(place + i * Criteria.FILL_SIZE);
            Deal memory deal = _dealOf(fill, true);
            Reason reason = _judgeOpen(_states[id], signal, evidence, fill.mandate, deal, known);
            if (reason == Reason.None) {
                _open(id, signal.barTime, deal, known.price);
                ++opened;
            } else {
                emit Refused(id, reason);
            }
        }
    }

    /// @inheritdoc ISettlement
    function close(Market calldata market, Fill[] calldata fills) external returns (uint256 closed) {
        Known memory known;
        uint256 place = _fillsAt(FILLS_OF_CLOSE);
        for (uint256 i; i < fills.length; ++i) {
            Fill calldata fill = fills[i];
            MandateId id = Criteria.idAt(place + i * Criteria.FILL_SIZE);
            Deal memory deal = _dealOf(fill, false);
            Trade storage trade = _trades[id];
            (Reason reason, Barrier barrier) = _judgeClose(_states[id], trade, market, fill.mandate, deal, known);
            if (reason == Reason.None) {
                _close(id, deal, trade, known.price, barrier);
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
        MandateState storage state = _states[Criteria.idOf(fill.mandate)];
        return _judgeOpen(state, signal, evidence, fill.mandate, _dealOf(fill, true), known);
    }

    /// @inheritdoc ISettlement
    function checkClose(Market calldata market, Fill calldata fill) external view returns (Reason, Barrier) {
        Known memory known;
        MandateId id = Criteria.idOf(fill.mandate);
        return _judgeClose(_states[id], _trades[id], market, fill.mandate, _dealOf(fill, false), known);
    }

    /* INTERNAL: MOVING */

    /// @dev Callers are guarded, because what is credited is what arrived: a token that calls back must not deposit the
    /// same tokens twice.
    function _deposit(address token, uint256 amount, address payer, address account)
        private
        returns (uint256 credited)
    {
        uint256 before = IERC20(token).balanceOf(address(this));
        IERC20(token).safeTransferFrom(payer, address(this), amount);
        credited = Math.min(amount, IERC20(token).balanceOf(address(this)) - before);
        _balances[account][token] += credited;
        emit Deposited(account, token, payer, credited);
    }

    function _create(Mandate calldata mandate) private returns (MandateId id) {
        mandate.requireSound();
        id = Criteria.idOf(mandate);
        MandateState storage state = _states[id];
        require(state.usedUntil == 0, MandateExists(id));
        require(!state.cancelled, MandateIsCancelled(id));
        // A bar that closes in this very second is still accepted: the mandate was there when it did.
        state.usedUntil = uint40(block.timestamp - 1);
        emit MandateCreated(id, mandate.owner, mandate);
    }

    function _open(MandateId id, uint256 barTime, Deal memory deal, uint256 price) private {
        MandateState storage state = _states[id];
        state.usedUntil = uint40(barTime); // not later than this block
        state.changedAt = uint40(block.timestamp);
        state.trading = true;
        _trades[id] = Trade({given: uint128(deal.given), taken: uint128(deal.taken)}); // as the fill had them
        _swap(deal);
        emit Opened(id, deal.filler, deal.given, deal.taken, price);
    }

    function _close(MandateId id, Deal memory deal, Trade storage trade, uint256 price, Barrier barrier) private {
        MandateState storage state = _states[id];
        // Both amounts are below 2**128: 2**31 trades could not overflow the sum.
        state.netLoss += int160(uint160(trade.given)) - int160(uint160(deal.taken));
        state.changedAt = uint40(block.timestamp);
        state.trading = false;
        _swap(deal);
        emit Closed(id, deal.filler, deal.given, deal.taken, price, barrier);
    }

    /// @dev Delivery versus payment: four balances, all or none. Owner and filler are different accounts.
    function _swap(Deal memory deal) private {
        mapping(address token => uint256) storage owner = _balances[deal.owner];
        mapping(address token => uint256) storage filler = _balances[deal.filler];
        owner[deal.give] -= deal.given;
        filler[deal.give] += deal.given;
        filler[deal.take] -= deal.taken;
        owner[deal.take] += deal.taken;
    }

    /* INTERNAL: JUDGING */

    function _judgeOpen(
        MandateState storage state,
        Signal calldata signal,
        bytes calldata evidence,
        Mandate calldata mandate,
        Deal memory deal,
        Known memory known
    ) private view returns (Reason reason) {
        reason = mandate.judgeState(state, signal.barTime);
        if (reason != Reason.None) return reason;
        reason = mandate.judgeSignal(signal);
        if (reason != Reason.None) return reason;

        ISignalSource source = mandate.source;
        if (address(source) != address(known.source)) {
            if (!_vouches(source, signal, evidence)) return Reason.NotVouched;
            known.source = source;
        }

        _learnPrice(mandate.market.oracle, known);
        reason = mandate.judgePrice(known.price, known.updatedAt);
        if (reason != Reason.None) return reason;
        reason = mandate.judgeBounds(known.price);
        if (reason != Reason.None) return reason;

        if (deal.given < mandate.minAmount || deal.given == 0) return Reason.AmountTooSmall;
        if (deal.given > mandate.maxAmount) return Reason.AmountTooLarge;
        return _judgeDeal(deal, mandate.maxSlippageBps, mandate.side == Side.Short, known.price);
    }

    function _judgeClose(
        MandateState storage state,
        Trade storage trade,
        Market calldata market,
        Mandate calldata mandate,
        Deal memory deal,
        Known memory known
    ) private view returns (Reason reason, Barrier barrier) {
        if (state.usedUntil == 0) return (Reason.UnknownMandate, barrier);
        if (!Criteria.sameMarket(mandate.market, market)) return (Reason.WrongMarket, barrier);
        if (!state.trading) return (Reason.NoTrade, barrier);

        _learnPrice(mandate.market.oracle, known);
        reason = mandate.judgePrice(known.price, known.updatedAt);
        if (reason != Reason.None) return (reason, barrier);

        barrier = _touched(mandate, trade, state.changedAt, known.price);
        if (barrier == Barrier.None) return (Reason.NoBarrier, barrier);
        if (deal.given != trade.taken) return (Reason.AmountMismatch, barrier);

        reason = _judgeDeal(deal, mandate.maxSlippageBps, mandate.side == Side.Long, known.price);
    }

    /// @dev What is the same at both ends of a trade: the amounts against the price, and who pays them.
    function _judgeDeal(Deal memory deal, uint256 slippageBps, bool givesBase, uint256 price)
        private
        view
        returns (Reason)
    {
        if (deal.taken < Pricing.leastTaken(deal.given, givesBase, price, slippageBps)) return Reason.Slippage;
        if (deal.filler == deal.owner) return Reason.SelfFill;
        if (deal.filler != msg.sender && !_authorized[deal.filler][msg.sender]) return Reason.FillerNotAuthorized;
        if (_balances[deal.owner][deal.give] < deal.given) return Reason.OwnerBalance;
        if (_balances[deal.filler][deal.take] < deal.taken) return Reason.FillerBalance;
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

    /* INTERNAL: READING */

    /// @dev What the owner gives at the open it gets back at the close.
    function _dealOf(Fill calldata fill, bool opens) private pure returns (Deal memory) {
        Market calldata market = fill.mandate.market;
        (address give, address take) =
            opens == (fill.mandate.side == Side.Long) ? (market.quote, market.base) : (market.base, market.quote);
        return Deal({
            owner: fill.mandate.owner, filler: fill.filler, give: give, take: take, given: fill.given, taken: fill.taken
        });
    }

    /// @dev Where the first fill stands in the calldata: behind the length of the array that `word` points to.
    function _fillsAt(uint256 word) private pure returns (uint256) {
        return 4 + 32 + uint256(bytes32(msg.data[word:word + 32]));
    }

    /// @dev All fills that get this far are of one market, so of one oracle. A low-level call, so that an oracle that
    /// reverts or is no contract leaves the price at zero: a refusal with a reason, not a revert without one.
    function _learnPrice(IOracle oracle, Known memory known) private view {
        if (known.priced) return;
        known.priced = true;
        (bool success, bytes32 price, bytes32 updatedAt) =
            LowLevelCall.staticcallReturn64Bytes(address(oracle), abi.encodeCall(IOracle.price, ()));
        if (success && LowLevelCall.returnDataSize() >= 64) {
            if (uint256(price) <= Pricing.MAX_PRICE && uint256(updatedAt) <= block.timestamp) {
                (known.price, known.updatedAt) = (uint256(price), uint256(updatedAt));
            }
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

    function _digestOf(Mandate calldata mandate) private view returns (bytes32) {
        return _hashTypedDataV4(mandate.structHash());
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
    function digestOf(Mandate calldata mandate) external view returns (bytes32) {
        return _digestOf(mandate);
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
