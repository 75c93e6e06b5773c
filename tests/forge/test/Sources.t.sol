// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Fill, ISettlement, Mandate, Market, Reason, Side, Signal} from "../../../contracts/interfaces/ISettlement.sol";
import {IOracle} from "../../../contracts/interfaces/IOracle.sol";
import {ISignalSource} from "../../../contracts/interfaces/ISignalSource.sol";
import {Mood, PuppetSource} from "../kit/Puppets.sol";
import {World} from "../kit/World.sol";
import {vm} from "../kit/Cheats.sol";

/// @notice Agrees, once it has used so much gas. With less, it fails: when it has used all, or at once where it is careful.
contract WorkingSource is ISignalSource {
    uint256 private immutable WORK;
    bool private immutable CAREFUL;

    constructor(uint256 work, bool careful) {
        (WORK, CAREFUL) = (work, careful);
    }

    function vouches(Signal calldata, bytes calldata) external view returns (bool) {
        uint256 start = gasleft();
        require(!CAREFUL || start >= WORK + 1_000);
        while (start - gasleft() < WORK) {}
        return true;
    }
}

/// @notice Tells a price, once it has used so much gas; or asks another that does.
contract WorkingOracle is IOracle {
    uint256 private immutable WORK;
    uint256 private immutable PRICE;
    IOracle private immutable NEXT;

    constructor(uint256 work, uint256 price_, IOracle next) {
        (WORK, PRICE, NEXT) = (work, price_, next);
    }

    function price() external view returns (uint256, uint256) {
        if (address(NEXT) != address(0)) return NEXT.price();
        uint256 start = gasleft();
        while (start - gasleft() < WORK) {}
        return (PRICE, block.timestamp);
    }
}

/// @notice How sources and oracles are asked: each once in a call, and with gas enough for an answer.
contract SourcesTest is World {
    uint256 private constant SIZE = 6;
    uint256 private constant SOURCES = 3;
    /// @dev What is owed to a source, less what it uses to begin and to answer.
    uint256 private constant MOST_WORK = 1_995_000;
    /// @dev A call with one fill that has so much can give a source all that it is owed, or an oracle what it works with here.
    uint256 private constant PLENTY = 2_300_000;

    PuppetSource[SOURCES] private _sources;

    function setUp() external {
        setPrice(0, USUAL_PRICE);
        deposit(people[0], quote, 100_000e6);
        deposit(people[1], base, 100e18);
        for (uint256 i; i < SOURCES; ++i) {
            _sources[i] = new PuppetSource();
        }
    }

    /// forge-config: default.fuzz.runs = 2000
    /// forge-config: quick.fuzz.runs = 50
    /// @dev Six fills of three sources in any order, each of which says yes, no or nothing that can be used.
    function test_each_source_is_asked_once_in_a_call_however_fills_alternate(uint256 seed) external {
        bool[SOURCES] memory willing;
        uint64[SOURCES] memory asked;
        for (uint256 i; i < SOURCES; ++i) {
            Mood mood = Mood((seed >> (8 * i)) % (uint256(type(Mood).max) + 1));
            willing[i] = (seed >> (8 * i + 4)) % 2 == 1 && mood == Mood.Plain;
            _sources[i].set((seed >> (8 * i + 4)) % 2 == 1, mood);
        }
        Fill[] memory fills = new Fill[](SIZE);
        uint256 expected;
        for (uint256 i; i < SIZE; ++i) {
            uint256 which = (seed >> (32 + 8 * i)) % SOURCES;
            fills[i] = fillOf(_sources[which], markets[0], i);
            asked[which] = 1;
            if (willing[which]) ++expected;
        }
        Signal memory signal = signalFor(fills[0].mandate);
        bytes memory question = abi.encodeCall(ISignalSource.vouches, (signal, ""));
        for (uint256 i; i < SOURCES; ++i) {
            vm.expectCall(address(_sources[i]), question, asked[i]);
        }
        vm.prank(people[1]);
        assert(settlement.open(signal, "", fills) == expected);
    }

    /// forge-config: default.fuzz.runs = 5000
    /// forge-config: quick.fuzz.runs = 100
    /// @dev Whatever gas the call has: it reverts, or it settles.
    function test_too_little_gas_never_reads_as_not_vouched(uint256 work, bool careful, uint256 gas_) external {
        work = bound(work, 0, MOST_WORK);
        gas_ = bound(gas_, 40_000, 2 * PLENTY);
        ISignalSource source = new WorkingSource(work, careful);
        Fill memory fill = fillOf(source, markets[0], 0);
        Signal memory signal = signalFor(fill.mandate);

        bytes memory call = abi.encodeCall(ISettlement.isVouched, (source, signal, ""));
        (bool success, bytes memory answer) = address(settlement).staticcall{gas: gas_}(call);
        assert(success ? abi.decode(answer, (bool)) : isForWantOfGas(answer, gas_));
        call = abi.encodeCall(ISettlement.checkOpen, (signal, "", fill));
        vm.prank(people[1]);
        (success, answer) = address(settlement).staticcall{gas: gas_}(call);
        assert(success ? abi.decode(answer, (Reason)) == Reason.None : isForWantOfGas(answer, gas_));
        call = abi.encodeCall(ISettlement.open, (signal, "", one(fill)));
        vm.prank(people[1]);
        (success, answer) = address(settlement).call{gas: gas_}(call);
        assert(success ? abi.decode(answer, (uint256)) == 1 : isForWantOfGas(answer, gas_));
    }

    /// forge-config: default.fuzz.runs = 5000
    /// forge-config: quick.fuzz.runs = 100
    /// @dev An oracle that works as much as it likes, behind up to two others, at both ends of a trade.
    function test_too_little_gas_never_reads_as_no_price(uint256 work, uint8 others, uint256 gas_) external {
        work = bound(work, 0, MOST_WORK);
        gas_ = bound(gas_, 40_000, 2 * PLENTY);
        IOracle oracle = new WorkingOracle(work, USUAL_PRICE, IOracle(address(0)));
        for (uint256 i; i < others % 3; ++i) {
            oracle = new WorkingOracle(0, 0, oracle);
        }
        Market memory market = Market(address(base), address(quote), oracle);
        Fill memory fill = fillOf(puppet, market, 0);
        bytes memory call = abi.encodeCall(ISettlement.open, (signalFor(fill.mandate), "", one(fill)));
        vm.prank(people[1]);
        (bool success, bytes memory answer) = address(settlement).call{gas: gas_}(call);
        assert(success ? abi.decode(answer, (uint256)) == 1 : isForWantOfGas(answer, gas_));
        if (!success) {
            vm.prank(people[1]);
            (success,) = address(settlement).call(call);
        }
        vm.warp(block.timestamp + fill.mandate.horizon);
        Fill memory back = Fill(fill.mandate, people[1], fill.taken, fill.given);
        call = abi.encodeCall(ISettlement.checkClose, (market, back));
        vm.prank(people[1]);
        (success, answer) = address(settlement).staticcall{gas: gas_}(call);
        if (!success) assert(isForWantOfGas(answer, gas_));
        else assert(abi.decode(answer, (uint256)) == uint256(Reason.None));
        call = abi.encodeCall(ISettlement.close, (market, one(back)));
        vm.prank(people[1]);
        (success, answer) = address(settlement).call{gas: gas_}(call);
        assert(success ? abi.decode(answer, (uint256)) == 1 : isForWantOfGas(answer, gas_));
    }

    /// forge-config: default.fuzz.runs = 5000
    /// forge-config: quick.fuzz.runs = 100
    /// @dev With what it is owed, a source that fails refuses its own fill, and the call goes on; one that answers is believed at once.
    function test_a_source_that_fails_is_refused_only_where_it_had_all_the_gas_that_it_is_owed(uint256 gas_, uint8 mood)
        external
    {
        gas_ = bound(gas_, 40_000, 2 * PLENTY);
        Mood its = Mood(mood % (uint256(type(Mood).max) + 1));
        puppet.set(false, its);
        Fill memory fill = fillOf(puppet, markets[0], 0);
        bytes memory call = abi.encodeCall(ISettlement.open, (signalFor(fill.mandate), "", one(fill)));
        vm.prank(people[1]);
        (bool success, bytes memory answer) = address(settlement).call{gas: gas_}(call);
        assert(success ? abi.decode(answer, (uint256)) == 0 : isForWantOfGas(answer, gas_));
        bool fails = its == Mood.Silent || its == Mood.Spent;
        assert(!success || !fails || gas_ > 2_000_000);
        assert(success || fails || gas_ < 200_000);
    }

    /// @dev It says so, or had not even enough to say it.
    function isForWantOfGas(bytes memory answer, uint256 gas_) private pure returns (bool) {
        return gas_ < PLENTY && (answer.length == 0 || bytes4(answer) == ISettlement.TooLittleGas.selector);
    }

    function fillOf(ISignalSource source, Market memory market, uint256 salt) private returns (Fill memory fill) {
        Mandate memory mandate = draft(people[0], Side.Long);
        mandate.market = market;
        mandate.source = source;
        mandate.salt = bytes32(salt);
        create(mandate);
        return Fill(mandate, people[1], 1_000e6, 0.5e18);
    }
}
