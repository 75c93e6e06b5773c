// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IOracle} from "./IOracle.sol";
import {ISignalSource} from "./ISignalSource.sol";

/// @dev keccak256(abi.encode(mandate)).
type MandateId is bytes32;

/// @dev keccak256(abi.encode(market)).
type MarketId is bytes32;

/// @notice Which way a trade goes. Long gives quote and takes base; Short gives base and takes quote.
enum Side {
    Long,
    Short
}

/// @notice The three ways a trade ends.
enum Barrier {
    None,
    TakeProfit,
    StopLoss,
    Horizon
}

/// @notice Why a fill was refused; None where it was not. Each criterion has a name of its own.
enum Reason {
    None,
    UnknownMandate, // no mandate of this id was created
    Cancelled, // its owner cancelled it
    Expired, // its expiry has passed
    WrongModel, // the signal is of another model than the mandate names
    WrongMarket, // the mandate is for another market
    WrongSide, // the signal points the other way
    WrongPattern, // the signal has none of the accepted patterns
    LowConfidence, // below the owner's minimum
    SignalFromFuture, // its bar has not closed yet
    SignalStale, // its bar closed longer ago than the owner accepts
    SignalExpired, // its own validity has passed
    SignalUsed, // its bar is not later than the last one used, or closed before the mandate was created
    NotVouched, // the mandate's source does not vouch for it
    TradeOpen, // one trade at a time
    CoolingDown, // too soon after the last trade: within the cooldown, or the very second of its end
    DrawdownLimit, // the realised loss since the best point so far has reached the owner's limit
    PriceInvalid, // the oracle has no usable price, or at an open one below 1e9
    PriceStale, // the oracle's price is older than the owner accepts
    PriceTooLow, // below the owner's bound
    PriceTooHigh, // above the owner's bound
    AmountTooSmall, // below the owner's minimum, or one of the amounts below 100,000 units
    AmountTooLarge, // above the owner's maximum
    AmountMismatch, // a close must give back exactly what the trade took
    Slippage, // the owner would receive less than the oracle price less the slippage accepted now
    WrongFiller, // the mandate names another filler
    SelfFill, // owner and filler are the same account
    FillerNotAuthorized, // the filler has not authorised the caller
    FillerBalance, // the filler's ledger balance does not cover it
    OwnerBalance, // the owner's ledger balance does not cover it
    NoTrade, // nothing open to close
    NoBarrier // no barrier has been touched
}

/// @notice What is traded, and the oracle that prices it.
/// @param base The token that is bought by a Long.
/// @param quote The token that prices are quoted in.
/// @param oracle Quote per base, see `IOracle`.
struct Market {
    address base;
    address quote;
    IOracle oracle;
}

/// @notice An owner's standing instruction: the criteria under which the contract may trade for them.
/// @dev What contradicts itself is refused with `InvalidMandate` when it is lodged; each parameter says what is needed. "None" is
/// said with a zero only where that is written here.
/// @param owner Whose ledger balance is traded.
/// @param filler The only account that may take the other side, at the open and at the close; not the owner. Zero for anyone. If
/// that filler is gone, no barrier closes the trade, and the owner releases it.
/// @param market What is traded, and at whose price: two different tokens and an oracle, none of them the zero address.
/// @param source Who must vouch for a signal; not the zero address.
/// @param model The model whose signals are accepted.
/// @param side The side that is accepted.
/// @param patterns Accepted patterns as a mask: a signal needs at least one of them. Zero accepts any.
/// @param minConfidenceBps Lowest accepted confidence, in basis points; at most 1e4, which is certainty.
/// @param maxSlippageBps How much less than the oracle price the owner accepts, in basis points, at open and at close; below 1e4.
/// @param ramp Seconds after the close of the signal's bar over which the slippage accepted at an open grows from zero to
/// `maxSlippageBps`, evenly, in whole basis points rounded down; not above `maxSignalAge`. Zero for all of it at once.
/// @param takeProfitBps Distance of the take-profit barrier from the entry price, in basis points; of a Short below 1e4. Slippage
/// may not reach it: (1e4 - maxSlippageBps) * (1e4 + takeProfitBps) is at least 100,010,000.
/// @param stopLossBps Distance of the stop-loss barrier from the entry price, in basis points; of a Long below 1e4. Slippage may
/// not reach it: (1e4 - maxSlippageBps) * (1e4 + stopLossBps) is at least 100,010,000.
/// @param horizon Seconds after which a trade may be closed at any price; above zero. A short one is no protection: it lets a thief
/// of the model's key make a round trip at full slippage as often as `cooldown` allows.
/// @param cooldown Seconds that must pass between a close, or a release, and the next open; at least one passes anyway.
/// @param maxSignalAge Seconds that may pass between the close of the signal's bar and the open.
/// @param maxPriceAge Seconds that may have passed since the oracle's last update, at open and at close. One above today's unix
/// time accepts an update at zero, which feeds say of a round that is not finished.
/// @param minAmount Smallest amount of the token given, per trade, in its smallest unit. Below 100,000 units nothing opens anyway.
/// @param maxAmount Largest amount of the token given, per trade, in its smallest unit; not below `minAmount`, nor below
/// 100,000 units.
/// @param minPrice Lowest oracle price to open at, scaled like `IOracle.price`; at most (2**128 - 1) * 1e36. Zero for no bound.
/// @param maxPrice Highest oracle price to open at, scaled like `IOracle.price`; not below `minPrice`, nor below 1e9.
/// Zero for no bound.
/// @param drawdownLimit Realised loss since the best point so far, in the smallest unit of the token given, from which on nothing
/// opens any more; above zero.
/// @param expiry Unix seconds after which nothing opens any more; later than the block in which the mandate is lodged.
/// @param salt Makes otherwise equal mandates different.
struct Mandate {
    address owner;
    address filler;
    Market market;
    ISignalSource source;
    bytes32 model;
    Side side;
    uint32 patterns;
    uint16 minConfidenceBps;
    uint16 maxSlippageBps;
    uint32 ramp;
    uint16 takeProfitBps;
    uint16 stopLossBps;
    uint32 horizon;
    uint32 cooldown;
    uint32 maxSignalAge;
    uint32 maxPriceAge;
    uint128 minAmount;
    uint128 maxAmount;
    uint256 minPrice;
    uint256 maxPrice;
    uint128 drawdownLimit;
    uint40 expiry;
    bytes32 salt;
}

/// @notice A decision to trade, addressed to a market.
/// @dev It is read, hashed and passed on, never stored: whole words cost less than narrow ones that are checked each time.
/// @param model Id of the model that decided.
/// @param market Id of the market it is about.
/// @param side Which way.
/// @param patterns The patterns that the model saw, as a mask; only its lowest 32 bits can be asked for.
/// @param confidenceBps How sure the model is, in basis points.
/// @param barTime Unix seconds at which the bar that it decided on closed.
/// @param validUntil Last unix second at which the signal may be used.
/// @param inputs Hash of what the model read, so that the decision can be checked later.
struct Signal {
    bytes32 model;
    MarketId market;
    Side side;
    uint256 patterns;
    uint256 confidenceBps;
    uint256 barTime;
    uint256 validUntil;
    bytes32 inputs;
}

/// @notice One mandate matched with one filler and two amounts, both seen from the owner.
/// @param mandate The mandate, whole: the contract knows only its hash.
/// @param filler Whose ledger balance takes the other side.
/// @param given What the owner gives, in the token's smallest unit.
/// @param taken What the owner receives, in the token's smallest unit.
struct Fill {
    Mandate mandate;
    address filler;
    uint128 given;
    uint128 taken;
}

/// @notice What the contract remembers of a mandate, in one slot.
/// @param usableFrom Signals are accepted of bars that close from this unix second on. Zero: no such mandate.
/// @param changedAt Unix seconds of the last open, close or release. Zero: never traded.
/// @param trading Whether a trade is open.
/// @param cancelled Whether the owner cancelled.
/// @param drawdown Realised loss since the best point so far, in the smallest unit of the token given. Each close adds what was
/// given and subtracts what was returned, and never goes below zero: profits do not bank losses.
struct MandateState {
    uint40 usableFrom;
    uint40 changedAt;
    bool trading;
    bool cancelled;
    uint160 drawdown;
}

/// @notice The amounts of a mandate's last trade, seen from the owner at the open.
/// @param given What the owner gave, in the smallest unit of that token.
/// @param taken What the trade took, in the smallest unit of that token. An open trade holds it, and nothing else can spend it: a
/// close gives it back whole, or the owner releases it.
struct Trade {
    uint128 given;
    uint128 taken;
}

/// @title Settlement of pattern trades, delivery versus payment, within criteria set in advance
/// @notice A ledger of deposits in which mandates are traded. Tokens move only in `deposit` and `withdraw`; a settlement moves
/// ledger balances, all or none: two of the filler, one of the owner, and what the trade holds. What is owed is all balances and
/// all that open trades hold. There is no owner, no pause, no fee and no upgrade.
/// @dev What can surprise a user:
/// - A fee-on-transfer token credits what arrived, not what was sent. A token whose balances shrink by themselves
///   (rebasing) can leave less than the ledger owes; that shortage is its depositors' alone, and whoever withdraws first
///   is paid in full. What such a token adds to balances by itself is credited to nobody.
/// - What is assumed of a token: that it moves what it is asked to. One that does not harms those who deposited it, and nobody
///   else. No deposit lifts a balance above 2**128 - 1, whatever a token says of itself.
/// - What a trade took stays with the trade. Its owner can end it at any time with `release`, without an oracle, a filler or
///   anyone's leave, and then has what was taken, at whatever it is worth. The mandate may trade on: who means to leave cancels
///   it first.
/// - A trade may be closed by anyone who acts for a filler, as soon as a barrier holds; nobody is obliged to. A price that
///   touches a barrier and returns before anybody closes leaves the trade open.
/// - The drawdown limit is looked at before an open: the last trade may take the drawdown beyond it. A release counts neither as
///   loss nor as profit.
/// - A dishonest oracle can make every trade of the mandates that name it as bad as `minPrice` and `maxPrice` allow at the
///   open, without bound at the close, and touch barriers at will. Owners choose it; nobody can change it afterwards.
/// - A dead oracle holds up closes: there is no price to close at. Releasing a trade and withdrawing still work.
/// - The contract does not ask what an oracle prices: `FeedOracle` says its base and quote, and whoever signs a mandate compares.
/// - Whoever holds the model's key, and fills, opens as often as the criteria allow. With slippage s each trip takes at most
///   maxAmount * (1 - (1 - s)**2) beyond what the oracle moved against the owner, at most one trip each `cooldown` (each block,
///   where that is zero), and in all the drawdown limit and one trade's loss, a gap of the price excepted. Limits are those of one
///   mandate: who lodges ten can lose ten times as much.
/// - Whoever fills first has the trade, at the worst price that the mandate accepts just then. A `ramp` lets fillers compete at
///   the open: the fairest offer qualifies first. It does not bind a thief of the key, who chooses `barTime`, and at the close
///   slippage is full from the first second. A mandate that names its `filler` trades with nobody else, so that filler has no
///   rival: it waits for the end of the ramp, and chooses when to close, and whether.
/// - Whoever fills chooses the amount, between `minAmount` and `maxAmount`: a small trade keeps the mandate busy until its end.
/// - Anyone may present any signal with any fills, so anyone may cause a `Refused`; it changes nothing.
/// - Whoever a filler authorises can take all of that filler's ledger balance. No criterion protects a filler.
/// - The oracle's price may be as old as the mandate's `maxPriceAge`, and whoever fills chooses the moment: what an owner
///   can lose to that is what the market moves in this time, beside the slippage, at each end of a trade.
/// - An oracle that takes all the gas makes calls for its own market fail with `TooLittleGas`, and nothing else.
/// - A source may burn the gas it is given, up to 2,000,000, once in a call. Who sends a batch provides for that much for each
///   source in it: where one fails, be it that it just reverts, and could have got less, the whole call reverts with
///   `TooLittleGas`. An estimate of gas does not tell beforehand.
/// - A signed mandate may be lodged by anyone who sees the signature, at any time until its expiry; `cancel` withdraws it
///   before that.
/// - Tokens sent to this contract without `deposit`, and withdrawals to it, are credited to nobody and stay forever.
interface ISettlement {
    /* EVENTS */

    /// @notice Tokens were credited to an account.
    /// @param account Whose ledger balance grew.
    /// @param token The token.
    /// @param payer Whose tokens they were.
    /// @param amount What arrived, in the token's smallest unit.
    event Deposited(address indexed account, address indexed token, address indexed payer, uint256 amount);

    /// @notice Tokens left the ledger.
    /// @param account Whose ledger balance fell.
    /// @param token The token.
    /// @param receiver Who was sent the tokens.
    /// @param amount What was sent, in the token's smallest unit; a token with a fee delivers less.
    event Withdrawn(address indexed account, address indexed token, address indexed receiver, uint256 amount);

    /// @notice An account allowed an operator to use its balance as a filler, or no longer does.
    /// @param account The filler.
    /// @param operator Who may name it as filler.
    /// @param allowed Whether it may from now on.
    event Authorized(address indexed account, address indexed operator, bool allowed);

    /// @notice A mandate was created, by its owner or with its owner's signature.
    /// @param id keccak256(abi.encode(mandate)).
    /// @param owner Its owner.
    /// @param mandate All of it.
    event MandateCreated(MandateId indexed id, address indexed owner, Mandate mandate);

    /// @notice A mandate was cancelled. A trade that is open stays open until a barrier closes it or its owner releases it.
    /// @param id Of the mandate, which may never have been lodged.
    event MandateCancelled(MandateId indexed id);

    /// @notice A signal was presented. The `Opened` and `Refused` that follow in the same call are its outcome.
    /// @param model Id of the model that decided.
    /// @param market Id of the market it is about.
    /// @param side Which way.
    /// @param patterns The patterns that the model saw, as a mask.
    /// @param confidenceBps How sure the model is, in basis points.
    /// @param barTime Unix seconds at which the bar that it decided on closed.
    /// @param validUntil Last unix second at which the signal may be used.
    /// @param inputs Hash of what the model read.
    event Presented(
        bytes32 indexed model,
        MarketId indexed market,
        Side side,
        uint256 patterns,
        uint256 confidenceBps,
        uint256 barTime,
        uint256 validUntil,
        bytes32 inputs
    );

    /// @notice A trade was opened.
    /// @param id Of the mandate.
    /// @param filler Who took the other side.
    /// @param given What the owner gave, in the smallest unit of that token.
    /// @param taken What the owner took, in the smallest unit of that token.
    /// @param price The oracle's, scaled by 1e36. The trade's own price is that of its amounts.
    event Opened(MandateId indexed id, address indexed filler, uint256 given, uint256 taken, uint256 price);

    /// @notice A trade was closed.
    /// @param id Of the mandate.
    /// @param filler Who took the other side; not always who did at the open.
    /// @param given What the owner gave: all that the trade took, in the smallest unit of that token.
    /// @param taken What the owner took, in the smallest unit of the token given at the open.
    /// @param price The oracle's, scaled by 1e36.
    /// @param barrier The barrier that was touched.
    event Closed(
        MandateId indexed id, address indexed filler, uint256 given, uint256 taken, uint256 price, Barrier barrier
    );

    /// @notice An owner ended its open trade: what the trade held is in its ledger balance now.
    /// @param id Of the mandate.
    /// @param taken What the trade had taken, in the smallest unit of that token.
    event Released(MandateId indexed id, uint256 taken);

    /// @notice A fill did not qualify and was left out; the rest of its batch is not touched by that.
    /// @param id Of the mandate, which may be unknown.
    /// @param reason The first criterion that did not hold.
    event Refused(MandateId indexed id, Reason reason);

    /* ERRORS */

    /// @notice The mandate is not the caller's own.
    /// @param owner Whose it is.
    /// @param caller Who called.
    error NotOwner(address owner, address caller);

    /// @notice A mandate of this id was created before. Another `salt` makes another id.
    /// @param id Of the mandate.
    error MandateExists(MandateId id);

    /// @notice The owner cancelled the mandate before it was lodged. Another `salt` makes another id.
    /// @param id Of the mandate.
    error MandateIsCancelled(MandateId id);

    /// @notice The signature over the mandate is not its owner's: another key, chain, contract or mandate.
    /// @param owner Whose signature was needed.
    error InvalidSignature(address owner);

    /// @notice The mandate has no open trade.
    /// @param id Of the mandate.
    error NoOpenTrade(MandateId id);

    /// @notice The mandate contradicts itself, so that it could never trade, never end a trade, or end one as it begins.
    /// @param field The member that is wrong, by its name in `Mandate`.
    error InvalidMandate(string field);

    /// @notice The ledger balance does not cover the amount.
    /// @param account Whose balance.
    /// @param token Of which token.
    /// @param balance What it is, in the token's smallest unit.
    /// @param amount What was asked for, in the token's smallest unit.
    error InsufficientBalance(address account, address token, uint256 balance, uint256 amount);

    /// @notice The zero address cannot hold a balance, and tokens are not sent to it.
    error ZeroAddress();

    /// @notice A deposit would lift a balance above 2**128 - 1. Settlements may: it would take 2**128 of them to pass 2**256.
    /// @param account Whose balance.
    /// @param token Of which token.
    /// @param balance What it would be, in the token's smallest unit; at most 2**256 - 1.
    error BalanceTooLarge(address account, address token, uint256 balance);

    /// @notice A source failed, and the call had less gas than is sure to pass 2,000,000 on; or an oracle used up nearly all the
    /// gas there was. With more, they might have answered.
    error TooLittleGas();

    /// @notice The token did not use up the permit, and only the owner itself may go on without it.
    /// @param token The token.
    /// @param owner Whose permit it should have been.
    error PermitRefused(address token, address owner);

    /* THE LEDGER */

    /// @notice What an account holds in the ledger.
    /// @param account The account.
    /// @param token The token.
    /// @return In the token's smallest unit.
    function balanceOf(address account, address token) external view returns (uint256);

    /// @notice Whether an account has allowed an operator to use its ledger balance as a filler. It needs no such leave
    /// itself.
    /// @param account The filler.
    /// @param operator Who would name it as filler.
    /// @return Whether it may.
    function isAuthorized(address account, address operator) external view returns (bool);

    /// @notice Moves tokens of the caller into the ledger.
    /// @param token An ERC-20 token.
    /// @param amount To be taken from the caller, in the token's smallest unit; needs the caller's allowance.
    /// @param onBehalf Whose ledger balance grows; to 2**128 - 1 at the most.
    /// @return credited What arrived, at most `amount`. Less than `amount` where the token takes a fee.
    function deposit(address token, uint256 amount, address onBehalf) external returns (uint256 credited);

    /// @notice Moves tokens of an owner into that owner's ledger balance, with its signature in place of an allowance
    /// (ERC-2612). Anyone may send it, so that a deposit need cost its owner no gas.
    /// @dev Where somebody has used up the permit before, the owner itself may still go on: the allowance is there. Anyone
    /// else is refused then, and so is a permit that the token does not know.
    /// @param token An ERC-20 token with `permit` and `nonces`.
    /// @param amount To be taken from the owner, in the token's smallest unit: exactly what the permit says.
    /// @param owner Whose tokens are taken, and whose ledger balance grows. It signed a permit for this contract.
    /// @param deadline Last unix second of the permit.
    /// @param v Of the permit's signature.
    /// @param r Of the permit's signature.
    /// @param s Of the permit's signature.
    /// @return credited What arrived, at most `amount`. Less than `amount` where the token takes a fee.
    function depositWithPermit(
        address token,
        uint256 amount,
        address owner,
        uint256 deadline,
        uint8 v,
        bytes32 r,
        bytes32 s
    ) external returns (uint256 credited);

    /// @notice Moves tokens out of the caller's ledger balance. Depends on nothing but that balance and the token: not on
    /// mandates, trades, oracles, models or anyone's leave.
    /// @param token An ERC-20 token.
    /// @param amount In the token's smallest unit.
    /// @param receiver Who receives the tokens; not the zero address.
    function withdraw(address token, uint256 amount, address receiver) external;

    /// @notice Allows or forbids an operator to use the caller's whole ledger balance as a filler, at whatever amounts and
    /// in whoever's trades the operator chooses.
    /// @dev An operator cannot withdraw, but it can trade all of the balance away for nothing, to a mandate of its own.
    /// Authorise only accounts and contracts that you would hand the tokens to.
    /// @param operator Who may name the caller as filler.
    /// @param allowed Whether it may from now on.
    function authorize(address operator, bool allowed) external;

    /* MANDATES */

    /// @notice Creates a mandate of the caller's. It cannot be changed afterwards, only cancelled.
    /// @dev What is looked at, in this order: whose it is, whether it contradicts itself, whether it exists or is cancelled.
    /// @param mandate Its `owner` must be the caller.
    /// @return id keccak256(abi.encode(mandate)).
    function create(Mandate calldata mandate) external returns (MandateId id);

    /// @notice Creates a mandate that its owner signed. Anyone may send it, so that a mandate need cost its owner no gas.
    /// @dev No signal is accepted of a bar that closed before the mandate was lodged, however old the signature is. An account
    /// with code, also one that delegates to code (EIP-7702), signs by ERC-1271 alone: its own key does not count then, and whoever
    /// its code accepts may lodge mandates for it.
    /// @param mandate What the owner signed.
    /// @param signature The owner's, of `digestOf(mandate)`: 65 bytes of an externally owned account (64 are refused), or
    /// whatever a contract that is the owner accepts (ERC-1271).
    /// @return id keccak256(abi.encode(mandate)).
    function createFor(Mandate calldata mandate, bytes calldata signature) external returns (MandateId id);

    /// @notice Cancels mandates of the caller's for good: nothing opens any more. Open trades still close. A mandate that
    /// was signed and not lodged yet can never be lodged then.
    /// @param mandates The `owner` of each must be the caller.
    function cancel(Mandate[] calldata mandates) external;

    /// @notice Ends the open trade of a mandate of the caller's: what the trade holds goes to its ledger balance. Depends on
    /// nothing else: not on the oracle, a filler, a barrier or anyone's leave. It starts the cooldown and leaves the drawdown as
    /// it is. The mandate may open another trade: who means to leave cancels it first.
    /// @param mandate Its `owner` must be the caller.
    /// @return released What the trade held, in the smallest unit of the token it took.
    function release(Mandate calldata mandate) external returns (uint256 released);

    /// @notice The id of a mandate.
    /// @param mandate The mandate.
    /// @return keccak256(abi.encode(mandate)).
    function idOf(Mandate calldata mandate) external pure returns (MandateId);

    /// @notice What the owner of a mandate signs for `createFor`: its EIP-712 digest, with the domain "patternsettle",
    /// version "1", this chain and this contract.
    /// @param mandate The mandate.
    /// @return The digest.
    function digestOf(Mandate calldata mandate) external view returns (bytes32);

    /// @notice The id of a market.
    /// @param market The market.
    /// @return keccak256(abi.encode(market)).
    function marketIdOf(Market calldata market) external pure returns (MarketId);

    /// @notice What the contract remembers of a mandate.
    /// @param id Of the mandate.
    /// @return All zero where nothing is known of it.
    function stateOf(MandateId id) external view returns (MandateState memory);

    /// @notice The amounts of a mandate's last trade; of the open one where `stateOf(id).trading`.
    /// @param id Of the mandate.
    /// @return In smallest units; zero where it never traded.
    function tradeOf(MandateId id) external view returns (Trade memory);

    /// @notice Where the open trade of a mandate ends; reverts where it has none.
    /// @dev The entry price is the trade's own: quote amount * 1e36 / base amount, rounded down. Barriers are
    /// rounded down to the same scale.
    /// @param mandate The mandate.
    /// @return takeProfit Oracle price, scaled by 1e36, at which or beyond which the trade takes its profit.
    /// @return stopLoss Oracle price, scaled by 1e36, at which or beyond which the trade stops its loss.
    /// @return horizon Unix seconds from which on it may be closed at any price.
    function barriersOf(Mandate calldata mandate)
        external
        view
        returns (uint256 takeProfit, uint256 stopLoss, uint256 horizon);

    /* SETTLEMENT */

    /// @notice Opens trades on a signal. Each fill is judged on its own: one that does not qualify is left out with
    /// `Refused`, and the others are settled.
    /// @dev The price is read once, and each source is asked once. What is looked at, in this order: what the contract remembers
    /// of the mandate, the signal, the source, the price, the amounts against the owner's limits and against the price, the
    /// accounts. A price beyond (2**128 - 1) * 1e36 is none. No fill at the oracle's price or worse touches its profit or its stop
    /// while that price stands, and none that is better is closed by them there at a loss for its owner. Reverts with
    /// `TooLittleGas` where too little gas may be why a source or the oracle failed.
    /// @param signal The signal.
    /// @param evidence What the mandates' source needs to vouch for it.
    /// @param fills Mandates, fillers and amounts. The caller must be, or be authorised by, each filler.
    /// @return opened How many fills were settled.
    function open(Signal calldata signal, bytes calldata evidence, Fill[] calldata fills)
        external
        returns (uint256 opened);

    /// @notice Closes trades of a market of which a barrier has been touched. Each fill is judged on its own.
    /// @dev What is looked at, in this order: the mandate, the market, the trade, the price, the barriers (the stop first, so
    /// that a trade whose barriers meet is not called a success), the amounts, the accounts.
    /// @param market The market of all fills.
    /// @param fills In each, `given` must be exactly what the trade took, and `taken` is what the owner gets for it.
    /// @return closed How many fills were settled.
    function close(Market calldata market, Fill[] calldata fills) external returns (uint256 closed);

    /// @notice What `open` would say to this fill if the caller sent it now.
    /// @dev Reverts with `TooLittleGas` where `open` would.
    /// @param signal As for `open`.
    /// @param evidence As for `open`.
    /// @param fill One of those for `open`.
    /// @return None where it would settle; else the first criterion that does not hold.
    function checkOpen(Signal calldata signal, bytes calldata evidence, Fill calldata fill)
        external
        view
        returns (Reason);

    /// @notice What `close` would say to this fill if the caller sent it now.
    /// @param market As for `close`.
    /// @param fill One of those for `close`.
    /// @return reason None where it would settle.
    /// @return barrier The barrier that has been touched; None where the reason came before that question.
    function checkClose(Market calldata market, Fill calldata fill)
        external
        view
        returns (Reason reason, Barrier barrier);

    /// @notice Whether a source vouches for a signal to this contract, as `open` would ask it.
    /// @dev Reverts with `TooLittleGas` where `open` would.
    /// @param source The source.
    /// @param signal The signal.
    /// @param evidence What the source needs to be convinced.
    /// @return False where the source reverts, is no contract, or answers anything but true in one word.
    function isVouched(ISignalSource source, Signal calldata signal, bytes calldata evidence)
        external
        view
        returns (bool);

    /// @notice The least an owner may receive for `given` at `price`, rounded up, so in the owner's favour. Reverts
    /// where the price is zero and divides, or where the slippage is more than all.
    /// @dev Rounded twice, each time for the owner: the amount at the price up, the slippage taken off it down.
    /// @param given In the smallest unit of the token given.
    /// @param givesBase True where the owner gives base and receives quote.
    /// @param price Scaled like `IOracle.price`.
    /// @param slippageBps How much less than the price is accepted, in basis points.
    /// @return In the smallest unit of the token received.
    function leastTaken(uint256 given, bool givesBase, uint256 price, uint256 slippageBps)
        external
        pure
        returns (uint256);
}
