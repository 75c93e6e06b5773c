// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {
    FalseToken,
    FeeToken,
    FreeToken,
    GenerousToken,
    LyingToken,
    ParalysedToken,
    ReentrantToken
} from "../../contracts/sol/Tokens.sol";
import {Fill, ISettlement, Mandate, Side, Signal} from "../../../contracts/interfaces/ISettlement.sol";
import {vm} from "./Cheats.sol";
import {Mood} from "./Puppets.sol";
import {Stage} from "./Stage.sol";
import {BlockingToken, ShrinkingToken} from "./Tokens.sol";

/// @title HostileHandler
/// @notice Tokens that take fees, lie, return false, block accounts, shrink, or call back in the middle of a transfer, in the
/// same ledger as three honest ones. Whatever they do, the honest ones stay as the model says (`everythingAgrees`), and
/// nobody but the depositors of a hostile token is worse off for it.
contract HostileHandler is Stage {
    uint256 private constant KINDS = 8;
    uint256 private constant REENTRANT = 0;
    uint256 private constant SHRINKING = 1;

    FreeToken[KINDS] private _tokens;
    mapping(address token => mapping(address account => uint256)) private _owed;
    /// @dev What the shrinking token took away from under the ledger.
    uint256 private _missing;
    uint256 private _salts;

    constructor() {
        _tokens[REENTRANT] = new ReentrantToken();
        _tokens[SHRINKING] = new ShrinkingToken();
        _tokens[2] = new FeeToken();
        _tokens[3] = new GenerousToken();
        _tokens[4] = new FalseToken();
        _tokens[5] = new LyingToken();
        _tokens[6] = new ParalysedToken();
        _tokens[7] = new BlockingToken();
        // The token that calls back is itself an account, with honest tokens to lose and to trade with.
        for (uint256 j; j < TOKENS; ++j) {
            deposit(address(_tokens[REENTRANT]), tokenAt(j), wealth(j));
            donated[address(tokenAt(j))] = wealth(j);
        }
    }

    /* ACTIONS */

    function deposit(uint256 seed) external step(seed) {
        FreeToken token = _tokens[roll(KINDS)];
        (address payer, address account) = (anybody(), anybody());
        uint256 amount = roll(1e18);
        token.mint(payer, amount);
        vm.prank(payer);
        token.approve(address(settlement), amount);
        uint256 held = token.balanceOf(address(settlement));
        bool done = succeeds(payer, abi.encodeCall(ISettlement.deposit, (address(token), amount, account)));
        uint256 arrived = token.balanceOf(address(settlement)) - held;
        claim(done || arrived == 0, "what failed moved nothing");
        if (done) _owed[address(token)][account] += arrived < amount ? arrived : amount;
        count("deposit a hostile token", done);
        checkOwed(token);
    }

    function withdraw(uint256 seed) external step(seed) {
        FreeToken token = _tokens[roll(KINDS)];
        address account = anybody();
        uint256 amount = roll(_owed[address(token)][account] + 1);
        bool done = succeeds(account, abi.encodeCall(ISettlement.withdraw, (address(token), amount, account)));
        if (done) _owed[address(token)][account] -= amount;
        count("withdraw a hostile token", done);
        checkOwed(token);
    }

    /// @dev While it is deposited or withdrawn, the token calls the ledger: as itself, with whatever it may try.
    function reenter(uint256 seed) external step(seed) {
        ReentrantToken token = ReentrantToken(address(_tokens[REENTRANT]));
        (address account, uint256 amount) = (anybody(), 1 + roll(1e18));
        token.mint(account, amount);
        token.mint(address(token), amount);
        vm.prank(account);
        token.approve(address(settlement), amount);
        vm.prank(address(token));
        token.approve(address(settlement), amount);
        uint256 what = roll(6);
        token.arm(address(settlement), callBack(address(token), account, amount, what));
        vm.prank(account);
        settlement.deposit(address(token), amount, account);
        _owed[address(token)][account] += amount;
        claim(what > 2 || !token.succeeded(), "what moves tokens cannot be entered twice");
        vm.prank(account);
        settlement.withdraw(address(token), amount, account);
        _owed[address(token)][account] -= amount;
        claim(what > 2 || !token.succeeded(), "what moves tokens cannot be entered twice");
        count(what > 2 ? "call back what moves no token" : "call back what moves tokens, in vain", true);
        token.arm(address(0), "");
        checkOwed(token);
    }

    function misbehave(uint256 seed) external step(seed) {
        uint256 what = roll(4);
        if (what == 0) BlockingToken(address(_tokens[7])).setBlocked(anybody(), chance(1, 2));
        else if (what == 1) BlockingToken(address(_tokens[7])).setBlocked(address(settlement), chance(1, 4));
        else if (what == 2 && chance(1, 20)) ParalysedToken(address(_tokens[6])).paralyse();
        else shrink();
        count("misbehave", true);
    }

    /// @dev A market of a hostile and an honest token: a settlement touches neither token, so neither can object.
    function trade(uint256 seed) external step(seed) {
        FreeToken token = _tokens[roll(KINDS)];
        (address owner, uint256 number) = (anybody(), roll(TOKENS));
        address filler = anybodyBut(owner);
        Mandate memory mandate = draft(owner, Side.Long);
        mandate.market.base = address(token);
        mandate.market.quote = address(tokenAt(number));
        mandate.source = puppet;
        mandate.salt = bytes32(++_salts);
        create(mandate);
        Fill memory fill = Fill(mandate, filler, uint128(1 + roll(wealth(number) / 50)), uint128(1 + roll(1e17)));
        tell(0, uint256(fill.given) * 1e36 / fill.taken + 1, block.timestamp, Mood.Plain);
        bool covered = owned[owner][mandate.market.quote] >= fill.given && _owed[address(token)][filler] >= fill.taken;
        Signal memory signal = signalFor(mandate);
        vm.prank(filler);
        bool done = settlement.open(signal, "", one(fill)) == 1;
        claim(done == covered, "a trade in a hostile token needs what is in the ledger, and nothing else");
        count("trade a hostile token", done);
        if (!done) return;
        owned[owner][mandate.market.quote] -= fill.given;
        owned[filler][mandate.market.quote] += fill.given;
        _owed[address(token)][filler] -= fill.taken;
        _owed[address(token)][owner] += fill.taken;
        checkOwed(token);
    }

    /* CLAIMS */

    /// @dev The ledger owes of a token what its depositors put in, and holds at least that unless the token itself took it.
    function checkOwed(FreeToken token) private view {
        uint256 owed;
        for (uint256 i; i < PEOPLE; ++i) {
            uint256 balance = settlement.balanceOf(people[i], address(token));
            claim(balance == _owed[address(token)][people[i]], "a hostile balance is what arrived");
            owed += balance;
        }
        uint256 missing = address(token) == address(_tokens[SHRINKING]) ? _missing : 0;
        claim(owed <= token.balanceOf(address(settlement)) + missing, "what is owed is held, or the token took it");
    }

    /* HOW IT IS MADE UP */

    /// @dev Up to 2 it moves tokens, and must fail; beyond it may succeed, at the token's own cost.
    function callBack(address token, address victim, uint256 amount, uint256 what) private returns (bytes memory) {
        if (what == 0) return abi.encodeCall(ISettlement.deposit, (token, amount, token));
        if (what == 1) return abi.encodeCall(ISettlement.withdraw, (address(tokenAt(roll(TOKENS))), 1, token));
        if (what == 2) return abi.encodeCall(ISettlement.deposit, (address(base), 0, victim));
        if (what == 3) return abi.encodeCall(ISettlement.authorize, (victim, true));
        Mandate memory mandate = draft(what == 4 ? token : victim, Side.Long);
        mandate.salt = bytes32(++_salts);
        return
            chance(1, 2) ? abi.encodeCall(ISettlement.create, (mandate)) : abi.encodeCall(ISettlement.cancel, (mandate));
    }

    function shrink() private {
        ShrinkingToken token = ShrinkingToken(address(_tokens[SHRINKING]));
        uint256 amount = roll(token.balanceOf(address(settlement)) / 4 + 1);
        token.shrink(address(settlement), amount);
        _missing += amount;
    }
}
