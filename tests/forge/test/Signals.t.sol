// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Fill, Mandate, MarketId, Side, Signal} from "../../../contracts/interfaces/ISettlement.sol";
import {IOracle} from "../../../contracts/interfaces/IOracle.sol";
import {ISignalSource} from "../../../contracts/interfaces/ISignalSource.sol";
import {Parrot} from "../../contracts/sol/Sources.sol";
import {Model} from "../kit/Model.sol";
import {World} from "../kit/World.sol";
import {vm} from "../kit/Cheats.sol";

/// @notice What is signed, who vouches for it, and how often it counts.
contract SignalsTest is World, Model {
    bytes32 private constant SIGNAL = keccak256(
        "Signal(address settlement,bytes32 model,bytes32 market,uint8 side,uint256 patterns,uint256 confidenceBps,"
        "uint256 barTime,uint256 validUntil,bytes32 inputs)"
    );
    bytes32 private constant DOMAIN =
        keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)");

    Mandate private _mandate;

    function setUp() external {
        setPrice(0, USUAL_PRICE);
        deposit(people[0], quote, 10_000e6);
        deposit(people[1], base, 10e18);
        deposit(people[1], quote, 10_000e6);
        _mandate = draft(people[0], Side.Long);
        create(_mandate);
    }

    function test_the_digest_of_a_mandate_is_that_of_EIP712(uint256 seed, uint64 chain) external {
        Mandate memory mandate = anyMandate(seed);
        chain = uint64(bound(chain, 1, type(uint64).max - 1));
        vm.chainId(chain);
        assert(settlement.digestOf(mandate) == mandateDigest(mandate, address(settlement), chain));
    }

    function test_the_digest_of_a_signal_is_that_of_EIP712(uint256 seed, address addressed, uint64 chain) external {
        Signal memory signal = anySignal(seed);
        chain = uint64(bound(chain, 1, type(uint64).max - 1));
        vm.chainId(chain);
        bytes32 domain =
            keccak256(abi.encode(DOMAIN, keccak256("patternsettle"), keccak256("1"), chain, address(models)));
        bytes32 whole = keccak256(bytes.concat(abi.encode(SIGNAL, addressed), abi.encode(signal)));
        assert(models.digest(addressed, signal) == keccak256(abi.encodePacked(hex"1901", domain, whole)));
    }

    /// @dev One word of what was signed is replaced after signing.
    function test_evidence_for_one_signal_vouches_for_no_other(uint256 seed, uint8 field, uint256 other_)
        external
        view
    {
        Signal memory signal = anySignal(seed);
        signal.model = model;
        bytes memory evidence = sign(signal);
        assert(settlement.isVouched(models, signal, evidence));
        Signal memory other = abi.decode(abi.encode(signal), (Signal));
        if (field % 8 == 2) other_ %= 2;
        assembly ("memory-safe") {
            mstore(add(other, mul(mod(field, 8), 32)), other_)
        }
        bool same = keccak256(abi.encode(other)) == keccak256(abi.encode(signal));
        assert(settlement.isVouched(models, other, evidence) == same);
    }

    function test_evidence_of_any_other_bytes_does_not_vouch(bytes memory evidence) external view {
        Signal memory signal = signalFor(_mandate);
        bool genuine = keccak256(evidence) == keccak256(sign(signal));
        assert(settlement.isVouched(models, signal, evidence) == genuine);
    }

    function test_a_signal_signed_for_another_chain_registry_or_contract_does_not_vouch(
        uint64 chain,
        address registry,
        address addressed
    ) external view {
        Signal memory signal = signalFor(_mandate);
        bytes32 domain = keccak256(abi.encode(DOMAIN, keccak256("patternsettle"), keccak256("1"), chain, registry));
        bytes32 whole = keccak256(bytes.concat(abi.encode(SIGNAL, addressed), abi.encode(signal)));
        bytes memory evidence = signBy(MODEL_KEY, keccak256(abi.encodePacked(hex"1901", domain, whole)));
        bool here = chain == block.chainid && registry == address(models) && addressed == address(settlement);
        assert(settlement.isVouched(models, signal, evidence) == here);
    }

    function test_a_revoked_model_vouches_for_nothing_and_only_its_publisher_revokes_it(address caller) external {
        Signal memory signal = signalFor(_mandate);
        bytes memory evidence = sign(signal);
        vm.prank(caller);
        try models.revoke(model) {
            assert(caller == address(this));
            assert(!settlement.isVouched(models, signal, evidence));
        } catch {
            assert(caller != address(this));
            assert(settlement.isVouched(models, signal, evidence));
        }
    }

    /// @dev Opened and closed as often as it can be, with bars in any order: no bar counts twice, none counts backwards.
    function test_each_bar_opens_a_mandate_at_most_once(uint8[12] calldata bars) external {
        uint256 last = START - 1;
        for (uint256 i; i < bars.length; ++i) {
            vm.warp(START + 256 + i);
            setPrice(0, USUAL_PRICE);
            Signal memory signal = signalFor(_mandate);
            signal.barTime = START + bars[i] - 8;
            bytes memory evidence = sign(signal);
            vm.prank(people[1]);
            bool opened = settlement.open(signal, evidence, one(Fill(_mandate, people[1], 100e6, 0.05e18))) == 1;
            assert(opened == (signal.barTime > last));
            if (!opened) continue;
            last = signal.barTime;
            setPrice(0, USUAL_PRICE * 102 / 100);
            vm.prank(people[1]);
            assert(settlement.close(markets[0], one(Fill(_mandate, people[1], 0.05e18, 102e6))) == 1);
        }
    }

    function test_a_source_that_answers_anything_but_true_in_one_word_does_not_vouch(bytes memory answer, bool right)
        external
    {
        if (right) answer = abi.encode(uint256(answer.length % 3));
        ISignalSource source = ISignalSource(address(new Parrot(answer)));
        bool true_ = answer.length == 32 && abi.decode(answer, (uint256)) == 1;
        assert(settlement.isVouched(source, signalFor(_mandate), "") == true_);
    }

    function test_an_oracle_that_answers_anything_refuses_or_settles_as_its_words_say(
        bytes memory answer,
        uint256 price,
        uint16 age,
        bool right
    ) external {
        if (right) {
            answer = bytes.concat(abi.encode(price >> 9, block.timestamp + 8 - age % 16), answer);
        }
        Mandate memory mandate = draft(people[0], Side.Long);
        mandate.market.oracle = IOracle(address(new Parrot(answer)));
        mandate.maxPriceAge = 4;
        create(mandate);
        Signal memory signal = signalFor(mandate);
        Fill memory fill = Fill(mandate, people[1], 1e6, 1e18);
        bytes memory evidence = sign(signal);
        bool settles;
        if (answer.length >= 64) {
            (uint256 says, uint256 updatedAt) = abi.decode(answer, (uint256, uint256));
            (owned[people[0]][address(quote)], owned[people[1]][address(base)]) = (10_000e6, 10e18);
            states[idOf(mandate)].usableFrom = uint40(block.timestamp);
            settles = mayOpen(people[1], signal, true, fill, says, updatedAt);
        }
        vm.prank(people[1]);
        assert((settlement.open(signal, evidence, one(fill)) == 1) == settles);
    }

    function anySignal(uint256 seed) private pure returns (Signal memory signal) {
        signal = Signal({
            model: bytes32(word(seed, 0)),
            market: MarketId.wrap(bytes32(word(seed, 1))),
            side: Side(seed % 2),
            patterns: word(seed, 2),
            confidenceBps: word(seed, 3),
            barTime: word(seed, 4),
            validUntil: word(seed, 5),
            inputs: bytes32(word(seed, 6))
        });
    }

    function anyMandate(uint256 seed) private pure returns (Mandate memory mandate) {
        mandate.owner = address(uint160(word(seed, 0)));
        mandate.filler = address(uint160(word(seed, 22)));
        mandate.market.base = address(uint160(word(seed, 1)));
        mandate.market.quote = address(uint160(word(seed, 2)));
        mandate.market.oracle = IOracle(address(uint160(word(seed, 3))));
        mandate.source = ISignalSource(address(uint160(word(seed, 4))));
        mandate.model = bytes32(word(seed, 5));
        mandate.side = Side(seed % 2);
        mandate.patterns = uint32(word(seed, 6));
        mandate.minConfidenceBps = uint16(word(seed, 7));
        mandate.maxSlippageBps = uint16(word(seed, 8));
        mandate.ramp = uint32(word(seed, 23));
        mandate.takeProfitBps = uint16(word(seed, 9));
        mandate.stopLossBps = uint16(word(seed, 10));
        mandate.horizon = uint32(word(seed, 11));
        mandate.cooldown = uint32(word(seed, 12));
        mandate.maxSignalAge = uint32(word(seed, 13));
        mandate.maxPriceAge = uint32(word(seed, 14));
        mandate.minAmount = uint128(word(seed, 15));
        mandate.maxAmount = uint128(word(seed, 16));
        mandate.minPrice = word(seed, 17);
        mandate.maxPrice = word(seed, 18);
        mandate.drawdownLimit = uint128(word(seed, 19));
        mandate.expiry = uint40(word(seed, 20));
        mandate.salt = bytes32(word(seed, 21));
    }

    function word(uint256 seed, uint256 number) private pure returns (uint256) {
        return uint256(keccak256(abi.encode(seed, number)));
    }
}
