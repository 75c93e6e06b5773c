// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {DemoToken} from "../../../contracts/demo/DemoToken.sol";
import {ISettlement, Mandate} from "../../../contracts/interfaces/ISettlement.sol";
import {vm} from "./Cheats.sol";
import {Owner} from "./Owner.sol";
import {Mood} from "./Puppets.sol";
import {Permit} from "./Signing.sol";

/// @title Handler
/// @notice Everything else that anybody may do: the ledger, and a world that misbehaves around it. It is what runs.
contract Handler is Owner {
    /* THE LEDGER */

    function deposit(uint256 seed) external step(seed) {
        (address payer, address account) = (anybody(), anybody());
        uint256 number = roll(TOKENS);
        DemoToken token = tokenAt(number);
        uint256 amount = roll(wealth(number) / 4);
        token.mint(payer, amount);
        vm.prank(payer);
        token.approve(address(settlement), amount);
        vm.prank(payer);
        claim(settlement.deposit(address(token), amount, account) == amount, "what arrives is credited");
        owned[account][address(token)] += amount;
        count("deposit", true);
    }

    /// @dev With a permit that is good, forged, late, for another amount, or used up before by somebody else.
    function depositWithPermit(uint256 seed) external step(seed) {
        uint256 person = roll(PEOPLE - 1);
        uint256 number = roll(TOKENS);
        Permit memory permit =
            Permit(tokenAt(number), people[person], 1 + roll(wealth(number) / 4), block.timestamp + roll(100), "");
        permit.token.mint(permit.owner, permit.amount);
        uint256 what = chance(1, 2) ? 0 : between(1, 6);
        permit.signature = signBy(what == 1 ? OTHER_KEY : keyOf(person), permitDigest(permit, address(settlement)));
        if (what == 2) permit.amount -= 1;
        if (what == 3) permit.deadline += 1;
        if (what == 4) usePermit(permit, address(settlement));
        if (what == 5) {
            approve(permit, permit.amount);
            permit.signature = signBy(OTHER_KEY, "");
        }
        if (what == 6) vm.warp(permit.deadline + 1);
        address caller = chance(1, 3) ? permit.owner : anybodyBut(permit.owner);
        // An allowance that stands is good enough for its owner, and for nobody else.
        bool good = what == 0 || ((what == 4 || what == 5 || permit.amount == 0) && caller == permit.owner);
        bool done = succeeds(caller, depositCall(permit));
        claim(done == good, "a permit is worth what its owner signed");
        if (done) owned[permit.owner][address(permit.token)] += permit.amount;
        approve(permit, 0);
        count(good ? "deposit with a permit" : "deposit with a bad permit, in vain", true);
    }

    function approve(Permit memory permit, uint256 amount) private {
        vm.prank(permit.owner);
        permit.token.approve(address(settlement), amount);
    }

    function withdraw(uint256 seed) external step(seed) {
        (address account, address receiver) = (anybody(), anybody());
        DemoToken token = tokenAt(roll(TOKENS));
        uint256 balance = owned[account][address(token)];
        uint256 amount = chance(1, 40) ? balance : roll(balance / 8 + 1);
        uint256 before = token.balanceOf(receiver);
        vm.prank(account);
        settlement.withdraw(address(token), amount, receiver);
        claim(token.balanceOf(receiver) == before + amount, "what is withdrawn arrives");
        owned[account][address(token)] -= amount;
        count("withdraw", true);
    }

    function authorize(uint256 seed) external step(seed) {
        (address account, address operator, bool yes) = (anybody(), anybody(), chance(2, 3));
        vm.prank(account);
        settlement.authorize(operator, yes);
        allowed[account][operator] = yes;
        count("authorize", true);
    }

    /// @dev What only an owner may do.
    function trespass(uint256 seed) external step(seed) {
        Mandate memory mandate = chance(1, 2) ? made(anybody()) : known();
        address other = anybodyBut(mandate.owner);
        uint256 what = roll(3);
        if (what == 0) {
            claim(!succeeds(other, abi.encodeCall(ISettlement.create, (mandate))), "only an owner creates");
            count("create for another without a signature, in vain", true);
        } else if (what == 1) {
            // Also among others that are the caller's own.
            Mandate[] memory some = allOf(made(other));
            some[roll(some.length)] = mandate;
            claim(!succeeds(other, abi.encodeCall(ISettlement.cancel, (some))), "only an owner cancels");
            count("cancel for another, in vain", true);
        } else {
            bool found;
            (found, mandate) = pick(true);
            if (!found) return;
            other = anybodyBut(mandate.owner);
            claim(!succeeds(other, abi.encodeCall(ISettlement.release, (mandate))), "only an owner releases");
            count("release for another, in vain", true);
        }
    }

    /// @dev What nobody may do.
    function overreach(uint256 seed) external step(seed) {
        address account = anybody();
        DemoToken token = tokenAt(roll(TOKENS));
        uint256 balance = owned[account][address(token)];
        uint256 what = roll(3);
        if (what == 0) {
            uint256 amount = balance + 1 + roll(wealth(0));
            claim(!succeeds(account, withdrawCall(token, amount, account)), "nobody withdraws more than their own");
            count("withdraw too much, in vain", true);
        } else if (what == 1) {
            claim(!succeeds(account, withdrawCall(token, roll(balance + 1), address(0))), "nothing is thrown away");
            count("withdraw to the zero address, in vain", true);
        } else {
            uint256 amount = type(uint128).max - balance + 1;
            token.mint(account, amount);
            vm.prank(account);
            token.approve(address(settlement), amount);
            bytes memory call = abi.encodeCall(ISettlement.deposit, (address(token), amount, account));
            claim(!succeeds(account, call), "no deposit lifts a balance above 128 bits");
            vm.prank(account);
            token.approve(address(settlement), 0);
            count("deposit too much, in vain", true);
        }
    }

    function withdrawCall(DemoToken token, uint256 amount, address receiver) private pure returns (bytes memory) {
        return abi.encodeCall(ISettlement.withdraw, (address(token), amount, receiver));
    }

    /* THE WORLD AROUND */

    function movePrices(uint256 seed) external step(seed) {
        drift();
        count("move the prices", true);
    }

    function upset(uint256 seed) external step(seed) {
        uint256 what = roll(8);
        if (what < 3) upsetOracle(roll(2));
        else if (what < 6) upsetSource();
        else if (what == 6 && chance(1, 3)) revoke();
        else donate();
    }

    /// @dev An oracle that is dead, late, early, absurd or talks nonsense.
    function upsetOracle(uint256 number) private {
        uint256 price = said[number].price;
        uint256 what = roll(9);
        if (what == 0) tell(number, 0, block.timestamp, Mood.Plain);
        else if (what == 1) tell(number, MOST + roll(2), block.timestamp, Mood.Plain);
        else if (what == 2) tell(number, price, block.timestamp + 1 + roll(100), Mood.Plain);
        else if (what == 3) tell(number, price, block.timestamp - between(50, 700), Mood.Plain);
        else if (what == 4) tell(number, price, 0, Mood.Plain);
        else if (what == 5) tell(number, price, block.timestamp, Mood.Silent);
        else if (what == 6) tell(number, price, block.timestamp, Mood.Short);
        else if (what == 7) tell(number, LEAST_PRICE - roll(2), block.timestamp, Mood.Plain);
        else tell(number, 1 + roll(1e6), block.timestamp, Mood.Plain);
        count("upset an oracle", true);
    }

    function upsetSource() private {
        bool willing = chance(7, 8);
        Mood mood = chance(1, 8) ? Mood(between(1, uint256(type(Mood).max))) : Mood.Plain;
        puppet.set(willing, mood);
        puppetVouches = willing && mood == Mood.Plain;
        count("upset a source", true);
    }

    /// @dev The publisher revokes the model and registers the next.
    function revoke() private {
        models.revoke(model);
        registered[model] = false;
        model = models.register(bytes32(++salts), vm.addr(MODEL_KEY));
        registered[model] = true;
        count("revoke a model", true);
    }

    /// @dev Tokens that come without a deposit belong to nobody.
    function donate() private {
        DemoToken token = tokenAt(roll(TOKENS));
        uint256 amount = roll(1_000);
        token.mint(address(settlement), amount);
        donated[address(token)] += amount;
        count("donate", true);
    }
}
