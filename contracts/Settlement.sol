// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

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
        uint256 asked; // how many sources
        uint256[] answers; // each a source, and above its 160 bits whether it vouched
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

    /// @dev A call passes on 63 of 64 parts of what is left once it has paid for itself: 2,600 for an account not yet seen, and as
    /// much again for one that it delegates to (EIP-7702).
    uint256 private constant GAS_TO_ASK = SOURCE_GAS + SOURCE_GAS / 63 + 6_000;

    /// @dev An oracle that fails with less than this part of the gas left had too little, or takes all there is: each call inside
    /// it keeps back one part of 64, and three inside each other are enough for any feed.
    uint256 private constant PART_LEFT = 16;

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
        require(receiver != address(0), ZeroAddress());
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
    function cancel(Mandate[] calldata mandates) external {
        for (uint256 i; i < mandates.length; ++i) {
            require(mandates[i].owner == msg.sender, NotOwner(mandates[i].owner, msg.sender));
            MandateId id = mandates[i].id();
            _states[id].cancelled = true;
            emit MandateCancelled(id);
        }
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
        known.answers = new uint256[](fills.length);
        for (uint256 i; i < fills.length; ++i) {
            Fill calldata fill = fills[i];
            MandateId id = fill.mandate.id();
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
        for (uint256 i; i < fills.length; ++i) {
            Fill calldata fill = fills[i];
            MandateId id = fill.mandate.id();
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
    function release(Mandate calldata mandate) external returns (uint256 released) {
        require(mandate.owner == msg.sender, NotOwner(mandate.owner, msg.sender));
        MandateId id = mandate.id();
        MandateState storage state = _states[id];
        require(state.trading, NoOpenTrade(id));
        state.changedAt = uint40(block.timestamp);
        state.trading = false;
        (, address taken) = _tokensOf(mandate);
        released = _trades[id].taken;
        _balances[msg.sender][taken] += released;
        emit Released(id, released);
    }

    /// @inheritdoc ISettlement
    function checkOpen(Signal calldata signal, bytes calldata evidence, Fill calldata fill)
        external
        view
        returns (Reason)
    {
        Known memory known;
        known.answers = new uint256[](1);
        MandateState storage state = _states[fill.mandate.id()];
        return _judgeOpen(state, signal, evidence, fill.mandate, _dealOf(fill, true), known);
    }

    /// @inheritdoc ISettlement
    function checkClose(Market calldata market, Fill calldata fill) external view returns (Reason, Barrier) {
        Known memory known;
        MandateId id = fill.mandate.id();
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
        uint256 balance = Math.saturatingAdd(_balances[account][token], credited);
        require(balance <= type(uint128).max, BalanceTooLarge(account, token, balance));
        _balances[account][token] = balance;
        emit Deposited(account, token, payer, credited);
    }

    function _create(Mandate calldata mandate) private returns (MandateId id) {
        mandate.requireSound();
        id = mandate.id();
        MandateState storage state = _states[id];
        require(state.usableFrom == 0, MandateExists(id));
        require(!state.cancelled, MandateIsCancelled(id));
        // A bar that closes in this very second is still accepted: the mandate was there when it did.
        state.usableFrom = uint40(block.timestamp);
        emit MandateCreated(id, mandate.owner, mandate);
    }

    function _open(MandateId id, uint256 barTime, Deal memory deal, uint256 price) private {
        MandateState storage state = _states[id];
        state.usableFrom = uint40(barTime + 1); // at most a second after this block: it fits until the year 36812
        state.changedAt = uint40(block.timestamp);
        state.trading = true;
        _trades[id] = Trade({given: uint128(deal.given), taken: uint128(deal.taken)}); // as the fill had them
        _balances[deal.owner][deal.give] -= deal.given;
        _moveFiller(deal);
        emit Opened(id, deal.filler, deal.given, deal.taken, price);
    }

    function _close(MandateId id, Deal memory deal, Trade storage trade, uint256 price, Barrier barrier) private {
        MandateState storage state = _states[id];
        // Below the limit at the open, so below 2**128, as what was given is: the sum fits.
        state.drawdown = uint160(Math.saturatingSub(uint256(state.drawdown) + trade.given, deal.taken));
        state.changedAt = uint40(block.timestamp);
        state.trading = false;
        _moveFiller(deal);
        _balances[deal.owner][deal.take] += deal.taken;
        emit Closed(id, deal.filler, deal.given, deal.taken, price, barrier);
    }

    /// @dev The filler's half of a delivery versus payment. The other half is the owner's balance of what it gives at the
    /// open or takes at the close, and the trade itself, which holds what it took in between.
    function _moveFiller(Deal memory deal) private {
        mapping(address token => uint256) storage balances = _balances[deal.filler];
        balances[deal.give] += deal.given;
        balances[deal.take] -= deal.taken;
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

        if (!_learnWhetherVouched(mandate.source, signal, evidence, known)) return Reason.NotVouched;

        _learnPrice(mandate.market.oracle, known);
        reason = mandate.judgePrice(known.price, known.updatedAt);
        if (reason != Reason.None) return reason;
        reason = mandate.judgeBounds(known.price);
        if (reason != Reason.None) return reason;
        reason = mandate.judgeAmounts(deal.given, deal.taken);
        if (reason != Reason.None) return reason;

        uint256 slippageBps = mandate.slippageBpsAt(signal.barTime);
        reason = _judgeDeal(deal, mandate.filler, slippageBps, mandate.side == Side.Short, known.price);
        if (reason != Reason.None) return reason;
        return _balances[deal.owner][deal.give] < deal.given ? Reason.OwnerBalance : Reason.None;
    }

    function _judgeClose(
        MandateState storage state,
        Trade storage trade,
        Market calldata market,
        Mandate calldata mandate,
        Deal memory deal,
        Known memory known
    ) private view returns (Reason reason, Barrier barrier) {
        if (state.usableFrom == 0) return (Reason.UnknownMandate, barrier);
        if (!Criteria.sameMarket(mandate.market, market)) return (Reason.WrongMarket, barrier);
        if (!state.trading) return (Reason.NoTrade, barrier);

        _learnPrice(mandate.market.oracle, known);
        reason = mandate.judgePrice(known.price, known.updatedAt);
        if (reason != Reason.None) return (reason, barrier);

        barrier = _touched(mandate, trade, state.changedAt, known.price);
        if (barrier == Barrier.None) return (Reason.NoBarrier, barrier);
        if (deal.given != trade.taken) return (Reason.AmountMismatch, barrier);

        reason = _judgeDeal(deal, mandate.filler, mandate.maxSlippageBps, mandate.side == Side.Long, known.price);
    }

    /// @dev What is the same at both ends of a trade: the amounts against the price, and the filler who takes the other side.
    function _judgeDeal(Deal memory deal, address named, uint256 slippageBps, bool givesBase, uint256 price)
        private
        view
        returns (Reason)
    {
        if (deal.taken < Pricing.leastTaken(deal.given, givesBase, price, slippageBps)) return Reason.Slippage;
        if (deal.filler != named && named != address(0)) return Reason.WrongFiller;
        if (deal.filler == deal.owner) return Reason.SelfFill;
        if (deal.filler != msg.sender && !_authorized[deal.filler][msg.sender]) return Reason.FillerNotAuthorized;
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

    /// @dev What an owner gives and takes at the open; at the close it is the other way round.
    function _tokensOf(Mandate calldata mandate) private pure returns (address given, address taken) {
        Market calldata market = mandate.market;
        return mandate.side == Side.Long ? (market.quote, market.base) : (market.base, market.quote);
    }

    function _dealOf(Fill calldata fill, bool opens) private pure returns (Deal memory) {
        (address give, address take) = _tokensOf(fill.mandate);
        if (!opens) (give, take) = (take, give);
        return Deal({
            owner: fill.mandate.owner, filler: fill.filler, give: give, take: take, given: fill.given, taken: fill.taken
        });
    }

    /// @dev All fills that get this far are of one market, so of one oracle. A low-level call, so that an oracle that
    /// reverts or is no contract leaves the price at zero: a refusal with a reason, not a revert without one.
    function _learnPrice(IOracle oracle, Known memory known) private view {
        if (known.priced) return;
        known.priced = true;
        uint256 gasBefore = gasleft();
        (bool success, bytes32 price, bytes32 updatedAt) =
            LowLevelCall.staticcallReturn64Bytes(address(oracle), abi.encodeCall(IOracle.price, ()));
        require(success || gasleft() > gasBefore / PART_LEFT, TooLittleGas());
        if (success && LowLevelCall.returnDataSize() >= 64) {
            if (uint256(price) <= Pricing.MAX_PRICE && uint256(updatedAt) <= block.timestamp) {
                (known.price, known.updatedAt) = (uint256(price), uint256(updatedAt));
            }
        }
    }

    /// @dev Each source is asked once in a call, whatever it answered: one that changes its mind, or burns what it is given,
    /// does so once.
    function _learnWhetherVouched(
        ISignalSource source,
        Signal calldata signal,
        bytes calldata evidence,
        Known memory known
    ) private view returns (bool vouched) {
        for (uint256 i; i < known.asked; ++i) {
            uint256 answer = known.answers[i];
            if (address(uint160(answer)) == address(source)) return answer >> 160 != 0;
        }
        vouched = _vouches(source, signal, evidence);
        known.answers[known.asked++] = uint256(uint160(address(source))) | (vouched ? 1 << 160 : 0);
    }

    /// @dev A source that reverts, halts, talks without end or is no contract refuses its own fills and no others: it is held
    /// to a gas limit, and of its answer one word is read. In assembly, because Solidity copies an answer whole.
    function _vouches(ISignalSource source, Signal calldata signal, bytes calldata evidence)
        private
        view
        returns (bool vouched)
    {
        bytes memory question = abi.encodeCall(ISignalSource.vouches, (signal, evidence));
        uint256 gasBefore = gasleft();
        bool success;
        // solhint-disable-next-line no-inline-assembly
        assembly ("memory-safe") {
            success := staticcall(SOURCE_GAS, source, add(question, 0x20), mload(question), 0x00, 0x20)
            vouched := and(and(success, eq(returndatasize(), 0x20)), eq(mload(0x00), 1))
        }
        // It may have failed for want of what it was owed: that says nothing about the signal.
        require(success || gasBefore >= GAS_TO_ASK, TooLittleGas());
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
        return _vouches(source, signal, evidence);
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
        return mandate.id();
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
        MandateId id = mandate.id();
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
