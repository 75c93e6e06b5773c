// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {DemoToken} from "../../../contracts/demo/DemoToken.sol";
import {
    Fill,
    ISettlement,
    Mandate,
    MandateId,
    Market,
    Side,
    Signal
} from "../../../contracts/interfaces/ISettlement.sol";
import {AttestedModels} from "../../../contracts/sources/AttestedModels.sol";
import {Mood, PuppetOracle, PuppetSource} from "./Puppets.sol";
import {vm} from "./Cheats.sol";
import {Signing, Wallet} from "./Signing.sol";

/// @title World
/// @notice Everything deployed: the committed bytecode of our contracts, two markets with oracles that can be told what to
/// say, two sources, and a few people with keys, of whom the last is a contract.
abstract contract World is Signing {
    uint256 internal constant START = 1_700_000_000;
    uint256 internal constant PEOPLE = 5;
    uint256 internal constant MODEL_KEY = 0xA11CE;
    uint256 internal constant OTHER_KEY = 0xB0B;
    /// @dev 2,000 quote of 6 digits for a base of 18.
    uint256 internal constant USUAL_PRICE = 2_000e6 * 1e36 / 1e18;

    ISettlement internal settlement;
    AttestedModels internal models;
    PuppetSource internal puppet;
    DemoToken internal base;
    DemoToken internal quote;
    DemoToken internal gold;
    Market[2] internal markets;
    address[PEOPLE] internal people;
    bytes32 internal model;

    constructor() {
        vm.warp(START);
        settlement = ISettlement(deploy("SETTLEMENT", ""));
        models = AttestedModels(deploy("MODELS", ""));
        puppet = new PuppetSource();
        puppet.set(true, Mood.Plain);
        base = token("Base", 18);
        quote = token("Quote", 6);
        gold = token("Gold", 8);
        markets[0] = Market(address(base), address(quote), new PuppetOracle());
        markets[1] = Market(address(gold), address(quote), new PuppetOracle());
        for (uint256 i; i < PEOPLE; ++i) {
            address signer = vm.addr(keyOf(i));
            people[i] = i + 1 == PEOPLE ? address(new Wallet(signer)) : signer;
        }
        model = models.register("artifact", vm.addr(MODEL_KEY));
    }

    /// @dev The bytecode comes from the committed artifacts: what is tested is what is shipped.
    function deploy(string memory name, bytes memory arguments) internal returns (address deployed) {
        bytes memory code = bytes.concat(vm.envBytes(string.concat("BYTECODE_", name)), arguments);
        assembly ("memory-safe") {
            deployed := create(0, add(code, 32), mload(code))
        }
        require(deployed != address(0), "not deployed");
    }

    function token(string memory name, uint8 decimals) internal returns (DemoToken) {
        return DemoToken(deploy("TOKEN", abi.encode(name, name, decimals)));
    }

    function keyOf(uint256 person) internal pure returns (uint256) {
        return 1_000 + person;
    }

    function setPrice(uint256 market, uint256 price) internal {
        setPrice(market, price, block.timestamp, Mood.Plain);
    }

    function setPrice(uint256 market, uint256 price, uint256 updatedAt, Mood mood) internal {
        PuppetOracle(address(markets[market].oracle)).set(price, updatedAt, mood);
    }

    /// @dev A mandate that accepts much; tests make it stricter.
    function draft(address owner, Side side) internal view returns (Mandate memory mandate) {
        mandate.owner = owner;
        mandate.market = markets[0];
        mandate.source = models;
        mandate.model = model;
        mandate.side = side;
        mandate.maxSlippageBps = 50;
        mandate.takeProfitBps = 100;
        mandate.stopLossBps = 100;
        mandate.horizon = 600;
        mandate.maxSignalAge = 600;
        mandate.maxPriceAge = 600;
        mandate.minAmount = 1;
        mandate.maxAmount = type(uint128).max;
        mandate.drawdownLimit = type(uint128).max;
        mandate.expiry = type(uint40).max;
    }

    /// @dev A signal that a drafted mandate accepts, of a bar that closes now.
    function signalFor(Mandate memory mandate) internal view returns (Signal memory signal) {
        signal.model = mandate.model;
        signal.market = settlement.marketIdOf(mandate.market);
        signal.side = mandate.side;
        signal.patterns = mandate.patterns;
        signal.confidenceBps = 10_000;
        signal.barTime = block.timestamp;
        signal.validUntil = type(uint256).max;
    }

    function sign(Signal memory signal) internal view returns (bytes memory) {
        return signBy(MODEL_KEY, models.digest(address(settlement), signal));
    }

    function create(Mandate memory mandate) internal returns (MandateId) {
        vm.prank(mandate.owner);
        return settlement.create(mandate);
    }

    function deposit(address account, DemoToken asset, uint256 amount) internal {
        asset.mint(address(this), amount);
        asset.approve(address(settlement), amount);
        settlement.deposit(address(asset), amount, account);
    }

    function give(Mandate memory mandate) internal pure returns (address) {
        return mandate.side == Side.Long ? mandate.market.quote : mandate.market.base;
    }

    function take(Mandate memory mandate) internal pure returns (address) {
        return mandate.side == Side.Long ? mandate.market.base : mandate.market.quote;
    }

    /// @dev The nearest that a barrier may be to the entry: a round trip at an unmoved price gains a basis point there.
    function leastBarrier(uint256 slippageBps) internal pure returns (uint256) {
        uint256 kept = 10_000 - slippageBps;
        return (100_010_000 + kept - 1) / kept - 10_000;
    }

    function one(Mandate memory mandate) internal pure returns (Mandate[] memory mandates) {
        mandates = new Mandate[](1);
        mandates[0] = mandate;
    }

    function one(Fill memory fill) internal pure returns (Fill[] memory fills) {
        fills = new Fill[](1);
        fills[0] = fill;
    }

    function bound(uint256 seed, uint256 least, uint256 most) internal pure returns (uint256) {
        if (seed >= least && seed <= most) return seed;
        uint256 size = most - least;
        return size == type(uint256).max ? seed : least + seed % (size + 1);
    }
}
