// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {DemoToken} from "../../../contracts/demo/DemoToken.sol";
import {
    ISettlement,
    Mandate,
    MandateId,
    MandateState,
    Reason,
    Trade
} from "../../../contracts/interfaces/ISettlement.sol";
import {vm} from "./Cheats.sol";
import {Model} from "./Model.sol";
import {Mood} from "./Puppets.sol";
import {Replay} from "./Replay.sol";
import {World} from "./World.sol";

/// @title Stage
/// @notice Where handlers act: a world, its model, dice, and the bookkeeping of what was tried and what succeeded. After
/// each step the contract, the model and the state that the events tell must be the same.
abstract contract Stage is World, Model {
    /// @notice A promise that was not kept.
    error Broken(string claim);

    /// @dev What an oracle says, as the contract should read it.
    struct Said {
        uint256 price;
        uint256 updatedAt;
    }

    uint256 internal constant TOKENS = 3;
    /// @dev Others are forgotten by the handler, not by the contract; but none with an open trade, for that holds something.
    uint256 internal constant MANDATES = 10;

    Replay internal replay;
    /// @dev Of the mandates that the handler knows; hashing them again at each step would be most of the work.
    bytes32[] internal ids;
    mapping(bytes32 id => Mandate) internal mandates;
    Said[2] internal said;
    bool internal puppetVouches = true;
    mapping(bytes32 model => bool) internal registered;
    mapping(address token => uint256) internal donated;

    uint256 private _dice;
    string[] private _actions;
    mapping(string action => uint256) private _tried;
    mapping(string action => uint256) private _succeeded;
    mapping(Reason => uint256) private _refused;

    /// @dev An action: time passes, it is done, and everything is compared.
    modifier step(uint256 seed) {
        _dice = seed;
        vm.warp(block.timestamp + (chance(1, 16) ? roll(900) : roll(12)));
        vm.recordLogs();
        _;
        everythingAgrees();
    }

    constructor() {
        replay = new Replay();
        registered[model] = true;
        vm.recordLogs();
        for (uint256 i; i < PEOPLE; ++i) {
            for (uint256 j; j < TOKENS; ++j) {
                deposit(people[i], tokenAt(j), wealth(j));
                owned[people[i]][address(tokenAt(j))] = wealth(j);
            }
        }
        replay.take(vm.getRecordedLogs(), address(settlement));
        drift();
    }

    /* CLAIMS */

    /// @notice The contract is what the model says it is, and what its events say it is: every balance, every leave, every
    /// mandate, every trade; and it holds exactly the tokens that it owes, and those that were given to it.
    function everythingAgrees() internal {
        takeInLogs();
        for (uint256 j; j < TOKENS; ++j) {
            DemoToken token = tokenAt(j);
            uint256 owed;
            for (uint256 i; i < PEOPLE; ++i) {
                uint256 balance = owned[people[i]][address(token)];
                claim(settlement.balanceOf(people[i], address(token)) == balance, "a balance is what the model says");
                claim(replay.balanceOf(people[i], address(token)) == balance, "a balance is what the events say");
                owed += balance;
            }
            owed += held(address(token));
            claim(
                token.balanceOf(address(settlement)) == owed + donated[address(token)], "what is owed is what is held"
            );
        }
        for (uint256 i; i < PEOPLE; ++i) {
            for (uint256 j; j < PEOPLE; ++j) {
                bool allows = allowed[people[i]][people[j]];
                claim(settlement.isAuthorized(people[i], people[j]) == allows, "a leave is what the model says");
                claim(replay.isAuthorized(people[i], people[j]) == allows, "a leave is what the events say");
            }
        }
        for (uint256 i; i < ids.length; ++i) {
            mandateAgrees(ids[i]);
        }
    }

    /// @dev What all open trades hold of a token: owed like the balances, and nobody's to spend.
    function held(address token) internal view returns (uint256 all) {
        for (uint256 i; i < ids.length; ++i) {
            if (states[ids[i]].trading) all += holding(mandates[ids[i]], token);
        }
    }

    function takeInLogs() internal {
        replay.take(vm.getRecordedLogs(), address(settlement));
    }

    function mandateAgrees(bytes32 id) internal view {
        bytes32 expected = keccak256(abi.encode(states[id], trades[id]));
        (MandateState memory state, Trade memory trade) =
            (settlement.stateOf(MandateId.wrap(id)), settlement.tradeOf(MandateId.wrap(id)));
        claim(keccak256(abi.encode(state, trade)) == expected, "a mandate is what the model says");
        (state, trade) = replay.stateOf(id);
        claim(keccak256(abi.encode(state, trade)) == expected, "a mandate is what the events say");
    }

    /// @notice Whatever else is broken, everybody can end their trades and take out all they have, in any order.
    function everybodyCanWithdrawEverything() external {
        for (uint256 i; i < ids.length; ++i) {
            if (settlement.stateOf(MandateId.wrap(ids[i])).trading) everyTradeCanBeReleased(mandates[ids[i]]);
        }
        for (uint256 i; i < PEOPLE; ++i) {
            for (uint256 j; j < TOKENS; ++j) {
                (address person, DemoToken token) = (people[i], tokenAt(j));
                uint256 all = settlement.balanceOf(person, address(token));
                uint256 before = token.balanceOf(person);
                vm.prank(person);
                settlement.withdraw(address(token), all, person);
                claim(token.balanceOf(person) == before + all, "everybody can withdraw everything");
            }
        }
        for (uint256 j; j < TOKENS; ++j) {
            uint256 left = tokenAt(j).balanceOf(address(settlement));
            claim(left == donated[address(tokenAt(j))], "nothing is left but what was given");
        }
    }

    function everyTradeCanBeReleased(Mandate memory mandate) private {
        address token = take(mandate);
        uint256 before = settlement.balanceOf(mandate.owner, token);
        uint256 taken = settlement.tradeOf(settlement.idOf(mandate)).taken;
        vm.prank(mandate.owner);
        (bool done,) = address(settlement).call(abi.encodeCall(ISettlement.release, (mandate)));
        claim(done, "every open trade can be released");
        claim(settlement.balanceOf(mandate.owner, token) == before + taken, "what a trade held is its owner's again");
    }

    function claim(bool kept, string memory what) internal pure {
        if (!kept) revert Broken(what);
    }

    /// @dev Whether the ledger takes a call. What a failed call logged never happened, though forge records it.
    function succeeds(address caller, bytes memory call) internal returns (bool done) {
        takeInLogs();
        vm.prank(caller);
        (done,) = address(settlement).call(call);
        if (!done) vm.getRecordedLogs();
    }

    /// @dev From now on it is one of those that are looked at. One that is not trading makes room; all the others could stay.
    function keep(Mandate memory mandate) internal {
        bytes32 id = idOf(mandate);
        mandates[id] = mandate;
        if (ids.length < MANDATES) {
            ids.push(id);
            return;
        }
        uint256 start = roll(MANDATES);
        for (uint256 i; i < MANDATES; ++i) {
            uint256 place = (start + i) % MANDATES;
            if (states[ids[place]].trading) continue;
            ids[place] = id;
            return;
        }
    }

    /* BOOKKEEPING */

    function count(string memory action, bool success) internal {
        if (_tried[action] == 0) _actions.push(action);
        ++_tried[action];
        if (success) ++_succeeded[action];
    }

    function countRefusal(Reason reason) internal {
        ++_refused[reason];
    }

    /// @notice Adds what this run tried to a file, as one line of JSON: a run's own state is gone after it.
    function report(string calldata suite) external {
        string memory file = vm.envOr("HANDLER_STATISTICS", string(""));
        if (bytes(file).length == 0) return;
        string memory line = string.concat("{\"suite\":\"", suite, "\",\"actions\":{");
        for (uint256 i; i < _actions.length; ++i) {
            string memory action = _actions[i];
            line = string.concat(line, i == 0 ? "\"" : ",\"", action, "\":[", vm.toString(_tried[action]));
            line = string.concat(line, ",", vm.toString(_succeeded[action]), "]");
        }
        line = string.concat(line, "},\"refusals\":[");
        for (uint256 i; i <= uint256(type(Reason).max); ++i) {
            line = string.concat(line, i == 0 ? "" : ",", vm.toString(_refused[Reason(i)]));
        }
        vm.writeLine(file, string.concat(line, "]}"));
    }

    /* DICE */

    /// @dev One of `sides` numbers from zero on.
    function roll(uint256 sides) internal returns (uint256) {
        _dice = uint256(keccak256(abi.encode(_dice)));
        return _dice % sides;
    }

    function between(uint256 least, uint256 most) internal returns (uint256) {
        return least >= most ? least : least + roll(most - least + 1);
    }

    function chance(uint256 hits, uint256 rolls) internal returns (bool) {
        return roll(rolls) < hits;
    }

    function anybody() internal returns (address) {
        return people[roll(PEOPLE)];
    }

    function numberOf(address person) internal view returns (uint256 number) {
        while (people[number] != person) ++number;
    }

    function anybodyBut(address person) internal returns (address other) {
        do {
            other = anybody();
        } while (other == person);
    }

    function tokenAt(uint256 number) internal view returns (DemoToken) {
        return number == 0 ? base : number == 1 ? quote : gold;
    }

    function wealth(uint256 number) internal pure returns (uint256) {
        return number == 0 ? 100e18 : number == 1 ? 200_000e6 : 3_000e8;
    }

    function usualPrice(uint256 market) internal pure returns (uint256) {
        return market == 0 ? USUAL_PRICE : 60e6 * 1e36 / 1e8;
    }

    /// @dev New prices, near the old ones; usual ones where the old ones made no sense.
    function drift() internal {
        for (uint256 i; i < markets.length; ++i) {
            uint256 usual = usualPrice(i);
            uint256 price = said[i].price;
            if (price < usual / 2 || price > usual * 2) price = usual;
            tell(i, price * between(9_850, 10_150) / 10_000, block.timestamp - roll(30), Mood.Plain);
        }
    }

    function tell(uint256 market, uint256 price, uint256 updatedAt, Mood mood) internal {
        setPrice(market, price, updatedAt, mood);
        said[market] = mood == Mood.Plain ? Said(price, updatedAt) : Said(0, 0);
    }
}
