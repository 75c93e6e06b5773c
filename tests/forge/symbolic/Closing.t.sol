// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {
    Barrier,
    Fill,
    ISettlement,
    Mandate,
    MandateId,
    MandateState,
    Reason,
    Side,
    Trade
} from "../../../contracts/interfaces/ISettlement.sol";
import {Settlement} from "../../../contracts/Settlement.sol";
import {vm} from "../kit/Cheats.sol";
import {Any, Balances} from "./Any.sol";
// Named here so that it is compiled with the contract, for whose own pricing it stands.
import {Pricing} from "./AnyPricing.sol";

/// @notice What `close` does with one fill, from any state.
contract ClosingProof is Any {
    /// @dev From the sources, with `AnyPricing`.
    function made() internal override returns (ISettlement) {
        return new Settlement();
    }

    function check_close_moves_three_balances_by_exactly_the_fills_amounts(address caller, Fill memory fill) external {
        place(fill);
        assumeApart(fill);
        Balances memory before = four(fill, false);
        uint256 held = settlement.tradeOf(idOf(fill)).taken;
        bool settled = close(caller, fill);
        assertMoved(before, four(fill, false), fill, false, settled);
        assert(!settled || fill.given == held);
    }

    function check_close_moves_nobody_elses_balance_and_nothing_else(
        address caller,
        Fill memory fill,
        address account,
        address token
    ) external {
        place(fill);
        assumeElsewhere(fill, account, token);
        uint256 before = settlement.balanceOf(account, token);
        close(caller, fill);
        assert(settlement.balanceOf(account, token) == before);
    }

    function check_close_takes_from_a_filler_only_with_its_leave(address caller, Fill memory fill) external {
        place(fill);
        bool allows = settlement.isAuthorized(fill.filler, caller);
        if (!close(caller, fill)) return;
        assert(fill.filler != fill.mandate.owner);
        assert(either(allows, fill.filler == caller));
    }

    function check_what_closes_was_open_gives_back_all_and_has_a_fresh_price(address caller, Fill memory fill)
        external
    {
        place(fill);
        Mandate memory mandate = fill.mandate;
        MandateState memory state = settlement.stateOf(idOf(fill));
        Trade memory trade = settlement.tradeOf(idOf(fill));
        if (!close(caller, fill)) return;
        (uint256 price, uint256 updatedAt) = oracle.price();
        assert(state.usableFrom != 0 && state.trading);
        assert(fill.given == trade.taken);
        assert(price != 0 && updatedAt <= block.timestamp && block.timestamp - updatedAt <= mandate.maxPriceAge);
        assert(fill.filler != mandate.owner);
        assert(either(mandate.filler == address(0), mandate.filler == fill.filler));
    }

    function check_what_closes_has_touched_a_barrier(address caller, Fill memory fill) external {
        place(fill);
        (bool open_, uint256 takeProfit, uint256 stopLoss, uint256 horizon) = barriers(fill);
        if (!close(caller, fill)) return;
        (uint256 price,) = oracle.price();
        bool long = fill.mandate.side == Side.Long;
        bool up = price >= (long ? takeProfit : stopLoss);
        bool down = price <= (long ? stopLoss : takeProfit);
        assert(open_ && (up || down || block.timestamp >= horizon));
    }

    function check_what_closes_gives_its_owner_what_leastTaken_says(address caller, Fill memory fill) external {
        place(fill);
        Mandate memory mandate = fill.mandate;
        if (!close(caller, fill)) return;
        (uint256 price,) = oracle.price();
        uint256 least = settlement.leastTaken(fill.given, mandate.side == Side.Long, price, mandate.maxSlippageBps);
        assert(fill.taken >= least);
    }

    function check_checkClose_answers_None_exactly_when_close_settles(address caller, Fill memory fill) external {
        place(fill);
        vm.prank(caller);
        (bool success, bytes memory answer) =
            address(settlement).staticcall(abi.encodeCall(ISettlement.checkClose, (fill.mandate.market, fill)));
        if (!success) {
            assertTooLittleGas(answer, false);
            return;
        }
        (Reason reason, Barrier barrier) = abi.decode(answer, (Reason, Barrier));
        bool closed = close(caller, fill);
        assert(closed == (reason == Reason.None));
        assert(!closed || barrier != Barrier.None);
    }

    function check_close_ends_the_trade_and_touches_no_other_mandate(address caller, Fill memory fill, MandateId id)
        external
    {
        place(fill);
        MandateState memory before = settlement.stateOf(id);
        Trade memory trade = settlement.tradeOf(id);
        bytes32 all = remembered(id);
        // Below its limit when the trade was opened, and nothing but a close changes it.
        vm.assume(before.drawdown <= type(uint128).max);
        if (!close(caller, fill) || !same(id, idOf(fill))) {
            assert(remembered(id) == all);
            return;
        }
        MandateState memory state = settlement.stateOf(id);
        uint256 lost = uint256(before.drawdown) + trade.given;
        assert(!state.trading && state.cancelled == before.cancelled && state.usableFrom == before.usableFrom);
        assert(state.changedAt == block.timestamp);
        assert(state.drawdown == (lost > fill.taken ? lost - fill.taken : 0));
    }

    function barriers(Fill memory fill) private view returns (bool, uint256, uint256, uint256) {
        try settlement.barriersOf(fill.mandate) returns (uint256 takeProfit, uint256 stopLoss, uint256 horizon) {
            return (true, takeProfit, stopLoss, horizon);
        } catch {
            return (false, 0, 0, 0);
        }
    }

    /// @dev Has a counterexample: what the proofs above say of a close that settles, they say of something.
    function reach_a_close_that_settles(address caller, Fill memory fill) external {
        place(fill);
        assert(!close(caller, fill));
    }
}
