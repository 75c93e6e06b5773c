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
import {BlockingToken, BoastfulToken, ShrinkingToken} from "./Tokens.sol";

/// @title HostileHandler
/// @notice Tokens that take fees, lie, boast, return false, block accounts, shrink, or call back in the middle of a transfer, in the
/// same ledger as three honest ones. Whatever they do, the honest ones stay as the model says (`everythingAgrees`), and
/// nobody but the depositors of a hostile token is worse off for it.
contract HostileHandler is Stage {
    uint256 private constant KINDS = 9;
    uint256 private constant REENTRANT = 0;
    uint256 private constant SHRINKING = 1;
    uint256 private constant BOASTFUL = 8;

    FreeToken[KINDS] private _tokens;
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
        _tokens[BOASTFUL] = new BoastfulToken();
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
        if (address(token) == address(_tokens[BOASTFUL]) && chance(1, 2)) {
            amount = chance(1, 2) ? type(uint256).max - roll(2) : type(uint128).max - roll(2);
        } else {
            token.mint(payer, amount);
        }
        vm.prank(payer);
        token.approve(address(settlement), amount);
        uint256 held = token.balanceOf(address(settlement));
        bool done = succeeds(payer, abi.encodeCall(ISettlement.deposit, (address(token), amount, account)));
        uint256 arrived = token.balanceOf(address(settlement)) - held;
        claim(done || arrived == 0, "what failed moved nothing");
        if (done) owned[account][address(token)] += arrived < amount ? arrived : amount;
        count("deposit a hostile token", done);
        checkOwed(token);
    }

    function withdraw(uint256 seed) external step(seed) {
        FreeToken token = _tokens[roll(KINDS)];
        address account = anybody();
        uint256 amount = roll(owned[account][address(token)] + 1);
        bool done = succeeds(account, abi.encodeCall(ISettlement.withdraw, (address(token), amount, account)));
        if (done) owned[account][address(token)] -= amount;
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
        uint256 what = roll(7);
        token.arm(address(settlement), callBack(address(token), account, amount, what));
        vm.prank(account);
        settlement.deposit(address(token), amount, account);
        owned[account][address(token)] += amount;
        claim(what > 3 || !token.succeeded(), "what moves tokens cannot be entered twice");
        vm.prank(account);
        settlement.withdraw(address(token), amount, account);
        owned[account][address(token)] -= amount;
        claim(what > 3 || !token.succeeded(), "what moves tokens cannot be entered twice");
        count(what > 3 ? "call back what moves no token" : "call back what moves tokens, in vain", true);
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
        if (ids.length == MANDATES) endTrade(ids[roll(MANDATES)], chance(1, 2));
        FreeToken token = _tokens[roll(KINDS)];
        (address owner, uint256 number) = (anybody(), roll(TOKENS));
        address filler = anybodyBut(owner);
        Mandate memory mandate = draft(owner, Side.Long);
        mandate.market.base = address(token);
        mandate.market.quote = address(tokenAt(number));
        mandate.source = puppet;
        mandate.salt = bytes32(++_salts);
        create(mandate);
        states[idOf(mandate)].usableFrom = uint40(block.timestamp);
        Fill memory fill = Fill(mandate, filler, uint128(LEAST_AMOUNT + roll(wealth(number) / 50)), 0);
        // All that can be boasted of, at a price that is not too low for it.
        bool boasts = address(token) == address(_tokens[BOASTFUL]) && number == 0;
        fill.taken = boasts ? type(uint128).max - 1 : uint128(LEAST_AMOUNT + roll(1e17));
        uint256 price = uint256(fill.given) * 1e36 / fill.taken + 1;
        tell(0, price, block.timestamp, Mood.Plain);
        Signal memory signal = signalFor(mandate);
        bool covered = mayOpen(filler, signal, true, fill, price, block.timestamp);
        vm.prank(filler);
        bool done = settlement.open(signal, "", one(fill)) == 1;
        claim(done == covered, "a trade in a hostile token needs what is in the ledger, and nothing else");
        count(boasts ? "trade what a token boasts of" : "trade a hostile token", done);
        if (!done) return;
        applyOpen(signal.barTime, fill);
        keep(mandate);
        checkOwed(token);
    }

    /// @dev By its horizon where somebody pays for it, or by its owner.
    function end(uint256 seed) external step(seed) {
        if (ids.length == 0) return;
        endTrade(ids[roll(ids.length)], chance(1, 2));
    }

    function endTrade(bytes32 id, bool byItsOwner) private {
        if (!states[id].trading) return;
        Mandate memory mandate = mandates[id];
        if (byItsOwner) {
            applyRelease(mandate);
            bool released = succeeds(mandate.owner, abi.encodeCall(ISettlement.release, (mandate)));
            claim(released, "a trade in a hostile token can be released");
            count("release a hostile token", true);
        } else {
            closeAtHorizon(Fill(mandate, anybodyBut(mandate.owner), trades[id].taken, trades[id].given));
        }
        checkOwed(FreeToken(mandate.market.base));
    }

    function closeAtHorizon(Fill memory fill) private {
        Mandate memory mandate = fill.mandate;
        uint256 horizon = uint256(states[idOf(mandate)].changedAt) + mandate.horizon;
        if (block.timestamp < horizon) vm.warp(horizon);
        uint256 price = uint256(fill.taken) * 1e36 / fill.given + 1;
        tell(0, price, block.timestamp, Mood.Plain);
        bool covered = mayClose(fill.filler, mandate.market, fill, price, block.timestamp);
        vm.prank(fill.filler);
        bool done = settlement.close(mandate.market, one(fill)) == 1;
        claim(done == covered, "a trade in a hostile token closes by what is in the ledger, and nothing else");
        if (done) applyClose(fill);
        count("close a trade of a hostile token", done);
    }

    /* CLAIMS */

    /// @dev The ledger owes of a token what its depositors put in, and holds at least that unless the token itself took it.
    function checkOwed(FreeToken token) private view {
        uint256 owed;
        for (uint256 i; i < PEOPLE; ++i) {
            uint256 balance = settlement.balanceOf(people[i], address(token));
            claim(balance == owned[people[i]][address(token)], "a hostile balance is what arrived");
            owed += balance;
        }
        owed += held(address(token));
        uint256 missing = address(token) == address(_tokens[SHRINKING]) ? _missing : 0;
        claim(owed <= token.balanceOf(address(settlement)) + missing, "what is owed is held, or the token took it");
    }

    /* HOW IT IS MADE UP */

    /// @dev Up to 3 it moves what is others' or tokens, and must fail; beyond it may succeed, at the token's own cost.
    function callBack(address token, address victim, uint256 amount, uint256 what) private returns (bytes memory) {
        if (what == 0) return abi.encodeCall(ISettlement.deposit, (token, amount, token));
        if (what == 1) return abi.encodeCall(ISettlement.withdraw, (address(tokenAt(roll(TOKENS))), 1, token));
        if (what == 2) return abi.encodeCall(ISettlement.deposit, (address(base), 0, victim));
        Mandate memory mandate = draft(what == 5 ? token : victim, Side.Long);
        mandate.salt = bytes32(++_salts);
        if (what == 3) {
            if (ids.length != 0) mandate = mandates[ids[roll(ids.length)]];
            return abi.encodeCall(ISettlement.release, (mandate));
        }
        if (what == 4) return abi.encodeCall(ISettlement.authorize, (victim, true));
        return chance(1, 2)
            ? abi.encodeCall(ISettlement.create, (mandate))
            : abi.encodeCall(ISettlement.cancel, (one(mandate)));
    }

    function shrink() private {
        ShrinkingToken token = ShrinkingToken(address(_tokens[SHRINKING]));
        uint256 amount = roll(token.balanceOf(address(settlement)) / 4 + 1);
        token.shrink(address(settlement), amount);
        _missing += amount;
    }
}
