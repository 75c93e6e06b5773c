// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {
    Fill,
    ISettlement,
    Mandate,
    MandateId,
    MandateState,
    MarketId,
    Reason,
    Side,
    Signal,
    Trade
} from "../../../contracts/interfaces/ISettlement.sol";
import {Settlement} from "../../../contracts/Settlement.sol";
import {vm} from "../kit/Cheats.sol";
import {Any, Balances} from "./Any.sol";
// Named here so that it is compiled with the contract, for whose own pricing it stands.
import {Pricing} from "./AnyPricing.sol";

/// @notice What `open` does with one fill, from any state.
contract OpeningProof is Any {
    /// @dev From the sources, with `AnyPricing`.
    function made() internal override returns (ISettlement) {
        return new Settlement();
    }

    function check_open_moves_three_balances_by_exactly_the_fills_amounts_and_credits_its_owner_nothing(
        address caller,
        Signal memory signal,
        Fill memory fill
    ) external {
        place(fill);
        signal.side = fill.mandate.side;
        assumeApart(fill);
        Balances memory before = four(fill, true);
        bool settled = open(caller, signal, fill);
        assertMoved(before, four(fill, true), fill, true, settled);
    }

    function check_open_moves_nobody_elses_balance_and_nothing_else(
        address caller,
        Signal memory signal,
        Fill memory fill,
        address account,
        address token
    ) external {
        place(fill);
        signal.side = fill.mandate.side;
        assumeElsewhere(fill, account, token);
        uint256 before = settlement.balanceOf(account, token);
        open(caller, signal, fill);
        assert(settlement.balanceOf(account, token) == before);
    }

    function check_open_takes_from_a_filler_only_with_its_leave(address caller, Signal memory signal, Fill memory fill)
        external
    {
        place(fill);
        signal.side = fill.mandate.side;
        bool allows = settlement.isAuthorized(fill.filler, caller);
        if (!open(caller, signal, fill)) return;
        assert(fill.filler != fill.mandate.owner);
        assert(either(allows, fill.filler == caller));
    }

    function check_what_opens_meets_every_criterion(address caller, Signal memory signal, Fill memory fill) external {
        place(fill);
        signal.side = anySide("side of the signal");
        Mandate memory mandate = fill.mandate;
        MandateState memory state = settlement.stateOf(idOf(fill));
        if (!open(caller, signal, fill)) return;

        assert(state.usableFrom != 0 && !state.cancelled && !state.trading);
        assert(block.timestamp <= mandate.expiry && signal.barTime >= state.usableFrom);
        assert(state.changedAt == 0 || block.timestamp >= uint256(state.changedAt) + mandate.cooldown);
        assert(block.timestamp != state.changedAt);
        assert(state.drawdown < mandate.drawdownLimit);

        assert(settlement.isVouched(mandate.source, signal, ""));
        assert(signal.model == mandate.model && signal.side == mandate.side);
        assert(MarketId.unwrap(signal.market) == MarketId.unwrap(settlement.marketIdOf(mandate.market)));
        assert(mandate.patterns == 0 || signal.patterns & mandate.patterns != 0);
        assert(signal.confidenceBps >= mandate.minConfidenceBps);
        assert(signal.barTime <= block.timestamp && block.timestamp - signal.barTime <= mandate.maxSignalAge);
        assert(block.timestamp <= signal.validUntil);

        (uint256 price, uint256 updatedAt) = oracle.price();
        assert(price >= 1e9 && updatedAt <= block.timestamp && block.timestamp - updatedAt <= mandate.maxPriceAge);
        assert(price >= mandate.minPrice && (mandate.maxPrice == 0 || price <= mandate.maxPrice));
        assert(fill.given >= mandate.minAmount && fill.given <= mandate.maxAmount);
        assert(fill.given >= 100_000 && fill.taken >= 100_000);
        assert(fill.filler != mandate.owner);
        assert(either(mandate.filler == address(0), mandate.filler == fill.filler));
    }

    function check_what_opens_gives_its_owner_what_leastTaken_says(
        address caller,
        Signal memory signal,
        Fill memory fill
    ) external {
        place(fill);
        Mandate memory mandate = fill.mandate;
        signal.side = mandate.side;
        if (!open(caller, signal, fill)) return;
        (uint256 price,) = oracle.price();
        uint256 passed = block.timestamp - signal.barTime;
        uint256 slippageBps =
            passed < mandate.ramp ? passed * mandate.maxSlippageBps / mandate.ramp : mandate.maxSlippageBps;
        assert(fill.taken >= settlement.leastTaken(fill.given, mandate.side == Side.Short, price, slippageBps));
    }

    function check_checkOpen_answers_None_exactly_when_open_settles(
        address caller,
        Signal memory signal,
        Fill memory fill
    ) external {
        place(fill);
        signal.side = fill.mandate.side;
        vm.prank(caller);
        (bool success, bytes memory answer) =
            address(settlement).staticcall(abi.encodeCall(ISettlement.checkOpen, (signal, "", fill)));
        if (!success) {
            assertTooLittleGas(answer, true);
            return;
        }
        assert(open(caller, signal, fill) == (abi.decode(answer, (Reason)) == Reason.None));
    }

    function check_open_remembers_the_trade_and_touches_no_other_mandate(
        address caller,
        Signal memory signal,
        Fill memory fill,
        MandateId id
    ) external {
        place(fill);
        signal.side = fill.mandate.side;
        MandateState memory before = settlement.stateOf(id);
        bytes32 all = remembered(id);
        if (!open(caller, signal, fill) || !same(id, idOf(fill))) {
            assert(remembered(id) == all);
            return;
        }
        MandateState memory state = settlement.stateOf(id);
        Trade memory trade = settlement.tradeOf(id);
        // What another trade holds would be lost.
        assert(!before.trading);
        assert(state.trading && !state.cancelled && state.drawdown == before.drawdown);
        assert(state.usableFrom == signal.barTime + 1 && state.changedAt == block.timestamp);
        assert(trade.given == fill.given && trade.taken == fill.taken);
    }

    /// @dev Has a counterexample: what the proofs above say of an open that settles, they say of something.
    function reach_an_open_that_settles(address caller, Signal memory signal, Fill memory fill) external {
        place(fill);
        signal.side = fill.mandate.side;
        assert(!open(caller, signal, fill));
    }

    /// @dev Has a counterexample: a source that fails is not always refused.
    function reach_an_open_that_has_too_little_gas(address caller, Signal memory signal, Fill memory fill) external {
        place(fill);
        signal.side = fill.mandate.side;
        vm.prank(caller);
        (bool success,) = address(settlement).call(abi.encodeCall(ISettlement.open, (signal, "", alone(fill))));
        assert(success);
    }
}
