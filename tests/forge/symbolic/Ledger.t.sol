// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ISettlement, Mandate, MandateId, MandateState, Side} from "../../../contracts/interfaces/ISettlement.sol";
import {vm} from "../kit/Cheats.sol";
import {Any, svm} from "./Any.sol";

/// @notice An ERC-20 token that keeps to the standard, of any balances and allowances. It takes any permit, or none.
contract AnyToken {
    mapping(address account => uint256) public balanceOf;
    mapping(address account => mapping(address spender => uint256)) public allowance;
    mapping(address owner => uint256) public nonces;
    bool private _permits;

    function permit(address owner, address spender, uint256 amount, uint256, uint8, bytes32, bytes32) external {
        require(_permits);
        nonces[owner] += 1;
        allowance[owner][spender] = amount;
    }

    function transfer(address to, uint256 amount) external returns (bool) {
        balanceOf[msg.sender] -= amount;
        balanceOf[to] += amount;
        return true;
    }

    function transferFrom(address from, address to, uint256 amount) external returns (bool) {
        allowance[from][msg.sender] -= amount;
        balanceOf[from] -= amount;
        balanceOf[to] += amount;
        return true;
    }
}

/// @notice What everything but settlements does to balances, mandates and leaves, from any state.
contract LedgerProof is Any {
    AnyToken private _token;

    function setUp() public override {
        super.setUp();
        _token = new AnyToken();
        svm.enableSymbolicStorage(address(_token));
    }

    function check_withdrawing_ones_own_balance_always_succeeds(address caller, uint256 amount, address receiver)
        external
    {
        uint256 balance = settlement.balanceOf(caller, address(_token));
        uint256 held = _token.balanceOf(address(settlement));
        uint256 before = _token.balanceOf(receiver);
        vm.assume(amount <= balance);
        // The token holds what the ledger owes, and no balance of it exceeds 256 bits.
        vm.assume(amount <= held && before <= type(uint256).max - amount && receiver != address(settlement));
        // The contract refuses to throw tokens away.
        vm.assume(receiver != address(0));
        vm.prank(caller);
        (bool success,) =
            address(settlement).call(abi.encodeCall(ISettlement.withdraw, (address(_token), amount, receiver)));
        assert(success);
        assert(settlement.balanceOf(caller, address(_token)) == balance - amount);
        assert(_token.balanceOf(receiver) == before + amount);
        assert(_token.balanceOf(address(settlement)) == held - amount);
    }

    function check_withdrawing_more_than_ones_own_balance_never_succeeds(
        address caller,
        address token,
        uint256 amount,
        address receiver
    ) external {
        vm.assume(amount > settlement.balanceOf(caller, token));
        vm.prank(caller);
        (bool success,) = address(settlement).call(abi.encodeCall(ISettlement.withdraw, (token, amount, receiver)));
        assert(!success);
    }

    function check_withdraw_lowers_nobody_elses_balance(
        address caller,
        uint256 amount,
        address receiver,
        address account,
        address token
    ) external {
        uint256 before = settlement.balanceOf(account, token);
        vm.prank(caller);
        settlement.withdraw(address(_token), amount, receiver);
        bool own = account == caller && token == address(_token);
        assert(settlement.balanceOf(account, token) == (own ? before - amount : before));
        assert(receiver != address(0));
    }

    function check_deposit_credits_what_arrived_and_lowers_nobodys_balance(
        address caller,
        uint256 amount,
        address onBehalf,
        address account,
        address token
    ) external {
        uint256 before = settlement.balanceOf(account, token);
        uint256 held = _token.balanceOf(address(settlement));
        vm.prank(caller);
        uint256 credited = settlement.deposit(address(_token), amount, onBehalf);
        assert(credited == _token.balanceOf(address(settlement)) - held);
        assert(credited <= amount);
        bool own = account == onBehalf && token == address(_token);
        assert(settlement.balanceOf(account, token) == (own ? before + credited : before));
        assert(settlement.balanceOf(onBehalf, address(_token)) <= type(uint128).max);
    }

    function check_a_deposit_succeeds_exactly_where_the_balance_is_then_within_128_bits(
        address caller,
        uint256 amount,
        address onBehalf
    ) external {
        uint256 before = settlement.balanceOf(onBehalf, address(_token));
        uint256 held = _token.balanceOf(address(settlement));
        // The caller has the tokens and allows them to be taken, and no balance of the token exceeds 256 bits.
        vm.assume(amount <= _token.balanceOf(caller) && amount <= _token.allowance(caller, address(settlement)));
        vm.assume(held <= type(uint256).max - amount && caller != address(settlement) && onBehalf != address(0));
        vm.prank(caller);
        (bool success,) =
            address(settlement).call(abi.encodeCall(ISettlement.deposit, (address(_token), amount, onBehalf)));
        assert(success == (before <= type(uint128).max && amount <= type(uint128).max - before));
    }

    function check_a_permit_deposits_its_owners_tokens_for_its_owner_and_is_used_up_unless_the_owner_calls(
        address caller,
        uint256 amount,
        address owner,
        address account,
        address token
    ) external {
        uint256 before = settlement.balanceOf(account, token);
        uint256 nonce = _token.nonces(owner);
        uint256 had = _token.balanceOf(owner);
        vm.assume(owner != address(settlement));
        vm.prank(caller);
        uint256 credited = settlement.depositWithPermit(address(_token), amount, owner, 0, 0, 0, 0);
        assert(caller == owner || _token.nonces(owner) == nonce + 1);
        assert(credited == amount && _token.balanceOf(owner) == had - amount);
        bool own = account == owner && token == address(_token);
        assert(settlement.balanceOf(account, token) == (own ? before + credited : before));
        assert(settlement.balanceOf(owner, address(_token)) <= type(uint128).max);
    }

    function check_authorize_changes_one_leave_of_the_callers_own(
        address caller,
        address operator,
        bool allowed,
        address account,
        address other
    ) external {
        bool before = settlement.isAuthorized(account, other);
        vm.prank(caller);
        settlement.authorize(operator, allowed);
        bool own = account == caller && other == operator;
        assert(settlement.isAuthorized(account, other) == (own ? allowed : before));
    }

    function check_authorize_create_and_cancel_change_no_balance(
        address caller,
        uint8 what,
        Mandate memory mandate,
        address account,
        address token
    ) external {
        mandate.side = anySide("side");
        uint256 before = settlement.balanceOf(account, token);
        vm.prank(caller);
        if (what == 0) settlement.authorize(account, true);
        else if (what == 1) settlement.create(mandate);
        else settlement.cancel(alone(mandate));
        assert(settlement.balanceOf(account, token) == before);
    }

    function check_releasing_ones_own_open_trade_always_succeeds_and_pays_exactly_what_it_holds(Mandate memory mandate)
        external
    {
        mandate.side = anySide("side");
        address token = tookOf(mandate);
        MandateId id = settlement.idOf(mandate);
        uint256 taken = settlement.tradeOf(id).taken;
        uint256 before = settlement.balanceOf(mandate.owner, token);
        uint160 drawdown = settlement.stateOf(id).drawdown;
        vm.assume(settlement.stateOf(id).trading);
        assumeRoom(mandate.owner, token);
        vm.prank(mandate.owner);
        (bool success, bytes memory answer) = address(settlement).call(abi.encodeCall(ISettlement.release, (mandate)));
        assert(success && abi.decode(answer, (uint256)) == taken);
        assert(settlement.balanceOf(mandate.owner, token) == before + taken);
        MandateState memory state = settlement.stateOf(id);
        assert(!state.trading && state.changedAt == block.timestamp && state.drawdown == drawdown);
    }

    function check_release_is_its_owners_alone_and_only_of_an_open_trade(address caller, Mandate memory mandate)
        external
    {
        mandate.side = anySide("side");
        bool trading = settlement.stateOf(settlement.idOf(mandate)).trading;
        vm.prank(caller);
        (bool success,) = address(settlement).call(abi.encodeCall(ISettlement.release, (mandate)));
        if (success) assert(caller == mandate.owner && trading);
    }

    function check_release_moves_nobody_elses_balance_and_no_other_mandate(
        address caller,
        Mandate memory mandate,
        address account,
        address token,
        MandateId id
    ) external {
        mandate.side = anySide("side");
        MandateId own = settlement.idOf(mandate);
        uint256 before = settlement.balanceOf(account, token);
        bytes32 all = remembered(id);
        MandateState memory state = settlement.stateOf(own);
        bytes32 trade = keccak256(abi.encode(settlement.tradeOf(own)));
        vm.prank(caller);
        settlement.release(mandate);
        bool paid = account == mandate.owner && token == tookOf(mandate);
        assert(paid || settlement.balanceOf(account, token) == before);
        assert(same(id, own) || remembered(id) == all);
        MandateState memory now_ = settlement.stateOf(own);
        assert(now_.usableFrom == state.usableFrom && now_.cancelled == state.cancelled);
        assert(now_.drawdown == state.drawdown && keccak256(abi.encode(settlement.tradeOf(own))) == trade);
    }

    /// @dev And `open` neither: no trade opens in place of another (`OpeningProof`).
    function check_nothing_but_close_and_release_ends_or_changes_what_a_trade_holds(
        address caller,
        uint8 what,
        Mandate memory mandate,
        uint256 amount,
        address account,
        MandateId id
    ) external {
        mandate.side = anySide("side");
        bool trading = settlement.stateOf(id).trading;
        bytes32 trade = keccak256(abi.encode(settlement.tradeOf(id)));
        vm.prank(caller);
        if (what == 0) settlement.authorize(account, true);
        else if (what == 1) settlement.create(mandate);
        else if (what == 2) settlement.cancel(alone(mandate));
        else if (what == 3) settlement.deposit(address(_token), amount, account);
        else if (what == 4) settlement.depositWithPermit(address(_token), amount, account, 0, 0, 0, 0);
        else settlement.withdraw(address(_token), amount, account);
        assert(settlement.stateOf(id).trading == trading);
        assert(keccak256(abi.encode(settlement.tradeOf(id))) == trade);
    }

    function check_only_its_owner_creates_a_mandate_and_only_once(address caller, Mandate memory mandate, MandateId id)
        external
    {
        mandate.side = anySide("side");
        MandateId own = settlement.idOf(mandate);
        MandateState memory state = settlement.stateOf(own);
        bytes32 before = remembered(id);
        vm.prank(caller);
        settlement.create(mandate);
        assert(caller == mandate.owner && state.usableFrom == 0 && !state.cancelled);
        assert(settlement.stateOf(own).usableFrom == block.timestamp);
        assert(same(id, own) || remembered(id) == before);
    }

    function check_what_is_created_does_not_contradict_itself(address caller, Mandate memory mandate) external {
        mandate.side = anySide("side");
        bool long = mandate.side == Side.Long;
        vm.prank(caller);
        settlement.create(mandate);
        assert(mandate.market.base != address(0) && mandate.market.quote != address(0));
        assert(mandate.market.base != mandate.market.quote && address(mandate.market.oracle) != address(0));
        assert(address(mandate.source) != address(0) && mandate.filler != mandate.owner);
        assert(mandate.minConfidenceBps <= 10_000 && mandate.maxSlippageBps < 10_000);
        assert(mandate.ramp <= mandate.maxSignalAge && mandate.horizon != 0);
        uint256 kept = 10_000 - uint256(mandate.maxSlippageBps);
        assert(kept * (10_000 + uint256(mandate.takeProfitBps)) >= 100_010_000);
        assert(kept * (10_000 + uint256(mandate.stopLossBps)) >= 100_010_000);
        assert((long ? mandate.stopLossBps : mandate.takeProfitBps) < 10_000);
        assert(mandate.maxAmount >= 100_000 && mandate.minAmount <= mandate.maxAmount);
        assert(mandate.minPrice <= uint256(type(uint128).max) * 1e36);
        assert(mandate.maxPrice == 0 || (mandate.maxPrice >= 1e9 && mandate.minPrice <= mandate.maxPrice));
        assert(mandate.drawdownLimit != 0 && mandate.expiry > block.timestamp);
    }

    function check_only_its_owner_cancels_a_mandate_and_for_good(address caller, Mandate memory mandate, MandateId id)
        external
    {
        mandate.side = anySide("side");
        MandateId own = settlement.idOf(mandate);
        bytes32 before = remembered(id);
        vm.prank(caller);
        settlement.cancel(alone(mandate));
        assert(caller == mandate.owner);
        assert(settlement.stateOf(own).cancelled);
        assert(same(id, own) || remembered(id) == before);
    }

    /// @dev Have counterexamples: what the proofs above say, they say of something.
    function reach_a_withdrawal(address caller, uint256 amount) external {
        vm.prank(caller);
        settlement.withdraw(address(_token), amount, caller);
        assert(amount == 0);
    }

    function reach_a_deposit(address caller, uint256 amount) external {
        vm.prank(caller);
        assert(settlement.deposit(address(_token), amount, caller) == 0);
    }

    function reach_a_deposit_with_a_permit(address caller, uint256 amount, address owner) external {
        vm.assume(caller != owner);
        vm.prank(caller);
        assert(settlement.depositWithPermit(address(_token), amount, owner, 0, 0, 0, 0) == 0);
    }

    function reach_a_creation(address caller, Mandate memory mandate) external {
        mandate.side = anySide("side");
        vm.prank(caller);
        settlement.create(mandate);
        assert(false);
    }

    function reach_a_release(address caller, Mandate memory mandate) external {
        mandate.side = anySide("side");
        vm.prank(caller);
        assert(settlement.release(mandate) == 0);
    }

    function alone(Mandate memory mandate) private pure returns (Mandate[] memory mandates) {
        mandates = new Mandate[](1);
        mandates[0] = mandate;
    }

    /// @dev What the mandate's trade took, and holds while it is open.
    function tookOf(Mandate memory mandate) private pure returns (address) {
        return mandate.side == Side.Long ? mandate.market.base : mandate.market.quote;
    }
}
